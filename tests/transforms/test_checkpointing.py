"""`checkpoint`: the derivatives of the function itself; the graph keeps its arguments only."""

from __future__ import annotations

import gc
import math
import threading
import tracemalloc
import weakref
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from leaves import leaf
from oracles import same

import tinygrad_bp as tg
from tinygrad_bp.engine.nodes import ancestors
from tinygrad_bp.errors import GraphError
from tinygrad_bp.testing.oracles import complex_step

RNG = np.random.default_rng(0)
A = RNG.normal(size=(3, 3))
Vector = np.ndarray[Any, Any]


# Derivatives


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "one operation": np.sin,
    "a chain": lambda x: np.tanh(np.sin(A @ x)) * x,
    "the argument itself": lambda x: x,
    "used twice": lambda x: x * x + x,
    "a checkpoint inside": lambda x: tg.checkpoint(lambda y: np.exp(y) * x)(np.sin(x)) + x,
    "checkpoints in a row": lambda x: tg.checkpoint(np.sin)(tg.checkpoint(np.exp)(x)),
    "a gradient inside": lambda x: tg.grad(lambda y: np.sum(y**3 * x))(np.sin(x)),
    "a push inside": lambda x: tg.jvp(lambda y: np.sin(y) * x, (x,), (np.exp(x),))[1],
    "a jacobian inside": lambda x: np.sum(tg.jacobian(lambda y: y * (A @ y))(x), axis=0),
    "a custom rule inside": lambda x: (
        x * tg.differentiable(np.exp, vjp=lambda ct, out, _x: ct * out)(np.sin(x))
    ),
}


def derivatives(f: Callable[..., Any], x: Any) -> dict[str, Any]:
    v = np.array([0.7, -0.2, 1.1])

    def scalar(x: Any) -> Any:
        return np.sum(np.cos(f(x)) * np.arange(1.0, 4.0))

    return {
        "value": f(x),
        "gradient": tg.grad(scalar)(x),
        "pull": tg.vjp(f, x)[1](v)[0],
        "push": tg.jvp(f, (x,), (v,))[1],
        "jacobian": tg.jacobian(f)(x),
        "jacobian, by rows": tg.jacobian(f, mode="reverse")(x),
        "hessian": tg.hessian(scalar)(x),
        "hvp": tg.hvp(scalar, (x,), (v,))[0],
        "hvp, in reverse": tg.hvp(scalar, (x,), (v,), mode="reverse")[0],
        "gradient of the push": tg.grad(lambda x: tg.jvp(scalar, (x,), (v,))[1])(x),
        "push of the push": tg.jvp(lambda x: tg.jvp(f, (x,), (v,))[1], (x,), (v,))[1],
        "jacobian of hvp": tg.jacobian(lambda x: tg.hvp(scalar, (x,), (v,))[0])(x),
    }


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_derivative_is_that_of_the_function(name: str) -> None:
    f = FUNCTIONS[name]
    x = np.array([0.3, -0.8, 0.5])
    wanted = derivatives(f, x)
    for order, g in (("once", tg.checkpoint(f)), ("twice", tg.checkpoint(tg.checkpoint(f)))):
        for what, found in derivatives(g, x).items():
            np.testing.assert_allclose(
                found, wanted[what], rtol=1e-12, atol=1e-13, err_msg=f"{what}, {order}"
            )


def test_gradient_against_the_complex_step() -> None:
    f = FUNCTIONS["a chain"]
    x, v = np.array([0.3, -0.8, 0.5]), np.array([0.7, -0.2, 1.1])
    slope = complex_step(lambda x: np.sum(f(x)), [x], [v])
    found = tg.grad(lambda x: np.sum(tg.checkpoint(f)(x)))(x)
    assert found @ v == pytest.approx(float(slope.value), rel=1e-14)


# Several arguments, results, and what the function reads from around it


def losses(wrap: Callable[..., Any]) -> dict[str, Any]:
    """Return the gradients of a function that reads a leaf and an interior Tensor around it."""
    x, w, unused = leaf(2.0), leaf([1.0, 2.0]), leaf(1.0)
    h = w * 3.0

    def f(a: Any, pair: Any, *, scale: Any, k: int = 1) -> Any:
        inside = tg.tensor([2.0, 3.0])
        return np.sum(h * w * a) + pair[1], {
            "z": a * pair[1] * scale * inside,
            "kept": h,
            "same": a,
            "k": k,
            "name": "f",
        }

    a = x * 2.0
    s, found = wrap(f)(a, (unused, x), scale=np.array([0.5, 1.5]), k=3)
    assert (found["k"], found["name"]) == (3, "f")
    loss = s * np.sum(found["z"]) + np.sum(found["kept"] ** 2) * found["same"]
    loss.backward()
    plain = tg.gradients(loss, [x, w, h, a])
    first = tg.gradients(loss, [x, w, h, a, unused], create_graph=True)
    second = tg.gradients(sum(np.sum(np.sin(one)) for one in first), [x, w, h, a])
    return {
        "loss": loss,
        **{f"first {i}": one for i, one in enumerate(first)},
        **{f"second {i}": one for i, one in enumerate(second)},
        **{f"plain {i}": one for i, one in enumerate(plain)},
        "x": x.grad,
        "w": w.grad,
    }


