"""Elementary functions: how near, how alike on other processors, and what they leave alone."""

from __future__ import annotations

import ctypes
import math
import re
from pathlib import Path

import chebyshev
import mpmath
import numpy as np
import pytest
from extras import extra
from native_errors import EXTENDED, WIDTH, applied, errors, exact, largest_error, samples
from native_functions import DTYPES, vectorised

from tinygrad_bp.native.functions import coefficients
from tinygrad_bp.native.functions.elementary import FUNCTIONS, OF_TWO, call
from tinygrad_bp.native.functions.huge_angles import WORDS
from tinygrad_bp.native.llvm import machine
from tinygrad_bp.native.llvm.ir import Block, Module, Value

extra("llvmlite")

PAGE = Path(__file__).parents[2] / "docs" / "native-math.md"
ROW = re.compile(r"^\| `(\w+)` \| ([\d.]+) \| ([\d.]+) \|$", re.MULTILINE)
PUBLISHED = {
    (name, real): float(cell)
    for name, *cells in ROW.findall(PAGE.read_text(encoding="utf-8"))
    for real, cell in zip(DTYPES, cells, strict=True)
}
MOST = dict.fromkeys(("exp", "log", "log1p", "sin", "cos"), 1.5) | {"tanh": 2.0}
ALL = FUNCTIONS | OF_TWO
BOTH = [(name, real) for name in ALL for real in DTYPES]
measurable = pytest.mark.skipif(not EXTENDED, reason="no type is wider than double here")


def test_the_page_tells_the_error_of_each_function():
    assert PUBLISHED.keys() == set(BOTH)
    assert all(PUBLISHED[name, real] <= most for name, most in MOST.items() for real in DTYPES)


@measurable
@pytest.mark.parametrize(("name", "real"), BOTH)
def test_no_result_is_off_by_more_than_the_page_tells(name, real):
    off, x = largest_error(name, real, 1500)
    assert off <= PUBLISHED[name, real], x


@pytest.mark.deep
@measurable
@pytest.mark.parametrize(("name", "real"), BOTH)
def test_the_page_tells_no_more_than_there_is(name, real):
    off, x = largest_error(name, real, 1 << 19)
    assert off <= PUBLISHED[name, real] <= off + 0.15, x


@pytest.mark.deep
@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_hundred_and_first_float(name):
    """All signs, all exponents: 42 million arguments."""
    function = vectorised(FUNCTIONS[name], "float", WIDTH["float"])
    for start in range(0, 1 << 32, 1 << 29):
        x = np.arange(start, start + (1 << 29), 101, dtype=np.uint32).view(np.float32)
        off = errors(name, "float", [x], function(x))
        assert off.max() <= PUBLISHED[name, "float"], x[np.argmax(off)]


EDGES = [0.0, 1.0, 0.5, 2.0, 1.5, 20.0, 88.0, 89.0, 104.0, 710.0, 720.0, 746.0, 1e30, math.inf]


def edges(real):
    """Return the smallest numbers and the largest, infinity and NaN, of both signs."""
    dtype = DTYPES[real]
    info = np.finfo(dtype)
    few = [info.smallest_subnormal, 3 * info.smallest_subnormal, info.tiny, info.max, info.eps]
    with np.errstate(all="ignore"):
        positive = np.array([*few, *EDGES]).astype(dtype)
        return np.concatenate([positive, -positive, [dtype(math.nan)]])


@pytest.mark.parametrize(("name", "real"), BOTH)
def test_edges_are_as_numpy_has_them(name, real):
    """The sign of zero too; of powers, all pairs of edges."""
    x = edges(real)
    xs = [np.ravel(one) for one in np.meshgrid(x, x)] if name in OF_TWO else [x]
    with np.errstate(all="ignore"):
        wanted = exact(name, *[one.astype(np.longdouble) for one in xs]).astype(DTYPES[real])
    got = applied(name, real, xs)
    assert errors(name, real, xs, got).max() <= PUBLISHED[name, real]
    np.testing.assert_array_equal(np.isnan(got), np.isnan(wanted))
    known = ~np.isnan(wanted) & ((got != 0) | (xs[0] == 0) | (wanted == 0))
    np.testing.assert_array_equal(np.signbit(got)[known], np.signbit(wanted)[known])


