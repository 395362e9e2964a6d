"""What is said where a tracked Tensor would leave the graph names the call and its remedy."""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from extras import extra
from leaves import leaf
from numpy.polynomial import Chebyshev, Hermite, HermiteE, Laguerre, Legendre, Polynomial

import tinygrad_bp as tg
from tinygrad_bp.engine import refusals
from tinygrad_bp.engine.refusals import BASES
from tinygrad_bp.errors import DTypeError, TrackedTensorError

W = leaf([[1.0, 2.0], [3.0, 4.0]])
a, b = leaf(1.5), leaf(2.5)


def part() -> None:
    plain = np.zeros((4, 4))
    plain[:2, :2] = W


def over_two_lines() -> None:
    np.array(
        [[a, b], [0, a]],
    )


def library(x: Any) -> Any:
    return np.asarray(x)  # as a function without a rule does


CALLS: dict[str, tuple[Callable[[], Any], str, str]] = {
    "assignment": (part, "plain array", r"np\.zeros\(shape, like=tensor\)"),
    "array": (lambda: np.array([a, b]), r"np\.array", "like=tensor"),
    "array-2": (over_two_lines, r"np\.array", "like=tensor"),
    "asarray": (lambda: np.asarray(W), r"np\.asarray", "like=tensor"),
    "of a call": (
        lambda: np.random.default_rng(0).choice(W[0]),
        r"^np\.random\.default_rng\(0\)\.choice",
        "draw plain numbers",
    ),
    "math": (lambda: math.exp(a), r"math\.exp", r"np\.exp"),
    "float": (lambda: float(a), "float", r"\.item\(\)"),
    "int": (lambda: int(a), "int", r"\.item\(\)"),
    "round": (lambda: round(a, 2), "round", r"\.item\(\)"),
    "elsewhere": (
        lambda: "%.3f" % a,  # noqa: UP031
        "float",
        r"\.item\(\)|tg\.differentiable",
    ),
    "unknown": (lambda: library(W), "asarray", "like=tensor"),
    "full": (lambda: np.full((2, 2), a), r"np\.full", r"np\.full\(shape, tensor, like=tensor\)"),
    "vectorize": (lambda: np.vectorize(lambda v: v)(W), r"np\.vectorize", r"tg\.vmap"),
}


@pytest.mark.parametrize("call", CALLS)
def test_the_call_and_its_remedy_are_named(call: str) -> None:
    function, name, remedy = CALLS[call]
    with pytest.raises(TrackedTensorError, match=f"(?s){name}.*{remedy}") as caught:
        function()
    assert len(str(caught.value)) < 220  # one sentence, not a list of everything


def test_a_number_put_into_a_plain_array_has_the_remedy_in_its_cause() -> None:
    plain = np.zeros(3)
    with pytest.raises(ValueError) as caught:  # noqa: PT011  # NumPy's own, of all sequences
        plain[0] = a
    assert "np.zeros(shape, like=tensor)" in str(caught.value.__cause__)


def test_functions_of_scipy_have_twins() -> None:
    special = extra("scipy.special")
    with pytest.raises(TrackedTensorError, match=r"use tg\.logsumexp"):
        special.logsumexp(W)
    with pytest.raises(TrackedTensorError, match=r"use tg\.softmax"):
        special.softmax(W, axis=0)


def test_what_draws_scores_and_minimizes_is_told_what_to_take() -> None:
    plt = extra("matplotlib.figure").Figure().subplots()
    for draw in (plt.plot, plt.bar, plt.hist):
        with pytest.raises(TrackedTensorError, match=r"\.item\(\)"):
            draw([a, b], [a, b])
    log_loss = extra("sklearn.metrics").log_loss
    with pytest.raises(TrackedTensorError, match=r"pass \.numpy\(\)"):
        log_loss([0, 1], W[0])
    minimize = extra("scipy.optimize").minimize
    with pytest.raises(ValueError) as caught:  # noqa: PT011  # SciPy's, with ours as its cause
        minimize(lambda x: np.sum((x * W) ** 2), np.zeros(2))
    assert re.search(r"tg\.value_and_grad\(f\) and jac=True", str(caught.value.__cause__))


class Frame:
    """As a data frame: it leaves its operators to what has a higher priority."""

    def __add__(self, other: Any) -> Any:
        return NotImplemented if other.__pandas_priority__ > 4000 else np.asarray(other)

    def to_numpy(self) -> Any:
        return np.ones(2)


