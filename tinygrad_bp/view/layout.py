"""A layered layout of our own: where nodes stand and how edges bend, for a few hundred nodes.

The four steps of Sugiyama, Tagawa & Toda (1981), "Methods for visual understanding of hierarchical
system structures": ranks, dummies where an edge passes a rank, an order within each rank that
crosses few edges, and places that keep edges straight.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from tinygrad_bp.view.layering import ranks
from tinygrad_bp.view.records import Picture

SWEEPS = 12
DUMMIES = 20_000  # beyond it long edges go straight, behind what is in their way
MAIN_PATH = 8.0  # how much more an operation keeps its way straight than a leaf
SPACE = 18.0  # between neighbours of a rank, in pixels
DUMMY_SPACE = 9.0
RANK_SPACE = 44.0
FAR = 30.0  # how far beyond the end of a turn a neighbour may still be touched

Point = tuple[float, float]


@dataclass
class Layout:
    """Centres of nodes and bends of edges, in pixels; (along the ranks, across them)."""

    centres: list[Point]
    bends: list[list[Point]]
    length: float
    breadth: float


@dataclass
class _Ranked:
    """Nodes and dummies by rank; a dummy's number is beyond those of the nodes."""

    rows: list[list[int]]
    above: list[list[int]] = field(default_factory=list)
    below: list[list[int]] = field(default_factory=list)
    dummies: list[list[int]] = field(default_factory=list)  # of each edge
    pull: list[float] = field(default_factory=list)  # how hard each keeps its way straight


def layout(view: Picture, sizes: Sequence[Point]) -> Layout:
    """Place the nodes of a picture.

    Parameters
    ----------
    view : Picture
    sizes : sequence of (length, breadth)
        Extent of each node along and across the ranks.

    Returns
    -------
    Layout
    """
    rank = ranks(view)
    ranked = _with_dummies(view, rank)
    _order(ranked)
    total = len(ranked.above)
    breadth = [sizes[i][1] if i < len(sizes) else 0.0 for i in range(total)]
    across = _places(ranked, breadth, len(sizes))
    along: list[float] = []
    start = 0.0
    for row in ranked.rows:
        thick = max((sizes[i][0] for i in row if i < len(sizes)), default=0.0)
        along.append(start + thick / 2)
        start += thick + RANK_SPACE
    low = min((across[i] - breadth[i] / 2 for i in range(total)), default=0.0)
    high = max((across[i] + breadth[i] / 2 for i in range(total)), default=0.0)
    places = [0] * total
    for number, row in enumerate(ranked.rows):
        for i in row:
            places[i] = number
    points = [(along[places[i]], across[i] - low) for i in range(total)]
    ways = _Ways(ranked, places, points, sizes)
    return Layout(
        points[: len(sizes)],
        [
            ways.of([edge.source, *chain, edge.target])
            for edge, chain in zip(view.edges, ranked.dummies, strict=True)
        ],
        max(start - RANK_SPACE, 0.0),
        high - low,
    )


class _Ways:
    """Bends of edges: an edge turns only beyond those neighbours of a rank that it turns past."""

    def __init__(
        self,
        ranked: _Ranked,
        places: Sequence[int],
        points: Sequence[Point],
        sizes: Sequence[Point],
    ) -> None:
        self.rows, self.places, self.points, self.sizes = ranked.rows, places, points, sizes
        self.position = {i: k for row in ranked.rows for k, i in enumerate(row)}

    def of(self, chain: Sequence[int]) -> list[Point]:
        """Return the bends of an edge over these nodes and dummies."""
        bends: list[Point] = []
        for number, (a, b) in enumerate(pairwise(chain)):
            if number:
                bends.append(self.points[a])
            if self.places[b] - self.places[a] == 1:
                bends += self._beyond(a, b, 1) + self._beyond(b, a, -1)
        return bends

    def _beyond(self, own: int, other: int, sign: int) -> list[Point]:
        """Return where an edge turns at `own`, if wider neighbours are in its way to `other`."""
        (along, across), goal = self.points[own], self.points[other][1]
        border = reach = sign * along + self._half(own)
        step = 1 if goal > across else -1
        row = self.rows[self.places[own]]
        k = self.position[own] + step
        while 0 <= k < len(row) and step * self.points[row[k]][1] < step * goal + FAR:
            reach = max(reach, sign * along + self._half(row[k]))
            k += step
        return [(sign * reach, across)] if reach > border and goal != across else []

    def _half(self, i: int) -> float:
        return self.sizes[i][0] / 2 if i < len(self.sizes) else 0.0


def _with_dummies(view: Picture, rank: Sequence[int]) -> _Ranked:
    count = len(rank)
    ranked = _Ranked([[] for _ in range(max(rank, default=0) + 1)])
    for i in _visited(view):
        ranked.rows[rank[i]].append(i)
    sources = {edge.target for edge in view.edges}
    ranked.pull = [MAIN_PATH if i in sources else 1.0 for i in range(count)]
    ranked.above, ranked.below = [[] for _ in rank], [[] for _ in rank]
    long = sum(rank[e.target] - rank[e.source] - 1 for e in view.edges) <= DUMMIES
    for edge in view.edges:
        chain = []
        before = edge.source
        for between in range(rank[edge.source] + 1, rank[edge.target] if long else 0):
            own = len(ranked.above)
            ranked.rows[between].append(own)
            ranked.above.append([before])
            ranked.below.append([])
            ranked.pull.append(MAIN_PATH)
            ranked.below[before].append(own)
            chain.append(own)
            before = own
        ranked.above[edge.target].append(before)
        ranked.below[before].append(edge.target)
        ranked.dummies.append(chain)
    return ranked


