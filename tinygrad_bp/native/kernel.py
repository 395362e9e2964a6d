"""A segment as one function of machine code."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tinygrad_bp.native import elementary
from tinygrad_bp.native.body import Item, Store, is_leaf, live
from tinygrad_bp.native.cells import Cell, Cells
from tinygrad_bp.native.expansion import reduced_axes
from tinygrad_bp.native.ir import SIZE, Block, Module, Operand, Value
from tinygrad_bp.native.looped import Looped
from tinygrad_bp.native.lowering import Lowering
from tinygrad_bp.native.moves import NotLowered, row_axis, shortened
from tinygrad_bp.native.rows import KINDS, Home
from tinygrad_bp.native.schedule import BATCH, FLAT, NUMBERS, Segment, Work, works
from tinygrad_bp.native.tiles import TILE, Loop, Round
from tinygrad_bp.native.work_values import Values
from tinygrad_bp.programs.instructions import Instruction, Type

NAME, OF_ARRAYS = "kernel", "kernel_of_arrays"
HEAD = object.__basicsize__  # bytes of an array before the address of its elements
REAL = {"d": "double", "f": "float"}
ACROSS = {"sum": "add", "mean": "add", "max": "maximum", "min": "minimum", "prod": "mul"}
NEAR = 4096  # numbers that a loop may have on the stack, which is short in some threads
COPIED = 64  # elements of a view that are copied one by one; more are in a loop
CALLS = 64  # of functions, in one loop; if there are more they are subroutines
LANES = {"d": 8, "f": 16}  # of a vector: a part of what a sum over the batch means, not of speed


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
    """

    text: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    columns: int
    numbers: int
    over: Mapping[str, str] = field(default_factory=dict)


