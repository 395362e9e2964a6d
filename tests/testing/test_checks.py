"""`check_grads` and `check_vjp`: what they take, what they refuse, and what their reports say."""

from __future__ import annotations

import re
import subprocess
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from deeper import one_in

import tinygrad_bp as tg
from tinygrad_bp.engine.rule import TABLE
from tinygrad_bp.testing import (
    GradientMismatch,
    UncheckableError,
    UncheckablePointError,
    check_grads,
    check_vjp,
    complex_step,
    gradients_hold,
    richardson,
    search,
)
from tinygrad_bp.testing.comparison import Comparison
from tinygrad_bp.testing.kinks import explore
from tinygrad_bp.testing.noise import roughness

rng = np.random.default_rng(0)
X, W, B = rng.normal(size=(6, 3)), rng.normal(size=(3, 4)), rng.normal(size=4)


def wrong(f: Any, vjp: Any, *args: Any, **options: Any) -> GradientMismatch:
    """Return the report of a rule that is wrong."""
    with pytest.raises(GradientMismatch) as caught:
        check_grads(tg.differentiable(f, vjp=vjp), *args, **options)
    return caught.value


# What is compared


def test_the_report_of_a_right_function() -> None:
    report = check_grads(lambda x, w, b: np.tanh(x @ w + b), X, W, B)
    assert (report.oracle, report.order, report.directions) == ("complex step", 2, None)
    assert report.entries == 18 + 12 + 4
    assert report.worst < 1e-11
    assert report.oracle_error < 1e-11
    assert report.kinks == ()
    assert "all 34 entries, by complex step" in str(report)


def test_what_takes_no_complex_numbers_is_compared_by_differences() -> None:
    report = check_grads(np.hypot, np.ones(3), np.array([1.0, 2.0, 3.0]))
    assert report.oracle == "differences"
    assert report.worst < 1e-9


def test_a_dropped_imaginary_part_is_noticed() -> None:
    def stored(x: Any) -> Any:
        if isinstance(x, tg.Tensor):
            return x * x
        out = np.empty(x.shape)
        out[...] = x * x
        return out

    assert check_grads(stored, X).oracle == "differences"


def test_large_arguments_are_compared_along_random_directions() -> None:
    report = check_grads(lambda x: np.sum(np.sin(x)), np.linspace(0.0, 3.0, 500))
    assert (report.directions, report.entries) == (8, 500)
    assert "8 random directions in 500 entries" in str(report)
    assert check_grads(np.sin, X, directions=2).directions == 2


@pytest.mark.parametrize("order", [1, 2, 3])
def test_orders(order: int) -> None:
    assert check_grads(np.exp, X, order=order).order == order


def test_numbers_nests_tensors_and_functions_of_tensors_alone() -> None:
    check_grads(lambda x: x**2, 1.5)
    check_grads(lambda p, x: np.sum(p["W"] @ x) * p["s"][0], {"W": W.T, "s": [2.0]}, np.ones(3))
    check_grads(lambda x: (x.relu() * x).sum(), tg.tensor(X, requires_grad=True))


def test_a_module_is_checked_in_its_parameters_and_inputs() -> None:
    module = tg.nn.Sequential(tg.nn.Linear(3, 4, rng=0), tg.nn.Tanh(), tg.nn.Linear(4, 1, rng=1))
    before = module.state()
    report = check_grads(module, X)
    assert report.entries == 12 + 4 + 4 + 1 + 18
    assert all(np.array_equal(one, before[name]) for name, one in module.state().items())
    assert all(parameter.grad is None for parameter in module.parameters())


def test_a_wrong_parameter_of_a_module_is_named() -> None:
    scale = tg.differentiable(lambda x, s: x * s, vjp=lambda ct, out, x, s: (ct * s, ct.sum() * s))

    class Scaled(tg.nn.Module):
        def __init__(self) -> None:
            self.inner = [tg.tensor(1.5, requires_grad=True)]

        def forward(self, x: Any) -> Any:
            return scale(x, self.inner[0])

    with pytest.raises(GradientMismatch) as caught:
        check_grads(Scaled(), X)
    assert caught.value.argument == "parameter 'inner.0'"


def test_a_parameter_in_two_places_is_one_variable() -> None:
    class Tied(tg.nn.Module):
        def __init__(self) -> None:
            self.a = self.b = tg.tensor(np.ones(2), requires_grad=True)

        def forward(self, x: Any) -> Any:
            return np.sum(self.a * x * self.b)

    assert check_grads(Tied(), np.ones(2)).entries == 4


def test_complex_arguments_and_results() -> None:
    z = np.array([0.5 + 1j, -1.0 + 0.2j])
    check_grads(np.exp, z)
    check_grads(lambda z: np.real(z * np.conj(z)), z)
    check_grads(np.fft.fft, np.array([1.0, 2.0, -1.0]))
    error = wrong(np.exp, lambda ct, out, z: ct * np.conj(out), z)
    assert "conjugated" in error.hints or error.hints == ()


@pytest.mark.parametrize("narrow", [np.float32, np.complex64])
def test_single_precision_is_checked_in_double(narrow: Any) -> None:
    report = check_grads(lambda x: np.exp(np.sin(x)), X.astype(narrow))
    assert report.worst < 1e-9  # not what float32 would give


