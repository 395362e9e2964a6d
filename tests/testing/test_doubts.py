"""Where close and wide steps disagree nobody is accused: near poles, singular matrices and ties."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from deeper import one_in

import tinygrad_bp as tg
from tinygrad_bp.testing import (
    GradientMismatch,
    UncheckableError,
    UncheckablePointError,
    check_grads,
    check_vjp,
)
from tinygrad_bp.testing.doubts import Claim, doubt

SOME = (1e-3, 1e-7, 1e-12)
ALL = (*SOME, 1e-5, 1e-6, 1e-8, 1e-9, 1e-10, 1e-11, 1e-13, 1e-14)
DISTANCES = pytest.mark.parametrize(
    "distances", [SOME, pytest.param(ALL, marks=pytest.mark.deep)], ids=["some", "all"]
)
REFUSALS = ("too rough here to tell", "no slope to compare with", "in float32", "at the arguments")


def taken(distances: Any, name: str) -> Any:
    """Return distances for one of `CLOSE`: of three the first, and by turns one of the others."""
    return distances if distances is ALL else (SOME[0], SOME[1 + [*CLOSE].index(name) % 2])


def passes(f: Any, x: Any, **options: Any) -> bool:
    """Whether a right function passes; if not, the refusal says that nothing can be told."""
    try:
        check_grads(f, x, **options)
    except UncheckablePointError as error:
        said = str(error)
        assert any(part in said for part in REFUSALS)
        return False
    return True


# Numbers close to a point where the function is not smooth: both as functions of the distance.
CLOSE: dict[str, tuple[Callable[[float], Callable[[Any], Any]], Callable[[float], Any]]] = {
    "pole": (lambda d: lambda x: 1 / (x - 1), lambda d: 1 + d),
    "pole from below": (lambda d: lambda x: 1 / (x - 1), lambda d: 1 - d),
    "double pole": (lambda d: lambda x: (x - 1) ** -2.0, lambda d: 1 + d),
    "pole beside a large value": (lambda d: lambda x: 1 / (x - 1) + 1e6, lambda d: 1 + d),
    "pole of one of three": (lambda d: lambda x: 1 / (x - 1), lambda d: np.array([1 + d, 2, 0.5])),
    "pole of one of a hundred": (
        lambda d: lambda x: np.sum(1 / (x - 1)),
        lambda d: np.where(np.arange(100) == 33, 1 + d, np.linspace(2, 3, 100)),
    ),
    "difference": (lambda d: lambda x: 1 / (x[0] - x[1]), lambda d: np.array([1 + d, 1.0])),
    "tan": (lambda d: np.tan, lambda d: np.pi / 2 - d),
    "log": (lambda d: lambda x: np.log(x - 1), lambda d: 1 + d),
    "root": (lambda d: lambda x: np.sqrt(x - 1), lambda d: 1 + d),
    "tenth root": (lambda d: lambda x: (x - 1) ** 0.1, lambda d: 1 + d),
    "arccos": (lambda d: np.arccos, lambda d: d - 1),
    "arctanh": (lambda d: np.arctanh, lambda d: 1 - d),
    "waves": (lambda d: lambda x: np.sin(1 / (x - 1)), lambda d: 1 + d),
    "step": (lambda d: lambda x: np.tanh((x - 1) / d), lambda d: 1 + 0.3 * d),
    "small step": (lambda d: lambda x: x + 1e-6 * np.tanh((x - 1) / d), lambda d: 1 + 0.3 * d),
    "peak": (lambda d: lambda x: 1 / (1 + ((x - 1) / d) ** 2), lambda d: 1 + 0.4 * d),
    "soft corner": (lambda d: lambda x: np.hypot(x - 1, d), lambda d: 1 + 0.4 * d),
    "angle": (
        lambda d: lambda x: np.arctan2(x[0] - 1, x[1] - 1),
        lambda d: 1 + d * np.array([0.3, -0.5]),
    ),
    "spread": (lambda d: np.std, lambda d: 1 + d * np.array([0.3, -0.5, 1.0])),
}


@DISTANCES
@pytest.mark.parametrize("name", CLOSE)
def test_a_right_function_is_not_accused_however_close_it_comes(name: str, distances: Any) -> None:
    f, place = CLOSE[name]
    found = [passes(f(d), place(d)) for d in taken(distances, name)]
    assert found[0]


@DISTANCES
@pytest.mark.parametrize("name", CLOSE)
def test_a_wrong_gradient_does_not_pass_however_close_it_comes(name: str, distances: Any) -> None:
    f, place = CLOSE[name]
    for d in taken(distances, name):
        own, x = f(d), place(d)
        gradient = np.asarray(tg.grad(lambda x, own=own: np.sum(own(x)))(x))
        with pytest.raises((GradientMismatch, UncheckableError)) as caught:
            check_vjp(lambda x, own=own: np.sum(own(x)), lambda x, wrong=2 * gradient: wrong[()], x)
        assert d < 1e-3 or caught.type is GradientMismatch


# Matrices that are close to singular, or to another of the same eigenvalues
def close_rows(rng: Any, d: float) -> Any:
    A = rng.normal(size=(3, 3))
    A[2] = A[1] * (1 + d * rng.normal(size=3))
    return A


def low_rank(rng: Any, d: float) -> Any:
    U, V = (np.linalg.qr(rng.normal(size=(n, 3)))[0] for n in (4, 3))
    return (U * np.array([2.0, 1.0, d])) @ V.T


def close_eigenvalues(rng: Any, d: float) -> Any:
    Q = np.linalg.qr(rng.normal(size=(3, 3)))[0]
    return (Q * np.array([1.0, 1.0 + d, 2.0])) @ Q.T


def symmetric(A: Any) -> Any:
    return (A + np.swapaxes(A, 0, 1)) / 2


MATRICES: dict[str, tuple[Callable[..., Any], Callable[..., Any]]] = {
    "solve": (lambda A: np.linalg.solve(A, np.ones(3)), close_rows),
    "sum of solve": (lambda A: np.sum(np.linalg.solve(A, np.ones(3))), close_rows),
    "inv": (np.linalg.inv, close_rows),
    "log of det": (lambda A: np.linalg.slogdet(A)[1], close_rows),
    "cond": (np.linalg.cond, close_rows),
    "pinv": (np.linalg.pinv, low_rank),
    "inv of Gram": (lambda A: np.linalg.inv(A.T @ A), low_rank),
    "singular values": (lambda A: np.linalg.svd(A, full_matrices=False)[1], low_rank),
    "eigenvalues": (lambda A: np.linalg.eigvalsh(symmetric(A)), close_eigenvalues),
    "eigenvectors": (lambda A: np.linalg.eigh(symmetric(A))[1] ** 2, close_eigenvalues),
    "cholesky of a product": (lambda A: np.linalg.cholesky(A @ A.T), close_rows),
    "cholesky": (lambda A: np.linalg.cholesky(symmetric(A @ A.T)), close_rows),
}


@pytest.mark.parametrize(
    "seed", [0, *(pytest.param(seed, marks=pytest.mark.deep) for seed in range(1, 8))]
)
@DISTANCES
@pytest.mark.parametrize("name", one_in(3, MATRICES))
def test_nearly_singular_matrices_are_not_called_wrong(
    name: str, distances: Any, seed: int
) -> None:
    f, draw = MATRICES[name]
    for d in distances:
        if d >= 1e-12:  # closer an inverse has hardly a digit left, nor has the oracle
            passes(f, draw(np.random.default_rng(seed), d), order=1)


@pytest.mark.parametrize("name", one_in(2, MATRICES))
def test_rounding_of_float32_is_not_called_wrong(name: str) -> None:
    f, draw = MATRICES[name]
    for d in (1e-3, 1e-6):
        A = draw(np.random.default_rng(0), d).astype(np.float32)
        passes(f, A, order=1, modes=("vjp",))


def test_what_float32_loses_of_the_value_is_said() -> None:
    with pytest.raises(UncheckablePointError, match="in float32 its own value is off by"):
        check_grads(lambda x: (x + 1e9) - 1e9, np.float32([1.5, -0.5]), order=1)
    report = check_grads(np.sum, np.float32([0.1, 0.2, -0.3]))  # a sum that cancels is none
    assert report.entries == 3


# Ties
TIED: dict[str, Callable[[Any], Any]] = {
    "median": np.median,
    "sort": np.sort,
    "a weighted sort": lambda x: np.sum(np.sort(x) * np.cos(np.arange(x.size))),
    "quantile": lambda x: np.quantile(x, 0.25),
    "percentile": lambda x: np.percentile(x, 90.0),
    "partition": lambda x: np.partition(x, 1)[1],
    "the two largest": lambda x: np.sum(np.sort(x)[-2:]),
    "trimmed mean": lambda x: np.mean(np.sort(x)[1:-1]),
    "max": np.max,
    "range": lambda x: np.max(x) - np.min(x),
    "norm of differences": lambda x: np.linalg.norm(x[1:] - x[:-1]),
    "deviation": lambda x: np.median(np.abs(x - np.median(x))),
}


@pytest.mark.parametrize(
    "count", [3, *(pytest.param(n, marks=pytest.mark.deep) for n in (4, 5, 30, 101))]
)
@pytest.mark.parametrize("name", TIED)
def test_many_tied_elements_are_not_called_wrong(name: str, count: int) -> None:
    for x in (np.zeros(count), np.full(count, np.pi), np.where(np.arange(count) < 3, 0.7, 2.0)):
        passes(TIED[name], x, order=1)


def by_median(pull: Callable[[Any], Any]) -> Any:
    return tg.differentiable(np.median, vjp=lambda ct, out, x: ct * pull(x))


def test_a_rule_that_is_wrong_at_a_tie_is_found_close_by() -> None:
    at = lambda x: (np.argsort(np.argsort(x)) == x.size // 2) * 1.0
    passes(by_median(at), np.zeros(5), order=1, modes=("vjp",))
    with pytest.raises(GradientMismatch, match="at a point close to the arguments"):
        check_grads(by_median(lambda x: 2 * at(x)), np.zeros(5), order=1, modes=("vjp",))


@pytest.mark.parametrize("wrong", [-1.0, 1.5, 2.0])
def test_a_tie_of_two_does_not_excuse_a_wrong_slope(wrong: float) -> None:
    def pull(ct: Any, out: Any, x: Any) -> Any:
        tied = x == out
        return ct * np.where(tied.sum() > 1, wrong * tied, tied)

    largest = tg.differentiable(np.max, vjp=pull)
    for x in ([1.5, 1.5, 0.5], [0.0, 0.0, -1.0]):
        with pytest.raises(GradientMismatch) as caught:
            check_grads(largest, np.array(x), order=1, modes=("vjp",))
        assert caught.value.index in {(0,), (1,)}


# Reasons


def claim(f: Callable[[Any], Any], got: float, expected: float, x: float = 1.0) -> Claim:
    def value(flat: Any) -> float:
        return float(f(flat[0]))

    return Claim(
        *(value, lambda flat: got, [np.float64(x)], [np.float64(1.0)]),
        *(expected, expected, got),
        terms=abs(got),
        size=abs(value([np.float64(x)])),
    )


INFINITE = np.inf
REASONS: dict[str, tuple[Callable[[], Claim], str]] = {
    "wrong by 0.001": (lambda: claim(np.sin, np.cos(1.0) + 1e-3, np.cos(1.0)), ""),
    "wrong by 1e-7": (lambda: claim(np.sin, np.cos(1.0) + 1e-7, np.cos(1.0)), ""),
    "zero": (lambda: claim(np.sin, 0.0, np.cos(1.0)), ""),
    "of a constant": (lambda: claim(lambda x: 0 * x, 1.0, 0.0), ""),
    "at a minimum": (lambda: claim(lambda x: x * x, 1.0, 0.0, 0.0), ""),
    "through float32": (lambda: claim(lambda x: np.float64(np.float32(x)), -1.0, 1.0), ""),
    "nan": (lambda: claim(np.sin, np.nan, np.cos(1.0)), ""),
    "infinite": (lambda: claim(lambda x: np.sqrt(x - 1), 5.0, INFINITE), ""),
    "a wrong oracle": (lambda: claim(np.sin, np.cos(1.0), np.cos(1.0) + 1e-3), "close steps"),
    "a pole": (lambda: claim(lambda x: 1 / (x - 1 + 1e-6), -1e12, 3.0), "close steps"),
    "a closer pole": (lambda: claim(lambda x: 1 / (x - 1 + 1e-13), -1e26, 3.0), "close steps"),
    "noise": (lambda: claim(lambda x: x + 0.1 * np.sin(1e13 * x), 2.0, 1.0), "scatter"),
}


@pytest.mark.parametrize(("make", "reason"), REASONS.values(), ids=REASONS)
def test_reasons(make: Callable[[], Claim], reason: str) -> None:
    with np.errstate(all="ignore"):
        said = doubt(make())
    assert reason in said
    assert bool(reason) == bool(said)


# What is left of large values that cancel: it stands still to the last bit, its slope does not
SATURATED: dict[str, tuple[Callable[[Any], Any], Any]] = {
    "tanh": (lambda x: 1 - np.tanh(x), np.array(25.0)),
    "tanh squared": (lambda x: np.tanh(x) ** 2 - 1, np.array([30.0, -28.0])),
    "sigmoid, by a complex step": (lambda x: 1 - tg.sigmoid(x), np.array(40.0)),
    "log of sigmoid": (lambda x: np.log(tg.sigmoid(x)), np.array(40.0)),
    "arctan": (lambda x: np.arctan(x) - np.pi / 2, np.array(1e17)),
    "cross entropy": (lambda x: tg.nn.cross_entropy(x, np.array([0])), np.array([[90.0, -40, 0]])),
    "log softmax": (lambda x: tg.log_softmax(x)[0], np.array([100.0, 0.0, 0.0])),
    "logsumexp": (lambda x: tg.logsumexp(x) - x[0], np.array([100.0, 0.0])),
}


@pytest.mark.parametrize("name", SATURATED)
def test_a_slope_below_the_rounding_of_what_cancels_is_not_called_wrong(name: str) -> None:
    f, x = SATURATED[name]
    for order in (1, 2):
        passes(f, x, order=order)


def test_a_slope_that_would_show_beside_what_cancels_is_wrong() -> None:
    f = tg.differentiable(lambda x: 1 - np.tanh(x), vjp=lambda ct, _out, _x: -1e-9 * ct)
    with pytest.raises(GradientMismatch):
        check_grads(f, np.array(25.0), order=1)