@pytest.mark.parametrize("real", DTYPES)
@pytest.mark.parametrize(
    "name", ["arcsin", "arctan", "expm1", "log1p", "sin", "sinh", "tan", "tanh"]
)
def test_what_begins_with_its_argument_is_that_where_it_is_small(name, real):
    info = np.finfo(DTYPES[real])
    steps = np.arange(-60, 61) * info.smallest_subnormal
    x = np.concatenate([steps, info.tiny + steps, -info.tiny + steps, [info.eps**2]])
    x = x.astype(DTYPES[real])
    got = vectorised(FUNCTIONS[name], real, WIDTH[real])(x)
    np.testing.assert_array_equal(got, x)


@pytest.mark.parametrize("real", DTYPES)
@pytest.mark.parametrize("name", ["sin", "cos", "tan"])
def test_angles_of_any_size_are_reduced_exactly(name, real):
    """The first is, of all doubles, the one nearest to a multiple of pi/2."""
    dtype = DTYPES[real]
    most = np.finfo(dtype).max
    generator = np.random.default_rng(3)
    sizes = np.exp2(generator.uniform(20, math.log2(most), 60))
    x = np.array([math.ldexp(6381956970095103, 797), *sizes, most])
    x = np.concatenate([x, -x])[np.abs(np.concatenate([x, -x])) <= most].astype(dtype)
    got = vectorised(FUNCTIONS[name], real, WIDTH[real])(x)
    with mpmath.workdps(400):
        for one, y in zip(x, got, strict=True):
            off = (mpmath.mpf(float(y)) - getattr(mpmath, name)(mpmath.mpf(float(one)))) / float(
                np.spacing(np.abs(y))
            )
            assert abs(off) <= PUBLISHED[name, real], one


@pytest.mark.parametrize("real", DTYPES)
def test_what_is_known_of_an_argument_changes_no_bit(real):
    dtype = DTYPES[real]
    unit = np.random.default_rng(1).uniform(0, 1, 4000).astype(dtype)
    unit[:4] = 0.0, 1.0, math.nan, -0.0
    narrow = {
        "exp": (lambda b, x: FUNCTIONS["exp"](b, x, low=-40.0, high=0.0), -40 * unit),
        "log": (lambda b, x: FUNCTIONS["log"](b, x, low=0.5, high=2.0), 0.5 + unit),
        "log2": (lambda b, x: FUNCTIONS["log2"](b, x, low=0.5), 0.5 + unit),
        "log1p": (lambda b, x: FUNCTIONS["log1p"](b, x, low=0.0, high=1.0), unit),
        "sin": (lambda b, x: FUNCTIONS["sin"](b, x, bound=1.0), unit),
        "cos": (lambda b, x: FUNCTIONS["cos"](b, x, bound=1.0), unit),
        "tan": (lambda b, x: FUNCTIONS["tan"](b, x, bound=1.0), unit),
    }
    for name, (known, x) in narrow.items():
        expected = vectorised(FUNCTIONS[name], real, WIDTH[real])(x)
        got = vectorised(known, real, WIDTH[real])(x)
        np.testing.assert_array_equal(got, expected, name)
        np.testing.assert_array_equal(np.signbit(got[x == 0]), np.signbit(expected[x == 0]), name)


TARGETS = {
    "x86-64-v3": (),
    "haswell": (),
    "skylake-avx512": ("avx512f", "avx512vl", "avx512dq", "avx512bw", "avx512cd"),
    "znver4": ("avx512f", "avx512vl", "avx512bf16", "avx512vbmi2", "avx512bitalg"),
}


def all_functions(real, width, target, features=frozenset()):
    """Return each function of an array, all from one piece of code."""
    module = Module(real, width, features)
    count, source, goal = Value("%n", "i64"), Value("%x", "ptr"), Value("%y", "ptr")
    for name in ALL:
        block = Block(module)
        with block.loop(count, step=width) as i:
            mask = block.tail(block.sub(count, i))
            x = block.load(block.at(source, i), vector=True, mask=mask)
            xs = [x, block.mul(x, 1.7)] if name in OF_TWO else [x]
            block.store(call(block, name, *xs), block.at(goal, i), mask=mask)
        module.define(f"all.{name}", [source, goal, count], block)
    names = [f"all.{name}" for name in ALL]
    code = machine.Code(machine.compile_object(module.text(), target), names)
    kinds = (None, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64)
    return {name: code.function(f"all.{name}", *kinds) for name in ALL}


