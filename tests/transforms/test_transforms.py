"""`grad`, `value_and_grad`, `vjp` and grad mode: what goes in, what comes out, nesting."""

from __future__ import annotations

import asyncio
import math
import threading
from collections import OrderedDict, defaultdict, namedtuple
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from leaves import leaf
from oracles import same
from sampling import directions
from together import together

import tinygrad_bp as tg
from tinygrad_bp.engine.containers import flatten
from tinygrad_bp.errors import DTypeError, GraphError
from tinygrad_bp.testing.oracles import complex_step, pairing

Pair = namedtuple("Pair", ["weight", "bias"])  # noqa: PYI024


def nth(f: Callable[..., Any], order: int) -> Callable[..., Any]:
    for _ in range(order):
        f = tg.grad(f)
    return f


# Derivatives 1 to 4 against closed forms


def falling(p: float, n: int) -> float:
    return math.prod(p - k for k in range(n))


CLOSED: dict[str, tuple[Callable[[Any], Any], Callable[[float, int], float]]] = {
    "sin(2x)": (lambda x: np.sin(2 * x), lambda x, n: 2**n * math.sin(2 * x + n * math.pi / 2)),
    "exp(-x/2)": (lambda x: np.exp(-x / 2), lambda x, n: (-0.5) ** n * math.exp(-x / 2)),
    "x exp(x)": (lambda x: x * np.exp(x), lambda x, n: (x + n) * math.exp(x)),
    "log": (np.log, lambda x, n: (-1) ** (n - 1) * math.factorial(n - 1) / x**n),
    "sqrt": (np.sqrt, lambda x, n: falling(0.5, n) * x ** (0.5 - n)),
    "x**3.5": (lambda x: x**3.5, lambda x, n: falling(3.5, n) * x ** (3.5 - n)),
    "x**5": (lambda x: x**5, lambda x, n: falling(5, n) * x ** (5 - n)),
    "1/(1+x)": (
        lambda x: 1 / (1 + x),
        lambda x, n: (-1) ** n * math.factorial(n) / (1 + x) ** (n + 1),
    ),
    "reciprocal": (np.reciprocal, lambda x, n: (-1) ** n * math.factorial(n) / x ** (n + 1)),
    "2**x": (lambda x: 2.0**x, lambda x, n: math.log(2) ** n * 2**x),
    "exp2": (np.exp2, lambda x, n: math.log(2) ** n * 2**x),
    "sinh": (np.sinh, lambda x, n: math.cosh(x) if n % 2 else math.sinh(x)),
    "cosh(x)**2": (
        lambda x: np.cosh(x) ** 2,
        lambda x, n: 2 ** (n - 1) * (math.sinh(2 * x) if n % 2 else math.cosh(2 * x)),
    ),
    "exp(sin)": (lambda x: np.exp(np.sin(x)), None),
    "tanh": (np.tanh, None),
    "sigmoid": (tg.sigmoid, None),
    "softplus": (tg.softplus, None),
    "logaddexp(x, 0)": (lambda x: np.logaddexp(x, 0.0), None),
    "arctan2(x, 1)": (lambda x: np.arctan2(x, 1.0), None),
    "arctan": (np.arctan, None),
    "tan": (np.tan, None),
    "arctan2 of a circle": (lambda x: np.arctan2(np.sin(x), np.cos(x)), lambda x, n: float(n == 1)),
    "hypot of a circle": (lambda x: np.hypot(3 * np.sin(x), 3 * np.cos(x)), lambda x, n: 0.0),
    "log of exp": (lambda x: np.log(np.exp(3 * x)), lambda x, n: 3.0 * (n == 1)),
    "cbrt(x)**3": (lambda x: np.cbrt(x) ** 3, lambda x, n: float(n == 1)),
}


