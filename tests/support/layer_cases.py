"""The table of layers: how each is built, called, and written in PyTorch with the same weights."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

import tinygrad_bp as tg
from tinygrad_bp import nn, optim
from tinygrad_bp.nn.module import Module

Build = Callable[..., Module]


@dataclass(frozen=True)
class LayerCase:
    """One layer.

    Attributes
    ----------
    build : callable
        Makes the layer; takes a dtype if it has parameters.
    shape : tuple of int
        Of the input.
    theirs : callable
        ``theirs(torch, own, x)``, where `own` has the layer's parameters by name: the same in
        PyTorch.
    call : callable
        ``call(layer, x)``; the layer's first result if not given.
    trained : bool
        Whether the layer is as while it is trained.
    """

    name: str
    build: Build
    shape: tuple[int, ...]
    theirs: Callable[[Any, dict[str, Any], Any], Any]
    call: Callable[[Module, Any], Any] = lambda layer, x: layer(x)
    trained: bool = True

    def made(self, **options: Any) -> Module:
        """Return the layer, with parameters none of which is 0."""
        layer, rng = self.build(**options), np.random.default_rng(5)
        layer.load_state(
            {
                name: (array + 0.1 * rng.random(array.shape)).astype(array.dtype)
                for name, array in layer.state().items()
            }
        )
        return layer.train(self.trained)

    def training(self) -> tuple[Any, Callable[[Any], Any]]:
        """Return the layer, with an optimizer if it has parameters, and a step that trains it."""
        layer = self.made()
        own = [optim.SGD(p, lr=0.1)] if (p := layer.parameters()) else []

        def step(x: Any) -> Any:
            out = self.call(layer, x)
            first = out[0] if isinstance(out, tuple) else out
            loss = np.mean(first**2)
            if own:
                loss.backward()
                own[0].step()
                layer.zero_grad()
            return loss, first

        return (layer, *own), step

    @property
    def x(self) -> Any:
        """The input: distinct numbers around 0, none of them close to a kink there."""
        count = int(np.prod(self.shape))
        grid = np.linspace(-1.5, 1.5, 2 * ((count + 1) // 2))
        return np.random.default_rng(6).permutation(grid)[:count].reshape(self.shape)

    def __repr__(self) -> str:
        return self.name


MASK = np.array([[True, True, False], [True, True, True]])
SPREAD = {"stride": 2, "padding": 2, "dilation": 2, "groups": 2}
LENGTHS = np.array([2, 3])


def one(function: str, **options: Any) -> Callable[..., Any]:
    """Return a function of `torch.nn.functional`, of the input alone."""
    return lambda torch, own, x: getattr(torch.nn.functional, function)(x, **options)


def convolved(function: str, **options: Any) -> Callable[..., Any]:
    return lambda torch, own, x: getattr(torch.nn.functional, function)(
        x, own["W"], own.get("b"), **options
    )


def loaded(torch: Any, layer: Any, state: dict[str, Any]) -> Any:
    """Return `layer` with these Tensors in place of its parameters, so that they get gradients."""
    return lambda *args, **options: torch.func.functional_call(layer.double(), state, args, options)


def recurrent(kind: str, lengths: Any = None) -> Callable[..., Any]:
    """Return a recurrent layer of PyTorch; with `lengths`, of a packed sequence."""

    def theirs(torch: Any, own: dict[str, Any], x: Any) -> Any:
        W, U, b = (own[f"cell.{letter}"] for letter in "WUb")
        n = U.shape[0]
        other = torch.zeros_like(b)
        if kind == "GRU":
            other = torch.cat([other[: 2 * n], own["cell.c"]])
        layer = getattr(torch.nn, kind)(x.shape[2], n, batch_first=True)
        state = {"weight_ih_l0": W.T, "weight_hh_l0": U.T, "bias_ih_l0": b, "bias_hh_l0": other}
        run = loaded(torch, layer, state)
        if lengths is None:
            return run(x)[0]
        utils = torch.nn.utils.rnn
        packed = utils.pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
        return utils.pad_packed_sequence(run(packed)[0], batch_first=True)[0]

    return theirs


def attended(own: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return the parameters of an attention under PyTorch's names."""
    parts = ("query", "key", "value")
    cat = __import__("torch").cat
    return {
        "in_proj_weight": cat([own[f"{prefix}{part}.W"].T for part in parts]),
        "in_proj_bias": cat([own[f"{prefix}{part}.b"] for part in parts]),
        "out_proj.weight": own[f"{prefix}out.W"].T,
        "out_proj.bias": own[f"{prefix}out.b"],
    }


