"""`differentiable`: a user's own derivative for a user's own function."""

from __future__ import annotations

import math
import pickle
import threading
from typing import Any

import numpy as np
import pytest
from leaves import leaf
from oracles import EXACT, pairing, plain, richardson, same
from sampling import CASES, Case, directions, each, like
from words import READ_ONLY

import tinygrad_bp as tg
from tinygrad_bp.engine.nodes import ancestors
from tinygrad_bp.errors import (
    DTypeError,
    ShapeError,
    TrackedTensorError,
    UnsupportedFunctionError,
)


@tg.differentiable(vjp=lambda ct, out, _x: ct * np.minimum(out, 100.0))
def clipped_exp(x: Any) -> Any:
    """Grow, with a slope of at most 100."""
    return np.exp(x)


def solved(x: Any) -> Any:
    """Return y with y + exp(y) = x, by Newton's method."""
    y = 0.0 * x
    for _ in range(60):
        y = y - (y + np.exp(y) - x) / (1 + np.exp(y))
    return y


@tg.differentiable(vjp=lambda ct, out, x, y, *, k=1.0: (ct * y * k, ct * x * k))
def product(x: Any, y: Any, *, k: float = 1.0) -> Any:
    return np.asarray(x) * y * k


# Derivatives


# Each row once.  The pull of eigvals runs eig, which refuses to be differentiated by its vectors'
# phases; the vjp here transposes all of it, not the part that is linear in the cotangent alone.
ROWS = [
    one
    for one in CASES
    if one is next(c for c in CASES if c.rule is one.rule) and one.rule.name != "eigvals"
]


@each(ROWS)
def test_a_rule_of_ones_own_for_every_row(one: Case) -> None:
    """NumPy's function, with a vjp that the engine is asked for: first and second derivatives."""
    function = plain(one.rule)
    own = tg.differentiable(
        lambda *xs: one.run(function, xs), vjp=lambda ct, _out, *xs: tg.vjp(one, *xs)[1](ct)
    )
    arrays, tangents = one.arrays, directions(one.arrays, 51)
    value, pull = tg.vjp(own, *arrays)
    same(value, one.run(function, arrays))
    weight = like(value, 52)
    for part, wanted in zip(pull(weight), tg.vjp(one, *arrays)[1](weight), strict=True):
        same(part, wanted)
    size = float(np.max(np.abs(tg.jvp(one, arrays, tangents)[1]), initial=1.0))
    np.testing.assert_allclose(
        tg.jvp(own, arrays, tangents)[1],
        tg.jvp(one, arrays, tangents)[1],
        rtol=0,
        atol=EXACT["d"] * size,
    )

    def weighted(f: Any) -> Any:
        return lambda *xs: np.real(np.sum(f(*xs) * weight))

    for mode in ("forward", "reverse"):
        found = tg.hvp(weighted(own), arrays, tangents, mode=mode)
        for part, wanted in zip(found, tg.hvp(weighted(one), arrays, tangents), strict=True):
            np.testing.assert_allclose(part, wanted, rtol=1e-11, atol=1e-11)


def test_a_clipped_slope() -> None:
    x = np.array([0.0, 1.0, 10.0])
    same(clipped_exp(x), np.exp(x))
    same(tg.grad(lambda x: np.sum(clipped_exp(x)))(x), np.array([1.0, math.e, 100.0]))
    same(tg.jvp(clipped_exp, (x,), (np.ones(3),))[1], np.array([1.0, math.e, 100.0]))
    same(np.diag(tg.hessian(lambda x: np.sum(clipped_exp(x)))(x)), np.array([1.0, math.e, 0.0]))


