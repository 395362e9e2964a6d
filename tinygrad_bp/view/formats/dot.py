"""A `Picture` in Graphviz' DOT language, and Graphviz' program ``dot``.

Names come from users and from files.  They are shown and never obeyed: an id is ``n`` and a number,
and whatever DOT would take for markup, a port, an escape or an entity is written so that it is seen
as it stands.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Sequence
from typing import Any

from tinygrad_bp.errors import TinygradError
from tinygrad_bp.formulas.printing import printable, shortened
from tinygrad_bp.view.layout.layering import direction
from tinygrad_bp.view.picture import palette
from tinygrad_bp.view.picture.kinds import KINDS
from tinygrad_bp.view.picture.labels import edge_labels, notes_text
from tinygrad_bp.view.picture.parts import Part, parts
from tinygrad_bp.view.picture.records import Picture
from tinygrad_bp.view.picture.tags import Tagged, tagged

# seconds; the layout of a few thousand nodes takes minutes, and no one could read it
TIMEOUT = 60.0

NOTES = 90  # characters of a line of notes below a picture

GRAPH = {
    "ordering": "in",  # arguments from top to bottom, as the rule takes them
    "nslimit": "10",  # rounds a node: straightening long edges takes minutes without an end
    "nodesep": "0.25",
    "ranksep": "0.45",
    "pad": "0.2",
    "bgcolor": palette.PAPER,
    "fontname": palette.FONT,
    "fontsize": "11",
}
NODE = {
    "fontname": palette.FONT,
    "fontsize": "12",
    "style": "filled",
    "margin": "0.15,0.07",
    "penwidth": "1.2",
}
EDGE = {
    "fontname": palette.FONT,
    "fontsize": "9",
    "color": palette.EDGE,
    "fontcolor": palette.EDGE,
    "arrowsize": "0.7",
}
LOOP = {"class": "loop", "penwidth": "1.6", "color": palette.LOOP, "fontcolor": palette.LOOP}
TAG = {"fontsize": "10", "margin": "0.06,0.03", "width": "0.2", "height": "0.2"}
BOX = {"color": "#9AA5B1", "fontcolor": palette.EDGE}
PART = {"style": "rounded", "margin": "10", "labelloc": "t", "labeljust": "l", **BOX}

__all__ = ["RenderError", "printable", "run", "source"]


class RenderError(TinygradError, RuntimeError):
    """A picture that could not be drawn; the message says what is missing or failed."""


def source(view: Picture) -> str:
    """Return `view` in the DOT language; see `tagged` for what is drawn more than once."""
    drawn = tagged(view)
    view = drawn.view
    import graphviz  # takes longer to import than the rest of the package

    attributes = {"rankdir": direction(view), **GRAPH}
    notes = notes_text(view, NOTES)
    if notes:
        attributes["label"] = "".join(rf"{as_text(line)}\l" for line in notes)
        attributes |= {"labelloc": "b", "labeljust": "l", "fontcolor": palette.EDGE}
    digraph = graphviz.Digraph("computation", graph_attr=attributes, node_attr=NODE, edge_attr=EDGE)
    # without nohtml, <b> would be markup
    _add_parts(digraph, drawn, parts(view), [0], graphviz.nohtml)
    for edge, label in zip(view.edges, edge_labels(view), strict=True):
        style = {"label": graphviz.nohtml(as_text(printable(label)))} if label else {}
        if view.nodes[edge.source].kind == "op":
            style["weight"] = "8"  # draws the main path straight, with the leaves beside it
        if view.nodes[edge.source].phase != view.nodes[edge.target].phase:
            style.update(style="dashed", constraint="false", label="")
        if edge.loop:
            style |= {"constraint": "false", **LOOP}
        digraph.edge(f"n{edge.source}", f"n{edge.target}", **style)
    text: str = digraph.source
    return text


def _add_parts(
    digraph: Any, drawn: Tagged, part: Part, count: list[int], plain: Callable[[str], str]
) -> None:
    for place in part.nodes:
        node = drawn.view.nodes[place]
        label = r"\n".join(as_text(line) for line in drawn.lines(node))
        look = style(node.kind) | (TAG if place in drawn.tags else {})
        digraph.node(f"n{node.id}", label=plain(label), **look)
    for inner in part.parts:  # no deeper than scopes are nested in the source
        count[0] += 1
        with digraph.subgraph(name=f"cluster_{count[0]}") as box:
            box.attr(label=plain(as_text(shortened(inner.title))), **PART, **{"class": "part"})
            _add_parts(box, drawn, inner, count, plain)


def style(kind: str) -> dict[str, str]:
    """Return the attributes of the nodes of a kind."""
    look = KINDS[kind]
    found = {"shape": look.shape, "color": look.border, "fillcolor": look.fill, "class": kind}
    if look.dashed:
        found["style"] = "filled,rounded,dashed"
    if look.thick:
        found["penwidth"] = "3"
    if look.shape == "doubleoctagon":  # roomy by itself
        found["margin"] = "0.05,0.02"
    return found


def as_text(line: str) -> str:
    """Return a printable line as a DOT label shows it: dot reads escapes and entities in all."""
    return line.replace("\\", "\\\\").replace("&", "&amp;")


def run(text: str, form: str, seconds: float | None = None, options: Sequence[str] = ()) -> bytes:
    """Return what ``dot`` makes of a text in the DOT language: ``"svg"``, ``"png"`` or ``"pdf"``.

    Raises
    ------
    RenderError
        If there is no ``dot`` on the PATH, or it fails, or needs longer than `seconds`, by default
        `TIMEOUT`.
    """
    seconds = TIMEOUT if seconds is None else seconds
    program = shutil.which("dot")
    if program is None:
        raise RenderError(
            "Graphviz' program 'dot' is not installed (Debian: apt install graphviz; macOS: brew"
            " install graphviz); the .dot form needs no program"
        )
    sharp = ["-Gdpi=144"] if form == "png" else []
    try:
        done = subprocess.run(  # noqa: S603  # a fixed program, no shell; the graph goes in by stdin
            [program, f"-T{form}", *sharp, *options],
            input=text.encode(),
            capture_output=True,
            timeout=seconds,
            check=True,
        )
    except subprocess.TimeoutExpired as error:
        raise RenderError(
            f"'dot' did not finish in {seconds:g} s; a smaller graph is legible too"
        ) from error
    except subprocess.CalledProcessError as error:
        reason = error.stderr.decode(errors="replace").strip()
        raise RenderError(f"'dot' failed: {reason or f'exit code {error.returncode}'}") from error
    except OSError as error:
        raise RenderError(f"'dot' cannot run: {error}") from error
    return done.stdout
