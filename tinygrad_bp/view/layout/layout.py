"""A layered layout of our own: in columns from left to right, and in rows like a text.

The four steps of Sugiyama, Tagawa & Toda (1981), "Methods for visual understanding of hierarchical
system structures": ranks, dummies where an edge passes a rank, an order within each rank that
crosses few edges, and places that keep edges straight.  Ranks are columns; where they are more than
a page is wide, `rows` breaks them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from tinygrad_bp.view.layout.lanes import part_ways
from tinygrad_bp.view.layout.layering import Broken, broken, ranks, spaced
from tinygrad_bp.view.layout.ordering import ordered
from tinygrad_bp.view.layout.ranked import Point, Ranked
from tinygrad_bp.view.picture.kinds import MARK
from tinygrad_bp.view.picture.parts import Part
from tinygrad_bp.view.picture.records import Picture

SWEEPS = 12
DUMMIES = 20_000  # beyond it long edges go straight, behind what is in their way
MAIN_PATH = 64.0  # how much more an operation keeps its way straight than a leaf, at most
BRANCH = 4.0  # and what is computed from leaves alone, than these
MARKED = 3  # operations that are counted on the way to a mark, where those before are not known
SPACE = 8.0  # between neighbours of a column, in pixels
DUMMY_SPACE = 8.0
COLUMN_SPACE = 22.0
LABEL_SPACE = 18.0  # beside the label of an edge


@dataclass
class Grid:
    """Nodes and dummies in columns, before these are put into rows.

    Attributes
    ----------
    ranked : Ranked
    column : list of int
        Of each node and dummy.
    across : list of float
        Its middle, down the column.
    sizes : list of (width, height)
        Of dummies (0, 0).
    spans : list of (left, right)
        Of each column, from the left of its row.
    breaks : list of int
        The columns that begin rows, 0 first.
    """

    ranked: Ranked
    column: list[int]
    across: list[float]
    sizes: list[Point]
    spans: list[Point]
    breaks: list[int]


def in_rows(view: Picture, sizes: Sequence[Point], page: float | None = None) -> Broken:
    """Return the columns of a picture's nodes, and those that begin a row; see `broken`."""
    rank = spaced(view, ranks(view))
    widths = [width + COLUMN_SPACE for width, _ in sizes]
    return broken(view, rank, widths, page) if _passed(view, rank) <= DUMMIES else Broken(rank, [0])


def _passed(view: Picture, rank: Sequence[int]) -> int:
    """Return how many columns all edges pass."""
    return sum(rank[e.target] - rank[e.source] - 1 for e in view.edges if not e.loop)


def grid(
    view: Picture, folds: Broken, sizes: Sequence[Point], labels: Sequence[float], root: Part
) -> Grid:
    """Put the nodes of a picture into columns.

    Parameters
    ----------
    view : Picture
    folds : Broken
        Its columns and rows; no edge leads from one row to another but a loop back.
    sizes : sequence of (width, height)
    labels : sequence of float
        Width of the label of each edge, 0 for none.
    root : Part
        The parts of the picture.
    """
    ranked = _with_dummies(view, folds.rank, dummies=_passed(view, folds.rank) <= DUMMIES)
    loops = [(edge.source, edge.target) for edge in view.edges if edge.loop]
    ordered(ranked, len(view.nodes), loops, root, folds.breaks)
    total = len(ranked.above)
    all_sizes = [*sizes, *[(0.0, 0.0)] * (total - len(sizes))]
    across = _places(ranked, [height for _, height in all_sizes], len(sizes))
    column = [0] * total
    for number, members in enumerate(ranked.columns):
        for i in members:
            column[i] = number
    rows = [sum(begin <= number for begin in folds.breaks) for number in range(len(ranked.columns))]
    part_ways(ranked, root, across, all_sizes, rows)
    before = [COLUMN_SPACE] * len(ranked.columns)
    beside: dict[tuple[int, int], float] = {}  # labels of edges that run side by side
    for edge, width in zip(view.edges, labels, strict=True):
        if width and not edge.loop:
            number, ends = column[edge.target], (edge.source, edge.target)
            beside[ends] = beside.get(ends, 0.0) + width + LABEL_SPACE
            before[number] = max(before[number], beside[ends])
    spans: list[Point] = []
    for number, members in enumerate(ranked.columns):
        start = 0.0 if number in folds.breaks else spans[-1][1] + before[number]
        thick = max((all_sizes[i][0] for i in members), default=0.0)
        spans.append((start, start + thick))
    return Grid(ranked, column, across, all_sizes, spans, folds.breaks)


def _with_dummies(view: Picture, rank: Sequence[int], *, dummies: bool) -> Ranked:
    count = len(rank)
    ranked = Ranked([[] for _ in range(max(rank, default=0) + 1)])
    edges = [edge for edge in view.edges if not edge.loop]
    for i in _visited(view):
        ranked.columns[rank[i]].append(i)
    depth = [0] * count  # operations on the longest way to it
    for edge in edges:  # by target, so in topological order
        depth[edge.target] = max(depth[edge.target], depth[edge.source] + 1)
    depth = [MARKED if view.nodes[i].kind == MARK else own for i, own in enumerate(depth)]
    ranked.pull = [min(BRANCH**own, MAIN_PATH) for own in depth]
    ranked.above, ranked.below = [[] for _ in rank], [[] for _ in rank]
    for edge in view.edges:
        chain: list[int] = []
        ranked.dummies.append(chain)
        if edge.loop:
            continue
        before = edge.source
        for between in range(rank[edge.source] + 1, rank[edge.target] if dummies else 0):
            own = len(ranked.above)
            ranked.ends[own] = edge.source, edge.target
            ranked.columns[between].append(own)
            ranked.above.append([before])
            ranked.below.append([])
            ranked.pull.append(MAIN_PATH)
            ranked.below[before].append(own)
            chain.append(own)
            before = own
        ranked.above[edge.target].append(before)
        ranked.below[before].append(edge.target)
    return ranked


def _visited(view: Picture) -> list[int]:
    """Return the nodes as one meets them from the results back, arguments in their order."""
    arguments: dict[int, list[int]] = {}
    used = set()
    for edge in view.edges:
        if not edge.loop:
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


def _places(ranked: Ranked, breadth: Sequence[float], nodes: int) -> list[float]:
    """Move each rank towards the mean of its neighbours, as far as the order and sizes allow."""
    across = [0.0] * len(breadth)
    gaps = [_gaps(row, breadth, nodes) for row in ranked.columns]
    for row, gap in zip(ranked.columns, gaps, strict=True):
        _spread(row, gap, [0.0] * len(row), across, [1.0] * len(row))
    for sweep in range(SWEEPS):
        down = sweep % 2 == 0
        rows = list(zip(ranked.columns, gaps, strict=True))
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
    found = [0.0][: len(row)]  # a rank whose leaves have gone to the next row is empty
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
