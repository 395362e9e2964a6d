"""Optimizer steps: against the papers' formulas in plain loops, and against closed forms."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinygrad_bp as tg
from tinygrad_bp import nn
from tinygrad_bp.optim import SGD, Adagrad, Adam, AdamW, Lion, RMSprop

STEPS = 8

# One number at a time, written from the papers


def sgd(p, gradients, lr, momentum=0.0, nesterov=False, weight_decay=0.0):
    v = 0.0
    for g in gradients:
        g = g + weight_decay * p
        v = momentum * v + g
        p = p - lr * ((g + momentum * v) if nesterov else v)
    return p


def adam(p, gradients, lr=0.001, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0):
    m = v = 0.0
    for t, g in enumerate(gradients, 1):
        g = g + weight_decay * p
        m = betas[0] * m + (1 - betas[0]) * g
        v = betas[1] * v + (1 - betas[1]) * g**2
        m_hat = m / (1 - betas[0] ** t)
        v_hat = v / (1 - betas[1] ** t)
        p = p - lr * m_hat / (math.sqrt(v_hat) + eps)
    return p


def adamw(p, gradients, lr=0.001, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.01):
    m = v = 0.0
    for t, g in enumerate(gradients, 1):
        m = betas[0] * m + (1 - betas[0]) * g
        v = betas[1] * v + (1 - betas[1]) * g**2
        m_hat = m / (1 - betas[0] ** t)
        v_hat = v / (1 - betas[1] ** t)
        p = p - lr * (m_hat / (math.sqrt(v_hat) + eps) + weight_decay * p)
    return p


def rmsprop(p, gradients, lr=0.01, decay=0.99, eps=1e-8, momentum=0.0, weight_decay=0.0):
    s = v = 0.0
    for g in gradients:
        g = g + weight_decay * p
        s = decay * s + (1 - decay) * g**2
        v = momentum * v + g / (math.sqrt(s) + eps)
        p = p - lr * v
    return p


def adagrad(p, gradients, lr=0.01, eps=1e-10, weight_decay=0.0):
    s = 0.0
    for g in gradients:
        g = g + weight_decay * p
        s += g**2
        p = p - lr * g / (math.sqrt(s) + eps)
    return p


def lion(p, gradients, lr=1e-4, betas=(0.9, 0.99), weight_decay=0.0):
    m = 0.0
    for g in gradients:
        c = betas[0] * m + (1 - betas[0]) * g
        p = p - lr * ((c > 0) - (c < 0) + weight_decay * p)
        m = betas[1] * m + (1 - betas[1]) * g
    return p


RULES = [
    (SGD, sgd, {"lr": 0.1}),
    (SGD, sgd, {"lr": 0.0}),
    (SGD, sgd, {"lr": 0.1, "weight_decay": 0.3}),
    (SGD, sgd, {"lr": 0.1, "momentum": 0.9}),
    (SGD, sgd, {"lr": 0.05, "momentum": 0.5, "weight_decay": 0.1}),
    (SGD, sgd, {"lr": 0.1, "momentum": 0.9, "nesterov": True}),
    (SGD, sgd, {"lr": 0.1, "momentum": 0.3, "nesterov": True, "weight_decay": 0.2}),
    (Adam, adam, {}),
    (Adam, adam, {"lr": 0.1, "betas": (0.5, 0.8)}),
    (Adam, adam, {"lr": 0.1, "betas": (0.0, 0.0), "eps": 0.1}),
    (Adam, adam, {"lr": 0.1, "weight_decay": 0.3}),
    (AdamW, adamw, {}),
    (AdamW, adamw, {"lr": 0.1, "weight_decay": 0.5, "betas": [0.7, 0.9]}),
    (AdamW, adamw, {"lr": 0.1, "weight_decay": 0.0}),
    (RMSprop, rmsprop, {}),
    (RMSprop, rmsprop, {"lr": 0.1, "decay": 0.5, "eps": 0.1, "weight_decay": 0.3}),
    (RMSprop, rmsprop, {"lr": 0.1, "momentum": 0.9}),
    (Lion, lion, {}),
    (Lion, lion, {"lr": 0.1, "betas": (0.5, 0.3), "weight_decay": 0.3}),
    (Adagrad, adagrad, {}),
    (Adagrad, adagrad, {"lr": 0.1, "eps": 0.1, "weight_decay": 0.3}),
]
SHAPES = [(), (1,), (3, 2), (0, 2)]


@pytest.mark.parametrize(
    ("kind", "formula", "settings"), RULES, ids=lambda v: getattr(v, "__name__", str(v))
)
def test_steps_follow_the_formula_of_the_paper(kind, formula, settings):
    rng = np.random.default_rng(3)
    starts = [np.asarray(rng.normal(size=shape)) for shape in SHAPES]
    gradients = [np.asarray(rng.normal(size=(STEPS, *shape))) for shape in SHAPES]
    gradients[2][:, 0, 0] = 0.0  # an element that never gets a gradient
    params = [tg.tensor(start, requires_grad=True) for start in starts]
    optimizer = kind(params, **settings)
    for t in range(STEPS):
        for param, gradient in zip(params, gradients, strict=True):
            param.grad = tg.tensor(gradient[t])
        optimizer.step()
    for param, start, gradient in zip(params, starts, gradients, strict=True):
        wanted = np.empty(start.shape)
        for index in np.ndindex(start.shape):
            along = gradient[(slice(None), *index)].tolist()
            wanted[index] = formula(float(start[index]), along, **settings)
        got = param.detach().numpy()
        assert got.shape == start.shape
        np.testing.assert_allclose(got, wanted, rtol=1e-13, atol=1e-15)


# Closed forms


def descended(optimizer, loss, steps):
    """Return the values of the only parameter, a scalar, before and after each step."""
    (x,) = optimizer.params
    path = [x.item()]
    for _ in range(steps):
        loss(x).backward()
        optimizer.step()
        optimizer.zero_grad()
        path.append(x.item())
    return np.array(path)


def scalar(value=1.0):
    return tg.tensor(value, requires_grad=True)


T = np.arange(31)


@pytest.mark.parametrize("rate", [0.1, 0.5, 0.9, 1.0, 1.5])
def test_gradient_descent_on_a_parabola_is_a_geometric_sequence(rate):
    path = descended(SGD([scalar()], lr=rate), lambda x: x**2 / 2, 30)
    np.testing.assert_allclose(path, (1 - rate) ** T, rtol=1e-13, atol=1e-300)


@pytest.mark.parametrize("rate", [0.01, 0.25, 0.81])
def test_momentum_on_a_parabola_is_critically_damped_where_theory_says(rate):
    # x[t+1] = (1 + m - rate) x[t] - m x[t-1]; both roots are r = 1 - sqrt(rate) for m = r**2
    r = 1 - math.sqrt(rate)
    path = descended(SGD([scalar()], lr=rate, momentum=r * r), lambda x: x**2 / 2, 30)
    wanted = (1 + ((1 - rate) / r - 1) * T) * r**T
    # rounding grows with t along a double root
    np.testing.assert_allclose(path, wanted, rtol=1e-11, atol=1e-14)


@pytest.mark.parametrize(("rate", "momentum"), [(0.1, 0.9), (1.0, 0.5), (0.5, 0.99)])
def test_momentum_on_a_parabola_swings_like_a_damped_oscillator(rate, momentum):
    # complex roots sqrt(m) exp(+-i w), cos w = (1 + m - rate) / (2 sqrt(m))
    size = math.sqrt(momentum)
    w = math.acos((1 + momentum - rate) / (2 * size))
    b = ((1 - rate) / size - math.cos(w)) / math.sin(w)
    path = descended(SGD([scalar()], lr=rate, momentum=momentum), lambda x: x**2 / 2, 30)
    np.testing.assert_allclose(path, size**T * (np.cos(w * T) + b * np.sin(w * T)), atol=1e-12)


def test_nesterov_steps_are_those_of_sutskever_seen_at_the_point_ahead():
    # Sutskever et al. (2013), equations 3 and 4: v <- m v - lr f'(q + m v), q <- q + v
    rate, m = 0.05, 0.8
    path = descended(
        SGD([scalar(2.0)], lr=rate, momentum=m, nesterov=True), lambda x: np.cosh(x), 30
    )
    q, v, ahead = 2.0, 0.0, [2.0]
    for _ in range(30):
        v = m * v - rate * math.sinh(q + m * v)
        q += v
        ahead.append(q + m * v)
    np.testing.assert_allclose(path, ahead, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("kind", [Adam, AdamW])
@given(
    slope=st.floats(min_value=1e-4, max_value=1e8).flatmap(lambda s: st.sampled_from([s, -s])),
    rate=st.floats(min_value=1e-6, max_value=1.0),
)
def test_under_a_constant_gradient_adam_moves_by_the_rate_whatever_its_size(kind, slope, rate):
    x = scalar(0.0)
    optimizer = kind([x], lr=rate, weight_decay=0.0)
    for t in range(1, 6):
        x.grad = tg.tensor(slope)
        optimizer.step()
        # exactly: both averages, corrected, are the gradient and its square
        wanted = -t * rate * slope / (abs(slope) + 1e-8)
        assert x.item() == pytest.approx(wanted, rel=1e-12)


def test_decoupled_decay_shrinks_what_gets_a_gradient_of_zero_and_l2_does_not():
    shrunk, pulled = scalar(2.0), scalar(2.0)
    for optimizer in (
        AdamW([shrunk], 0.1, weight_decay=0.5),
        Adam([pulled], 0.1, weight_decay=0.5),
    ):
        for _ in range(10):
            optimizer.params[0].grad = tg.tensor(0.0)
            optimizer.step()
    assert shrunk.item() == pytest.approx(2.0 * 0.95**10, rel=1e-14)
    # the penalty's gradient is normalised away: steps of nearly the full rate
    assert pulled.item() == pytest.approx(2.0 - 10 * 0.1, abs=0.05)


# They get there

A = np.random.default_rng(0).normal(size=(30, 4))
B = np.random.default_rng(1).normal(size=(30, 1))


@pytest.mark.parametrize(
    ("kind", "settings"),
    [
        (SGD, {"lr": 0.3}),
        (SGD, {"lr": 0.1, "momentum": 0.8}),
        (SGD, {"lr": 0.1, "momentum": 0.8, "nesterov": True}),
        (Adam, {"lr": 0.05}),
        (AdamW, {"lr": 0.05, "weight_decay": 0.0}),
    ],
    ids=str,
)
def test_every_optimizer_finds_the_least_squares_solution(kind, settings):
    w = tg.tensor(np.zeros((4, 1)), requires_grad=True)
    optimizer = kind([w], **settings)
    for _ in range(800):
        nn.mse(A @ w, B).backward()
        optimizer.step()
        optimizer.zero_grad()
    wanted = np.linalg.lstsq(A, B, rcond=None)[0]
    np.testing.assert_allclose(w.detach().numpy(), wanted, atol=1e-8)


def test_weight_decay_finds_the_ridge_solution():
    w = tg.tensor(np.zeros((4, 1)), requires_grad=True)
    optimizer = SGD([w], lr=0.2, weight_decay=0.1)
    for _ in range(800):
        nn.mse(A @ w, B).backward()
        optimizer.step()
        optimizer.zero_grad()
    # 2/m A'(A w - b) + 0.1 w = 0
    wanted = np.linalg.solve(A.T @ A / 15 + 0.1 * np.eye(4), A.T @ B / 15)
    np.testing.assert_allclose(w.detach().numpy(), wanted, atol=1e-12)


# Number types

KINDS = [
    (SGD, {"lr": 0.1}),
    (SGD, {"lr": 0.1, "weight_decay": 0.1}),
    (SGD, {"lr": 0.1, "momentum": 0.9, "nesterov": True}),
    (Adam, {"lr": 0.01}),
    (AdamW, {"lr": 0.01}),
]


@pytest.mark.parametrize(("kind", "settings"), KINDS, ids=str)
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_a_whole_training_step_keeps_the_dtype(kind, settings, dtype):
    rng = np.random.default_rng(0)
    net = nn.Sequential(
        nn.Linear(3, 4, rng=rng, dtype=dtype), nn.Sigmoid(), nn.Linear(4, 1, rng=rng, dtype=dtype)
    )
    shift = tg.tensor(0.5, dtype=dtype, requires_grad=True)
    params = [*net.parameters(), shift]
    optimizer = kind(params, **settings)
    X, y = rng.normal(size=(8, 3)).astype(dtype), np.ones((8, 1), dtype)
    losses = []
    for _ in range(3):
        loss = nn.bce_with_logits(net(X) * shift, y)
        loss.backward()
        assert {p.grad.dtype for p in params} == {np.dtype(dtype)}
        optimizer.step()
        optimizer.zero_grad()
        losses.append(loss.item())
    assert {p.dtype for p in params} == {np.dtype(dtype)}
    assert losses == sorted(losses, reverse=True)
    # Adam's averages of float16 parameters are float32, all other memory is as the parameters
    wide = np.float32 if kind is not SGD and dtype is np.float16 else dtype
    for state in (kind(params, **settings).state(), optimizer.state()):
        memory = {a.dtype for k, a in state.items() if k != "lr" and "steps" not in k}
        assert memory <= {np.dtype(wide)}
    assert type(shift._value) is dtype  # a scalar stays one: it computes faster than a 0-d array


@pytest.mark.parametrize("kind", [Adam, AdamW])
def test_a_zero_or_tiny_float16_gradient_gives_a_finite_step(kind):
    w = tg.tensor([1.0, 1.0, 1.0], dtype=np.float16, requires_grad=True)
    optimizer = kind([w], lr=0.125, weight_decay=0.0)
    w.grad = tg.tensor([0.0, 6e-8, -6e-5], dtype=np.float16)  # squares that float16 cannot hold
    optimizer.step()
    got = w.detach().numpy().astype(float)
    g = np.array([0.0, 6e-8, -6e-5], np.float16).astype(float)
    np.testing.assert_allclose(got, 1 - 0.125 * g / (np.abs(g) + 1e-8), atol=1e-3)


@pytest.mark.parametrize(("kind", "settings"), KINDS, ids=str)
def test_a_gradient_of_another_dtype_does_not_change_the_parameter(kind, settings):
    w = tg.tensor([1.0, 2.0], dtype=np.float32, requires_grad=True)
    w.grad = tg.tensor([0.5, 0.5])  # a user's own, float64
    kind([w], **settings).step()
    assert w.dtype == np.float32
    assert (w.detach().numpy() != [1.0, 2.0]).all()
