"""Layers and their initial weights."""

from __future__ import annotations

import math

import numpy as np
import pytest

import tinygrad_bp as tg
from tinygrad_bp import nn
from tinygrad_bp.errors import ShapeError
from tinygrad_bp.nn.initializers import initializer

X = np.random.default_rng(0).normal(size=(4, 3))

# Linear


@pytest.mark.parametrize("shape", [(3,), (1, 3), (4, 3), (0, 3), (2, 4, 3)], ids=str)
@pytest.mark.parametrize("bias", [True, False])
def test_linear_is_x_at_w_plus_b(shape, bias):
    layer = nn.Linear(3, 2, bias=bias, rng=1)
    if bias:
        layer.load_state({"W": layer.state()["W"], "b": np.array([5.0, -1.0])})
    x = np.random.default_rng(2).normal(size=shape)
    W, b = layer.state()["W"], layer.state().get("b", 0.0)
    out = layer(x)
    assert out.shape == (*shape[:-1], 2)
    # each element as its own sum
    wanted = np.array(
        [[sum(row[i] * W[i, j] for i in range(3)) for j in (0, 1)] for row in x.reshape(-1, 3)]
    )
    np.testing.assert_allclose(
        out.detach().numpy(), wanted.reshape(out.shape) + b, rtol=1e-14, atol=1e-14
    )


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_linear_keeps_its_dtype(dtype):
    layer = nn.Linear(3, 2, rng=0, dtype=dtype)
    assert [p.dtype for p in layer.parameters()] == [dtype, dtype]
    out = layer(X.astype(dtype))
    assert out.dtype == dtype
    np.sum(out).backward()
    assert [p.grad.dtype for p in layer.parameters()] == [dtype, dtype]


def test_linear_begins_with_a_bias_of_zero_and_names_for_drawings():
    layer = nn.Linear(3, 2, rng=0, name="hidden")
    assert not layer.b.numpy().any()
    assert (layer.W.name, layer.b.name) == ("hidden.W", "hidden.b")
    plain = nn.Linear(3, 2, rng=0)
    assert (plain.W.name, plain.b.name) == ("W", "b")
    assert nn.Linear(3, 2, bias=False, rng=0).b is None


def test_a_seed_or_generator_fixes_the_weights():
    first, second = (
        nn.Linear(3, 2, rng=5).state(),
        nn.Linear(3, 2, rng=np.random.default_rng(5)).state(),
    )
    assert first["W"].tobytes() == second["W"].tobytes()
    assert nn.Linear(3, 2).state()["W"].tobytes() != nn.Linear(3, 2).state()["W"].tobytes()
    rng = np.random.default_rng(5)
    one, two = nn.Linear(3, 2, rng=rng), nn.Linear(3, 2, rng=rng)
    assert one.state()["W"].tobytes() != two.state()["W"].tobytes()


@pytest.mark.parametrize("value", [0, -1, 1.0, "2", None, True], ids=repr)
@pytest.mark.parametrize("argument", ["n_in", "n_out"])
def test_linear_refuses_sizes_that_are_none(argument, value):
    sizes = {"n_in": 2, "n_out": 2, argument: value}
    with pytest.raises(ValueError, match=f"Linear: {argument}=.*expected an integer, 1 or more"):
        nn.Linear(**sizes)


def test_linear_takes_numpy_integers():
    assert nn.Linear(np.int64(2), np.uint8(3), rng=0).W.shape == (2, 3)


@pytest.mark.parametrize("shape", [(2,), (4, 2), (4, 4)], ids=str)
@pytest.mark.parametrize("bias", [True, False])
def test_linear_names_shapes_that_do_not_fit(shape, bias):
    with pytest.raises(ShapeError) as caught:
        nn.Linear(3, 5, bias=bias, rng=0)(np.ones(shape))
    assert str(shape) in str(caught.value)
    assert "(3, 5)" in str(caught.value)


# Activation functions

ACTIVATIONS = [
    (nn.Sigmoid, lambda x: 1 / (1 + math.exp(-x)), lambda x: 1 / (2 + math.exp(x) + math.exp(-x))),
    (nn.Tanh, math.tanh, lambda x: 1 / math.cosh(x) ** 2),
    (nn.ReLU, lambda x: x if x > 0 else 0.0, lambda x: 1.0 if x > 0 else 0.0),
]


@pytest.mark.parametrize(
    ("layer", "value", "slope"), ACTIVATIONS, ids=lambda v: getattr(v, "__name__", "")
)
def test_activations_have_the_value_and_slope_of_their_formula(layer, value, slope):
    points = [-30.0, -2.5, -1e-8, 0.0, 1e-8, 0.7, 30.0]
    x = tg.tensor(points, requires_grad=True)
    out = layer()(x)
    np.sum(out).backward()
    # 1 - tanh**2 loses what tanh has lost of 1
    np.testing.assert_allclose(out.detach().numpy(), [value(p) for p in points], rtol=1e-15)
    np.testing.assert_allclose(x.grad.numpy(), [slope(p) for p in points], rtol=1e-14, atol=2e-16)
    plain = layer()(np.array(points))
    assert type(plain) is np.ndarray
    assert plain.tobytes() == out.detach().numpy().tobytes()


@pytest.mark.parametrize("layer", [nn.Sigmoid, nn.Tanh, nn.ReLU])
@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_activations_keep_the_dtype_and_saturate_silently(layer, dtype):
    x = tg.tensor([-1000, 0, 1000], dtype=dtype, requires_grad=True)
    out = layer()(x)
    np.sum(out).backward()
    assert out.dtype == x.grad.dtype == dtype
    assert np.isfinite(out.detach().numpy()).all()
    assert x.grad.numpy()[[0, -1]].tolist() == [0.0, 1.0 if layer is nn.ReLU else 0.0]