def bits(functions, real):
    """Return the bits of results over the whole range; of NaN, that it is that."""
    found = {}
    for name, function in functions.items():
        x = samples(name, real, 200)[0]
        y = np.empty_like(x)
        function(x.ctypes.data, y.ctypes.data, x.size)
        y[np.isnan(y)] = np.nan
        found[name] = y.tobytes()
    return found


def kinds_of_code(real, *, deep):
    """Yield a label, and the arguments of `all_functions`, for what this processor can run."""
    here = machine.host()
    widths = (1, 2, 4, 8, 16) if deep else (WIDTH[real] // 2,)
    for width in widths:
        yield f"width {width}", (width, here, here.instructions)
    yield "without names of instructions", (WIDTH[real], here, frozenset())
    for cpu, needed in TARGETS.items():
        if here.triple.startswith("x86_64") and here.instructions.issuperset(needed):
            target = machine.Target(here.triple, cpu, "", frozenset(needed))
            yield cpu, (WIDTH[real], target, frozenset(needed))
            for width in widths if deep else ():
                yield f"{cpu}, width {width}", (width, target, frozenset())


def compare_bits(real, *, deep):
    here = machine.host()
    reference = bits(all_functions(real, WIDTH[real], here, here.instructions), real)
    for label, arguments in kinds_of_code(real, deep=deep):
        found = bits(all_functions(real, *arguments), real)
        assert [name for name in found if found[name] != reference[name]] == [], label


def test_the_bits_are_the_same_on_every_processor_and_at_every_width():
    compare_bits("double", deep=False)


@pytest.mark.deep
@pytest.mark.parametrize("real", DTYPES)
def test_the_bits_are_the_same_for_all_of_them(real):
    compare_bits(real, deep=True)


def test_scalars_have_the_bits_of_vectors():
    """A module that has both: a scalar is no vector of one lane."""
    (x,) = samples("exp", "double", 40)
    for name, function in FUNCTIONS.items():

        def lane_by_lane(block, x, function=function):
            place = block.local(count=2)
            for k in range(2):
                block.store(function(block, block.lane(x, k)), block.at(place, k))
            return block.load(place, vector=True)

        expected = vectorised(function)(x)
        np.testing.assert_array_equal(vectorised(lane_by_lane, width=2)(x), expected, name)


@pytest.mark.skipif(machine.platform.machine() not in ("x86_64", "AMD64"), reason="reads MXCSR")
def test_the_state_of_the_processor_is_left_as_it_was():
    """Rounding, masks, and whether small numbers are flushed; flags tell what has happened."""
    text = (
        "declare void @llvm.x86.sse.stmxcsr(ptr)\n"
        "define i32 @state() {\n  %p = alloca i32\n  call void @llvm.x86.sse.stmxcsr(ptr %p)\n"
        "  %s = load i32, ptr %p\n  ret i32 %s\n}\n"
    )
    state = machine.Code(machine.compile_object(text), ["state"]).function("state", ctypes.c_uint32)
    functions = all_functions("double", 8, machine.host())
    control = 0xFFC0
    before = state() & control
    with np.errstate(all="raise"):
        bits(functions, "double")
        assert np.add(1.0, 2.0) == np.exp(np.log(3.0)).round()
    assert state() & control == before


@pytest.mark.parametrize("real", DTYPES)
def test_the_coefficients_are_those_of_interpolation(real):
    with mpmath.workdps(chebyshev.DIGITS):
        for name, table in chebyshev.tables().items():
            count = table.counts[list(DTYPES).index(real)]
            if not count:
                continue
            made = chebyshev.rounded(chebyshev.coefficients(table, count), real)
            assert tuple(made) == getattr(coefficients, name)[real], name


def test_the_digits_of_two_over_pi():
    places = 64 * (len(WORDS) - 2)
    with mpmath.workprec(places + 64):
        digits = int(mpmath.floor(2 / mpmath.pi * mpmath.mpf(2) ** places))
    assert (
        0,
        0,
        *((digits >> shift) & (2**64 - 1) for shift in range(places - 64, -1, -64)),
    ) == WORDS
