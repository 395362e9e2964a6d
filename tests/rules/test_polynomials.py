"""Polynomials, and the elementary functions that become complex beyond the real domain."""

from __future__ import annotations

from collections.abc import Callable
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
    parts_of,
)
from hypothesis import given
from hypothesis import strategies as st
from numpy.lib import scimath
from oracles import same
from sampling import without_calls
from together import together

import tinygrad_bp as tg
from tinygrad_bp.engine.rule import COMPOSED
from tinygrad_bp.errors import ShapeError, TinygradError, UnsupportedFunctionError

TIMES = np.array([-1.6, -0.9, -0.2, 0.3, 1.1, 1.8])
MATRIX = np.array([[2.0, 0.4, -0.3], [0.1, -1.0, 0.8], [0.5, 0.2, 0.7]])
TURN = np.array([[0.2, -1.3, 0.1], [1.1, 0.4, 0.3], [0.2, -0.5, 1.9]])  # with complex eigenvalues
PAIRED = np.array([0.4 + 1.1j, 0.4 - 1.1j, 2.0])
CUBIC = np.array([1.5, -0.4, 2.2, 0.7])
ZEROS = np.array([0.0, 2.0, -1.0, -3.0, 0.0])  # both ends are cut off by numpy.roots

REAL: list[Call] = [
    ("polyval", np.polyval, drawn((4,), (2, 3))),
    ("polyval-number", np.polyval, drawn((3,), ())),
    ("polyval-rows", np.polyval, drawn((3, 2), (2,))),
    ("polyval-list", lambda x: np.polyval([3, 0.5, 1], x), drawn((3,))),
    ("polyval-poly1d", lambda x: np.polyval(np.poly1d([3, 0.5, 1]), x), drawn((3,))),
    ("polyval-integers", lambda p: np.polyval(p, [2, 3]), drawn((3,))),
    ("polyval-one", np.polyval, drawn((1,), (3,))),
    ("polyadd", np.polyadd, drawn((3,), (3,))),
    ("polyadd-short", np.polyadd, drawn((2,), (4,))),
    ("polyadd-number", np.polyadd, drawn((3,), ())),
    ("polysub", np.polysub, drawn((3,), (3,))),
    ("polysub-short", np.polysub, drawn((4,), (2,))),
    ("polymul", np.polymul, drawn((3,), (4,))),
    ("polymul-number", np.polymul, drawn((), (4,))),
    ("polydiv", np.polydiv, [*drawn((5,)), np.array([1.7, -0.6, 0.9])]),
    ("polydiv-equal", np.polydiv, [*drawn((3,)), np.array([1.7, -0.6, 0.9])]),
    ("polydiv-number", np.polydiv, [*drawn((3,)), np.float64(1.7)]),
    ("polydiv-short", np.polydiv, [*drawn((2,)), np.array([1.7, -0.6, 0.9])]),
    ("polyder", np.polyder, drawn((5,))),
    ("polyder-twice", lambda p: np.polyder(p, 2), drawn((5,))),
    ("polyder-none", lambda p: np.polyder(p, 0), drawn((3,))),
    ("polyint", np.polyint, drawn((3,))),
    ("polyint-twice", lambda p, k: np.polyint(p, 2, k), drawn((3,), (2,))),
    ("polyint-constant", lambda p, k: np.polyint(p, m=3, k=k), drawn((2,), ())),
    ("polyint-none", lambda p: np.polyint(p, 0), drawn((2,))),
    ("vander", np.vander, drawn((3,))),
    ("vander-N", lambda x: np.vander(x, 5), drawn((3,))),
    ("vander-increasing", lambda x: np.vander(x, N=2, increasing=True), drawn((3,))),
    ("vander-one", lambda x: np.vander(x, 1), drawn((3,))),
    ("vander-none", lambda x: np.vander(x, 0), drawn((3,))),
    ("vander-at-0", np.vander, [np.array([0.0, 1.0, -2.0])]),
    ("poly", np.poly, drawn((4,))),
    ("poly-list", lambda r: np.poly([r, 0.7, 2 * r]), drawn(())),
    ("poly-matrix", np.poly, [MATRIX]),
    ("poly-turning-matrix", np.poly, [TURN]),
    ("roots", np.roots, [CUBIC]),
    ("roots-real", np.roots, [np.poly([-1.2, 0.3, 1.1, 2.0])]),
    ("roots-list", lambda a, b: np.roots([a, 0.3, b, 1.0]), drawn((), ())),
    ("roots-linear", np.roots, [np.array([2.0, 3.0])]),
    ("polyfit", lambda x, y: np.polyfit(x, y, 2), [TIMES, *drawn((6,))]),
    ("polyfit-columns", lambda x, y: np.polyfit(x, y, 1), [TIMES, *drawn((6, 2))]),
    (
        "polyfit-weights",
        lambda x, y, w: np.polyfit(x, y, 2, w=w),
        [TIMES, *drawn((6,)), *drawn((6,), low=0.5)],
    ),
    (
        "polyfit-weights-columns",
        lambda x, y, w: np.polyfit(x, y, 1, w=w),
        [TIMES, *drawn((6, 2)), *drawn((6,), low=0.5)],
    ),
    ("polyfit-full", lambda x, y: np.polyfit(x, y, 2, full=True)[:2], [TIMES, *drawn((6,))]),
    ("polyfit-cov", lambda x, y: np.polyfit(x, y, 1, cov=True), [TIMES, *drawn((6,))]),
    ("polyfit-cov-columns", lambda x, y: np.polyfit(x, y, 1, cov=True), [TIMES, *drawn((6, 2))]),
    (
        "polyfit-cov-unscaled",
        lambda x, y, w: np.polyfit(x, y, 1, w=w, cov="unscaled"),
        [TIMES, *drawn((6,)), *drawn((6,), low=0.5)],
    ),
    ("polyfit-exact", lambda x, y: np.polyfit(x, y, 2), [TIMES[:3], *drawn((3,))]),
    *(
        (f"{name}-{where}", getattr(scimath, name), [x])
        for name, places in {
            "sqrt": ([0.3, 2.0], [0.3, -2.0]),
            "log": ([0.3, 2.0], [0.3, -2.0]),
            "log2": ([0.3, 2.0], [0.3, -2.0]),
            "log10": ([0.3, 2.0], [0.3, -2.0]),
            "arccos": ([0.3, -0.7], [0.3, -2.0, 1.7]),
            "arcsin": ([0.3, -0.7], [0.3, -2.0, 1.7]),
            "arctanh": ([0.3, -0.7], [0.3, -2.0, 1.7]),
        }.items()
        for where, x in zip(("inside", "beyond"), map(np.array, places), strict=True)
    ),
    ("logn", scimath.logn, [np.array([1.4, 2.5]), np.array([0.3, 2.0])]),
    ("logn-beyond", scimath.logn, [np.array([1.4, -2.5]), np.array([-0.3, 2.0])]),
    ("power", scimath.power, [np.array([1.4, 2.5]), np.array([0.3, -2.0])]),
    ("power-beyond", scimath.power, [np.array([1.4, -2.5]), np.array([[0.3, -2.0]])]),
    ("power-integers", lambda p: scimath.power([2, 3], p), [np.array([0.3, -2.0])]),
    ("power-of-integers", lambda x: scimath.power(x, [2, -3]), [np.array([0.3, -2.0])]),
]
COMPLEX: list[Call] = [
    ("polyval", np.polyval, complex_drawn((4,), (2, 3))),
    ("polyadd", np.polyadd, complex_drawn((2,), (3,))),
    ("polymul", np.polymul, complex_drawn((2,), (3,))),
    ("polydiv", np.polydiv, [*complex_drawn((4,)), np.array([1.7 + 1j, -0.6, 0.9j])]),
    ("polyder", np.polyder, complex_drawn((4,))),
    ("polyint", lambda p, k: np.polyint(p, 2, k), complex_drawn((3,), ())),
    ("vander", np.vander, complex_drawn((3,))),
    ("poly", np.poly, complex_drawn((3,))),
    ("poly-matrix", np.poly, [MATRIX + 1j * TURN]),
    ("roots", np.roots, complex_drawn((4,))),
    ("polyfit", lambda x, y: np.polyfit(x, y, 2), [TIMES, *complex_drawn((6,))]),
    ("sqrt", scimath.sqrt, complex_drawn((3,))),
    ("power", scimath.power, complex_drawn((3,), (3,))),
    ("arcsin", scimath.arcsin, complex_drawn((3,))),
]


