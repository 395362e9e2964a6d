"""How an edge is drawn: where it meets its nodes, its path with round corners, head and label."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import pairwise

from tinygrad_bp.view.layout.ranked import Point, Rectangle
from tinygrad_bp.view.picture.records import Picture

ROUND = 9.0  # pixels of a corner that is rounded
PORTS = 8.0  # between edges that come in at one node
HEAD, HALF_HEAD = 8.0, 3.6  # of an arrow
SHARES = (0.42, 0.6, 0.75, 0.87, 0.3, 0.18)  # of a stretch of an edge, where a label fits
ALONG = (0.5, 0.3, 0.7, 0.15, 0.85)  # and of the longest of a loop back
LETTERS = 8.0  # height of those of a label
INDENT, BASE, BAND = 5.0, 12.0, 16.0  # of the title of a box: left of it, its line, its height
CLEAR = 4.0  # between a title and an edge
STRAIGHT = 1.0  # pixels that a bend may be off a straight line and go unseen


def ways(
    view: Picture,
    centres: Sequence[Point],
    sizes: Sequence[Point],
    shapes: Sequence[str],
    bends: Sequence[Sequence[Point]],
) -> list[list[Point]]:
    """Return the points of each edge, from the border of its source to that of its target."""
    found: list[list[Point]] = []
    incoming: dict[int, list[int]] = {}
    for number, (edge, inner) in enumerate(zip(view.edges, bends, strict=True)):
        x, y = centres[edge.source]
        if edge.loop:  # has its ends
            found.append(list(inner))
            continue
        found.append([(x + sizes[edge.source][0] / 2, y), *inner])
        incoming.setdefault(edge.target, []).append(number)
    for target, numbers in incoming.items():
        (x, y), (width, height) = centres[target], sizes[target]
        numbers.sort(key=lambda number: (found[number][-1][1], number))
        step = min(PORTS, (height - 14.0) / len(numbers))
        # the straightest comes in at the middle, and so stays straight
        level = [abs(found[number][-1][1] - y) for number in numbers]
        middle = level.index(min(level))
        if min(level) > PORTS:
            middle = (len(numbers) - 1) // 2
        for place, number in enumerate(numbers):
            off = (place - middle) * step
            border = x - width / 2 + inset(shapes[target], off, (width, height))
            way = found[number]
            if len(way) > 1 and abs(way[-1][1] - y) < STRAIGHT:  # comes straight: stays so
                way[-1] = (way[-1][0], y + off)
                if len(way) > 2 and abs(way[-2][1] - y) < STRAIGHT:
                    way[-2] = (way[-2][0], y + off)
            way.append((border, y + off))
    return [_straightened(way) for way in found]


def inset(shape: str, off: float, size: Point) -> float:
    """Return how far the left border of a shape lies inside its box, `off` its middle."""
    width, height = size
    share = min(abs(2 * off / height), 1.0)
    if shape in ("ellipse", "circle", "doubleoctagon"):  # which is drawn as two ellipses
        return width / 2 * (1 - math.sqrt(1 - share * share))
    return 9.0 * share if shape == "hexagon" else 0.0


def _straightened(way: list[Point]) -> list[Point]:
    """Return a way without the bends that nobody would see."""
    kept = way[:1]
    for point, after in pairwise(way[1:]):
        (x1, y1), (x2, y2), (x3, y3) = kept[-1], point, after
        length = math.hypot(x3 - x1, y3 - y1)
        off = abs((x2 - x1) * (y3 - y1) - (y2 - y1) * (x3 - x1))
        if off > STRAIGHT * length:
            kept.append(point)
    return [*kept, way[-1]]


def path(way: Sequence[Point]) -> str:
    """Return the path of a way in SVG, with round corners."""
    text = "M{:.1f},{:.1f}".format(*way[0])
    for stretch in stretches(way):
        text += " Q" if len(stretch) > 1 else " L"
        text += " ".join("{:.1f},{:.1f}".format(*point) for point in stretch)
    return text


def stretches(way: Sequence[Point]) -> Iterator[tuple[Point, ...]]:
    """Yield a way by its stretches: the end of a line, or a corner and the end of the turn."""
    for before, corner, after in zip(way, way[1:], way[2:], strict=False):
        yield (_towards(corner, before),)
        yield corner, _towards(corner, after)
    yield (way[-1],)


def _towards(corner: Point, other: Point) -> Point:
    """Return where a corner begins to be rounded, at most halfway to the other point."""
    (x, y), (u, v) = corner, other
    length = math.hypot(u - x, v - y)
    share = min(ROUND / length, 0.5) if length else 0.0
    return x + (u - x) * share, y + (v - y) * share


def head(way: Sequence[Point]) -> list[Point]:
    """Return the corners of the arrow at the end of a way."""
    (u, v), (x, y) = way[-2], way[-1]
    length = math.hypot(x - u, y - v) or 1.0
    a, b = (x - u) / length, (y - v) / length
    back = x - HEAD * a, y - HEAD * b
    return [
        (x, y),
        (back[0] - HALF_HEAD * b, back[1] + HALF_HEAD * a),
        (back[0] + HALF_HEAD * b, back[1] - HALF_HEAD * a),
    ]


def title_place(where: Rectangle, width: float, found: Sequence[Sequence[Point]]) -> Point:
    """Return where the title of a box begins: at its top, as far left as the fewest edges pass.

    Parameters
    ----------
    where : (left, top, right, low)
    width : float
        Of the title.
    found : sequence of list of (x, y)
        The ways of all edges.
    """
    left, top, right, _ = where
    pieces = (_between(a, b, top, top + BAND) for way in found for a, b in pairwise(way))
    passing = [piece for piece in pieces if piece is not None]
    first, last = left + INDENT, right - width - INDENT
    places = [first, *(end + CLEAR for _, end in passing if first < end + CLEAR <= last)]

    def passed(x: float) -> tuple[int, float]:
        met = sum(begin < x + width + CLEAR and x < end + CLEAR for begin, end in passing)
        return met, x

    return min(places, key=passed), top + BASE


def _between(a: Point, b: Point, high: float, low: float) -> Point | None:
    """Return from which x to which a stretch is between two heights, None if it is nowhere."""
    (x, y), (u, v) = sorted((a, b), key=lambda point: point[1])
    if v < high or y > low:
        return None
    slope = (u - x) / (v - y) if v > y else 0.0
    ends = (x, u) if v == y else (x + slope * (max(y, high) - y), x + slope * (min(v, low) - y))
    return min(ends), max(ends)


def label_place(
    way: Sequence[Point], width: float, taken: Sequence[Rectangle], *, loop: bool
) -> Point:
    """Return where the label of an edge stands: above a loop back, or near its end, else before.

    Parameters
    ----------
    way : sequence of (x, y)
    width : float
        Of the label.
    taken : sequence of (left, top, right, low)
        By nodes, titles and other labels; what it covers of them is as little as can be.
    loop : bool
        Whether it is a loop back.
    """
    pieces = [*pairwise(way)][::-1]
    if loop:
        pieces = [max(pieces, key=lambda piece: abs(piece[0][0] - piece[1][0]))]
    places = [
        (u + (x - u) * share, v + (y - v) * share - 3)
        for (u, v), (x, y) in pieces
        for share in (ALONG if loop else SHARES)
    ]
    left, right = min(x for x, _ in places) - width / 2, max(x for x, _ in places) + width / 2
    top, low = min(y for _, y in places) - LETTERS, max(y for _, y in places)
    # few of a hundred nodes are near enough to be looked at for every place
    near = [r for r in taken if r[0] <= right and r[2] >= left and r[1] <= low and r[3] >= top]
    found, least = places[0], math.inf
    for place in places:
        where = label_box(place, width)
        hidden = sum(_common(where, one) for one in near)
        if not hidden:
            return place
        if hidden < least:
            found, least = place, hidden
    return found


def label_box(place: Point, width: float) -> Rectangle:
    """Return what a label of some width covers that stands at a place."""
    return place[0] - width / 2, place[1] - LETTERS, place[0] + width / 2, place[1]


def _common(a: Rectangle, b: Rectangle) -> float:
    """Return the area that two rectangles have in common."""
    across, down = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    return max(across, 0.0) * max(down, 0.0)
