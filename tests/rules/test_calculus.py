"""Differences, gradients on a grid, integrals, interpolation, angles and the parts of numbers."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal, localcontext
from fractions import Fraction
from math import factorial
from typing import Any

import numpy as np
import pytest
from composition_checks import (
    Call,
    check_derivatives,
    check_float32,
    check_mutation,
    check_value,
    complex_drawn,
    drawn,
)
from hypothesis import given
from hypothesis import strategies as st
from numpy._core import umath
from oracles import same
from sampling import without_calls
from together import together

import tinygrad_bp as tg
from tinygrad_bp.engine.dispatch import FUNCTIONS, UFUNCS
from tinygrad_bp.engine.rule import COMPOSED, FLAT, TABLE
from tinygrad_bp.errors import (
    DTypeError,
    ShapeError,
    TinygradError,
    TrackedTensorError,
    UnsupportedFunctionError,
)
from tinygrad_bp.rules.elementwise.bessel import LARGE, bessel_i
from tinygrad_bp.rules.elementwise.sinc import sinc_derivative

GRID = np.array([-1.9, -1.1, -0.7, 0.4, 0.9, 2.2])
KNOTS = np.array([-1.7, -0.9, 0.1, 0.8, 1.9])
EVEN = np.linspace(0.5, 3.0, 6)


def between(seed: int = 0) -> Any:
    """Return places beside the knots and beyond them, none near one."""
    return np.random.default_rng(seed).permutation([-2.4, -1.3, -0.6, -0.2, 0.5, 1.2, 1.5, 2.3])


REAL: list[Call] = [
    ("diff", np.diff, drawn((6,))),
    ("diff-twice", lambda x: np.diff(x, 2), drawn((3, 5))),
    ("diff-axis", lambda x: np.diff(x, axis=0), drawn((4, 2))),
    ("diff-none", lambda x: np.diff(x, 0), drawn((3,))),
    ("diff-all", lambda x: np.diff(x, 4), drawn((3,))),
    ("diff-ends", lambda x, p, a: np.diff(x, 1, -1, p, a), drawn((2, 3), (), (2, 2))),
    ("diff-ends-0", lambda x, p, a: np.diff(x, 2, 0, a, p), drawn((2, 3), (1, 3), ())),
    ("diff-append", lambda x: np.diff(x, append=[1.0, 3.0]), drawn((3,))),
    ("ediff1d", np.ediff1d, drawn((2, 3))),
    ("ediff1d-ends", lambda x, e, b: np.ediff1d(x, e, b), drawn((4,), (2, 2), ())),
    ("ediff1d-begin", lambda x: np.ediff1d(x, to_begin=[7.0, 8.0]), drawn((3,))),
    ("ediff1d-number", np.ediff1d, drawn(())),
    ("gradient", np.gradient, drawn((5,))),
    ("gradient-2", np.gradient, drawn((3, 4))),
    ("gradient-axis", lambda f: np.gradient(f, axis=1), drawn((3, 4))),
    ("gradient-axes", lambda f: np.gradient(f, 2.0, 0.5, axis=(1, 0)), drawn((3, 4))),
    ("gradient-order", lambda f: np.gradient(f, edge_order=2), drawn((3, 4))),
    ("gradient-step", lambda f, h: np.gradient(f, h), [*drawn((4,)), np.float64(0.7)]),
    (
        "gradient-steps",
        lambda f, h, k: np.gradient(f, h, k),
        [*drawn((3, 2)), *drawn((), (), low=1)],
    ),
    (
        "gradient-step-order",
        lambda f, h: np.gradient(f, h, edge_order=2),
        [*drawn((3,)), np.float64(0.7)],
    ),
    ("gradient-grid", lambda f, x: np.gradient(f, x), [*drawn((6,)), GRID]),
    ("gradient-grid-order", lambda f, x: np.gradient(f, x, edge_order=2), [*drawn((6,)), GRID]),
    (
        "gradient-grid-axis",
        lambda f, x: np.gradient(f, x, axis=0, edge_order=2),
        [*drawn((6, 2)), GRID],
    ),
    ("gradient-grids", lambda f, x, y: np.gradient(f, x, y), [*drawn((6, 3)), GRID, GRID[:3]]),
    ("gradient-even", lambda f, x: np.gradient(f, x), [*drawn((6,)), EVEN]),
    ("gradient-even-order", lambda f, x: np.gradient(f, x, edge_order=2), [*drawn((6,)), EVEN]),
    ("gradient-of-list", lambda x: np.gradient([1.0, 4.0, 2.0], x), [GRID[:3]]),
    ("trapezoid", np.trapezoid, drawn((6,))),
    ("trapezoid-dx", lambda y, h: np.trapezoid(y, dx=h), drawn((2, 3), ())),
    ("trapezoid-x", np.trapezoid, [*drawn((2, 6)), GRID]),
    ("trapezoid-x-axis", lambda y, x: np.trapezoid(y, x, axis=0), [*drawn((6, 2)), GRID]),
    ("trapezoid-xs", lambda y, x: np.trapezoid(y, x, axis=0), drawn((3, 2), (3, 2))),
    ("trapezoid-xs-broadcast", lambda y, x: np.trapezoid(y, x, 9.0, 1), drawn((2, 3), (1, 3))),
    ("interp", np.interp, [between(), KNOTS, *drawn((5,))]),
    ("interp-2", np.interp, [between().reshape(2, 4), KNOTS, *drawn((5,))]),
    ("interp-number", np.interp, [np.float64(0.3), KNOTS, *drawn((5,))]),
    ("interp-sides", np.interp, [between(), KNOTS, *drawn((5,), (), ())]),
    ("interp-left", lambda *a: np.interp(*a, left=2), [between(), KNOTS, *drawn((5,))]),
    ("interp-one", np.interp, [between(), KNOTS[1:2], *drawn((1,))]),
    (
        "interp-period",
        lambda x, k, f, p: np.interp(x, k, f, left=9.0, period=p),
        [between(), KNOTS[[3, 0, 4, 1, 2]], *drawn((5,)), np.float64(4.1)],
    ),
    (
        "interp-period-negative",
        lambda x, k, f: np.interp(x, k, f, None, None, -4.1),
        [between(), KNOTS, *drawn((5,))],
    ),
    ("unwrap", np.unwrap, [np.array([0.3, 5.9, 1.1, 4.9, -3.0])]),
    ("unwrap-axis", lambda p: np.unwrap(p, axis=0), [10 * drawn((4, 3))[0]]),
    ("unwrap-period", lambda p: np.unwrap(p, 0.9, period=1.5), [10 * drawn((2, 4))[0]]),
    ("sinc", np.sinc, drawn((2, 3))),
    ("sinc-0", np.sinc, [np.array([0.0, -0.0, 1e-9, -1e-5, 1e-3, 1.0, 2.0])]),
    ("sinc-far", np.sinc, [np.array([3.3, -12.7, 40.1])]),
    ("i0", np.i0, [np.array([0.0, -0.4, 1.1, 3.0, -5.2])]),
    ("i0-number", np.i0, drawn(())),
    ("nan_to_num", np.nan_to_num, drawn((2, 3))),
    ("real_if_close", np.real_if_close, drawn((2, 3))),
    ("angle", np.angle, drawn((2, 3))),
    ("angle-deg", lambda z: np.angle(z, deg=True), drawn((2,))),
    (
        "piecewise",
        lambda x, c: np.piecewise(x, [x < 0, x > 1], [lambda v: v * v, c, np.exp]),
        drawn((2, 4), ()),
    ),
    (
        "piecewise-arguments",
        lambda x, a: np.piecewise(
            x, [x < 0, x >= 0], [lambda v, a, b: a * v, lambda v, a, b: b], a, b=3
        ),
        drawn((5,), ()),
    ),
    ("piecewise-number", lambda x: np.piecewise(x, [x > 0], [np.sin, np.cos]), drawn(())),
    ("piecewise-one", lambda x: np.piecewise(x, x > 0, [np.sin]), drawn((4,))),
    ("piecewise-never", lambda x: np.piecewise(x, [x > 9], [np.sin]), drawn((4,))),
    ("ldexp", lambda x: np.ldexp(x, 3), drawn((2, 3))),
    ("ldexp-wide", lambda x: np.ldexp(x, [[1], [-2]]), drawn((3,))),
    ("ldexp-number", lambda x: np.ldexp(x, np.arange(3)), drawn(())),
    ("ldexp-tensor", lambda x: np.ldexp(x, tg.tensor([0, 2, 1])), drawn((3,))),
    ("frexp", np.frexp, [np.array([0.7, 2.9, -11.3, 0.05])]),
    ("modf", np.modf, [np.array([0.7, 2.9, -11.3, -0.2])]),
    ("divmod", np.divmod, [np.array([5.3, -7.1, 9.2]), np.array([1.7, 2.3, -4.1])]),
    ("divmod-operator", lambda x, y: divmod(x, y), [np.array([5.3, -7.1]), np.array([1.7, 2.3])]),
    ("divmod-left", lambda x: divmod(x, 1.7), [np.array([5.3, -7.1])]),
    ("divmod-right", lambda y: divmod(17.0, y), [np.array([5.3, -7.1])]),
    ("clip", lambda x: umath.clip(x, -0.5, 0.9), drawn((2, 3))),
    (
        "clip-bounds",
        umath.clip,
        [drawn((3,))[0], np.array([-2.0, 0.1, -3.0]), np.array([2.0, 3, -2])],
    ),
]
COMPLEX: list[Call] = [
    ("diff", lambda x: np.diff(x, prepend=0), complex_drawn((4,))),
    ("ediff1d", lambda x, e: np.ediff1d(x, e), complex_drawn((4,), (1,))),
    ("gradient", lambda f, x: np.gradient(f, x, edge_order=2), [*complex_drawn((6,)), GRID]),
    ("trapezoid", np.trapezoid, [*complex_drawn((2, 6)), GRID]),
    ("trapezoid-path", np.trapezoid, complex_drawn((5,), (5,))),
    ("interp", np.interp, [between(), KNOTS, *complex_drawn((5,))]),
    ("interp-sides", np.interp, [between(), KNOTS, *complex_drawn((5,), ()), np.float64(2.0)]),
    ("sinc", np.sinc, complex_drawn((2, 3))),
    ("sinc-0", np.sinc, [np.array([0j, 1e-9 + 1e-8j, 3.0 - 2.0j])]),
    ("angle", np.angle, complex_drawn((2, 3))),
    ("angle-deg", lambda z: np.angle(z, deg=True), complex_drawn((2, 3))),
    ("nan_to_num", np.nan_to_num, complex_drawn((2, 3))),
    ("real_if_close", np.real_if_close, complex_drawn((2, 3))),
    ("piecewise", lambda x: np.piecewise(x, [x.real < 0], [np.sin, np.exp]), complex_drawn((5,))),
]


def named(calls: list[Call]) -> Any:
    return pytest.mark.parametrize(
        ("f", "arrays"), [pytest.param(f, arrays, id=name) for name, f, arrays in calls]
    )


# Numbers that NumPy does not look at when it asks who shall answer: a Tensor there needs another.
HIDDEN = ("interp-sides", "interp-period", "piecewise", "piecewise-arguments")


@named(REAL + COMPLEX)
def test_values(f: Callable[..., Any], arrays: list[Any], request: pytest.FixtureRequest) -> None:
    name = request.node.callspec.id.rstrip("01")
    check_value(f, arrays, alone=name not in HIDDEN)


@together
@named([one for one in REAL if len(one[2]) > 1])
def test_mutation_does_not_reach_the_gradient(f: Callable[..., Any], arrays: list[Any]) -> None:
    check_mutation(f, arrays)


@together
@named(REAL + COMPLEX)
def test_derivatives(f: Callable[..., Any], arrays: list[Any]) -> None:
    check_derivatives(f, arrays)


@together
# numpy.interp itself takes no complex64 beyond the knots
@named([*REAL, *(one for one in COMPLEX if one[0] != "interp-sides")])
def test_single_precision_stays_single(f: Callable[..., Any], arrays: list[Any]) -> None:
    check_float32(f, [np.asarray(x)[()] for x in arrays])


def test_every_function_is_tested() -> None:
    modules = ("sequences.calculus", "sequences.interpolation")
    modules += ("elementwise.number_parts", "elementwise.phases")
    tested = {name.partition("-")[0] for name, _, _ in REAL}
    assert {one.__name__ for one in without_calls(*modules)} <= tested
    assert tested <= {one.name for one in COMPOSED.values()} | set(TABLE)


# Values and dtypes, for any arguments

DTYPES = st.sampled_from([np.int64, np.uint8, np.float32, np.float64, np.complex64, np.complex128])
SHAPES = st.sampled_from([(3,), (4,), (2, 3), (3, 4), (2, 3, 2), (0, 3), (1,)])


def numbers(shape: tuple[int, ...], dtype: Any, seed: int) -> Any:
    values = np.random.default_rng(seed).uniform(0.0, 9.0, (2, *shape))
    if np.dtype(dtype).kind == "c":
        return (values[0] + 1j * values[1]).astype(dtype)
    return values[0].astype(dtype)


REFUSALS = (ValueError, TypeError, IndexError, OverflowError)


def agrees(function: Callable[..., Any], *args: Any, places: tuple[int, ...] = (0,)) -> None:
    """Compare `function` of Tensors with that of arrays; where NumPy refuses, so must it."""
    tensors = [tg.tensor(x) if i in places else x for i, x in enumerate(args)]
    try:
        wanted = function(*args)
    except REFUSALS:
        with pytest.raises(REFUSALS):
            function(*tensors)
        return
    got = function(*tensors)
    assert isinstance(got, tuple) == isinstance(wanted, tuple)
    pairs = zip(got, wanted, strict=True) if isinstance(got, tuple) else [(got, wanted)]
    for one, right in pairs:
        same(one.numpy() if isinstance(one, tg.Tensor) else one, right)


@given(SHAPES, DTYPES, st.integers(-1, 4), st.integers(-3, 2), st.integers(0, 9), st.data())
def test_diff_is_numpys(
    shape: tuple[int, ...], dtype: Any, n: int, axis: int, seed: int, data: st.DataObject
) -> None:
    x = numbers(shape, dtype, seed)
    options: dict[str, Any] = {}
    for name in ("prepend", "append"):
        kind = data.draw(st.sampled_from(["none", "number", "array"]))
        if kind != "none":
            other = data.draw(DTYPES)
            options[name] = numbers(() if kind == "number" else shape, other, seed + 1)
    agrees(lambda a: np.diff(a, n, axis, **options), x)
    agrees(lambda a: np.diff(a, n, axis), x.real > 4)


@given(SHAPES, DTYPES, DTYPES, st.integers(0, 3), st.integers(0, 3), st.integers(0, 9))
def test_ediff1d_is_numpys(
    shape: tuple[int, ...], dtype: Any, other: Any, begin: int, end: int, seed: int
) -> None:
    agrees(
        lambda a, b, e: np.ediff1d(a, e if end else None, b if begin else None),
        numbers(shape, dtype, seed),
        numbers((begin,), other, seed + 1),
        numbers((end,), dtype, seed + 2),
        places=(0, 2),
    )


@given(
    SHAPES,
    DTYPES,
    st.sampled_from([None, 0, -1, (0,), (1, 0), (0, 2)]),
    st.integers(1, 3),
    st.sampled_from(["none", "number", "numbers", "grids", "even", "falling", "single", "short"]),
    st.integers(0, 9),
)
def test_gradient_is_numpys(
    shape: tuple[int, ...], dtype: Any, axis: Any, order: int, spacing: str, seed: int
) -> None:
    f = numbers(shape, dtype, seed)
    axes = range(f.ndim) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    lengths = [shape[i] if -len(shape) <= i < len(shape) else 1 for i in axes]
    grids = [np.cumsum(1 + np.random.default_rng(n).random(n)) for n in lengths]
    given_spacing: dict[str, list[Any]] = {
        "none": [],
        "number": [0.5],
        "numbers": [np.float64(0.3), 2, 1.5][: len(lengths)],
        "grids": grids,
        "even": [2 * np.arange(n, dtype=np.uint8) for n in lengths],
        "falling": [np.uint8(255 - np.arange(n) ** 2) for n in lengths],
        "single": [np.float32(x) for x in grids],
        "short": [x[:-1] for x in grids],
    }
    agrees(lambda g: np.gradient(g, *given_spacing[spacing], axis=axis, edge_order=order), f)


@given(SHAPES, DTYPES, DTYPES, st.integers(-3, 2), st.sampled_from("anv"), st.integers(0, 9))
def test_trapezoid_is_numpys(
    shape: tuple[int, ...], dtype: Any, other: Any, axis: int, kind: str, seed: int
) -> None:
    y = numbers(shape, dtype, seed)
    length = shape[axis] if -len(shape) <= axis < len(shape) else 1
    x = {"a": numbers(shape, other, seed), "n": None, "v": numbers((length,), other, seed)}[kind]
    agrees(lambda z: np.trapezoid(z, x, 0.5, axis), y)


@given(
    st.lists(st.sampled_from([-np.inf, -2.0, -1.0, -0.5, 0.0, 0.5, 1.0, 7.5, np.inf, np.nan])),
    st.lists(st.sampled_from([-1.0, 0.0, 0.0, 1.0, 2.0]), min_size=1, max_size=5),
    st.sampled_from([np.int64, np.float32, np.complex64]),
    st.sampled_from(
        [{}, {"left": 3.0}, {"right": -1}, {"period": 3.0, "left": 1j}, {"period": -1.5}]
    ),
    st.booleans(),
)
def test_interp_is_numpys(
    x: list[float], knots: list[float], dtype: Any, options: dict[str, Any], infinite: bool
) -> None:
    xp, fp = np.sort(knots), numbers((len(knots),), dtype, 1)
    if infinite and dtype is np.float32:
        fp[0] = np.inf
    if "period" in options:
        x = [one for one in x if np.isfinite(one)]
    with np.errstate(invalid="ignore"):
        agrees(lambda *a: np.interp(*a, **options), np.array(x), xp, fp, places=(0, 1, 2))


PARTS = st.sampled_from([0.0, -0.0, 1.5, -2.25, np.nan, np.inf, -np.inf, 1e-3])


@given(
    st.lists(st.tuples(PARTS, PARTS), min_size=1, max_size=6),
    DTYPES,
    st.sampled_from([{}, {"nan": 7}, {"posinf": 9.0}, {"neginf": np.float64(-8), "nan": -1.0}]),
)
def test_nan_to_num_is_numpys(
    parts: list[tuple[float, float]], dtype: Any, options: dict[str, Any]
) -> None:
    values = np.array([complex(*one) for one in parts])
    if np.dtype(dtype).kind in "iu":
        values = np.nan_to_num(values, posinf=3.0, neginf=2.0)
    x = (values if np.dtype(dtype).kind == "c" else np.abs(values.real)).astype(dtype)
    agrees(lambda a: np.nan_to_num(a, **options), x)
    agrees(lambda a: np.nan_to_num(a, **options), x[0])


def test_nan_to_num_keeps_single_precision() -> None:
    x = np.array([-np.inf, np.nan, 1.0], np.float32)
    agrees(lambda a: np.nan_to_num(a, nan=np.float64(2), neginf=np.float64(-8)), x)


def test_nan_to_num_lets_no_gradient_through_what_it_put_in() -> None:
    x = np.array([1.0, np.nan, np.inf, -np.inf, 2.0])
    _, pull = tg.vjp(np.nan_to_num, x)
    same(pull(np.arange(1.0, 6.0))[0], np.array([1.0, 0, 0, 0, 5]))
    z = np.array([complex(1, np.nan), complex(np.inf, 2), 3 + 4j])
    _, pull = tg.vjp(np.nan_to_num, z)
    same(pull(np.full(3, 1 + 2j))[0], np.array([1, 2j, 1 + 2j]))
    y, nan = tg.tensor(x[:2], requires_grad=True), tg.tensor(3.0, requires_grad=True)
    np.sum(np.nan_to_num(y, nan=nan) * np.array([5.0, 7.0])).backward()
    assert nan.grad.item() == 7.0


ANGLES = st.lists(st.sampled_from([k * np.pi / 4 for k in range(-16, 17)]), min_size=1, max_size=8)


@given(
    ANGLES,
    DTYPES,
    st.sampled_from(
        [{}, {"discont": 4.0}, {"period": 4}, {"period": 3, "discont": 2}, {"axis": 0}]
    ),
)
def test_unwrap_is_numpys(angles: list[float], dtype: Any, options: dict[str, Any]) -> None:
    if np.dtype(dtype).kind != "c":
        agrees(lambda p: np.unwrap(p, **options), np.abs(angles).astype(dtype))
        agrees(lambda p: np.unwrap(p, **options), np.abs([angles, angles]).astype(dtype))


@given(SHAPES, DTYPES, st.integers(0, 9), st.booleans())
def test_functions_of_one_array_are_numpys(
    shape: tuple[int, ...], dtype: Any, seed: int, tiny: bool
) -> None:
    x = numbers(shape, dtype, seed)
    near_real = x.real + 1e-15j * x.imag if tiny else x
    agrees(np.sinc, x)
    agrees(np.i0, x)
    agrees(np.angle, x)
    agrees(lambda z: np.angle(z, deg=True), x - 4 if x.dtype != np.uint8 else x)
    agrees(np.real_if_close, near_real)
    agrees(lambda z: np.real_if_close(z, tol=1e-20), near_real)
    agrees(lambda z: np.real_if_close(z, tol=1e-13), near_real)


@given(SHAPES, DTYPES, st.integers(0, 9), st.sampled_from(["list", "array", "one", "none", "few"]))
def test_piecewise_is_numpys(shape: tuple[int, ...], dtype: Any, seed: int, kind: str) -> None:
    x = numbers(shape, dtype, seed)
    conditions: Any = {
        "list": [x.real < 3, (x.real >= 2) & (x.real < 6)],
        "array": np.array([x.real < 3, x.real > 6]),
        "one": x.real < 3,
        "none": [x.real > 99, x.real > 98],
        "few": [x.real > 1],
    }[kind]
    for functions in ([np.square, -2.5, lambda v: v + 1], [lambda v: v / 2, 3], [np.negative]):
        agrees(lambda a, functions=functions: np.piecewise(a, conditions, functions), x)
        number = x[:1].reshape(-1)[:1].sum()
        agrees(lambda a, functions=functions: np.piecewise(a, a.real < 3, functions), number)


FLOATS = st.lists(
    st.floats(width=32, allow_nan=False) | st.sampled_from([np.nan, 5e-324, -1e-310, 1.7e308]),
    min_size=1,
    max_size=5,
)


@given(FLOATS, st.sampled_from([np.float64, np.float32, np.float16]), st.integers(-80, 80))
def test_parts_of_numbers_are_numpys(values: list[float], dtype: Any, exponent: int) -> None:
    with np.errstate(over="ignore", under="ignore", invalid="ignore", divide="ignore"):
        x = np.array(values).astype(dtype)
        for function in (np.frexp, np.modf):
            agrees(function, x)
            agrees(function, x[0])
        agrees(np.ldexp, x, np.array([[exponent], [1]]))
        agrees(np.ldexp, x[0], exponent, places=(0, 1))
        agrees(np.divmod, x, x[::-1], places=(0, 1))
        agrees(np.divmod, x, dtype(0.75))
        agrees(umath.clip, x, dtype(-1), dtype(2))
        signs = [np.signbit(np.modf(tg.tensor(x))[0].numpy()), np.signbit(np.modf(x)[0])]
        np.testing.assert_array_equal(*signs)


# The derivatives to rounding, by arithmetic of fifty digits

PI = Decimal(
    "3.14159265358979323846264338327950288419716939937510582097494459230781640628620899862803"
)


def exact_sinc_derivative(x: float, order: int) -> float:
    """Sum the power series of sin(pi x) / (pi x), differentiated term by term."""
    with localcontext() as context:
        context.prec = 80
        y, total = PI * Decimal(x), Decimal(0)
        for k in range((order + 1) // 2, 150):
            power = 2 * k - order
            term = y**power if power else Decimal(1)
            total += (-1) ** k * term / (factorial(power) * (2 * k + 1))
        return float(total * PI**order)


@pytest.mark.parametrize("order", range(7))
def test_derivatives_of_sinc_are_exact_near_zero(order: int) -> None:
    x = [0.0, 1e-300, 1e-12, 3e-8, 1e-5, 0.01, 0.1, 0.31, 0.32, 0.4, 0.64, 0.95, 1.0, 1.3, 2.2, 7.9]
    x = np.array([*x, *(-one for one in x)])
    wanted = np.array([exact_sinc_derivative(one, order) for one in x.tolist()])
    got = sinc_derivative(x, order)
    scale = np.pi**order / (order + 1)  # the largest value: rounding of pi x is absolute
    np.testing.assert_allclose(got, wanted, rtol=0, atol=8e-15 * scale)
    beside = np.abs(x) < 1e-4
    np.testing.assert_allclose(got[beside], wanted[beside], rtol=6e-15, atol=0)


def test_sinc_has_its_derivatives_at_zero() -> None:
    f: Any = np.sinc
    wanted = [0.0, -(np.pi**2) / 3, 0.0, np.pi**4 / 5, 0.0]
    for value in wanted:
        f = tg.grad(f)
        for x in (0.0, -0.0):
            np.testing.assert_allclose(f(x), value, rtol=6e-15, atol=0)


def exact_bessel_i(x: float, order: int) -> float:
    """Sum the power series in fractions, of which a float is one."""
    with localcontext() as context:
        context.prec = 60
        half = Decimal(x) / 2
        term = total = half**order / factorial(order) if order else Decimal(1)
        k = 1
        while term and abs(term) > abs(total) * Decimal("1e-40"):
            term = term * half * half / (k * (k + order))
            total += term
            k += 1
        return float(total)


@pytest.mark.parametrize("order", [0, 1, 2, 3, 5, 8, 12, 20])
def test_bessel_functions_are_exact(order: int) -> None:
    edge = max(LARGE, order * order / 2)
    x = np.array(
        [
            1e-8,
            1e-3,
            0.3,
            1.0,
            2.5,
            8.0,
            8.1,
            17.0,
            26.0,
            40.0,
            edge,
            edge + 1e-9,
            edge + 3,
            99.0,
            700.0,
        ]
    )
    wanted = np.array([exact_bessel_i(one, order) for one in x.tolist()])
    np.testing.assert_allclose(bessel_i(x, order), wanted, rtol=1e-14, atol=0)
    np.testing.assert_allclose(bessel_i(-x, order), (-1) ** order * wanted, rtol=1e-14, atol=0)
    assert bessel_i(0.0, order) == (order == 0)
    assert np.isnan(bessel_i(np.nan, order))
    few = x < 80  # e**89 is the largest in single precision
    narrow = bessel_i(np.float32(x[few]), order)
    assert narrow.dtype == np.float32
    np.testing.assert_allclose(narrow, wanted[few], rtol=1e-5, atol=1e-44)


@pytest.mark.parametrize("x", [0.0, 0.7, -3.1, 30.0])
def test_all_derivatives_of_i0(x: float) -> None:
    """The n-th is the mean of the orders n - 2 k, weighted by binomial coefficients."""
    f: Any = np.i0
    for n in range(1, 5):
        f = tg.grad(f)
        terms = [
            Fraction(factorial(n), factorial(k) * factorial(n - k))
            * Fraction(exact_bessel_i(x, abs(n - 2 * k)))
            for k in range(n + 1)
        ]
        np.testing.assert_allclose(f(x), float(sum(terms)) / 2**n, rtol=1e-14, atol=0)


# Conventions


def test_interp_takes_the_slope_on_the_right_at_a_knot() -> None:
    xp, fp = np.array([0.0, 1.0, 3.0]), np.array([0.0, 5.0, 1.0])
    x = np.array([0.0, 1.0, 3.0, -0.5, 3.5])
    same(tg.grad(lambda x: np.sum(np.interp(x, xp, fp)))(x), np.array([5.0, -2, -2, 0, 0]))
    same(np.interp(tg.tensor(x), xp, fp).numpy(), np.interp(x, xp, fp))
    values = tg.jacobian(lambda f: np.interp(x, xp, f))(fp)
    same(values, np.array([[1.0, 0, 0], [0, 1, 0], [0, 0, 1], [1, 0, 0], [0, 0, 1]]))


def test_interp_of_a_step_is_finite() -> None:
    """Knots that are repeated: the line between them has no width."""
    for xp in ([0.0, 1.0, 1.0], [1.0, 1.0, 1.0]):
        x, fp = np.array([1.0]), np.array([0.0, 4.0, 6.0])
        value, pull = tg.vjp(np.interp, x, np.array(xp), fp)
        same(value, np.interp(x, xp, fp))
        parts = pull(np.ones(1))
        assert all(np.all(np.isfinite(part)) for part in parts)
        if xp[0] == 0:
            same(parts[0], np.array([4.0]))  # of the interval that ends there


def test_interp_between_infinite_values_is_numpys() -> None:
    for fp in ([np.inf, 2.0, -np.inf], [np.inf, np.inf, 1.0]):
        with np.errstate(invalid="ignore"):
            agrees(np.interp, np.array([-0.5, 0.5, 1.0]), np.array([-1.0, 0, 1]), np.array(fp))


def test_frexp_and_modf_give_plain_whole_parts() -> None:
    x = tg.tensor([5.5, -0.3], requires_grad=True)
    for whole in (np.frexp(x)[1], np.modf(x)[1], divmod(x, 2.0)[0]):
        assert type(whole) is np.ndarray
    same(tg.grad(lambda y: np.sum(np.frexp(y)[0]))(np.array([5.5, -0.3])), np.array([0.125, 2.0]))
    smallest = np.array([5e-324])
    with np.errstate(over="ignore"):
        assert tg.grad(lambda y: np.sum(np.frexp(y)[0]))(smallest) == np.inf


def test_parameters_may_change_after_the_call() -> None:
    exponents, chosen = np.array([1, 3, -2]), np.array([True, False, True])
    x = tg.tensor([1.0, 2.0, 3.0], requires_grad=True)
    loss = np.sum(np.ldexp(x, exponents)) + np.sum(np.piecewise(x, [chosen], [np.square]))
    exponents[...], chosen[...] = 0, False
    loss.backward()
    assert x.grad is not None
    assert x.grad.tolist() == [2.0 + 2.0, 8.0, 0.25 + 6.0]


def test_unwrap_passes_the_gradient_on() -> None:
    p = np.array([0.0, 3.0, -3.0, 2.9, 9.0])
    w = np.arange(1.0, 6.0)
    same(tg.vjp(np.unwrap, p)[1](w)[0], w)
    assert not np.array_equal(np.unwrap(p), p)


def test_a_ufunc_may_stand_beside_a_complex_number() -> None:
    """The cotangent is complex, its result is not."""
    grad = tg.grad(lambda x: np.sum(np.real(np.ldexp(x, 2) * (1 + 2j))))
    same(grad(np.array([1.0, 3.0])), np.array([4.0, 4.0]))


# What is flat, and what is refused


def test_tests_and_whole_numbers_are_flat() -> None:
    n, m = np.array([12, 7, 255]), np.array([5, 3, 16])
    bits = (np.bitwise_and, np.bitwise_or, np.bitwise_xor, np.left_shift, np.right_shift)
    for function in (*bits, np.gcd, np.lcm):
        got = function(tg.tensor(n), m)
        assert function in FLAT
        same(got, function(n, m))
    for function in (np.invert, np.bitwise_count, umath._ones_like):
        same(function(tg.tensor(n)), function(n))
    x = np.array([np.inf, -np.inf, np.nan, 1.0])
    for function in (np.isposinf, np.isneginf):
        same(function(tg.tensor(x, requires_grad=True)), function(x))
    with pytest.raises(TypeError, match="isnat"):
        np.isnat(tg.tensor(x))


def test_every_ufunc_of_numbers_is_known() -> None:
    for name in ("ldexp", "frexp", "modf", "divmod", "gcd", "lcm", "isnat", "invert"):
        assert getattr(np, name) in UFUNCS
    assert {umath.clip, umath._ones_like} <= set(UFUNCS)
    assert np.i0 in FUNCTIONS


def test_arguments_are_checked() -> None:
    x, n = tg.tensor([1.0, 2.0, 4.0], requires_grad=True), tg.tensor([1, 2, 3])
    y = np.ones(3)
    refused: tuple[tuple[type[TinygradError], str, Callable[[], Any]], ...] = (
        (ShapeError, "diff: expected n >= 0 .* got n=-1", lambda: np.diff(x, -1)),
        (ShapeError, "diff: .* shape \\(\\)", lambda: np.diff(x[0])),
        (ShapeError, "diff: 2 is out of range", lambda: np.diff(x, axis=2)),
        (UnsupportedFunctionError, "to_end of float64 .* int64", lambda: np.ediff1d(n, x)),
        (ShapeError, "gradient: edge_order=3", lambda: np.gradient(x, edge_order=3)),
        (ShapeError, "gradient: edge_order=2 of shape", lambda: np.gradient(x[:2], edge_order=2)),
        (
            ShapeError,
            "a number or 3 coordinates, got shape \\(2,\\)",
            lambda: np.gradient(x, y[:2]),
        ),
        (UnsupportedFunctionError, "2 spacings for 1 axes", lambda: np.gradient(x, 1.0, 2.0)),
        (ShapeError, "interp: expected xp and fp", lambda: np.interp(x, y, y[:2])),
        (ShapeError, "interp: expected xp and fp", lambda: np.interp(x, y[:0], y[:0])),
        (ShapeError, "interp: period", lambda: np.interp(x, y, y, period=0)),
        (DTypeError, "interp: x and xp are real", lambda: np.interp(x * 1j, y, y)),
        (DTypeError, "interp: left must be one number", lambda: np.interp(x, y, y, left=1j)),
        (DTypeError, "interp: right must be one number", lambda: np.interp(x, y, y, right=y)),
        (TrackedTensorError, "unwrap: a tracked Tensor", lambda: np.unwrap(x, period=x[0])),
        (UnsupportedFunctionError, "copy=False", lambda: np.nan_to_num(x, copy=False)),
        (UnsupportedFunctionError, "NaN cannot", lambda: np.nan_to_num(x * 1j, posinf=np.inf)),
        (ShapeError, "3 conditions for 1 functions", lambda: np.piecewise(x, [y > 0] * 3, [1])),
        (DTypeError, "piecewise: .* int64", lambda: np.piecewise(n, [y > 0], [x])),
        (TrackedTensorError, "ldexp: a tracked Tensor", lambda: np.ldexp(x, x)),
        (UnsupportedFunctionError, "modf: out=", lambda: np.modf(x, out=(y, y))),
    )
    for error, match, call in refused:
        with pytest.raises(error, match=match):
            call()
