"""Curves of numbers by epoch, by Matplotlib; it comes with the extra ``[cli]``."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import Any

try:
    import matplotlib as mpl
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator
except ImportError as error:
    raise ImportError(
        "plot needs Matplotlib: install the extra, as in pip install 'tinygrad-bp[cli]'"
    ) from error

# Okabe & Ito (2008), "Color Universal Design": told apart with any colour vision.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
SIZE = (7.0, 4.0)  # inches


def drawn(columns: Mapping[str, Sequence[float]]) -> Figure:
    """Draw losses over a logarithmic axis where that fits, and other numbers below them.

    Parameters
    ----------
    columns : mapping of str to sequence of float
        Values after each epoch.

    Returns
    -------
    Figure
    """
    losses = {name: values for name, values in columns.items() if name.endswith("loss")}
    others = {name: values for name, values in columns.items() if name not in losses}
    groups = [group for group in (losses, others) if group]
    figure = Figure(figsize=(SIZE[0], SIZE[1] * max(len(groups), 1)), layout="constrained")
    for place, group in enumerate(groups, 1):
        axes = figure.add_subplot(len(groups), 1, place)
        for i, (name, values) in enumerate(group.items()):
            epochs = range(1, len(values) + 1)
            marker = "o" if len(values) == 1 else ""  # a line needs two points
            colour = COLOURS[i % len(COLOURS)]
            axes.plot(epochs, values, marker=marker, color=colour, label=name.replace("_", " "))
        if group is losses and all(value > 0 for values in group.values() for value in values):
            axes.set_yscale("log")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.grid(axis="y", color="#E5E5E5", linewidth=0.8)
        axes.set(xlabel="epoch")
        axes.legend(frameon=False)
    return figure


def svg_text(figure: Any) -> str:
    """Return a figure as SVG; the same figure gives the same text."""
    out = io.StringIO()
    # text stays text: searchable, and in a script that the viewer has
    with mpl.rc_context({"svg.hashsalt": "tinygrad_bp", "svg.fonttype": "none"}):
        figure.savefig(out, format="svg", metadata={"Date": None})
    return out.getvalue()
