"""Blocks: each operation against NumPy, for scalars and vectors, both types, every tail."""

from __future__ import annotations

import numpy as np
import pytest
from extras import extra
from native_functions import DTYPES, module_text, vectorised

from tinygrad_bp.native.llvm import machine
from tinygrad_bp.native.llvm.ir import Block, Module, Value

extra("llvmlite")

WIDTHS = {"double": (1, 2, 8), "float": (1, 4, 16)}
KINDS = [(real, width) for real, widths in WIDTHS.items() for width in widths]
NUMBERS = np.array([0.0, -0.0, 1.5, -2.5, np.inf, -np.inf, np.nan, 3.0, 0.5, -0.5, 1e-40, -7.25])
PAIRS = [np.repeat(NUMBERS, len(NUMBERS)), np.tile(NUMBERS, len(NUMBERS))]


def both(operation):
    """Do it to vectors, and to each lane as a scalar."""

    def of_scalars(block, *xs):
        count = block.module.width
        lanes = [operation(block, *[block.lane(x, k) for x in xs]) for k in range(count)]
        place = block.local(lanes[0].type, block.module.width)
        for k, lane in enumerate(lanes):
            block.store(lane, block.at(place, k, lane.type))
        return block.load(place, lanes[0].type, vector=True)

    return operation, of_scalars


TWO = {
    "add": (Block.add, np.add),
    "sub": (Block.sub, np.subtract),
    "mul": (Block.mul, np.multiply),
    "div": (Block.div, np.divide),
    "maximum": (Block.maximum, np.maximum),
    "minimum": (Block.minimum, np.minimum),
    "copysign": (Block.copysign, np.copysign),
    "number": (lambda b, x, y: b.sub(0.1, b.mul(x, 3)), lambda x, y: 0.1 - x * 3),
    "less": (lambda b, x, y: b.convert(b.compare("olt", x, y), x.type), np.less),
    "differs": (lambda b, x, y: b.convert(b.compare("une", x, y), x.type), np.not_equal),
    "choice": (
        lambda b, x, y: b.select(b.compare("oge", x, 1), y, 2),
        lambda x, y: np.where(x >= 1, y, 2),
    ),
    "both": (
        lambda b, x, y: b.convert(
            b.bit_and(b.compare("ogt", x, 0), b.bit_not(b.compare("ogt", y, 0))), x.type
        ),
        lambda x, y: (x > 0) & ~(y > 0),
    ),
}
ONE = {
    "neg": (Block.neg, np.negative),
    "abs": (Block.abs, np.abs),
    "sqrt": (Block.sqrt, np.sqrt),
    "floor": (Block.floor, np.floor),
    "ceil": (Block.ceil, np.ceil),
    "trunc": (Block.trunc, np.trunc),
    "rint": (Block.rint, np.rint),
    "truth": (lambda b, x: b.convert(b.convert(x, "i1"), x.type), lambda x: x.astype(bool)),
    "bits": (lambda b, x: b.real_of(b.bits(x)), lambda x: x),
    "wider": (lambda b, x: b.convert(b.convert(x, "double"), x.type), lambda x: x),
    "narrower": (
        lambda b, x: b.convert(b.convert(x, "float"), x.type),
        lambda x: x.astype(np.float32),
    ),
}


@pytest.mark.parametrize(("real", "width"), KINDS)
@pytest.mark.parametrize("name", [*ONE, *TWO])
def test_an_operation_is_numpys(name, real, width):
    operation, expected = (ONE | TWO)[name]
    arrays = [a.astype(DTYPES[real]) for a in (PAIRS if name in TWO else PAIRS[:1])]
    with np.errstate(all="ignore"):
        wanted = expected(*arrays).astype(DTYPES[real])
    for way in both(operation):
        got = vectorised(way, real, width, operands=len(arrays))(*arrays)
        np.testing.assert_array_equal(got, wanted)
        known = ~np.isnan(wanted)
        if name not in ("maximum", "minimum"):  # of 0 and -0 NumPy gives either
            np.testing.assert_array_equal(np.signbit(got)[known], np.signbit(wanted)[known])


