"""The epochs of a training on full batches: as they are written, or compiled."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tinygrad_bp.classifier.network import descend
from tinygrad_bp.classifier.tasks import Classes, Numbers, Part
from tinygrad_bp.nn import Module
from tinygrad_bp.optim import Optimizer

Losses = Iterator[tuple[float, float | None]]
Task = Classes | Numbers


def eager_epochs(
    network: Module, optimizer: Optimizer, task: Task, train: Part, held: Part | None
) -> Losses:
    """Train for ever; yield the loss after each epoch, and that of the rows that are watched."""
    for loss in descend(lambda: task.loss(network(train.X), train), optimizer):
        # recorded for nothing, which costs no more than a block of no_grad
        yield loss, None if held is None else task.loss(network(held.X), held).item()


class CompiledEpochs:
    """The same epochs, compiled: a step, and the loss of the rows that are watched.

    They are two functions, since each is made for rows of one number.

    Attributes
    ----------
    backend : str
        What ran: "native", or "eager" where there is no native code.
    """

    def __init__(self, network: Module, optimizer: Optimizer, task: Task) -> None:
        from tinygrad_bp import compiling  # not before it is asked for

        def watched(X: Any, y: Any, weights: Any) -> Any:
            return task.loss(network(X), Part(X, y, weights))

        def step(X: Any, y: Any, weights: Any) -> Any:
            task.loss(network(X), Part(X, y, weights)).backward()
            optimizer.step()
            optimizer.zero_grad()
            return task.loss(network(X), Part(X, y, weights))

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
