"""Derivatives above the first through a point where a convention made that 0: right, or NaN."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from deeper import IN_FULL, by_turns, one_in

import tinygrad_bp as tg

Function = Callable[[Any], Any]


def reverse(f: Function) -> Function:
    return tg.jacobian(tg.grad(f), mode="reverse")


def forward(f: Function) -> Function:
    return tg.jacobian(tg.grad(f), mode="forward")


def products(mode: Any) -> Callable[[Function], Function]:
    def hessian(f: Function) -> Function:
        return lambda x: np.stack([tg.hvp(f, (x,), (e,), mode=mode)[0] for e in np.eye(len(x))])

    return hessian


HESSIANS = {
    "hessian": tg.hessian,
    "forward over reverse": forward,
    "reverse over reverse": reverse,
    "hvp": products("forward"),
    "hvp, reverse": products("reverse"),
}
THIRD = {
    "of hessian": lambda f: tg.jacobian(tg.hessian(f)),
    "reverse three times": lambda f: tg.jacobian(reverse(f), mode="reverse"),
    "of gradients of gradients": lambda f: tg.jacobian(tg.jacobian(tg.grad(f))),
}


def deviation(n: int, divisor: int) -> Any:
    return (np.eye(n) - 1 / n) / divisor


def rows(x: Any) -> Any:
    return np.reshape(x, (1, -1))


# Functions that are sqrt(x @ A @ x), and A
NORMS: dict[str, tuple[Function, Any]] = {
    "hypot": (lambda x: np.hypot(x[0], x[1]), np.eye(2)),
    "hypot.outer": (lambda x: np.hypot.outer(x[:1], x[1:])[0, 0], np.eye(2)),
    "norm": (np.linalg.norm, np.eye(3)),
    "norm, 2": (lambda x: np.linalg.norm(3 * x, 2), np.eye(3) * 9),
    "norm, axis": (lambda x: np.linalg.norm(rows(x), axis=1)[0], np.eye(3)),
    "norm, keepdims": (lambda x: np.sum(np.linalg.norm(rows(x), 2, 1, keepdims=True)), np.eye(3)),
    "norm, fro": (lambda x: np.linalg.norm(rows(x), "fro"), np.eye(3)),
    "norm of a matrix": (lambda x: np.linalg.norm(np.outer(x, [1.0, 2.0])), np.eye(2) * 5),
    "norm, two axes": (lambda x: np.linalg.norm(x[None, :, None], axis=(1, 2))[0], np.eye(2)),
    "norm of one, 1": (lambda x: np.linalg.norm(x, 1), np.eye(1)),
    "norm of one, inf": (lambda x: np.linalg.norm(x, np.inf), np.eye(1)),
    "norm of one, 3": (lambda x: np.linalg.norm(2 * x, np.inf), np.eye(1) * 4),
    "norm of complex": (lambda x: np.linalg.norm(x * (3 + 4j)), np.eye(2) * 25),
    "vector_norm": (np.linalg.vector_norm, np.eye(3)),
    "matrix_norm": (lambda x: np.linalg.matrix_norm(rows(x)), np.eye(3)),
    "std": (np.std, deviation(3, 3)),
    "std, ddof": (lambda x: np.std(x, ddof=1), deviation(3, 2)),
    "std, axis": (lambda x: np.std(rows(x), axis=1)[0], deviation(3, 3)),
    "std, where": (
        lambda x: np.std(np.append(x, 9.0), where=[True, True, True, False]),
        deviation(3, 3),
    ),
    "std of complex": (lambda x: np.std(x * 1j), deviation(2, 2)),
    "nanstd": (lambda x: np.nanstd(np.append(x, np.nan)), deviation(3, 3)),
    "abs": (lambda x: np.abs(x[0]), np.eye(1)),
    "fabs": (lambda x: np.sum(np.fabs(-2 * x)), np.eye(1) * 4),
    "abs of complex": (lambda x: np.abs(x[0] + 1j * x[1]), np.eye(2)),
    "abs of complex, times": (lambda x: np.sum(np.abs(x * (3 - 4j))), np.eye(1) * 25),
}
# f(N) = psi(N**2), with psi'(0); g has one product more
SMOOTH: dict[str, tuple[Function, float]] = {
    "N**2": (lambda n: n**2, 1.0),
    "N * N": (lambda n: n * n, 1.0),
    "square": (lambda n: np.square(n), 1.0),
    "N**4 - 3 N**2": (lambda n: n**4 - 3 * n**2, -3.0),
    "N**4": (lambda n: n**4, 0.0),
    "exp(-N**2)": (lambda n: np.exp(-(n**2)), -1.0),
    "exp(-N * N / 2)": (lambda n: np.exp(-0.5 * n * n), -0.5),
    "cos": (np.cos, -0.5),
    "cosh": (np.cosh, 0.5),
    "log1p(N**2)": (lambda n: np.log1p(n * n), 1.0),
    "sqrt(1 + N**2)": (lambda n: np.sqrt(n**2 + 1), 0.5),
    "hypot(N, 2)": (lambda n: np.hypot(n, 2.0), 0.25),
    "logsumexp": (lambda n: tg.logsumexp(np.stack([n, -n])), 0.5),
    "tanh(N) N": (lambda n: np.tanh(n) * n, 1.0),
    "5 - where": (lambda n: 5 - np.where(n < 1, n * n, 0 * n), -1.0),
}
POINTS = {"zero": 0.0, "tenth": 0.1}
CASES = [
    (n, f, where)
    for n in NORMS
    for f in (SMOOTH if n in ("norm", "std", "abs of complex") else ("N**2", "N * N", "exp(-N**2)"))
    for where in (POINTS if "std" in n else ["zero"])
]


@IN_FULL
@pytest.mark.parametrize("norm", NORMS)
def test_the_hessian_of_a_smooth_function_of_a_norm(norm: str, in_full: bool) -> None:
    for turn, (_, outer, where) in enumerate(case for case in CASES if case[0] == norm):
        (n, a), (f, slope) = NORMS[norm], SMOOTH[outer]
        x = np.full(len(a), POINTS[where])
        for name in HESSIANS if in_full else by_turns(2, HESSIANS, turn):
            got = HESSIANS[name](lambda x, f=f, n=n: f(n(x)))(x)
            which = f"{name} of {outer} at {where}"
            np.testing.assert_allclose(got, 2 * slope * a, rtol=1e-7, atol=1e-12, err_msg=which)


@IN_FULL
@pytest.mark.parametrize("outer", one_in(2, ["N**2", "cos", "exp(-N**2)", "N**4 - 3 N**2"]))
@pytest.mark.parametrize("norm", one_in(3, NORMS))
def test_the_third_derivative_of_a_smooth_function_of_a_norm(
    norm: str, outer: str, in_full: bool
) -> None:
    """0 of an even function; with a factor 1 + b x, what the product rule says."""
    (n, a), (f, slope) = NORMS[norm], SMOOTH[outer]
    turn = [*NORMS].index(norm) // 3 + (outer == "N**2")
    b = np.arange(1.0, 1 + len(a))
    x = np.zeros(len(a))
    wanted = 2 * slope * sum(np.transpose(np.multiply.outer(a, b), p) for p in CYCLES)
    for name in THIRD if in_full else by_turns(1, THIRD, turn):
        third = THIRD[name]
        assert not np.any(third(lambda x: f(n(x)))(x)), name
        got = third(lambda x: (f(n(x)) - f(0.0)) * (1 + b @ x))(x)
        np.testing.assert_allclose(got, wanted, rtol=1e-7, atol=1e-12, err_msg=name)


CYCLES = [(0, 1, 2), (2, 0, 1), (1, 2, 0)]
QUIET = {"divide": "ignore", "invalid": "ignore"}  # what is infinite is NaN at once
PLAIN = [name for name, (_, a) in NORMS.items() if len(a) > 1]
ROUGH: dict[str, Callable[[Function], Function]] = {
    "N": lambda n: n,
    "N + N**2": lambda n: lambda x: n(x) + n(x) ** 2,
    "N**1.5": lambda n: lambda x: n(x) ** 1.5,
    "N x": lambda n: lambda x: n(x) * x[0],
    "exp(-N)": lambda n: lambda x: np.exp(-n(x)),
    "N |x|": lambda n: lambda x: n(x) * np.abs(x[0]),
    "N1 N2": lambda n: lambda x: n(x) * n(2 * x),
    "tanh": lambda n: lambda x: np.tanh(n(x)),
}


@IN_FULL
@pytest.mark.parametrize("norm", PLAIN)
def test_where_there_is_no_second_derivative_it_is_nan(norm: str, in_full: bool) -> None:
    n, a = NORMS[norm]
    x = np.zeros(len(a))
    for turn, (outer, rough) in enumerate(ROUGH.items()):
        for name in HESSIANS if in_full else by_turns(2, HESSIANS, turn):
            with np.errstate(**QUIET):
                got = HESSIANS[name](rough(n))(x)
            if outer == "N1 N2":  # which is smooth, but not known to be
                assert np.all(np.isnan(got) | np.isclose(got, 4 * a)), (outer, name)
            else:
                assert np.all(np.isnan(np.diagonal(got))), (outer, name)


@IN_FULL
@pytest.mark.parametrize("norm", PLAIN)
def test_where_there_is_no_third_derivative_it_is_nan(norm: str, in_full: bool) -> None:
    n, a = NORMS[norm]
    turn = PLAIN.index(norm)
    for power in (3, 2.5, 1):
        second = tg.hessian(lambda x, p=power: n(x) ** p)(a[0] * 0)
        assert not np.any(second) if power == 3 else np.all((second == 0) | np.isnan(second))
        for name in THIRD if in_full else by_turns(1, THIRD, turn + int(power)):
            with np.errstate(**QUIET):
                got = THIRD[name](lambda x, p=power: n(x) ** p)(a[0] * 0)
            assert np.any(np.isnan(got)), name


@pytest.mark.parametrize("norm", NORMS)
def test_pushed_twice_a_norm_is_right_or_nan(norm: str) -> None:
    """A recorded push knows nothing of what comes after it."""
    n, a = NORMS[norm]
    x, v = np.zeros(len(a)), np.arange(1.0, 1 + len(a))

    def pushed(x: Any) -> Any:
        return tg.jvp(lambda x: n(x) ** 2, (x,), (v,))[1]

    for got in (tg.grad(pushed)(x), tg.jacobian(pushed, mode="forward")(x)):
        assert np.all(np.isnan(got) | np.isclose(got, 2 * a @ v))


def test_each_of_many_norms_by_itself() -> None:
    """Some zero and some not, beside norms of which one moves another."""
    x = np.array([[0.0, 0.0], [3.0, 4.0], [0.0, 0.0]])
    weights = np.array([1.0, 2.0, 5.0])
    got = tg.hessian(lambda x: weights @ np.linalg.norm(x, axis=1) ** 2)(x)
    wanted = np.einsum("i,ij,kl->ikjl", 2 * weights, np.eye(3), np.eye(2))
    np.testing.assert_allclose(got, wanted, rtol=1e-13, atol=1e-13)
    coupled = tg.hessian(lambda x: np.sum(np.linalg.norm(x, axis=1)) ** 2)(x)
    assert np.all(np.isnan(coupled[0, :, 0, :].diagonal()))
    distances = tg.hessian(
        lambda x: np.sum(np.linalg.norm(x[:, None] - x[None], axis=-1) ** 2) / 4
    )(x)
    wanted = np.einsum("ij,kl->ikjl", 3 * np.eye(3) - 1, np.eye(2))
    np.testing.assert_allclose(distances, wanted, rtol=1e-13, atol=1e-13)


def test_a_constant_factor_of_zero_takes_all_derivatives_away() -> None:
    for n, a in NORMS.values():
        x = np.zeros(len(a))
        assert not np.any(tg.hessian(lambda x, n=n: 0.0 * n(x))(x))
        outer = tg.hessian(lambda x, n=n: x[-1] * n(x[:-1]) ** 2)(np.append(x, 0.0))
        assert not np.any(outer)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_dtype_stays(dtype: Any) -> None:
    for n, a in NORMS.values():
        got = tg.hessian(lambda x, n=n: np.exp(-(n(x) ** 2)))(np.zeros(len(a), dtype))
        assert got.dtype == dtype
        np.testing.assert_allclose(got, -2 * a, rtol=1e-4, atol=1e-6)


# Other norms


def test_powers_of_norms_of_other_orders() -> None:
    zero, beside = np.zeros(2), np.array([0.0, 2.0])
    for p in (3, 4, 5):
        f = power_of_norm(p, p)
        assert np.all(np.isnan(tg.hessian(f)(zero)))  # 0, which is not found
        wanted = np.diag([0.0, p * (p - 1) * 2.0 ** (p - 2)])
        np.testing.assert_allclose(tg.hessian(f)(beside), wanted, rtol=1e-13)
        assert np.all(np.isnan(tg.hessian(power_of_norm(p, 2))(zero).diagonal()))
    for p in (0.5, 1.5):  # an infinite curvature where one is 0
        with np.errstate(**QUIET):
            assert not np.isfinite(tg.hessian(power_of_norm(p, 2))(beside)[0, 0])
            assert np.all(np.isnan(tg.hessian(power_of_norm(p, 2))(zero).diagonal()))
    assert tg.hessian(power_of_norm(2.5, 2.5))(beside)[0, 0] == 0


def power_of_norm(p: float, k: float) -> Function:
    return lambda x: np.linalg.norm(x, p) ** k


@pytest.mark.parametrize("p", [1, np.inf, -np.inf, -1, -2, "nuc", "spectral", -2.5])
def test_norms_that_no_power_makes_smooth(p: Any) -> None:
    def f(x: Any) -> Any:
        if isinstance(p, str):
            return np.linalg.norm(np.reshape(x, (2, 2)), 2 if p == "spectral" else p) ** 2
        return np.linalg.norm(x, p) ** 2

    x = np.zeros(4)
    with np.errstate(divide="ignore", invalid="ignore"):
        assert not np.any(tg.grad(f)(x))
        assert np.any(np.isnan(tg.hessian(f)(x)))


# Absolute values: on either side of the kink there is a curvature


def test_the_curvature_beside_the_kink_of_an_absolute_value() -> None:
    for f, wanted in (
        (np.abs, 0.0),
        (lambda x: 3 * np.abs(x) + x * x, 2.0),
        (lambda x: np.exp(-np.abs(x)), 1.0),
        (lambda x: np.abs(x) ** 3, 0.0),
        (lambda x: np.where(np.abs(x) < 1, np.abs(x) ** 2 / 2, np.abs(x)), 1.0),
    ):
        for hessian in (lambda f: tg.grad(tg.grad(f)), tg.hessian):
            assert hessian(f)(0.0) == wanted
    for f in (lambda x: np.abs(x) * x, lambda x: np.abs(x) * np.abs(2 * x)):
        assert np.isnan(tg.grad(tg.grad(f))(0.0))
    assert np.isnan(tg.grad(tg.grad(lambda x: np.abs(x) ** 2.5))(0.0))  # 0, which is not found
    l1 = tg.hessian(lambda x: np.sum(np.abs(x)) + np.sum(np.abs(x) ** 2))(np.array([0.0, 0.0, -2]))
    assert l1.tolist() == (2 * np.eye(3)).tolist()
    assert np.all(np.isnan(tg.hessian(lambda x: np.sum(np.abs(x)) ** 2)(np.zeros(2)).diagonal()))


# Ties: the second derivative is the mean of those on either side


@pytest.mark.parametrize("where", [0.0, 1.0])
@pytest.mark.parametrize("name", ["maximum", "fmax", "minimum", "fmin"])
def test_the_curvature_beside_a_tie(name: str, where: float) -> None:
    chosen = getattr(np, name)
    at = np.full(2, where)
    got = tg.hessian(lambda x: chosen(x[0], x[1]) ** 2)(at)
    np.testing.assert_array_equal(got, np.eye(2))
    got = tg.hessian(lambda x: chosen(x[0] - x[1], x[1] - x[0]) ** 2)(at)
    np.testing.assert_array_equal(got, [[2.0, -2.0], [-2.0, 2.0]])


@pytest.mark.parametrize("name", ["max", "min", "nanmax", "nanmin"])
def test_ties_of_many(name: str) -> None:
    """Where the slope is not 0 it is a kink; elsewhere there may be a curvature, not known."""
    f = getattr(np, name)
    got = tg.hessian(lambda x: f(x) ** 2)(np.ones(3))
    np.testing.assert_allclose(got, np.full((3, 3), 2 / 9), rtol=1e-13)
    assert np.all(np.isnan(tg.hessian(lambda x: f(x) ** 2)(np.zeros(3)).diagonal()))


def test_ties_of_one_number() -> None:
    assert tg.grad(tg.grad(lambda x: np.maximum(x, 0) ** 2))(0.0) == 1  # 0 and 2
    both = tg.grad(tg.grad(lambda x: (np.maximum(x, 0) + np.maximum(-x, 0)) ** 2))(0.0)
    assert np.isnan(both)  # 2, but not known to be


# What stays on one side of a kink, or crosses several at once


BOWL = lambda x: x * x  # at 0 it stands still, and has a curvature
ONE_SIDED: dict[str, tuple[Function, float]] = {
    "abs of a square": (lambda x: np.abs(BOWL(x)), 2.0),
    "abs of a negative square": (lambda x: np.abs(-BOWL(np.sin(x))), 2.0),
    "abs of a norm": (lambda x: np.abs(1 + np.abs(np.linalg.norm(np.stack([x, x])) ** 2)), 4.0),
    "norm of a square": (lambda x: np.linalg.norm(np.stack([BOWL(x)])), 2.0),
    "hypot of squares": (lambda x: np.hypot(BOWL(x), BOWL(x)), 2 * 2**0.5),
    "std of squares": (lambda x: np.std(np.stack([BOWL(x), -BOWL(x)])), 2.0),
    "maximum of squares": (lambda x: np.maximum(BOWL(x), 2 * BOWL(x)), 4.0),
    "minimum of a square and 0": (lambda x: np.minimum(BOWL(x), 0.0), 0.0),
    "norm of a square, squared": (lambda x: np.linalg.norm(np.stack([BOWL(x)])) ** 2, 0.0),
    "two absolute values": (lambda x: (1 + np.abs(x)) * (1 + np.abs(x)) - 2 * np.abs(x), 2.0),
    "exponentials that cancel": (lambda x: np.exp(np.abs(x)) * np.exp(-np.abs(x)), 0.0),
    "log cosh": (lambda x: np.logaddexp(np.abs(x), -np.abs(x)), 1.0),
    "abs and maximum": (lambda x: (1 + np.maximum(x, -x)) * (1 + np.abs(x)) - 2 * np.abs(x), 2.0),
    "an entry twice": (lambda x: (1 + np.sum(np.abs(np.stack([x, -x])))) ** 2, 8.0),
}


@pytest.mark.parametrize("name", ONE_SIDED)
def test_where_a_kink_has_no_mean_of_both_sides_the_second_derivative_is_no_wrong_number(
    name: str,
) -> None:
    f, wanted = ONE_SIDED[name]
    for second in (tg.hessian, lambda f: tg.grad(tg.grad(f)), lambda f: tg.jacobian(tg.grad(f))):
        got = second(f)(0.0)
        assert np.isnan(got) or np.isclose(got, wanted), got


def test_the_absolute_values_of_several_elements_at_0_do_not_add_up() -> None:
    got = tg.hessian(lambda x: (1 + np.sum(np.abs(x))) ** 2)(np.zeros(2))
    assert np.all(np.isnan(got) | np.isclose(got, 2 * np.eye(2)))
    still = tg.hessian(lambda x: np.max(tg.relu(x - 1)) + np.sum(np.maximum(tg.relu(x - 1), 0)))
    assert not np.any(still(np.zeros(3)))  # dead units stand still to second order too


# Other conventions


def test_what_lies_above_other_conventions_is_nan_or_right() -> None:
    origin = np.zeros(2)
    for f in (
        lambda x: np.arctan2(x[0], x[1]),
        lambda x: np.arctan2(x[0], x[1]) ** 2,
        lambda x: np.hypot(x[0], x[1]) ** 2 * np.arctan2(x[0], x[1]),
        lambda x: np.angle(x[0] + 1j * x[1]),
        lambda x: np.real(np.sign(x[0] + 1j * x[1])),
        lambda x: np.power(x[0], x[1]),
        lambda x: np.float_power(x[0], x[1]),
        lambda x: np.linalg.cond(x[np.array([[0, 1], [1, 0]])], 1),
    ):
        assert not np.any(tg.grad(f)(origin))
        assert np.any(np.isnan(tg.hessian(f)(origin)))
    mixed = tg.hessian(lambda x: x[0] ** x[1])
    assert np.isnan(mixed(np.array([0.0, 1.0]))[0, 1])  # minus infinity
    np.testing.assert_array_equal(mixed(np.array([0.0, 2.0])), [[2, 0], [0, 0]])
    assert tg.grad(tg.grad(lambda x: x**0.0))(0.0) == 0
    assert tg.grad(tg.grad(lambda x: x**2.0))(0.0) == 2.0
    assert tg.grad(tg.grad(lambda y: 0.0**y))(2.0) == 0


def test_what_lies_above_conventions_of_special_functions_is_nan_or_right() -> None:
    special = pytest.importorskip("scipy.special")
    for f, x in (
        (special.xlogy, [0.0, 0.0]),
        (special.xlog1py, [0.0, -1.0]),
        (special.rel_entr, [0.0, 0.0]),
        (special.kl_div, [0.0, 0.0]),
        (special.pseudo_huber, [0.0, 0.0]),
        (special.powm1, [0.0, 0.0]),
        (lambda _x, y: special.i0e(y), [0.0, 0.0]),
        (lambda _x, y: special.ive(2.0, y), [0.0, 0.0]),
    ):
        assert np.all(np.isfinite(tg.grad(lambda x, f=f: f(x[0], x[1]))(np.array(x))))
        assert np.any(np.isnan(tg.hessian(lambda x, f=f: f(x[0], x[1]))(np.array(x))))
    for f in (special.xlogy, special.rel_entr, special.pseudo_huber):  # constant: 0 whatever y is
        assert tg.grad(tg.grad(lambda y, f=f: f(0.0, y)))(0.0) == 0


def test_a_recorded_walk_without_a_second_one_gives_the_conventions_0() -> None:
    for n, a in NORMS.values():
        x = tg.tensor(np.zeros(len(a)), requires_grad=True)
        n(x).backward(create_graph=True)
        assert not np.any(x.grad.detach().numpy())


def test_a_graph_whose_residuals_are_freed_gives_no_wrong_second_derivative() -> None:
    x = tg.tensor([0.0, 0.0], requires_grad=True)
    np.exp(-(np.linalg.norm(x) ** 2)).backward(create_graph=True, retain_graph=False)
    assert not np.any(x.grad.detach().numpy())
    with pytest.raises(tg.errors.GraphError, match="freed"):
        tg.gradients(np.sum(x.grad), x)


def test_the_debug_mode_finds_no_fault_in_a_smooth_function() -> None:
    with tg.debug():
        got = tg.hessian(lambda x: np.exp(-(np.linalg.norm(x) ** 2)))(np.zeros(2))
    np.testing.assert_array_equal(got, -2 * np.eye(2))