@pytest.mark.parametrize(("real", "width"), KINDS)
def test_fma_rounds_once(real, width):
    dtype = DTYPES[real]
    eps = np.finfo(dtype).eps
    lost = vectorised(lambda b, x: b.fma(x, x, b.neg(b.mul(x, x))), real, width)
    assert lost(np.array([1 + eps], dtype)) == eps**2


@pytest.mark.parametrize(("real", "width"), KINDS)
def test_no_tail_is_read_or_written_beyond_its_end(real, width):
    twice = vectorised(lambda b, x: b.add(x, x), real, width)
    for n in range(2 * width + 2):
        memory = np.full(n + 2 * width, 7, DTYPES[real])
        x = np.arange(n, dtype=DTYPES[real])
        twice.kernel(x.ctypes.data, memory.ctypes.data, n)
        np.testing.assert_array_equal(memory[:n], 2 * x)
        assert (memory[n:] == 7).all()


@pytest.mark.parametrize(("real", "width"), KINDS)
@pytest.mark.parametrize("op", ["add", "maximum", "minimum", "mul"])
def test_across_is_a_tree_of_halves(op, real, width):
    x = np.random.default_rng(0).standard_normal(width).astype(DTYPES[real])
    combine = {"add": np.add, "maximum": np.maximum, "minimum": np.minimum, "mul": np.multiply}[op]
    tree = x
    while len(tree) > 1:
        tree = combine(*np.split(tree, 2))
    assert (vectorised(lambda b, x: b.across(op, x), real, width)(x) == tree).all()


@pytest.mark.parametrize(("real", "width"), KINDS)
def test_lanes_here_and_there(real, width):
    x = np.random.default_rng(0).standard_normal(width).astype(DTYPES[real])
    order = np.random.default_rng(1).permutation(width)

    def moved(block, x):
        place, other = block.local(count=width), block.local(count=width)
        block.store(x, place)
        listed = ", ".join(f"i64 {k}" for k in order)
        index = Value(f"<{listed}>", "i64", vector=True)
        back = block.gather(block.at(place, index), mask=block.all_lanes())
        block.scatter(back, block.at(other, index), mask=block.all_lanes())
        there = block.load(other, vector=True)
        return block.add(block.mul(back, 100), there)

    np.testing.assert_array_equal(
        vectorised(moved, real, width)(x), x[order] * DTYPES[real](100) + x
    )


def test_a_subroutine_is_written_once():
    text = module_text(
        lambda b, x: (
            b.subroutine("twice", lambda i, y: i.add(y, y), b.subroutine("twice", None, x))
            if "tg.twice.vdouble" in b.module.functions
            else b.subroutine("twice", lambda i, y: i.add(y, y), x)
        ),
        "double",
        8,
    )
    assert text.count("define internal") == 1


def test_whole_numbers():
    def mixed(block, x):
        n = block.convert(x, "i64")
        n = block.add(block.mul(n, 3), block.shift_left(n, block.constant(2, "i64")))
        n = block.bit_xor(block.maximum(n, -20), 1)
        return block.convert(block.convert(block.convert(n, "i32"), "i64"), "double")

    x = np.arange(-9.0, 9.0)
    n = x.astype(np.int64)
    wanted = np.maximum(n * 3 + (n << 2), -20) ^ 1
    np.testing.assert_array_equal(vectorised(mixed)(x), wanted)


def test_a_splat_of_another_way_is_not_used():
    """The body of a loop that is left out must not define what comes after it."""

    def skipped(block, x):
        uniform = block.load(Value("%p0", "ptr"))
        total = block.local(count=8)
        block.store(block.splat(0.0), total)
        with block.loop(0):
            block.store(block.splat(uniform), total)
        return block.add(block.splat(uniform), block.load(total, vector=True))

    x = np.full(8, 2.5)
    np.testing.assert_array_equal(vectorised(skipped)(x), x)


def test_a_module_of_a_width_that_is_no_power_of_two_is_refused():
    with pytest.raises(ValueError, match="power of two"):
        Module("double", 6)


def test_text_that_is_not_well_formed_is_refused():
    with pytest.raises(RuntimeError):
        machine.compile_object("define void @kernel() { ret i32 0 }")
