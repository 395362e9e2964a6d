"""Products of large matrices: both are brought into panels, of which a tile stays in registers.

Each element of the result is a sum in an order that depends on the length of the sum alone: blocks
of `DEPTH` terms, each from the first to the last, one after the other.  So neither the tile nor the
vectors of a processor decide about its bits.  The scheme is that of Goto and van de Geijn, "Anatomy
of High-Performance Matrix Multiplication" (2008), section 4.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import NamedTuple

from tinygrad_bp.native.llvm.ir import Block, Module, Value
from tinygrad_bp.native.loops.columns import carried

NAME = "products"
DEPTH = 256  # terms of a sum that are added up in registers: part of what a product means
SIDE = 8  # rows of a tile, and of a square that is transposed in registers
VECTORS = 2  # vectors of columns of a tile
# Rows, and tiles of columns, that are in panels at a time: they stay in a cache of half a megabyte.
HIGH, BROAD = 128, 16
LANES = {"double": 8, "float": 16}
WORDS = 12  # of a task


class Matrix(NamedTuple):
    """A matrix in memory: its first element, and the steps from row to row, column to column."""

    base: Value
    down: Value
    along: Value


def text(real: str, features: frozenset[str]) -> str:
    """Return a module with a function ``f(tasks, count, memory)``.

    A task has 12 words of 64 bits: rows, columns and terms; of the left matrix its address and its
    steps, and so of the right one; the address of the result, whose columns lie side by side, and
    its step from row to row; and 1 if it is added to what is there, 0 if not.  The memory, for
    `room` numbers, begins on a cache line's boundary and is zeros at first: lanes that have nothing
    compute with what is there.
    """
    block = Block(Module(real, LANES[real], features))
    tasks, count, memory = Value("%tasks", "ptr"), Value("%count", "i64"), Value("%memory", "ptr")
    panels = memory, block.at(memory, HIGH * DEPTH)
    with block.loop(count) as task:
        table = block.at(tasks, block.mul(task, WORDS), "i64")
        words = [
            block.load(block.at(table, k, "i64"), "ptr" if k in (3, 6, 9) else "i64")
            for k in range(WORDS)
        ]
        left, right = Matrix(*words[3:6]), Matrix(*words[6:9])
        _product(block, words[:3], left, right, words[9:], panels)
    block.module.define(NAME, [tasks, count, memory], block)
    return block.module.text()


def room(real: str) -> int:
    """Return how many numbers there are in the panels of both matrices."""
    return (HIGH + BROAD * VECTORS * LANES[real]) * DEPTH


def _product(
    block: Block,
    sizes: Sequence[Value],
    left: Matrix,
    right: Matrix,
    result: Sequence[Value],
    panels: tuple[Value, Value],
) -> None:
    """Multiply two matrices, a part of their panels at a time."""
    rows, columns, terms = sizes
    place, down, adds = result
    side = VECTORS * block.module.width
    with _parts(block, columns, BROAD * side) as (j, across), _parts(block, terms, DEPTH) as part:
        k, deep = part
        first = block.convert(block.compare("eq", block.add(k, adds), 0), "i64")
        corner = right.base, block.add(block.mul(k, right.down), block.mul(j, right.along))
        _pack(block, side, corner, (right.down, right.along), (deep, across), panels[1])
        with _parts(block, rows, HIGH) as (i, high):
            corner = left.base, block.add(block.mul(i, left.down), block.mul(k, left.along))
            _pack(block, SIDE, corner, (left.along, left.down), (deep, high), panels[0])
            with block.loop(across, step=side) as q, block.loop(high, step=SIDE) as p:
                row = block.mul(block.add(i, p), down)
                at = block.at(place, block.add(row, block.add(j, q)))
                a = block.at(panels[0], block.mul(p, deep))
                b = block.at(panels[1], block.mul(q, deep))
                columns = block.sub(across, q)
                operands = a, b, at, down, deep, first, block.sub(high, p), columns
                narrow = block.compare("sle", columns, block.module.width)
                for vectors, holds in ((1, narrow), (VECTORS, block.bit_not(narrow))):
                    with block.loop(block.convert(holds, "i64")):
                        block.procedure(f"tile{vectors}", partial(_tile, vectors), *operands)


def _tile(vectors: int, block: Block, *operands: Value) -> None:
    """Multiply two panels, so many vectors of the right one; the sums stay in registers."""
    a, b, place, down, deep, first, rows, columns = operands
    width = block.module.width

    def term(k: Value, totals: list[Value]) -> list[Value]:
        row, column = block.at(b, block.mul(k, VECTORS * width)), block.at(a, block.mul(k, SIDE))
        lanes = [
            block.load(block.at(row, v * width), vector=True, align=64) for v in range(vectors)
        ]
        after = []
        for r in range(SIDE):
            factor = block.load(block.at(column, r))
            own = totals[r * vectors : (r + 1) * vectors]
            after += [block.fma(x, factor, y) for x, y in zip(lanes, own, strict=True)]
        return after

    for one in range(SIDE):
        line = block.at(place, block.mul(down, one))
        for v in range(vectors):
            block.prefetch(block.at(line, v * width))
    zeros = [block.splat(0.0)] * (SIDE * vectors)
    memory = block.local(count=SIDE * vectors * width)
    for k, total in enumerate(carried(block, deep, zeros, term)):
        block.store(total, block.at(memory, k * width), align=64)
    begins = block.compare("ne", first, 0)
    masks = [block.tail(_rest(block, columns, v * width)) for v in range(vectors)]
    with block.loop(_least(block, rows, SIDE)) as r:
        line, own = block.at(place, block.mul(r, down)), block.mul(r, vectors * width)
        for v, mask in enumerate(masks):
            at = block.at(line, v * width)
            total = block.load(block.at(memory, block.add(own, v * width)), vector=True, align=64)
            before = block.load(at, vector=True, mask=mask)
            block.store(block.select(begins, total, block.add(before, total)), at, mask=mask)


def _pack(
    block: Block,
    side: int,
    corner: tuple[Value, Value],
    steps: tuple[Value, Value],
    counts: tuple[Value, Value],
    panels: Value,
) -> None:
    """Copy lines into panels: of so many lines the first terms, then the second ones, and so on.

    What is where the last panel lacks lines is in no sum that is kept.

    Parameters
    ----------
    side : int
        Lines of a panel.
    corner : (ptr, i64)
        The matrix, and where in it the first term of the first line is.
    steps, counts : (i64, i64)
        From term to term, and line to line; and how many there are.
    panels : ptr
    """
    start = block.at(*corner)
    block.procedure(f"pack{side}", partial(_packed, side), start, *steps, *counts, panels)


def _packed(side: int, block: Block, *operands: Value) -> None:
    base, down, along, deep, many, panels = operands
    straight, across = block.compare("eq", along, 1), block.compare("eq", down, 1)
    with block.loop(many, step=side) as line:
        source = block.at(base, block.mul(line, along))
        target = block.at(panels, block.mul(line, deep))
        here = _least(block, block.sub(many, line), side)
        rest = block.select(straight, deep, 0)
        masks = _masks(block, side, here)
        with block.loop(rest) as k:
            _copy(block, masks, block.at(source, block.mul(k, down)), _term(block, target, k, side))
        turned = block.select(across, block.bit_and(deep, -SIDE), 0)
        groups = block.bit_and(here, -SIDE)
        with block.loop(turned, step=SIDE) as k, block.loop(groups, step=SIDE) as group:
            first = block.at(source, block.add(block.mul(along, group), k))
            _turn(block, side, first, along, block.at(_term(block, target, k, side), group))
        with block.loop(deep, start=rest) as k:
            place, term = _term(block, target, k, side), block.at(source, block.mul(k, down))
            done = block.select(block.compare("slt", k, turned), groups, 0)
            with block.loop(here, start=done) as one:
                value = block.load(block.at(term, block.mul(one, along)))
                block.store(value, block.at(place, one))


def _term(block: Block, panel: Value, k: Value, side: int) -> Value:
    """Return where a term of all lines of a panel is."""
    return block.at(panel, block.mul(k, side))


def _masks(block: Block, side: int, here: Value) -> list[Value]:
    """Return which lanes of a panel's vectors have lines."""
    with _wide(block, min(side, block.module.width)) as width:
        return [block.tail(_rest(block, here, v)) for v in range(0, side, width)]