def test_an_implicit_function() -> None:
    root = tg.differentiable(solved, vjp=lambda ct, y, _x: ct / (1 + np.exp(y)))
    x = np.array([1.0, 1 + math.e, 3.0])
    y = solved(x)
    slope = 1 / (1 + np.exp(y))
    same(tg.grad(lambda x: np.sum(root(x)))(x), slope)
    second = -np.exp(y) * slope**3
    np.testing.assert_allclose(
        np.diag(tg.hessian(lambda x: np.sum(root(x)))(x)), second, rtol=1e-13
    )
    wanted = richardson(solved, [x], [np.ones(3)])
    np.testing.assert_allclose(tg.jvp(root, (x,), (np.ones(3),))[1], wanted.value, rtol=1e-9)


def test_a_numpy_function_without_a_rule() -> None:
    """numpy.interp by its sample points: a NumPy function that Tensors refuse."""
    xp = np.array([0.0, 1.0, 3.0])

    def pull(ct: Any, _out: Any, x: Any, fp: Any) -> Any:
        i = np.clip(np.searchsorted(xp, x) - 1, 0, 1)
        weight = (x - xp[i]) / (xp[i + 1] - xp[i])
        grad = np.zeros(3)
        np.add.at(grad, i, ct * (1 - weight))
        np.add.at(grad, i + 1, ct * weight)
        return ct * (fp[i + 1] - fp[i]) / (xp[i + 1] - xp[i]), grad

    interpolate = tg.differentiable(lambda x, fp: np.interp(x, xp, fp), vjp=pull)
    x, fp = np.array([0.5, 2.0, 2.5]), np.array([1.0, -2.0, 4.0])
    value, pulled = tg.vjp(interpolate, x, fp)
    weight, tangents = like(value), directions([x, fp])
    wanted = richardson(
        lambda x, fp: np.sum(np.interp(x, xp, fp) * weight), [x, fp], tangents, start=0.001
    )
    assert pairing(pulled(weight), tangents) == pytest.approx(float(wanted.value), rel=1e-9)


def test_a_given_push_is_used() -> None:
    calls = []

    def push(tangents: Any, out: Any, x: Any, y: Any) -> Any:
        calls.append(tangents)
        tx, ty = tangents
        return sum(part for part in (tx and tx * y, ty and ty * x) if part is not None)

    f = tg.differentiable(lambda x, y: x * y, vjp=lambda ct, _out, x, y: (ct * y, ct * x), jvp=push)
    assert tg.jvp(f, (2.0, 3.0), (1.0, 10.0)) == (6.0, 23.0)
    assert tg.jvp(f, (2.0, 3.0), (1.0, None)) == (6.0, 3.0)
    assert tg.jvp(lambda x: f(x, 3.0), (2.0,), (1.0,)) == (6.0, 3.0)
    assert calls == [(1.0, 10.0), (1.0, None), (1.0, None)]
    assert tg.grad(lambda x: tg.jvp(f, (x, x), (1.0, 1.0))[1])(2.0) == 2.0
    assert tg.jvp(lambda x: tg.jvp(f, (x, x), (1.0, 1.0))[1], (2.0,), (1.0,)) == (4.0, 2.0)


@pytest.mark.parametrize("dtype", [np.float32, np.complex128, np.complex64])
def test_dtypes(dtype: Any) -> None:
    x, y = np.array([1.0, 2.0], dtype) * dtype(1 + 0.5), np.array([0.5, 3.0])
    value, pull = tg.vjp(product, x, y)
    same(value, x * y)
    gx, gy = pull(np.ones(2, value.dtype))
    assert (gx.dtype, gy.dtype) == (dtype, np.float64)
    _, wanted = tg.vjp(np.multiply, x, y)
    same(gx, wanted(np.ones(2, value.dtype))[0])
    same(gy, wanted(np.ones(2, value.dtype))[1])
    same(tg.jvp(product, (x, y), (x, y))[1], tg.jvp(np.multiply, (x, y), (x, y))[1])


def test_a_cotangent_has_the_dtype_of_its_value() -> None:
    def pull(ct: Any, _out: Any, x: Any) -> Any:
        assert ct.dtype == np.float32
        return np.float64(ct) * 2.0

    twice = tg.differentiable(lambda x: x * 2, vjp=pull)
    assert tg.grad(lambda x: twice(twice(x)))(np.float32(1.0)).dtype == np.float32