def named(calls: list[Call]) -> Any:
    return pytest.mark.parametrize(
        ("f", "arrays"), [pytest.param(f, arrays, id=name) for name, f, arrays in calls]
    )


# numpy.polyint does not ask its constants, nor numpy.polyfit's rcond.
HIDDEN = ("polyint-twice", "polyint-constant", "polyint")


@named(REAL + COMPLEX)
def test_values(f: Callable[..., Any], arrays: list[Any], request: pytest.FixtureRequest) -> None:
    name = request.node.callspec.id.rstrip("01")
    # least squares by another factorisation than LAPACK's, and eigenvalues of another matrix
    check_value(f, arrays, 50 if "polyfit" in name else 1, alone=name not in HIDDEN)


@together
@named([one for one in REAL if len(one[2]) > 1])
def test_mutation_does_not_reach_the_gradient(f: Callable[..., Any], arrays: list[Any]) -> None:
    check_mutation(f, arrays)


@together
@named(REAL + COMPLEX)
def test_derivatives(f: Callable[..., Any], arrays: list[Any]) -> None:
    check_derivatives(f, arrays)


@together
# numpy.polydiv cuts off what is below 1e-8: in single precision another part of the rest
@named([one for one in REAL + COMPLEX if one[0] != "polydiv"])
def test_single_precision_stays_single(f: Callable[..., Any], arrays: list[Any]) -> None:
    check_float32(f, arrays)


