"""The drawings of a run as SVG texts; Matplotlib comes with the extra ``[cli]`` and is imported when needed.

The same run gives the same bytes: fixed ids and no date.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

import numpy as np

from tinygrad_bp.cli.fitting import Epoch, Run

# Okabe & Ito (2008): told apart with any colour vision
COLOURS = ("#0072B2", "#D55E00")
MARKERS = ("o", "^")
SETTINGS = {"svg.hashsalt": "tinygrad_bp", "axes.spines.top": False, "axes.spines.right": False}


def loss_svg(epochs: Sequence[Epoch], best: Epoch, title: str) -> str:
    """Draw the training, validation and held-out loss by epoch, with the epoch that was kept."""
    import matplotlib as mpl  # noqa: PLC0415  # of the extra [cli]
    from matplotlib.figure import Figure  # noqa: PLC0415

    with mpl.rc_context(SETTINGS):  # type: ignore[arg-type]
        figure = Figure(figsize=(7, 4.2), layout="constrained")
        axes = figure.add_subplot()
        number = [e.number for e in epochs]
        axes.plot(number, [e.train_loss for e in epochs], color=COLOURS[0], label="training")
        if epochs[0].validation_loss is not None:
            values = [e.validation_loss for e in epochs]
            axes.plot(number, values, color="#009E73", ls="--", label="validation")  # type: ignore[arg-type]
        axes.plot(number, [e.heldout_loss for e in epochs], color=COLOURS[1], label="held out")
        axes.axvline(best.number, color="#595959", lw=1, ls=":", label=f"kept: epoch {best.number}")
        axes.set(xlabel="epoch", ylabel="log-loss (nats)", title=title, ylim=(0, None))
        axes.legend(frameon=False)
        return _text(figure)


def boundary_svg(run: Run) -> str:
    """Draw the probability of class 1 over two features, with the samples on top."""
    import matplotlib as mpl  # noqa: PLC0415  # of the extra [cli]
    from matplotlib.figure import Figure  # noqa: PLC0415

    table = run.table
    low, high = table.X.min(axis=0), table.X.max(axis=0)
    margin = 0.07 * np.where(high > low, high - low, 1.0)
    sides = [np.linspace(a, b, 161) for a, b in zip(low - margin, high + margin, strict=True)]
    grid = np.stack(np.meshgrid(*sides), axis=-1)
    field = run.classifier.predict_proba(grid.reshape(-1, 2))[:, 1].reshape(grid.shape[:2])
    held = np.zeros(len(table.y), bool)
    held[run.heldout_rows] = True
    with mpl.rc_context(SETTINGS):  # type: ignore[arg-type]
        figure = Figure(figsize=(7, 5), layout="constrained")
        axes = figure.add_subplot()
        levels = np.linspace(0, 1, 21)
        filled = axes.contourf(*sides, field, levels=levels, cmap="PuOr_r", alpha=0.6)
        axes.contour(*sides, field, levels=[0.5], colors="black", linewidths=1.2)
        figure.colorbar(filled, label=f"probability of {table.class_names[1]}", ticks=[0, 0.5, 1])
        for label, (colour, marker) in enumerate(zip(COLOURS, MARKERS, strict=True)):
            for part, edge, note in ((~held, "white", ""), (held, "black", ", held out")):
                rows = (table.y == label) & part
                axes.scatter(  # type: ignore[misc]
                    *table.X[rows].T,
                    c=colour,
                    marker=marker,
                    edgecolors=edge,
                    s=34,
                    linewidths=0.9,
                    label=f"{table.class_names[label]}{note}",
                )
        axes.set(xlabel=table.feature_names[0], ylabel=table.feature_names[1])
        axes.set_title(f"{table.name}: held-out accuracy {run.network.heldout.accuracy:.1%}")
        figure.legend(loc="outside lower center", ncols=4, frameon=False, fontsize="small")
        return _text(figure)


def _text(figure: Any) -> str:
    out = io.StringIO()
    figure.savefig(out, format="svg", metadata={"Date": None})
    return out.getvalue()
