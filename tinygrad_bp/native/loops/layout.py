"""Where the values of a kernel lie: in arrays of the call, on the stack, or in its own memory.

In comes a segment and the loops that it is made of; out come the homes of its values, and memory
for tiles and sums.  The lines that look addresses up belong to a function of machine code, and a
kernel in shards is several: each begins with `enter`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from tinygrad_bp.native.llvm.ir import SIZE, Block, Module, Operand, Value
from tinygrad_bp.native.loops.body import Item, Store, is_leaf
from tinygrad_bp.native.loops.rows import KINDS, Home
from tinygrad_bp.native.loops.schedule import ROWS, Segment, Work
from tinygrad_bp.native.lowering.cells import Cell
from tinygrad_bp.native.lowering.expansion import REDUCTIONS
from tinygrad_bp.native.lowering.lowering import Lowering
from tinygrad_bp.native.lowering.moves import row_axis, shortened
from tinygrad_bp.programs.instructions import Type

REAL = {"d": "double", "f": "float"}
NEAR = 4096  # numbers that a loop may have on the stack, which is short in some threads
LANES = {"d": 8, "f": 16}  # of a vector: a part of what a sum over the batch means, not of speed
# Of a batch in shards: how many, and the rows that each has a multiple of.  Both decide about the
# order of its sums.
SHARDS, GRAIN = 8, 128


class Sums(NamedTuple):
    """Vectors that a loop adds to; of each shard its own, `stride` numbers apart.

    Attributes
    ----------
    value : Value
        Their address, in the function with the loop.
    start : int
        Where they begin in the kernel's memory, if there are shards.
    """

    value: Value
    start: int = 0
    stride: int = 0


class Layout:
    """The memory of a kernel.

    Parameters
    ----------
    segment : Segment
    lowering : Lowering
    features : frozenset of str
        Instructions that the processor has.
    sharded : bool
        Whether the batch is in shards.

    Attributes
    ----------
    block : Block
        The function that is being written.
    homes : dict of str to Home
    stored : set of str
        Values that go to memory.
    over : dict of str to str
        As of a kernel.
    span : (i64, i64)
        The rows that a loop over the batch is for.
    """

    def __init__(
        self, segment: Segment, lowering: Lowering, features: frozenset[str], *, sharded: bool
    ) -> None:
        self.segment, self.lowering, self.sharded = segment, lowering, sharded
        self.dtype = np.dtype(segment.lane)
        self.block = Block(Module(REAL[segment.lane], LANES[segment.lane], features))
        self.types: Mapping[str, Any] = lowering.types
        self.makers = {one.name: one for one in segment.instructions}
        self.homes: dict[str, Home] = {}
        self.columns = self.numbers = 0
        self.over: dict[str, str] = {}
        self.table, self.n = Value("%table", "ptr"), Value("%n", "i64")
        self.shard = Value("%shard", "i64")
        self.span: tuple[Operand, Operand] = (0, self.n)
        self._shared = True  # memory is for all shards at once

    # Homes

    def enter(self) -> None:
        """Write where the values lie, at the head of a function."""
        block, arrays = self.block, [*self.segment.inputs, *self.segment.outputs]
        for k, name in enumerate(arrays):
            address = block.load(block.at(self.table, k, "ptr"), "ptr")
            self.homes[name] = self._array(address, self.types[name])
        self.scratch, self.store = (
            block.load(block.at(self.table, k, "ptr"), "ptr")
            for k in range(len(arrays), len(arrays) + 2)
        )
        for name, place in self._own.items():
            self.homes[name] = self._home(name, place)

    def settle(self, parts: Sequence[Work]) -> None:
        """Give memory to what one loop hands to another, and all reductions of the batch."""
        maker = {one.name: work for work in parts for one in work.instructions}
        self.stored: set[str] = set(self.segment.outputs)
        for work in parts:
            for one in work.instructions:
                whole_row = work.kind == ROWS and one.op in REDUCTIONS
                if whole_row or self.lowering.reduces(one):
                    self.stored.add(one.name)
                for name in self.bases(self.lowering.reads[one.name]):
                    if name in maker and maker[name] is not work:
                        self.stored.add(name)
        for name in self.bases(self.segment.outputs):
            if name in maker:
                self.stored.add(name)
        arrays = {*self.segment.inputs, *self.segment.outputs}
        own = [name for name in maker if name in self.stored and name not in arrays]
        self._by_rows = {name for name in own if maker[name].kind == ROWS}
        for work in parts:
            if work.kind == ROWS:
                self._by_rows.update(x for one in work.instructions for x in one.refs)
        self._own = {name: self._place(self.types[name]) for name in own}
        self._readers = self._counted(parts)

    def _place(self, found: Type) -> int:
        """Return where a value begins in the kernel's memory; -1 for one on the stack."""
        if row_axis(found.shape, self.lowering.length) is not None:
            start = self.columns
            self.columns += _size(shortened(found.shape, self.lowering.length))
            return start
        count = self._count_of(found)
        return self._reserved(count) if self.sharded or count > NEAR else -1

    def _home(self, name: str, place: int) -> Home:
        found = self.types[name]
        block, element = self.block, self.element(found)
        if row_axis(found.shape, self.lowering.length) is not None:
            base = block.at(self.scratch, block.mul(self._padded(), place))
            columns = _size(shortened(found.shape, self.lowering.length))
            return Home(base, element, 1, columns, packed=name not in self._by_rows)
        if place < 0:
            return Home(block.local(count=max(1, self._count_of(found))), element)
        return Home(block.at(self.store, place), element)

    def _count_of(self, found: Type) -> int:
        """Return how many reals are as long as a value."""
        size = _size(found.shape) * SIZE[self.element(found)]
        return -(-size // SIZE[self.block.module.real])

    def element(self, found: Type) -> str:
        """Return what lies in the memory of a value."""
        if found.dtype.kind in "bi":
            return {"b": "i8", "i": "i64"}[found.dtype.kind]
        return "double" if found.weak else self.block.module.real

    def kind(self, name: str) -> str:
        """Return the kind of the cells of a value."""
        element = self.element(self.types[name])
        weak = element == "double" and self.block.module.real == "float"
        return "weak" if weak else KINDS[element]

    def _array(self, base: Value, found: Type) -> Home:
        """Return the home of a value in an array of NumPy's."""
        axis = row_axis(found.shape, self.lowering.length)
        if axis is None:
            return Home(base, self.element(found), 1, _size(found.shape))
        before, after = _size(found.shape[:axis]), _size(found.shape[axis + 1 :])
        return Home(base, self.element(found), before, after)

    def bases(self, names: Iterable[str]) -> Iterator[str]:
        """Yield values, and instead of views what they are views of."""
        for name in names:
            one = self.makers.get(name)
            if one is not None and self.lowering.is_view(one):
                yield from self.bases(self.lowering.reads[one.name])
            else:
                yield name

    def home(self, name: str) -> Home:
        """Return where a value lies."""
        return self.homes[name]

    def flat_home(self, name: str) -> Home:
        """Return where a value lies, for a loop over its elements."""
        return self.homes[name]._replace(before=1, after=1)

    # Memory

    def memory(self, count: int) -> Value:
        """Return memory of a loop for so many numbers: on the stack if they are few."""
        if count <= NEAR:
            return self.block.local(count=max(1, count))
        return self.sums(count).value

    def sums(self, count: int) -> Sums:
        """Return memory for so many numbers of a loop that are read after it."""
        if self._shared:
            if not self.sharded and count <= NEAR:
                return Sums(self.block.local(count=max(1, count)))
            return Sums(self.block.at(self.store, self._reserved(count)))
        stride = _whole(count)
        start = self._reserved(stride * SHARDS)
        own = self.block.add(self.block.mul(self.shard, stride), start)
        return Sums(self.block.at(self.store, own), start, stride)

    def _reserved(self, count: int) -> int:
        start = self.numbers
        self.numbers += _whole(count)
        return start

    def total(self, sums: Sums, place: Value, op: str) -> Value:
        """Return a vector of sums: those of all shards in a tree."""
        block, width = self.block, self.block.module.width
        offset = block.mul(place, width)
        if not sums.stride:
            return block.load(block.at(sums.value, offset), vector=True, align=64)
        found = [
            block.load(
                block.at(self.store, block.add(offset, sums.start + k * sums.stride)),
                vector=True,
                align=64,
            )
            for k in range(SHARDS)
        ]
        while len(found) > 1:
            found = [getattr(block, op)(a, b) for a, b in zip(found[::2], found[1::2], strict=True)]
        return found[0]

    def begin_shard(self) -> None:
        """Write which rows a shard has."""
        block = self.block
        self._shared = False
        grains = block.binary("sdiv", block.add(self.n, GRAIN * SHARDS - 1), GRAIN * SHARDS)
        rows = block.mul(grains, GRAIN)
        first = block.mul(self.shard, rows)
        self.span = first, self._least(block.add(first, rows), self.n)

    def end_shard(self) -> None:
        """Go on with what is for all shards."""
        self._shared, self.span = True, (0, self.n)

    def _least(self, a: Value, b: Value) -> Value:
        return self.block.select(self.block.compare("slt", a, b), a, b)

    def _padded(self) -> Value:
        """Return the number of rows, with those that fill the last vector."""
        width = self.block.module.width
        return self.block.bit_and(self.block.add(self.n, width - 1), -width)

    # Overlays

    def _counted(self, parts: Sequence[Work]) -> dict[str, int]:
        """Return how many loops read each value, and that it is an output if a view of it is."""
        found = dict.fromkeys(self.bases(self.segment.outputs), 1)
        for work in parts:
            names = [name for one in work.instructions for name in self.lowering.reads[one.name]]
            for name in set(self.bases(names)):
                found[name] = found.get(name, 0) + 1
        return found

    def note_overlays(self, items: Sequence[Item]) -> None:
        """Note which outputs of a flat loop may lie over its inputs.

        A tile runs through the stages one after the other, and a stage reads before it writes.
        """
        last = {id(x): k for k, one in enumerate(items) for x in one.args if isinstance(x, Cell)}
        leaves = [one for one in items if isinstance(one, Cell) and is_leaf(one)]
        free = {name for name in self.segment.inputs if self._readers.get(name) == 1}
        free -= {one.args[0] for one in leaves if one.op != "row"}
        for k, one in enumerate(items):
            if not isinstance(one, Store) or one.name not in self.segment.outputs:
                continue
            for leaf in leaves:
                name: str = leaf.args[0]
                same = name in free and self.types[name] == self.types[one.name]
                if same and last.get(id(leaf), 0) < k:
                    self.over[one.name] = name
                    free.discard(name)
                    break


def _size(shape: Iterable[int]) -> int:
    return math.prod(shape)


def _whole(count: int) -> int:
    """Return how many numbers fill cache lines."""
    return -(-count // LANES["f"]) * LANES["f"]
