"""``tinygrad-bp explore``: train, and write a page to step through the computation."""

from __future__ import annotations

import argparse
import os
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinygrad_bp.classifier import SigmoidClassifier, sigmoid_network
from tinygrad_bp.cli.arguments import Parser, integer
from tinygrad_bp.cli.console import Console
from tinygrad_bp.cli.draw import computation_of
from tinygrad_bp.cli.exit_codes import DONE
from tinygrad_bp.cli.fitting import divided
from tinygrad_bp.cli.page_files import check_page
from tinygrad_bp.cli.scores import log_loss
from tinygrad_bp.cli.training_options import add_training, settings_of, table_of
from tinygrad_bp.cli.user_functions import add_shapes
from tinygrad_bp.data import Table
from tinygrad_bp.derivations import explain
from tinygrad_bp.engine.modes import no_grad
from tinygrad_bp.engine.scopes import scope
from tinygrad_bp.engine.tensor import Tensor, tensor
from tinygrad_bp.errors import DataError
from tinygrad_bp.files.atomic import atomic_write_text
from tinygrad_bp.nn import Linear, Sequential, bce_with_logits
from tinygrad_bp.nn.state import State
from tinygrad_bp.rules.elementwise.activations import sigmoid
from tinygrad_bp.view import Frame, GraphView, TrainingFrames, graph
from tinygrad_bp.view.picture.records import Section

EXAMPLE = """\
examples:
  tinygrad-bp explore
      train on the bundled penguins, and write explore.html: one page that needs no network
  tinygrad-bp explore --data xor --rows 8 --out xor.html
  tinygrad-bp explore mymodel:loss --focus "dW3[0,2]"
      without a training, the computation of what loss() of mymodel.py returns; one that takes
      arguments needs a --shape 3,4 for each
"""
FILE = (
    "a CSV file with a header line, or module:function: whose result is the computation, without"
    " a training"
)
PAGE = "explore.html"
ROWS = 6  # samples in the computation; as many fit on a screen
FRAMES = 100
SIDE = 28  # points a side of the field in each frame; the page smooths it
POINTS = 200  # samples drawn at most
MARGIN = 0.08  # around the samples, as a share of their spread


@dataclass
class Snapshots:
    """Listens to a training: keeps the parameters of some epochs, evenly, of each start."""

    X: NDArray[np.float64]
    y: NDArray[np.float64]
    starts: dict[int, list[tuple[int, float, float | None, State]]] = field(default_factory=dict)
    stride: int = 1

    def __call__(
        self, epoch: int, loss: float, _validation: float | None, classifier: SigmoidClassifier
    ) -> None:
        """Take the news of one epoch, as `SigmoidClassifier.fit` gives them."""
        if epoch == 1:
            self.stride = 1
        kept = self.starts.setdefault(classifier.start_, [])
        if (epoch - 1) % self.stride:
            return
        heldout = None
        if len(self.X):
            heldout = log_loss(classifier.decision_function(self.X), self.y)
        kept.append((epoch, loss, heldout, classifier.network_.state()))
        if len(kept) > FRAMES:  # half of them: a long training is seen from farther away
            del kept[1::2]
            self.stride *= 2

    def of(self, classifier: SigmoidClassifier) -> list[tuple[int, float, float | None, State]]:
        """Return the snapshots of the start that `classifier` kept."""
        return self.starts[classifier.start_]


def add(parser: Parser) -> None:
    """Add the options."""
    add_training(parser, FILE)
    add_shapes(parser)
    group = parser.add_argument_group("output")
    group.add_argument(
        "--rows",
        metavar="N",
        type=integer(1),
        default=ROWS,
        help=f"samples in the computation that the page steps through (default: {ROWS})",
    )
    group.add_argument(
        "-o",
        "--out",
        metavar="FILE",
        default=PAGE,
        help=f"where to write; must be new (default: {PAGE})",
    )
    group.add_argument(
        "--focus", metavar="NAME", help="where the page opens: W3, its gradient dW3, or dW3[0,2]"
    )
    group.add_argument("--force", action="store_true", help="replace the file named by --out")
    group.add_argument("--quiet", action="store_true", help="print errors only")


def run(options: argparse.Namespace, console: Console) -> int:
    """Carry out the command; return its exit code."""
    path = check_page("--out", options.out, force=options.force)
    if options.file and ":" in options.file and not os.path.lexists(options.file):
        view, code = computation_of(options.file, options.shape, console)
        return _written(path, view, None, options, console, code)
    table = table_of(options)
    if len(table.class_names) != 2:
        has = f"{len(table.class_names)} classes" if table.class_names else "numbers"
        raise DataError(f"explore: the page shows two classes, and the table has {has}")
    train, heldout = divided(table, options.seed)
    classifier = SigmoidClassifier(**settings_of(options), random_state=options.seed)
    snapshots = Snapshots(table.X[heldout], table.y[heldout])
    classifier.fit(table.X[train], table.y[train], on_epoch=snapshots)
    view, section = computation(classifier, table, _few(table, train, options.rows))
    training = frames(classifier, table, snapshots)
    return _written(path, view, training, options, console, section=section)


