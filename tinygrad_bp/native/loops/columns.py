"""The memory of a tile of rows with many columns, and loops over it.

In comes the plan of a work (`nests`); out come the addresses of columns, and loops over columns and
rows that `looped` and `products` put their lines into.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial

from tinygrad_bp.native.llvm.ir import Block, Operand, Value
from tinygrad_bp.native.loops.nests import Plan
from tinygrad_bp.native.loops.rows import Home, Rows
from tinygrad_bp.native.loops.tiles import COMBINED, IDENTITY
from tinygrad_bp.native.lowering.lowering import Lowering


def carried(
    block: Block,
    stop: Operand,
    values: Sequence[Value],
    body: Callable[[Value, list[Value]], Sequence[Value]],
    *,
    step: int = 1,
) -> list[Value]:
    """Write a loop, of one round at least, that hands values on in registers.

    ``body(index, values)`` returns them as they are after a round; so does this, after the last.
    """
    entered, tag = block.here, block.fresh("carry")[1:]
    block.jump(tag)
    block.label(tag)
    start = len(block.lines)
    index = Value(block.fresh("k"), "i64")
    inside = [x._replace(name=block.fresh("held")) for x in values]
    after = list(body(index, inside))
    following = block.add(index, step)
    more = block.compare("slt", following, stop)
    phis = [(index, "0", following), *zip(inside, [x.name for x in values], after, strict=True)]
    block.lines[start:start] = [
        f"  {x.name} = phi {block.spell(x)} [{first}, %{entered}], [{new.name}, %{block.here}]"
        for x, first, new in phis
    ]
    block.branch(more, tag, f"{tag}.after")
    block.label(f"{tag}.after")
    return after


class Columns:
    """The columns of a tile: of each value all rows of one column, and then those of the next.

    Parameters
    ----------
    block : Block
    lowering : Lowering
    plan : Plan
        Which columns of the memory a value has.
    counts : (i64, i64)
        How many rows there are in all, and before which one to end.
    high : int
        Rows of a tile.
    memory : Value
        For all columns of the plan.
    """

    def __init__(
        self,
        block: Block,
        lowering: Lowering,
        plan: Plan,
        counts: tuple[Value, Value],
        high: int,
        memory: Value,
    ) -> None:
        self.block, self.lowering, self.plan = block, lowering, plan
        (self.count, self.end), self.high, self.width = counts, high, block.module.width
        self.memory = memory
        self._origins: dict[tuple[str, Operand, Operand], Value] = {}

    def begin(self, base: Value) -> None:
        """Write what is known of the tile from a row on."""
        block = self.block
        self.base = base
        self.left = block.sub(self.count, base)
        mine, most = block.sub(self.end, base), block.constant(self.high, "i64")
        self.here = block.select(block.compare("slt", mine, most), mine, most)

    def at(self, name: str, column: Operand, t: Operand) -> Value:
        """Return where rows of a column are, from row t of the tile on."""
        block, root = self.block, self.plan.root(name)
        key = block.here, column, t  # what is above in the same basic block is there
        if key not in self._origins:
            start = block.add(block.mul(index_of(block, column), self.high), t)
            at = block.at(self.memory, start)
            self._origins[key] = block.emit(f"freeze ptr {at.name}", "ptr")
        return block.at(self._origins[key], self.plan.places[root] * self.high)

    def put(self, name: str, column: Operand, t: Value, value: Value) -> None:
        """Store a vector of a column, from row t of the tile on."""
        value = self.block.splat(self.block.convert(value, self.block.module.real))
        if name in self.plan.masked:
            mask = self.rows(t).mask(value.type)
            assert mask is not None  # noqa: S101  # how many rows there are is not known here
            value = self.block.select(mask, value, 0.0)
        self.block.store(value, self.at(name, column, t), align=64)

    def rows(self, t: Value) -> Rows:
        """Return the rows from row t of the tile on."""
        block = self.block
        return Rows(block, block.add(self.base, t), block.sub(self.left, t), self.count)

    @contextmanager
    def nest(self, columns: int) -> Iterator[tuple[Operand, Value]]:
        """Write a loop over columns and one over rows around the lines of the ``with``."""
        if columns == 1:
            with self.block.loop(self.here, step=self.width) as t:
                yield 0, t
            return
        with self.block.loop(columns) as c, self.block.loop(self.here, step=self.width) as t:
            yield c, t

    def shifted(self, home: Home, column: Operand) -> Home:
        """Return the home of one column, as that of the first."""
        block, rows = self.block, self.count
        c = index_of(block, column)
        if home.packed:
            offset = block.mul(c, self.width)
        elif home.after == 1:
            offset = block.mul(c, rows)
        else:
            group = block.binary("sdiv", c, home.after)
            offset = block.mul(block.mul(group, home.after), block.sub(rows, 1))
            offset = block.add(offset, c)
        return home._replace(base=block.at(home.base, offset, home.element))

    def many(self, name: str) -> int:
        """Return how many columns a value has."""
        return self.lowering.columns(self.lowering.types[name].shape)

    def add_rows(self, op: str, sums: Value, name: str) -> None:
        """Add the rows of each column of a value, by "sum", "prod", "max" or "min", to a vector.

        A subroutine does, as there may be hundreds of such sums, and LLVM takes longer for each
        loop the more of them a function has.
        """
        columns = self.block.constant(self.many(name), "i64")
        start = self.at(name, 0, 0)
        self.block.procedure(
            f"rows.{op}", partial(self._add_rows, op), start, sums, columns, self.here, self.left
        )

    def _add_rows(self, op: str, block: Block, *operands: Value) -> None:
        start, sums, columns, here, left = operands
        combine = getattr(block, COMBINED[op])
        with block.loop(columns) as c:
            column, at = (
                block.at(start, block.mul(c, self.high)),
                block.at(sums, block.mul(c, self.width)),
            )

            def body(t: Value, values: list[Value]) -> list[Value]:
                mask = Rows(block, t, block.sub(left, t), left).mask(block.module.real)
                assert mask is not None  # noqa: S101  # how many rows there are is not known here
                value = load(block, block.at(column, t))
                return [combine(values[0], block.select(mask, value, IDENTITY[op]))]

            (total,) = carried(block, here, [load(block, at)], body, step=self.width)
            block.store(total, at, align=64)

    def load(self, name: str, column: Operand, t: Operand) -> Value:
        """Return a vector of a column, from row t of the tile on."""
        return load(self.block, self.at(name, column, t))


def load(block: Block, at: Value) -> Value:
    """Load a whole vector."""
    return block.load(at, vector=True, align=64)


def index_of(block: Block, column: Operand) -> Value:
    """Return the number of a column as a value."""
    return column if isinstance(column, Value) else block.constant(column, "i64")
