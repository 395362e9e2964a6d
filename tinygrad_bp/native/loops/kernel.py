"""A segment as one function of machine code, or, for a batch in shards, as several.

In comes a segment (`schedule`); out comes the text of the kernel, and what a call of it needs: in
which order its arrays are, and how much memory of its own it wants.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tinygrad_bp.native.llvm.ir import Block, Operand, Value
from tinygrad_bp.native.loops.body import Item, Store, is_brief, is_reduction, live
from tinygrad_bp.native.loops.layout import SHARDS, Layout, Sums
from tinygrad_bp.native.loops.looped import Looped
from tinygrad_bp.native.loops.row_loops import RowLoop
from tinygrad_bp.native.loops.schedule import BATCH, FLAT, NUMBERS, ROWS, Segment, Work, works
from tinygrad_bp.native.loops.tiles import ACROSS, TILE, Loop, Round
from tinygrad_bp.native.loops.work_values import Values
from tinygrad_bp.native.lowering.cells import Cells
from tinygrad_bp.native.lowering.expansion import reduced_axes
from tinygrad_bp.native.lowering.lowering import Lowering
from tinygrad_bp.native.lowering.moves import NotLowered
from tinygrad_bp.programs.instructions import Instruction

NAME, OF_ARRAYS, PHASE = "kernel", "kernel_of_arrays", "phase."
HEAD = object.__basicsize__  # bytes of an array before the address of its elements
COPIED = 64  # elements of a view that are copied one by one; more are in a loop


@dataclass(frozen=True)
class Kernel:
    """The text of a function ``kernel(ptr table, i64 rows, i64 steps)``.

    ``kernel_of_arrays`` takes, for the table of addresses, one of NumPy's arrays themselves.

    Attributes
    ----------
    text : str
        LLVM's language.
    inputs, outputs : tuple of str
        Values whose addresses are in the table, in order; behind them those of two pieces of memory
        for the kernel's own use, at the boundaries of cache lines.
    columns : int
        Numbers a row in the first of these, rows that fill the last vector included.
    numbers : int
        Numbers in the second.
    over : dict of str to str
        Outputs, and the inputs that they may lie over: each of its elements is read before the
        output's is written, and never after.
    phases : tuple of bool
        Of a batch in shards: the functions ``phase.k(ptr table, i64 rows, i64 shard)`` that a step
        consists of, and whether each is to be called for every shard.
    lines : int
        About how many operations on numbers there are for each row.
    """

    text: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    columns: int
    numbers: int
    over: Mapping[str, str] = field(default_factory=dict)
    phases: tuple[bool, ...] = ()
    lines: int = 0


class Writer(Layout):
    """Writes the kernel of a segment.

    Parameters
    ----------
    segment : Segment
    lowering : Lowering
    carry : sequence of (str, str)
        Outputs and the inputs that they are in the next step.
    features : frozenset of str
        Instructions that the processor has.
    tile : int
        Vectors of a tile.
    sharded : bool
        Whether the batch is in shards, that may run at the same time.
    """

    def __init__(
        self,
        segment: Segment,
        lowering: Lowering,
        carry: Sequence[tuple[str, str]] = (),
        features: frozenset[str] = frozenset(),
        tile: int = TILE,
        *,
        sharded: bool = False,
    ) -> None:
        super().__init__(segment, lowering, features, sharded=sharded)
        self.carry, self.tile = carry, tile
        self.phases: list[bool] = []  # whether each is for one shard
        self.lines = 0

    def written(self) -> Kernel:
        """Return the kernel."""
        segment, steps, main = self.segment, Value("%steps", "i64"), self.block
        parts = works(segment, self.lowering)
        self.settle(parts)
        if self.sharded:
            self._write_phases(parts)
            self.block = main
        with main.loop(steps) as step:
            self.enter()
            if self.sharded:
                self._call_phases()
            else:
                for work in parts:
                    self._work(work)()
                self._views_out()
            self._hand_on(step, steps)
        main.module.define(NAME, [self.table, self.n, steps], main)
        self._define_of_arrays(len(segment.inputs) + len(segment.outputs) + 2, steps)
        return Kernel(
            main.module.text(),
            tuple(segment.inputs),
            tuple(segment.outputs),
            self.columns,
            self.numbers,
            self.over,
            tuple(self.phases),
            self.lines,
        )

    def _write_phases(self, parts: Sequence[Work]) -> None:
        """Write each loop over the batch as a function, and what is between two of them."""
        between: list[Callable[[], None]] = []
        for work in parts:
            if work.kind != BATCH:
                between.append(lambda work=work: self._work(work)())  # type: ignore[misc]
                continue
            self._phase(between)
            after: list[Callable[[], None]] = []
            self._phase([lambda work=work, after=after: after.append(self._work(work))], shard=True)  # type: ignore[misc]
            between = after
        self._phase([*between, self._views_out])

    def _phase(self, lines: Sequence[Callable[[], None]], *, shard: bool = False) -> None:
        """Write a function."""
        if not lines:
            return
        self.block = Block(self.block.module)
        self.enter()
        if shard:
            self.begin_shard()
        for write in lines:
            write()
        self.end_shard()
        name = f"{PHASE}{len(self.phases)}"
        self.block.module.define(name, [self.table, self.n, self.shard], self.block)
        self.phases.append(shard)

    def _call_phases(self) -> None:
        block = self.block
        for k, shards in enumerate(self.phases):
            text = f"call void @{PHASE}{k}(ptr {self.table.name}, i64 {self.n.name}, i64 "
            if not shards:
                block.line(f"{text}0)")
                continue
            with block.loop(SHARDS) as shard:
                block.line(f"{text}{shard.name})")

    def _define_of_arrays(self, count: int, steps: Value) -> None:
        """Define the function that reads the addresses in the heads of arrays."""
        block, arrays = Block(self.block.module), Value("%arrays", "ptr")
        table = block.local("ptr", count)
        for k in range(count):
            array = block.load(block.at(arrays, k, "ptr"), "ptr")
            data = block.load(block.at(array, HEAD, "i8"), "ptr")
            block.store(data, block.at(table, k, "ptr"))
        block.line(f"call void @{NAME}(ptr {table.name}, i64 {self.n.name}, i64 {steps.name})")
        block.module.define(OF_ARRAYS, [arrays, self.n, steps], block)

    # Works

    def _work(self, work: Work) -> Callable[[], None]:
        """Write a loop; return what writes that which follows from its sums."""
        if work.kind == BATCH:
            self.lines += sum(map(self.lowering.lines, work.instructions))
            if self.lowering.wide:
                return self._looped(work)
        if work.kind == ROWS:
            RowLoop(self, work).write()
            return lambda: None
        cells = Cells(self.dtype)
        values = Values(self, work, cells)
        sums = []
        for one in work.instructions:
            array = values.expanded(one)
            if self.lowering.reduces(one):
                sums.append((one, array.reshape(-1)))
            elif one.name in self.stored:
                cells.order += [Store(one.name, k, x) for k, x in enumerate(array.reshape(-1))]
        items = live(cells.order)
        if work.kind == FLAT:
            self.note_overlays(items)
        loop, memory = self._loop(work, items)

        def gather() -> None:
            for one, array in sums:
                assert loop is not None  # noqa: S101  # single numbers are not reduced
                self._gather(one, [loop.places[id(x)] for x in array], memory)

        return gather

    def _looped(self, work: Work) -> Callable[[], None]:
        """Write a loop over rows in which columns are loops."""

        def numbers(cells: Cells) -> Values:
            return Values(self, Work(NUMBERS, (), work.level), cells)

        loop = Looped(self, work.instructions, numbers, self.tile)
        found = loop.write()

        def gather() -> None:
            for name, (start, kept, many) in found.items():
                places = list(range(start, start + kept * many))
                self._gather(self.makers[name], places, loop.sums_in, many)

        return gather

    def _loop(self, work: Work, items: list[Item]) -> tuple[Loop | None, Sums | None]:
        brief = is_brief(items)
        if work.kind == NUMBERS:
            Round(self.block, self.home, None, brief=brief).write(items)
            return None, None
        sums = self.sums(sum(map(is_reduction, items)) * self.block.module.width)
        memory = sums.value, self.memory
        about: Any = self.home, items, self.n, memory, self.span
        if work.kind == FLAT:
            about = self.flat_home, items, _size(work.shape), memory
        loop = Loop(self.block, *about, tile=self.tile, brief=brief)
        loop.write()
        return loop, sums

    def _gather(self, one: Instruction, places: list[int], sums: Any, many: int = 1) -> None:
        """Bring the lanes of sums together, so many for a result, and store the results."""
        block, home = self.block, self.homes[one.name]
        op = "add" if one.op == "matmul" else ACROSS[one.op]
        count = self._count(one) if one.op == "mean" else None

        def across(at: Value) -> Value:
            return block.across(op, self.total(sums, at, op))

        def result(k: Operand, at: Value) -> None:
            number = across(at)
            for more in range(1, many):
                number = getattr(block, op)(number, across(block.add(at, more)))
            number = number if count is None else block.div(number, count)
            block.store(number, block.at(home.base, k))

        start = places[0]
        if many > 1:
            with block.loop(len(places) // many) as k:
                result(k, block.add(block.mul(k, many), start))
            return
        in_a_row = places == list(range(start, start + len(places))) and len(places) > 1
        if in_a_row and self.lowering.wide and not sums.stride:
            at = block.at(sums.value, start * block.module.width)
            self._gather_in_a_row(op, at, home.base, len(places), count)
            return
        if in_a_row:
            with block.loop(len(places)) as k:
                result(k, block.add(k, start))
            return
        for number, place in enumerate(places):
            result(number, block.constant(place, "i64"))

    def _gather_in_a_row(
        self, op: str, sums: Value, base: Value, many: int, count: Value | None
    ) -> None:
        """Write the same as a subroutine: a loop for each of many values is much for LLVM."""

        def body(block: Block, sums: Value, base: Value, many: Value, *count: Value) -> None:
            with block.loop(many) as k:
                at = block.at(sums, block.mul(k, block.module.width))
                number = block.across(op, block.load(at, vector=True, align=64))
                number = block.div(number, *count) if count else number
                block.store(number, block.at(base, k))

        numbers = [self.block.constant(many, "i64"), *([] if count is None else [count])]
        name = f"lanes.{op}" if count is None else "lanes.mean"
        self.block.procedure(name, body, sums, base, *numbers)

    def _count(self, one: Instruction) -> Value:
        """Return how many elements a mean is of."""
        shape = self.types[self.lowering.reads[one.name][0]].shape
        if not self.lowering.of_rows(one):
            return self.block.constant(_size(shape))
        rest = [shape[k] for k in reduced_axes(one, len(shape)) if shape[k] != self.lowering.length]
        return self.block.convert(self.block.mul(self.n, _size(rest)), self.block.module.real)

    def _views_out(self) -> None:
        """Write out what is asked for and is only another name for what there is."""
        for name in self.segment.outputs:
            one = self.makers[name]
            if not self.lowering.is_view(one):
                continue
            if not self._copied(name):
                cells = Cells(self.dtype)
                array = Values(self, Work(NUMBERS, (), 0), cells)(name)
                cells.order += [Store(name, k, x) for k, x in enumerate(array.reshape(-1))]
                self._loop(Work(NUMBERS, (), 0), live(cells.order))

    def _copied(self, name: str) -> bool:
        """Write a loop that copies many elements, from where a table says; say whether it did."""
        size = _size(self.types[name].shape)
        if size <= COPIED:
            return False
        try:
            base, places = self.lowering.places(name, self.makers)
        except NotLowered:  # they come from several values
            return False
        block, home = self.block, self.homes[name]
        table = f"@tg.places.{len(block.module.globals)}"
        listed = ", ".join(f"i64 {k}" for k in places.reshape(-1).tolist())
        block.module.globals.append(f"{table} = internal constant [{size} x i64] [{listed}]")
        with block.loop(size) as k:
            place = block.load(block.at(Value(table, "ptr"), k, "i64"), "i64")
            found = block.load(block.at(self.homes[base].base, place, home.element), home.element)
            block.store(found, block.at(home.base, k, home.element))
        return True

    def _hand_on(self, step: Value, steps: Value) -> None:
        """Let outputs and inputs change places before another step."""
        if not self.carry:
            return
        block = self.block
        arrays = [*self.segment.inputs, *self.segment.outputs]
        inputs = len(self.segment.inputs)
        tag = block.fresh("hand")[1:]
        block.branch(block.compare("slt", block.add(step, 1), steps), tag, f"{tag}.done")
        block.label(tag)
        for given, taken in self.carry:
            places = [arrays.index(given, inputs), arrays.index(taken)]
            for place, name in zip(places, (taken, given), strict=True):
                block.store(self.homes[name].base, block.at(self.table, place, "ptr"))
        block.jump(f"{tag}.done")
        block.label(f"{tag}.done")


def _size(shape: Iterable[int]) -> int:
    return math.prod(shape)