def test_every_function_is_tested() -> None:
    mine = {one.__name__ for one in without_calls("sequences.polynomials", "elementwise.scimath")}
    assert mine <= {name.partition("-")[0] for name, _, _ in REAL}
    assert {getattr(scimath, name) for name in scimath.__all__} <= set(COMPOSED)


# Values and dtypes, for any arguments

REFUSALS = (ValueError, TypeError, IndexError)
DTYPES = st.sampled_from([np.int64, np.uint8, np.float32, np.float64, np.complex64])
COEFFICIENTS = st.lists(st.sampled_from([0, 0, 1, 2, 3, 5, 7]), max_size=5)


def agrees(function: Callable[..., Any], *arrays: Any) -> None:
    """Compare `function` of Tensors with that of arrays; where NumPy refuses, so must it."""
    try:
        wanted = function(*arrays)
    except REFUSALS:
        with pytest.raises(REFUSALS):
            function(*map(tg.tensor, arrays))
        return
    got = function(*map(tg.tensor, arrays))
    for one, right in zip(parts_of(got), parts_of(wanted), strict=True):
        same(one.numpy() if isinstance(one, tg.Tensor) else one, right)


@given(COEFFICIENTS, DTYPES, COEFFICIENTS, DTYPES)
def test_arithmetic_is_numpys(a: list[int], kind: Any, b: list[int], other: Any) -> None:
    x, y = np.array(a).astype(kind), np.array(b).astype(other)
    with np.errstate(divide="ignore", invalid="ignore"):
        for function in (np.polyadd, np.polysub, np.polymul):
            agrees(function, x, y)
        if y.size and y[0] != 0:
            agrees(np.polydiv, x, y)
        agrees(np.polyval, x, y)
        agrees(np.polyval, x, y.reshape(-1, 1))


@given(
    COEFFICIENTS, DTYPES, st.integers(-1, 6), st.sampled_from([None, 3, [1, 2], [1.5, 2.5, 3.5]])
)
def test_calculus_is_numpys(a: list[int], kind: Any, m: int, k: Any) -> None:
    x = np.array(a).astype(kind)
    agrees(lambda p: np.polyder(p, m), x)
    agrees(lambda p: np.polyint(p, m, k), x)


@given(COEFFICIENTS, DTYPES, st.none() | st.integers(0, 5), st.booleans())
def test_vander_is_numpys(a: list[int], kind: Any, N: int | None, increasing: bool) -> None:
    agrees(lambda x: np.vander(x, N, increasing), np.array(a).astype(kind))


@given(COEFFICIENTS, DTYPES)
def test_poly_and_roots_are_numpys(a: list[int], kind: Any) -> None:
    x = np.array(a).astype(kind)
    agrees(np.roots, x)
    agrees(np.poly, x)
    agrees(np.poly, np.concatenate([x * (1 + 1j), x * (1 - 1j)]))


PLACES = st.lists(st.sampled_from([-3, -1, -0.5, 0.5, 1, 2, 3]), min_size=1, max_size=4)


@given(PLACES, st.sampled_from([np.int8, np.int64, np.float16, np.float32, float, np.complex64]))
def test_functions_beyond_their_domain_are_numpys(places: list[float], kind: Any) -> None:
    x = np.array(places).astype(kind)
    with np.errstate(divide="ignore", invalid="ignore"):
        for name in scimath.__all__:
            function = getattr(scimath, name)
            for y in (x, x[0]):
                agrees(*([function, y, y] if name in ("logn", "power") else [function, y]))


# Roots: what companion matrices and cut zeros would get wrong