def test_what_it_reads_from_around_it_gets_its_gradient() -> None:
    wanted = losses(lambda f: f)
    for name, found in losses(tg.checkpoint).items():
        np.testing.assert_allclose(
            found.detach(), wanted[name].detach(), rtol=1e-13, atol=1e-13, err_msg=name
        )


def test_what_it_hands_through_gets_its_gradient() -> None:
    """The same Tensor twice, its argument, and one from around it that it does not read."""
    w, x = leaf(3.0), leaf(2.0)
    h = w * w

    def f(x: Any) -> Any:
        y = np.sin(x)
        return y, y, x, h

    def gradients(f: Callable[..., Any]) -> list[float]:
        a, b, c, d = f(x)
        loss = a * 2.0 + b * 3.0 * d + c * c
        found = tg.gradients(loss, [x, w]) + tg.gradients(loss, [x, w], create_graph=True)
        return [one.item() for one in (*found, *tg.gradients(found[-1] * found[-2], [x, w]))]

    np.testing.assert_allclose(gradients(tg.checkpoint(f)), gradients(f), rtol=1e-14)
    assert tg.checkpoint(f)(x)[0].node.parents[0].parents[0].parents == (x.node, h.node)


def test_a_tensor_that_leaks_out_of_it_is_a_constant() -> None:
    kept = []

    def f(x: Any) -> Any:
        kept.append(x)
        return np.sin(x)

    tg.checkpoint(f)(leaf(2.0)).backward()
    for x in kept:
        assert not isinstance(tg.grad(lambda y, x=x: y * x)(1.0), tg.Tensor)


def test_no_argument_at_all() -> None:
    w = leaf(3.0)
    y = tg.checkpoint(lambda: w * w)()
    (g,) = tg.gradients(y, [w], create_graph=True)
    assert g.item() == 6.0
    assert tg.gradients(g, w).item() == 2.0


def test_nested_checkpoints_read_from_around_both() -> None:
    w, x = leaf(3.0), leaf(2.0)

    def outer(a: Any) -> Any:
        h = a * w
        return tg.checkpoint(lambda b: np.sin(h * b) * w * x)(a) + h

    def gradients(f: Callable[..., Any]) -> list[float]:
        first = tg.gradients(f(x), [x, w], create_graph=True)
        second = tg.gradients(first[0] * first[1], [x, w], create_graph=True)
        third = tg.gradients(second[0] * second[1], [x, w])
        return [one.item() for one in (*first, *second, *third)]

    np.testing.assert_allclose(gradients(tg.checkpoint(outer)), gradients(outer), rtol=1e-12)


def test_parameters_of_layers() -> None:
    layers = [tg.nn.Linear(3, 3, rng=np.random.default_rng(k)) for k in range(3)]

    def loss(wrap: Callable[..., Any]) -> list[Any]:
        h: Any = tg.tensor(A)
        for layer in layers:
            h = np.tanh(wrap(layer)(h))
        np.sum(h * h).backward()
        grads = [p.grad.numpy() for layer in layers for p in layer.parameters()]
        for layer in layers:
            for p in layer.parameters():
                p.zero_grad()
        return grads

    for one, other in zip(loss(tg.checkpoint), loss(lambda f: f), strict=True):
        same(one, other)


def test_a_checkpoint_reads_variables_of_the_transforms_around_it() -> None:
    def f(x: Any) -> Any:
        return tg.grad(lambda y: np.sum(tg.checkpoint(lambda z: z**3 * x * y)(y)))(x)

    # d/dy (y^4 x) at y = x is 4 x^4, and its derivative 16 x^3
    assert f(2.0) == 64.0
    assert tg.grad(f)(2.0) == 128.0
    assert tg.jvp(f, (2.0,), (1.0,))[1] == 128.0


# When it runs, and what it keeps


