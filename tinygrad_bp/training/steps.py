"""One step of a training: the loss of a batch, its gradients, and the optimizer's move."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from tinygrad_bp.engine.tensor import Tensor, wrap
from tinygrad_bp.errors import GraphError, TrackedTensorError
from tinygrad_bp.nn import Module
from tinygrad_bp.optim import Optimizer, clip_grad_norm

Metrics = Mapping[str, Callable[[Any, Any], Any]]
Numbers = dict[str, float]


class Objective:
    """What is computed of a batch.

    Parameters
    ----------
    model : Module
        Called with X, or with its parts if X is a tuple.
    loss : callable
        ``loss(prediction, y)`` returns one number, the mean over the rows.
    metrics : mapping of str to callable
        ``metric(prediction, y)`` of arrays, likewise.
    """

    def __init__(self, model: Module, loss: Callable[[Any, Any], Any], metrics: Metrics) -> None:
        self.model, self.metrics = model, metrics
        self.loss = loss

    def forward(self, X: Any, y: Any) -> tuple[Any, Any]:
        """Return the loss of a batch and the prediction, both recorded where recording is on."""
        prediction = self.predict(X)
        return self.judge(prediction, y), prediction

    def judge(self, prediction: Any, y: Any) -> Any:
        """Return the loss of what the model says of a batch.

        Raises
        ------
        TrackedTensorError
            If it is not one number that a Tensor holds.
        """
        value = self.loss(prediction, wrapped(y))
        if not isinstance(value, Tensor) or value.size != 1:
            got = f"of shape {value.shape}" if isinstance(value, Tensor) else f"{value!r:.80}"
            raise TrackedTensorError(
                f"fit: the loss is {got}; expected one number, a Tensor: loss(prediction,"
                ' y) with reduction="mean"'
            )
        return value

    def predict(self, X: Any) -> Any:
        """Return what the model says of a batch."""
        return self.model(*map(wrapped, X)) if isinstance(X, tuple) else self.model(wrapped(X))

    def numbers(self, value: Any, prediction: Any, y: Any) -> Numbers:
        """Return the loss and the metrics as numbers."""
        found = {"loss": float(value.item())}
        if self.metrics:
            arrays = (
                one.detach().numpy() if isinstance(one, Tensor) else one for one in (prediction, y)
            )
            pair = tuple(arrays)
            found |= {name: float(metric(*pair)) for name, metric in self.metrics.items()}
        return found


class Step:
    """What is done with each batch.

    Parameters
    ----------
    objective : Objective
    optimizer : Optimizer
    clip_norm : float, optional
        What the norm of all gradients is held to.
    accumulate : int, default 1
        Batches whose gradients are averaged, by their rows, before the optimizer moves.
    """

    def __init__(
        self,
        objective: Objective,
        optimizer: Optimizer,
        *,
        clip_norm: float | None = None,
        accumulate: int = 1,
    ) -> None:
        self.objective, self.optimizer = objective, optimizer
        self._clip_norm, self._accumulate = clip_norm, accumulate
        self._rows = self._batches = 0  # whose gradients wait
        optimizer.zero_grad()  # of what a loop before may have left

    def descend(self, X: Any, y: Any) -> Numbers:
        """Descend the loss of a batch; return its numbers."""
        value, prediction = self.objective.forward(X, y)
        if self._accumulate == 1:
            value.backward(retain_graph=False)
            self.move()
        else:
            rows = rows_of(y)
            value.backward(np.asarray(rows, value.dtype), retain_graph=False)
            self._wait(rows)
        return self.objective.numbers(value, prediction, y)

    def judge(self, X: Any, y: Any) -> Numbers:
        """Return the numbers of a batch, and move nothing."""
        return self.objective.numbers(*self.objective.forward(X, y), y)

    @property
    def backend(self) -> str:
        """What runs: "eager", or "native"."""
        return "eager"

    def finish(self) -> None:
        """Let the optimizer move by the gradients that wait, if there are any."""
        if not self._batches:
            return
        for parameter in self.optimizer.params:
            if parameter.grad is not None:
                parameter.grad = wrap(parameter.grad._value / parameter.dtype.type(self._rows))
        self.move()

    def forget(self) -> None:
        """Drop the gradients that wait: the training has ended before they were used."""
        self._rows = self._batches = 0
        self.optimizer.zero_grad()

    def differentiated(self, X: Any, y: Any) -> None:
        """Compute the loss and its gradients, and move nothing."""
        self.optimizer.zero_grad()
        self.objective.forward(X, y)[0].backward(retain_graph=False)
        self.optimizer.zero_grad()

    def _wait(self, rows: int) -> None:
        """Note that the gradients of so many more rows wait."""
        self._rows += rows
        self._batches += 1
        if self._batches == self._accumulate:
            self.finish()

    def move(self) -> None:
        """Let the optimizer move by the gradients that are there, and drop them."""
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


def rows_of(y: Any) -> int:
    """Return how many samples a batch has, by its targets; a single number is one."""
    return len(y) if getattr(y, "ndim", 1) else 1


def wrapped(array: Any) -> Any:
    """Return floating-point arrays as Tensors, which nobody copies again."""
    floating = isinstance(array, np.ndarray) and array.dtype.kind == "f"
    return wrap(array) if floating else array