def _copy(block: Block, masks: list[Value], term: Value, place: Value) -> None:
    """Copy one term of lines that lie side by side."""
    with _wide(block, SIDE if len(masks) == 1 else block.module.width) as width:
        for v, mask in enumerate(masks):
            value = block.load(block.at(term, v * width), vector=True, mask=mask)
            block.store(value, block.at(place, v * width))


def _turn(block: Block, side: int, first: Value, along: Value, place: Value) -> None:
    """Copy a square of some terms of some lines, each of which lies in a row."""
    with _wide(block, SIDE):
        lines = [block.load(block.at(first, block.mul(along, r)), vector=True) for r in range(SIDE)]
        for t, value in enumerate(_turned(block, lines)):
            block.store(value, block.at(place, t * side))


def _turned(block: Block, lines: list[Value]) -> list[Value]:
    """Transpose a square: lines that are half of them apart are woven, and again."""
    half = len(lines) // 2
    low = [k // 2 + k % 2 * SIDE for k in range(SIDE)]
    high = [k + half for k in low]
    for _round in range(SIDE.bit_length() - 1):
        pairs = list(zip(lines[:half], lines[half:], strict=True))
        lines = [block.shuffle(a, b, chosen) for a, b in pairs for chosen in (low, high)]
    return lines


@contextmanager
def _wide(block: Block, width: int) -> Iterator[int]:
    """Let vectors have other than the module's lanes."""
    module, whole = block.module, block.module.width
    module.width = width
    try:
        yield width
    finally:
        module.width = whole


@contextmanager
def _parts(block: Block, count: Value, step: int) -> Iterator[tuple[Value, Value]]:
    """Write a loop over parts of a number, around the lines of the ``with``: first and length."""
    with block.loop(count, step=step) as k:
        yield k, _least(block, block.sub(count, k), step)


def _least(block: Block, a: Value, b: int) -> Value:
    return block.select(block.compare("slt", a, b), a, b)


def _rest(block: Block, count: Value, gone: int) -> Value:
    """Return how many are left; none if more are gone than there were."""
    left = block.sub(count, gone)
    return block.select(block.compare("sgt", left, 0), left, 0)
