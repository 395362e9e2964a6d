"""A `Picture` as SVG by the layout of this package: a picture on a machine without Graphviz."""

from __future__ import annotations

import html
from collections.abc import Iterator

from tinygrad_bp.formulas.printing import printable
from tinygrad_bp.view.layout import ways
from tinygrad_bp.view.layout.drawing import (
    LINE,
    MARGIN,
    Drawing,
    DrawnBox,
    DrawnEdge,
    DrawnNode,
    fitted,
)
from tinygrad_bp.view.layout.ranked import Point
from tinygrad_bp.view.picture import palette
from tinygrad_bp.view.picture.kinds import KINDS, MARK
from tinygrad_bp.view.picture.records import Picture

LOWER = {"cylinder": 8.0, "folder": 7.5}  # pixels that a text stands lower, below a lid; else 4
CUT, RIM = 9.0, 5.0  # pixels of a corner that is cut, and of a cylinder's lid; less in an icon
MARKED = f'<g class="{MARK}">'  # what a drawing with marks holds
STYLE = (
    f"text{{font:12px {palette.FONT};fill:{palette.TEXT};text-anchor:middle}}"
    f".edge text,.cluster text{{fill:{palette.EDGE};stroke:{palette.PAPER};stroke-width:3px;"
    f"paint-order:stroke}}.edge text{{font-size:9px}}"
    f".note{{font-size:11px;text-anchor:start;fill:{palette.EDGE}}}"
    f".cluster path{{fill:none;stroke:#9AA5B1}}.cluster text{{font-size:10px;text-anchor:start}}"
    f".edge path{{fill:none;stroke:{palette.EDGE}}}.edge polygon{{fill:{palette.EDGE}}}"
    f".loop path{{stroke:{palette.LOOP};stroke-width:1.6px}}"
    f".loop polygon,.loop text{{fill:{palette.LOOP}}}"
    + ",".join([*(f".{kind} path" for kind, look in KINDS.items() if look.dashed), ".back path"])
    + "{stroke-dasharray:4 3}"
    + "".join(
        f".{kind} path{{fill:{look.fill};stroke:{look.border};stroke-width:1.2px}}"
        for kind, look in KINDS.items()
    )
    + "".join(f".{kind} path{{stroke-width:3px}}" for kind, look in KINDS.items() if look.thick)
)


def in_page(drawn: Drawing) -> str:
    """Return a drawing as an SVG element for a page that has its colours.

    Its edges have the ids that they join.
    """
    width, height = drawn.width, drawn.height
    return (
        f'<svg width="{width}" height="{height}" viewBox="0 0 {width} {height}" role="img"'
        ' aria-label="the graph of the computation">\n'
        + "\n".join(_body(drawn, names=True))
        + "\n</svg>"
    )


def source(view: Picture, width: int | None = None) -> str:
    """Return `view`, of a few hundred nodes, as an SVG document of at most `width` pixels."""
    drawn, notes = fitted(view, width)
    body = [*_body(drawn, names=False)]
    body += [
        f'<text class="note" x="{MARGIN:g}" y="{drawn.height + LINE * i:g}">{as_text(line)}</text>'
        for i, line in enumerate(notes)
    ]
    width, height, scale = drawn.scale(notes, width)
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{round(width * scale)}"'
        f' height="{round(height * scale)}"'
        f' viewBox="0 0 {width} {height}" role="img">\n<title>computation</title>\n'
        f"<style>{STYLE}{palette.svg_style('path')}</style>\n"
        f'<rect class="paper" width="{width}" height="{height}" fill="{palette.PAPER}"/>\n'
        + "\n".join(body)
        + "\n</svg>\n"
    )


def _body(drawn: Drawing, *, names: bool) -> Iterator[str]:
    for edge in drawn.edges:
        yield from _edge(edge, names=names)
    for box in drawn.boxes:  # over edges: a title that one has to cross can be read
        yield from _box(box)
    for node in drawn.nodes:
        yield from _node(node)


def as_text(line: str) -> str:
    """Return a text as XML shows it; control characters become visible first."""
    return html.escape(printable(line))