def closed(name: str, x: float, n: int) -> float:
    """Return the n-th derivative of a function at x, from formulas that need a case each."""
    s, t, sg = math.sin(x), math.tanh(x), 1 / (1 + math.exp(-x))
    c, tn, q = math.cos(x), math.tan(x), 1 + x * x
    logistic = (
        sg * (1 - sg),
        sg * (1 - sg) * (1 - 2 * sg),
        sg * (1 - sg) * (1 - 6 * sg + 6 * sg * sg),
        sg * (1 - sg) * (1 - 2 * sg) * (1 - 12 * sg + 12 * sg * sg),
    )
    arctangent = (
        1 / q,
        -2 * x / q**2,
        (6 * x * x - 2) / q**3,
        24 * x * (1 - x * x) / q**4,
    )
    u = 1 - t * t
    v = 1 + tn * tn
    forms = {
        "exp(sin)": tuple(
            math.exp(s) * one
            for one in (
                c,
                c * c - s,
                c**3 - 3 * s * c - c,
                c**4 - 6 * s * c * c - 4 * c * c + 3 * s * s + s,
            )
        ),
        "tanh": (u, -2 * t * u, u * (6 * t * t - 2), u * (16 * t - 24 * t**3)),
        "tan": (v, 2 * tn * v, v * (6 * tn * tn + 2), v * (16 * tn + 24 * tn**3)),
        "sigmoid": logistic,
        "softplus": (sg, *logistic[:3]),
        "logaddexp(x, 0)": (sg, *logistic[:3]),
        "arctan": arctangent,
        "arctan2(x, 1)": arctangent,
    }
    return forms[name][n - 1]


@together
@pytest.mark.parametrize("order", [1, 2, 3, 4])
@pytest.mark.parametrize("name", CLOSED)
def test_derivatives_of_compositions_against_closed_forms(name: str, order: int) -> None:
    f, form = CLOSED[name]
    for x in (0.3, 0.8, 1.2):
        wanted = form(x, order) if form else closed(name, x, order)
        # each order adds a few roundings of numbers up to the size of the terms that cancel
        assert nth(f, order)(x) == pytest.approx(wanted, rel=1e-11, abs=1e-11 * 10**order)


@pytest.mark.parametrize("order", [1, 2, 3, 4])
def test_derivatives_by_gradients_with_create_graph(order: int) -> None:
    x = leaf(0.7)
    y = np.sin(x) * np.exp(x)
    for _ in range(order):
        y = tg.gradients(y, x, create_graph=True)
    wanted = 2 ** (order / 2) * math.exp(0.7) * math.sin(0.7 + order * math.pi / 4)
    assert y.item() == pytest.approx(wanted, rel=1e-13)


def test_hessian_of_a_matrix_function() -> None:
    rng = np.random.default_rng(0)
    A = rng.normal(size=(4, 4))
    x = rng.normal(size=4)

    def f(x: Any) -> Any:
        return np.sum(np.sin(A @ x)) + 0.5 * (x @ A @ x)

    rows = [tg.grad(lambda x, i=i: tg.grad(f)(x)[i])(x) for i in range(4)]
    wanted = -A.T @ np.diag(np.sin(A @ x)) @ A + 0.5 * (A + A.T)
    np.testing.assert_allclose(rows, wanted, rtol=1e-12, atol=1e-13)


# What goes in and what comes out


def test_arrays_in_arrays_out() -> None:
    value, g = tg.value_and_grad(lambda x: np.sum(x * x))(np.array([1.0, 2.0]))
    assert type(g) is np.ndarray
    assert not isinstance(value, tg.Tensor)
    assert (value, g.tolist()) == (5.0, [2.0, 4.0])


@pytest.mark.parametrize("x", [2.0, np.float64(2.0), np.array(2.0), np.float32(2.0)], ids=repr)
def test_scalars(x: Any) -> None:
    g = tg.grad(lambda x: x * x * x)(x)
    assert g == 12.0
    assert np.shape(g) == ()
    assert np.asarray(g).dtype == (np.float32 if isinstance(x, np.float32) else np.float64)


def test_tensors_in_tensors_out() -> None:
    x = tg.tensor([1.0, 2.0])
    value, g = tg.value_and_grad(lambda x: np.sum(x * x))(x)
    assert type(value) is type(g) is tg.Tensor
    assert not (value.requires_grad or g.requires_grad)  # noqa: PT018
    assert g.tolist() == [2.0, 4.0]
    tracked = leaf([1.0, 2.0])
    g = tg.grad(lambda x: np.sum(x * x * x))(tracked)
    assert g.requires_grad
    np.sum(g).backward()
    assert tracked.grad.tolist() == [6.0, 12.0]


def test_lists_are_containers_of_scalars() -> None:
    assert tg.grad(lambda xs: xs[0] * xs[1])([2.0, 3.0]) == [3.0, 2.0]


