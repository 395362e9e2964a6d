"""A loop over rows, in tiles that stay in the processor's nearest memory.

In come cells and stores (`body`); `Round` writes them for one vector of rows, `Loop` for all rows:
stage by stage over a tile, and tile by tile.  Sums stay in registers within a stage.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from tinygrad_bp.native.functions import elementary
from tinygrad_bp.native.llvm.ir import Block, Operand, Value
from tinygrad_bp.native.loops.body import Item, Stage, Store, is_leaf, is_reduction, stages, weight
from tinygrad_bp.native.loops.rows import Home, Rows
from tinygrad_bp.native.lowering.cells import REDUCED, Cell, Element
from tinygrad_bp.native.lowering.operations import OPERATIONS

TILE = 8  # vectors of a tile
STRAIGHT = 4  # so many vectors, known beforehand, need no loop
MOST = 1000  # lines of them together
IDENTITY = {"sum": 0.0, "product": 0.0, "prod": 1.0, "max": float("-inf"), "min": float("inf")}
# What two numbers are reduced by, for each reduction of NumPy's.
ACROSS = {"sum": "add", "mean": "add", "max": "maximum", "min": "minimum", "prod": "mul"}
COMBINED = {"sum": "add", "product": "fma", "prod": "mul", "max": "maximum", "min": "minimum"}
Homes = Callable[[str], Home]


class Round:
    """The lines for one vector of rows, or for single numbers.

    Parameters
    ----------
    block : Block
    homes : callable
        ``homes(name)`` says where a value lies.
    rows : Rows or None
        None for single numbers.
    brief : bool
        Whether functions are subroutines.
    element : callable, optional
        ``element(name)`` loads the element, of what all rows share, that a round is about.
    """

    def __init__(
        self,
        block: Block,
        homes: Homes,
        rows: Rows | None,
        *,
        brief: bool = False,
        element: Callable[[str], Value] | None = None,
    ) -> None:
        self.block, self.homes, self.rows, self.brief = block, homes, rows, brief
        self.element = element
        self.values: dict[int, Value] = {}
        self.sums: dict[int, Value] = {}
        self._masked: dict[Any, Value] = {}

    def write(self, items: Sequence[Item]) -> None:
        """Write the lines of items, in order."""
        for one in items:
            if isinstance(one, Store):
                self._store(one)
            elif id(one) in self.values:
                continue
            elif is_leaf(one):
                self.values[id(one)] = self._load(one)
            elif is_reduction(one):
                self._add(one)
            elif one.op.startswith("as "):
                self.values[id(one)] = self._converted(one)
            else:
                self.values[id(one)] = self._computed(one)

    def operand(self, x: Element) -> Operand:
        """Return what lines call an element by."""
        return self.values[id(x)] if isinstance(x, Cell) else x

    def _load(self, one: Cell) -> Value:
        name, place = one.args
        if one.op == "element":
            assert self.element is not None  # noqa: S101  # there are some in loops over columns alone
            return self.element(name)
        home = self.homes(name)
        if one.op == "row":
            assert self.rows is not None  # noqa: S101  # single numbers have no rows
            return self.rows.load(home, place)
        at = self.block.at(home.base, place, home.element) if place else home.base
        found = self.block.load(at, home.element)
        return self.block.convert(found, "i1") if home.element == "i8" else found

    def _computed(self, one: Cell) -> Value:
        operation = OPERATIONS[one.op]
        operands = [self.operand(x) for x in one.args]
        first = one.args[0]
        if not isinstance(first, Cell):
            return operation.write(self.block, *operands)
        if self.brief and one.op in elementary.FUNCTIONS:
            return elementary.call(self.block, one.op, self.values[id(first)])
        low, high = first.bounds
        if operation.wants == "ends":
            return operation.write(self.block, *operands, low=low, high=high)
        if operation.wants == "size":
            return operation.write(self.block, *operands, bound=max(abs(low), abs(high)))
        return operation.write(self.block, *operands)

    def _converted(self, one: Cell) -> Value:
        value = self.operand(one.args[0])
        assert isinstance(value, Value)  # noqa: S101  # numbers are converted beforehand
        return self.block.convert(value, "i1" if one.kind == "truth" else self.block.module.real)

    def _store(self, one: Store) -> None:
        block, home, x = self.block, self.homes(one.name), self.operand(one.cell)
        value = x if isinstance(x, Value) else block.constant(x, home.element)
        if self.rows is not None:
            self.rows.store(home, one.column, value)
            return
        at = block.at(home.base, one.column, home.element) if one.column else home.base
        block.store(block.convert(value, home.element), at)

    def _add(self, one: Cell) -> None:
        op = one.op.removeprefix(REDUCED)
        parts = [self._existing(x, IDENTITY[op]) for x in one.args]
        combine = getattr(self.block, COMBINED[op])
        self.sums[id(one)] = combine(*parts, self.sums[id(one)])

    def _existing(self, x: Element, identity: float) -> Value:
        """Return a value in the rows that are there, and what changes nothing beyond."""
        assert self.rows is not None  # noqa: S101  # single numbers are not reduced
        block = self.block
        key = (id(x) if isinstance(x, Cell) else x, identity)
        if key not in self._masked:
            value = block.splat(self.operand(x))
            mask = self.rows.mask(value.type)
            self._masked[key] = value if mask is None else block.select(mask, value, identity)
        return self._masked[key]


class Loop:
    """A loop over all rows.

    Parameters
    ----------
    block : Block
    homes : callable
        ``homes(name)`` says where a value lies.
    items : list of cells and stores
    count : i64 or int
        The number of rows.
    memory : (Value, callable)
        Where the sums go, a vector each; and ``memory(n)`` gives memory for n numbers.
    span : (i64, i64), optional
        The rows that this is for, the first a multiple of a vector; by default all.
    tile : int
        Vectors of a tile.
    brief : bool
        Whether functions are subroutines.
    """

    def __init__(
        self,
        block: Block,
        homes: Homes,
        items: list[Item],
        count: Operand,
        memory: tuple[Value, Callable[[int], Value]],
        span: tuple[Operand, Operand] | None = None,
        *,
        tile: int = TILE,
        brief: bool = False,
    ) -> None:
        self.block, self.homes, self.items, self.count, self.tile = block, homes, items, count, tile
        self.width, self.brief = block.module.width, brief
        self.reduced = [one for one in items if is_reduction(one)]
        self.sums, self.memory = memory
        self.span = span
        self.places = {id(one): k for k, one in enumerate(self.reduced)}

    def write(self) -> None:
        """Write the loop; the sums, a vector each, are in `sums` after it."""
        block = self.block
        for k, one in enumerate(self.reduced):
            assert isinstance(one, Cell)  # noqa: S101  # a store reduces nothing
            identity = IDENTITY[one.op.removeprefix(REDUCED)]
            block.store(block.splat(identity), self._sum(k), align=64)
        if isinstance(self.count, Value):
            self._tiles()
        else:
            assert isinstance(self.count, int)  # noqa: S101  # numbers of rows are whole
            vectors = -(-self.count // self.width)
            lines = sum(weight(one, brief=self.brief) for one in self.items)
            if vectors == 1 or (vectors <= STRAIGHT and vectors * lines <= MOST):
                self._straight(self.count)
            else:
                self._tiles()

    def _sum(self, k: int) -> Value:
        return self.block.at(self.sums, k * self.width)

    def _straight(self, count: int) -> None:
        for first in range(0, count, self.width):
            rows = Rows(self.block, first, count - first, count)
            one = Round(self.block, self.homes, rows, brief=self.brief)
            one.sums = {key: self._load_sum(place) for key, place in self.places.items()}
            one.write(self.items)
            for key, place in self.places.items():
                self.block.store(one.sums[key], self._sum(place), align=64)

    def _load_sum(self, k: int) -> Value:
        return self.block.load(self._sum(k), vector=True, align=64)

    def _tiles(self) -> None:
        block = self.block
        count = self.count if isinstance(self.count, Value) else block.constant(self.count, "i64")
        cheap = {id(one) for one in self.items if self._is_cheap(one)}
        parts = stages(self.items, cheap, brief=self.brief)
        buffers = self._buffers(parts)
        many = self.tile * self.width
        memory = self.memory(len(set(buffers.values())) * many)
        first, end = self.span or (0, count)
        with block.loop(end, start=first, step=many) as base:
            left, mine = block.sub(count, base), block.sub(end, base)
            most = block.constant(many, "i64")
            here = block.select(block.compare("slt", mine, most), mine, most)
            for part in parts:
                self._stage(part, base, left, here, memory, buffers)

    def _is_cheap(self, one: Item) -> bool:
        if not isinstance(one, Cell) or not is_leaf(one):
            return False
        name, _ = one.args
        if one.kind == "whole":  # buffers have reals
            return True
        return one.op == "spot" or self.homes(name).packed or self.homes(name).after == 1

    def _buffers(self, parts: Sequence[Stage]) -> dict[int, int]:
        """Return the buffer of each cell that is handed on; one serves others after its last."""
        last = {id(x): k for k, part in enumerate(parts) for x in part.taken}
        free: list[int] = []
        found: dict[int, int] = {}
        for k, part in enumerate(parts):
            for x in part.given:
                found[id(x)] = free.pop() if free else len(set(found.values()))
            free += [found[key] for key in found if last.get(key) == k]
        return found

    def _stage(
        self,
        part: Stage,
        base: Value,
        left: Value,
        here: Value,
        memory: Value,
        buffers: dict[int, int],
    ) -> None:
        """Write one stage: a loop over the vectors of a tile, which keeps sums in registers."""
        block, many = self.block, self.tile * self.width
        own = [(id(one), self.places[id(one)]) for one in part.items if id(one) in self.places]
        before = {key: self._load_sum(place) for key, place in own}
        tag = block.fresh("stage")[1:]
        entered = block.here
        block.jump(tag)
        block.label(tag)
        start = len(block.lines)
        index = Value(block.fresh("t"), "i64")
        sums = {key: value._replace(name=block.fresh("sum")) for key, value in before.items()}
        # where the last vector is full as well, nothing is masked
        full = isinstance(self.count, int) and self.count % self.width == 0
        rest = self.width if full else block.sub(left, index)
        rows = Rows(block, block.add(base, index), rest, self.count)
        one = Round(block, self.homes, rows, brief=self.brief)
        one.sums = dict(sums)
        for x in part.taken:
            at = block.at(memory, block.add(index, buffers[id(x)] * many))
            value = block.load(at, vector=True, align=64)
            one.values[id(x)] = block.convert(value, "i1") if x.kind == "truth" else value
        one.write(part.items)
        for x in part.given:
            at = block.at(memory, block.add(index, buffers[id(x)] * many))
            value = block.splat(block.convert(one.values[id(x)], block.module.real))
            block.store(value, at, align=64)
        following = block.add(index, self.width)
        more = block.compare("slt", following, here)
        phis = [(index, "0", following), *[(sums[k], before[k].name, one.sums[k]) for k in sums]]
        block.lines[start:start] = [
            f"  {x.name} = phi {block.spell(x)} [{first}, %{entered}], [{new.name}, %{block.here}]"
            for x, first, new in phis
        ]
        after = f"{tag}.after"
        block.branch(more, tag, after)
        block.label(after)
        for key, place in own:
            block.store(one.sums[key], self._sum(place), align=64)