def test_it_runs_once_forward_and_once_for_each_walk() -> None:
    runs = []

    @tg.checkpoint
    def f(x: Any, y: Any) -> Any:
        runs.append(None)
        return x * y, x + y, np.sin(x)

    x, y = leaf(2.0), leaf(3.0)
    a, b, c = f(x, y)
    loss = a * b * c
    assert len(runs) == 1
    loss.backward()
    assert len(runs) == 2
    loss.backward(retain_graph=False)
    assert len(runs) == 3
    with pytest.raises(GraphError, match="freed"):
        loss.backward()
    wanted = 2 * (3 * 5 * math.sin(2) + 6 * math.sin(2) + 6 * 5 * math.cos(2))
    assert x.grad.item() == pytest.approx(wanted, rel=1e-14)


def test_where_nothing_is_tracked_it_is_the_function() -> None:
    def f(x: Any) -> Any:
        """Say what it is."""
        return np.sin(x)

    g = tg.checkpoint(f)
    assert (g.__name__, g.__doc__) == ("f", "Say what it is.")
    assert g(0.5) == np.sin(0.5)
    assert not g(tg.tensor(0.5)).requires_grad
    with tg.no_grad():
        assert not g(leaf(0.5)).requires_grad
    assert g(leaf(0.5)).requires_grad


def test_the_graph_keeps_no_node_of_what_happens_inside() -> None:
    inner: list[Any] = []

    def f(x: Any) -> Any:
        y = np.sin(x)
        inner.append(weakref.ref(y))
        return np.exp(y)

    gc.collect()
    gc.disable()
    try:
        x = leaf()
        y = tg.checkpoint(f)(x)
        assert [node.rule.name for node in ancestors(y.node)] == ["checkpoint", "leaf"]
        assert inner[0]() is None
        y.backward(np.ones(3))
        assert inner[1]() is None
        gone = weakref.ref(y.node)
        del y
        assert gone() is None
    finally:
        gc.enable()


def peak(f: Callable[..., Any], x: Vector) -> float:
    """Return the memory of a gradient at its peak, in arrays of the size of x."""
    tracemalloc.start()
    try:
        tg.grad(lambda x: np.sum(f(x)))(x)
        return tracemalloc.get_traced_memory()[1] / x.nbytes
    finally:
        tracemalloc.stop()


def chain(x: Any, length: int) -> Any:
    for _ in range(length):
        x = np.sin(x)
    return x


def by_roots(x: Any, length: int) -> Any:
    step = math.isqrt(length)
    for _ in range(step):
        x = tg.checkpoint(chain)(x, step)
    return x