def test_nested_containers() -> None:
    params = {
        "layers": [Pair(np.ones((2, 3)), np.zeros(3)), Pair(np.ones((3, 1)), np.zeros(1))],
        "scale": 2.0,
        "empty": (),
    }
    x = np.array([[0.5, -1.0]])

    def loss(params: Any) -> Any:
        a = x
        for layer in params["layers"]:
            a = np.tanh(a @ layer.weight + layer.bias)
        return params["scale"] * np.sum(a)

    value, g = tg.value_and_grad(loss)(params)
    assert list(g) == list(params)
    assert type(g["layers"]) is list
    assert type(g["layers"][0]) is Pair
    assert g["empty"] == ()
    assert g["layers"][0].weight.shape == (2, 3)
    assert g["scale"] == pytest.approx(value / 2.0)
    arrays = [params["layers"][0].weight, params["layers"][0].bias, params["layers"][1].weight]
    tangents = directions(arrays)

    def moved(w: Any, b: Any, v: Any) -> Any:
        return loss({"layers": [Pair(w, b), Pair(v, np.zeros(1))], "scale": 2.0})

    slope = complex_step(moved, arrays, tangents)
    found = pairing([g["layers"][0].weight, g["layers"][0].bias, g["layers"][1].weight], tangents)
    assert found == pytest.approx(slope.value, rel=1e-13)


@pytest.mark.parametrize("wrapper", [tuple, list])
def test_argnums(wrapper: Any) -> None:
    def f(x: Any, y: Any, *, z: Any = 1.0) -> Any:
        return x * x * y * z

    assert tg.grad(f)(3.0, 5.0) == 30.0
    assert tg.grad(f, argnums=1)(3.0, 5.0) == 9.0
    assert tg.grad(f, argnums=wrapper((1, 0)))(3.0, 5.0, z=2.0) == (18.0, 60.0)
    assert tg.grad(f, argnums=(0,))(3.0, 5.0) == (30.0,)
    assert tg.grad(f, -1)(3.0, 5.0) == 9.0
    value, (g,) = tg.value_and_grad(f, wrapper([0]))(3.0, 5.0)
    assert (value, g) == (45.0, 30.0)


def test_numpy_integers_as_argnums() -> None:
    assert tg.grad(lambda x, y: x * y, argnums=np.int64(1))(3.0, 5.0) == 3.0


def test_arguments_that_are_not_differentiated_pass_through() -> None:
    seen = []

    def f(x: Any, mode: Any, table: Any) -> Any:
        seen.append((mode, table))
        return x * table["k"]

    table = {"k": 2}
    assert tg.grad(f)(1.0, "mode", table) == 2.0
    assert seen == [("mode", table)]
    assert seen[0][1] is table


def test_unreached_arguments_get_zeros() -> None:
    g = tg.grad(lambda x, y: np.sum(x), argnums=(0, 1))(np.ones(2), np.ones((2, 3), np.float32))
    same(g[1], np.zeros((2, 3), np.float32))
    assert tg.grad(lambda x: 3.0)(1.0) == 0.0
    assert tg.grad(lambda x: np.sum(np.sign(x)))(np.ones(2)).tolist() == [0.0, 0.0]


def test_the_function_keeps_its_name() -> None:
    def loss(x: Any) -> Any:
        """Say what it is."""
        return x

    assert tg.grad(loss).__name__ == "loss"
    assert tg.value_and_grad(loss).__doc__ == "Say what it is."


@pytest.mark.parametrize("wrong", [2, True, np.arange(3), [1, 2], np.int8(1)], ids=repr)
def test_integers_are_refused(wrong: Any) -> None:
    with pytest.raises(DTypeError, match=r"grad.*(2\.0|astype)"):
        tg.grad(lambda x: np.sum(np.stack(x) if isinstance(x, list) else x))(wrong)


def test_a_non_scalar_result_is_refused() -> None:
    with pytest.raises(GraphError, match=r"\(3,\).*(sum|vjp)"):
        tg.grad(lambda x: x)(np.ones(3))
    with pytest.raises(GraphError, match=r"\(1,\)"):
        tg.grad(lambda x: x)(np.ones(1))


def test_exceptions_pass_through_and_leave_the_mode_alone() -> None:
    def fail(x: Any) -> Any:
        raise KeyError("mine")

    with tg.no_grad():
        with pytest.raises(KeyError, match="mine"):
            tg.grad(fail)(1.0)
        assert not (leaf() * 2).requires_grad
    assert (leaf() * 2).requires_grad


