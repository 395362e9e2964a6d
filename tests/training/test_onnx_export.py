"""Models in ONNX files: the same numbers from onnxruntime, for any number of rows.

Not in a folder called onnx, which Python would take for the package where that is not installed.
"""

from __future__ import annotations

import numpy as np
import pytest
from extras import extra

import tinygrad_bp as tg
from tinygrad_bp import nn
from tinygrad_bp.classifier import sigmoid_network
from tinygrad_bp.engine.containers import flatten
from tinygrad_bp.errors import ProgramError, TraceError

onnx = extra("onnx")
runtime = extra("onnxruntime")

LAYERS = {
    "Linear": (nn.Linear(3, 2, rng=0), (2, 3)),
    "Conv1d": (nn.Conv1d(3, 4, 5, stride=2, padding=2, rng=0), (2, 3, 9)),
    "Conv2d": (nn.Conv2d(4, 4, 3, padding="same", groups=2, dilation=2, rng=0), (2, 4, 8, 8)),
    "MaxPool1d": (nn.MaxPool1d(2), (2, 3, 8)),
    "MaxPool2d": (nn.MaxPool2d(2, padding=1), (2, 3, 8, 6)),
    "AvgPool1d": (nn.AvgPool1d(2), (2, 3, 8)),
    "AvgPool2d": (nn.AvgPool2d(2, stride=1), (2, 3, 8, 6)),
    "Flatten": (nn.Flatten(), (2, 3, 4)),
    "BatchNorm": (nn.BatchNorm(3), (4, 3, 5)),
    "LayerNorm": (nn.LayerNorm(4), (2, 3, 4)),
    "RMSNorm": (nn.RMSNorm(4), (2, 3, 4)),
    "Dropout": (nn.Dropout(0.5), (2, 3)),
    "RNN": (nn.RNN(2, 3, rng=0), (4, 5, 2)),
    "GRU": (nn.GRU(2, 3, rng=0), (4, 5, 2)),
    "LSTM": (nn.LSTM(2, 3, rng=0), (4, 5, 2)),
    "MultiHeadAttention": (nn.MultiHeadAttention(8, 2, rng=0), (2, 5, 8)),
    "TransformerBlock": (nn.TransformerBlock(8, 2, causal=True, rng=0), (2, 5, 8)),
    "Residual": (nn.Residual(nn.Tanh()), (2, 3)),
    **{
        name: (getattr(nn, name)(), (2, 3))
        for name in ("Sigmoid", "Tanh", "ReLU", "LeakyReLU", "ELU", "GELU", "SiLU", "Softplus")
    },
    "Softmax": (nn.Softmax(), (2, 3)),
    "2-5-5-1": (sigmoid_network((2, 5, 5, 1), rng=0), (3, 2)),
    "CNN": (
        nn.Sequential(
            nn.Conv2d(1, 4, 3, rng=0), nn.BatchNorm(4), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
            nn.Dropout(0.5), nn.Linear(36, 10, rng=0), nn.Softmax(),
        ),
        (2, 1, 8, 8),
    ),
    "Embedding": (nn.Embedding(10, 4, rng=0), (2, 3)),
    "language model": (
        nn.Sequential(
            nn.Embedding(10, 8, rng=0), nn.TransformerBlock(8, 2, causal=True, rng=0),
            nn.Linear(8, 10, rng=0),
        ),
        (2, 5),
    ),
}  # fmt: skip
OF_SYMBOLS = {"Embedding", "language model"}


def run(path, *arrays):
    session = runtime.InferenceSession(path, providers=["CPUExecutionProvider"])
    names = [one.name for one in session.get_inputs()]
    return session.run(None, dict(zip(names, arrays, strict=True)))


def agree(path, f, *arrays, tolerance=1e-6):
    with tg.no_grad():
        wanted, _ = flatten(f(*arrays))
    for got, one in zip(run(path, *arrays), wanted, strict=True):
        np.testing.assert_allclose(got, np.asarray(one), rtol=tolerance, atol=tolerance)


