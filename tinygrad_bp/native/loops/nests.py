"""What a loop over rows with many columns is made of: nests of loops, and the tile's memory.

In come the instructions of a work; out comes a `Plan`: which nests there are, in order, and which
columns of the tile's memory each value has.  `looped` writes it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tinygrad_bp.native.lowering.expansion import REDUCTIONS, reduced_axes
from tinygrad_bp.native.lowering.lowering import Lowering
from tinygrad_bp.native.lowering.moves import ADDED, MOVES, NotLowered, moved
from tinygrad_bp.programs.instructions import Instruction, Ref

# Kinds of nests.
LOAD, MOVE, GROUP, PRODUCT, FOLD, SUM, OUTER = range(7)

RUNS = 64  # of columns, in a move
# Lines of a group.  The processor works on several rounds of a short loop at once, and LLVM takes
# more than twice as long for lines without a branch that are twice as many.
GROUPED = 240


@dataclass
class Nest:
    """Loops over columns, and over the rows of a tile.

    Attributes
    ----------
    kind : int
        `LOAD` from memory, `MOVE` of columns, `GROUP` of instructions element by element,
        `PRODUCT` with what is the same for all rows, `FOLD` of columns into one, `SUM` of rows,
        `OUTER` product, summed over the rows.
    columns : int
        Of what it computes.
    names : list of str
        The values that it computes.
    """

    kind: int
    columns: int
    names: list[str]


@dataclass
class Plan:
    """The nests of a work, in order.

    Attributes
    ----------
    nests : list of Nest
    alias : dict of str to str
        Values whose columns are those of another.
    masked : set of str
        Values that are zero in rows which do not exist: products over rows read them.
    places : dict of str to int
        The first column of each value in the tile's memory.
    size : int
        How many columns that has.
    """

    nests: list[Nest] = field(default_factory=list)
    alias: dict[str, str] = field(default_factory=dict)
    masked: set[str] = field(default_factory=set)
    places: dict[str, int] = field(default_factory=dict)
    size: int = 0

    def root(self, name: str) -> str:
        """Return the value whose columns a value's are."""
        while name in self.alias:
            name = self.alias[name]
        return name


class Planner:
    """Makes the plan of a work.

    Parameters
    ----------
    lowering : Lowering
    instructions : iterable of Instruction
        Of the work.
    stored : set of str
        Values that go to memory.
    """

    def __init__(
        self, lowering: Lowering, instructions: Iterable[Instruction], stored: set[str]
    ) -> None:
        self.lowering, self.instructions, self.stored = lowering, list(instructions), stored
        self.makers = {one.name: one for one in self.instructions}
        self.plan = Plan()
        self._open: Nest | None = None
        self._waiting: list[Nest] = []  # for what that computes
        self._weight = 0  # lines of the open nest

    def made(self) -> Plan:
        """Return the plan."""
        for one in self.instructions:
            self._add(one)
        self._close()
        self._settle()
        return self.plan

    def reads(self, name: str) -> list[str]:
        """Return the values of rows that an instruction reads, none of them an alias."""
        if name not in self.makers:
            return []
        refs = self.makers[name].refs
        return [self.plan.root(x) for x in refs if self.lowering.has_rows(x)]

    def _add(self, one: Instruction) -> None:
        kind = kind_of(one, self.lowering)
        if kind == MOVE and one.name not in self.stored and self._renamed(one):
            return
        columns = self.lowering.columns(one.shape)
        for name in self.reads(one.name):
            known = name in self.plan.places
            if not known and name not in self.makers:
                shape = self.lowering.types[name].shape
                self.plan.nests.append(Nest(LOAD, self.lowering.columns(shape), [name]))
            self.plan.places[name] = -1
        if kind == OUTER:
            self.plan.masked.update(self.reads(one.name))
        if kind == GROUP:
            own = self.lowering.weight(one)
            if self._open is not None and (
                self._open.columns != columns or self._weight + own > GROUPED
            ):
                self._close()
            if self._open is None:
                self._open, self._weight = Nest(GROUP, columns, []), 0
            self._weight += own
            self._open.names.append(one.name)
            return
        nest = Nest(kind, columns, [one.name])
        if self._open is not None and not set(self._open.names).isdisjoint(self.reads(one.name)):
            if kind in (SUM, OUTER):  # which nothing reads before the loop ends
                self._waiting.append(nest)
                return
            self._close()
        self.plan.nests.append(nest)

    def _renamed(self, one: Instruction) -> bool:
        """Note a move that leaves all columns where they are."""
        data = moved(one)
        if len(data) != 1 or type(data[0]) is not Ref or not self.lowering.has_rows(data[0].name):
            return False
        sources = self.lowering.sources(one).reshape(-1)
        columns = self.lowering.columns(self.lowering.types[data[0].name].shape)
        if not np.array_equal(sources, np.arange(1, columns + 1)):
            return False
        self.plan.alias[one.name] = data[0].name
        return True

    def _close(self) -> None:
        if self._open is not None:
            self.plan.nests += [self._open, *self._waiting]
            self._open = None
            self._waiting.clear()

    def _settle(self) -> None:
        """Give each value that another nest reads columns of the tile's memory."""
        plan = self.plan
        last: dict[str, int] = {}
        for k, nest in enumerate(plan.nests):
            for name in nest.names:
                if nest.kind in (MOVE, PRODUCT, FOLD):
                    last.setdefault(name, k)
                for read in self.reads(name):
                    if read not in nest.names:
                        last[read] = k
        plan.places.clear()
        free: list[tuple[int, int]] = []
        ends: dict[int, list[str]] = {}
        for name, k in last.items():
            ends.setdefault(k, []).append(name)
        for k, nest in enumerate(plan.nests):
            for name in nest.names:
                if name in last:
                    self._place(name, nest.columns, free)
            for name in ends.get(k, ()):
                shape = self.lowering.types[name].shape
                free.append((self.lowering.columns(shape), plan.places[name]))

    def _place(self, name: str, columns: int, free: list[tuple[int, int]]) -> None:
        fitting = [one for one in free if one[0] == columns]
        if fitting:
            free.remove(fitting[0])
            self.plan.places[name] = fitting[0][1]
        else:
            self.plan.places[name] = self.plan.size
            self.plan.size += columns