def test_grad_works_where_recording_is_off() -> None:
    with tg.no_grad():
        assert tg.grad(lambda x: x * x)(3.0) == 6.0
        assert tg.grad(tg.grad(lambda x: x**3))(3.0) == 18.0
        value, pull = tg.vjp(np.sin, 0.5)
        assert pull(1.0) == (np.cos(0.5),)
        assert value == np.sin(0.5)


# Aliasing


def test_gradients_are_writeable_and_alias_nothing() -> None:
    x, y = np.ones(3), np.ones(3)
    for f in (
        lambda x, y: np.sum(x + y),
        lambda x, y: np.sum(x) + np.sum(y),
        lambda x, y: np.sum(x - y),
        lambda x, y: x @ y,
        lambda x, y: np.sum(np.broadcast_to(x, (2, 3))) + 0 * y[0],
        lambda x, y: np.sum(x[::-1]) + np.sum(np.reshape(y, (3, 1)).T),
    ):
        gx, gy = tg.grad(f, (0, 1))(x, y)
        for one in (gx, gy):
            assert one.flags.writeable
            one += 1.0
            assert not np.shares_memory(one, x)
            assert not np.shares_memory(one, y)
        assert not np.shares_memory(gx, gy)
    assert x.tolist() == y.tolist() == [1.0] * 3


def test_cotangents_handed_out_alias_neither_each_other_nor_the_one_given() -> None:
    x, y, ct = np.ones(3), np.ones(3), np.ones(3)
    value, pull = tg.vjp(lambda x, y: (x + y, x), x, y)
    assert value[1] is not x
    for _ in range(2):
        gx, gy = pull((ct, ct))
        gx[:] = 7.0
        gy[:] = 8.0
        assert ct.tolist() == [1.0] * 3
        assert not np.shares_memory(gx, gy)
    value[0][:] = 0.0
    value[1][:] = 0.0
    gx, gy = pull((ct, 2 * ct))
    assert (gx.tolist(), gy.tolist()) == ([3.0] * 3, [1.0] * 3)


def test_values_handed_out_are_writeable_and_not_the_residuals() -> None:
    x = np.array([0.5, 1.0])
    value, pull = tg.vjp(np.exp, x)
    wanted = value.copy()
    value[:] = 0.0
    x[:] = 9.0
    np.testing.assert_allclose(pull(np.ones(2))[0], wanted)


def test_an_identity_returns_no_alias() -> None:
    x = np.ones(2)
    value, pull = tg.vjp(lambda x: x, x)
    value[0] = 5.0
    assert x[0] == 1.0
    ct = np.ones(2)
    (g,) = pull(ct)
    g[0] = 5.0
    assert ct[0] == 1.0


# vjp


def test_vjp_with_containers_and_several_results() -> None:
    def f(params: Any, x: Any) -> Any:
        h = np.tanh(x @ params["W"])
        return {"hidden": h, "norm": [np.sum(h * h), x.shape[0]]}

    W, x = np.array([[0.1, 0.2], [0.3, -0.4]]), np.array([[1.0, 2.0], [0.5, 0.1], [0.0, 1.0]])
    value, pull = tg.vjp(f, {"W": W}, x)
    assert list(value) == ["hidden", "norm"]
    assert value["norm"][1] == 3
    ct = np.ones((3, 2))
    params, part = pull({"hidden": ct, "norm": [2.0, 0.0]})
    h = np.tanh(x @ W)
    inner = (ct + 4.0 * h) * (1 - h * h)
    same(params["W"], x.T @ inner)
    same(part, inner @ W.T)


def test_pull_can_be_called_again() -> None:
    _, pull = tg.vjp(np.sin, np.array([0.1, 0.2]))
    assert (
        pull(np.ones(2))[0].tolist() == pull(np.ones(2))[0].tolist() == np.cos([0.1, 0.2]).tolist()
    )


def test_the_same_tensor_as_two_results() -> None:
    def f(x: Any) -> Any:
        y = x * 3
        return y, y, x

    _, pull = tg.vjp(f, 1.0)
    assert pull((1.0, 10.0, 100.0)) == (133.0,)


def test_vjp_refuses_cotangents_that_do_not_fit() -> None:
    _, pull = tg.vjp(lambda x: (x, x * 2), np.ones(2))
    with pytest.raises(GraphError, match="cotangents: expected a tuple of 2, got one ndarray"):
        pull(np.ones(2))
    with pytest.raises(GraphError, match=r"\(3,\).*\(2,\)"):
        pull((np.ones(2), np.ones(3)))


