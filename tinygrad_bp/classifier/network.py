"""The body of the model: the layers, and the training step."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from tinygrad_bp.engine.tensor import Tensor
from tinygrad_bp.nn import Linear, Module, Sequential, Sigmoid
from tinygrad_bp.optim import Optimizer

# A sigmoid with smaller slopes than this passes on no gradient that would move a weight.
FLAT = 1e-6


def sigmoid_network(
    sizes: Sequence[int], rng: int | np.random.Generator | None = None
) -> Sequential:
    """Build the fully connected network of sigmoids with these numbers of units.

    Parameters
    ----------
    sizes : sequence of int
        Units of each layer, inputs first: ``(2, 5, 5, 1)`` has matrices 2×5, 5×5 and 5×1.
    rng : numpy.random.Generator or int, optional
        Where the initial weights come from.

    Returns
    -------
    Sequential
        Gives logits, or numbers: the last sigmoid is part of the loss.

    Examples
    --------
    >>> sigmoid_network((2, 5, 5, 1))
    Sequential(
      0: Linear(2, 5)
      1: Sigmoid()
      2: Linear(5, 5)
      3: Sigmoid()
      4: Linear(5, 1)
    )
    """
    rng = np.random.default_rng(rng)
    layers: list[Module] = []
    for n_in, n_out in pairwise(sizes):
        layers += [Linear(n_in, n_out, rng=rng), Sigmoid()]
    return Sequential(*layers[:-1])


def descend(loss: Callable[[], Tensor], optimizer: Optimizer) -> Iterator[float]:
    """Train on all samples at once, for ever: yield the loss after each step.

    Parameters
    ----------
    loss : callable
        Records the loss of the present weights on all samples.
    optimizer : Optimizer
        Of the network's parameters.
    """
    value = loss()
    while True:
        value.backward(retain_graph=False)
        optimizer.step()
        optimizer.zero_grad()
        value = loss()  # of the new weights; the next step descends it
        yield value.item()


def flat_layer(network: Sequential, X: Tensor) -> tuple[int, float]:
    """Return the first saturated hidden layer, counted from 1, and its steepest slope at `X`.

    Without one the layer is 0.
    """
    out: Any = X
    for place, layer in enumerate(network):
        out = layer(out)
        if isinstance(layer, Sigmoid):
            value = out.numpy()
            steepest = float(np.max(value * (1.0 - value)))
            if steepest < FLAT:
                return place // 2 + 1, steepest
    return 0, 0.0