def test_a_push_over_nested_arguments() -> None:
    seen = []

    def push(tangents: Any, _out: Any, p: Any, q: Any) -> Any:
        seen.append(tangents)
        return sum(t for one in tangents if one for t in one.values() if t is not None)

    f = tg.differentiable(
        lambda p, q: p["a"] + p["b"] + q["c"],
        vjp=lambda ct, _out, _p, _q: ({"a": ct, "b": ct}, {"c": ct}),
        jvp=push,
    )
    p, q = {"a": 1.0, "b": 2.0}, {"c": 3.0}
    assert tg.jvp(f, (p, q), ({"a": 1.0, "b": None}, None))[1] == 1.0
    assert tg.jvp(f, (p, q), (None, {"c": 5.0}))[1] == 5.0
    assert seen == [({"a": 1.0, "b": None}, None), (None, {"c": 5.0})]


# What goes in and what comes out


def test_arrays_in_arrays_out_and_tensors_in_tensors_out() -> None:
    assert type(clipped_exp(np.ones(2))) is np.ndarray
    assert clipped_exp(0.0) == 1.0
    assert not isinstance(clipped_exp(0.0), tg.Tensor)
    assert type(clipped_exp(tg.tensor([1.0]))) is tg.Tensor
    assert not clipped_exp(tg.tensor([1.0])).requires_grad
    assert clipped_exp(leaf()).requires_grad
    with tg.no_grad():
        assert type(clipped_exp(leaf())) is tg.Tensor
        assert not clipped_exp(leaf()).requires_grad


def test_it_keeps_its_name_and_its_node_has_it() -> None:
    assert (clipped_exp.__name__, clipped_exp.__doc__[:5]) == ("clipped_exp", "Grow,")
    assert clipped_exp(leaf()).node.rule.name == "clipped_exp"


def test_as_decorator_and_as_function() -> None:
    @tg.differentiable(vjp=lambda ct, _out, x: ct * 2 * x)
    def square(x: Any) -> Any:
        return x * x

    other = tg.differentiable(lambda x: x * x, vjp=lambda ct, _out, x: (ct * 2 * x,))
    assert tg.grad(square)(3.0) == tg.grad(other)(3.0) == 6.0


def test_the_raw_function_gets_raw_arrays() -> None:
    seen = []

    @tg.differentiable(vjp=lambda ct, _out, x, y: (ct, ct))
    def f(x: Any, y: Any) -> Any:
        seen.extend([type(x), type(y)])
        return x + y

    f(leaf(), tg.tensor(1.0))
    assert seen == [np.ndarray, np.float64]


def test_keywords_and_defaults() -> None:
    assert product(2.0, y=3.0, k=2.0) == 12.0
    x, y = leaf(2.0), leaf(3.0)
    product(y=y, x=x, k=2.0).backward()
    assert (x.grad.item(), y.grad.item()) == (6.0, 4.0)
    f = tg.differentiable(
        lambda x, p=3: x**p, vjp=lambda ct, _out, x, p=3: (ct * p * x ** (p - 1),)
    )
    assert tg.grad(f)(2.0) == 12.0
    g = tg.differentiable(
        lambda x, p=3: x**p, vjp=lambda ct, _out, x, p=3: (ct * p * x ** (p - 1), None)
    )
    assert tg.grad(lambda x: g(x, 2))(3.0) == 6.0
    many = tg.differentiable(lambda *xs: sum(xs), vjp=lambda ct, _out, *xs: (ct,) * len(xs))
    assert tg.grad(many, (0, 1, 2))(1.0, 2.0, 3.0) == (1.0, 1.0, 1.0)
    assert tg.jvp(many, (1.0, 2.0, 3.0), (1.0, 10.0, 100.0)) == (6.0, 111.0)


