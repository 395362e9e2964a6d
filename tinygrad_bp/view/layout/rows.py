"""Columns put into rows below each other: where nodes are, how edges run, which boxes there are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from tinygrad_bp.view.layout.lanes import BOX_LOW, BOX_PAD, BOX_STEP, TITLE, members, nested
from tinygrad_bp.view.layout.layout import Grid
from tinygrad_bp.view.layout.loops import LANE, TRACK, Loops, loops
from tinygrad_bp.view.layout.ranked import Point, Rectangle
from tinygrad_bp.view.picture.kinds import KINDS
from tinygrad_bp.view.picture.parts import Part
from tinygrad_bp.view.picture.records import EdgeView, Picture

ROW_SPACE = 16.0  # between rows, in pixels
NEAR = 0.7  # how near a loop back is to the column that it runs beside, of the way to the next
ARROW = 8.0  # room for its head
CHANNEL = 7.0  # between edges that run side by side
FAR = 30.0  # how far beyond the end of a turn a neighbour may still be touched


@dataclass(frozen=True)
class Box:
    """A part of a picture, or what of it is in one row."""

    title: str
    depth: int
    where: Rectangle


@dataclass
class Layout:
    """Where everything is, in pixels from the top left.

    Attributes
    ----------
    centres : list of (x, y)
        Of the nodes.
    bends : list of list of (x, y)
        Of each edge, between the borders of its nodes.
    boxes : list of Box
        Around parts, as far as nothing else would be in them; outer ones first.
    width, height : float
    """

    centres: list[Point]
    bends: list[list[Point]]
    boxes: list[Box] = field(default_factory=list)
    width: float = 0.0
    height: float = 0.0


@dataclass
class _Row:
    """A row: its columns, and how far the picture's coordinates are moved for it."""

    columns: range
    top: float
    low: float
    shift: float = 0.0
    above: float = 0.0  # where loops back run above it
    under: float = 0.0  # and below it
    room: float = 0.0  # above it, for them


