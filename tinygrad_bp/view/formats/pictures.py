"""What lays a picture out: the program ``dot``, if there and quick, or else this package."""

from __future__ import annotations

import math
import re
import shutil
from dataclasses import replace

from tinygrad_bp.view.formats import dot, placed
from tinygrad_bp.view.formats import svg as own
from tinygrad_bp.view.formats.dot import RenderError
from tinygrad_bp.view.layout.layering import PAGE, SLACK
from tinygrad_bp.view.picture import palette
from tinygrad_bp.view.picture.records import Picture

ENGINES = ("dot", "own")
A4 = 794 * 1123  # pixels
PAGES = 1.5  # that a drawing of dot's may take up
POINT = 4 / 3  # pixels
WIDEST = PAGE * SLACK * POINT  # pixels: dot's letters are of 12 points, ours of 12 pixels
QUICK = 2.0  # seconds that dot is given where our own layout can take over


def has_dot() -> bool:
    """Return whether there is a program ``dot`` here."""
    return shutil.which("dot") is not None


def svg(view: Picture, engine: str | None = None, width: int | None = None) -> str:
    """Return a picture as SVG; a comment says what laid it out.  See `GraphView.to_svg`."""
    if engine not in (None, *ENGINES):
        raise ValueError(f"to_svg: engine={engine!r}; expected one of {', '.join(ENGINES)}")
    if engine == "dot":
        if width is not None:
            raise ValueError("to_svg: 'dot' takes no width; leave out engine=, or the width")
        return _by_dot(view, dot.TIMEOUT)
    if engine == "own" or width is not None or not has_dot():
        return _by_us(view, width)
    drawn, reason = _by_dot_or_why_not(view)
    return _by_us(_said(view, reason)) if reason else drawn


def pixels(view: Picture, form: str, width: int | None = None) -> bytes:
    """Return a picture as ``"png"`` or ``"pdf"``, which ``dot`` paints, whatever has laid it out.

    Raises
    ------
    RenderError
        If there is no ``dot``, or it fails.
    """
    reason = _by_dot_or_why_not(view)[1] if has_dot() and width is None else ""
    if reason or width is not None:
        view = _said(view, reason) if reason else view
        return dot.run(placed.source(view, width), form, options=placed.OPTIONS)
    return dot.run(dot.source(view), form)


def _by_dot_or_why_not(view: Picture) -> tuple[str, str]:
    """Return what ``dot`` draws, and "" or why this package is to lay the picture out."""
    try:
        drawn = _by_dot(view, QUICK)
    except RenderError as error:
        return "", str(error)
    width, height = _sides(drawn)
    pages = width * height / A4
    reason = f"'dot' needs {pages:.1f} pages" if pages > PAGES else ""
    if not reason and width > WIDEST:
        reason = f"'dot' needs {width / (PAGE * POINT):.1f} times the width of a page"
    better = reason and math.prod(_sides(own.source(view))) < width * height
    return drawn, reason if better else ""


def _said(view: Picture, reason: str) -> Picture:
    return replace(view, notes=(*view.notes, f"laid out by tinygrad_bp: {reason}"))


def _by_us(view: Picture, width: int | None = None) -> str:
    return _told(own.source(view, width), "the layered layout of tinygrad_bp")


def _sides(drawn: str) -> tuple[float, float]:
    """Return width and height of a drawing in pixels; Graphviz counts in points."""
    start = drawn.index("<svg")
    opening = drawn[start : drawn.index(">", start)]
    found = re.findall(r'\b(?:width|height)="([\d.]+)(pt)?"', opening)
    width, height = (float(number) * (POINT if unit else 1) for number, unit in found)
    return width, height


def _by_dot(view: Picture, seconds: float) -> str:
    drawn = dot.run(dot.source(view), "svg", seconds).decode()
    return _told(_darkened(drawn), "Graphviz' program dot")


def _told(text: str, engine: str) -> str:
    comment = f"<!-- laid out by {engine} -->\n"
    start = text.index("<svg")
    return text[:start] + comment + text[start:]


def _darkened(text: str) -> str:
    """Add to Graphviz' SVG what turns it dark on a dark screen."""
    style = f"<style>{palette.svg_style()}</style>\n"
    return re.sub(r"(<svg\b[^>]*>)", lambda opening: f"{opening[1]}\n{style}", text, count=1)