def _visited(view: Picture) -> list[int]:
    """Return the nodes as one meets them from the results back, arguments in their order."""
    arguments: dict[int, list[int]] = {}
    used = set()
    for edge in view.edges:
        arguments.setdefault(edge.target, []).append(edge.source)
        used.add(edge.source)
    rest = [node.id for node in view.nodes if node.id not in used][::-1]
    order: dict[int, None] = {}
    while rest:
        place = rest.pop()
        if place not in order:
            order[place] = None
            rest += reversed(arguments.get(place, []))
    return list(order)


def _order(ranked: _Ranked) -> None:
    """Sort each rank by the mean place of the neighbours in the rank before, to and fro."""
    place = [0.0] * len(ranked.above)
    for row in ranked.rows:
        _number(row, place)
    best, fewest = [list(row) for row in ranked.rows], _crossings(ranked, place)
    for sweep in range(SWEEPS):
        down = sweep % 2 == 0
        near = ranked.above if down else ranked.below
        for row in ranked.rows if down else reversed(ranked.rows):
            middle = {
                i: sum(place[k] for k in near[i]) / len(near[i]) if near[i] else place[i]
                for i in row
            }
            row.sort(key=middle.__getitem__)
            _number(row, place)
        crossings = _crossings(ranked, place)
        if crossings < fewest:
            best, fewest = [list(row) for row in ranked.rows], crossings
    ranked.rows = best


def _number(row: Sequence[int], place: list[float]) -> None:
    for position, i in enumerate(row):
        place[i] = float(position)


def _crossings(ranked: _Ranked, place: Sequence[float]) -> int:
    """Count the crossings between neighbouring ranks: the inversions, by a binary indexed tree."""
    total = 0
    for row in ranked.rows:
        ends = [int(place[k]) for i in sorted(row, key=place.__getitem__)
                for k in sorted(ranked.below[i], key=place.__getitem__)]  # fmt: skip
        tree = [0] * (max(ends, default=0) + 2)
        for seen, end in enumerate(ends):
            total += seen
            k = end + 1
            while k > 0:
                total -= tree[k]
                k -= k & -k
            k = end + 1
            while k < len(tree):
                tree[k] += 1
                k += k & -k
    return total


def _places(ranked: _Ranked, breadth: Sequence[float], nodes: int) -> list[float]:
    """Move each rank towards the mean of its neighbours, as far as the order and sizes allow."""
    across = [0.0] * len(breadth)
    gaps = [_gaps(row, breadth, nodes) for row in ranked.rows]
    for row, gap in zip(ranked.rows, gaps, strict=True):
        _spread(row, gap, [0.0] * len(row), across, [1.0] * len(row))
    for sweep in range(SWEEPS):
        down = sweep % 2 == 0
        rows = list(zip(ranked.rows, gaps, strict=True))
        for row, gap in rows if down else reversed(rows):
            wanted, weights = [], []
            for i in row:
                near = (ranked.above[i] if down else ranked.below[i]) or (
                    ranked.below[i] if down else ranked.above[i]
                )
                heavy = sum(ranked.pull[k] for k in near)
                middle = sum(across[k] * ranked.pull[k] for k in near)
                wanted.append(middle / heavy if near else across[i])
                weights.append(ranked.pull[i] * (heavy or 0.1))
            _spread(row, gap, wanted, across, weights)
    return across


def _gaps(row: Sequence[int], breadth: Sequence[float], nodes: int) -> list[float]:
    """Return the distance of each of a rank's centres from the first, closest packed."""
    found = [0.0]
    for a, b in pairwise(row):
        space = SPACE if a < nodes and b < nodes else DUMMY_SPACE
        found.append(found[-1] + (breadth[a] + breadth[b]) / 2 + space)
    return found


def _spread(
    row: Sequence[int],
    gap: Sequence[float],
    wanted: Sequence[float],
    across: list[float],
    weights: Sequence[float],
) -> None:
    """Place a rank nearest to what is wanted, by weighted least squares: pool adjacent violators.

    Less the closest packing, the order is all that is left of the distances, and so isotonic
    regression solves it (Barlow et al. 1972).
    """
    pools: list[list[float]] = []  # mean, weight, members
    for target, offset, weight in zip(wanted, gap, weights, strict=True):
        pools.append([target - offset, weight, 1])
        while len(pools) > 1 and pools[-2][0] > pools[-1][0]:
            mean, heavy, count = pools.pop()
            last = pools[-1]
            last[0] = (last[0] * last[1] + mean * heavy) / (last[1] + heavy)
            last[1] += heavy
            last[2] += count
    position = 0
    for mean, _, count in pools:
        for _ in range(int(count)):
            across[row[position]] = mean + gap[position]
            position += 1