def numbers(shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


def batch(name, rows, seed=0):
    shape = (rows, *LAYERS[name][1][1:])
    if name in OF_SYMBOLS:
        return np.random.default_rng(seed).integers(0, 10, shape)
    return numbers(shape, seed)


def test_every_layer_is_exported():
    layers = {name for name in nn.__all__ if isinstance(getattr(nn, name), type)}
    others = {"Module", "Sequential", "RNNCell", "GRUCell", "LSTMCell"}
    assert layers - others <= LAYERS.keys()


@pytest.mark.parametrize("name", LAYERS)
def test_a_layer_gives_the_same_for_any_number_of_rows(name, tmp_path):
    model, shape = LAYERS[name]
    model.train()
    made = tg.onnx.export(model, batch(name, shape[0]), tmp_path / "m.onnx")
    assert model.training
    onnx.checker.check_model(made, full_check=True)
    model.eval()
    for rows in (1, shape[0], 7):
        agree(tmp_path / "m.onnx", model, batch(name, rows, rows))


def test_single_precision_stays_so(tmp_path):
    model = nn.Sequential(nn.Linear(3, 4, rng=0, dtype=np.float32), nn.GELU())
    x = numbers((2, 3)).astype(np.float32)
    made = tg.onnx.export(model, x, tmp_path / "m")
    kinds = {one.data_type for one in made.graph.initializer if len(one.dims) == 2}
    assert kinds == {onnx.TensorProto.FLOAT}
    agree(tmp_path / "m", model, x, tolerance=1e-5)


FUNCTIONS = {
    "slices": lambda x: x[:, 1:-1:2] + x[:, -1][:, None] - x[..., ::-1][:, :2][:, ::-1],
    "shapes": lambda x: x.reshape(-1, 2, 2).transpose(0, 2, 1).reshape(len(x), 4)[:, None],
    "powers": lambda x: np.sqrt(np.square(x) + 1.0) ** 3 / np.reciprocal(2.0 + np.abs(x)),
    "choices": lambda x: np.where((x > 0.2) & (x != 1) | (x <= -1), np.sin(x), x * ~(x > 0)),
    "sums": lambda x: np.sum(x, axis=1) + np.mean(x, axis=(0, 1)) - x.min(axis=1) + np.max(x),
    "small": lambda x: np.expm1(x) + np.log1p(np.abs(x)) + np.clip(x, -0.5, 0.5) * x.clip(0, None),
    "several": lambda x: {"a": x + 1, "b": [np.concatenate([x, -x], axis=1), x.astype(np.float32)]},
    "constants": lambda x: x * np.full((len(x), 1), 2.0) + np.arange(4),
    "gathers": lambda x: np.sum(x[:, None, [[0, 3], [-1, 2]], None], axis=(1, 3, 4))
    + x[:, np.array([1, 2], np.uint8)],
}  # fmt: skip


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_gives_the_same(name, tmp_path):
    f = FUNCTIONS[name]
    tg.onnx.export(f, numbers((3, 4)), tmp_path / "m")
    for rows in (1, 3, 6):
        agree(tmp_path / "m", f, numbers((rows, 4), rows))


def test_several_arguments_and_what_they_are_called(tmp_path):
    def f(a, b):
        return {"sum": a + b, "product": a * b}

    made = tg.onnx.export(f, (numbers((2, 3)), numbers((2, 1))), tmp_path / "m")
    assert [one.name for one in made.graph.input] == ["input_0", "input_1"]
    assert [one.name for one in made.graph.output] == ["output_sum", "output_product"]
    sides = [one.type.tensor_type.shape.dim for one in made.graph.input]
    assert [side[0].dim_param for side in sides] == ["batch", "batch"]
    assert [side[1].dim_value for side in sides] == [3, 1]
    agree(tmp_path / "m", f, numbers((4, 3)), numbers((4, 1)))


def ordered(x):
    return np.sort(x, axis=1)


def sized(x):
    return x * len(x)


def branching(x):
    return x if x[0, 0] > 0 else -x


@pytest.mark.parametrize(
    ("f", "kind", "words"),
    [
        (ordered, ProgramError, "np.sort|sort, at .*test_onnx_export"),
        (sized, ProgramError, "multiply, at .*test_onnx_export.*size of the batch"),
        (branching, TraceError, "test_onnx_export"),
        (lambda x: np.cumsum(x), ProgramError, "cumsum"),
        (lambda x: x[:, [True, False, True, True]], ProgramError, "getitem.*truth values"),
        (lambda x: x[:1, [0, 1]] + x[0, [0, 1]], ProgramError, "getitem.*one axis alone"),
        (lambda x: np.add(x, np.arange(len(x))[:, None]), ProgramError, "size of the batch"),
    ],
)
def test_what_cannot_be_exported_is_named_with_its_line(f, kind, words, tmp_path):
    with pytest.raises(kind, match=words):
        tg.onnx.export(f, numbers((3, 4)), tmp_path / "m")
    assert not (tmp_path / "m").exists()


def test_a_size_may_be_fixed(tmp_path):
    made = tg.onnx.export(sized, numbers((3, 4)), tmp_path / "m", batch=False)
    assert made.graph.input[0].type.tensor_type.shape.dim[0].dim_value == 3
    agree(tmp_path / "m", sized, numbers((3, 4), 1))
