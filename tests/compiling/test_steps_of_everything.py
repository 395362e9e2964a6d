"""Every layer, loss and optimizer, compiled: the same as the eager step, call after call."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from layer_cases import CASES, LayerCase
from twins import close, found, twins

import tinygrad_bp as tg
from tinygrad_bp import nn, optim
from tinygrad_bp.errors import DataError

RNG = np.random.default_rng(0)
X = RNG.normal(size=(6, 2))
Y = (X[:, :1] * X[:, 1:] < 0) * 1.0

OPTIMIZERS = {
    "sgd": lambda p: optim.SGD(p, lr=0.1),
    "decay": lambda p: optim.SGD(p, lr=0.1, weight_decay=0.01),
    "momentum": lambda p: optim.SGD(p, lr=0.1, momentum=0.9),
    "nesterov": lambda p: optim.SGD(p, lr=0.1, momentum=0.9, nesterov=True, weight_decay=0.1),
    "adam": lambda p: optim.Adam(p, lr=0.01),
    "adam-decay": lambda p: optim.Adam(p, lr=0.01, weight_decay=0.1, betas=(0.0, 0.9)),
    "adamw": lambda p: optim.AdamW(p, lr=0.01),
    "rmsprop": lambda p: optim.RMSprop(p, lr=0.01),
    "rmsprop-momentum": lambda p: optim.RMSprop(p, lr=0.01, momentum=0.5, weight_decay=0.1),
    "adagrad": lambda p: optim.Adagrad(p, lr=0.1),
    "groups": lambda p: optim.AdamW(
        [{"params": p[:2], "scale": 0.5}, {"params": p[2:], "weight_decay": 0.0}], lr=0.01
    ),
}


def network(dtype: Any = np.float64) -> nn.Module:
    return nn.Sequential(
        nn.Linear(2, 5, rng=0, dtype=dtype), nn.Sigmoid(), nn.Linear(5, 1, rng=1, dtype=dtype)
    )


def training(optimizer: Any, dtype: Any = np.float64) -> Any:
    def make() -> Any:
        net = network(dtype)
        own = optimizer(net.parameters())

        def step(x: Any, y: Any) -> Any:
            loss = nn.bce_with_logits(net(x), y)
            loss.backward()
            own.step()
            own.zero_grad()
            return loss

        return (net, own), step

    return make


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_an_optimizer(name: str) -> None:
    def faster(state: Any, k: int) -> None:
        state[1].lr *= 1.0 + 0.25 * k

    compiled = twins(
        training(OPTIMIZERS[name]), [(X, Y), (X, Y), (X[:3], Y[:3]), (X, Y)], between=faster
    )
    assert compiled.explain_retrace().count("traced") == 1


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
@pytest.mark.parametrize("name", ["sgd", "nesterov", "adam", "rmsprop"])
def test_an_optimizer_in_less_precision(name: str, dtype: Any) -> None:
    calls = [(X.astype(dtype), Y.astype(dtype))] * 3
    twins(training(OPTIMIZERS[name], dtype), calls)


@pytest.mark.parametrize("case", CASES, ids=repr)
def test_a_layer(case: LayerCase) -> None:
    twins(case.training, [(case.x,), (case.x,), (case.x[:2] * 0.5,)], ulps=2_000)


@pytest.mark.parametrize("p", [0.0, 0.4])
def test_dropout_draws_what_the_eager_step_draws(p: float) -> None:
    def make() -> Any:
        net = nn.Sequential(nn.Linear(2, 8, rng=0), nn.Dropout(p, rng=1), nn.Linear(8, 1, rng=2))
        own = optim.SGD(net.parameters(), lr=0.1)

        def step(x: Any, y: Any) -> Any:
            own.zero_grad()
            loss = nn.mse(net(x), y)
            loss.backward()
            own.step()
            return loss

        return (net, own), step

    twins(make, [(X, Y), (X, Y), (X[:4], Y[:4]), (X, Y)])


LABELS = np.array([2, 0, 1, 2, 1, 0])
LOSSES: dict[str, tuple[Any, Any]] = {
    "mse": (nn.mse, lambda z: np.tanh(z)),
    "bce": (nn.bce_with_logits, lambda z: (z > 0) * 1.0),
    "bce of ints": (nn.bce_with_logits, lambda z: (z > 0).astype(int)),
    "probabilities": (
        lambda z, y: nn.binary_cross_entropy(tg.sigmoid(z), y),
        lambda z: (z > 0) * 1.0,
    ),
    "classes": (nn.cross_entropy, lambda z: LABELS[: len(z)]),
    "smoothed": (
        lambda z, y: nn.cross_entropy(
            z, y, label_smoothing=0.1, class_weights=np.array([1.0, 2.0, 0.5])
        ),
        lambda z: LABELS[: len(z)],
    ),
    "huber": (nn.losses.huber, lambda z: np.tanh(z)),
    "hinge": (nn.losses.hinge, lambda z: np.sign(z)),
    "kl": (
        lambda z, p: nn.losses.kl_divergence(tg.log_softmax(z), p),
        lambda z: tg.softmax(z),
    ),
    "poisson": (nn.losses.poisson, lambda z: np.floor(np.abs(z))),
    "focal": (
        lambda z, y: nn.losses.focal(z, y, alpha=0.3),
        lambda z: (z > 0) * 1.0,
    ),
    "weights": (
        lambda z, y: nn.bce_with_logits(z, y, weights=np.abs(y) + 0.5, pos_weight=2.0),
        lambda z: (z > 0) * 1.0,
    ),
    "sum": (lambda z, y: nn.mse(z, y, "sum"), lambda z: np.tanh(z)),
    "none": (lambda z, y: nn.mse(z, y, "none"), lambda z: np.tanh(z)),
}


@pytest.mark.parametrize("name", LOSSES)
def test_a_loss(name: str) -> None:
    loss, labels = LOSSES[name]
    data = RNG.normal(size=(6, 4))

    def make() -> Any:
        layer = nn.Linear(4, 3, rng=3)
        own = optim.SGD(layer.parameters(), lr=0.1)

        def step(x: Any, y: Any) -> Any:
            value = loss(layer(x), y)
            np.sum(value).backward()
            own.step()
            own.zero_grad()
            return value

        return (layer, own), step

    y = labels(RNG.normal(size=(6, 3)))
    twins(make, [(data, y), (data, y), (data[:3], y[:3]), (tg.tensor(data), tg.tensor(y))])


@pytest.mark.parametrize("limit", [0.01, 100.0])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_clipped_gradients(limit: float, dtype: Any) -> None:
    def make() -> Any:
        net = network(dtype)
        own = optim.SGD(net.parameters(), lr=0.1)

        def step(x: Any, y: Any) -> Any:
            nn.bce_with_logits(net(x), y).backward()
            norm = optim.clip_grad_norm(net.parameters(), limit)
            optim.clip_grad_value(net.parameters(), limit / 2)
            own.step()
            own.zero_grad()
            return norm

        return (net, own), step

    (own, eager), (other, step) = make(), make()
    fast = tg.compile(step, state=other, backend="numpy")
    for x, y in [(X, Y), (X, Y), (X[:3], Y[:3])]:
        x, y = x.astype(dtype), y.astype(dtype)
        np.testing.assert_allclose(fast(x, y), eager(x, y), rtol=1e-6)
        close(list(found(other)), list(found(own)), 256)
    before = other[0].state()
    with np.errstate(all="ignore"), pytest.raises(DataError, match="norm of the gradients is"):
        fast(x * np.nan, y)
    close(other[0].state(), before)
