"""Shares of terms in logarithms of sums, against mpmath: large, infinite, far apart arguments."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import mpmath
import numpy as np
import pytest
from together import together

import tinygrad_bp as tg

inf = np.inf
mpmath.mp.dps = 60


def shares(x: Any, base: Any = mpmath.e) -> list[Any]:
    """Return the softmax of `x`, exactly."""
    terms = [mpmath.mpf(base) ** (mpmath.mpf(float(one)) - float(max(x))) for one in x]
    return [one / mpmath.fsum(terms) for one in terms]


def but_one(p: list[Any], k: int) -> list[Any]:
    """Return ``p - one_hot(k)``: at k, minus the sum of the others."""
    rest = mpmath.fsum(one for i, one in enumerate(p) if i != k)
    return [-rest if i == k else one for i, one in enumerate(p)]


def cross_entropy(x: Any) -> Any:
    return tg.nn.cross_entropy(x[None], np.array([0]))


# Functions of three numbers, and their gradients in terms of the shares.
FUNCTIONS: dict[str, tuple[Callable[[Any], Any], Callable[[list[Any]], list[Any]], Any]] = {
    "logsumexp": (tg.logsumexp, list, mpmath.e),
    "logaddexp.reduce": (np.logaddexp.reduce, list, mpmath.e),
    "logaddexp.reduce, initial": (
        lambda x: np.logaddexp.reduce(x[:2], initial=x[2]),
        list,
        mpmath.e,
    ),
    "logaddexp.accumulate": (lambda x: np.logaddexp.accumulate(x)[2], list, mpmath.e),
    "logaddexp.reduceat": (lambda x: np.logaddexp.reduceat(x, [0])[0], list, mpmath.e),
    "logaddexp2.reduce": (np.logaddexp2.reduce, list, 2),
    "logaddexp2.reduce, initial": (
        lambda x: np.logaddexp2.reduce(x[:2], initial=x[2]),
        list,
        2,
    ),
    "logaddexp2.reduceat": (lambda x: np.logaddexp2.reduceat(x, [0])[0], list, 2),
    "logaddexp2.accumulate": (lambda x: np.logaddexp2.accumulate(x)[2], list, 2),
    "log_softmax": (
        lambda x: tg.log_softmax(x)[0],
        lambda p: [-one for one in but_one(p, 0)],
        mpmath.e,
    ),
    "softmax": (
        lambda x: tg.softmax(x)[0],
        lambda p: [-p[0] * one for one in but_one(p, 0)],
        mpmath.e,
    ),
    "cross_entropy": (cross_entropy, lambda p: but_one(p, 0), mpmath.e),
}

LARGE = {"e": [0.0, 3.0, -90.0, 500.0, 6e4], "f": [0.0, -70.0, 3e4, -1e30, 1e38]}
LARGE["d"] = [0.0, -500.0, 3e4, 1e50, -1e300]
GAPS = [(0, 0, 0), (0, 1, -1), (1, 0, -4), (0, 8, 0.5), (30, 0, -3), (0, 30, 30), (-40, -41, 40)]
POINTS = [
    (dtype, np.array([base + gap for gap in gaps], dtype))
    for dtype in "efd"
    for base in LARGE[dtype]
    for gaps in GAPS
]


LIMITS = ("eps", "smallest_subnormal")


@pytest.mark.parametrize("recorded", [False, True], ids=["raw", "recorded"])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_gradient_at_large_arguments(name: str, recorded: bool) -> None:
    f, exact, base = FUNCTIONS[name]
    for dtype, x in POINTS:
        eps, least = (float(getattr(np.finfo(dtype), one)) for one in LIMITS)
        wanted = np.array([float(one) for one in exact(shares(x, base))])
        t = tg.tensor(x, requires_grad=True)
        got = tg.gradients(f(t), t, create_graph=recorded).numpy()
        assert got.dtype == x.dtype
        # log-probabilities round like their size, and so do the exponentials of them
        near = np.log(wanted, where=wanted > 0, out=np.zeros(3)) if "soft" in name else np.zeros(3)
        slack = (8 + 2 * np.abs(near)) * eps
        off = np.abs(got.astype(float) - wanted)
        assert np.all(off <= slack * np.abs(wanted) + 4 * least), (x, got, wanted)


@pytest.mark.parametrize(("ufunc", "base"), [(np.logaddexp, mpmath.e), (np.logaddexp2, 2)])
def test_the_gradient_of_a_pair_at_large_arguments(ufunc: Any, base: Any) -> None:
    for dtype, three in POINTS:
        x, y = three[:2]
        wanted = [float(one) for one in shares([x, y], base)]
        for argument in (0, 1):
            got = tg.grad(ufunc, argument)(x, y)
            least = float(np.finfo(dtype).smallest_subnormal)
            assert got == pytest.approx(
                wanted[argument], rel=8 * float(np.finfo(dtype).eps), abs=4 * least
            )
        along = tg.grad(lambda x: ufunc(x, x))(x)
        assert along == 1.0  # whatever x is, exactly


WITH_INFINITY = [
    ([inf, 0.0, 1.0], [1, 0, 0]),
    ([-1.0, inf, -inf], [0, 1, 0]),
    ([inf, inf, 5.0], [0.5, 0.5, 0]),
    ([-inf, -inf, 2.0], [0, 0, 1]),
    ([-inf, 2.0, 2.0], [0, 0.5, 0.5]),
]


@together
@pytest.mark.parametrize("dtype", list("efd"))
@pytest.mark.parametrize(("x", "p"), WITH_INFINITY)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_gradient_with_infinite_arguments(name: str, x: Any, p: Any, dtype: str) -> None:
    """As in the limit: what is infinite is the whole sum, shared evenly."""
    f, exact, _ = FUNCTIONS[name]
    wanted = exact(p)
    if name == "log_softmax" and p[0] == 0:
        wanted = [0, 0, 0]  # of -inf: nothing finite moves it
    got = tg.grad(f)(np.array(x, dtype))
    assert (got + 0.0).tolist() == [float(one) for one in wanted]


@pytest.mark.parametrize("x", [[40.0, 0.0, -3.0], [-2.0, 500.0, 600.0], [3e4, 3e4, 3e4 + 2]])
@pytest.mark.parametrize("name", ["logsumexp", "log_softmax", "softmax"])
def test_the_second_derivative_at_large_arguments(name: str, x: Any) -> None:
    p = [mpmath.mpf(one) for one in shares(x)]
    hessian = np.array([[-p[j] * one for one in but_one(p, j)] for j in range(3)])
    if name == "softmax":
        hessian = np.array(
            [[softmax_curvature(p, i, j) for i in range(3)] for j in range(3)],
        )
    got = tg.hessian(FUNCTIONS[name][0])(np.array(x))
    sign = -1 if name == "log_softmax" else 1
    np.testing.assert_allclose(sign * got, hessian.astype(float), rtol=1e-12, atol=1e-300)


def softmax_curvature(p: list[Any], i: int, j: int) -> Any:
    """Return the second derivative of ``p[0]`` in the arguments i and j."""
    first = [-p[0] * one for one in but_one(p, 0)]
    along = -p[j] * but_one(p, j)[i]
    return first[j] * -but_one(p, 0)[i] - p[0] * along


@pytest.mark.parametrize("logit", [20.0, 40.0, 700.0])
def test_the_cross_entropy_of_a_sure_and_right_answer_keeps_its_slope(logit: float) -> None:
    """Where softmax is 1 to the last bit, the slope at the label is not 0."""
    got = tg.grad(cross_entropy)(np.array([logit, 0.0]))
    np.testing.assert_allclose(got, [-np.exp(-logit), np.exp(-logit)], rtol=1e-8)
    pushed = tg.jvp(cross_entropy, (np.array([logit, 0.0]),), (np.array([1.0, 0.0]),))[1]
    np.testing.assert_allclose(pushed, -np.exp(-logit), rtol=1e-8)
