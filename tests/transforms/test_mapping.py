"""`tg.vmap` against loops and batched formulas."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from oracles import richardson

import tinygrad_bp as tg
from tinygrad_bp.errors import ShapeError

RNG = np.random.default_rng(0)
W, X, Y = RNG.normal(size=(3, 2)), RNG.normal(size=(5, 3)), RNG.normal(size=(5, 2))


def loss(w: Any, x: Any, y: Any) -> Any:
    return np.sum((np.tanh(x @ w) - y) ** 2)


def test_gradient_of_each_sample() -> None:
    each = tg.vmap(tg.grad(loss), in_axes=(None, 0, 0))(W, X, Y)
    assert each.shape == (5, 3, 2)
    h = np.tanh(X @ W)
    np.testing.assert_allclose(
        each, X[:, :, None] * (2 * (h - Y) * (1 - h * h))[:, None, :], rtol=1e-12
    )
    np.testing.assert_allclose(each.sum(axis=0), tg.grad(loss)(W, X, Y), rtol=1e-12)


@pytest.mark.parametrize("axis", [0, 1, -1, 2])
@pytest.mark.parametrize("out", [0, 1, -1])
def test_axes(axis: int, out: int) -> None:
    x = RNG.normal(size=(2, 4, 3))
    wanted = np.stack([np.cumsum(np.take(x, k, axis)) for k in range(x.shape[axis])], axis=out)
    np.testing.assert_array_equal(tg.vmap(np.cumsum, axis, out)(x), wanted)


def test_nested_containers_and_several_results() -> None:
    def f(pair: Any, scale: float) -> Any:
        return {"sum": pair["a"] + pair["b"][0], "product": (pair["a"] * scale,)}

    a, b = np.arange(3.0), np.arange(6.0).reshape(3, 2)
    found = tg.vmap(f, in_axes=(0, None))({"a": a, "b": [b]}, 2.0)
    np.testing.assert_array_equal(found["sum"], a[:, None] + b)
    np.testing.assert_array_equal(found["product"][0], 2 * a)


def test_results_are_matched_by_key() -> None:
    def f(x: Any) -> Any:
        return {"x": x, "y": -x} if x > 0 else {"y": -x, "x": x}

    found = tg.vmap(f)(np.array([1.0, -2.0]))
    assert {key: part.tolist() for key, part in found.items()} == {"x": [1, -2], "y": [-1, 2]}
    with pytest.raises(ShapeError, match="result of another sample"):
        tg.vmap(lambda x: {"x": x} if x > 0 else {"y": x})(np.array([1.0, -2.0]))


def test_it_nests_with_itself_and_with_transforms() -> None:
    table = tg.vmap(tg.vmap(lambda a, b: a * b, (None, 0)), (0, None))(
        np.arange(3.0), np.arange(4.0)
    )
    np.testing.assert_array_equal(table, np.outer(np.arange(3.0), np.arange(4.0)))

    def total(w: Any) -> Any:
        return np.sum(tg.vmap(loss, (None, 0, 0))(w, X, Y) ** 2)

    direction = RNG.normal(size=W.shape)
    slope = richardson(total, [W], [direction])
    assert abs(np.sum(tg.grad(total)(W) * direction) - slope.value) <= slope.error + 1e-9
    _, pushed = tg.jvp(total, (W,), (direction,))
    np.testing.assert_allclose(pushed, np.sum(tg.grad(total)(W) * direction), rtol=1e-12)
    jacobians = tg.vmap(tg.jacobian(np.sin))(X)
    np.testing.assert_allclose(jacobians, [np.diag(np.cos(x)) for x in X], rtol=1e-15)


def test_tensors_come_out_of_tensors() -> None:
    x = tg.tensor(X, requires_grad=True)
    out = tg.vmap(lambda row: np.sum(row * row))(x)
    np.sum(out).backward()
    np.testing.assert_allclose(x.grad.numpy(), 2 * X, rtol=1e-15)


@pytest.mark.parametrize(
    ("axes", "args", "words"),
    [
        (0, (np.zeros(3), np.zeros(4)), "the lengths are 3, 4"),
        (0, (np.zeros((0, 2)),), "the lengths are 0"),
        (None, (np.zeros(3),), "the lengths are none"),
        (0, (1.0,), "argument 0 is a scalar"),
        ((0,), (np.zeros(3), np.zeros(3)), "names 1 arguments, 2 were given"),
        (2, (np.zeros((3, 3)),), "argument 0: 2 is out of range"),
    ],
)
def test_axes_that_do_not_fit_are_refused(axes: Any, args: Any, words: str) -> None:
    with pytest.raises(ShapeError, match=words):
        tg.vmap(lambda *xs: xs[0], axes)(*args)
