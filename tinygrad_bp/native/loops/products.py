"""Products of matrices over a tile of rows: blocks of columns stay in registers.

In come columns of a tile, and a matrix that all rows share or the columns of another value; out go
columns, or sums over the rows.
"""

from __future__ import annotations

from collections.abc import Callable

from tinygrad_bp.native.llvm.ir import Block, Operand, Value
from tinygrad_bp.native.loops.columns import Columns, carried, index_of, load
from tinygrad_bp.native.loops.rows import Home

SIDE, VECTORS = 8, 2  # columns, and vectors of rows, that are in registers together
SUMS = 4  # columns of either side whose products, over the rows, are
Lies = tuple[int, int, int]  # the first element of a matrix, and the steps along and across


def blocks(block: Block, count: int, side: int, write: Callable[[Operand, int], None]) -> None:
    """Write a loop over blocks of columns, and the lines of what is left."""
    whole = count // side * side
    if whole:
        with block.loop(whole, step=side) as k:
            write(k, side)
    if count - whole:
        write(whole, count - whole)


def product(columns: Columns, name: str, x: str, home: Home, lies: Lies, outer: int) -> None:
    """Multiply the rows of x by a matrix that all rows share."""
    block, width, inner = columns.block, columns.width, columns.many(x)
    start, along, across = lies

    def one(top: Value, side: int, t: Value, k: Value, totals: list[Value]) -> list[Value]:
        """Add the products with one row of the matrix."""
        row = block.at(top, block.mul(k, along), home.element)
        vectors = [columns.load(x, k, block.add(t, v * width)) for v in range(VECTORS)]
        after = []
        for c in range(side):
            weight = block.load(block.at(row, c * across, home.element), home.element)
            own = totals[c * VECTORS : (c + 1) * VECTORS]
            after += [block.fma(x, weight, y) for x, y in zip(vectors, own, strict=True)]
        return after

    def some(j: Operand, side: int) -> None:
        with block.loop(columns.here, step=VECTORS * width) as t:
            shift = block.add(block.mul(index_of(block, j), across), start)
            top = block.at(home.base, shift, home.element)
            zeros = [block.splat(0.0)] * (side * VECTORS)
            totals = carried(
                block,
                block.constant(inner, "i64"),
                zeros,
                lambda k, totals: one(top, side, t, k, totals),
            )
            for place, total in enumerate(totals):
                c, v = divmod(place, VECTORS)
                column = block.add(index_of(block, j), c)
                columns.put(name, column, block.add(t, v * width), total)

    blocks(block, outer, SIDE, some)


def outer_product(columns: Columns, x: str, y: str, sums: Value, start: int) -> None:
    """Add the products of the columns of two values, over the rows, to sums in memory."""
    block, width = columns.block, columns.width
    across = columns.many(y)

    def places(i: Operand, rows: int, j: Operand, side: int) -> list[Value]:
        found = []
        for p in range(rows):
            row = block.mul(block.add(index_of(block, i), p), across)
            for q in range(side):
                place = block.add(block.add(row, index_of(block, j)), start + q)
                found.append(block.at(sums, block.mul(place, width)))
        return found

    def vectors(name: str, first: Operand, many: int, t: Value) -> list[Value]:
        return [
            columns.load(name, block.add(index_of(block, first), more), t) for more in range(many)
        ]

    def part(i: Operand, rows: int, j: Operand, side: int) -> None:
        def body(t: Value, totals: list[Value]) -> list[Value]:
            left, right = vectors(x, i, rows, t), vectors(y, j, side, t)
            pairs = [(a, b) for a in left for b in right]
            return [block.fma(a, b, total) for (a, b), total in zip(pairs, totals, strict=True)]

        own = places(i, rows, j, side)
        before = [load(block, at) for at in own]
        after = carried(block, columns.here, before, body, step=width)
        for total, at in zip(after, own, strict=True):
            block.store(total, at, align=64)

    blocks(
        block,
        columns.many(x),
        SUMS,
        lambda i, rows: blocks(block, across, SUMS, lambda j, side: part(i, rows, j, side)),
    )