def attention(*, causal: bool, mask: Any) -> Callable[..., Any]:
    def theirs(torch: Any, own: dict[str, Any], x: Any) -> Any:
        layer = torch.nn.MultiheadAttention(x.shape[2], 2, batch_first=True)
        hidden = None if mask is None else torch.tensor(~mask)
        later = torch.triu(torch.ones(x.shape[1], x.shape[1], dtype=bool), 1) if causal else None
        run = loaded(torch, layer, attended(own))
        return run(x, x, x, key_padding_mask=hidden, attn_mask=later, need_weights=False)[0]

    return theirs


def block(torch: Any, own: dict[str, Any], x: Any) -> Any:
    layer = torch.nn.TransformerEncoderLayer(
        x.shape[2],
        2,
        own["expand.W"].shape[1],
        0.0,
        lambda z: torch.nn.functional.gelu(z, approximate="tanh"),
        batch_first=True,
        norm_first=True,
    )
    state = {f"self_attn.{k}": v for k, v in attended(own, "attention.").items()}
    for ours, theirs in (("expand", "linear1"), ("contract", "linear2")):
        state |= {f"{theirs}.weight": own[f"{ours}.W"].T, f"{theirs}.bias": own[f"{ours}.b"]}
    for norm in ("norm1", "norm2"):
        state |= {f"{norm}.weight": own[f"{norm}.g"], f"{norm}.bias": own[f"{norm}.b"]}
    later = torch.triu(torch.ones(x.shape[1], x.shape[1], dtype=bool), 1)
    return loaded(torch, layer, state)(x, src_mask=later)


def batch_norm(torch: Any, own: dict[str, Any], x: Any) -> Any:
    return torch.nn.functional.batch_norm(x, None, None, own["g"], own["b"], training=True)


def after_training(torch: Any, own: dict[str, Any], x: Any) -> Any:
    mean, var = own["mean"].detach(), own["var"].detach()
    return torch.nn.functional.batch_norm(x, mean, var, own["g"], own["b"], training=False)


def row(name: str, build: Build, shape: tuple[int, ...], theirs: Any, **more: Any) -> LayerCase:
    return LayerCase(name, build, shape, theirs, **more)


