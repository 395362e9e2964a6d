"""Gradients where a function saturates or vanishes keep their digits: against mpmath."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import mpmath
import numpy as np
import pytest
from extras import extra

import tinygrad_bp as tg

mpmath.mp.dps = 60
ULPS = 300  # from 256 on the sigmoid's slope is computed another way
FAR = [0.5, 3.0, 5.5, 5.6, 10.0, 20.0, 30.0, 36.0, 40.0, 80.0, 300.0]
BOTH = [*FAR, *(-x for x in FAR)]
NEAR_ONE = [s * (1 - 2.0**-k) for k in (2, 10, 20, 30, 40, 50) for s in (1, -1)]
TINY = [s * 2.0**-k for k in (2, 10, 30, 60, 300) for s in (1, -1)]
Points = list[float]


def sigma(x: Any) -> Any:
    return 1 / (1 + mpmath.exp(-x))


def bell(x: Any) -> Any:
    return mpmath.exp(-x * x / 2) / mpmath.sqrt(2 * mpmath.pi)


def first_of(f: Callable[..., Any]) -> Callable[[Any], Any]:
    return lambda x: f(np.stack([x, 0 * x], -1), axis=-1)[..., 0]


def loss(label: float) -> Callable[[Any], Any]:
    def f(x: Any) -> Any:
        y = np.full(x.shape, label, x.dtype)[()]
        return tg.nn.bce_with_logits(x, y, reduction="sum")

    return f


ROWS: dict[str, tuple[Callable[..., Any], Points, Callable[[Any], Any]]] = {
    "sigmoid": (tg.sigmoid, BOTH, lambda x: sigma(x) * sigma(-x)),
    "tanh": (np.tanh, BOTH, lambda x: 4 * sigma(2 * x) * sigma(-2 * x)),
    "softplus": (tg.softplus, BOTH, sigma),
    "silu": (tg.silu, BOTH, lambda x: sigma(x) * (1 + x * sigma(-x))),
    "logaddexp": (lambda x: np.logaddexp(x, 0.0 * x), BOTH, sigma),
    "softmax": (first_of(tg.softmax), BOTH, lambda x: sigma(x) * sigma(-x)),
    "log_softmax": (first_of(tg.log_softmax), BOTH, lambda x: sigma(-x)),
    "bce, label 1": (loss(1.0), BOTH, lambda x: -sigma(-x)),
    "bce, label 0": (loss(0.0), BOTH, sigma),
    "arctanh": (np.arctanh, NEAR_ONE, lambda x: 1 / (1 - x * x)),
    "arcsin": (np.arcsin, NEAR_ONE, lambda x: 1 / mpmath.sqrt(1 - x * x)),
    "arccos": (np.arccos, NEAR_ONE, lambda x: -1 / mpmath.sqrt(1 - x * x)),
    "arccosh": (
        np.arccosh,
        [1 + 2.0**-k for k in (1, 10, 30, 50)],
        lambda x: 1 / mpmath.sqrt(x * x - 1),
    ),
    "arcsinh": (np.arcsinh, BOTH + TINY, lambda x: 1 / mpmath.sqrt(x * x + 1)),
    "expm1": (np.expm1, BOTH + TINY, mpmath.exp),
    "log1p": (np.log1p, FAR + TINY + NEAR_ONE, lambda x: 1 / (1 + x)),
}
SPECIAL: dict[str, tuple[Points, Callable[[Any], Any]]] = {
    "expit": (BOTH, lambda x: sigma(x) * sigma(-x)),
    "log_expit": (BOTH, lambda x: sigma(-x)),
    "logit": ([x for x in NEAR_ONE + TINY if x > 0], lambda x: 1 / (x * (1 - x))),
    "erf": (BOTH, lambda x: 2 / mpmath.sqrt(mpmath.pi) * mpmath.exp(-x * x)),
    "erfc": (BOTH, lambda x: -2 / mpmath.sqrt(mpmath.pi) * mpmath.exp(-x * x)),
    "ndtr": (BOTH, bell),
    "log_ndtr": (BOTH, lambda x: 2 * bell(x) / mpmath.erfc(-x / mpmath.sqrt(2))),
}


# Large arrays keep no argument beside the result.
SPARED = {"sigmoid", "expit", "tanh"}


def compare(
    f: Callable[..., Any],
    points: Points,
    slope: Callable[[Any], Any],
    *,
    of_large_arrays: bool = True,
) -> None:
    """Compare scalars, small arrays and large ones, with and without a graph, and forward mode."""
    for char in "df":
        x = np.array(points, char)
        if char == "f":
            x = x[np.abs(x) < 80]  # exp stays in range
        x = x[(x != 0) & (np.abs(x) != 1)]  # what was nearer than the dtype tells
        wanted = np.array([float(slope(mpmath.mpf(float(one)))) for one in x])
        kept = np.abs(wanted) > np.finfo(char).smallest_normal
        x, wanted = x[kept], wanted[kept]
        gradient = tg.grad(lambda x: np.sum(f(x)))
        found = {
            "array": gradient(x),
            "scalars": np.array([gradient(one) for one in x]),
            "many": gradient(np.resize(x, 9000))[: len(x)] if of_large_arrays else wanted,
            "graph": graph_gradient(f, x),
            "forward": np.array([tg.jvp(f, (one,), (np.ones_like(one),))[1] for one in x]),
        }
        for name, got in found.items():
            error = np.abs(got - wanted) / np.abs(wanted) / np.finfo(char).eps
            worst = int(np.argmax(error))
            assert error[worst] <= ULPS, (name, char, x[worst], got[worst], wanted[worst])


def graph_gradient(f: Callable[..., Any], x: Any) -> Any:
    t = tg.tensor(x, requires_grad=True)
    np.sum(f(t)).backward(create_graph=True)
    return t.grad.detach().numpy()


@pytest.mark.parametrize("name", ROWS)
def test_tails(name: str) -> None:
    compare(*ROWS[name], of_large_arrays=name not in SPARED)


@pytest.mark.parametrize("name", SPECIAL)
def test_tails_of_special_functions(name: str) -> None:
    function = getattr(extra("scipy.special"), name)
    compare(function, *SPECIAL[name], of_large_arrays=name not in SPARED)


@pytest.mark.parametrize("function", [tg.sigmoid, np.tanh])
@pytest.mark.parametrize("size", [1, 3, 9000])
@pytest.mark.parametrize("x", [1000.0, -1000.0])
def test_far_out_it_is_flat(function: Any, size: int, x: float) -> None:
    assert not np.any(tg.grad(lambda x: np.sum(function(x)))(np.full(size, x)))


def test_a_nan_beside_a_saturated_sigmoid() -> None:
    got = tg.grad(lambda x: np.sum(tg.sigmoid(x)))(np.array([np.nan, 40.0, 0.0]))
    assert np.isnan(got[0])
    assert got[2] == 0.25


def test_second_derivatives_in_the_tails() -> None:
    x = np.array([4.0, 10.0, 20.0, 300.0, -10.0, -300.0])
    for f, wanted in (
        (tg.sigmoid, lambda x: sigma(x) * sigma(-x) * (sigma(-x) - sigma(x))),
        (np.tanh, lambda x: -8 * mpmath.tanh(x) * sigma(2 * x) * sigma(-2 * x)),
    ):
        got = tg.grad(lambda x, f=f: np.sum(tg.grad(lambda x: np.sum(f(x)))(x)))(x)
        exact = [float(wanted(mpmath.mpf(one))) for one in x.tolist()]
        np.testing.assert_allclose(got, exact, rtol=1e-13)


@pytest.mark.parametrize("size", [1, 3])
def test_only_a_saturated_one_keeps_its_argument(size: int) -> None:
    """The slope of the others is had from the result, which the next layer keeps anyway."""
    for logit, kept in ((0.5, False), (-40.0, False), (5.0, False), (6.0, True), (40.0, True)):
        out = tg.sigmoid(tg.tensor(np.full(size, logit), requires_grad=True))
        assert (out.node.saved[1] is not None) == kept
    for x, kept in ((0.5, False), (-2.0, False), (3.2, True), (-3.2, True), (40.0, True)):
        out = np.tanh(tg.tensor(np.full(size, x), requires_grad=True))
        assert (out.node.saved[1] is not None) == kept


@pytest.mark.parametrize("function", [tg.sigmoid, np.tanh])
def test_a_large_one_keeps_its_result_alone(function: Any) -> None:
    out = function(tg.tensor(np.full(9000, 40.0), requires_grad=True))
    assert out.node.saved[1] is None


@pytest.mark.parametrize("char", "df")
@pytest.mark.parametrize("far", [100.0, 800.0, np.inf])
def test_what_is_far_out_changes_no_other(char: str, far: float) -> None:
    """Beside an argument whose exponential overflows the others keep their digits."""
    x = np.array([far, 6.0, 0.5], char)
    for f in (tg.sigmoid, loss(1.0)) if np.isfinite(far) else (tg.sigmoid,):
        gradient = tg.grad(lambda x, f=f: np.sum(f(x)))
        near = 4 * float(np.finfo(char).eps)
        np.testing.assert_allclose(gradient(x)[1:], gradient(x[1:]), rtol=near)
        assert abs(gradient(x)[0]) < 1e-40
