"""One step of a training: the loss of a batch, its gradients, and the optimizer's move."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tinygrad_bp.engine.tensor import Tensor, wrap
from tinygrad_bp.errors import GraphError, TrackedTensorError
from tinygrad_bp.nn import Module
from tinygrad_bp.optim import Optimizer, clip_grad_norm


class Step:
    """What is done with each batch; ``step(X, y)`` returns the loss and the prediction.

    Parameters
    ----------
    model : Module
        Called with X, or with its parts if X is a tuple.
    loss : callable
        ``loss(prediction, y)`` returns one number, the mean over the rows.
    optimizer : Optimizer
    clip_norm : float, optional
        What the norm of all gradients is held to.
    accumulate : int, default 1
        Batches whose gradients are averaged, by their rows, before the optimizer moves.
    """

    def __init__(
        self,
        model: Module,
        loss: Callable[[Any, Any], Any],
        optimizer: Optimizer,
        *,
        clip_norm: float | None = None,
        accumulate: int = 1,
    ) -> None:
        self.model, self.optimizer = model, optimizer
        self._loss, self._clip_norm, self._accumulate = loss, clip_norm, accumulate
        self._rows = self._batches = 0  # whose gradients wait
        optimizer.zero_grad()  # of what a loop before may have left

    def __call__(self, X: Any, y: Any) -> tuple[Any, Any]:
        """Descend the loss of a batch."""
        value, prediction = self.forward(X, y)
        if self._accumulate == 1:
            value.backward(retain_graph=False)
            self._move()
            return value, prediction
        rows = rows_of(y)
        value.backward(np.asarray(rows, value.dtype), retain_graph=False)
        self._rows += rows
        self._batches += 1
        if self._batches == self._accumulate:
            self.finish()
        return value, prediction

    def finish(self) -> None:
        """Let the optimizer move by the gradients that wait, if there are any."""
        if not self._batches:
            return
        for parameter in self.optimizer.params:
            if parameter.grad is not None:
                parameter.grad = wrap(parameter.grad._value / parameter.dtype.type(self._rows))
        self._move()

    def forget(self) -> None:
        """Drop the gradients that wait: the training has ended before they were used."""
        self._rows = self._batches = 0
        self.optimizer.zero_grad()

    def forward(self, X: Any, y: Any) -> tuple[Any, Any]:
        """Return the loss of a batch and the prediction, both recorded where recording is on."""
        prediction = self.predict(X)
        return self._loss(prediction, y), prediction

    def predict(self, X: Any) -> Any:
        """Return what the model says of a batch."""
        return self.model(*X) if isinstance(X, tuple) else self.model(X)

    def differentiated(self, X: Any, y: Any) -> None:
        """Compute the loss and its gradients, and move nothing."""
        self.optimizer.zero_grad()
        self.forward(X, y)[0].backward(retain_graph=False)
        self.optimizer.zero_grad()

    def _move(self) -> None:
        if all(parameter.grad is None for parameter in self.optimizer.params):
            raise GraphError(
                "fit: the loss gave no parameter of the optimizer a gradient, so that nothing would"
                " be learned: pass it those of the model, as in optim.Adam(model.parameters()); if"
                " it has them, a .detach(), .numpy() or np.asarray in the model or the loss cut"
                " them off"
            )
        if self._clip_norm is not None:
            clip_grad_norm(self.optimizer.params, self._clip_norm)
        self.optimizer.step()
        self.forget()


def checked_loss(value: Any) -> float:
    """Return the loss as a float.

    Raises
    ------
    TrackedTensorError
        If it is not one number that a Tensor holds.
    """
    if not isinstance(value, Tensor) or value.size != 1:
        raise TrackedTensorError(
            f"fit: the loss is {value!r:.80}; expected one number, a Tensor: loss(prediction, y)"
            ' with reduction="mean"'
        )
    return float(value.item())


def rows_of(y: Any) -> int:
    """Return how many samples a batch has, by its targets; a single number is one."""
    return len(y) if getattr(y, "ndim", 1) else 1