class Writer:
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
    """

    def __init__(
        self,
        segment: Segment,
        lowering: Lowering,
        carry: Sequence[tuple[str, str]] = (),
        features: frozenset[str] = frozenset(),
        tile: int = TILE,
    ) -> None:
        self.segment, self.lowering, self.carry, self.tile = segment, lowering, carry, tile
        lane = segment.lane
        self.dtype = np.dtype(lane)
        self.block = Block(Module(REAL[lane], LANES[lane], features))
        self.types: Mapping[str, Any] = lowering.types
        self.makers = {one.name: one for one in segment.instructions}
        self.homes: dict[str, Home] = {}
        self.columns = self.numbers = 0
        self.over: dict[str, str] = {}
        self.n = Value("%n", "i64")

    def written(self) -> Kernel:
        """Return the kernel."""
        block, segment = self.block, self.segment
        table, steps = Value("%table", "ptr"), Value("%steps", "i64")
        arrays = [*segment.inputs, *segment.outputs]
        with block.loop(steps) as step:
            for k, name in enumerate(arrays):
                address = block.load(block.at(table, k, "ptr"), "ptr")
                self.homes[name] = self._array(address, self.types[name])
            self.scratch, self.store = (
                block.load(block.at(table, k, "ptr"), "ptr")
                for k in range(len(arrays), len(arrays) + 2)
            )
            parts = works(segment, self.lowering)
            self._settle(parts)
            self.readers = self._counted(parts)
            for work in parts:
                self._work(work)
            self._views_out()
            self._hand_on(table, step, steps)
        block.module.define(NAME, [table, self.n, steps], block)
        self._define_of_arrays(len(arrays) + 2, steps)
        return Kernel(
            block.module.text(),
            tuple(segment.inputs),
            tuple(segment.outputs),
            self.columns,
            self.numbers,
            self.over,
        )

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

    # Memory

    def _element(self, found: Type) -> str:
        if found.dtype.kind in "bi":
            return {"b": "i8", "i": "i64"}[found.dtype.kind]
        return "double" if found.weak else self.block.module.real

    def _array(self, base: Value, found: Type) -> Home:
        """Return the home of a value in an array of NumPy's."""
        axis = row_axis(found.shape, self.lowering.length)
        if axis is None:
            return Home(base, self._element(found), 1, _size(found.shape))
        before, after = _size(found.shape[:axis]), _size(found.shape[axis + 1 :])
        return Home(base, self._element(found), before, after)

    def _settle(self, parts: Sequence[Work]) -> None:
        """Give memory to what one loop hands to another, and all reductions of the batch."""
        maker = {one.name: work for work in parts for one in work.instructions}
        self.stored: set[str] = set(self.segment.outputs)
        for work in parts:
            for one in work.instructions:
                if self.lowering.reduces(one):
                    self.stored.add(one.name)
                for name in self.bases(self.lowering.reads[one.name]):
                    if name in maker and maker[name] is not work:
                        self.stored.add(name)
        for name in self.bases(self.segment.outputs):
            if name in maker:
                self.stored.add(name)
        for name in maker:
            if name in self.stored and name not in self.homes:
                self.homes[name] = self._own(self.types[name])

    def bases(self, names: Iterable[str]) -> Iterator[str]:
        """Yield values, and instead of views what they are views of."""
        for name in names:
            one = self.makers.get(name)
            if one is not None and self.lowering.is_view(one):
                yield from self.bases(self.lowering.reads[one.name])
            else:
                yield name

    def _own(self, found: Type) -> Home:
        element = self._element(found)
        if row_axis(found.shape, self.lowering.length) is None:
            size = _size(found.shape) * SIZE[element]
            return Home(self.memory(-(-size // SIZE[self.block.module.real])), element)
        columns = _size(shortened(found.shape, self.lowering.length))
        start = self.block.mul(self._padded(), self.columns)
        base = self.block.at(self.scratch, start)
        self.columns += columns
        return Home(base, element, 1, columns, packed=True)

    def memory(self, count: int) -> Value:
        """Return memory for so many numbers: on the stack if they are few."""
        if count <= NEAR:
            return self.block.local(count=max(1, count))
        start = self.numbers
        self.numbers += -(-count // LANES["f"]) * LANES["f"]
        return self.block.at(self.store, start)

    def _padded(self) -> Value:
        """Return the number of rows, with those that fill the last vector."""
        width = self.block.module.width
        return self.block.bit_and(self.block.add(self.n, width - 1), -width)

    def home(self, name: str) -> Home:
        """Return where a value lies."""
        return self.homes[name]

    def flat_home(self, name: str) -> Home:
        """Return where a value lies, for a loop over its elements."""
        return self.homes[name]._replace(before=1, after=1)

    # Works

    def _work(self, work: Work) -> None:
        """Write a loop, and what follows from its sums."""
        if work.kind == BATCH and self.lowering.wide:
            self._looped(work)
            return
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
            self._note_overlays(items)
        loop = self._loop(work, items)
        for one, array in sums:
            assert loop is not None  # noqa: S101  # single numbers are not reduced
            self._gather(one, [loop.places[id(x)] for x in array], loop.sums)

    def _counted(self, parts: Sequence[Work]) -> dict[str, int]:
        """Return how many loops read each value, and that it is an output if a view of it is."""
        found = dict.fromkeys(self.bases(self.segment.outputs), 1)
        for work in parts:
            names = [name for one in work.instructions for name in self.lowering.reads[one.name]]
            for name in set(self.bases(names)):
                found[name] = found.get(name, 0) + 1
        return found

    def _note_overlays(self, items: Sequence[Item]) -> None:
        """Note which outputs of a flat loop may lie over its inputs.

        A tile runs through the stages one after the other, and a stage reads before it writes.
        """
        last = {id(x): k for k, one in enumerate(items) for x in one.args if isinstance(x, Cell)}
        leaves = [one for one in items if is_leaf(one)]
        free = {name for name in self.segment.inputs if self.readers.get(name) == 1}
        free -= {one.args[0] for one in leaves if one.op != "row"}
        for k, one in enumerate(items):
            if not isinstance(one, Store) or one.name not in self.segment.outputs:
                continue
            for leaf in leaves:
                name = leaf.args[0]
                same = name in free and self.types[name] == self.types[one.name]
                if same and last.get(id(leaf), 0) < k:
                    self.over[one.name] = name
                    free.discard(name)
                    break

    def _looped(self, work: Work) -> None:
        """Write a loop over rows in which columns are loops."""

        def numbers(cells: Cells) -> Values:
            return Values(self, Work(NUMBERS, (), work.level), cells)

        loop = Looped(self, work.instructions, numbers, self.tile)
        for name, (start, kept, many) in loop.write().items():
            places = list(range(start, start + kept * many))
            self._gather(self.makers[name], places, loop.memory, many)

    def kind(self, name: str) -> str:
        """Return the kind of the cells of a value."""
        element = self._element(self.types[name])
        weak = element == "double" and self.block.module.real == "float"
        return "weak" if weak else KINDS[element]

    def _loop(self, work: Work, items: list[Item]) -> Loop | None:
        calls = sum(isinstance(one, Cell) and one.op in elementary.FUNCTIONS for one in items)
        brief = calls > CALLS
        if work.kind == NUMBERS:
            Round(self.block, self.home, None, brief=brief).write(items)
            return None
        homes = self.flat_home if work.kind == FLAT else self.home
        count = self.n if work.kind == BATCH else _size(work.shape)
        loop = Loop(self.block, homes, items, count, self.memory, tile=self.tile, brief=brief)
        loop.write()
        return loop

    def _gather(self, one: Instruction, places: list[int], sums: Value, many: int = 1) -> None:
        """Bring the lanes of sums together, so many for a result, and store the results."""
        block, home, width = self.block, self.homes[one.name], self.block.module.width
        op = "add" if one.op == "matmul" else ACROSS[one.op]
        count = self._count(one) if one.op == "mean" else None

        def across(at: Value) -> Value:
            vector = block.load(block.at(sums, block.mul(at, width)), vector=True, align=64)
            return block.across(op, vector)

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
        if places == list(range(start, start + len(places))) and len(places) > 1:
            with block.loop(len(places)) as k:
                result(k, block.add(k, start))
            return
        for number, place in enumerate(places):
            result(number, block.constant(place, "i64"))

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

    def _hand_on(self, table: Value, step: Value, steps: Value) -> None:
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
                block.store(self.homes[name].base, block.at(table, place, "ptr"))
        block.jump(f"{tag}.done")
        block.label(f"{tag}.done")


def _size(shape: Iterable[int]) -> int:
    return math.prod(shape)
