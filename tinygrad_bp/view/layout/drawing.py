"""What our own layout makes of a picture: where everything is, for any form that draws it."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from tinygrad_bp.formulas.printing import shortened
from tinygrad_bp.view.layout import ways
from tinygrad_bp.view.layout.continued import continued
from tinygrad_bp.view.layout.layout import grid, in_rows
from tinygrad_bp.view.layout.ranked import Point, Rectangle
from tinygrad_bp.view.layout.rows import layout
from tinygrad_bp.view.layout.straightening import straightened
from tinygrad_bp.view.picture.kinds import KINDS, MARK
from tinygrad_bp.view.picture.labels import edge_labels, notes_text
from tinygrad_bp.view.picture.parts import parts
from tinygrad_bp.view.picture.records import EdgeView, NodeView, Picture
from tinygrad_bp.view.picture.tags import Tagged, tagged

PAGES = 1.5 * 794 * 1123  # pixels of one and a half A4, which a large picture is shrunk to
SMALLEST = 10 / 12  # but not below letters of 10 pixels
NARROWER = (0.8, 0.65, 0.5)  # shares of a width that are tried where it does not do
LEGIBLE = 0.55  # of letters of 12 pixels; as the page has it
REFRAMED = (0.88, 1.0, 1.12)  # rows that are tried, beside such as would fill a frame
MARKED = "a number in a circle is where an arrow goes on in another row"
NOTES, FEWEST = 90, 20  # characters of a line of notes below a picture, and at least
LINE = 14.0  # pixels from line to line
PAD = 8.0  # around the text of a node
MARGIN = 14.0  # around the picture
LABEL = 0.8  # size of the labels of edges and boxes, of that of nodes
# Pixels of a character at 12 px, wide enough for Helvetica and Arial.
WIDER = 0.1  # for other fonts, which a long name shows, of what is longer than LETTERS
NARROW, LETTER, CAPITAL, FULL_WIDTH = 3.6, 6.9, 8.6, 12.4
# Pixels that an outline needs beside the text, across and down.
ROOM = {"ellipse": (14.0, 4.0), "doubleoctagon": (26.0, 6.0), "hexagon": (26.0, 0.0),
        "octagon": (22.0, 0.0), "cylinder": (8.0, 8.0), "folder": (0.0, 7.0)}  # fmt: skip
CURVED, LETTERS = 0.2, 60.0  # more room for what is wider than that, as a share of it


@dataclass(frozen=True)
class DrawnNode:
    """A node, or a tag: `own` is its id in the picture, that of its leaf."""

    node: NodeView
    own: int
    lines: list[str]
    centre: Point
    size: Point


@dataclass(frozen=True)
class DrawnEdge:
    """An edge: its `way`, and its `label` around `place`."""

    edge: EdgeView
    ends: tuple[int, int]  # ids in the picture
    way: list[Point]
    label: str
    place: Point
    is_back: bool  # read by the walk back


@dataclass(frozen=True)
class DrawnBox:
    """A box, and its `title` from `place` on."""

    where: Rectangle
    title: str
    place: Point


@dataclass(frozen=True)
class Drawing:
    """A picture laid out, in pixels from the top left."""

    width: int
    height: int
    boxes: list[DrawnBox]
    edges: list[DrawnEdge]
    nodes: list[DrawnNode]

    def scale(self, notes: Sequence[str], across: int | None) -> tuple[int, int, float]:
        """Return width and height with notes below, and how much it is shrunk to fit.

        That is a page, or as many pixels `across`.
        """
        width = max([self.width, *(round(text_width(line) + 2 * MARGIN) for line in notes)])
        height = self.height + round(LINE * len(notes))
        if across is not None:
            return width, height, min(1.0, across / width)
        return width, height, min(1.0, max(math.sqrt(PAGES / (width * height)), SMALLEST))


def drawing(view: Picture, page: float | None = None) -> Drawing:
    """Lay out a picture of a few hundred nodes.

    `page` is how many pixels there are across; without it, it is for paper.
    """
    return _Laid(tagged(view), page).drawing()


class _Laid:
    """A picture in rows that fit so many pixels: how large it is, and then all of its drawing.

    Where a width is looked for, most are tried for their size alone.
    """

    def __init__(self, before: Tagged, page: float | None) -> None:
        self.drawn, folds = continued(before, in_rows(before.view, _sizes(before), page))
        view = self.view = self.drawn.view
        self.sizes = _sizes(self.drawn)
        self.back = [view.nodes[e.source].phase != view.nodes[e.target].phase for e in view.edges]
        labels = _labels(before, self.drawn)
        self.told = ["" if one else label for label, one in zip(labels, self.back, strict=True)]
        root = parts(view)
        room = [LABEL * text_width(one) for one in self.told]
        self.placed = layout(view, grid(view, folds, self.sizes, room, root), root)
        self.width = round(self.placed.width + 2 * MARGIN)
        self.height = round(self.placed.height + 2 * MARGIN)

    def drawing(self) -> Drawing:
        """Return where all is."""
        view, placed, drawn = self.view, self.placed, self.drawn
        centres = [(x + MARGIN, y + MARGIN) for x, y in placed.centres]
        bends = [[(x + MARGIN, y + MARGIN) for x, y in way] for way in placed.bends]
        shapes = [KINDS[node.kind].shape for node in view.nodes]
        found = ways.ways(view, centres, self.sizes, shapes, bends)
        ends = [(edge.source, edge.target) for edge in view.edges]
        found = straightened(found, ends, centres, self.sizes, shapes)
        boxes = [_box(box.title, box.where, found) for box in placed.boxes]
        nodes = [
            DrawnNode(node, own, drawn.lines(node), centre, size)
            for node, own, centre, size in zip(
                view.nodes, drawn.ids, centres, self.sizes, strict=True
            )
        ]
        places = _label_places(view, found, self.told, nodes, boxes)
        edges = [
            DrawnEdge(
                edge, (drawn.ids[edge.source], drawn.ids[edge.target]), way, label, place, one
            )
            for edge, way, label, place, one in zip(
                view.edges, found, self.told, places, self.back, strict=True
            )
        ]
        return Drawing(self.width, self.height, boxes, edges, nodes)


def _sizes(drawn: Tagged) -> list[Point]:
    return [_size(node, drawn.lines(node)) for node in drawn.view.nodes]


def _labels(before: Tagged, drawn: Tagged) -> list[str]:
    """Return the label that each edge has in the picture before; "" of one to a mark."""
    said = {
        _key(before, edge): label
        for edge, label in zip(before.view.edges, edge_labels(before.view), strict=True)
    }
    return [said.get(_key(drawn, edge), "") for edge in drawn.view.edges]


def _label_places(
    view: Picture,
    found: Sequence[Sequence[Point]],
    told: Sequence[str],
    nodes: Sequence[DrawnNode],
    boxes: Sequence[DrawnBox],
) -> list[Point]:
    """Return where the label of each edge stands: clear of nodes, boxes, titles and each other."""
    taken = [
        (x - w / 2, y - h / 2, x + w / 2, y + h / 2)
        for (x, y), (w, h) in ((one.centre, one.size) for one in nodes)
    ]
    for box in boxes:
        (x, y), across = box.place, LABEL * text_width(box.title)
        taken.append((x, y - ways.LETTERS, x + across, y))
        left, top, right, low = box.where
        taken += [(left, side - 1, right, side + 1) for side in (top, low)]
        taken += [(side - 1, top, side + 1, low) for side in (left, right)]
    places = []
    for edge, way, label in zip(view.edges, found, told, strict=True):
        wide = LABEL * text_width(label)
        places.append(ways.label_place(way, wide, taken, loop=bool(edge.loop)))
        if label:
            taken.append(ways.label_box(places[-1], wide))
    return places


def _key(drawn: Tagged, edge: EdgeView) -> tuple[int, int, int, int]:
    """Return what tells an edge from others, whatever stands for its source in its row."""
    return drawn.ids[edge.source], drawn.ids[edge.target], edge.position, edge.loop


def fitted(view: Picture, width: int | None) -> tuple[Drawing, list[str]]:
    """Lay out a picture in rows of at most `width` pixels, as far as that goes, and its notes.

    Where rows of that width need more beside them, for loops back, narrower rows do.
    """
    if width is None:
        whole = drawing(view)
        return whole, _notes(whole, view, NOTES)
    before = tagged(view)
    found = _Laid(before, width - 2 * MARGIN)
    for share in NARROWER:
        if found.width <= width:
            break
        narrower = _Laid(before, share * (width - 2 * MARGIN))
        if narrower.width >= found.width:
            break
        found = narrower
    drawn = found.drawing()
    return drawn, _notes(drawn, view, max(int((width - 2 * MARGIN) / LETTER), FEWEST))


def framed(view: Picture, across: float, down: float) -> Drawing:
    """Lay out a picture in rows so wide that it is shrunk least in a frame of so many pixels.

    What is too large for it to be read there as a whole stays as wide as the frame.
    """

    def share(one: _Laid) -> float:
        return min(across / one.width, down / one.height)

    before = tagged(view)
    first = _Laid(before, across)
    if share(first) >= 1 or across * down < LEGIBLE**2 * first.width * first.height:
        return first.drawing()
    same = math.sqrt(first.width * first.height * across / down)  # the sides of the frame
    others = [_Laid(before, wider * same) for wider in REFRAMED]
    found = max((first, *others), key=share)
    return (found if share(found) >= LEGIBLE else first).drawing()


def _notes(found: Drawing, view: Picture, width: int) -> list[str]:
    """Return the lines of notes below a drawing, which say what its marks are."""
    if any(one.node.kind == MARK for one in found.nodes):
        view = replace(view, notes=(*view.notes, MARKED))
    return notes_text(view, width)


def _box(title: str, where: Rectangle, found: list[list[Point]]) -> DrawnBox:
    left, top, right, low = where
    moved = (left + MARGIN, top + MARGIN, right + MARGIN, low + MARGIN)
    title = _fitting(shortened(title), right - left - 8)
    return DrawnBox(moved, title, ways.title_place(moved, LABEL * text_width(title), found))


def _fitting(text: str, width: float) -> str:
    """Return a title cut to a width in pixels."""
    while len(text) > 1 and LABEL * text_width(text) > width:
        text = f"{text[:-2]}…"
    return text


def _size(node: NodeView, text: list[str]) -> Point:
    if node.kind == MARK:
        side = max(text_width(text[0]) + PAD, LINE + 4)
        return side, side
    across, down = ROOM.get(KINDS[node.kind].shape, (0.0, 0.0))
    width = max(map(text_width, text))
    width += WIDER * max(width - LETTERS, 0.0)
    if across and len(text) > 1:  # the outline is narrower where the first line and the last are
        across += CURVED * max(width - LETTERS, 0.0)
    return width + 2.6 * PAD + across, LINE * len(text) + 1.2 * PAD + down


@lru_cache(4096)  # the same labels, for every width that is tried
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