def _box(box: DrawnBox) -> Iterator[str]:
    left, top, right, low = box.where
    border = f"M{left:.1f},{top:.1f} H{right:.1f} V{low:.1f} H{left:.1f} Z"
    yield f'<g class="cluster"><path d="{border}"/>'
    x, y = box.place
    yield f'<text x="{x:.1f}" y="{y:.1f}">{as_text(box.title)}</text></g>'


def _edge(drawn: DrawnEdge, *, names: bool) -> Iterator[str]:
    """Yield an edge, with the ids that it joins if `names`."""
    look = " back" if drawn.is_back else " loop" if drawn.edge.loop else ""
    ends = f' data-edge="{drawn.ends[0]}-{drawn.ends[1]}"' if names else ""
    corners = " ".join(f"{x:.1f},{y:.1f}" for x, y in ways.head(drawn.way))
    yield f'<g class="edge{look}"{ends}><path d="{ways.path(drawn.way)}"/>'
    yield f'<polygon points="{corners}"/>'
    if drawn.label:
        x, y = drawn.place
        yield f'<text x="{x:.1f}" y="{y:.1f}">{as_text(drawn.label)}</text>'
    yield "</g>"


def _node(drawn: DrawnNode) -> Iterator[str]:
    (x, y), node = drawn.centre, drawn.node
    shape = KINDS[node.kind].shape
    path = outline(shape, drawn.centre, drawn.size)
    place = "" if node.kind == MARK else f' data-node="{drawn.own}"'
    yield f'<g class="{node.kind}"{place}><path d="{path}"/>'
    first = y - LINE * (len(drawn.lines) - 1) / 2 + LOWER.get(shape, 4.0)
    for i, line in enumerate(drawn.lines):
        weight = ' font-weight="bold"' if i == 0 and node.name else ""
        yield f'<text x="{x:.1f}" y="{first + LINE * i:.1f}"{weight}>{as_text(line)}</text>'
    yield "</g>"


def outline(shape: str, centre: Point, size: Point) -> str:
    """Return the path of a shape, as DOT calls it, around a point; a result's is two ellipses."""
    (cx, cy), (w, h) = centre, size
    left, right, top, low = cx - w / 2, cx + w / 2, cy - h / 2, cy + h / 2
    if shape == "circle":
        return _ellipse(cx, cy, min(w, h) / 2, min(w, h) / 2)
    if shape == "ellipse":
        return _ellipse(cx, cy, w / 2, h / 2)
    if shape == "doubleoctagon":
        return _ellipse(cx, cy, w / 2, h / 2) + _ellipse(cx, cy, w / 2 - 4, h / 2 - 4)
    if shape == "cylinder":
        rim = min(RIM, h / 4)
        lid, floor, arc = top + rim, low - rim, f"A{w / 2:.1f},{rim:g} 0 0 1"
        return (
            f"M{left:.1f},{lid:.1f} {arc} {right:.1f},{lid:.1f} V{floor:.1f} {arc}"
            f" {left:.1f},{floor:.1f} Z M{right:.1f},{lid:.1f} {arc} {left:.1f},{lid:.1f}"
        )
    cut, tab = min(CUT, h / 3), min(1.0, w / 50)
    corners = {
        "note": [(left, top), (right - cut, top), (right, top + cut), (right, low), (left, low)],
        "hexagon": [(left, cy), (left + cut, top), (right - cut, top), (right, cy),
                    (right - cut, low), (left + cut, low)],
        "octagon": [(left, top + cut), (left + cut, top), (right - cut, top), (right, top + cut),
                    (right, low - cut), (right - cut, low), (left + cut, low), (left, low - cut)],
        "folder": [(left, top), (left + 24 * tab, top), (left + 30 * tab, top + 6 * tab),
                   (right, top + 6 * tab), (right, low), (left, low)],
    }.get(shape, [(left, top), (right, top), (right, low), (left, low)])  # fmt: skip
    return "M" + " L".join(f"{px:.1f},{py:.1f}" for px, py in corners) + " Z"


def _ellipse(cx: float, cy: float, rx: float, ry: float) -> str:
    return (
        f"M{cx - rx:.1f},{cy:.1f} a{rx:.1f},{ry:.1f} 0 1 0 {2 * rx:.1f},0"
        f" a{rx:.1f},{ry:.1f} 0 1 0 {-2 * rx:.1f},0 Z "
    )