def test_a_data_frame_is_told_to_become_an_array() -> None:
    with pytest.raises(DTypeError, match=r"to_numpy\(\)"):
        Frame() + W
    assert refusals.LIBRARY_REMEDIES["pandas"].endswith("df.to_numpy() @ W")


def test_a_frame_of_other_text_is_no_trouble() -> None:
    """Code without a file: nothing can be read, and the error is the same kind."""
    scope = {"np": np, "W": W}
    with pytest.raises(TrackedTensorError, match=r"numpy\.asarray took"):
        exec("np.asarray(W)", scope)  # noqa: S102  # what a console does


def test_the_shape_stays() -> None:
    with pytest.raises(TrackedTensorError, match=r"x\.reshape\(\(4,\)\)"):
        W.shape = (4,)  # type: ignore[misc]
    with pytest.raises(TrackedTensorError, match="leave it out of the optimizer"):
        W.requires_grad = False


def test_the_gradient_of_what_is_no_leaf() -> None:
    assert W.grad is None
    with pytest.raises(TrackedTensorError, match=r"no leaf.*tg\.gradients"):
        _ = (W * 2).grad


def test_a_table_of_another_library_says_how() -> None:
    class Table:
        def to_numpy(self) -> Any:
            return np.eye(2)

    with pytest.raises(TypeError, match=r"\.to_numpy\(\)"):
        W * Table()


OTHER = np.array([[2.0, 1.0], [0.5, 2.0]])
IN_PLACE = {
    name: getattr(operator, name)
    for name in ("iadd", "isub", "imul", "itruediv", "ifloordiv", "imod", "ipow", "imatmul")
}


@pytest.mark.parametrize("name", IN_PLACE)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_parameter_is_updated_in_place_where_nothing_is_recorded(name: str, dtype: Any) -> None:
    """Over a loop variable, ``p -= lr * p.grad`` would else change the variable alone."""
    value = np.array([[1.5, -2.0], [0.5, 4.0]], dtype)
    p = tg.tensor(value, requires_grad=True)
    loss = np.sum(p * p)
    with tg.no_grad():
        for q in [p]:
            held = IN_PLACE[name](q, OTHER)
    expected = getattr(operator, name[1:])(value.astype(dtype), OTHER).astype(dtype)
    assert held is p
    assert p.requires_grad
    assert p.dtype == dtype
    np.testing.assert_array_equal(p.detach(), expected)
    loss.backward()
    np.testing.assert_array_equal(p.grad.numpy(), 2 * value)  # the graph's own copy is untouched


def test_a_result_that_does_not_fit_leaves_the_parameter() -> None:
    p = leaf([1.0, 2.0])
    with tg.no_grad(), pytest.raises(ValueError, match="broadcast"):
        p += np.ones((3, 2))
    assert p.tolist() == [1.0, 2.0]


def test_elsewhere_the_name_is_bound_anew() -> None:
    p = leaf([1.0, 2.0])
    q = p
    q *= 3.0
    assert q is not p
    np.sum(q).backward()
    assert p.grad.tolist() == [3.0, 3.0]
    with tg.no_grad():
        plain = tg.tensor([1.0])
        other = plain
        other += 1.0
    assert (plain.item(), other.item()) == (1.0, 2.0)


def test_gradient_descent_over_a_loop_variable() -> None:
    w = leaf([3.0, -4.0])
    for _ in range(50):
        loss = np.sum(w * w)
        loss.backward()
        with tg.no_grad():
            for p in [w]:
                p -= 0.2 * p.grad
                p.zero_grad()
    assert loss.item() < 1e-15


EINSUMS: list[tuple[Any, ...]] = [
    ((2, 3), [0, 1], [0]),
    ((2, 3), [1, 0]),
    ((2, 3), [3, 26], (3, 4), [26, 5], [5, 3]),
    ((2, 3), [30, 2], (3,), [2]),
    ((3, 3), [7, 7]),
    ((2, 3, 3), [Ellipsis, 1, 1], [Ellipsis]),
    ((2, 3), [0, 51], (2,), [0], (3,), [51], []),
]


@pytest.mark.parametrize("call", EINSUMS, ids=repr)
def test_einsum_takes_axis_numbers(call: tuple[Any, ...]) -> None:
    rng = np.random.default_rng(0)
    plain = [rng.normal(size=one) if isinstance(one, tuple) else one for one in call]
    given = [leaf(one) if isinstance(one, np.ndarray) else one for one in plain]
    out = np.einsum(*given)
    np.testing.assert_allclose(out.detach(), np.einsum(*plain), rtol=1e-14)
    weight = rng.normal(size=out.shape)
    np.sum(out * weight).backward()
    for i, x in enumerate(plain):
        if isinstance(x, np.ndarray):  # linear in each operand: its own slope gives the value
            total = np.sum(given[i].grad.numpy() * x)
            np.testing.assert_allclose(total, np.sum(np.einsum(*plain) * weight), rtol=1e-12)