# Sequential


def test_sequential_applies_its_layers_in_order():
    net = nn.Sequential(lambda x: x + 1, np.square, lambda x: x - 3)
    assert net(2.0) == 6.0
    assert nn.Sequential()(2.0) == 2.0


def test_sequential_is_a_list_of_layers():
    layers = [nn.Linear(3, 2, rng=0), nn.Tanh(), nn.Linear(2, 1, rng=0)]
    net = nn.Sequential(*layers)
    assert len(net) == 3
    assert list(net) == layers
    assert net[0] is layers[0]
    assert net[-1] is layers[2]
    head = net[:2]
    assert type(head) is nn.Sequential
    assert [id(p) for p in head.parameters()] == [id(p) for p in layers[0].parameters()]
    with pytest.raises(IndexError):
        net[3]


@pytest.mark.parametrize("layer", [3, None, "tanh", [nn.Tanh()], nn.Tanh], ids=repr)
def test_sequential_refuses_what_cannot_be_called(layer):
    fault = "is a class" if layer is nn.Tanh else "cannot be called"
    with pytest.raises(TypeError, match=rf"Sequential: .* {fault}; expected layers"):
        nn.Sequential(nn.Tanh(), layer)


def test_layers_take_plain_arrays_and_tensors_alike():
    net = nn.Sequential(nn.Linear(3, 2, rng=0), nn.Sigmoid(), nn.Linear(2, 1, rng=1))
    wanted = net(X).detach().numpy()
    assert net(tg.tensor(X)).detach().numpy().tobytes() == wanted.tobytes()
    assert net(tg.tensor(X, requires_grad=True)).detach().numpy().tobytes() == wanted.tobytes()
    with tg.no_grad():
        assert not net(X).requires_grad


# Initial weights: variance and bound of each formula

LAWS = {
    "glorot_uniform": (lambda i, o: 2 / (i + o), lambda i, o: math.sqrt(6) / math.sqrt(i + o)),
    "glorot_normal": (lambda i, o: 2 / (i + o), None),
    "he_uniform": (lambda i, _o: 2 / i, lambda i, _o: math.sqrt(6 / i)),
    "he_normal": (lambda i, _o: 2 / i, None),
    "uniform": (lambda i, _o: 1 / (3 * i), lambda i, _o: 1 / math.sqrt(i)),
    "zeros": (lambda _i, _o: 0.0, lambda _i, _o: 0.0),
}
KURTOSIS = {True: 1.8, False: 3.0}  # of the uniform and of the normal distribution


def test_every_initialiser_has_a_law():
    assert set(LAWS) == set(nn.INITIALIZERS)


@pytest.mark.parametrize("name", LAWS)
@pytest.mark.parametrize(("n_in", "n_out"), [(200, 300), (400, 50), (1, 20_000)])
def test_initial_weights_have_the_mean_variance_and_bound_of_their_formula(name, n_in, n_out):
    variance, bound = LAWS[name]
    W = nn.Linear(n_in, n_out, init=name, rng=12).W.numpy()
    n, wanted = W.size, variance(n_in, n_out)
    assert W.shape == (n_in, n_out)
    # five standard errors: one seed in two million would fail by chance
    assert abs(W.mean()) <= 5 * math.sqrt(wanted / n)
    error = math.sqrt((KURTOSIS[bound is not None] - 1) / n)
    assert abs(np.mean(W**2) - wanted) <= 5 * error * wanted
    largest = np.abs(W).max()
    if bound is None:
        # P(|w| > 6 sigma) = 2e-9; and it is not a uniform distribution
        assert math.sqrt(3) < largest / math.sqrt(wanted) < 6
    else:
        # within the bound, and closer to it than chance leaves it once in exp(20) times
        assert bound(n_in, n_out) * (1 - 20 / n) <= largest <= bound(n_in, n_out)
    assert (W != W.T[:1].T).any() or name == "zeros"


def test_glorot_keeps_the_size_of_a_signal_and_he_that_of_one_behind_relus():
    # the purpose of the two formulas
    rng = np.random.default_rng(3)
    x = rng.normal(size=(200, 400))
    linear = nn.Sequential(*(nn.Linear(400, 400, init="glorot_normal", rng=rng) for _ in range(10)))
    relus = nn.Sequential(
        *(f for _ in range(10) for f in (nn.Linear(400, 400, init="he_normal", rng=rng), nn.ReLU()))
    )
    with tg.no_grad():  # a wrong constant would change either by a factor of 2**10
        assert 0.25 < np.mean(linear(x).numpy() ** 2) < 4.0
        assert 0.25 < np.mean(relus(x).numpy() ** 2) < 4.0


def test_an_initialiser_may_be_a_function():
    layer = nn.Linear(2, 3, init=lambda _rng, n_in, n_out: np.full((n_in, n_out), 7), rng=0)
    assert layer.W.tolist() == [[7.0] * 3] * 2
    with pytest.raises(ValueError, match=r"Linear: init=.* gave shape \(3, 2\), expected \(2, 3\)"):
        nn.Linear(2, 3, init=lambda _rng, n_in, n_out: np.ones((n_out, n_in)))


def test_an_unknown_initialiser_is_named_with_those_that_exist():
    with pytest.raises(
        ValueError, match=r"no initialiser 'xavier'; expected one of glorot_uniform"
    ):
        nn.Linear(2, 3, init="xavier")
    assert all(initializer(name) is function for name, function in nn.INITIALIZERS.items())
    with pytest.raises(TypeError):
        nn.INITIALIZERS["mine"] = np.zeros