def test_vjp_of_a_constant() -> None:
    value, pull = tg.vjp(lambda x: np.ones(2), np.ones(3))
    assert value.tolist() == [1.0, 1.0]
    assert pull(np.ones(2))[0].tolist() == [0.0] * 3


def test_a_tracked_cotangent_is_differentiated() -> None:
    """The transpose of the transpose: a jvp from two vjps (Townsend 2017)."""
    x, t = np.array([0.3, 0.7]), np.array([1.0, -2.0])
    _, pull = tg.vjp(lambda x: np.sin(x) * x[::-1], x)
    _, push = tg.vjp(lambda ct: pull(ct)[0], np.zeros(2))
    slope = complex_step(lambda x: np.sin(x) * x[::-1], [x], [t])
    np.testing.assert_allclose(push(t)[0], slope.value, rtol=1e-14)


# Nesting and captured values


def test_grad_of_grad_over_two_arguments() -> None:
    def f(x: Any, y: Any) -> Any:
        return x**3 * y**2

    assert tg.grad(tg.grad(f, 0), 1)(2.0, 3.0) == pytest.approx(3 * 4 * 2 * 3)
    assert tg.grad(tg.grad(f, 1), 0)(2.0, 3.0) == pytest.approx(3 * 4 * 2 * 3)


def test_no_perturbation_confusion() -> None:
    """Siskind & Pearlmutter (2005): d/dx [x d/dy (x + y)] is 1, not 2."""
    assert tg.grad(lambda x: x * tg.grad(lambda y: x + y)(1.0))(1.0) == 1.0
    assert tg.grad(lambda x: x * tg.grad(lambda y: x * y)(2.0))(3.0) == 6.0
    assert tg.grad(lambda x: tg.grad(lambda y: y * y * x)(x))(3.0) == 12.0


def test_an_inner_gradient_by_a_captured_tensor() -> None:
    w = leaf([0.5, -1.0])
    g = tg.grad(lambda x: np.sum(np.sin(w * x)))(np.array([1.0, 2.0]))
    assert type(g) is tg.Tensor
    assert g.requires_grad
    np.sum(g).backward()
    x, a = np.array([1.0, 2.0]), np.array([0.5, -1.0])
    np.testing.assert_allclose(w.grad.numpy(), np.cos(a * x) - a * x * np.sin(a * x))


def test_a_value_that_depends_on_a_captured_tensor_stays_tracked() -> None:
    w = leaf(3.0)
    value, g = tg.value_and_grad(lambda x: w * x)(2.0)
    assert isinstance(value, tg.Tensor)
    value.backward()
    assert w.grad.item() == 2.0
    assert float(g.item()) == 3.0
    with tg.no_grad():
        assert not isinstance(tg.grad(lambda x: (w * x * x).detach() + x)(2.0), tg.Tensor)


def test_a_leaf_made_inside_is_outside() -> None:
    made = []

    def f(x: Any) -> Any:
        made.append(leaf(3.0))
        return made[-1] * x

    value, g = tg.value_and_grad(f)(2.0)
    value.backward()
    g.backward()
    assert made[0].grad.item() == 2.0 + 1.0


def test_a_captured_tensor_gets_nothing_by_itself() -> None:
    w = leaf(3.0)
    tg.grad(lambda x: w * x * x)(2.0)
    assert w.grad is None


def test_a_tracked_argument_is_differentiated_through() -> None:
    w = leaf(2.0)
    h = w * 3  # interior
    g = tg.grad(lambda x: x**3)(h)
    g.backward()
    assert w.grad.item() == pytest.approx(6 * 6.0 * 3)


def test_the_same_tracked_tensor_inside_and_outside() -> None:
    w = leaf(2.0)
    g = tg.grad(lambda x: x * x * w)(w)  # 2 x w at x = w: its derivative by w is 4 w
    assert g.item() == 8.0
    g.backward()
    assert w.grad.item() == 8.0


def test_backward_inside_a_differentiated_function_is_local() -> None:
    def inner(x: Any) -> Any:
        t = leaf(2.0)
        (t * t).backward()
        return x * t.grad.item()

    assert tg.grad(inner)(1.0) == 4.0