def _written(
    path: Path,
    view: GraphView,
    training: TrainingFrames | None,
    options: argparse.Namespace,
    console: Console,
    code: int = DONE,
    section: Section | None = None,
) -> int:
    atomic_write_text(path, view.to_html(training, focus=options.focus, section=section))
    size = path.stat().st_size
    console.report(f"written to {options.out}: {len(view.nodes)} nodes, {size / 1024:.0f} KiB")
    return code


def computation(
    classifier: SigmoidClassifier, table: Table, rows: NDArray[np.int64]
) -> tuple[GraphView, Section]:
    """Return the graph of the loss of a few rows, and the derivation of its gradients.

    Its values are X, W1, b1, z1, a1 and so on to the loss.
    """
    network: Sequential = classifier.network_
    X = tensor(classifier.standardize(table.X[rows]))
    y = tensor(table.y[rows, None])
    value: Any = X
    names: dict[str, Tensor] = {}
    number = 0
    for layer in network:
        with scope(f"layer {number + 1}"):
            value = layer(value)
        if isinstance(layer, Linear):
            number += 1
            names[f"W{number}"] = layer.W
            if layer.b is not None:
                names[f"b{number}"] = layer.b
            value.name = f"z{number}"
        else:
            value.name = f"a{number}"
    loss = bce_with_logits(value, y)
    loss.name = "loss"
    view = graph(loss, parameters=names, data={"X": X, "y": y})
    kept = 1 + int(np.argmin(classifier.validation_curve_ or classifier.loss_curve_))
    note = (
        f"{len(rows)} rows of the training part, with the weights of epoch {kept}, which were kept"
    )
    derived = explain(loss, names={"X": X, "y": y, **names})
    return replace(view, notes=(*view.notes, note)), derived.section()


def frames(classifier: SigmoidClassifier, table: Table, snapshots: Snapshots) -> TrainingFrames:
    """Return the training as the page scrubs through it; the field only of two features."""
    sizes = (table.X.shape[1], *classifier.hidden, 1)
    network = sigmoid_network(sizes, rng=0)
    grid, bounds = _grid(table)
    if grid is not None:
        grid = classifier.standardize(grid)
    found = []
    for epoch, loss, heldout, state in snapshots.of(classifier):
        values: tuple[float, ...] = ()
        if grid is not None:
            network.load_state(state)
            with no_grad():
                values = tuple(sigmoid(np.array(network(grid)))[:, 0].tolist())
        named = {_short(name): tuple(array.ravel().tolist()) for name, array in state.items()}
        found.append(Frame(epoch, loss, heldout, named, values))
    shapes = {_short(name): array.shape for name, array in network.state().items()}
    points = slice(None, None, -(-len(table.y) // POINTS))
    two = table.X.shape[1] == 2
    return TrainingFrames(
        tuple(found),
        shapes,
        points=tuple(map(tuple, table.X[points].tolist())) if two else (),
        labels=tuple(table.y[points].astype(int).tolist()) if two else (),
        bounds=bounds,
        side=SIDE if two else 0,
        features=tuple(table.feature_names),
        classes=tuple(table.class_names),
    )


def _few(table: Table, train: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    """Return training rows of both classes in turn."""
    classes = [train[table.y[train] == label] for label in (0, 1)]
    turns = [rows[i] for i in range(count) for rows in classes if i < len(rows)]
    return np.array(turns[:count])


def _grid(table: Table) -> tuple[Any, tuple[float, float, float, float]]:
    """Return the points of the field, from the bottom left, and its edges."""
    if table.X.shape[1] != 2:
        return None, (0.0, 1.0, 0.0, 1.0)
    low, high = table.X.min(axis=0), table.X.max(axis=0)
    margin = MARGIN * np.where(high > low, high - low, 1.0)
    low, high = low - margin, high + margin
    sides = [np.linspace(a, b, SIDE) for a, b in zip(low, high, strict=True)]
    grid = np.stack(np.meshgrid(*sides), axis=-1).reshape(-1, 2)
    return grid, (float(low[0]), float(high[0]), float(low[1]), float(high[1]))


def _short(name: str) -> str:
    """Return ``W2`` for ``layers.2.W``: a sigmoid stands after each layer but the last."""
    _, place, letter = name.split(".")
    return f"{letter}{int(place) // 2 + 1}"
