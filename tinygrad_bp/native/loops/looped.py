"""A loop over rows with many columns: the columns are loops as well, so the code stays short.

A tile's values lie column by column, each with all rows of the tile.  What is computed element by
element is one nest of loops over columns and rows; products keep blocks of columns in registers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tinygrad_bp.native.functions.elementary import CALLS, FUNCTIONS
from tinygrad_bp.native.llvm.ir import Block, Operand, Value
from tinygrad_bp.native.loops.body import Store, live
from tinygrad_bp.native.loops.columns import Columns, carried, index_of
from tinygrad_bp.native.loops.nests import (
    FOLD,
    GROUP,
    LOAD,
    MOVE,
    OUTER,
    PRODUCT,
    SUM,
    Nest,
    Planner,
    folded,
    runs,
)
from tinygrad_bp.native.loops.products import VECTORS, outer_product, product
from tinygrad_bp.native.loops.rows import WOVEN, Home, Rows
from tinygrad_bp.native.loops.tiles import ACROSS, IDENTITY, Round
from tinygrad_bp.native.lowering.cells import Cells
from tinygrad_bp.native.lowering.expansion import Expansion, Single, single
from tinygrad_bp.native.lowering.moves import moved
from tinygrad_bp.programs.instructions import Instruction, Ref


class Looped:
    """Writes a work over the batch.

    Parameters
    ----------
    writer : Writer
        Of the kernel: ``block``, ``lowering``, ``homes``, ``makers``, ``stored``, ``n``.
    instructions : sequence of Instruction
    numbers : callable
        ``numbers(cells)(name)`` returns the cells of what is the same for all rows.
    tile : int
        Vectors of a tile.
    """

    def __init__(
        self,
        writer: Any,
        instructions: Sequence[Instruction],
        numbers: Callable[[Cells], Callable[[str], Any]],
        tile: int,
    ) -> None:
        self.writer, self.numbers = writer, numbers
        self.block: Block = writer.block
        self.lowering, self.homes = writer.lowering, writer.homes
        self.makers = {one.name: one for one in instructions}
        self.planner = Planner(self.lowering, instructions, writer.stored)
        self.plan = self.planner.made()
        self.width = self.block.module.width
        self.high = -(-tile // VECTORS) * VECTORS * self.width  # rows of a tile
        self.brief = sum(one.op in FUNCTIONS for one in instructions) > CALLS
        self.sums: dict[str, tuple[int, int, int]] = {}  # the first one, kept, folded

    def write(self) -> dict[str, tuple[int, int, int]]:
        """Write the loop; return where the sums of each reduction are in `sums_in`."""
        block = self.block
        self._lay_out()
        count = self.writer.n
        memory = self.writer.memory(self.plan.size * self.high)
        first, end = self.writer.span
        self.tile = Columns(block, self.lowering, self.plan, (count, end), self.high, memory)
        with block.loop(end, start=first, step=self.high) as base:
            self.tile.begin(base)
            for nest in self.plan.nests:
                self._nest(nest)
        return self.sums

    def _lay_out(self) -> None:
        """Give memory to the sums, and set them to what changes nothing."""
        block, total = self.block, 0
        identities: list[list[Any]] = []  # the first one, how many, and what they are set to
        for nest in self.plan.nests:
            if nest.kind not in (SUM, OUTER):
                continue
            one = self.makers[nest.names[0]]
            count = int(np.prod(one.shape, dtype=int))
            many = 1 if nest.kind == OUTER else self._folded(one)[1]
            self.sums[one.name] = total, count, many
            op = "sum" if nest.kind == OUTER or one.op == "mean" else one.op
            if identities and identities[-1][2] == IDENTITY[op]:
                identities[-1][1] += count * many
            else:
                identities.append([total, count * many, IDENTITY[op]])
            total += count * many
        self.sums_in = self.writer.sums(total * self.width)
        self.memory = self.sums_in.value
        for start, count, identity in identities:
            with block.loop(count) as k:
                at = block.at(self.memory, block.mul(block.add(k, start), self.width))
                block.store(block.splat(identity), at, align=64)

    def _folded(self, one: Instruction) -> tuple[int, int]:
        shape = self.lowering.types[one.refs[0]].shape
        found = folded(one, shape, self.lowering.length)
        assert found is not None  # noqa: S101  # others are not lowered
        return found

    def _nest(self, nest: Nest) -> None:
        if nest.kind == GROUP:
            self._group(nest)
            return
        (name,) = nest.names
        if nest.kind == LOAD:
            self._load(name, nest.columns)
            return
        one = self.makers[name]
        write = {
            MOVE: self._move,
            PRODUCT: self._product,
            FOLD: self._fold,
            SUM: self._sum,
            OUTER: self._outer,
        }[nest.kind]
        write(one)
        if nest.kind not in (SUM, OUTER) and name in self.writer.stored:
            with self.tile.nest(nest.columns) as (c, t):
                value = self.tile.load(name, c, t)
                self._out(name, c, t, value)

    # Nests

    def _out(self, name: str, column: Operand, t: Value, value: Value) -> None:
        home: Home = self.homes[name]
        value = self.block.convert(value, "i1") if home.element == "i8" else value
        self.tile.rows(t).store(self.tile.shifted(home, column), 0, value)

    def _load(self, name: str, columns: int) -> None:
        home: Home = self.homes[name]
        if home.after in range(2, WOVEN + 1) and columns <= WOVEN:
            with self.block.loop(self.tile.here, step=self.width) as t:
                rows = self.tile.rows(t)
                for k in range(columns):
                    self.tile.put(name, k, t, rows.load(home, k))
            return
        with self.tile.nest(columns) as (c, t):
            found = self.tile.rows(t).load(self.tile.shifted(home, c), 0, woven=False)
            self.tile.put(name, c, t, found)

    def _group(self, nest: Nest) -> None:
        cells = Cells(self.writer.dtype)
        values = _Element(self, nest, cells)
        found = {}
        for name in nest.names:
            one = self.makers[name]
            found[name] = values.known[name] = values.expansion.expanded(single(one))
        kept = [x for x in nest.names if x in self.plan.places or x in self.writer.stored]
        items = live([*cells.order, *[Store(x, 0, found[x][()]) for x in kept]])
        with self.tile.nest(nest.columns) as (c, t):
            rows = Rows(self.block, t, self.width, self.high)
            one_round = Round(
                self.block,
                lambda name: self._home(name, c),
                rows,
                brief=self.brief,
                element=lambda name: self._element(name, c),
            )
            one_round.write([x for x in items if not isinstance(x, Store)])
            for name in kept:
                x = one_round.operand(found[name][()])
                value = x if isinstance(x, Value) else self.block.constant(x)
                if name in self.plan.places:
                    self.tile.put(name, c, t, value)
                if name in self.writer.stored:
                    self._out(name, c, t, value)

    def _home(self, name: str, column: Operand) -> Home:
        """Return where a column of a value is, or an element of what all rows share."""
        real = self.block.module.real
        if self.lowering.has_rows(name):
            columns = self.lowering.columns(self.lowering.types[name].shape)
            return Home(self.tile.at(name, column if columns > 1 else 0, 0), real)
        home: Home = self.homes[name]
        return home

    def _element(self, name: str, column: Operand) -> Value:
        """Return an element of what all rows share."""
        base, start, step = self.lowering.lies(name, self.writer.makers)
        home, block = self.homes[base], self.block
        offset = block.add(block.mul(index_of(block, column), step), start)
        found = block.load(block.at(home.base, offset, home.element), home.element)
        return block.convert(found, "i1") if home.element == "i8" else found

    def _move(self, one: Instruction) -> None:
        pool: list[tuple[Any, int]] = [(0.0, 0)]
        starts = set()
        for x in moved(one):
            starts.add(len(pool))
            many = self.tile.many(x.name) if type(x) is Ref else 1
            pool += [(x, k) for k in range(many)]
        for first, source, many in runs(self.lowering.sources(one), starts):
            operand, place = pool[source]
            with self.tile.nest(many) as (c, t):
                at = self.block.add(index_of(self.block, c), place)
                if type(operand) is not Ref:
                    value = self.block.splat(float(operand))
                elif self.lowering.has_rows(operand.name):
                    value = self.tile.load(operand.name, at, t)
                else:
                    value = self._element(operand.name, at)
                self.tile.put(one.name, self.block.add(index_of(self.block, c), first), t, value)

    def _fold(self, one: Instruction) -> None:
        """Fold columns in a row into one: the first, and then each of the others in turn."""
        kept, many = self._folded(one)
        combine = getattr(self.block, ACROSS[one.op])
        name = one.refs[0]
        with self.tile.nest(kept) as (c, t):
            start = self.block.mul(index_of(self.block, c), many)
            first = self.tile.load(name, start, t)

            def body(k: Value, values: list[Value]) -> list[Value]:
                at = self.block.add(self.block.add(start, k), 1)
                return [combine(values[0], self.tile.load(name, at, t))]

            (total,) = (
                carried(self.block, self.block.constant(many - 1, "i64"), [first], body)
                if many > 1
                else [first]
            )
            if one.op == "mean":
                total = self.block.div(total, float(many))
            self.tile.put(one.name, c, t, total)

    def _sum(self, one: Instruction) -> None:
        start, _, _ = self.sums[one.name]
        sums = self.block.at(self.memory, start * self.width)
        self.tile.add_rows("sum" if one.op == "mean" else one.op, sums, *one.refs)

    def _product(self, one: Instruction) -> None:
        x, y = one.refs
        outer = self.lowering.columns(one.shape)
        base, *lies = self.lowering.lies_in_two(y, self.tile.many(x), outer, self.writer.makers)
        start, along, across = lies
        product(self.tile, one.name, x, self.homes[base], (start, along, across), outer)

    def _outer(self, one: Instruction) -> None:
        x, y = one.refs
        outer_product(self.tile, x, y, self.memory, self.sums[one.name][0])


class _Element:
    """The cells of one element of each value, in a nest over all of them."""

    def __init__(self, looped: Looped, nest: Nest, cells: Cells) -> None:
        self.looped, self.nest, self.cells = looped, nest, cells
        self.numbers = looped.numbers(cells)
        self.known: dict[str, Any] = {}
        lowering = looped.lowering
        self.expansion = Expansion(
            cells, self, Single(lowering.types), None, lowering.sources, flat=True
        )

    def __call__(self, name: str) -> Any:
        root = self.looped.plan.root(name)
        if root not in self.known:
            array = np.empty((), object)
            array[()] = self._cell(root)
            self.known[root] = array
        return self.known[root]

    def _cell(self, name: str) -> Any:
        lowering = self.looped.lowering
        if lowering.has_rows(name):
            return self.cells.leaf("row", name, 0, "real", varies=True)
        if int(np.prod(lowering.types[name].shape, dtype=int)) == 1:
            return self.numbers(name).reshape(-1)[0]
        return self.cells.leaf("element", name, 0, self.looped.writer.kind(name), varies=False)