def test_a_leaking_tensor_is_harmless() -> None:
    kept = []

    def f(x: Any) -> Any:
        kept.append(x)
        return x * x

    assert tg.grad(f)(3.0) == 6.0
    (x,) = kept
    assert x.item() == 3.0


def test_unrolled_gradient_descent() -> None:
    """The derivative of the result of five descent steps by the rate, against the complex step."""

    def descend(rate: Any, slope: Callable[..., Any]) -> Any:
        x = 1.0
        for _ in range(5):
            x = x - rate * slope(x)
        return x

    found = tg.grad(lambda rate: descend(rate, tg.grad(lambda x: np.cosh(x) + x * x)))(0.1)
    wanted = complex_step(lambda rate: descend(rate, lambda x: np.sinh(x) + 2 * x), [0.1], [1.0])
    assert found == pytest.approx(float(wanted.value), rel=1e-13)


def test_inputs_are_not_changed_and_changes_to_them_come_too_late() -> None:
    x = np.array([1.0, 2.0])

    def f(t: Any) -> Any:
        x[:] = 100.0
        return np.sum(t * t)

    assert tg.grad(f)(x).tolist() == [2.0, 4.0]


def test_assignment_inside_a_differentiated_function() -> None:
    def f(x: Any) -> Any:
        x = x.copy()
        x[0] = x[1] * x[2]
        return np.sum(x * x)

    # f = (x1 x2)**2 + x1**2 + x2**2
    np.testing.assert_allclose(
        tg.grad(f)(np.array([5.0, 2.0, 3.0])), [0.0, 2 * 2 * 9 + 4, 2 * 3 * 4 + 6]
    )


# Grad mode


def recording() -> bool:
    return (leaf() * 2).requires_grad


def test_no_grad_and_enable_grad() -> None:
    with tg.no_grad():
        assert not recording()
        with tg.enable_grad():
            assert recording()
            with tg.no_grad():
                assert not recording()
        assert not recording()
        assert leaf().requires_grad
    assert recording()


def test_the_mode_comes_back_after_an_exception() -> None:
    with pytest.raises(KeyError), tg.no_grad():
        raise KeyError
    assert recording()


def test_one_context_manager_may_be_used_again_and_nested() -> None:
    off = tg.no_grad()
    for _ in range(2):
        with off:
            with off:
                assert not recording()
            assert not recording()
        assert recording()


def test_decorators() -> None:
    @tg.no_grad()
    def off(a: int, *, b: int = 1) -> tuple[bool, int]:
        """Say so."""
        return recording(), a + b

    @tg.enable_grad()
    def on() -> bool:
        return recording()

    assert off(1, b=2) == (False, 3)
    assert (off.__name__, off.__doc__) == ("off", "Say so.")
    with tg.no_grad():
        assert on()
        assert not recording()
    assert recording()


def test_a_decorated_function_may_recurse() -> None:
    @tg.no_grad()
    def count(n: int) -> int:
        assert not recording()
        return 0 if n == 0 else 1 + count(n - 1)

    assert count(20) == 20
    assert recording()


def test_a_decorated_coroutine() -> None:
    @tg.no_grad()
    async def off() -> bool:
        await asyncio.sleep(0)
        return recording()

    async def both() -> list[bool]:
        waiting = asyncio.create_task(off())
        mine = []
        for _ in range(3):
            mine.append(recording())
            await asyncio.sleep(0)
        return [*mine, await waiting]

    assert asyncio.run(both()) == [True, True, True, False]


def test_generators_are_refused() -> None:
    def generate() -> Any:
        yield 1

    async def generate_async() -> Any:
        yield 1

    for function in (generate, generate_async):
        with pytest.raises(TypeError, match="generator.*with tg.no_grad"):  # noqa: RUF043
            tg.no_grad()(function)


def test_threads_have_their_own_mode() -> None:
    seen: dict[str, bool] = {}
    inside, done = threading.Event(), threading.Event()

    def off() -> None:
        with tg.no_grad():
            inside.set()
            done.wait(300)
            seen["off"] = recording()

    thread = threading.Thread(target=off)
    thread.start()
    inside.wait(300)
    seen["here"] = recording()
    with tg.no_grad():
        fresh = threading.Thread(target=lambda: seen.update(fresh=recording()))
        fresh.start()
        fresh.join()
    done.set()
    thread.join()
    assert seen == {"here": True, "off": False, "fresh": True}