CASES = [
    row("Linear", lambda **o: nn.Linear(3, 2, rng=0, **o), (4, 3),
        lambda torch, own, x: torch.nn.functional.linear(x, own["W"].T, own["b"])),
    row("Sigmoid", nn.Sigmoid, (2, 3), lambda torch, own, x: torch.sigmoid(x)),
    row("Tanh", nn.Tanh, (2, 3), lambda torch, own, x: torch.tanh(x)),
    row("ReLU", nn.ReLU, (2, 3), one("relu")),
    row("GELU", nn.GELU, (2, 3), one("gelu", approximate="tanh")),
    row("SiLU", nn.SiLU, (2, 3), one("silu")),
    row("LeakyReLU", lambda: nn.LeakyReLU(0.2), (2, 3), one("leaky_relu", negative_slope=0.2)),
    row("ELU", lambda: nn.ELU(0.7), (2, 3), one("elu", alpha=0.7)),
    row("Softplus", nn.Softplus, (2, 3), one("softplus")),
    row("Softmax", lambda: nn.Softmax(axis=0), (2, 3), one("softmax", dim=0)),
    row("Conv1d", lambda **o: nn.Conv1d(4, 6, 3, **SPREAD, rng=0, **o), (2, 4, 7),
        convolved("conv1d", **SPREAD)),
    row("Conv2d", lambda **o: nn.Conv2d(2, 3, (2, 3), stride=(2, 1), padding=(0, 1), rng=0, **o),
        (2, 2, 4, 5), convolved("conv2d", stride=(2, 1), padding=(0, 1))),
    row("Conv2d-same", lambda **o: nn.Conv2d(2, 2, 3, padding="same", bias=False, rng=0, **o),
        (1, 2, 3, 4), convolved("conv2d", padding="same")),
    row("MaxPool1d", lambda: nn.MaxPool1d(3, stride=2, padding=1), (2, 2, 6),
        one("max_pool1d", kernel_size=3, stride=2, padding=1)),
    row("MaxPool2d", lambda: nn.MaxPool2d(2), (2, 2, 4, 5), one("max_pool2d", kernel_size=2)),
    row("AvgPool1d", lambda: nn.AvgPool1d(3, stride=2, padding=1), (2, 2, 6),
        one("avg_pool1d", kernel_size=3, stride=2, padding=1)),
    row("AvgPool2d", lambda: nn.AvgPool2d((2, 3), padding=(1, 0)), (2, 2, 4, 6),
        one("avg_pool2d", kernel_size=(2, 3), padding=(1, 0))),
    row("Flatten", nn.Flatten, (2, 3, 2), lambda torch, own, x: torch.flatten(x, 1)),
    row("BatchNorm", lambda **o: nn.BatchNorm(3, **o), (4, 3), batch_norm),
    row("BatchNorm-images", lambda **o: nn.BatchNorm(2, **o), (2, 2, 2, 3), batch_norm),
    row("BatchNorm-eval", lambda **o: nn.BatchNorm(3, **o), (4, 3), after_training, trained=False),
    row("LayerNorm", lambda **o: nn.LayerNorm(4, **o), (2, 3, 4),
        lambda torch, own, x: torch.nn.functional.layer_norm(x, (4,), own["g"], own["b"])),
    row("RMSNorm", lambda **o: nn.RMSNorm(4, **o), (2, 3, 4),
        lambda torch, own, x: torch.nn.functional.rms_norm(x, (4,), own["g"], 1e-5)),
    row("Dropout-eval", lambda: nn.Dropout(0.5, rng=0), (2, 3), lambda torch, own, x: x + 0,
        trained=False),
    row("Embedding", lambda **o: nn.Embedding(4, 3, rng=0, **o), (1, 3),
        lambda torch, own, x: own["W"][torch.tensor([[0, 3, 3]])] * x,
        call=lambda layer, x: layer([[0, 3, 3]]) * x),
    row("RNN", lambda **o: nn.RNN(2, 3, rng=0, **o), (2, 3, 2), recurrent("RNN"),
        call=lambda layer, x: layer(x)[0]),
    row("GRU", lambda **o: nn.GRU(2, 3, rng=0, **o), (2, 3, 2), recurrent("GRU"),
        call=lambda layer, x: layer(x)[0]),
    row("LSTM", lambda **o: nn.LSTM(2, 3, rng=0, **o), (2, 3, 2), recurrent("LSTM"),
        call=lambda layer, x: layer(x)[0]),
    row("GRU-lengths", lambda **o: nn.GRU(2, 2, rng=0, **o), (2, 3, 2), recurrent("GRU", LENGTHS),
        call=lambda layer, x: layer(x, lengths=LENGTHS)[0]),
    row("LSTM-lengths", lambda **o: nn.LSTM(2, 2, rng=0, **o), (2, 3, 2),
        recurrent("LSTM", LENGTHS), call=lambda layer, x: layer(x, lengths=LENGTHS)[0]),
    row("MultiHeadAttention", lambda **o: nn.MultiHeadAttention(4, 2, rng=0, **o), (2, 3, 4),
        attention(causal=False, mask=None)),
    row("MultiHeadAttention-causal", lambda **o: nn.MultiHeadAttention(4, 2, rng=0, **o), (2, 3, 4),
        attention(causal=True, mask=None), call=lambda layer, x: layer(x, causal=True)),
    row("MultiHeadAttention-mask", lambda **o: nn.MultiHeadAttention(4, 2, rng=0, **o), (2, 3, 4),
        attention(causal=True, mask=MASK),
        call=lambda layer, x: layer(x, causal=True, mask=MASK)),
    row("TransformerBlock", lambda **o: nn.TransformerBlock(4, 2, 3, causal=True, rng=0, **o),
        (1, 3, 4), block),
    row("Residual", lambda **o: nn.Residual(nn.Linear(3, 3, rng=0, **o)), (2, 3),
        lambda torch, own, x: x + torch.nn.functional.linear(x, own["layer.W"].T, own["layer.b"])),
]  # fmt: skip


def as_function(layer: Module, call: Callable[[Module, Any], Any]) -> tuple[Any, dict[str, Any]]:
    """Return the layer as a function of its parameters and the input, and the parameters."""
    cells = dict(layer.named_parameters())

    def function(values: dict[str, Any], x: Any) -> Any:
        kept = {name: cell._value for name, cell in cells.items()}
        homes = {id(cell): values[name] for name, cell in cells.items()}
        undone = []
        for _, module in layer.named_modules():
            for key, value in list(vars(module).items()):
                if isinstance(value, tg.Tensor) and id(value) in homes:
                    undone.append((module, key, value))
                    setattr(module, key, homes[id(value)])
        try:
            return call(layer, x)
        finally:
            for module, key, value in undone:
                setattr(module, key, value)
            assert all(cell._value is kept[name] for name, cell in cells.items())

    return function, {name: cell.numpy() for name, cell in cells.items()}