def test_a_gradient_that_is_wrong_in_single_precision_only() -> None:
    def pull(ct: Any, out: Any, x: Any) -> Any:
        return ct * np.cos(x) * (1.01 if x.dtype == np.float32 else 1.0)

    sine = tg.differentiable(np.sin, vjp=pull)
    check_grads(sine, X, order=1, modes=("vjp",))
    with pytest.raises(GradientMismatch, match="float32 gradient of argument 0"):
        check_grads(sine, X.astype(np.float32), order=1, modes=("vjp",))


@pytest.mark.parametrize("directions", [0, -1])
def test_a_check_along_no_direction_is_refused(directions: int) -> None:
    with pytest.raises(ValueError, match=f"directions is 1 or more, got {directions}"):
        check_grads(np.sin, X, directions=directions)
    with pytest.raises(ValueError, match="directions is 1 or more"):
        check_vjp(lambda x: np.sum(x), np.ones_like, X, directions=directions)


def test_only_some_arguments() -> None:
    labels = np.array([0, 2, 1])
    assert check_grads(tg.nn.cross_entropy, X[:3], labels, argnums=0).entries == 9
    assert check_grads(lambda n, x: x**n, 3, np.ones(2), argnums=(1,)).entries == 2
    with pytest.raises(UncheckableError, match="argnums names argument 5, 1 are given"):
        check_grads(np.sin, X, argnums=5)


def test_arguments_stay_as_they_are() -> None:
    x = X.copy()
    x.flags.writeable = False
    check_grads(np.tanh, x)
    np.testing.assert_array_equal(x, X)


# Kinks


def test_a_kink_is_said_with_its_index() -> None:
    x = np.array([[1.0, -1.0], [2.0, 0.5], [0.0, 3.0]])
    report = check_grads(np.abs, x)
    assert report.kinks == ("kink at index (2, 0) of argument 0",)
    assert "kink at index (2, 0)" in str(report)


def test_kinks_among_many_entries_are_counted_and_hide_nothing() -> None:
    x = np.where(np.arange(500) % 7 == 0, 0.0, 1.5)
    report = check_grads(lambda x: np.sum(np.abs(x)), x)
    assert report.kinks == ("kinks along 8 of 8 random directions",)
    spot = np.arange(500) == 123
    error = wrong(
        lambda x: np.sum(np.abs(x)), lambda ct, out, x: ct * (np.sign(x) + 0.01 * spot), x
    )
    assert error.index == (123,)


@pytest.mark.parametrize("slope", [-1.0, -0.3, 0.0, 1.0])
def test_every_slope_between_the_sides_passes(slope: float) -> None:
    f = tg.differentiable(np.abs, vjp=lambda ct, out, x: ct * np.where(x == 0, slope, np.sign(x)))
    assert len(check_grads(f, np.array([0.0, 2.0]), order=1).kinks) == 1


@pytest.mark.parametrize("slope", [-1.01, 1.01, 5.0, np.inf, np.nan])
def test_a_slope_outside_fails(slope: float) -> None:
    error = wrong(
        np.abs, lambda ct, out, x: ct * np.where(x == 0, slope, np.sign(x)), np.array([0.0, 2.0])
    )
    assert error.index == (0,)
    assert "a kink: anything from" in str(error)


@pytest.mark.parametrize("distance", [1e-2, 1e-4, 1e-6, 1e-8])
def test_a_wrong_gradient_next_to_a_kink_fails(distance: float) -> None:
    x = np.array([distance, 2.0, -1.0])
    check_grads(np.abs, x)
    error = wrong(np.abs, lambda ct, out, x: ct * np.where(x > 0.5, 1.0, -1.0), x)
    assert error.index == (0,)
    assert "kink" not in str(error)


def test_an_infinite_slope_is_right_where_it_is_infinite() -> None:
    check_grads(np.sqrt, np.array([0.0, 4.0]))
    check_grads(np.cbrt, np.array([0.0, 1.0]))
    wrong(np.sqrt, lambda ct, out, x: ct * np.where(x == 0, 0.0, 0.5 / (out + (x == 0))),
          np.array([0.0, 4.0]))  # fmt: skip
    wrong(np.sin, lambda ct, out, x: ct * np.where(x == 0, np.inf, np.cos(x)), np.zeros(1))


# Refusals


class Stateful:
    calls = 0

    def __call__(self, x: Any) -> Any:
        self.calls += 1
        return x * self.calls


def raising(x: Any) -> Any:
    if np.any(x > 0.5):
        raise ValueError("too large")
    return x * x


