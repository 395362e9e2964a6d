"""A `Picture` as SVG by the layout of this package: a picture on a machine without Graphviz."""

from __future__ import annotations

import html
import math
import unicodedata
from collections.abc import Iterator

from tinygrad_bp.formulas.printing import printable, shortened
from tinygrad_bp.view import palette, ways
from tinygrad_bp.view.kinds import KINDS
from tinygrad_bp.view.labels import edge_labels, notes_text
from tinygrad_bp.view.layering import PAGE
from tinygrad_bp.view.layout import grid
from tinygrad_bp.view.parts import parts
from tinygrad_bp.view.ranked import Point, Rectangle
from tinygrad_bp.view.records import NodeView, Picture
from tinygrad_bp.view.rows import Box, layout
from tinygrad_bp.view.straightening import straightened
from tinygrad_bp.view.tags import Tagged, tagged

NOTES = 90  # characters of a line of notes below the picture
PAGES = 1.5 * 794 * 1123  # pixels of one and a half A4, which a large picture is shrunk to
SMALLEST = 0.85  # but not below letters of 10 pixels
LINE = 14.0  # pixels from line to line
PAD = 8.0  # around the text of a node
MARGIN = 14.0  # around the picture
LABEL = 0.8  # size of the labels of edges and boxes, of that of nodes
# Pixels of a character at 12 px, wide enough for Helvetica and Arial.
NARROW, LETTER, CAPITAL, FULL_WIDTH = 3.6, 6.9, 8.6, 12.4
# Pixels that an outline needs beside the text, across and down.
ROOM = {"ellipse": (14.0, 4.0), "doubleoctagon": (26.0, 6.0), "hexagon": (26.0, 0.0),
        "octagon": (22.0, 0.0), "cylinder": (8.0, 8.0), "folder": (0.0, 7.0)}  # fmt: skip
