"""The drawings of a run as SVG texts, by Matplotlib; it comes with the extra ``[cli]``.

The same run gives the same bytes: fixed ids, no date, and none of the user's own settings.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter, StrMethodFormatter
from numpy.typing import NDArray

from tinygrad_bp.cli.fitting import Run
from tinygrad_bp.cli.report import layers
from tinygrad_bp.formulas.printing import shortened
from tinygrad_bp.rules.elementwise.activations import sigmoid
from tinygrad_bp.training.curves import svg_text

# Okabe & Ito (2008), "Color Universal Design": told apart with any colour vision.
BLUE, GREEN, VERMILLION, GREY = "#0072B2", "#009E73", "#D55E00", "#595959"
CLASSES = ((BLUE, "o"), (VERMILLION, "^"))
# Tints of the colours of the classes; white is where the network does not know.
FIELD = LinearSegmentedColormap.from_list("probability", ["#A6D0EB", "#FFFFFF", "#F5C6A5"])
SETTINGS: Any = {
    "axes.edgecolor": GREY,
    "axes.labelcolor": "#262626",
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlelocation": "left",
    "axes.titlepad": 12,
    "font.size": 11,
    "legend.frameon": False,
    "text.parse_math": False,  # a name with dollar signs is a name
    "xtick.color": GREY,
    "ytick.color": GREY,
}
SIZE = (7.0, 5.0)  # inches
NAME_LENGTH = 24  # characters of a class name in a legend
SHORT_NAMES = 22  # characters of both class names that leave room for one row of the legend
LABEL_LENGTH = 40  # characters of an axis label
TITLE_LENGTH = 40  # characters of a table's name
FLOOR = 1e-6  # nats; a loss below it is drawn there
GRID = 301  # points a side at which the probability is computed
POINTS = 2000  # samples drawn at most: more make a file that no viewer opens, and a solid blot
LARGEST = 1e150  # beyond it Matplotlib's squares overflow
FINEST = 1e-9  # span of an axis by the size of its numbers; below it the ticks are all alike
UNITS = re.compile(r"(.+)_(mm|cm|km|mg|kg|ml)")


def loss_svg(run: Run) -> str:
    """Draw the training, validation and held-out loss by epoch, and the epoch that was kept."""
    number = [epoch.number for epoch in run.epochs]
    curves: list[tuple[str, str, str, list[float]]] = [
        ("training", BLUE, "-", [e.train_loss for e in run.epochs]),
    ]
    held = [e.heldout_loss for e in run.epochs if e.heldout_loss is not None]
    if held:
        curves.append(("held out", VERMILLION, "-", held))
    validation = [e.validation_loss for e in run.epochs if e.validation_loss is not None]
    if validation:
        curves.insert(1, ("validation", GREEN, "--", validation))
    with _style():
        figure = Figure(figsize=SIZE, layout="constrained")
        axes = figure.add_subplot()
        for label, colour, line, values in curves:
            shown = np.maximum(values, FLOOR)
            marker = "o" if len(number) == 1 else ""  # a line needs two points
            axes.plot(number, shown, line, marker=marker, color=colour, lw=1.8, label=label)
        best = run.best
        axes.axvline(best.number, color=GREY, lw=1.2, ls=":", label=f"kept: epoch {best.number}")
        axes.set_yscale("log")
        _plain_ticks(axes.yaxis)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.grid(axis="y", color="#E5E5E5", lw=0.8)
        axes.set_axisbelow(True)
        axes.set(xlabel="epoch", ylabel=run.judge.curve)
        axes.set_title(f"{_table_name(run)}: {layers(run)} network, loss by epoch")
        figure.legend(loc="outside lower center", ncols=4)
        return svg_text(figure)


def is_drawable(X: NDArray[np.float64]) -> bool:
    """Return whether both features of `X` (m, 2) can be drawn on an axis of ordinary numbers."""
    low, high = X.min(axis=0), X.max(axis=0)
    size = np.maximum(-low, high)
    apart = (high == low) | (high - low > FINEST * size)
    return bool((size < LARGEST).all() and apart.all())


def boundary_svg(run: Run) -> str:
    """Draw the probability of class 1 of two over two features, with the samples on top."""
    table = run.table
    low, high = table.X.min(axis=0), table.X.max(axis=0)
    margin = 0.06 * np.where(high > low, high - low, 1.0 + np.abs(high))
    low, high = low - margin, high + margin
    sides = [np.linspace(a, b, GRID) for a, b in zip(low, high, strict=True)]
    grid = np.stack(np.meshgrid(*sides), axis=-1).reshape(-1, 2)
    logits = run.judge.outputs(run.model, grid)
    field = np.array(sigmoid(logits)).reshape(GRID, GRID)
    with _style():
        figure = Figure(figsize=SIZE, layout="constrained")
        axes = figure.add_subplot()
        _draw_field(figure, axes, sides, field, f"probability of {_class_names(run)[1]}")
        _draw_samples(axes, run)
        axes.set(xlim=(low[0], high[0]), ylim=(low[1], high[1]))
        x, y = map(_axis_label, table.feature_names)
        axes.set(xlabel=x, ylabel=y)
        which = "accuracy" if run.network.heldout is None else "held-out accuracy"
        accuracy = f"{which} {run.network.best.quality:.1%}"
        axes.set_title(f"{_table_name(run)}: {layers(run)} network, {accuracy}")
        columns = 4 if sum(map(len, _class_names(run))) <= SHORT_NAMES else 2
        legend = figure.legend(handles=_legend(run), loc="outside lower center", ncols=columns)
        if _stride(run) > 1:
            legend.set_title(f"one row in {_stride(run)} is shown")
        return svg_text(figure)


def _draw_field(figure: Any, axes: Any, sides: Any, field: Any, label: str) -> None:
    x, y = sides
    image = axes.imshow(
        field,
        extent=(x[0], x[-1], y[0], y[-1]),
        origin="lower",
        aspect="auto",
        cmap=FIELD,
        vmin=0.0,
        vmax=1.0,
        interpolation="none",  # the viewer scales it: so many points look smooth
    )
    inside = [level for level in (0.1, 0.5, 0.9) if field.min() < level < field.max()]
    if inside:
        styles = {0.1: (0.9, ":"), 0.5: (1.6, "-"), 0.9: (0.9, ":")}
        widths, lines = zip(*(styles[level] for level in inside), strict=True)
        axes.contour(x, y, field, inside, colors="#262626", linewidths=widths, linestyles=lines)
    bar = figure.colorbar(image, label=label, ticks=[0.0, 0.1, 0.5, 0.9, 1.0], shrink=0.9)
    bar.solids.set_rasterized(True)
    bar.outline.set_visible(False)


def _draw_samples(axes: Any, run: Run) -> None:
    table = run.table
    heldout = np.zeros(len(table.y), dtype=bool)
    heldout[run.heldout_rows] = True
    drawn = np.zeros(len(table.y), dtype=bool)
    drawn[:: _stride(run)] = True
    for label, (colour, marker) in enumerate(CLASSES):
        for part, edge in ((~heldout, "white"), (heldout, "black")):
            rows = (table.y == label) & part & drawn
            points = table.X[rows].T
            axes.scatter(*points, c=colour, marker=marker, edgecolors=edge, s=36, linewidths=0.9)


def _stride(run: Run) -> int:
    return -(-len(run.table.y) // POINTS)


def _legend(run: Run) -> list[Line2D]:
    handles = []
    for name, (colour, marker) in zip(_class_names(run), CLASSES, strict=True):
        for edge, note in (("white", ""), ("black", ", held out")):
            handle = Line2D([], [], ls="none", marker=marker, markersize=7, color=colour)
            handle.set(markeredgecolor=edge, label=f"{name}{note}")
            handles.append(handle)
    return handles


def _plain_ticks(axis: Any) -> None:
    """Write 0.05, not 5·10⁻²; label 1, 2 and 5 of a decade if there are few, else the decades."""
    low, high = axis.get_view_interval()
    subs = (1.0, 2.0, 5.0) if high < 300 * low else (1.0,)
    axis.set_major_locator(LogLocator(subs=subs))
    axis.set_major_formatter(StrMethodFormatter("{x:g}"))
    axis.set_minor_formatter(NullFormatter())


def _class_names(run: Run) -> list[str]:
    return [shortened(name, NAME_LENGTH) for name in run.table.class_names]


def _table_name(run: Run) -> str:
    return shortened(run.table.name, TITLE_LENGTH)


def _axis_label(name: str) -> str:
    """Return a column's name with its unit set apart: ``bill_length_mm`` is a length in mm."""
    match = UNITS.fullmatch(name)
    if not match:
        return shortened(name, LABEL_LENGTH)
    return f"{shortened(match[1].replace('_', ' '), LABEL_LENGTH)} ({match[2]})"


@contextmanager
def _style() -> Iterator[None]:
    with mpl.rc_context(), warnings.catch_warnings():
        # the viewer's fonts draw the text: that Matplotlib's own lacks a character does no harm
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        mpl.rcdefaults()  # the same picture whatever the user's matplotlibrc says
        mpl.rcParams.update(SETTINGS)
        yield
