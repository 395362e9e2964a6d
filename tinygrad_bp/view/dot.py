"""A `GraphView` in Graphviz' DOT language, and laid out as SVG by Graphviz' program ``dot``.

Names come from users and from files.  They are shown and never obeyed: an id is ``n`` and a number,
and whatever DOT or SVG would take for markup, a port, an escape or an entity is written so that it
is seen as it stands.
"""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING

from tinygrad_bp.errors import TinygradError

if TYPE_CHECKING:
    from tinygrad_bp.view.graph_view import EdgeView, GraphView, NodeView

# seconds; the layout of a few thousand nodes takes minutes, and no one could read it
TIMEOUT = 60.0
NAME_LENGTH = 40  # characters of a name in a label

# Okabe & Ito (2008), "Color Universal Design": told apart with any colour vision.  Fills are tints
# of the borders, light enough for black text; each kind has its own outline too, for print in grey.
STYLES: dict[str, dict[str, str]] = {
    "leaf": {"shape": "note", "color": "#0072B2", "fillcolor": "#D6E9F5"},
    "parameter": {"shape": "box", "color": "#009E73", "fillcolor": "#D4EFE6"},
    "op": {"shape": "ellipse", "color": "#595959", "fillcolor": "#FFFFFF"},
    "output": {
        "shape": "doubleoctagon",
        "color": "#D55E00",
        "fillcolor": "#FCE3D2",
        "margin": "0.05,0.02",
    },
}
# The order of their arguments says nothing.
COMMUTATIVE = {"add", "multiply", "maximum", "minimum", "fmax", "fmin", "hypot", "logaddexp"}
GRAPH = {
    "rankdir": "LR",
    "ordering": "in",  # arguments from top to bottom, as the rule takes them
    "nodesep": "0.25",
    "ranksep": "0.45",
    "pad": "0.2",
    "bgcolor": "white",
}
NODE = {
    "fontname": "Helvetica,Arial,sans-serif",
    "fontsize": "12",
    "style": "filled",
    "margin": "0.15,0.07",
    "penwidth": "1.2",
}
EDGE = {
    "fontname": "Helvetica,Arial,sans-serif",
    "fontsize": "9",
    "color": "#595959",
    "fontcolor": "#595959",
    "arrowsize": "0.7",
}


class RenderError(TinygradError, RuntimeError):
    """A picture that could not be drawn; the message says what is missing or failed."""


def source(view: GraphView) -> str:
    """Return `view` in the DOT language.

    Parameters
    ----------
    view : GraphView

    Returns
    -------
    str
    """
    import graphviz  # noqa: PLC0415  # takes longer to import than the rest of the package

    digraph = graphviz.Digraph("computation", graph_attr=GRAPH, node_attr=NODE, edge_attr=EDGE)
    for node in view.nodes:
        # never markup: that would have to end with >, and the last line is a shape
        label = r"\n".join(_as_text(line) for line in _lines(node))
        digraph.node(f"n{node.id}", label=label, **STYLES[node.kind])
    for edge, label in zip(view.edges, _edge_labels(view), strict=True):
        style = {"label": label} if label else {}
        if view.nodes[edge.source].kind == "op":
            style["weight"] = "8"  # draws the main path straight, with the leaves beside it
        digraph.edge(f"n{edge.source}", f"n{edge.target}", **style)
    text: str = digraph.source
    return text


def svg(text: str) -> str:
    """Lay out a graph in the DOT language with the program ``dot``.

    Parameters
    ----------
    text : str

    Returns
    -------
    str
        An SVG document.

    Raises
    ------
    RenderError
        If there is no ``dot`` on the PATH, or it fails, or needs longer than `TIMEOUT`.
    """
    program = shutil.which("dot")
    if program is None:
        raise RenderError(
            "Graphviz' program 'dot' is not installed (Debian: apt install graphviz; macOS: brew"
            " install graphviz); the .dot form needs no program"
        )
    try:
        done = subprocess.run(  # noqa: S603  # a fixed program, no shell; the graph goes in by stdin
            [program, "-Tsvg"],
            input=text.encode(),
            capture_output=True,
            timeout=TIMEOUT,
            check=True,
        )
    except subprocess.TimeoutExpired as error:
        raise RenderError(
            f"'dot' did not finish in {TIMEOUT:g} s; a smaller graph is legible too"
        ) from error
    except subprocess.CalledProcessError as error:
        reason = error.stderr.decode(errors="replace").strip()
        raise RenderError(f"'dot' failed: {reason or f'exit code {error.returncode}'}") from error
    except OSError as error:
        raise RenderError(f"'dot' cannot run: {error}") from error
    return done.stdout.decode()


def printable(text: str) -> str:
    """Return `text` with control characters, half characters and invisible ones as visible escapes.

    Parameters
    ----------
    text : str

    Returns
    -------
    str
        Every character of it is printable, and can be written as UTF-8 and as XML.
    """
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


def _lines(node: NodeView) -> list[str]:
    shape = "×".join(map(str, node.shape)) or "scalar"
    # float64 is NumPy's default: only what differs is worth ink
    size = shape if node.dtype == "float64" else f"{shape} {node.dtype}"
    name = printable(node.name or "")
    if len(name) > NAME_LENGTH:
        name = name[: NAME_LENGTH - 1] + "…"
    if node.kind in ("leaf", "parameter"):
        return [name or node.op, size]
    return [*([name] if name else []), node.op, size]


def _as_text(line: str) -> str:
    # dot reads backslash escapes and HTML entities in every label
    return line.replace("\\", "\\\\").replace("&", "&amp;")


def _edge_labels(view: GraphView) -> list[str]:
    """Say which argument an edge is, where that could be mistaken: labels cost more than they tell.

    A leaf called ``hidden1.W`` that is the argument ``W`` says so itself, and where all but one of
    the arguments do, so does the last.
    """
    unclear: dict[int, int] = {}
    told = []
    for edge in view.edges:
        name = view.nodes[edge.source].name or ""
        told.append(edge.argument is not None and name.rpartition(".")[2] == edge.argument)
        unclear[edge.target] = unclear.get(edge.target, 0) + (not told[-1])
    commutes = [node.op in COMMUTATIVE for node in view.nodes]
    return [
        "" if is_told or unclear[edge.target] == 1 or commutes[edge.target] else _label_of(edge)
        for edge, is_told in zip(view.edges, told, strict=True)
    ]


def _label_of(edge: EdgeView) -> str:
    return str(edge.position) if edge.argument is None else edge.argument
