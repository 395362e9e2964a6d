"""What a graph keeps alive after the forward pass, against what PyTorch saves for the same one."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

import tinygrad_bp as tg
from tinygrad_bp.engine.nodes import ancestors

SHARE = 1.1  # of PyTorch's bytes, at most

Program = Callable[[Any, list[Any]], Any]  # of a namespace, and of weights and data


def owner(array: Any) -> Any:
    """Return the array that owns the memory which a view shows."""
    while isinstance(array.base, np.ndarray):
        array = array.base
    return array


def kept(root: tg.Tensor) -> int:
    """Return the bytes that the graph of `root` keeps alive, each buffer once."""
    buffers: dict[int, Any] = {}

    def count(value: Any) -> None:
        if isinstance(value, (np.ndarray, np.generic)):
            buffers[id(owner(value))] = owner(value)
        elif isinstance(value, (tuple, list)):
            for one in value:
                count(one)

    for node in ancestors(root.node):
        count(node.saved)
    return sum(one.nbytes for one in buffers.values())


def saved_by_torch(forward: Callable[[], Any]) -> int:
    """Return the bytes that PyTorch saves while `forward` runs, each storage once."""
    import torch

    storages: dict[int, Any] = {}

    def pack(tensor: Any) -> Any:
        storages[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        root = forward()
    assert root.requires_grad
    return sum(one.nbytes() for one in storages.values())


class Ours:
    """The functions that the programs call, in our words."""

    tanh, sigmoid, relu = np.tanh, tg.sigmoid, tg.relu
    layer = staticmethod(tg.affine)
    binary, classes = tg.nn.bce_with_logits, tg.nn.cross_entropy
    parameter = staticmethod(lambda array: tg.tensor(array, requires_grad=True))
    constant = staticmethod(lambda array: array)  # the user's: copied by each operation that reads
    shared = tg.tensor


def theirs() -> Any:
    """Return the same in PyTorch's words."""
    import torch
    from torch.nn import functional

    class Theirs:
        tanh, sigmoid, relu = torch.tanh, torch.sigmoid, torch.relu
        layer = staticmethod(lambda x, W, b: functional.linear(x, W.t(), b))
        binary = functional.binary_cross_entropy_with_logits
        classes = functional.cross_entropy
        parameter = staticmethod(lambda array: torch.tensor(array, requires_grad=True))
        constant = shared = staticmethod(torch.tensor)

    return Theirs


def perceptron(
    sizes: tuple[int, ...], batch: int, activation: str, loss: str, scale: float = 1.0
) -> Program:
    rng = np.random.default_rng(0)
    weights = [(scale * rng.normal(size=s)).astype(np.float32) for s in pairwise(sizes)]
    X = rng.normal(size=(batch, sizes[0])).astype(np.float32)
    labels = rng.integers(0, max(2, sizes[-1]), batch)
    y = labels.astype(np.float32)[:, np.newaxis] if loss == "binary" else labels

    def run(words: Any) -> Any:
        a, target = words.constant(X), words.constant(y)
        for i, W in enumerate(weights):
            bias = words.parameter(np.zeros(W.shape[1], np.float32))
            z = words.layer(a, words.parameter(W), bias)
            a = getattr(words, activation)(z) if i < len(weights) - 1 else z
        return getattr(words, loss)(a, target)

    return run


def chain(words: Any) -> Any:
    x = words.parameter(np.linspace(-1.0, 1.0, 10_000))
    for _ in range(50):
        x = words.tanh(x)
    return x.sum()


def mixed(words: Any) -> Any:
    """Sums, products, powers, indexing and shapes: what reads nothing must keep nothing."""
    x = words.parameter(np.linspace(0.1, 1.0, 10_000).reshape(100, 100))
    c = words.shared(np.full((100, 100), 0.5))
    y = ((x + c - 1.0) * c).T.reshape(-1)[::2]
    return (y * y).mean() + ((x @ c) / 3.0).sum() + (-x + x.sum() * 2.0).mean()


PROGRAMS: dict[str, Program] = {
    "784-256-128-10, tanh": perceptron((784, 256, 128, 10), 128, "tanh", "classes"),
    "784-256-128-10, sigmoid": perceptron((784, 256, 128, 10), 128, "sigmoid", "classes"),
    "784-256-128-10, relu": perceptron((784, 256, 128, 10), 128, "relu", "classes"),
    "2-5-5-1": perceptron((2, 5, 5, 1), 400, "tanh", "binary", 0.3),
    "2-5-5-1 on four samples": perceptron((2, 5, 5, 1), 4, "tanh", "binary", 0.3),
    "50 times tanh": chain,
    "mixed": mixed,
}


# One layer saturates: so that its slopes have their digits, it keeps its argument too.
SATURATED: dict[str, tuple[Program, int]] = {
    "2-5-5-1": (perceptron((2, 5, 5, 1), 400, "tanh", "binary"), 400 * 5 * 4),
    "2-5-5-1 on four samples": (perceptron((2, 5, 5, 1), 4, "tanh", "binary"), 4 * 5 * 4),
}


@pytest.mark.oracle
@pytest.mark.parametrize("name", SATURATED)
def test_a_saturated_layer_keeps_its_argument_and_no_more(name: str) -> None:
    program, argument = SATURATED[name]
    words = theirs()
    ours, torchs = kept(program(Ours)), saved_by_torch(lambda: program(words))
    assert 0 < ours - argument <= SHARE * torchs


@pytest.mark.oracle
@pytest.mark.parametrize("name", PROGRAMS)
def test_a_graph_keeps_no_more_than_pytorch_saves(name: str) -> None:
    program = PROGRAMS[name]
    words = theirs()
    ours, torchs = kept(program(Ours)), saved_by_torch(lambda: program(words))
    assert 0 < ours <= SHARE * torchs
