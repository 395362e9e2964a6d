"""What the layers do beside their formula: randomness, running statistics, masks, refusals."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest

import tinygrad_bp as tg
from tinygrad_bp import nn
from tinygrad_bp.errors import DTypeError, ShapeError

# Dropout


@pytest.mark.parametrize("p", [0.0, 0.25, 0.9])
def test_dropout_leaves_out_a_share_and_keeps_the_mean(p: float) -> None:
    x = tg.tensor(np.ones(40_000), requires_grad=True)
    out = nn.Dropout(p, rng=0)(x)
    values = np.unique(out.detach().numpy())
    assert set(values) <= {0.0, 1.0 / (1.0 - p)}
    zeros = np.mean(out.detach().numpy() == 0)
    assert abs(zeros - p) < 5 * np.sqrt(p * (1 - p) / x.size) + 1e-12  # five deviations
    out.sum().backward()
    np.testing.assert_array_equal(x.grad.numpy(), out.detach().numpy())  # the same elements


def test_dropout_goes_by_its_seed_and_by_its_mode() -> None:
    x = np.ones((3, 4))
    first, second = nn.Dropout(0.5, rng=3), nn.Dropout(0.5, rng=3)
    assert first(x).tobytes() == second(x).tobytes()
    assert first(x).tobytes() == copy.deepcopy(second)(x).tobytes()
    assert first.eval()(x) is x
    assert not np.array_equal(first.train()(x), x)


@pytest.mark.parametrize("p", [-0.1, 1.0, 2, "0.5", True, None])
def test_a_probability_is_one(p: Any) -> None:
    with pytest.raises(ValueError, match=r"Dropout: p=.*expected a number from 0 to below 1"):
        nn.Dropout(p)


# Running statistics


def test_batch_norm_remembers_what_it_has_seen() -> None:
    layer, rng = nn.BatchNorm(2, momentum=0.5), np.random.default_rng(0)
    x, y = rng.normal(3.0, 2.0, (2, 5, 2, 4))
    mean, var = np.zeros(2), np.ones(2)
    for batch in (x, y):
        out = layer(tg.tensor(batch, requires_grad=True)).detach().numpy()
        np.testing.assert_allclose(out.mean((0, 2)), 0, atol=1e-12)
        mean = 0.5 * mean + 0.5 * batch.mean((0, 2))
        var = 0.5 * var + 0.5 * batch.var((0, 2), ddof=1)
    np.testing.assert_allclose(layer.mean, mean)
    np.testing.assert_allclose(layer.var, var)
    assert list(layer.state()) == ["g", "b", "mean", "var"]
    assert len(layer.parameters()) == 2
    wanted = (x - mean[:, None]) / np.sqrt(var[:, None] + layer.eps)
    np.testing.assert_allclose(layer.eval()(x).detach().numpy(), wanted)
    np.testing.assert_allclose(layer.mean, mean)  # nothing new


def test_a_graph_keeps_the_statistics_it_was_recorded_with() -> None:
    layer = nn.BatchNorm(1).eval()
    loss = layer(np.full((2, 1), 3.0)).sum()
    layer.train()(np.array([[1.0], [9.0]]))
    loss.backward()
    np.testing.assert_allclose(layer.g.grad.numpy(), [6.0], rtol=1e-4)


def test_a_summary_of_a_norm_remembers_nothing() -> None:
    layer = nn.BatchNorm(2)
    layer.summary(np.ones((3, 2)))
    assert layer.mean.tolist() == [0.0, 0.0]


# Sequences

RECURRENT = [nn.RNN, nn.GRU, nn.LSTM]


def hidden(state: Any) -> Any:
    return (state[0] if isinstance(state, tuple) else state).detach().numpy()


@pytest.mark.parametrize("kind", RECURRENT)
def test_a_sequence_in_two_parts_is_one_sequence(kind: Any) -> None:
    layer, x = kind(2, 3, rng=0), np.random.default_rng(1).normal(size=(4, 6, 2))
    outputs, last = layer(x)
    first, middle = layer(x[:, :2])
    second, end = layer(x[:, 2:], middle)
    parts = np.concatenate([first, second], axis=1).detach().numpy()
    assert outputs.detach().numpy().tobytes() == parts.tobytes()
    assert hidden(last).tobytes() == hidden(end).tobytes()
    np.testing.assert_array_equal(outputs.detach().numpy()[:, -1], hidden(last))


@pytest.mark.parametrize("kind", RECURRENT)
def test_what_comes_after_the_length_of_a_sample_is_not_seen(kind: Any) -> None:
    layer, rng = kind(2, 3, rng=0), np.random.default_rng(1)
    x, lengths = rng.normal(size=(3, 4, 2)), np.array([4, 1, 0])
    outputs, last = layer(tg.tensor(x, requires_grad=True), lengths=lengths)
    for sample, length in enumerate(lengths):
        alone = x[sample : sample + 1, :length]
        found = outputs.detach().numpy()[sample]
        assert not np.any(found[length:])
        if length:
            wanted, end = layer(alone)
            np.testing.assert_allclose(found[:length], wanted.detach().numpy()[0])
            np.testing.assert_allclose(hidden(last)[sample], hidden(end)[0])
    leaf = tg.tensor(x, requires_grad=True)
    layer(leaf, lengths=lengths)[0].sum().backward()
    used = np.arange(4) < lengths[:, None]
    assert not np.any(leaf.grad.numpy()[~used])
    assert np.all(np.any(leaf.grad.numpy()[used], axis=-1))


def test_the_forget_gate_begins_open() -> None:
    assert nn.LSTM(1, 2, rng=0).cell.b.tolist() == [0, 0, 1, 1, 0, 0, 0, 0]


# Attention


def test_a_causal_place_sees_nothing_later() -> None:
    layer = nn.TransformerBlock(4, 2, causal=True, rng=0)
    x = np.random.default_rng(0).normal(size=(2, 5, 4))
    changed = x.copy()
    changed[:, 3:] += 1.0
    one, other = (layer(each).detach().numpy() for each in (x, changed))
    np.testing.assert_array_equal(one[:, :3], other[:, :3])
    assert np.all(one[:, 3:] != other[:, 3:])


def test_padding_is_not_seen_and_nothing_to_see_is_no_nan() -> None:
    layer = nn.MultiHeadAttention(4, 2, rng=0)
    x = np.random.default_rng(0).normal(size=(2, 3, 4))
    mask = np.array([[True, False, True], [False, False, False]])
    leaf = tg.tensor(x, requires_grad=True)
    out = layer(x, leaf, mask=mask)
    out.sum().backward()
    assert np.all(np.isfinite(out.detach().numpy()))
    assert not np.any(leaf.grad.numpy()[0, 1])
    assert np.all(leaf.grad.numpy()[0, [0, 2]])
    kept = layer(x[:1], x[:1, [0, 2]]).detach().numpy()
    np.testing.assert_allclose(out.detach().numpy()[:1], kept)


def test_a_causal_place_sees_no_padding_either() -> None:
    layer = nn.MultiHeadAttention(4, 2, rng=0)
    x = np.random.default_rng(0).normal(size=(1, 4, 4))
    mask = np.array([[True, False, True, True]])
    leaf = tg.tensor(x, requires_grad=True)
    layer(x, leaf, causal=True, mask=mask)[:, :3].sum().backward()
    assert [bool(np.any(row)) for row in leaf.grad.numpy()[0]] == [True, False, True, False]


# Pooling


def test_the_padding_is_never_the_largest_and_counts_in_a_mean() -> None:
    x = np.full((1, 1, 2, 2), -1.0)
    assert np.all(nn.MaxPool2d(2, stride=1, padding=1)(x) == -1.0)
    assert nn.AvgPool2d(2, stride=1, padding=1)(x)[0, 0].tolist() == [
        [-0.25, -0.5, -0.25],
        [-0.5, -1.0, -0.5],
        [-0.25, -0.5, -0.25],
    ]


def test_equal_elements_share_the_derivative() -> None:
    x = tg.tensor(np.zeros((1, 1, 4)), requires_grad=True)
    nn.MaxPool1d(2)(x).sum().backward()
    assert x.grad.tolist() == [[[0.5, 0.5, 0.5, 0.5]]]


# Names, seeds, ties, what is put together


def test_parts_are_called_after_the_whole() -> None:
    block = nn.TransformerBlock(4, 2, rng=0, name="first")
    names = {p.name for p in block.parameters()}
    assert {"first.attention.query.W", "first.norm1.g", "first.expand.b"} <= names
    assert [p.name for p in nn.GRU(1, 2, rng=0, name="r").parameters()] == [
        "r.W",
        "r.U",
        "r.b",
        "r.c",
    ]
    assert nn.Conv2d(1, 1, 3, rng=0).W.name == "W"


SEEDED: list[Any] = [
    lambda rng: nn.Conv1d(1, 2, 3, rng=rng),
    lambda rng: nn.Conv2d(1, 2, 3, rng=rng),
    lambda rng: nn.Embedding(3, 2, rng=rng),
    lambda rng: nn.RNN(1, 2, rng=rng),
    lambda rng: nn.GRU(1, 2, rng=rng),
    lambda rng: nn.LSTM(1, 2, rng=rng),
    lambda rng: nn.MultiHeadAttention(4, 2, rng=rng),
    lambda rng: nn.TransformerBlock(4, 2, rng=rng),
]


def bits(layer: nn.Module) -> dict[str, bytes]:
    return {name: array.tobytes() for name, array in layer.state().items()}


@pytest.mark.parametrize("build", SEEDED)
def test_a_seed_fixes_the_weights_and_no_two_matrices_are_alike(build: Any) -> None:
    assert bits(build(0)) == bits(build(np.random.default_rng(0))) != bits(build(1))
    arrays = [array for array in build(0).state().values() if array.ndim > 1]
    starts = [array.ravel()[:2].tobytes() for array in arrays]
    assert len(set(starts)) == len(starts)


def test_an_embedding_may_be_tied_to_the_last_layer() -> None:
    class Model(nn.Module):
        def __init__(self) -> None:
            self.symbols = nn.Embedding(5, 3, rng=0)

        def forward(self, x: Any) -> Any:
            return np.matmul(self.symbols(x), self.symbols.W.T)

    model = Model()
    nn.cross_entropy(model([1, 2]), [2, 3]).backward()
    assert list(model.state()) == ["symbols.W"]
    assert np.all(np.any(model.symbols.W.grad.numpy(), axis=1))


def test_a_network_of_many_layers_learns() -> None:
    rng = np.random.default_rng(0)
    net = nn.Sequential(
        nn.Conv2d(1, 4, 3, padding="same", rng=rng),
        nn.BatchNorm(4),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Residual(nn.Sequential(nn.LayerNorm(16), nn.Linear(16, 16, rng=rng), nn.GELU())),
        nn.Dropout(0.1, rng=rng),
        nn.Linear(16, 2, rng=rng),
    )
    labels = np.arange(40) % 2
    x = rng.normal(size=(40, 1, 4, 4)) + 0.5 * labels[:, None, None, None]
    optimizer = tg.optim.Adam(net.parameters(), 0.02)
    for _ in range(30):
        optimizer.zero_grad()
        nn.cross_entropy(net(x), labels).backward()
        optimizer.step()
    found = net.eval()(x).detach().numpy().argmax(axis=1)
    assert np.mean(found == labels) >= 0.95


# What is refused

REFUSED: list[tuple[Any, Any, str]] = [
    (lambda: nn.Conv2d(0, 1, 3), ValueError, "Conv2d: n_in=0; expected an integer, 1 or more"),
    (lambda: nn.Conv2d(3, 4, 3, groups=2), ValueError, "3 and 4 channels cannot be parted into 2"),
    (lambda: nn.Conv2d(1, 1, (3, 3, 3)), ShapeError, r"Conv2d: kernel=\(3, 3, 3\); .* 2 of them"),
    (lambda: nn.Conv1d(1, 1, 3)(np.ones((2, 4))), ShapeError, r"convolution: .*\(2, 4\)"),
    (lambda: nn.MaxPool2d(2)(np.ones((2, 4))), ShapeError, r"MaxPool2d: expected .* got \(2, 4\)"),
    (lambda: nn.MaxPool1d(9)(np.ones((1, 1, 4))), ShapeError, "MaxPool1d: no window"),
    (lambda: nn.BatchNorm(3)(np.ones((2, 4))), ShapeError, r"expected \(m, 3, \*size\)"),
    (lambda: nn.BatchNorm(3)(np.ones((1, 3))), ShapeError, "have no variance; call eval"),
    (lambda: nn.BatchNorm(3, momentum=1), ValueError, "BatchNorm: momentum=1"),
    (lambda: nn.LayerNorm(3)(np.ones((2, 1))), ShapeError, r"LayerNorm: expected \(..., 3\)"),
    (lambda: nn.RMSNorm(3)(np.ones(4)), ShapeError, r"RMSNorm: expected \(..., 3\), got \(4,\)"),
    (lambda: nn.Embedding(3, 2)([0, 3]), ShapeError, "symbols run from 0 to 3, vectors from 0 to"),
    (lambda: nn.Embedding(3, 2)([-1]), ShapeError, "symbols run from -1"),
    (lambda: nn.Embedding(3, 2)([0.0]), DTypeError, "symbols are integers, got float64"),
    (lambda: nn.GRU(2, 3)(np.ones((4, 2))), ShapeError, r"GRU: expected \(m, time, 2\)"),
    (lambda: nn.RNN(2, 3)(np.ones((4, 0, 2))), ShapeError, "at least one step"),
    (
        lambda: nn.LSTM(2, 3)(np.ones((4, 1, 2)), lengths=[1]),
        ShapeError,
        r"LSTM: expected one length a sample, \(4,\), got \(1,\)",
    ),
    (
        lambda: nn.GRU(2, 3)(np.ones((2, 4, 2)), lengths=[4, 5]),
        ShapeError,
        "GRU: lengths run from 4 to 5, steps from 0 to 4",
    ),
    (lambda: nn.RNN(2, 3)(np.ones((2, 4, 2)), lengths=[-1, 4]), ShapeError, "run from -1 to 4"),
    (
        lambda: nn.LSTM(2, 3)(np.ones((1, 4, 2)), lengths=[2.5]),
        DTypeError,
        "LSTM: lengths are integers, got float64",
    ),
    (lambda: nn.Conv2d(1, 1, 3, stride=0), ShapeError, "Conv2d: stride=0; expected"),
    (lambda: nn.Conv1d(1, 1, 3, dilation=0.5), ShapeError, "Conv1d: dilation=0.5; expected"),
    (lambda: nn.Conv2d(1, 1, 3, padding="valid"), ShapeError, "padding='valid'; expected"),
    (lambda: nn.Conv2d(1, 1, 2, padding="same"), ShapeError, "needs an odd kernel"),
    (lambda: nn.AvgPool2d(2, padding=-1), ShapeError, "AvgPool2d: padding=-1; expected"),
    (lambda: nn.MaxPool1d(2, stride=(1, 1)), ShapeError, r"MaxPool1d: stride=\(1, 1\); expected"),
    (lambda: nn.MultiHeadAttention(5, 2), ValueError, "a width of 5 cannot be parted into 2 heads"),
    (
        lambda: nn.MultiHeadAttention(4, 2)(np.ones((1, 3, 4)), mask=np.ones((1, 3))),
        ShapeError,
        r"a mask of booleans of shape \(1, 3\), got float64 \(1, 3\)",
    ),
    (
        lambda: nn.MultiHeadAttention(4, 2)(np.ones((3, 4))),
        ShapeError,
        r"expected \(m, places, 4\), got \(3, 4\)",
    ),
    (lambda: nn.Residual(3), TypeError, "Residual: 3 cannot be called"),
    (
        lambda: nn.Residual(nn.Linear(3, 1))(np.ones((2, 3))),
        ShapeError,
        r"the layer made \(2, 1\) of \(2, 3\)",
    ),
]


@pytest.mark.parametrize(("call", "error", "match"), REFUSED, ids=[row[2][:40] for row in REFUSED])
def test_what_does_not_fit_is_named(call: Any, error: Any, match: str) -> None:
    with pytest.raises(error, match=match):
        call()
