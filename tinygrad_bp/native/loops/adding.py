"""Adding rows to the rows of a table that an index names, one after the other."""

from __future__ import annotations

from tinygrad_bp.native.llvm.ir import Block, Module, Value
from tinygrad_bp.native.loops.dense import LANES

NAME = "add_rows"


def text(real: str, features: frozenset[str]) -> str:
    """Return a module with a function ``f(table, places, rows, count, width)``.

    It adds each of `count` rows of `width` numbers to the row of the table that its place says, a
    whole number of 64 bits that is in the table.  A row that is named again gets its sums in the
    order of the rows.
    """
    block = Block(Module(real, LANES[real], features))
    table, places, rows = (Value(f"%{name}", "ptr") for name in ("table", "places", "rows"))
    count, width = Value("%count", "i64"), Value("%width", "i64")
    with block.loop(count) as k:
        place = block.load(block.at(places, k, "i64"), "i64")
        target = block.at(table, block.mul(place, width))
        source = block.at(rows, block.mul(k, width))
        with block.loop(width, step=block.module.width) as j:
            mask = block.tail(block.sub(width, j))
            at, given = block.at(target, j), block.at(source, j)
            before = block.load(at, vector=True, mask=mask)
            total = block.add(before, block.load(given, vector=True, mask=mask))
            block.store(total, at, mask=mask)
    block.module.define(NAME, [table, places, rows, count, width], block)
    return block.module.text()
