"""Bends taken out of edges, where the straight way meets no node and crosses no more edges."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from tinygrad_bp.view.layout.ranked import Point

MOST = 600  # edges of a picture in which bends are looked at
CLEAR = 5.0  # pixels between an edge and a node that it passes
# An outline as rectangles inside of it: their width and height as shares of its own.
WHOLE = ((1.0, 1.0),)
ROUND = ((0.97, 0.25), (0.8, 0.6), (0.5, 0.87))


def straightened(
    ways: Sequence[list[Point]],
    ends: Sequence[tuple[int, int]],
    centres: Sequence[Point],
    sizes: Sequence[Point],
    shapes: Sequence[str],
) -> list[list[Point]]:
    """Return the ways of edges with as few bends as they need.

    Loops back stay; and all of a picture of more than 600 edges, as each is compared with every
    other.

    Parameters
    ----------
    ways : sequence of list of (x, y)
    ends : sequence of (int, int)
        The nodes that each joins.
    centres, sizes : sequence of (x, y)
        Of the nodes.
    shapes : sequence of str
        Their outlines, as DOT calls them.
    """
    found = [list(way) for way in ways]
    if len(found) > MOST:
        return found
    lines_of = [_lines(way) for way in found]
    walls = np.array([
        (node, x - a * w / 2 - CLEAR, y - b * h / 2 - CLEAR,
         x + a * w / 2 + CLEAR, y + b * h / 2 + CLEAR)
        for node, ((x, y), (w, h), shape) in enumerate(zip(centres, sizes, shapes, strict=True))
        for a, b in (ROUND if shape in ("ellipse", "circle", "doubleoctagon") else WHOLE)
    ])  # fmt: skip
    for number, way in enumerate(found):
        if len(way) < 3 or any(b[0] < a[0] for a, b in pairwise(way)):
            continue
        others = (*lines_of[:number], *lines_of[number + 1 :])
        lines = np.concatenate([np.empty((0, 4)), *others])
        around = walls[~np.isin(walls[:, 0], ends[number]), 1:]
        k = 1
        while k < len(way) - 1:
            before, bend, after = way[k - 1 : k + 2]
            crossed = _crossed(before, bend, lines) + _crossed(bend, after, lines)
            is_free = not _met(before, after, around).any()
            if is_free and _crossed(before, after, lines) <= crossed:
                del way[k]
                k = max(k - 1, 1)
            else:
                k += 1
        lines_of[number] = _lines(way)
    return found


def _lines(way: Sequence[Point]) -> Any:
    """Return the segments of a way as rows x, y, x, y."""
    return np.array([(*a, *b) for a, b in pairwise(way)], float).reshape(-1, 4)


def _met(a: Point, b: Point, walls: Any) -> Any:
    """Return which rectangles a segment goes through (Liang and Barsky 1984)."""
    (x, y), (dx, dy) = a, (b[0] - a[0], b[1] - a[1])
    enter, leave = np.zeros(len(walls)), np.ones(len(walls))
    with np.errstate(all="ignore"):
        for start, step, low, high in ((x, dx, 0, 2), (y, dy, 1, 3)):
            if step == 0:
                leave[(start <= walls[:, low]) | (start >= walls[:, high])] = -1.0
                continue
            first, last = (walls[:, low] - start) / step, (walls[:, high] - start) / step
            enter = np.maximum(enter, np.minimum(first, last))
            leave = np.minimum(leave, np.maximum(first, last))
    return enter < leave


def _crossed(a: Point, b: Point, lines: Any) -> int:
    """Return how many segments a segment crosses."""
    p, q = lines[:, :2], lines[:, 2:]

    def side(one: Any, other: Any, point: Any) -> Any:
        return (other[..., 0] - one[..., 0]) * (point[..., 1] - one[..., 1]) - (
            other[..., 1] - one[..., 1]
        ) * (point[..., 0] - one[..., 0])

    start, end = np.array(a), np.array(b)
    apart = side(start, end, p) * side(start, end, q) < 0
    return int(np.count_nonzero(apart & (side(p, q, start) * side(p, q, end) < 0)))