class Rows:
    """The rows of a grid, and the ways of edges among them."""

    def __init__(self, view: Picture, grid: Grid, root: Part) -> None:
        self.view, self.grid = view, grid
        self.position = {i: k for members in grid.ranked.columns for k, i in enumerate(members)}
        ends = [*grid.breaks[1:], len(grid.ranked.columns)]
        self.is_leaf = [KINDS[node.kind].is_source for node in view.nodes]
        self.is_leaf += [False] * (len(grid.column) - len(view.nodes))
        self.row = [0] * len(grid.ranked.columns)
        self.rows: list[_Row] = []
        self.width = max((right for _, right in grid.spans), default=0.0)
        boxed = nested(root)
        self.margin = BOX_PAD + BOX_STEP * (boxed - 1) if boxed else 0.0  # beside the rows
        for number, (begin, end) in enumerate(zip(grid.breaks, ends, strict=True)):
            for column in range(begin, end):
                self.row[column] = number
            self.rows.append(self._bounded(range(begin, end)))
        self.side = {
            number: self._side(edge)
            for number, edge in enumerate(view.edges)
            if edge.loop and edge.source != edge.target
        }
        self.loops = {side: self._loops(side) for side in (-1, 1)}
        y = 0.0
        for number, row in enumerate(self.rows):
            row.above = y
            row.room, below = (self._room(number, side) for side in (-1, 1))
            box = (TITLE + BOX_STEP) * boxed
            y = row.above + row.room + box
            row.shift = y - row.top
            y += row.low - row.top + BOX_STEP * 2 * boxed
            row.under = y
            y += below + ROW_SPACE
        self.height = max(y - ROW_SPACE, 0.0)

    def _bounded(self, columns: range) -> _Row:
        here = [i for column in columns for i in self.grid.ranked.columns[column]]
        tops = [self.grid.across[i] - self.grid.sizes[i][1] / 2 for i in here]
        lows = [self.grid.across[i] + self.grid.sizes[i][1] / 2 for i in here]
        return _Row(columns, min(tops, default=0.0), max(lows, default=0.0))

    def _side(self, edge: EdgeView) -> int:
        """Return whether a loop runs above its rows (-1) or below (1): where it crosses less."""
        if self._row_of(edge.source) != self._row_of(edge.target):
            return -1
        crossed = {
            side: self._exit(edge.source, side, after=True)[0]
            + self._exit(edge.target, side, after=False)[0]
            for side in (-1, 1)
        }
        return min(crossed, key=crossed.__getitem__)

    def _loops(self, side: int) -> Loops:
        """Return the tracks of the loops back on one side of their rows."""
        own = (number for number, of in self.side.items() if of == side)
        ends = {
            number: (self.view.edges[number].source, self.view.edges[number].target)
            for number in own
        }
        column = self.grid.column
        return loops(
            {number: (self._row_of(a), self._row_of(b)) for number, (a, b) in ends.items()},
            {number: abs(column[a] - column[b]) for number, (a, b) in ends.items()},
        )

    def _room(self, row: int, side: int) -> float:
        tracks = self.loops[side].room(row)
        return (TRACK * tracks + 2 * CHANNEL) * (tracks > 0)

    def _row_of(self, i: int) -> int:
        return self.row[self.grid.column[i]]

    def _chains(self) -> Iterator[list[int]]:
        for edge, dummies in zip(self.view.edges, self.grid.ranked.dummies, strict=True):
            yield [] if edge.loop else [edge.source, *dummies, edge.target]

    def point(self, i: int) -> Point:
        """Return the middle of a node or dummy."""
        left, right = self.grid.spans[self.grid.column[i]]
        if self.is_leaf[i]:  # near its user, so that little is in the way
            left = right - self.grid.sizes[i][0]
        return (left + right) / 2, self.grid.across[i] + self.rows[self._row_of(i)].shift

    def laid_out(self, root: Part) -> Layout:
        """Return the layout."""
        centres = [self.point(node.id) for node in self.view.nodes]
        bends = [
            self._loop(number, edge) if edge.loop else self._way(chain)
            for number, (edge, chain) in enumerate(
                zip(self.view.edges, self._chains(), strict=True)
            )
        ]
        boxes = list(_Boxes(self, centres).of(root))
        points = [point for way in bends for point in way]
        corners = [(box.where[0], box.where[1]) for box in boxes]
        corners += [(box.where[2], box.where[3]) for box in boxes]
        left = min([0.0, *(x for x, _ in (*points, *corners))])
        top = min([0.0, *(y for _, y in (*points, *corners))])
        width = max([self.width, *(x for x, _ in (*points, *corners))]) - left
        height = max([self.height, *(y for _, y in (*points, *corners))]) - top
        return Layout(
            [(x - left, y - top) for x, y in centres],
            [[(x - left, y - top) for x, y in way] for way in bends],
            [_moved(box, left, top) for box in boxes],
            width,
            height,
        )

    def _way(self, chain: Sequence[int]) -> list[Point]:
        """Return the bends of an edge over these nodes and dummies."""
        bends: list[Point] = []
        for number, (a, b) in enumerate(pairwise(chain)):
            if number:
                bends.append(self.point(a))
            bends += self._beyond(a, b, 1) + self._beyond(b, a, -1)
        return bends

    def _beyond(self, own: int, other: int, sign: int) -> list[Point]:
        """Return where an edge turns at `own`, if wider neighbours are in its way to `other`."""
        (along, across), goal = self.point(own), self.point(other)[1]
        border = reach = sign * along + self.grid.sizes[own][0] / 2
        step = 1 if goal > across else -1
        # all that turn the same way turn together, or else they would cross
        joined = (self.grid.ranked.below if sign > 0 else self.grid.ranked.above)[own]
        farthest = max(step * self.point(i)[1] for i in joined)
        members = self.grid.ranked.columns[self.grid.column[own]]
        k = self.position[own] + step
        while 0 <= k < len(members) and step * self.point(members[k])[1] < farthest + FAR:
            beside = sign * self.point(members[k])[0]
            reach = max(reach, beside + self.grid.sizes[members[k]][0] / 2)
            k += step
        return [(sign * reach, across)] if reach > border and goal != across else []

    def _loop(self, own: int, edge: EdgeView) -> list[Point]:
        """Return the whole way back, above the row or below."""
        (x, y), (u, v) = self.point(edge.source), self.point(edge.target)
        (width, height), (_, depth) = self.grid.sizes[edge.source], self.grid.sizes[edge.target]
        if edge.source == edge.target:
            top = y - height / 2
            right, left = x + 0.3 * width, x + 0.1 * width  # beside the middle, where others leave
            return [(right, top + 3), (right, top - 9), (left, top - 9), (left, top)]
        numbers = self._row_of(edge.source), self._row_of(edge.target)
        side = self.side[own]
        levels = [self._level(own, number, side) for number in numbers]
        start, end = [(x, y + side * height / 2)], [(u, v + side * depth / 2)]
        if not self._exit(edge.source, side, after=True)[1]:
            x = self.grid.spans[self.grid.column[edge.source]][1] + CHANNEL + BOX_STEP
            start = [(self.point(edge.source)[0] + width / 2, y), (x, y)]
        if not self._exit(edge.target, side, after=False)[1]:
            u = self.grid.spans[self.grid.column[edge.target]][0] - CHANNEL - ARROW
            end = [(u, v), (self.point(edge.target)[0] - self.grid.sizes[edge.target][0] / 2, v)]
        between = [(x, levels[0]), (u, levels[1])]
        if numbers[0] != numbers[1]:
            margin = -self.margin - 2 * CHANNEL - LANE * self.loops[side].lanes[own]
            between = [between[0], (margin, levels[0]), (margin, levels[1]), between[1]]
        return [*start, *between, *end]

    def _level(self, edge: int, number: int, side: int) -> float:
        """Return how high a loop back runs above a row (-1), or below it (1)."""
        row = self.rows[number]
        track = TRACK * self.loops[side].tracks[edge, number] + CHANNEL / 2
        # its label stands above it, there between it and the row
        return row.under + track + CHANNEL if side > 0 else row.above + row.room - track

    def _exit(self, i: int, side: int, *, after: bool) -> tuple[int, bool]:
        """Return how many edges are crossed from a node to above (-1) or below (1) its row.

        And whether that is straight up or down its column, or else beside the column.
        """
        columns, joined = self.grid.ranked.columns, self.grid.ranked.below
        number, own = self.grid.column[i], self.grid.across[i]
        begin = number if after else number - 1
        beside = 0
        for a in columns[begin] if begin >= 0 else ():
            for b in joined[a] if a != i else ():
                near, far = (a, b) if after else (b, a)  # the way runs close to the node's column
                level = NEAR * self.grid.across[near] + (1 - NEAR) * self.grid.across[far]
                beside += side * (level - own) > 0
        place = self.position[i]
        way = columns[number][:place] if side < 0 else columns[number][place + 1 :]
        is_free = all(one >= len(self.view.nodes) for one in way)
        return (len(way), True) if is_free and len(way) <= beside else (beside, False)