def test_nested_arguments_and_results() -> None:
    def pull(ct: Any, out: Any, params: Any, x: Any) -> Any:
        h, rest = ct
        assert out[1]["count"] == 3
        assert ct[1]["count"] is None
        inner = (h + rest["sum"]) * (1 - out[0] ** 2)
        return {"b": inner, "W": np.outer(x, inner)}, params["W"] @ inner

    @tg.differentiable(vjp=pull)
    def layer(params: Any, x: Any) -> Any:
        h = np.tanh(x @ params["W"] + params["b"])
        return h, {"sum": np.sum(h), "count": 3}

    def composed(params: Any, x: Any) -> Any:
        h = np.tanh(x @ params["W"] + params["b"])
        return h, {"sum": np.sum(h), "count": 3}

    rng = np.random.default_rng(0)
    params, x = {"W": rng.normal(size=(2, 3)), "b": rng.normal(size=3)}, rng.normal(size=2)

    def loss(f: Any) -> Any:
        def run(params: Any, x: Any) -> Any:
            h, rest = f(params, x)
            return np.sum(np.sin(h)) * rest["sum"] * rest["count"]

        return run

    found, wanted = (tg.grad(loss(f), (0, 1))(params, x) for f in (layer, composed))
    for one, other in ((found[0]["W"], wanted[0]["W"]), (found[0]["b"], wanted[0]["b"])):
        same(one, other)
    same(found[1], wanted[1])
    v = ({"W": np.ones((2, 3)), "b": None}, np.ones(2))
    for mode in ("forward", "reverse"):
        one, other = (tg.hvp(loss(f), (params, x), v, mode=mode) for f in (layer, composed))
        np.testing.assert_allclose(one[0]["W"], other[0]["W"], rtol=1e-12)
        np.testing.assert_allclose(one[1], other[1], rtol=1e-12)
    # the sum alone: the other result has no cotangent
    same(
        tg.grad(lambda b: layer({"W": params["W"], "b": b}, x)[1]["sum"])(params["b"]),
        tg.grad(lambda b: composed({"W": params["W"], "b": b}, x)[1]["sum"])(params["b"]),
    )
    _, tangent = tg.jvp(layer, (params, x), v)
    same(tangent[0], tg.jvp(composed, (params, x), v)[1][0])
    assert tangent[1]["count"] == 0.0


def test_integers_have_no_derivative() -> None:
    count = tg.differentiable(lambda x: np.count_nonzero(x), vjp=lambda ct, _out, _x: None)
    assert count(leaf()) == 3
    assert not isinstance(count(leaf()), tg.Tensor)


def test_none_is_no_derivative() -> None:
    f = tg.differentiable(lambda x, y: x * y, vjp=lambda ct, _out, _x, y: (ct * y, None))
    assert tg.grad(f, (0, 1))(2.0, 3.0) == (3.0, 0.0)
    nothing = tg.differentiable(lambda x: x * 2, vjp=lambda ct, _out, _x: None)
    assert tg.grad(nothing)(2.0) == 0.0


# What is kept, and what may change


def test_what_the_rules_name_with_an_underscore_is_not_kept() -> None:
    def kept(f: Any) -> list[Any]:
        y = f(leaf(), leaf())
        found = []
        for node in ancestors(y.node):
            for one in node.saved:
                found += getattr(one, "parts", [one])
        return [one for one in found if isinstance(one, np.ndarray)]

    def shapes(ct: Any, _out: Any, _x: Any, y: Any) -> Any:
        assert _out is None
        assert (_x.shape, _x.dtype, _x.ndim) == ((3,), np.float64, 1)
        return ct * y, None

    f = tg.differentiable(lambda x, y: x * y, vjp=shapes)
    assert len(kept(f)) == 1
    assert len(kept(product)) == 3
    assert tg.grad(lambda x, y: np.sum(f(x, y)))(np.ones(3), np.ones(3)).tolist() == [1.0] * 3
    tg.hessian(lambda x, y: np.sum(f(x, y)))(np.ones(3), np.ones(3))
    x = leaf()
    np.sum(f(x, np.ones(3))).backward()
    np.sum(f(np.ones(3), x)).backward()
    assert x.grad.tolist() == [1.0] * 3
    both = tg.differentiable(
        lambda x, y: x * y,
        vjp=shapes,
        jvp=lambda ts, out, x, y: 0.0 * out + (ts[0] * y if ts[0] is not None else ts[1] * x),
    )
    assert len(kept(both)) == 3  # jvp reads them all


