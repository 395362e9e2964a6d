"""A loop over the rows of arrays, and in it one over the elements of each.

In comes a work on what lies `by_rows`.  Reductions of a row are what the inner loop sums; those
across the rows add each row to memory as long as one, in order.
"""

from __future__ import annotations

from typing import Any

from tinygrad_bp.native.llvm.ir import Operand, Value
from tinygrad_bp.native.loops.body import Store, is_brief, is_reduction, live
from tinygrad_bp.native.loops.by_rows import ALL, EACH, cut, folding, is_one_a_row
from tinygrad_bp.native.loops.rows import Home
from tinygrad_bp.native.loops.schedule import Work
from tinygrad_bp.native.loops.tiles import IDENTITY, Loop
from tinygrad_bp.native.loops.work_values import Values
from tinygrad_bp.native.lowering.cells import Cell, Cells
from tinygrad_bp.native.lowering.expansion import REDUCTIONS
from tinygrad_bp.programs.instructions import Instruction

COMBINED = {"add": "add", "maximum": "maximum", "minimum": "minimum", "multiply": "mul"}


class RowLoop:
    """Writes a work.

    Parameters
    ----------
    writer : Writer
        Of the kernel.
    work : Work
    """

    def __init__(self, writer: Any, work: Work) -> None:
        self.writer, self.block, self.work = writer, writer.block, work
        self.many, self.columns = cut(work.shape)
        self.rows = self.block.mul(writer.n, self.many)
        self.cells = Cells(writer.dtype)
        self.values = Values(writer, work, self.cells)
        self.totals: dict[str, Home] = {}  # of what is reduced across the rows
        self.across: list[Instruction] = []
        self.each: list[tuple[Instruction, Cell]] = []  # of what each row is reduced to

    def write(self) -> None:
        """Write the loop, and what follows from the sums."""
        for one in self.work.instructions:
            self._expand(one)
        items = live(self.cells.order)
        self.writer.note_overlays(items)
        width, block = self.block.module.width, self.block
        sums = self.writer.sums(max(1, sum(map(is_reduction, items))) * width).value
        for one in self.across:
            self._begin(one)
        with block.loop(self.rows) as row:
            known: dict[str, Home] = {}
            loop = Loop(
                block,
                lambda name: self._home(name, row, known),
                items,
                self.columns,
                (sums, self.writer.memory),
                tile=self.writer.tile,
                brief=is_brief(items),
            )
            loop.write()
            for one, cell in self.each:
                at = block.at(sums, loop.places[id(cell)] * width)
                combine = COMBINED[REDUCTIONS[one.op]]
                number = block.across(combine, block.load(at, vector=True, align=64))
                block.store(
                    self._of(one, number, float(self.columns)),
                    self._home(one.name, row, known).base,
                )
        for one in self.across:
            self._end(one)

    def _expand(self, one: Instruction) -> None:
        """Make cells of an instruction."""
        if one.op not in REDUCTIONS:
            cell = self.values.expanded(one)[()]
            if one.name in self.writer.stored:
                self.cells.order.append(Store(one.name, 0, cell))
        elif folding(one, self.writer.lowering) == EACH:
            self.each.append((one, self.values.expanded(one)[()]))
        else:
            self.across.append(one)
            (name,) = one.refs
            row = self.cells.as_real(self.values(name)[()])
            before = self.cells.leaf("row", _total(one), 0, "real", varies=True)
            after = self.cells.make(REDUCTIONS[one.op], before, row)
            self.cells.order.append(Store(_total(one), 0, after))

    def _home(self, name: str, row: Value, known: dict[str, Home]) -> Home:
        """Return where the elements of a row are of a value."""
        if name in self.totals:
            return self.totals[name]
        if name not in known:
            found, shape = self.writer.flat_home(name), self.writer.types[name].shape[1:]
            start: Operand | None = None
            if self.writer.lowering.has_rows(name) and shape == self.work.shape:
                start = self.block.mul(row, self.columns)
            elif self.writer.lowering.has_rows(name) and is_one_a_row(shape, self.work.shape):
                start = row
            if start is not None:
                found = found._replace(base=self.block.at(found.base, start, found.element))
            known[name] = found
        return known[name]

    # Across the rows

    def _begin(self, one: Instruction) -> None:
        """Write what a total is before the first row."""
        memory = self.writer.sums(self.columns).value
        self.totals[_total(one)] = Home(memory, self.block.module.real)
        identity = self.block.constant(IDENTITY["sum" if one.op == "mean" else one.op])
        with self.block.loop(self.columns) as k:
            self.block.store(identity, self.block.at(memory, k))

    def _end(self, one: Instruction) -> None:
        """Write out a total; bring its columns together if everything is reduced."""
        block, memory = self.block, self.totals[_total(one)].base
        home = self.writer.homes[one.name]
        if folding(one, self.writer.lowering) == ALL:
            combine = getattr(block, COMBINED[REDUCTIONS[one.op]])
            with block.loop(self.columns, start=1) as k:
                block.store(combine(block.load(memory), block.load(block.at(memory, k))), memory)
            count = self._count(self.columns)
            block.store(self._of(one, block.load(memory), count), home.base)
            return
        count = self._count(1)
        with block.loop(self.columns) as k:
            number = block.load(block.at(memory, k))
            block.store(self._of(one, number, count), block.at(home.base, k))

    def _count(self, columns: int) -> Value:
        found: Value = self.block.convert(
            self.block.mul(self.rows, columns), self.block.module.real
        )
        return found

    def _of(self, one: Instruction, number: Value, count: Operand) -> Value:
        return self.block.div(number, count) if one.op == "mean" else number


def _total(one: Instruction) -> str:
    return f"{one.name} so far"