class _Boxes:
    """Boxes around parts: drawn where they hold their own nodes and no others."""

    def __init__(self, rows: Rows, centres: Sequence[Point]) -> None:
        self.rows = rows
        sizes = rows.grid.sizes
        self.nodes = [
            (x - sizes[i][0] / 2, y - sizes[i][1] / 2, x + sizes[i][0] / 2, y + sizes[i][1] / 2)
            for i, (x, y) in enumerate(centres)
        ]
        self.drawn: list[tuple[set[int], Rectangle]] = []

    def of(self, part: Part, depth: int = 0) -> Iterator[Box]:
        """Yield the boxes of what is in a part; outer ones first."""
        for inner in part.parts:
            own = set(members(inner))
            inside = nested(inner)
            step = BOX_STEP * inside
            pad = BOX_PAD + step
            for number in sorted({self.rows._row_of(i) for i in own}):
                here = [self.nodes[i] for i in own if self.rows._row_of(i) == number]
                where = (
                    min(one[0] for one in here) - pad,
                    min(one[1] for one in here) - pad - TITLE * (1 + inside) + BOX_STEP,
                    max(one[2] for one in here) + pad,
                    max(one[3] for one in here) + BOX_LOW + step,
                )
                if self._is_clear(where, own):
                    self.drawn.append((own, where))
                    yield Box(inner.title, depth, where)
            yield from self.of(inner, depth + 1)

    def _is_clear(self, where: Rectangle, own: set[int]) -> bool:
        others = [one for i, one in enumerate(self.nodes) if i not in own]
        others += [box for of, box in self.drawn if not own <= of]
        return not any(_overlap(where, one) for one in others)


def _overlap(a: Rectangle, b: Rectangle) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def _moved(box: Box, left: float, top: float) -> Box:
    a, b, c, d = box.where
    return Box(box.title, box.depth, (a - left, b - top, c - left, d - top))


def layout(view: Picture, grid: Grid, root: Part) -> Layout:
    """Return where the nodes, edges and boxes of a picture are."""
    return Rows(view, grid, root).laid_out(root)