generator = np.random.default_rng(0)
REFUSED: dict[str, tuple[Callable[..., Any], tuple[Any, ...], str]] = {
    "integers": (np.sin, (np.arange(3),), r"argument 0.* is int64.*use .astype\(float\)"),
    "an integer": (np.sin, (2,), "write 2.0, not 2"),
    "text": (np.sin, ("a",), "needs a floating value"),
    "float16": (np.sin, (X.astype(np.float16),), "checks are made in float64"),
    "no argument": (lambda: 1.0, (), "give arguments"),
    "no function": (3.0, (X,), "expected a function, got float"),  # type: ignore[dict-item]
    "no result": (lambda x: None, (X,), "returned None; does it lack a return"),
    "named results": (lambda x: {"a": x, "b": x}, (X,), r"a dict of 2 outputs.*f\(\*args\)\['a'\]"),
    "several results": (lambda x: (x, x), (X,), r"a tuple of 2 outputs.*f\(\*args\)\[0\]"),
    "an integer result": (lambda x: np.argmax(x), (X,), "returned int64"),
    "a random function": (lambda x: x * generator.normal(), (X,), "a random function"),
    "a function with a state": (Stateful(), (X,), "a random function"),
    "raises here": (raising, (np.ones(2),), "raises at the arguments: ValueError: too large"),
    "not finite here": (np.log, (np.array([1.0, -1.0]),), r"the result is nan at index \(1,\)"),
    "infinite here": (np.log, (np.zeros(1),), "the result is -inf at index"),
    "nan argument": (np.sin, (np.array([np.nan]),), "holds what is not finite"),
}