def test_arrays_that_change_later_do_not_reach_it() -> None:
    y = np.array([1.0, 2.0, 3.0])
    k = np.array([1.0, 1.0, 1.0])
    x = leaf()
    z = product(x, y, k=k)
    y[:] = 100.0
    k[:] = 100.0
    z.backward(np.ones(3))
    assert x.grad.tolist() == [1.0, 2.0, 3.0]


def test_a_result_that_the_function_writes_into_again() -> None:
    buffer = np.zeros(3)

    @tg.differentiable(vjp=lambda ct, out, _x: ct * out)
    def f(x: Any) -> Any:
        return np.exp(x, out=buffer)

    x = leaf()
    first, untracked = f(x), f(x.detach())
    f(np.zeros(3))
    same(first.numpy(), np.exp([1.0, 2.0, 3.0]))
    same(untracked.numpy(), np.exp([1.0, 2.0, 3.0]))
    first.backward(np.ones(3))
    same(x.grad.numpy(), np.exp([1.0, 2.0, 3.0]))


def test_a_cotangent_that_the_vjp_writes_into_again() -> None:
    mine = np.array([1.0, 2.0])
    f = tg.differentiable(np.sum, vjp=lambda _ct, _out, _x: mine)
    x = tg.tensor([3.0, 4.0], requires_grad=True)
    f(x).backward()
    mine[:] = 99.0
    assert x.grad.tolist() == [1.0, 2.0]


def test_a_cotangent_in_a_read_only_view_of_what_the_vjp_writes_into_again() -> None:
    buffer = np.zeros(3)

    def overwrites(ct: Any, _out: Any, _x: Any) -> Any:
        buffer[:] = ct
        return np.broadcast_to(buffer, (3,))

    f = tg.differentiable(lambda x: x * 1.0, vjp=overwrites)
    x = leaf()
    loss: Any = 0.0
    for i in range(70):
        loss = loss + np.sum(f(x) * float(i))
    loss.backward()
    assert x.grad.tolist() == [69.0 * 35.0] * 3


def test_a_result_that_is_the_argument() -> None:
    @tg.differentiable(vjp=lambda ct, _out, _x: ct)
    def same_array(x: Any) -> Any:
        return x

    def f(x: Any) -> Any:
        return same_array(x) + x

    (g,) = tg.vjp(f, np.ones(2))[1](np.ones(2))
    assert g.tolist() == [2.0, 2.0]
    (g,) = tg.vjp(same_array, np.ones(2))[1](ct := np.ones(2))
    g[:] = 7.0
    assert ct.tolist() == [1.0, 1.0]


def test_writing_into_the_arguments_is_refused() -> None:
    def write(x: Any) -> Any:
        x *= 2
        return x

    with pytest.raises(ValueError, match=READ_ONLY):
        tg.differentiable(write, vjp=lambda ct, _out, _x: ct)(leaf())

    def spoil(ct: Any, out: Any, x: Any) -> Any:
        for one in (ct, out, x):
            with pytest.raises(ValueError, match=READ_ONLY):
                one[:] = 0.0
        return ct

    x = leaf()
    tg.differentiable(lambda x: x * 1, vjp=spoil)(x).backward(np.ones(3))
    assert x.numpy().tolist() == [1.0, 2.0, 3.0]


# What is refused


