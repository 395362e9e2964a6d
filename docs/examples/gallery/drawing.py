"""What the scripts of the gallery share: how one is run, and the style of its picture."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure

IMAGES = Path(__file__).parents[2] / "images"
# Okabe & Ito (2008), "Color Universal Design": told apart with any colour vision.
BLUE, RED, GREEN, PINK, AMBER = "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00"
PALE, GREY, INK = "#CFE3F0", "#999999", "#333333"
STYLE = {
    "axes.edgecolor": GREY,
    "axes.grid": True,
    "axes.labelcolor": INK,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlesize": "medium",
    "font.size": 10,
    "grid.color": "#E5E5E5",
    "legend.frameon": False,
    "svg.fonttype": "none",
    "svg.hashsalt": "tinygrad_bp",
}

Learn = Callable[..., tuple[dict[str, float], Any]]


def panels(rows: int, columns: int, size: tuple[float, float], **options: Any) -> tuple[Any, Any]:
    """Return a figure and its axes, in rows and columns."""
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=size, layout="constrained")
        return figure, figure.subplots(rows, columns, squeeze=False, **options)


def save(figure: Any, path: Path) -> None:
    """Write a figure as SVG; the same figure gives the same file."""
    with mpl.rc_context(STYLE):
        figure.savefig(path, format="svg", metadata={"Date": None})


def run(
    name: str,
    learn: Learn,
    picture: Callable[[Any], Any],
    short: Mapping[str, Any],
    full: Mapping[str, Any],
) -> None:
    """Run a script of the gallery: print what it measures, and draw its picture."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--short", action="store_true", help="a few seconds, and a worse result")
    parser.add_argument("--picture", type=Path, default=IMAGES / f"gallery-{name}.svg")
    chosen = parser.parse_args()
    drawn: list[Any] = []

    def measured() -> dict[str, float]:
        numbers, found = learn(**(short if chosen.short else full))
        drawn.append(found)
        return numbers

    report(measured)
    save(picture(drawn[0]), chosen.picture)


def report(measure: Callable[[], dict[str, float]]) -> None:
    """Print what was measured, and the time of the processor that it took."""
    start = time.process_time()
    numbers = measure()
    numbers["seconds"] = time.process_time() - start
    for what, number in numbers.items():
        print(f"{what}: {number:.4g}")
