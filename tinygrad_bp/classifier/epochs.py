"""The epochs of a training on full batches: as they are written, or compiled."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from tinygrad_bp.classifier.network import descend
from tinygrad_bp.engine.tensor import Tensor
from tinygrad_bp.nn import Module, bce_with_logits
from tinygrad_bp.optim import Optimizer

Losses = Iterator[tuple[float, float | None]]


class Part(NamedTuple):
    """Samples and their targets, as Tensors made once."""

    X: Tensor
    y: Tensor


def eager_epochs(network: Module, optimizer: Optimizer, train: Part, held: Part | None) -> Losses:
    """Train for ever; yield the loss after each epoch, and that of the rows that are watched."""
    for loss in descend(network, optimizer, train.X, train.y):
        # recorded for nothing, which costs no more than a block of no_grad
        yield loss, bce_with_logits(network(held.X), held.y).item() if held is not None else None


class CompiledEpochs:
    """The same epochs, compiled: a step, and the loss of the rows that are watched.

    They are two functions, since each is made for rows of one number.

    Attributes
    ----------
    backend : str
        What ran: "native", or "eager" where there is no native code.
    """

    def __init__(self, network: Module, optimizer: Optimizer) -> None:
        from tinygrad_bp import compiling  # not before it is asked for

        def step(X: Tensor, y: Tensor) -> Tensor:
            bce_with_logits(network(X), y).backward()
            optimizer.step()
            optimizer.zero_grad()
            loss: Tensor = bce_with_logits(network(X), y)
            return loss

        def watched(X: Tensor, y: Tensor) -> Tensor:
            loss: Tensor = bce_with_logits(network(X), y)
            return loss

        self._step = compiling.compile(step, state=(network, optimizer))
        self._watched = compiling.compile(watched, state=network)

    @property
    def backend(self) -> str:
        """What runs."""
        return str(self._step.backend)

    def losses(self, train: Part, held: Part | None) -> Losses:
        """Train for ever, as `eager_epochs`."""
        while True:
            loss = self._step(*train).item()
            yield loss, None if held is None else self._watched(*held).item()
