"""Gradients of whole networks: against the complex step, and written scalar by scalar."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest

import tinygrad_bp as tg
from tinygrad_bp import nn

STEP = 1e-30  # the complex step has no cancellation: anything so small is exact to rounding

# The same functions for complex arrays, written here without the package
PLAIN = {
    nn.Sigmoid: lambda z: 1 / (1 + np.exp(-z)),
    nn.Tanh: np.tanh,
    nn.ReLU: lambda z: np.where(z.real > 0, z, 0),
}


def bce(z, y):
    return np.mean(np.log(1 + np.exp(z)) - y * z)


def cross_entropy(z, labels):
    return np.mean(np.log(np.sum(np.exp(z), axis=1)) - z[np.arange(len(labels)), labels])


def mse(p, t):
    return np.mean((p - t) ** 2)


RNG = np.random.default_rng(11)
X = RNG.normal(size=(7, 3))
COLUMN = (RNG.random((7, 1)) < 0.5).astype(float)
LABELS = RNG.integers(0, 4, 7)
NETWORKS = {
    "sigmoid, bce": ((3, 5, 5, 1), nn.Sigmoid, nn.bce_with_logits, bce, COLUMN),
    "tanh, bce": ((3, 4, 1), nn.Tanh, nn.bce_with_logits, bce, COLUMN),
    "relu, mse": ((3, 6, 6, 1), nn.ReLU, nn.mse, mse, COLUMN),
    "relu, cross entropy": ((3, 5, 4), nn.ReLU, nn.cross_entropy, cross_entropy, LABELS),
    "linear, cross entropy": ((3, 4), nn.Tanh, nn.cross_entropy, cross_entropy, LABELS),
}


def built(sizes, activation, bias=True):
    rng = np.random.default_rng(4)
    layers = []
    for n_in, n_out in pairwise(sizes):
        layers += [nn.Linear(n_in, n_out, rng=rng, bias=bias), activation()]
    net = nn.Sequential(*layers[:-1])
    net.load_state({name: rng.normal(size=a.shape) for name, a in net.state().items()})
    return net


def by_hand(state, sizes, activation, loss, target):
    """Compute the loss from a dict of (complex) arrays in plain NumPy."""
    a = X
    for k in range(len(sizes) - 1):
        a = a @ state[f"layers.{2 * k}.W"] + state.get(f"layers.{2 * k}.b", 0.0)
        if k < len(sizes) - 2:
            a = PLAIN[activation](a)
    return loss(a, target)


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("name", NETWORKS)
def test_the_gradient_of_every_parameter_agrees_with_the_complex_step(name, bias):
    sizes, activation, loss, plain, target = NETWORKS[name]
    net = built(sizes, activation, bias)
    value = loss(net(X), target)
    value.backward()
    state = net.state()
    assert value.item() == pytest.approx(
        by_hand(state, sizes, activation, plain, target), rel=1e-13
    )
    for key, parameter in net.named_parameters():
        wanted = np.empty(parameter.shape)
        for index in np.ndindex(parameter.shape):
            moved = state | {key: state[key].astype(complex)}
            moved[key][index] += 1j * STEP
            wanted[index] = by_hand(moved, sizes, activation, plain, target).imag / STEP
        np.testing.assert_allclose(parameter.grad.numpy(), wanted, rtol=1e-12, atol=1e-14)


# The 2-5-5-1 network as scalars


def scalar_sigmoid(z):
    return 1 / (1 + np.exp(-z))


def scalar_network(weights, row):
    """Apply layers of 0-d Tensors to a row of floats, unit by unit."""
    units = row
    for k, (W, b) in enumerate(weights):
        sums = [
            sum((a * w for a, w in zip(units, column, strict=True)), start=shift)
            for column, shift in zip(zip(*W, strict=True), b, strict=True)
        ]
        units = sums if k == len(weights) - 1 else [scalar_sigmoid(z) for z in sums]
    return units[0]


SCALAR_LOSSES = {
    "bce": lambda z, y: tg.softplus(z) - y * z,
    "log of the sigmoid": lambda z, y: -np.log(scalar_sigmoid(z) if y else 1 - scalar_sigmoid(z)),
}


@pytest.mark.parametrize("loss", SCALAR_LOSSES.values(), ids=SCALAR_LOSSES)
def test_a_network_of_scalars_has_the_gradients_of_the_matrix_one(loss):
    net = built((2, 5, 5, 1), nn.Sigmoid)
    X2, y = X[:, :2], COLUMN
    value = nn.bce_with_logits(net(X2), y)
    value.backward()

    def scalars(parameter):
        make = np.vectorize(lambda v: tg.tensor(float(v), requires_grad=True), otypes=[object])
        return make(parameter.detach().numpy()).tolist()

    weights = [(scalars(layer.W), scalars(layer.b)) for layer in net[::2]]
    losses = [
        loss(scalar_network(weights, row), target)
        for row, target in zip(X2.tolist(), y[:, 0].tolist(), strict=True)
    ]
    total = sum(losses) / len(losses)
    total.backward()
    assert total.item() == pytest.approx(value.item(), rel=1e-14)
    for layer, (W, b) in zip(net[::2], weights, strict=True):
        W_grad = [[w.grad.item() for w in row] for row in W]
        np.testing.assert_allclose(layer.W.grad.numpy(), W_grad, rtol=0, atol=1e-14)
        b_grad = [unit.grad.item() for unit in b]
        np.testing.assert_allclose(layer.b.grad.numpy(), b_grad, rtol=0, atol=1e-14)
        assert np.abs(layer.W.grad.numpy()).max() > 1e-4  # the comparison says something


def tangled(x, y):
    """Use numbers on either side, each value more than once, and every scalar operator."""
    u = 3 - x * y / 4
    v = u**2 + 1 / (2 + y)
    u = -v + u * x - 0.5
    v = v / u + 2.0 * v - (x + 1) ** -1
    return (v - u) * v + u


@pytest.mark.parametrize(("x", "y"), [(-1.5, 0.25), (0.5, 3.0), (2.0, -1.0)])
def test_an_expression_of_scalars_and_python_numbers_has_its_gradient(x, y):
    a, b = tg.tensor(x, requires_grad=True), tg.tensor(y, requires_grad=True)
    out = tangled(a, b)
    out.backward()
    assert out.shape == ()
    assert out.item() == pytest.approx(tangled(x, y), rel=1e-15)
    assert a.grad.item() == pytest.approx(tangled(x + 1j * STEP, y).imag / STEP, rel=1e-13)
    assert b.grad.item() == pytest.approx(tangled(x, y + 1j * STEP).imag / STEP, rel=1e-13)


def test_relu_of_a_scalar_is_a_method():
    x = tg.tensor(0.75, requires_grad=True)
    (x.relu() * 3 + (-x).relu() * 100).backward()
    assert x.grad.item() == 3.0


def test_the_hand_derivation_of_the_2_5_5_1_network_agrees():
    net = built((2, 5, 5, 1), nn.Sigmoid)
    X2, y, m = X[:, :2], COLUMN, len(X)
    W1, b1, W2, b2, W3, b3 = net.state().values()
    a1 = PLAIN[nn.Sigmoid](X2 @ W1 + b1)
    a2 = PLAIN[nn.Sigmoid](a1 @ W2 + b2)
    d3 = (PLAIN[nn.Sigmoid](a2 @ W3 + b3) - y) / m
    d2 = d3 @ W3.T * a2 * (1 - a2)
    d1 = d2 @ W2.T * a1 * (1 - a1)
    wanted = X2.T @ d1, d1.sum(0), a1.T @ d2, d2.sum(0), a2.T @ d3, d3.sum(0)
    nn.bce_with_logits(net(X2), y).backward()
    for parameter, gradient in zip(net.parameters(), wanted, strict=True):
        np.testing.assert_allclose(parameter.grad.numpy(), gradient, rtol=0, atol=1e-14)


def test_float32_stays_float32_through_forward_and_backward():
    rng = np.random.default_rng(0)
    net = nn.Sequential(
        nn.Linear(3, 5, rng=rng, dtype=np.float32),
        nn.Sigmoid(),
        nn.Linear(5, 1, rng=rng, dtype=np.float32),
    )
    loss = nn.bce_with_logits(net(X.astype(np.float32)), COLUMN.astype(np.float32))
    loss.backward()
    assert loss.dtype == np.float32
    assert {p.grad.dtype for p in net.parameters()} == {np.dtype(np.float32)}
    assert math.isfinite(loss.item())
