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
    """The same epochs, each of them one call of a compiled function.

    Attributes
    ----------
    backend : str
        What ran: "native", or "eager" where there is no native code.
    """

    def __init__(self, network: Module, optimizer: Optimizer) -> None:
        def epoch(train: Part, held: Part | None) -> tuple[Tensor, Tensor | None]:
            bce_with_logits(network(train.X), train.y).backward()
            optimizer.step()
            optimizer.zero_grad()
            watched = None if held is None else bce_with_logits(network(held.X), held.y)
            return bce_with_logits(network(train.X), train.y), watched

        from tinygrad_bp import compiling  # not before it is asked for

        self._epoch = compiling.compile(epoch, state=(network, optimizer))

    @property
    def backend(self) -> str:
        """What runs."""
        return str(self._epoch.backend)

    def losses(self, train: Part, held: Part | None) -> Losses:
        """Train for ever, as `eager_epochs`."""
        while True:
            loss, watched = self._epoch(train, held)
            yield loss.item(), None if watched is None else watched.item()