WRONG: dict[str, tuple[Any, str]] = {
    "a shape": (
        lambda ct, _out, x, y: (ct, ct[:2]),
        r"f: its vjp returned shape \(2,\) for argument 'y', which has shape \(3,\)",
    ),
    "broadcasting": (
        lambda ct, _out, x, y: (np.sum(ct), ct),
        r"f: its vjp returned shape \(\) for argument 'x', which has shape \(3,\)",
    ),
    "too few": (
        lambda ct, _out, x, y: (ct,),
        "f: its vjp returned 1 cotangent for 2 arguments; return a tuple",
    ),
    "one array": (lambda ct, _out, x, y: ct, "f: its vjp returned 1 cotangent for 2 arguments"),
    "too many": (
        lambda ct, _out, x, y: (ct, ct, ct),
        "f: its vjp returned 3 cotangents for 2 arguments",
    ),
    "a nest": (
        lambda ct, _out, x, y: ({"x": ct}, ct),
        "f: its vjp returned object for argument 'x', not numbers",
    ),
    "text": (lambda ct, _out, x, y: ("x", ct), r"f: its vjp returned.*for argument 'x'"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_a_vjp_must_not_return(name: str) -> None:
    vjp, message = WRONG[name]

    @tg.differentiable(vjp=vjp)
    def f(x: Any, y: Any) -> Any:
        return x * y

    for create_graph in (False, True):
        loss = np.sum(f(leaf(), leaf()))
        with pytest.raises((ShapeError, DTypeError), match=message):
            loss.backward(create_graph=create_graph)


def test_what_a_vjp_must_not_return_for_a_nest() -> None:
    @tg.differentiable(vjp=lambda ct, _out, p: {"W": [ct, np.ones(2)]})
    def f(p: Any) -> Any:
        return p["W"][0] * p["W"][1]

    with pytest.raises(
        ShapeError, match=r"shape \(2,\) for argument 'p'\['W'\]\[1\], which has.*\(\)"
    ):
        tg.grad(f)({"W": [2.0, 3.0]})

    @tg.differentiable(vjp=lambda ct, _out, p: {"V": ct})
    def g(p: Any) -> Any:
        return p["W"] * 2

    with pytest.raises(ShapeError, match=r"g: its vjp's cotangent of argument 'p'.*'W', got.*'V'"):
        tg.grad(g)({"W": 2.0})


def test_what_a_jvp_must_not_return() -> None:
    def with_push(push: Any) -> Any:
        def f(x: Any) -> Any:
            return x * 2, np.sum(x)

        return tg.differentiable(f, vjp=lambda ct, _out, _x: ct[0] * 2 + ct[1], jvp=push)

    def run(push: Any) -> Any:
        return tg.jvp(with_push(push), (np.ones(3),), (np.ones(3),))

    with pytest.raises(ShapeError, match=r"f: its jvp's tangent: expected a tuple of 2, got one"):
        run(lambda ts, _out, _x: ts[0])
    with pytest.raises(ShapeError, match=r"f: its jvp returned shape \(3,\) for the result\[1\]"):
        run(lambda ts, _out, _x: (ts[0] * 2, ts[0]))
    _, tangent = run(lambda ts, _out, _x: (ts[0] * 2, None))
    assert tangent[1] == 0.0


def test_a_vjp_that_cannot_be_differentiated_says_so() -> None:
    outside = tg.differentiable(
        np.sin, vjp=lambda ct, _out, x: ct * np.array([math.cos(one) for one in x])
    )
    detached = tg.differentiable(np.sin, vjp=lambda ct, _out, x: np.cos(np.asarray(x)) * 2.0)
    constant = tg.differentiable(lambda x: x * 2, vjp=lambda ct, _out, _x: np.full(3, 2.0))
    x = np.array([1.0, 2.0, 3.0])
    same(tg.grad(lambda x: np.sum(outside(x)))(x), np.cos(x))
    for f in (outside, detached, constant):
        with pytest.raises(UnsupportedFunctionError, match="vjp is itself to be differentiated"):
            tg.hessian(lambda x, f=f: np.sum(f(x)))(x)
    same(tg.jvp(outside, (x,), (x,))[1], x * np.cos(x))  # it is linear in a recorded cotangent
    for f in (detached, constant):
        with pytest.raises(UnsupportedFunctionError, match="or give a jvp for forward mode"):
            tg.jvp(f, (x,), (x,))
    fine = tg.differentiable(
        np.sin,
        vjp=lambda ct, _out, x: ct * np.array([math.cos(one) for one in x]),
        jvp=lambda ts, _out, x: ts[0] * np.cos(x),
    )
    same(tg.jvp(fine, (x,), (x,))[1], x * np.cos(x))
    with pytest.raises(UnsupportedFunctionError) as caught:
        tg.hessian(lambda x: np.sum(fine(x)))(x)
    assert "give a jvp" not in str(caught.value)


def test_zeros_are_a_constant_that_may_be_differentiated() -> None:
    f = tg.differentiable(np.sign, vjp=lambda ct, _out, x: np.zeros(np.shape(x)))
    assert not np.any(tg.hessian(lambda x: np.sum(f(x) * x))(np.ones(2)))
    assert not np.any(tg.jvp(f, (np.ones(2),), (np.ones(2),))[1])


def test_tracked_tensors_where_there_is_no_derivative_are_refused() -> None:
    w = leaf(2.0)
    with pytest.raises(TrackedTensorError, match=r"product: a tracked Tensor is given by keyword"):
        product(1.0, 2.0, k=w)
    reads = tg.differentiable(lambda x: x * w, vjp=lambda ct, _out, _x: ct)
    for x in (leaf(1.0), 1.0):
        with pytest.raises(TrackedTensorError, match=r"reads a tracked Tensor from around it"):
            reads(x)


def test_what_is_no_function_is_refused() -> None:
    with pytest.raises(TypeError, match="differentiable: vjp is a function, got int"):
        tg.differentiable(np.sin, vjp=3)
    with pytest.raises(TypeError, match="differentiable: f is a function, got str"):
        tg.differentiable("sin", vjp=np.cos)


# With the rest


def test_it_nests_in_everything() -> None:
    x = np.array([0.3, 0.8])

    def plainly(x: Any) -> Any:
        return np.sum(np.exp(x) * x[0] * np.exp(x))

    def own(x: Any) -> Any:
        y = clipped_exp(x)
        return np.sum(tg.checkpoint(lambda x: product(y, x[0] * clipped_exp(x)))(x))

    v = np.array([1.0, -2.0])
    for transform in (
        lambda f: tg.grad(f)(x),
        lambda f: tg.hessian(f)(x),
        lambda f: tg.jacobian(tg.hessian(f))(x),
        lambda f: tg.jvp(tg.grad(f), (x,), (v,))[1],
        lambda f: tg.grad(lambda x: tg.jvp(f, (x,), (v,))[1])(x),
        lambda f: tg.jacobian(lambda x: tg.hvp(f, (x,), (v,))[0])(x),
        lambda f: tg.grad(tg.checkpoint(lambda x: np.sum(tg.grad(f)(x) ** 2)))(x),
    ):
        np.testing.assert_allclose(transform(own), transform(plainly), rtol=1e-12, atol=1e-12)


def test_the_rule_can_be_pickled() -> None:
    rule = clipped_exp(leaf()).node.rule
    assert pickle.loads(pickle.dumps(rule)) is rule
    checkpoint = tg.checkpoint(np.sin)(leaf()).node.rule
    assert pickle.loads(pickle.dumps(checkpoint)) is checkpoint
    pack = product(leaf(), leaf()).node.parents[0].rule
    assert pickle.loads(pickle.dumps(pack)) is pack


def test_threads() -> None:
    found: dict[int, Any] = {}

    def work(k: int) -> None:
        found[k] = [tg.grad(lambda x: product(x, clipped_exp(x)))(float(k)) for _ in range(50)][-1]

    running = [threading.Thread(target=work, args=(k,)) for k in range(4)]
    for one in running:
        one.start()
    for one in running:
        one.join()
    assert found == {k: pytest.approx((1 + k) * math.exp(k)) for k in range(4)}
