"""Our own layout in the DOT language: with every place given, Graphviz only paints it.

So pixels and PDF, which `dot` makes, do not need a layout of `dot`.
"""

from __future__ import annotations

from collections.abc import Sequence

from tinygrad_bp.formulas.printing import printable
from tinygrad_bp.view.formats import dot
from tinygrad_bp.view.layout import ways
from tinygrad_bp.view.layout.drawing import LINE, MARGIN, DrawnEdge, DrawnNode, fitted, text_width
from tinygrad_bp.view.layout.ranked import Point
from tinygrad_bp.view.picture import palette
from tinygrad_bp.view.picture.records import Picture

OPTIONS = ("-Kneato", "-n2")  # of dot: nodes and edges are as they stand
RING = 8.0  # points that a second ellipse is larger
INCH, POINT = 96.0, 72.0  # pixels, and points, in one
NODE = {"fixedsize": "true", "margin": "0"}
EDGE = {"arrowsize": "0.7", "fontsize": "9"}


def source(view: Picture, width: int | None = None) -> str:
    """Return a picture laid out by this package in the DOT language; a pixel is a point.

    It is at most `width` pixels wide.
    """
    import graphviz  # takes longer to import than the rest of the package

    drawn, notes = fitted(view, width)
    width, height, scale = drawn.scale(notes, width)
    turned = _Turned(height)
    size = f"{width * scale / INCH:.2f},{height * scale / INCH:.2f}"
    graph = {key: dot.GRAPH[key] for key in ("bgcolor", "fontname", "fontsize")}
    graph |= {"bb": f"0,0,{width},{height}", "size": size}
    if notes:
        graph["label"] = "".join(rf"{dot.as_text(line)}\l" for line in notes)
        across = max(map(text_width, notes))
        middle = (MARGIN + across / 2, drawn.height + LINE * (len(notes) / 2 - 1))
        graph |= {"lp": turned.point(middle), "fontcolor": palette.EDGE}
    digraph = graphviz.Digraph("computation", graph_attr=graph)
    digraph.node_attr.update(dot.NODE | NODE)
    digraph.edge_attr.update(dot.EDGE | EDGE)
    for number, box in enumerate(drawn.boxes):
        left, top, right, low = box.where
        title = graphviz.nohtml(dot.as_text(box.title))
        with digraph.subgraph(name=f"cluster_{number}") as part:
            x, y = box.place[0] + text_width(box.title) * 0.4, box.place[1] - 4
            corners = f"{turned.point((left, low))},{turned.point((right, top))}"
            part.attr(label=title, fontsize="10", bb=corners, lp=turned.point((x, y)), **dot.BOX)
    for number, node in enumerate(drawn.nodes):
        digraph.node(f"n{number}", graphviz.nohtml(_label(node)), **turned.node(node))
    for edge in drawn.edges:
        label = graphviz.nohtml(dot.as_text(printable(edge.label)))
        ends = f"n{edge.edge.source}", f"n{edge.edge.target}"
        digraph.edge(*ends, label, **turned.edge(edge))
    text: str = digraph.source
    return text


def _label(node: DrawnNode) -> str:
    return r"\n".join(dot.as_text(line) for line in node.lines)


class _Turned:
    """Coordinates from below, as DOT has them."""

    def __init__(self, height: float) -> None:
        self.height = height

    def point(self, where: Point) -> str:
        return f"{where[0]:.1f},{self.height - where[1]:.1f}"

    def node(self, drawn: DrawnNode) -> dict[str, str]:
        width, height = drawn.size
        look = dot.style(drawn.node.kind)
        if look["shape"] == "doubleoctagon":  # a result, in two ellipses as in SVG
            look |= {"shape": "ellipse", "peripheries": "2"}
            width, height = width - RING, height - RING
        sides = {"width": f"{width / POINT:.3f}", "height": f"{height / POINT:.3f}"}
        return look | NODE | sides | {"pos": self.point(drawn.centre)}

    def edge(self, drawn: DrawnEdge) -> dict[str, str]:
        tip, *_ = corners = ways.head(drawn.way)
        base = ((corners[1][0] + corners[2][0]) / 2, (corners[1][1] + corners[2][1]) / 2)
        curve = " ".join(map(self.point, _curve([*drawn.way[:-1], base])))
        look = dict(dot.LOOP) if drawn.edge.loop else {}
        if drawn.is_back:
            look = {"style": "dashed"}
        if drawn.label:
            look["lp"] = self.point((drawn.place[0], drawn.place[1] - 3))
        return look | {"pos": f"e,{self.point(tip)} {curve}"}


def _curve(way: Sequence[Point]) -> list[Point]:
    """Return the points of the cubic curves along a way, with round corners."""
    points = [way[0]]
    for stretch in ways.stretches(way):
        (a, b), (c, d) = points[-1], stretch[-1]
        if len(stretch) == 1:
            controls = [(a + (c - a) * t, b + (d - b) * t) for t in (1 / 3, 2 / 3)]
        else:  # of a quadratic curve
            x, y = stretch[0]
            controls = [(u + (x - u) * 2 / 3, v + (y - v) * 2 / 3) for u, v in ((a, b), (c, d))]
        points += [*controls, (c, d)]
    return points
