"""The files of a run: the model, its history, and the pictures that can be drawn here."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from tinygrad_bp.classifier import SigmoidRegressor
from tinygrad_bp.cli.fitting import Run
from tinygrad_bp.cli.interrupts import Interrupts
from tinygrad_bp.cli.run_folder import (
    BOUNDARY,
    GRAPH,
    GRAPH_SOURCE,
    HISTORY,
    LOSS,
    MODEL,
    REPORT,
)
from tinygrad_bp.cli.saved_model import save_model
from tinygrad_bp.cli.training_page import training_page
from tinygrad_bp.engine.tensor import Tensor, tensor
from tinygrad_bp.files.atomic import atomic_write_text
from tinygrad_bp.nn import bce_with_logits, cross_entropy, mse
from tinygrad_bp.view import GraphView, graph
from tinygrad_bp.view.formats import pictures

READABLE = 300  # nodes of a graph; beyond it the layout takes minutes and shows nothing


def write_outputs(
    run: Run, folder: Path, interrupts: Interrupts, *, report: bool = False
) -> list[str]:
    """Write every output of a run into a folder.

    Parameters
    ----------
    run : Run
    folder : Path
        Empty.
    interrupts : Interrupts
        A request to stop costs the pictures not yet drawn, never the model.
    report : bool, default False
        Whether to write the page of the training too.

    Returns
    -------
    list of str
        What was not drawn, or otherwise than elsewhere, and why.

    Raises
    ------
    OSError
        If a file cannot be written.
    """
    save_model(folder / MODEL, run.model, run.table)
    atomic_write_text(folder / HISTORY, _history(run))
    notes = []
    drawn = [(LOSS, _draw_loss), (BOUNDARY, _draw_boundary), (GRAPH, _draw_graph)]
    drawn += [(REPORT, _write_page)] if report else []
    for name, draw in drawn:
        if run.interrupted or interrupts.requested:
            notes.append(f"{name} not drawn: interrupted")
        else:
            notes.extend(_attempt(name, draw, run, folder))
    return notes


def loss_graph(run: Run) -> GraphView:
    """Return the graph of the training loss, from the training rows to the one number.

    Inputs and targets are tracked too, so that they are seen; the layers are called ``hidden1``,
    ``hidden2``, ... and ``output``.
    """
    model, rows = run.model, run.train_rows
    X = tensor(model.standardize(run.table.X[rows]), requires_grad=True, name="X")
    data = {"X": X}
    if len(run.table.class_names) > 2:
        loss = cross_entropy(model.network_(X), run.table.y[rows].astype(int))
    else:
        given = run.table.y[rows, None]
        if isinstance(model, SigmoidRegressor):
            given = (given - model.target_mean_) / model.target_scale_
        data["y"] = y = tensor(given, requires_grad=True, name="y")
        loss = (bce_with_logits if run.table.class_names else mse)(model.network_(X), y)
    loss.name = "loss"
    return graph(loss, parameters=_layer_names(run), data=data)


def _attempt(
    name: str, draw: Callable[[Run, Path], list[str]], run: Run, folder: Path
) -> list[str]:
    try:
        return draw(run, folder)
    except ImportError:
        return [f"{name} not drawn: it needs Matplotlib (pip install 'tinygrad-bp[cli]')"]
    except OSError:  # the disk is full: nothing of the run can stay
        raise
    except Exception as error:  # noqa: BLE001  # a picture must never cost the trained model
        return [f"{name} not drawn: {type(error).__name__}: {error!s:.200}"]


def _draw_loss(run: Run, folder: Path) -> list[str]:
    from tinygrad_bp.cli.plots import loss_svg  # now, not above: Matplotlib may be absent

    atomic_write_text(folder / LOSS, loss_svg(run))
    return []


def _draw_boundary(run: Run, folder: Path) -> list[str]:
    features = run.table.X.shape[1]
    if features != 2:
        return [f"{BOUNDARY} not drawn: it shows two features, the table has {features}"]
    classes = len(run.table.class_names)
    if classes != 2:
        has = f"the table has {classes}" if classes else "a number has none"
        return [f"{BOUNDARY} not drawn: it shows two classes, {has}"]
    from tinygrad_bp.cli.plots import boundary_svg, is_drawable

    if not is_drawable(run.table.X):
        return [f"{BOUNDARY} not drawn: the numbers are too large or too close for an axis"]
    atomic_write_text(folder / BOUNDARY, boundary_svg(run))
    return []


def _draw_graph(run: Run, folder: Path) -> list[str]:
    view = loss_graph(run)
    if len(view.nodes) <= READABLE:
        atomic_write_text(folder / GRAPH, view.to_svg())
        told = f"{GRAPH} laid out without Graphviz: no program 'dot' here"
        return [] if pictures.has_dot() else [told]
    atomic_write_text(folder / GRAPH_SOURCE, view.to_dot())
    why = f"{len(view.nodes)} nodes are too many to lay out"
    return [f"{GRAPH} not drawn: {why}; the graph is in {GRAPH_SOURCE}"]


def _write_page(run: Run, folder: Path) -> list[str]:
    atomic_write_text(folder / REPORT, training_page(run))
    return []


def _layer_names(run: Run) -> dict[str, Tensor]:
    """Call the parameters after their layers: ``layers.0.W`` becomes ``hidden1.W``."""
    last = 2 * len(run.model.hidden)  # a sigmoid stands after each layer but the last

    def renamed(match: re.Match[str]) -> str:
        place = int(match[1])
        return "output." if place == last else f"hidden{place // 2 + 1}."

    named = run.model.network_.named_parameters()
    return {re.sub(r"^layers\.(\d+)\.", renamed, name): value for name, value in named}


def _history(run: Run) -> str:
    lines = ["epoch,train_loss,validation_loss,heldout_loss"]
    for epoch in run.epochs:
        validation = "" if epoch.validation_loss is None else repr(epoch.validation_loss)
        heldout = "" if epoch.heldout_loss is None else repr(epoch.heldout_loss)
        lines.append(f"{epoch.number},{epoch.train_loss!r},{validation},{heldout}")
    return "\n".join(lines) + "\n"
