"""The windows of a convolution, laid out as columns of a matrix, and columns added up again."""

from __future__ import annotations

from collections.abc import Callable

from tinygrad_bp.native.llvm.ir import Block, Module, Value
from tinygrad_bp.native.loops.dense import LANES

LAY, FOLD = "lay_windows", "fold_windows"
Move = Callable[[Block, Value, Value, Value | None], None]


def text(real: str, features: frozenset[str]) -> str:
    """Return a module with two functions ``f(image, columns, starts, count, length, step)``.

    The columns are `count` runs of `length` numbers, one after the other; each is that of the
    numbers of an image from a start on, `step` apart.  The one function writes the columns, and the
    other adds them to the image, in order.
    """
    module = Module(real, LANES[real], features)
    for name, move in ((LAY, _laid), (FOLD, _folded)):
        block = Block(module)
        image, columns, starts = (Value(f"%{x}", "ptr") for x in ("image", "columns", "starts"))
        sizes = [Value(f"%{x}", "i64") for x in ("count", "length", "step")]
        _runs(block, move, (image, columns, starts), sizes)
        module.define(name, [image, columns, starts, *sizes], block)
    return module.text()


def _runs(block: Block, move: Move, places: tuple[Value, Value, Value], sizes: list[Value]) -> None:
    image, columns, starts = places
    count, length, step = sizes
    straight = block.select(block.compare("eq", step, 1), length, 0)
    with block.loop(count) as k:
        start = block.load(block.at(starts, k, "i64"), "i64")
        first, run = block.at(image, start), block.at(columns, block.mul(k, length))
        with block.loop(straight, step=block.module.width) as j:
            mask = block.tail(block.sub(length, j))
            move(block, block.at(first, j), block.at(run, j), mask)
        with block.loop(length, start=straight) as j:
            move(block, block.at(first, block.mul(j, step)), block.at(run, j), None)


def _laid(block: Block, image: Value, column: Value, mask: Value | None) -> None:
    block.store(_loaded(block, image, mask), column, mask=mask)


def _folded(block: Block, image: Value, column: Value, mask: Value | None) -> None:
    total = block.add(_loaded(block, image, mask), _loaded(block, column, mask))
    block.store(total, image, mask=mask)


def _loaded(block: Block, place: Value, mask: Value | None) -> Value:
    return block.load(place, vector=mask is not None, mask=mask)
