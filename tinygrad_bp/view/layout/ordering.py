"""The order within each column that crosses few edges."""

from __future__ import annotations

import random
from collections.abc import Sequence
from itertools import pairwise

from tinygrad_bp.view.layout.lanes import held_together, lanes_of
from tinygrad_bp.view.layout.ranked import Ranked
from tinygrad_bp.view.picture.parts import Part

SWEEPS = 12
STARTS, EFFORT = 12, 600  # orders to begin with: fewer where they have more nodes and dummies
BLOCK = 2  # crossings that a node counts for in the way of a loop back


def ordered(
    ranked: Ranked,
    nodes: int,
    loops: Sequence[tuple[int, int]],
    root: Part,
    breaks: Sequence[int] = (0,),
) -> None:
    """Order each column of a picture of so many nodes, loops back between these, and parts.

    Each row is ordered by itself, from one of the `breaks` to the next: no edge joins two.
    """
    for begin, end in pairwise([*breaks, len(ranked.columns)]):
        begun = ranked.columns[begin:end]
        ordering = _Ordering(ranked, begun, nodes, loops, root)
        starts = EFFORT // max(sum(map(len, begun)), 1)
        for number in range(min(max(starts, 1), STARTS)):
            ordering.columns = [list(column) for column in begun]
            if number:  # the same ones each time
                for column in ordering.columns:
                    random.Random(number).shuffle(column)  # noqa: S311  # no secret
            ordering.sweep()
            if not ordering.fewest:
                break
        ranked.columns[begin:end] = ordering.best


class _Ordering:
    """Tries orders of a row, and keeps the best.

    Attributes
    ----------
    columns : list of list of int
        Of the row, as they are tried.
    place : list of float
        Of each node and dummy in its column.
    best : list of list of int
        The columns that crossed fewest edges.
    tried : list of list of int
        The columns that were looked at last.
    fewest : int or None
        How many; None before the first try.
    """

    def __init__(
        self,
        ranked: Ranked,
        columns: list[list[int]],
        nodes: int,
        loops: Sequence[tuple[int, int]],
        root: Part,
    ) -> None:
        self.ranked, self.columns = ranked, columns
        self.lanes = [*lanes_of(ranked, columns, root)]
        self.weights = [BLOCK if i < nodes else 1 for i in range(len(ranked.above))]
        self.column = {i: number for number, column in enumerate(columns) for i in column}
        self.loops = [loop for loop in loops if not self.column.keys().isdisjoint(loop)]
        self.place = [0.0] * len(ranked.above)
        self.best = columns
        self.tried: list[list[int]] = []
        self.fewest: int | None = None

    def sweep(self) -> None:
        """Sort each column by the mean place of the neighbours in the one before, to and fro.

        Then swap two neighbours where that crosses fewer edges (Gansner et al. 1993); every other
        round those too that cross as many, which moves a crossing along two edges, perhaps to where
        one of them ends.
        """
        for column in self.columns:
            self._number(column)
        self._keep()
        for round_ in range(2 * SWEEPS):
            if not self.fewest:
                return
            if round_ < SWEEPS:
                self._sort(down=round_ % 2 == 0)
            else:
                self._swap(ties=round_ % 2 == 1, down=round_ % 4 < 2)
            self._keep()

    def _number(self, column: Sequence[int]) -> None:
        for position, i in enumerate(column):
            self.place[i] = float(position)

    def _keep(self) -> None:
        """Keep the order, with each part in one piece, if it is the best so far."""
        if self.columns == self.tried:
            return
        self.tried, columns = ([list(one) for one in self.columns] for _ in range(2))
        if self.lanes:
            held_together(columns, self.lanes)
            for column in columns:
                self._number(column)
        crossed = self._crossings(columns) + sum(self._passed(columns, one) for one in self.loops)
        if self.fewest is None or crossed < self.fewest:
            self.best, self.fewest = columns, crossed
        if self.lanes:
            for column in self.columns:
                self._number(column)

    def _sort(self, *, down: bool) -> None:
        columns, place = self.columns, self.place
        near = self.ranked.above if down else self.ranked.below
        for column in columns if down else reversed(columns):
            middle = {
                i: sum(place[k] for k in near[i]) / len(near[i]) if near[i] else place[i]
                for i in column
            }
            column.sort(key=middle.__getitem__)
            self._number(column)

    def _swap(self, *, ties: bool, down: bool) -> None:
        place, columns = self.place, self.columns
        for column in columns if down else reversed(columns):
            for k in range(len(column) - 1):
                a, b = column[k], column[k + 1]
                less = self._less(self.ranked.above, a, b) + self._less(self.ranked.below, a, b)
                if less > 0 or (ties and less == 0):
                    column[k], column[k + 1] = b, a
                    place[a], place[b] = place[b], place[a]

    def _less(self, near: Sequence[Sequence[int]], upper: int, lower: int) -> int:
        """Return how many crossings less there are on one side if two nodes are swapped."""
        place = self.place
        return sum(
            (place[one] > place[other]) - (place[one] < place[other])
            for one in near[upper]
            for other in near[lower]
        )

    def _passed(self, columns: Sequence[list[int]], loop: tuple[int, int]) -> int:
        """Return what a loop back passes out of its columns: above, or below within a row."""
        sides = [0, 0]
        ends = [end for end in loop if end in self.column]
        for end in ends:
            column = columns[self.column[end]]
            k = column.index(end)
            for side, way in enumerate((column[:k], column[k + 1 :])):
                sides[side] += sum(self.weights[i] for i in way)
        return min(sides) if len(ends) == len(loop) else sides[0]

    def _crossings(self, columns: Sequence[Sequence[int]]) -> int:
        """Count the crossings between columns: the inversions, by a binary indexed tree."""
        total, place = 0, self.place
        for column in columns:
            ends = [int(place[k]) for i in sorted(column, key=place.__getitem__)
                    for k in sorted(self.ranked.below[i], key=place.__getitem__)]  # fmt: skip
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
