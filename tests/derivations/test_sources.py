"""The NumPy source of an explanation: what one reads in it, and that it serves other data too."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tinygrad_bp as tg
from tinygrad_bp.engine.rule import TABLE

SAMPLES = 6


def leaf(rng: np.random.Generator, *shape: int) -> tg.Tensor:
    return tg.tensor(rng.normal(size=shape), requires_grad=True)


def softmax_net(p: dict[str, Any], X: Any, y: Any) -> Any:
    a1 = tg.relu(X @ p["W1"] + p["b1"])
    return tg.nn.cross_entropy(a1 @ p["W2"] + p["b2"], y)


def by_hand(p: dict[str, Any], X: Any, y: Any) -> Any:
    a1 = np.maximum(X @ p["W1"] + p["b1"], 0.0)
    probabilities = tg.softmax(a1 @ p["W2"] + p["b2"], axis=1)
    return -np.mean(np.sum(np.eye(3)[y] * np.log(probabilities), axis=1))


def loop(p: dict[str, Any], X: Any, y: Any) -> Any:
    h = np.zeros((SAMPLES, 3))
    for _ in range(4):
        h = np.tanh(X @ p["U"] + h @ p["V"])
    return np.mean(h**2)


def gates(p: dict[str, Any], X: Any, y: Any) -> Any:
    h, c = np.zeros((2, SAMPLES, 3))
    z = X @ p["U4"] + h @ p["V4"]
    i, f, o = (tg.sigmoid(z[:, k : k + 3]) for k in (0, 3, 6))
    c = f * c + i * np.tanh(z[:, 9:])
    return np.sum(o * np.tanh(c))


@tg.differentiable(vjp=lambda ct, out, a, b: (ct * b, np.minimum(ct, 2.0) * a))
def times(a: Any, b: Any) -> Any:
    return a * b


def own_rule(p: dict[str, Any], X: Any, y: Any) -> Any:
    return np.sum(np.tanh(times(p["W1"], p["W1b"])))


NETS = [softmax_net, by_hand, loop, gates, own_rule]
SHAPES = {
    "W1": (2, 5), "b1": (5,), "W2": (5, 3), "b2": (3,), "U": (2, 3), "V": (3, 3), "U4": (2, 12),
    "V4": (3, 12), "W1b": (2, 5),
}  # fmt: skip


def drawn(seed: int) -> tuple[dict[str, Any], Any, Any]:
    rng = np.random.default_rng(seed)
    p = {key: leaf(rng, *shape) for key, shape in SHAPES.items()}
    return p, rng.normal(size=(SAMPLES, 2)), rng.permutation(np.arange(SAMPLES) % 3)


def explained(net: Callable[..., Any], p: dict[str, Any], X: Any, y: Any) -> tg.Explanation:
    loss = net(p, X, y)
    loss.name = "loss"
    return tg.explain(loss, names={"X": X, "y": y, "Y": np.eye(3)[y], **p})


@pytest.mark.parametrize("net", NETS)
def test_a_source_serves_other_data(net: Callable[..., Any]) -> None:
    p, X, y = drawn(0)
    found = explained(net, p, X, y)
    assert max(found.check().values()) < 1e-13
    scope: dict[str, Any] = {}
    exec(found.numpy(), scope)  # noqa: S102  # what is handed out
    other, X, y = drawn(1)
    loss = net(other, X, y)
    loss.backward()
    known = {"X": X, "y": y, "Y": np.eye(3)[y], "c1": np.zeros((SAMPLES, 3)), **other}
    given = [getattr(known[name], "_value", known[name]) for name in found._rerun.names]
    value, *gradients = scope[found._rerun.program.name](*given)
    assert value == pytest.approx(loss.item(), rel=1e-13)
    for label, gradient in zip(found._rerun.labels[1:], gradients, strict=True):
        wanted = other[label[1:]].grad.numpy()
        np.testing.assert_allclose(gradient, wanted, atol=1e-13 * np.max(np.abs(wanted)))


@pytest.mark.parametrize("net", NETS)
def test_a_source_hides_no_builtin_and_has_no_long_line(net: Callable[..., Any]) -> None:
    source = explained(net, *drawn(0)).numpy()
    stored = {
        one.id for one in ast.walk(ast.parse(source))
        if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Store)
    }  # fmt: skip
    assert not stored & {*dir(builtins)}
    assert max(map(len, source.splitlines())) <= 100


def lines(net: Callable[..., Any]) -> list[str]:
    source = explained(net, *drawn(0)).numpy()
    return [line.partition("  #")[0].strip() for line in source.splitlines()]


def test_labels_are_an_argument() -> None:
    found = lines(softmax_net)
    assert found[found.index("def loss_and_gradients(") + 2] == "y,"


def test_steps_with_shared_weights_read_as_written() -> None:
    found = lines(loop)
    assert found[3:8] == ["def loss_and_gradients(", "X,", "c1,", "U,", "V,"]
    assert "d_v7 = d_v8 * (1 - v8 ** 2)" in found


def test_zeros_of_two_variables_have_neither_name() -> None:
    h, c = np.zeros((2, 3))
    x = tg.tensor([1.0, 2.0, 3.0], requires_grad=True, name="x")
    out = np.sum(x * c)
    assert tg.explain(out, names={"h": h, "c": c})._rerun.names == ["c1", "x"]
    assert tg.explain(out, names={"c": c})._rerun.names == ["c", "x"]


@tg.differentiable(vjp=lambda ct, _out, x: ct[None][0] * np.cos(x))
def sine(x: Any) -> Any:
    return np.sin(x)


def shared(x: Any) -> Any:
    """Give a part the name of what a formula has twice."""
    placed = TABLE["scatter"].function(x, shape=(), index=())
    return 2 * placed + 2 * np.exp(x) + np.add(x, x) * 2


@pytest.mark.parametrize("f", [lambda x: -sine(x), shared])
def test_a_number_that_is_indexed_is_an_array(f: Any) -> None:
    x = tg.tensor(2.0, requires_grad=True, name="x")
    out = f(x)
    found = tg.explain(out, names={"out": out})
    assert "    d_out = np.ones(()) " in found.numpy()
    assert max(found.check().values()) < 1e-14


def test_ones_have_the_dtype_of_the_result() -> None:
    x = tg.tensor(np.ones(3, np.float32), requires_grad=True, name="x")
    found = tg.explain(np.exp(x), names={})
    assert "d_v1 = np.ones((3,), np.float32)" in found.numpy()


def test_saturated_units_in_a_row_lose_no_digits() -> None:
    x = tg.tensor([0.5, 2.0, -3.0], requires_grad=True, name="x")
    h = x
    for k in range(40):
        h = np.tanh(3.0 * h + 0.1 * k)
    assert "np.exp(-np.abs(" in tg.explain(np.sum(h)).numpy()
    assert max(tg.explain(np.sum(h)).check().values()) < 1e-13
    once = tg.explain(np.sum(np.tanh(x)))
    assert "d_x = d_v2 * (1 - v1 ** 2)" in once.numpy()


def test_a_loss_that_is_nan_is_what_the_source_gives() -> None:
    x = tg.tensor([-1.0, 2.0], requires_grad=True, name="x")
    with np.errstate(all="ignore"):
        out = np.sum(np.log(x))
    assert tg.explain(out).check() == {"out": 0.0, "dx": 0.0}