def kind_of(one: Instruction, lowering: Lowering) -> int:
    """Return the kind of nest that an instruction is."""
    if one.op == "matmul":
        return OUTER if lowering.reduces(one) else PRODUCT
    if one.op in REDUCTIONS:
        return SUM if lowering.reduces(one) else FOLD
    if one.op in MOVES:
        return MOVE
    return GROUP


def require_loops(one: Instruction, lowering: Lowering) -> None:
    """Check that loops over columns can do an instruction.

    Raises
    ------
    NotLowered
        If they cannot.
    """
    if one.op == ADDED:
        raise NotLowered("it adds to columns here and there")
    wide = [x for x in (one.name, *one.refs) if lowering.has_rows(x)]
    if max(lowering.columns(lowering.types[x].shape) for x in wide) > lowering.most_columns:
        raise NotLowered("it has very many columns")
    if any(lowering.types[x].dtype.kind == "i" for x in wide):
        raise NotLowered("it has integers of the batch")
    kind = kind_of(one, lowering)
    shapes = [lowering.types[x].shape for x in one.refs]
    if kind == GROUP:
        _require_single_columns(one, lowering)
    elif kind == MOVE:
        found = runs(lowering.sources(one), ())
        if len(found) > RUNS or not any(map(lowering.has_rows, one.refs)):
            raise NotLowered("it moves columns here and there")
        if any(lowering.types[x].dtype.kind != "f" for x in one.refs):
            raise NotLowered("it moves other than reals")
    elif kind in (OUTER, PRODUCT):
        _require_matrices(one, lowering)
    elif one.op in ("all", "any") or folded(one, shapes[0], lowering.length) is None:
        raise NotLowered("it reduces columns here and there")


def _require_matrices(one: Instruction, lowering: Lowering) -> None:
    x, y = one.refs
    left, right = (lowering.types[name].shape for name in (x, y))
    if max(len(left), len(right)) > 2:  # the axes of a matrix
        raise NotLowered("it is a stack of products")
    if lowering.reduces(one):
        return
    if not lowering.has_rows(x) or lowering.has_rows(y) or left[:1] != (lowering.length,):
        raise NotLowered("it is a product from the left, or one for each row")
    if len(left) == 1:
        raise NotLowered("it is a product with a column")
    lowering.lies_in_two(y, lowering.columns(left), lowering.columns(one.shape))


def _require_single_columns(one: Instruction, lowering: Lowering) -> None:
    columns = lowering.columns(one.shape)
    for name in one.refs:
        own = lowering.columns(lowering.types[name].shape)
        if own not in (1, columns):
            raise NotLowered("it spreads columns over others")
        if not lowering.has_rows(name):
            lowering.lies(name)
    if one.op == "constant" and np.unique(np.asarray(one.operands[0])).size > 1:
        raise NotLowered("it is a constant that differs from column to column")


def runs(sources: Any, starts: Collection[int]) -> list[tuple[int, int, int]]:
    """Return where elements come from, as (first, first source, how many) of rising ones.

    No run goes on where an operand starts.
    """
    flat = sources.reshape(-1).tolist()
    found: list[list[int]] = []
    for k, source in enumerate(flat):
        if found and source - 1 == flat[k - 1] > 0 and source not in starts:
            found[-1][2] += 1
        else:
            found.append([k, source, 1])
    return [(first, source, many) for first, source, many in found]


def folded(one: Instruction, shape: tuple[int, ...], length: int | None) -> tuple[int, int] | None:
    """Return how many columns are left, and how many are folded into each; None if not in a row."""
    axes = set(reduced_axes(one, len(shape)))
    rest = [(n, k in axes) for k, n in enumerate(shape) if n != length]
    kept = [n for n, folds in rest if not folds]
    gone = [n for n, folds in rest if folds]
    order = [folds for n, folds in rest if n != 1]
    if order != sorted(order):
        return None
    return int(np.prod(kept, dtype=int)), int(np.prod(gone, dtype=int))