@pytest.mark.parametrize("axes", [[0, 52], [0, -1], [0, "a"], 5])
def test_axis_numbers_out_of_range_are_refused(axes: Any) -> None:
    with pytest.raises(tg.TinygradError, match="0 to 51"):
        np.einsum(W, axes)


# numpy.polynomial: what the message says is what the function does

X = np.linspace(0.1, 0.9, 5)
CLASSES = {
    "polynomial": Polynomial,
    "chebyshev": Chebyshev,
    "legendre": Legendre,
    "hermite": Hermite,
    "hermite_e": HermiteE,
    "laguerre": Laguerre,
}
MODULES = {name: getattr(np.polynomial, name) for name in CLASSES}


def series() -> dict[str, tuple[Callable[..., Any], dict[str, Any], str]]:
    """Return calls, what they are called with (the names of the messages), and what is tracked."""
    c, calls = np.array([0.5, -1.0, 2.0, 0.3]), {}
    for name, module in MODULES.items():
        prefix, kind = BASES[name], CLASSES[name]
        value, fit = getattr(module, f"{prefix}val"), getattr(module, f"{prefix}fit")
        p = kind(c, domain=[-3, 2])
        calls[f"{prefix}val"] = value, {"x": X, "c": c}, "c"
        calls[f"{prefix}fit"] = fit, {"x": X, "y": X**3, "deg": 2}, "y"
        calls[kind.__name__] = (lambda x, c, kind=kind: kind(c)(x)), {"x": X, "c": c}, "c"
        calls[f"{kind.__name__} at x"] = (lambda x, p: p(x)), {"x": X, "p": p}, "x"
    power = MODULES["polynomial"]
    for name in ("polyadd", "polysub", "polymul"):
        calls[name] = getattr(power, name), {"c1": c, "c2": c[:2] + 1}, "c2"
    calls["polyroots"] = power.polyroots, {"c": np.array([2.0, -3.0, 1.0])}, "c"
    calls["polyfromroots"] = power.polyfromroots, {"roots": c}, "roots"
    calls["polyvander"] = power.polyvander, {"x": X, "deg": 3}, "x"
    calls["polyder"] = power.polyder, {"c": c, "m": 2}, "c"
    calls["polyint"] = power.polyint, {"c": c, "m": 2}, "c"
    return calls


SERIES = series()


@pytest.mark.parametrize("name", SERIES)
def test_what_the_refusal_of_a_series_says_gives_its_values_and_is_tracked(name: str) -> None:
    function, values, tracked = SERIES[name]
    wanted = function(**values)
    values = values | {tracked: leaf(values[tracked])}
    with pytest.raises(TrackedTensorError, match="write ") as caught:
        function(**values)
    assert len(str(caught.value)) < 220
    remedy = re.search(r"write (.*?)(?: for .*)?$", str(caught.value))
    assert remedy is not None
    out = eval(remedy[1], {"np": np, **MODULES, **values})  # noqa: S307  # our own message
    assert out.requires_grad
    order = np.argsort if name == "polyroots" else lambda w: slice(None)
    got = out.detach().numpy()
    np.testing.assert_allclose(got[order(got)], wanted[order(wanted)], rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("name", ["chebadd", "lagder", "hermeroots", "legval2d"])
def test_every_other_function_of_a_series_names_what_evaluates_it(name: str) -> None:
    module = next(m for m in MODULES.values() if hasattr(m, name))
    c = leaf(np.ones((2, 2)) if name.endswith("2d") else np.ones(3))
    arguments = {"chebadd": (c, c), "legval2d": (0.5, 0.5, c)}.get(name, (c,))
    with pytest.raises(TrackedTensorError, match=rf"{name} took .*vander\("):
        getattr(module, name)(*arguments)


def test_a_function_of_scipy_without_a_rule_names_how_it_gets_one() -> None:
    linalg = pytest.importorskip("scipy.linalg")
    with pytest.raises(TrackedTensorError, match=r"linalg\.expm .*tg\.differentiable"):
        linalg.expm(W)
    special = pytest.importorskip("scipy.special")
    with pytest.raises(TypeError, match=r"scipy\.special\.ellipk .*tg\.differentiable"):
        special.ellipk(a)