@pytest.mark.parametrize(("f", "args", "message"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_checked_is_refused(f: Any, args: Any, message: str) -> None:
    with pytest.raises(UncheckableError, match=message):
        check_grads(f, *args)


def test_a_function_that_raises_close_by_is_not_accused() -> None:
    report = check_grads(raising, np.array([0.5, 0.2]))  # at the edge: differences to one side
    assert report.order == 2


def test_rounding_that_hides_the_slope_is_said() -> None:
    rough = tg.differentiable(
        lambda x: np.sin(x) + 0.3 * np.sin(1e12 * x), vjp=lambda ct, out, x: ct * np.cos(x)
    )
    with pytest.raises(UncheckablePointError, match=r"too rough here to tell: .* uncertain by"):
        check_grads(rough, np.array([0.3, 0.7]), order=1)


class Ends:
    """A function that ends the process when it is called so often."""

    def __init__(self, calls: int) -> None:
        self.calls = calls

    def __call__(self, x: Any) -> Any:
        self.calls -= 1
        if self.calls == 0:
            sys.exit(0)
        return np.hypot(x, 1.0)


@pytest.mark.parametrize("calls", [1, 2, 4, 10, 30])
def test_the_end_of_the_process_is_no_success(calls: int) -> None:
    with pytest.raises(UncheckableError, match=r"Ends called sys.exit\(0\)"):
        check_grads(Ends(calls), X)
    with pytest.raises(UncheckableError, match=r"sin called sys.exit\('no'\)"):
        check_vjp(np.sin, lambda ct, x: sys.exit("no"), X)


@pytest.mark.parametrize(
    "options", [{"modes": ("vpj",)}, {"modes": ()}, {"modes": ("jvp",)}, {"order": 0}]
)
def test_wrong_options(options: Any) -> None:
    with pytest.raises(ValueError, match="check_grads: "):
        check_grads(np.sin, X, **options)


def test_an_engine_error_says_what_the_check_can_do_without() -> None:
    def opaque(ct: Any, out: Any, x: Any) -> Any:
        return ct * np.array([float(np.cos(one)) for one in x.ravel()]).reshape(x.shape)

    sine = tg.differentiable(np.sin, vjp=opaque)
    assert check_grads(sine, X, order=1, modes=("vjp",)).order == 1
    with pytest.raises(tg.TinygradError) as caught:
        check_grads(sine, X)
    assert "order=1" in "".join(caught.value.__notes__)


# What the report says

HINTS: dict[str, tuple[Any, Any, tuple[Any, ...], str]] = {
    "twice": (np.sin, lambda ct, out, x: 2 * ct * np.cos(x), (X,), "^twice"),
    "half": (np.sin, lambda ct, out, x: ct * np.cos(x) / 2, (X,), "^half"),
    "sign": (np.sin, lambda ct, out, x: -ct * np.cos(x), (X,), "^the sign is wrong$"),
    "zero": (np.sin, lambda ct, out, x: 0 * ct, (X,), "^zero: a term is missing"),
    "missing 1/m": (
        np.mean,
        lambda ct, out, x: ct + 0 * x,
        (X[:, 0],),
        "missing 1/m: 6 times too large, m = the length of axis 0 of argument 0",
    ),
    "once too often": (np.sum, lambda ct, out, x: ct / 6 + 0 * x, (X[:, 0],), "m once too often"),
    "factor": (np.sin, lambda ct, out, x: 1.25 * ct * np.cos(x), (X,), "^1.25 times"),
    "transposed": (
        lambda x: np.sum(np.outer(B, B) * np.triu(np.ones((4, 4))) * x),
        lambda ct, out, x: ct * (np.outer(B, B) * np.tril(np.ones((4, 4)))),
        (np.eye(4),),
        "^transposed$",
    ),
    "swapped": (np.multiply, lambda ct, out, x, y: (ct * x, ct * y), (X, X + 1), "gradient of arg"),
    "flipped": (lambda x: np.sum(x * B), lambda ct, out, x: ct * B[::-1], (B,), "reversed along"),
    "negative": (
        lambda x: np.sum(np.sin(x)),
        lambda ct, out, x: ct * np.where(x > 0, np.cos(x), 1.0),
        (X,),
        "only where the argument is negative",
    ),
    "power": (lambda x: np.sum(x**3), lambda ct, out, x: 3 * ct * x, (X,), "a factor of the arg"),
    "constant": (
        lambda x: np.sum(np.sin(x)), lambda ct, out, x: ct * (np.cos(x) + 1), (X,), "a constant 1"
    ),
    "summed": (
        lambda x: np.sum(x * X),
        lambda ct, out, x: ct * np.broadcast_to(X.sum(axis=0), X.shape),
        (X,),
        "summed over axis 0",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("f", "vjp", "args", "hint"), HINTS.values(), ids=HINTS)
def test_a_pattern_is_said_in_words(f: Any, vjp: Any, args: Any, hint: str) -> None:
    import re

    error = wrong(f, vjp, *args)
    assert any(re.search(hint, one) for one in error.hints), error.hints
    assert error.hints[0] in str(error)


def test_what_is_off_by_little_is_not_called_another_arrangement() -> None:
    """To the digits at which patterns are read it is its own conjugate, and its own transpose."""
    symmetric = X[:3] + X[:3].T
    pull = lambda ct, out, x: ct * np.cos(x) * (1 + 1e-6 * np.array([[1.0, 0, 0]] + 2 * [[0] * 3]))
    error = wrong(lambda x: np.sum(np.sin(x)), lambda ct, out, x: pull(ct, out, x), symmetric)
    assert not [one for one in error.hints if one in {"conjugated", "transposed"}]
    pull = lambda ct, out, x, y: (ct * (1 + 1e-6 * (np.arange(4) == 1)), ct + 0 * y)
    error = wrong(lambda x, y: np.sum(x + y), pull, B, 2 * B)
    assert not [one for one in error.hints if "this is the gradient" in one]


def test_the_facts_are_attributes_and_text() -> None:
    pull = lambda ct, out, x: ct * (np.cos(x) + (np.arange(6) == 4))
    error = wrong(lambda x: np.sum(np.sin(x)), pull, X[:, 0])
    assert (error.argument, error.index) == ("argument 0 'x'", (4,))
    assert np.isclose(error.expected, np.cos(X[4, 0]))
    assert np.isclose(error.got, error.expected + 1)
    assert np.isclose(error.ratio, error.got / error.expected)
    assert (error.order, error.mode) == (1, "vjp")
    assert error.oracle_error < 1e-8
    text = str(error)
    assert text.startswith("<lambda>: the gradient is wrong in argument 0 'x' at index (4,)\n")
    for part in ("expected ", "got ", "wrong      1 of 6 entries", "complex step", "own error"):
        assert part in text


@pytest.mark.parametrize("sweep", [20_000, 0])
def test_a_wrong_entry_among_many_is_found(sweep: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search, "SWEEP", sweep)  # with 0, halving alone has to find it
    spot = np.arange(5000) == 3210
    pull = lambda ct, out, x: ct * (np.cos(x) + 0.01 * spot)
    error = wrong(lambda x: np.sum(np.sin(x)), pull, np.linspace(0.0, 3.0, 5000))
    assert error.index == (3210,)


def test_of_wrong_entries_the_worst_are_explored_and_head_the_report(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    explored: list[int] = []
    original = Comparison.explore

    def noted(self: Comparison, j: int) -> None:
        explored.append(self.directions[j].index)
        original(self, j)

    monkeypatch.setattr(Comparison, "explore", noted)
    off = np.array([0.1, 0.2, 0.3, 0.0, 0.5, 0.4])
    report = wrong(lambda x: np.sum(x**2), lambda ct, _, x: ct * (2 * x + off), np.ones(6))
    assert explored == [4, 5, 2]
    assert report.index == (4,)


def test_a_mismatch_close_by_tells_the_point_that_fails() -> None:
    pull = lambda ct, out, x: ct * np.where(x == 1.0, 1.0, 2.0)
    error = wrong(np.positive, pull, np.ones(2))
    text = str(error)
    assert "(at a point close to the arguments)" in text
    point = float(re.search(r"where +argument 0.* is (\S+) there", text)[1])
    assert 0 < abs(point - 1) < 0.1
    call = next(line for line in text.splitlines() if line.startswith("check_grads("))
    assert f"{point:.6f}" in call
    assert text.splitlines()[0] == text.splitlines()[-1]


def test_warnings_of_the_function_are_not_repeated() -> None:
    def warns(x: Any) -> Any:
        warnings.warn("again", RuntimeWarning, stacklevel=1)
        return np.log(x) + np.mean(x[:0])  # which warns itself

    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        with pytest.raises(UncheckableError, match="result is nan"):
            check_grads(warns, np.ones(3))
        check_grads(lambda x: np.where(x > 0, np.log(x), x), np.array([2.0, 1e-3]))
    assert not found


def test_the_report_says_where_it_looked() -> None:
    report = check_grads(np.tanh, np.array([-0.25, 3.0]))
    assert report.domain == (-0.25, 3.0)
    assert "order 2 at arguments from -0.25 to 3; all 2 entries" in str(report)
    assert "order 2 at arguments of 1; " in str(check_grads(np.tanh, np.ones(2)))
    assert check_grads(np.sum, np.ones(0)).domain is None
    assert check_grads(np.square, np.array([1 - 4j, 2 + 0.5j])).domain == (-4.0, 2.0)


def test_what_does_not_show_in_the_value_is_no_relative_error() -> None:
    """A slope of 1e-20 where the oracle sees none was reported as an error of 1."""
    blind = tg.differentiable(lambda x: 0.0 * x + 1.0, vjp=lambda ct, out, x: 1e-20 * ct)
    assert check_grads(blind, np.ones(2), order=1, modes=("vjp",)).worst < 1e-6


def test_a_singular_matrix_is_not_checkable() -> None:
    def half(A: Any) -> Any:
        return np.linalg.det(A) + inner(A)

    def pull(ct: Any, out: Any, A: Any) -> Any:
        return ct * np.linalg.inv(np.zeros((2, 2)))

    inner = tg.differentiable(np.linalg.det, vjp=pull)
    with pytest.raises(UncheckablePointError, match="no derivative at the arguments: LinAlgError"):
        check_grads(half, np.eye(2))


class Counted:
    """A function that counts its calls."""

    def __init__(self, f: Any) -> None:
        self.f, self.calls = f, 0

    def __call__(self, *args: Any) -> Any:
        self.calls += 1
        return self.f(*args)


WIDE = np.random.default_rng(0).normal(size=(100, 100))
LARGE = {
    "analytic": np.tanh,
    "a number": lambda x: np.sum(np.tanh(x)),
    "by differences": lambda x: np.abs(x) ** 1.5,
    "kinked": lambda x: np.maximum(x, 0.0),
}


SEARCHED = {f"{name}, {n}": (name, n == "all") for n in ("all", "one") for name in LARGE}


@pytest.mark.parametrize("which", one_in(3, SEARCHED))
def test_few_calls_locate_a_wrong_entry_of_a_large_gradient(which: str) -> None:
    name, everywhere = SEARCHED[which]
    slope = np.full(WIDE.shape, 1.1 if everywhere else 1.0)
    slope[37, 61] = 2.0
    twin = tg.differentiable(lambda x: 1.0 * x, vjp=lambda ct, out, x: ct * slope)
    f = Counted(lambda x: LARGE[name](twin(x)))
    with pytest.raises(GradientMismatch) as caught:
        check_grads(f, WIDE, order=1, modes=("vjp",))
    assert everywhere or caught.value.index == (37, 61)
    assert f.calls < 4000  # there are 10,000 entries


REPRODUCED = """\
import numpy as np
import tinygrad_bp as tg
from tinygrad_bp.testing import check_grads, check_vjp, gradients_hold

SCALE = np.array([1.0, 2.0])
inner = tg.differentiable(np.tanh, vjp=lambda ct, out, x: ct * (1 - out))

def make(power):
    def f(x):
        return np.sum(inner(x) ** power * SCALE)
    return f

class Layer(tg.nn.Module):
    def forward(self, x):
        return inner(x)

@gradients_hold((2,))
def test_layer(x):
    return inner(x) * SCALE

big = np.linspace(0.5, 1.5, 900)
CHECKS = [
    lambda: check_grads(make(2), SCALE),
    lambda: check_grads(lambda x, y: inner(x) * y, SCALE, SCALE + 1, seed=3, order=1),
    lambda: check_grads(lambda x: np.sum(inner(x)), big, directions=2),
    lambda: check_grads(lambda p: np.sum(inner(p["a"])), {"a": np.float32([[1.0]])}),
    lambda: test_layer(),
    lambda: check_vjp(lambda x: np.sum(x * SCALE), lambda x: 2 * SCALE, SCALE),
    lambda: check_grads(tg.differentiable(np.tanh, vjp=lambda ct, out, x: ct * (1 - out)), SCALE),
    lambda: check_grads(tg.differentiable(lambda x: 3 * x, vjp=lambda ct, out, x: ct), SCALE),
    lambda: check_grads(tg.differentiable(
        np.tanh, vjp=lambda ct, out, x: ct * (1 - out**2), jvp=lambda ts, out, x: ts[0] * out
    ), SCALE),
]
"""


@pytest.fixture(scope="session")
def reproduced(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[str, str]]:
    """What each check of a user's module said would reproduce it, and what that raised."""
    folder = tmp_path_factory.mktemp("reproduced")
    (folder / "user.py").write_text(REPRODUCED, encoding="utf-8")
    script = """
import user
from tinygrad_bp.testing import GradientMismatch
for number, check in enumerate(user.CHECKS):
    try:
        check()
    except GradientMismatch as error:
        with open(f"paste{number}.py", "w", encoding="utf-8") as file:
            print(error.reproduction, file=file)
"""
    assert run(folder, script).stderr == ""
    pastes = [folder / f"paste{number}.py" for number in range(9)]
    script = """
import runpy, sys
for paste in sys.argv[1:]:
    try:
        runpy.run_path(paste)
    except Exception as error:
        print(type(error).__name__)
    else:
        print("nothing")
"""
    raised = run(folder, script, *map(str, pastes)).stdout.split()
    texts = [paste.read_text(encoding="utf-8") for paste in pastes]
    return [*zip(texts, raised, strict=True)]


@pytest.mark.parametrize("number", range(9))
def test_the_reproduction_can_be_pasted_and_run(
    number: int, reproduced: list[tuple[str, str]]
) -> None:
    text, raised = reproduced[number]
    assert "check_" in text
    assert raised == "GradientMismatch", text


def run(folder: Path, script: str, *arguments: str) -> Any:
    return subprocess.run(
        [sys.executable, "-c", script, *arguments],
        capture_output=True,
        text=True,
        cwd=folder,
        check=False,
    )


# By hand

M = 20
INPUTS = rng.normal(size=(M, 2))
TARGETS = (rng.uniform(size=(M, 1)) > 0.5).astype(float)
SIZES = ((2, 5), (5, 5), (5, 1))
PARAMETERS = [
    (rng.normal(size=size), 0.1 * rng.normal(size=size[1])) for size in SIZES
]  # fmt: skip


def sigmoid(z: Any) -> Any:
    return 1 / (1 + np.exp(-z))


def loss(parameters: Any) -> Any:
    a = INPUTS
    for k, (W, b) in enumerate(parameters):
        z = a @ W + b
        a = sigmoid(z) if k < 2 else z
    return np.mean(np.log(1 + np.exp(a)) - TARGETS * a)


def backward(parameters: Any, fault: str = "") -> Any:
    activations = [INPUTS]
    for W, b in parameters:
        activations.append(sigmoid(activations[-1] @ W + b))
    d = activations[-1] - TARGETS
    d = d if fault == "1/m" else d / M
    found = []
    for k in (2, 1, 0):
        W, a = parameters[k][0], activations[k]
        db = d if fault == "sum" and k == 1 else d.sum(axis=0)
        dW = a.T @ d
        found.insert(0, (dW.T if fault == "transposed" and k == 1 else dW, db))
        slope = 1.0 if fault == "slope" and k == 2 else a * (1 - a)
        d = (d @ W.T) * slope
    return found


def test_the_backpropagation_of_a_2_5_5_1_network() -> None:
    report = check_vjp(loss, backward, PARAMETERS)
    assert report.entries == 10 + 5 + 25 + 5 + 5 + 1
    assert report.oracle == "complex step"


@pytest.mark.parametrize(
    ("fault", "argument", "hint"),
    [
        ("1/m", "argument 0 'parameters'", "missing 1/m: 20 times too large"),
        ("sum", "argument 0 'parameters'[1][1]", "not summed over axis 0"),
        ("transposed", "argument 0 'parameters'[1][0]", "transposed"),
        ("slope", "argument 0 'parameters'", ""),
    ],
)
def test_a_fault_of_backpropagation_is_pinpointed(fault: str, argument: str, hint: str) -> None:
    with pytest.raises(GradientMismatch) as caught:
        check_vjp(loss, lambda parameters: backward(parameters, fault), PARAMETERS)
    assert caught.value.argument.startswith(argument)
    assert any(hint in one for one in (*caught.value.hints, hint if not hint else ""))


def test_a_cotangent_comes_first() -> None:
    check_vjp(lambda x, y: x * y, lambda ct, x, y: (ct * y, ct * x), X, X + 1)
    check_vjp(np.sin, lambda ct, x: (ct * np.cos(x),), X)
    check_vjp(np.sin, lambda ct, *args: ct * np.cos(args[0]), X)
    check_vjp(lambda x: np.sum(x**2), lambda ct, x: ct * 2 * x, X)
    with pytest.raises(UncheckableError, match=r"write it as df\(ct, \.\.\.\)"):
        check_vjp(np.sin, lambda x: np.cos(x), X)


def changes(ct: Any, x: Any) -> Any:
    x += 1.0
    return ct * np.cos(x - 1.0)


def changes_cotangent(ct: Any, x: Any) -> Any:
    ct *= np.cos(x)
    return ct


BY_HAND: dict[str, tuple[Any, str]] = {
    "wrong": (lambda ct, x: ct * np.sin(x), "the gradient is wrong in argument 0"),
    "shape": (lambda ct, x: (ct * np.cos(x))[None], r"has shape \(1, 6, 3\)"),
    "not summed": (lambda ct, x: (ct * np.cos(x))[0], r"has shape \(3,\), the argument \(6, 3\)"),
    "dtype": (lambda ct, x: (ct * np.cos(x)).astype(np.float32), "is float32, the argument float"),
    "argument changed": (changes, "changes argument 0 in place"),
    "cotangent changed": (changes_cotangent, "changes the cotangent in place"),
    "not linear": (lambda ct, x: ct**2 * np.cos(x), "not linear in the cotangent"),
    "random": (lambda ct, x: ct * np.cos(x) * generator.normal(), "differs the second time"),
    "nan": (lambda ct, x: ct * np.nan, "got        nan"),
}


@pytest.mark.parametrize(("df", "message"), BY_HAND.values(), ids=BY_HAND)
def test_gradients_by_hand_that_are_wrong(df: Any, message: str) -> None:
    with pytest.raises(GradientMismatch, match=message):
        check_vjp(np.sin, df, X)


def test_gradients_that_do_not_fit_the_arguments() -> None:
    with pytest.raises(UncheckableError, match="the gradients: expected"):
        check_vjp(lambda x, y: np.sum(x * y), lambda x, y: (y,), X, X)
    with pytest.raises(UncheckableError, match="no gradient of argument 1"):
        check_vjp(lambda x, y: np.sum(x * y), lambda x, y: (y, None), X, X)
    with pytest.raises(UncheckableError, match="check_grads a Module"):
        check_vjp(tg.nn.Linear(3, 1, rng=0), lambda x: x, X)


def test_a_function_that_changes_its_argument() -> None:
    def doubled(x: Any) -> Any:
        x *= 2.0
        return np.sum(x)

    with pytest.raises(GradientMismatch, match="changes argument 0 'x' in place"):
        check_vjp(doubled, lambda x: 2.0 + 0 * x, X)


# Oracles


def test_differences_stop_where_a_smaller_step_has_only_more_rounding() -> None:
    steps: list[float] = []

    def seen(f: Any) -> Any:
        return lambda x: steps.append(abs(x - 1.0)) or f(x)

    for f, wanted, most in ((lambda x: 3 * x, 3.0, 4), (np.exp, np.e, 8), (np.sqrt, 0.5, 8)):
        steps.clear()
        slope = richardson(seen(f), [1.0], [1.0])
        assert abs(slope.value - wanted) <= slope.error < 1e-11
        assert len(steps) <= most
    steps.clear()
    richardson(seen(lambda x: np.abs(x - 1.001)), [1.0], [1.0])  # a corner within the first steps
    assert min(steps) < 0.001


@pytest.mark.parametrize("oracle", [complex_step, richardson])
def test_oracles_bound_their_own_error(oracle: Any) -> None:
    for f, slope in ((np.sin, np.cos), (np.exp, np.exp), (np.tanh, lambda x: 1 / np.cosh(x) ** 2)):
        for x in (0.1, 1.0, 2.5):
            found = oracle(f, [x], [1.0])
            assert abs(found.value - slope(x)) <= max(found.error, 1e-15)
            assert found.error < 1e-9


def test_one_sided_slopes() -> None:
    found = explore(lambda t: np.abs(np.array([t, t + 1.0, 2.0 * t - 3.0])))
    np.testing.assert_allclose(found.low, [-1.0, 1.0, -2.0], atol=1e-9)
    np.testing.assert_allclose(found.high, [1.0, 1.0, -2.0], atol=1e-9)
    assert found.kink.tolist() == [True, False, False]


def test_slopes_at_the_edge_of_a_domain() -> None:
    with np.errstate(invalid="ignore"):
        found = explore(lambda t: np.array([np.sqrt(t) ** 3, 1.0 + t if t >= 0 else np.nan]))
    np.testing.assert_allclose(found.low, [0.0, 1.0], atol=1e-6)
    assert not found.kink.any()


@pytest.mark.parametrize("size", [1e-6, 1e-10])
def test_roughness_is_the_noise_that_was_added(size: float) -> None:
    noisy = np.random.default_rng(0)
    found = roughness(lambda t: np.sin(1.0 + t) + size * noisy.normal(size=200))
    assert 0.5 * size < np.median(found) < 2 * size
    assert np.all(roughness(lambda t: np.array([1.0 + t, 7.0])) <= 1e-15)


def test_values_that_go_in_steps_are_rough_though_in_time_with_the_points() -> None:
    step = float(np.spacing(1e7))

    def stairs(t: float) -> Any:
        x = (1.0 + t) * np.array([step / 1.37e-9, step / 3.784e-8, 1e-3, 0.7])
        return (x + 1e7) - 1e7 + x**2

    assert np.all(roughness(stairs) > 0.1 * step)


# Properties


def test_gradients_hold_makes_a_test() -> None:
    @gradients_hold(("m", 3), (3, "n"), ("n",))
    def test_layer(x: Any, W: Any, b: Any) -> Any:
        """A layer."""
        return np.tanh(x @ W + b)

    assert (test_layer.__name__, test_layer.__doc__) == ("test_layer", "A layer.")
    assert test_layer.__code__.co_argcount == 0
    test_layer()


PROPERTIES: dict[str, tuple[Any, Any]] = {
    "negative inputs": (np.sin, lambda ct, out, x: ct * np.where(x >= 0, np.cos(x), 1.0)),
    "nothing in it": (lambda x: 2 * x, lambda ct, out, x: 2 * ct if x.size else np.ones((1, 1))),
    "zero": (np.exp, lambda ct, out, x: ct * np.where(x == 0, 0.0, out)),
    "float32": (np.sin, lambda ct, out, x: ct * np.cos(x) * (1 + 0.01 * (x.dtype == np.float32))),
}


@pytest.mark.parametrize(("f", "vjp"), PROPERTIES.values(), ids=PROPERTIES)
def test_properties_find_what_one_point_may_not_show(f: Any, vjp: Any) -> None:
    broken = tg.differentiable(f, vjp=vjp)
    with pytest.raises(GradientMismatch):
        gradients_hold(("m", "n"), order=1, modes=("vjp",))(lambda x: broken(x))()


def test_two_faults_at_once_are_one_mismatch() -> None:
    pull = lambda ct, out, x: np.abs(ct) if x.size == 1 else 2 * ct
    broken = tg.differentiable(lambda x: 1.0 * x, vjp=pull)
    with pytest.raises(GradientMismatch):
        gradients_hold(("m",), order=1, modes=("vjp",))(lambda x: broken(x))()


def test_modes_that_disagree_at_a_kink_are_found() -> None:
    """Both lie between the sides of the kink, so only the comparison of the two can tell."""
    f = tg.differentiable(
        np.abs,
        vjp=lambda ct, out, x: ct * np.where(x == 0, 1.0, np.sign(x)),
        jvp=lambda ts, out, x: ts[0] * np.where(x == 0, -1.0, np.sign(x)),
    )
    check_grads(f, np.zeros(1), order=1)
    with pytest.raises(GradientMismatch, match="reverse and forward mode disagree"):
        gradients_hold((1,), domain=(0.0, 1e-300), order=1)(lambda x: f(x))()


def test_what_a_function_refuses_does_not_count() -> None:
    gradients_hold(("m",))(lambda x: np.max(x))()
    gradients_hold(("m",), domain=(-1.0, 2.0))(lambda x: np.log(x))()
    with pytest.raises(UncheckableError, match="accepts none of the arguments"):
        gradients_hold((2,), domain=(-2.0, -1.0))(lambda x: np.log(x))()


def test_shapes_that_broadcast_are_drawn_without_any() -> None:
    gradients_hold()(lambda x, y: np.logaddexp(x, y))()


# Functions that read one triangle

MATRIX = np.array([[3.0, 0.4, -0.2], [0.4, 2.0, 0.7], [-0.2, 0.7, 4.0]])
HERMITIAN = MATRIX + 1j * np.array([[0.0, 0.3, 0.1], [-0.3, 0.0, -0.2], [-0.1, 0.2, 0.0]])


@pytest.mark.parametrize("a", [MATRIX, np.stack([MATRIX, 2 * MATRIX]), HERMITIAN, np.tril(MATRIX)])
@pytest.mark.parametrize(
    "f",
    [
        np.linalg.eigvalsh,
        np.linalg.cholesky,
        lambda a: np.abs(np.linalg.eigh(a)[1]),
        lambda a: np.linalg.cholesky(a) + np.sum(a),
    ],
    ids=["eigvalsh", "cholesky", "eigh", "beside another use"],
)
def test_a_matrix_of_which_one_triangle_is_read_moves_symmetrically(f: Any, a: Any) -> None:
    assert check_grads(f, a).entries == a.size * (1 + np.iscomplexobj(a))


@pytest.mark.parametrize("a", [MATRIX, HERMITIAN], ids=["symmetric", "Hermitian"])
@pytest.mark.parametrize(
    "f",
    [
        lambda a: np.linalg.cholesky(3 * a + np.eye(3)),
        lambda a: np.linalg.eigvalsh(np.eye(3) - np.linalg.inv(a)),
        lambda a: np.abs(np.linalg.pinv(a, hermitian=True)),
        lambda a: np.linalg.svd(a, compute_uv=False, hermitian=True),
        lambda a: np.linalg.cholesky(a @ np.conj(np.swapaxes(a, -1, -2))),
        lambda a: np.linalg.cholesky(a @ a),
    ],
    ids=["jitter", "of an inverse", "pinv", "svd", "symmetric anyway", "a square"],
)
def test_a_matrix_moves_symmetrically_where_only_that_keeps_symmetric_what_is_read(
    f: Any, a: Any
) -> None:
    assert check_grads(f, a).entries == a.size * (1 + np.iscomplexobj(a))


def test_what_is_wrong_in_symmetric_directions_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    rule = TABLE["eigvalsh"]
    pull = rule.pulls[0]
    monkeypatch.setattr(rule, "pulls", (lambda ct, *saved: 1.5 * pull(ct, *saved),))
    with pytest.raises(GradientMismatch, match=r"1\.5 times"):
        check_grads(np.linalg.eigvalsh, MATRIX)


@pytest.mark.parametrize("f", [np.sqrt, np.arcsin])
def test_an_infinite_slope_of_float32_equals_that_of_float64(f: Any) -> None:
    edge = np.float32(0.0 if f is np.sqrt else 1.0)
    assert check_grads(f, np.array([edge, 0.5], np.float32)).kinks


def test_no_second_derivative_beside_a_vertical_tangent_may_be_nan() -> None:
    assert check_grads(np.power, np.array(0.0), np.array(1.0)).order == 2


@pytest.mark.parametrize(
    "f",
    [lambda a, b: np.linalg.pinv(a) @ b, lambda a, b: np.linalg.lstsq(a, b, rcond=None)[0]],
    ids=["pinv", "lstsq"],
)
def test_a_complex_step_that_is_right_at_the_point_alone_is_not_differentiated(f: Any) -> None:
    a = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
    report = check_grads(lambda a: f(a, a @ np.array([1.0, 2.0])), a)  # b is in a's range
    assert report.order == 2
    b = np.array([1.0, 2.0, 3.0])  # so is this
    assert check_grads(lambda a: f(a, b), a).order == 2