CURVED, LETTERS = 0.2, 60.0  # more room for what is wider than that, as a share of it
LOWER = {"cylinder": 8.0, "folder": 7.5}  # pixels that a text stands lower, below a lid; else 4
CUT, RIM = 9.0, 5.0  # pixels of a corner that is cut, and of a cylinder's lid; less in an icon
STYLE = (
    f"text{{font:12px {palette.FONT};fill:{palette.TEXT};text-anchor:middle}}"
    f".edge text{{font-size:9px;fill:{palette.EDGE};stroke:{palette.PAPER};stroke-width:3px;"
    f"paint-order:stroke}}.note{{font-size:11px;text-anchor:start;fill:{palette.EDGE}}}"
    f".cluster path{{fill:none;stroke:#9AA5B1}}.cluster text{{font-size:10px;text-anchor:start;"
    f"fill:{palette.EDGE}}}"
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


def source(view: Picture, *, in_page: bool = False, page: float = PAGE) -> str:
    """Return `view`, of a few hundred nodes, as an SVG document.

    `in_page` leaves the colours to the page that it is part of; `page` is how many pixels there
    are across.
    """
    drawn = tagged(view)
    width, height, body = _body(drawn, page, names=in_page)
    if in_page:
        return (
            f'<svg width="{width}" height="{height}" viewBox="0 0 {width} {height}" role="img"'
            ' aria-label="the graph of the computation">\n' + "\n".join(body) + "\n</svg>"
        )
    notes = notes_text(view, NOTES)
    body += [
        f'<text class="note" x="{MARGIN:g}" y="{height + LINE * i:g}">{as_text(line)}</text>'
        for i, line in enumerate(notes)
    ]
    width = max([width, *(round(text_width(line) + 2 * MARGIN) for line in notes)])
    height += round(LINE * len(notes))
    scale = min(1.0, max(math.sqrt(PAGES / (width * height)), SMALLEST))
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


def _body(drawn: Tagged, page: float, *, names: bool) -> tuple[int, int, list[str]]:
    """Return width and height of a drawing, and its boxes, edges and nodes.

    With `names`, edges have the ids that they join.
    """
    view = drawn.view
    labels = [drawn.lines(node) for node in view.nodes]
    sizes = [_size(node, text) for node, text in zip(view.nodes, labels, strict=True)]
    dashed = [view.nodes[e.source].phase != view.nodes[e.target].phase for e in view.edges]
    told = ["" if back else one for one, back in zip(edge_labels(view), dashed, strict=True)]
    root = parts(view)
    room = [LABEL * text_width(one) for one in told]
    placed = layout(view, grid(view, sizes, room, root, page), root)
    centres = [(x + MARGIN, y + MARGIN) for x, y in placed.centres]
    bends = [[(x + MARGIN, y + MARGIN) for x, y in way] for way in placed.bends]
    shapes = [KINDS[node.kind].shape for node in view.nodes]
    found = ways.ways(view, centres, sizes, shapes, bends)
    joined = [(edge.source, edge.target) for edge in view.edges]
    found = straightened(found, joined, centres, sizes, shapes)
    boxes = [
        (x - w / 2, y - h / 2, x + w / 2, y + h / 2)
        for (x, y), (w, h) in zip(centres, sizes, strict=True)
    ]
    body: list[str] = []
    for box in placed.boxes:
        lines, title = _box(box, found)
        body += lines
        boxes.append(title)
    for edge, way, label, back in zip(view.edges, found, told, dashed, strict=True):
        ends = f' data-edge="{drawn.ids[edge.source]}-{drawn.ids[edge.target]}"'
        look = " back" if back else " loop" if edge.loop else ""
        place = ways.label_place(way, LABEL * text_width(label), boxes, loop=bool(edge.loop))
        body += _edge(way, (label, place), ends if names else "", look)
    for node, text, centre, size in zip(view.nodes, labels, centres, sizes, strict=True):
        body += _node(node, drawn.ids[node.id], text, centre, size)
    return round(placed.width + 2 * MARGIN), round(placed.height + 2 * MARGIN), body


def as_text(line: str) -> str:
    """Return a text as XML shows it; control characters become visible first."""
    return html.escape(printable(line))


def text_width(line: str) -> float:
    """Return about how many pixels a line takes."""
    width = 0.0
    for c in line:
        if unicodedata.east_asian_width(c) in "WF":
            width += FULL_WIDTH
        elif c in "iljtf.,:;'|![]()I ":
            width += NARROW
        else:
            width += CAPITAL if c.isupper() or c in "mw@%×" else LETTER
    return width


def _size(node: NodeView, text: list[str]) -> Point:
    across, down = ROOM.get(KINDS[node.kind].shape, (0.0, 0.0))
    width = max(map(text_width, text))
    if across and len(text) > 1:  # the outline is narrower where the first line and the last are
        across += CURVED * max(width - LETTERS, 0.0)
    return width + 2.6 * PAD + across, LINE * len(text) + 1.2 * PAD + down


def _box(box: Box, found: list[list[Point]]) -> tuple[list[str], Rectangle]:
    """Return a box with its title, and where that stands."""
    left, top, right, low = where = tuple(value + MARGIN for value in box.where)
    border = f"M{left:.1f},{top:.1f} H{right:.1f} V{low:.1f} H{left:.1f} Z"
    title = _fitting(shortened(box.title), right - left - 8)
    width = LABEL * text_width(title)
    x, y = ways.title_place(where, width, found)
    text = f'<text x="{x:.1f}" y="{y:.1f}">{as_text(title)}</text>'
    lines = [f'<g class="cluster"><path d="{border}"/>', f"{text}</g>"]
    return lines, (x, y - ways.LETTERS, x + width, y)


def _fitting(text: str, width: float) -> str:
    """Return a title cut to a width in pixels."""
    while len(text) > 1 and LABEL * text_width(text) > width:
        text = f"{text[:-2]}…"
    return text


def _edge(way: list[Point], told: tuple[str, Point], names: str, look: str) -> Iterator[str]:
    label, (x, y) = told
    corners = " ".join(f"{x:.1f},{y:.1f}" for x, y in ways.head(way))
    yield f'<g class="edge{look}"{names}><path d="{ways.path(way)}"/>'
    yield f'<polygon points="{corners}"/>'
    if label:
        yield f'<text x="{x:.1f}" y="{y:.1f}">{as_text(label)}</text>'
    yield "</g>"


def _node(node: NodeView, own: int, text: list[str], centre: Point, size: Point) -> Iterator[str]:
    x, y = centre
    shape = KINDS[node.kind].shape
    path = outline(shape, centre, size)
    yield f'<g class="{node.kind}" data-node="{own}"><path d="{path}"/>'
    first = y - LINE * (len(text) - 1) / 2 + LOWER.get(shape, 4.0)
    for i, line in enumerate(text):
        weight = ' font-weight="bold"' if i == 0 and node.name else ""
        yield f'<text x="{x:.1f}" y="{first + LINE * i:.1f}"{weight}>{as_text(line)}</text>'
    yield "</g>"


def outline(shape: str, centre: Point, size: Point) -> str:
    """Return the path of a shape, as DOT calls it, around a point; a result's is two ellipses."""
    (cx, cy), (w, h) = centre, size
    left, right, top, low = cx - w / 2, cx + w / 2, cy - h / 2, cy + h / 2
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
