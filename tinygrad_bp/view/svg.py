"""A `Picture` as SVG by the layout of this package: a picture on a machine without Graphviz."""

from __future__ import annotations

import html
import unicodedata
from collections.abc import Iterator
from itertools import pairwise

from tinygrad_bp.view import palette
from tinygrad_bp.view.kinds import KINDS
from tinygrad_bp.view.labels import edge_labels, notes_text, printable
from tinygrad_bp.view.layering import direction
from tinygrad_bp.view.layout import Point, layout
from tinygrad_bp.view.records import NodeView, Picture
from tinygrad_bp.view.tags import tagged

NOTES = 90  # characters of a line of notes below the picture
LINE = 16.0  # pixels from line to line
PAD = 10.0  # around the text of a node
MARGIN = 16.0  # around the picture
# Pixels of a character at 12 px, wide enough for Helvetica and Arial.
NARROW, LETTER, CAPITAL, FULL_WIDTH = 3.6, 6.9, 8.6, 12.4
# Pixels that an outline needs beside the text, across and down.
ROOM = {"ellipse": (14.0, 6.0), "doubleoctagon": (26.0, 6.0), "hexagon": (26.0, 0.0),
        "octagon": (22.0, 0.0), "cylinder": (8.0, 8.0)}  # fmt: skip
CUT, RIM = 9.0, 5.0  # pixels of a corner that is cut, and of a cylinder's lid; less in an icon
STYLE = (
    f"text{{font:12px {palette.FONT};fill:{palette.TEXT};text-anchor:middle}}"
    f".edge text{{font-size:9px;fill:{palette.EDGE};stroke:{palette.PAPER};stroke-width:3px;"
    f"paint-order:stroke}}.note{{font-size:11px;text-anchor:start;fill:{palette.EDGE}}}"
    f".edge path{{fill:none;stroke:{palette.EDGE}}}.edge polygon{{fill:{palette.EDGE}}}"
    + ",".join([*(f".{kind} path" for kind, look in KINDS.items() if look.dashed), ".back path"])
    + "{stroke-dasharray:4 3}"
    + "".join(
        f".{kind} path{{fill:{look.fill};stroke:{look.border};stroke-width:1.2px}}"
        for kind, look in KINDS.items()
    )
    + "".join(f".{kind} path{{stroke-width:3px}}" for kind, look in KINDS.items() if look.thick)
)


def source(view: Picture, *, in_page: bool = False) -> str:
    """Return `view`, of a few hundred nodes, as an SVG document.

    `in_page` leaves the colours to the page that it is part of.
    """
    drawn = tagged(view)
    view = drawn.view
    labels = [drawn.lines(node) for node in view.nodes]
    sizes = [_size(node, text) for node, text in zip(view.nodes, labels, strict=True)]
    across = direction(view) == "TB"
    turned = [(height, width) for width, height in sizes] if across else sizes
    placed = layout(view, turned)

    def seen(point: Point) -> Point:
        x, y = reversed(point) if across else point
        return x + MARGIN, y + MARGIN

    extent = seen((placed.length, placed.breadth))
    width, height = (round(value + MARGIN) for value in extent)
    notes = [] if in_page else notes_text(view, NOTES)
    if notes:
        width = max(width, round(max(map(text_width, notes)) + 2 * MARGIN))
    centres = [seen(point) for point in placed.centres]
    body: list[str] = []
    for edge, bends, label in zip(view.edges, placed.bends, edge_labels(view), strict=True):
        ends = centres[edge.source], centres[edge.target]
        half = sizes[edge.source], sizes[edge.target]
        points = _way(ends, half, [seen(point) for point in bends], across=across)
        back = view.nodes[edge.source].phase != view.nodes[edge.target].phase
        names = f' data-edge="{drawn.ids[edge.source]}-{drawn.ids[edge.target]}"' if in_page else ""
        body += _edge(points, "" if back else label, names, across=across, back=back)
    for node, text, centre, size in zip(view.nodes, labels, centres, sizes, strict=True):
        body += _node(node, drawn.ids[node.id], text, centre, size)
    if in_page:
        return (
            f'<svg width="{width}" height="{height}" viewBox="0 0 {width} {height}" role="img"'
            ' aria-label="the graph of the computation">\n' + "\n".join(body) + "\n</svg>"
        )
    body += [
        f'<text class="note" x="{MARGIN:g}" y="{height + LINE * i:g}">{as_text(line)}</text>'
        for i, line in enumerate(notes)
    ]
    height += round(LINE * len(notes))
    style = STYLE + palette.svg_style("path")
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}"'
        f' viewBox="0 0 {width} {height}" role="img">\n<title>computation</title>\n'
        f"<style>{style}</style>\n"
        f'<rect class="paper" width="{width}" height="{height}" fill="{palette.PAPER}"/>\n'
        + "\n".join(body)
        + "\n</svg>\n"
    )


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
    return max(map(text_width, text)) + 2 * PAD + across, LINE * len(text) + 1.2 * PAD + down


def _way(
    ends: tuple[Point, Point], sizes: tuple[Point, Point], bends: list[Point], *, across: bool
) -> list[Point]:
    """Return the points of an edge from the border of one node to that of the other."""
    (x1, y1), (x2, y2) = ends
    (w1, h1), (w2, h2) = sizes
    if across:
        return [(x1, y1 + h1 / 2), *bends, (x2, y2 - h2 / 2)]
    return [(x1 + w1 / 2, y1), *bends, (x2 - w2 / 2, y2)]


def _edge(
    points: list[Point], label: str, names: str, *, across: bool, back: bool
) -> Iterator[str]:
    (x, y), tip = points[0], points[-1]
    path = f"M{x:.1f},{y:.1f}"
    for a, b in pairwise(points):
        middle = (a[1] + b[1]) / 2 if across else (a[0] + b[0]) / 2
        one, two = ((a[0], middle), (b[0], middle)) if across else ((middle, a[1]), (middle, b[1]))
        path += f" C{one[0]:.1f},{one[1]:.1f} {two[0]:.1f},{two[1]:.1f} {b[0]:.1f},{b[1]:.1f}"
    x, y = tip
    head = ((x - 4, y - 8), (x + 4, y - 8)) if across else ((x - 8, y - 4), (x - 8, y + 4))
    corners = " ".join(f"{px:.1f},{py:.1f}" for px, py in (tip, *head))
    yield f'<g class="edge{" back" if back else ""}"{names}><path d="{path}"/>'
    yield f'<polygon points="{corners}"/>'
    if label:
        before = points[-2]  # halfway along the last bend, where few edges meet
        px, py = (before[0] + x) / 2, (before[1] + y) / 2 - 2
        yield f'<text x="{px:.1f}" y="{py:.1f}">{as_text(label)}</text>'
    yield "</g>"


def _node(node: NodeView, own: int, text: list[str], centre: Point, size: Point) -> Iterator[str]:
    x, y = centre
    shape = KINDS[node.kind].shape
    path = outline(shape, centre, size)
    yield f'<g class="{node.kind}" data-node="{own}"><path d="{path}"/>'
    first = y - LINE * (len(text) - 1) / 2 + (8 if shape == "cylinder" else 4)
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