def by_halves(x: Any, length: int) -> Any:
    if length == 1:
        return np.sin(x)
    half = tg.checkpoint(by_halves)
    return half(half(x, length // 2), length // 2)


def test_memory_grows_like_the_root_of_a_chains_length() -> None:
    """Chen et al. (2016): checkpoints around every √n of n steps leave about 2√n arrays.

    And checkpoints within checkpoints, each of half a chain, a number that grows like log n.
    """
    x = np.linspace(-1.0, 1.0, 7000)  # 56 kB: no buffer of that size is kept to be used again
    wanted = tg.grad(lambda x: np.sum(chain(x, 256)))(x)
    for f in (by_roots, by_halves):
        same(tg.grad(lambda x, f=f: np.sum(f(x, 256)))(x), wanted)
    plain = [peak(lambda x, n=n: chain(x, n), x) for n in (64, 256)]
    roots = [peak(lambda x, n=n: by_roots(x, n), x) for n in (64, 256, 1024)]
    halves = [peak(lambda x, n=n: by_halves(x, n), x) for n in (64, 256)]
    assert 64 <= plain[0] < 72
    assert 256 <= plain[1] < 264
    for length, found in zip((64, 256, 1024), roots, strict=True):
        assert found < 2 * math.sqrt(length) + 8
    for length, found in zip((64, 256), halves, strict=True):
        assert found < 2 * math.log2(length) + 8


def test_threads() -> None:
    found: dict[int, Any] = {}
    shared = leaf(1.0)

    def work(k: int) -> None:
        f = tg.checkpoint(lambda x: np.sin(x * shared) * k)
        found[k] = [tg.grad(f)(float(k)).item() for _ in range(30)][-1]

    running = [threading.Thread(target=work, args=(k,)) for k in range(4)]
    for one in running:
        one.start()
    for one in running:
        one.join()
    assert found == {k: pytest.approx(k * math.cos(k)) for k in range(4)}


def test_two_threads_walk_one_graph() -> None:
    x = leaf(0.5)
    loss = tg.checkpoint(lambda x, y: np.sin(x) * np.exp(y))(x, x)

    def work() -> None:
        for _ in range(50):
            loss.backward()

    running = [threading.Thread(target=work) for _ in range(2)]
    for one in running:
        one.start()
    for one in running:
        one.join()
    assert x.grad.item() == pytest.approx(100 * math.exp(0.5) * (math.sin(0.5) + math.cos(0.5)))


# What changes between the runs


def test_random_numbers_inside_are_found_out() -> None:
    rng = np.random.default_rng(0)

    def dropout(x: Any) -> Any:
        return x * (rng.random(3) > 0.5)

    loss = np.sum(tg.checkpoint(dropout)(leaf()) * np.arange(1.0, 4.0))
    with pytest.raises(GraphError, match=r"dropout gave another result.*random numbers outside"):
        loss.backward()  # the next mask of this seed is another


@pytest.mark.parametrize(
    "again",
    [lambda x: (x, x), lambda x: x[:2], lambda x: 3.0, lambda x: x.astype(np.float32)],
)
def test_another_kind_of_result_is_found_out(again: Any) -> None:
    runs = []

    def f(x: Any) -> Any:
        runs.append(None)
        return x * 1.0 if len(runs) == 1 else again(x)

    y = tg.checkpoint(f)(leaf())
    with pytest.raises(GraphError, match="another result"):
        y.backward(np.ones(3))


def test_arrays_passed_in_may_change() -> None:
    a, t = np.array([1.0, 2.0, 3.0]), tg.tensor([1.0, 1.0, 1.0])
    x = leaf()
    y = tg.checkpoint(lambda x, a, t: x * a["a"] * t)(x, {"a": a}, t)
    a[:] = 100.0
    t[0] = 100.0
    y.backward(np.ones(3))
    assert x.grad.tolist() == [1.0, 2.0, 3.0]


def test_a_tensor_passed_in_may_be_rebound() -> None:
    w = leaf()
    x = w * 1.0
    y = tg.checkpoint(lambda x: x * x)(x)
    x[0] = 100.0
    y.backward(np.ones(3))
    assert w.grad.tolist() == [2.0, 4.0, 6.0]


def test_arrays_read_from_around_it_must_not_change() -> None:
    a = np.array([1.0, 2.0, 3.0])
    y = tg.checkpoint(lambda x: x * a)(leaf())
    a[:] = 100.0
    with pytest.raises(GraphError, match=r"another result.*do not change what it reads"):
        y.backward(np.ones(3))


def test_a_parameter_must_not_change_before_the_backward_pass() -> None:
    w = leaf()
    optimizer = tg.optim.SGD([w], lr=0.1)
    np.sum(w * w).backward()
    y = tg.checkpoint(lambda x: x * w)(leaf([0.0, 0.0, 0.0]))  # the result is 0 whatever w is
    optimizer.step()
    with pytest.raises(GraphError, match=r"Tensor of shape \(3,\).*changed since the forward pass"):
        y.backward(np.ones(3))


def test_a_tensor_read_from_around_it_must_not_be_rebound() -> None:
    w = leaf()
    h = w * 2.0
    y = tg.checkpoint(lambda x: x * h)(leaf([0.0, 0.0, 0.0]))
    h = h * 3.0
    with pytest.raises(GraphError, match="changed since the forward pass"):
        y.backward(np.ones(3))


def test_a_leaf_that_outlives_the_function_is_refused() -> None:
    made = []

    def f(x: Any) -> Any:
        inner = leaf(2.0)
        made.append(inner)
        return x * inner

    with pytest.raises(GraphError, match=r"makes a leaf of shape \(\).*make the leaf outside"):
        tg.checkpoint(f)(leaf(1.0))
    x = leaf(3.0)
    tg.checkpoint(lambda x: x * leaf(2.0))(x).backward()
    assert x.grad.item() == 2.0


def test_exceptions_pass_through() -> None:
    def fail(x: Any) -> Any:
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        tg.checkpoint(fail)(leaf())
    assert (leaf() * 2).requires_grad


def test_results_that_are_not_finite_are_the_same_again() -> None:
    x = leaf([0.0, -1.0])
    with np.errstate(divide="ignore", invalid="ignore"):
        y = tg.checkpoint(lambda x: np.log(x))(x)
        y.backward(np.array([1.0, 0.0]))
    assert x.grad.numpy()[0] == np.inf


def test_rounding_may_differ() -> None:
    runs = []

    def f(x: Any) -> Any:
        runs.append(None)
        return x * (1.0 + 1e-15 * len(runs))

    x = leaf()
    tg.checkpoint(f)(x).backward(np.ones(3))
    np.testing.assert_allclose(x.grad.numpy(), np.ones(3))
