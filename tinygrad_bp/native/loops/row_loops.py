"""A loop over the rows of arrays, and in it one over the elements of each.

In comes a work on what lies `by_rows`.  What a row is reduced to is what the inner loop sums; it is
stored, or added to that of its channel.  What all rows are reduced to adds each of them to memory
as long as one, in order.
"""

from __future__ import annotations

from typing import Any

from tinygrad_bp.native.llvm.ir import Operand, Value
from tinygrad_bp.native.loops import by_rows
from tinygrad_bp.native.loops.body import Store, is_brief, is_reduction, live
from tinygrad_bp.native.loops.by_rows import ALL, CHANNEL, EACH, PLACE, cut, folding, numbers_of
from tinygrad_bp.native.loops.rows import Home
from tinygrad_bp.native.loops.schedule import Work
from tinygrad_bp.native.loops.tiles import ACROSS, IDENTITY, Loop
from tinygrad_bp.native.loops.work_values import Values
from tinygrad_bp.native.lowering.cells import Cell, Cells
from tinygrad_bp.native.lowering.expansion import REDUCTIONS
from tinygrad_bp.programs.instructions import Instruction


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
        found = cut(work.shape, writer.lowering)
        self.many, self.columns = found.many, found.columns
        self.rows = self.block.mul(writer.n, self.many)
        self.cells = Cells(writer.dtype)
        self.values = Values(writer, work, self.cells)
        self.totals: dict[str, Home] = {}  # of what is reduced across the rows
        self.across: list[Instruction] = []  # what makes these
        self.each: list[tuple[Instruction, Cell]] = []  # what reduces each row

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
                vector = block.load(at, vector=True, align=64)
                self._reduced(one, block.across(ACROSS[one.op], vector), row)
        for one in self.across:
            self._end(one)

    def _expand(self, one: Instruction) -> None:
        """Make cells of an instruction."""
        if one.op not in REDUCTIONS:
            cell = self.values.expanded(one)[()]
            if one.name in self.writer.stored:
                self.cells.order.append(Store(one.name, 0, cell))
            return
        numbers = folding(one, self.writer.lowering)
        if numbers != EACH:
            self.across.append(one)
        if numbers in (EACH, CHANNEL):
            self.each.append((one, self.values.expanded(one)[()]))
        else:
            (name,) = one.refs
            element = self.cells.as_real(self.values(name)[()])
            before = self.cells.leaf("row", _total(one), 0, "real", varies=True)
            after = self.cells.make(REDUCTIONS[one.op], before, element)
            self.cells.order.append(Store(_total(one), 0, after))

    def _reduced(self, one: Instruction, number: Value, row: Value) -> None:
        """Write where what a row is reduced to goes."""
        block = self.block
        if _total(one) not in self.totals:
            place = block.at(self.writer.homes[one.name].base, row)
            block.store(self._of(one, number, float(self.columns)), place)
            return
        place = block.at(self.totals[_total(one)].base, self._channel(row))
        block.store(getattr(block, ACROSS[one.op])(block.load(place), number), place)

    def _channel(self, row: Value) -> Value:
        found: Value = self.block.binary("srem", row, self.many)
        return found

    def _home(self, name: str, row: Value, known: dict[str, Home]) -> Home:
        """Return where the elements of a row are of a value."""
        if name in self.totals:
            return self.totals[name]
        if name not in known:
            (base,) = self.writer.bases([name])
            found = self.writer.flat_home(base)
            start: Operand = 0
            match numbers_of(name, self.work.shape, self.writer.lowering):
                case by_rows.WHOLE:
                    start = self.block.mul(row, self.columns)
                case by_rows.EACH:
                    start = row
                case by_rows.CHANNEL:
                    start = self._channel(row)
            address = self.block.at(found.base, start, found.element)
            known[name] = found._replace(base=address)
        return known[name]

    # Across the rows

    def _begin(self, one: Instruction) -> None:
        """Write what totals are before the first row."""
        memory = self.writer.sums(self._totals(one)).value
        self.totals[_total(one)] = Home(memory, self.block.module.real)
        identity = self.block.constant(IDENTITY["sum" if one.op == "mean" else one.op])
        with self.block.loop(self._totals(one)) as k:
            self.block.store(identity, self.block.at(memory, k))

    def _end(self, one: Instruction) -> None:
        """Write totals out; bring them together if everything is reduced."""
        block, memory = self.block, self.totals[_total(one)].base
        home, numbers = self.writer.homes[one.name], folding(one, self.writer.lowering)
        each = {ALL: self.many * self.columns, CHANNEL: self.columns, PLACE: self.many}[numbers]
        count = block.convert(block.mul(self.writer.n, each), block.module.real)
        if numbers == ALL:
            combine = getattr(block, ACROSS[one.op])
            with block.loop(self.columns, start=1) as k:
                block.store(combine(block.load(memory), block.load(block.at(memory, k))), memory)
        with block.loop(1 if numbers == ALL else self._totals(one)) as k:
            number = block.load(block.at(memory, k))
            block.store(self._of(one, number, count), block.at(home.base, k))

    def _totals(self, one: Instruction) -> int:
        """Return how many totals a reduction has."""
        channels = folding(one, self.writer.lowering) == CHANNEL
        return self.many if channels else self.columns

    def _of(self, one: Instruction, number: Value, count: Operand) -> Value:
        return self.block.div(number, count) if one.op == "mean" else number


def _total(one: Instruction) -> str:
    return f"{one.name} so far"