def test_a_root_moves_by_the_implicit_function_theorem() -> None:
    w = np.array([0.7, -1.1, 0.4])
    found = np.roots(CUBIC)
    slope = np.polyval(np.polyder(CUBIC), found)
    wanted = np.real([-np.sum(w * found**k / slope) for k in (3, 2, 1, 0)])
    _, pull = tg.vjp(np.roots, CUBIC)
    np.testing.assert_allclose(pull(w + 0j)[0], wanted, rtol=1e-12)


def test_zero_coefficients_at_the_ends_have_derivatives() -> None:
    """A root at 0 leaves it when the last coefficient does, and one at infinity moves none."""
    jacobian = tg.jacobian(np.roots)(ZEROS)
    same(np.roots(tg.tensor(ZEROS)).numpy(), np.roots(ZEROS))
    h = 1e-6
    for k in range(5):
        step = h * np.eye(5)[k]
        high, low = (np.roots(ZEROS + sign * step) for sign in (1, -1))
        near = [
            [found[np.argmin(abs(found - r))] for r in np.roots(ZEROS)] for found in (high, low)
        ]
        quotient = (np.array(near[0]) - near[1]) / (2 * h)
        np.testing.assert_allclose(jacobian[:, k], np.real(quotient), atol=1e-5)


def test_leading_zeros_of_a_product_have_derivatives() -> None:
    a, b = np.array([0.0, 2.0, 1.0]), np.array([3.0, 1.0])
    same(np.polymul(tg.tensor(a), b).numpy(), np.polymul(a, b))
    same(tg.jacobian(lambda p: np.polymul(p, b))(a), np.array([[1.0, 3, 0], [0, 1, 3], [0, 0, 1]]))


def test_polynomials_of_roots_and_back() -> None:
    wanted = np.array([2.0, 1.0, -0.5])
    same(tg.jacobian(lambda r: np.roots(np.poly(r)))(wanted), np.eye(3), 10)


def test_paired_roots_give_real_coefficients() -> None:
    value, pull = tg.vjp(np.poly, PAIRED)
    same(value, np.poly(PAIRED))
    assert value.dtype == np.float64
    weight = np.array([0.0, 1.0, 0.0, 0.0])  # minus the sum of the roots
    same(pull(weight)[0], np.full(3, -1 + 0j))


def test_a_fit_warns_of_low_rank_and_counts_it() -> None:
    x = tg.tensor([1.0, 1.0, 2.0], requires_grad=True)
    y = np.array([1.0, 2.0, 3.0])
    with pytest.warns(np.exceptions.RankWarning):
        np.polyfit(x, y, 2)
    got, wanted = np.polyfit(x, y, 2, full=True), np.polyfit(x.numpy(), y, 2, full=True)
    assert (got[2], got[4]) == (wanted[2], wanted[4])
    assert got[1].shape == wanted[1].shape


def test_arguments_are_checked() -> None:
    x = tg.tensor([1.0, 2.0, 4.0], requires_grad=True)
    p = np.poly1d([1.0, 2.0])
    refused: tuple[tuple[type[TinygradError], str, Callable[[], Any]], ...] = (
        *(
            (UnsupportedFunctionError, f"{f.__name__}: numpy.poly1d", lambda f=f: f(p, x))
            for f in (np.polyadd, np.polysub, np.polymul, np.polydiv)
        ),
        (UnsupportedFunctionError, "polyval: numpy.poly1d", lambda: np.polyval(x, p)),
        (ShapeError, "polyder: .* got -1", lambda: np.polyder(x, -1)),
        (ShapeError, "polyint: .* got -1", lambda: np.polyint(x, -1)),
        (ShapeError, "polyint: 2 constants for order 3", lambda: np.polyint(x, 3, [1, 2])),
        (ShapeError, "vander: expected a vector", lambda: np.vander(x[:, None])),
        (ShapeError, "poly: expected a vector or", lambda: np.poly(x[:, None])),
        (ShapeError, "roots: expected a vector", lambda: np.roots(x[:, None])),
        (ShapeError, "polyfit: expected deg >= 0.* deg=-1", lambda: np.polyfit(x, x, -1)),
        (ShapeError, "polyfit: .* y \\(2,\\)", lambda: np.polyfit(x, x[:2], 1)),
        (
            ShapeError,
            "polyfit: expected weights .* \\(2,\\)",
            lambda: np.polyfit(x, x, 1, w=[1, 2]),
        ),
        (ShapeError, "3 points .* of 3 coefficients", lambda: np.polyfit(x, x, 2, cov=True)),
    )
    for error, match, call in refused:
        with pytest.raises(error, match=match):
            call()