def test_one_context_manager_in_two_threads() -> None:
    off = tg.no_grad()
    errors: list[BaseException] = []
    barrier = threading.Barrier(2)

    def work() -> None:
        try:
            with off:
                barrier.wait(300)
                assert not recording()
                barrier.wait(300)
            assert recording()
        except BaseException as error:  # noqa: BLE001  # reported by the test
            errors.append(error)

    running = [threading.Thread(target=work) for _ in range(2)]
    for one in running:
        one.start()
    for one in running:
        one.join()
    assert errors == []


def test_tasks_have_their_own_mode() -> None:
    async def off(seen: list[bool]) -> None:
        with tg.no_grad():
            for _ in range(3):
                await asyncio.sleep(0)
                seen.append(recording())

    async def on(seen: list[bool]) -> None:
        for _ in range(3):
            await asyncio.sleep(0)
            seen.append(recording())

    async def main() -> tuple[list[bool], list[bool]]:
        first: list[bool] = []
        second: list[bool] = []
        await asyncio.gather(off(first), on(second), off(first))
        return first, second

    assert asyncio.run(main()) == ([False] * 6, [True] * 3)


def test_tasks_in_flight_may_differentiate() -> None:
    async def slope(x: float) -> float:
        t = leaf(x)
        y = t * t
        await asyncio.sleep(0)
        z = y * t
        await asyncio.sleep(0)
        z.backward()
        return t.grad.item()

    async def main() -> list[float]:
        return await asyncio.gather(*(slope(float(k)) for k in range(5)))

    assert asyncio.run(main()) == [3.0 * k * k for k in range(5)]


ONE = (1.0,)
OF_A_FUNCTION: dict[str, Callable[[Any], Any]] = {
    "grad": lambda f: tg.grad(f)(1.0),
    "value_and_grad": lambda f: tg.value_and_grad(f)(1.0),
    "vjp": lambda f: tg.vjp(f, 1.0),
    "jvp": lambda f: tg.jvp(f, ONE, ONE),
    "jacobian": lambda f: tg.jacobian(f)(1.0),
    "hessian": lambda f: tg.hessian(f)(1.0),
    "hvp": lambda f: tg.hvp(f, ONE, ONE),
}


@pytest.mark.parametrize("transform", OF_A_FUNCTION)
def test_a_function_without_a_result_has_no_derivative_of_0(transform: str) -> None:
    with pytest.raises(GraphError, match="does it lack a return"):
        OF_A_FUNCTION[transform](lambda _x: None)


@pytest.mark.parametrize("result", [lambda x: {"loss": x}, lambda x: [x], lambda _x: "loss"])
@pytest.mark.parametrize("transform", ["grad", "value_and_grad", "hvp"])
def test_a_container_is_no_scalar(transform: str, result: Any) -> None:
    with pytest.raises(GraphError, match="a scalar is needed; return the loss alone"):
        OF_A_FUNCTION[transform](result)


@pytest.mark.parametrize("transform", OF_A_FUNCTION)
def test_what_is_no_function_is_refused_at_once(transform: str) -> None:
    with pytest.raises(TypeError, match=r"expected a function, got Tensor; .*tg\.gradients"):
        OF_A_FUNCTION[transform](tg.tensor(1.0))


def test_an_argument_that_is_not_there_is_named() -> None:
    with pytest.raises(TypeError, match="argnums=1, and 1 positional arguments"):
        tg.grad(np.multiply, 1)(1.0)


@pytest.mark.parametrize(
    "tree",
    [
        OrderedDict(b=np.ones(2), a=[np.zeros(3), {}]),
        defaultdict(list, w=np.ones(2), v=OrderedDict(u=np.ones(1))),
    ],
    ids=["OrderedDict", "defaultdict"],
)
@pytest.mark.parametrize("compiled", [False, True])
def test_a_dict_of_another_kind_stays_one(tree: Any, compiled: bool) -> None:
    def loss(tree: Any) -> Any:
        return sum(np.sum(x**2) for x in flatten(tree)[0])

    f = tg.value_and_grad(loss)
    f = tg.compile(f, backend="numpy") if compiled else f
    for _ in range(3):
        _, found = f(tree)
        assert type(found) is type(tree)
        assert getattr(found, "default_factory", None) is getattr(tree, "default_factory", None)
        assert list(found) == list(tree)
        assert [type(one) for one in found.values()] == [type(one) for one in tree.values()]
