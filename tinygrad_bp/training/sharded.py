"""Steps whose batches are divided into shards, which `tg.parallel` lets others compute."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import Any

import numpy as np

from tinygrad_bp.engine.modes import enable_grad, no_grad
from tinygrad_bp.engine.tensor import Tensor, wrap
from tinygrad_bp.nn import Module
from tinygrad_bp.optim import Optimizer
from tinygrad_bp.parallel import Shards
from tinygrad_bp.training.generators import Generators
from tinygrad_bp.training.steps import Numbers, Objective, Step, rows_of


class Task:
    """What is computed of a shard; it leaves the model as it was.

    Parameters
    ----------
    objective : Objective
    parameters : sequence of Tensor
        Whose gradients are asked for; none, for the numbers alone.
    draws : list of int
        Of the model's generators: a shard goes on from its own place, whoever computes it.
    several : bool
        Whether X is a tuple.
    buffered : bool
        Whether the model holds arrays beside its parameters.
    """

    def __init__(
        self,
        objective: Objective,
        parameters: Sequence[Tensor],
        draws: list[int],
        *,
        several: bool,
        buffered: bool,
    ) -> None:
        self.objective, self.parameters = objective, parameters
        self.draws, self.several, self.buffered = draws, several, buffered
        self.generators = Generators(objective.model)

    def __call__(self, rows: Any, *columns: Any) -> dict[str, Any]:
        """Return the numbers of a shard, and the gradients and buffers that come of it."""
        *inputs, y = columns
        X = tuple(inputs) if self.several else inputs[0]
        recorded = bool(self.parameters)
        drawn, kept = self.generators.state(), self._buffers()
        waiting = [parameter.grad for parameter in self.parameters]
        try:
            self.generators.seed(self.draws, int(rows[0]))
            self._forget()
            with enable_grad() if recorded else no_grad():
                value, prediction = self.objective.forward(X, y)
            if recorded:
                value.backward(retain_graph=False)
            return self._found(self.objective.numbers(value, prediction, y), kept)
        finally:
            self.generators.load_state(drawn)
            set_buffers(self.objective.model, kept)
            for parameter, grad in zip(self.parameters, waiting, strict=True):
                parameter.grad = grad

    def blank(self) -> dict[str, Any]:
        """Return what a call returns, of no shard."""
        numbers = dict.fromkeys(("loss", *self.objective.metrics), 0.0)
        return self._found(numbers, self._buffers())

    def _found(self, numbers: Numbers, before: dict[str, Any]) -> dict[str, Any]:
        grads = [parameter.grad for parameter in self.parameters]
        pairs = list(zip(self.parameters, grads, strict=True))
        now = self._buffers() if pairs else {}
        return {
            "numbers": numbers,
            "reached": np.array([grad is not None for grad in grads], float),
            "slopes": [
                np.zeros(one.shape, one.dtype) if grad is None else grad._value
                for one, grad in pairs
            ],
            "buffers": now,
            "changed": {name: not np.array_equal(one, before[name]) for name, one in now.items()},
        }

    def _buffers(self) -> dict[str, Any]:
        return buffers(self.objective.model) if self.buffered else {}

    def _forget(self) -> None:
        for parameter in self.parameters:
            parameter.grad = None


class ShardedStep(Step):
    """A `Step` of which every shard of a batch may be computed elsewhere.

    Parameters
    ----------
    parallel : Shards
        Who computes them.
    objective, optimizer, clip_norm, accumulate
        As of `Step`.
    """

    def __init__(
        self, parallel: Shards, objective: Objective, optimizer: Optimizer, **settings: Any
    ) -> None:
        super().__init__(objective, optimizer, **settings)
        self._parallel = parallel
        self._generators = Generators(objective.model)
        self._draws: list[int] = []
        self._buffered = bool(buffers(objective.model))

    def descend(self, X: Any, y: Any) -> Numbers:
        """Descend the loss of a batch; return its numbers."""
        self._draws = self._generators.draws()
        trained = self._trained()
        found = self._mean(X, y, trained)
        rows, waits = rows_of(y), self._accumulate > 1
        for parameter, slope, reached in zip(
            trained, found["slopes"], found["reached"], strict=True
        ):
            if reached:
                added = slope * parameter.dtype.type(rows) if waits else slope
                before = parameter.grad
                parameter.grad = wrap(added if before is None else before._value + added)
        if waits:
            self._wait(rows)
        else:
            self.move()
        # the mean of equal numbers may be another: what no shard has changed stays as it was
        changed = {name: one for name, one in found["buffers"].items() if found["changed"][name]}
        set_buffers(self.objective.model, changed)
        return _floats(found)

    def judge(self, X: Any, y: Any) -> Numbers:
        """Return the numbers of a batch, and move nothing."""
        return _floats(self._mean(X, y, ()))

    def differentiated(self, X: Any, y: Any) -> None:
        """Compute the loss and its gradients here, and move nothing."""
        task, columns = self._task(X, y, self._trained())
        Shards(self._parallel.shards).mean(task, *columns)

    def _trained(self) -> list[Tensor]:
        """Return the parameters of the optimizer that are not frozen meanwhile."""
        return [parameter for parameter in self.optimizer.params if parameter.requires_grad]

    def _mean(self, X: Any, y: Any, parameters: Sequence[Tensor]) -> Any:
        task, columns = self._task(X, y, parameters)
        few = len(y) < self._parallel.shards
        return self._parallel.mean(task, *columns, like=task.blank() if few else None)

    def _task(self, X: Any, y: Any, parameters: Sequence[Tensor]) -> tuple[Task, tuple[Any, ...]]:
        several = isinstance(X, tuple)
        task = Task(
            self.objective, parameters, self._draws, several=several, buffered=self._buffered
        )
        return task, (np.arange(len(y)), *(X if several else (X,)), y)


def buffers(model: Module) -> dict[str, Any]:
    """Return the arrays that a model holds beside its parameters, by name."""
    parameters = {name for name, _ in model.named_parameters()}
    return {name: array for name, array in model.state().items() if name not in parameters}


def set_buffers(model: Module, values: dict[str, Any]) -> None:
    """Set them; means of integers are rounded."""
    if values:
        state = model.state()
        for name, value in values.items():
            array = np.asarray(value)
            kind = state[name].dtype
            rounded = np.rint(array) if kind.kind not in "fc" and array.dtype.kind == "f" else array
            state[name] = rounded.astype(kind)
        model.load_state(state)


def digests(model: Module, optimizer: Optimizer, generators: Generators) -> dict[str, bytes]:
    """Return what all ranks have to have alike, by a name for the message."""
    found = {"the weights": model.state(), "the optimizer": optimizer.state()}
    return {
        **{name: _digest(arrays) for name, arrays in found.items()},
        "the random generators": json.dumps(generators.state()).encode(),
    }


def _digest(arrays: dict[str, Any]) -> bytes:
    digest = hashlib.sha256()
    for name, array in arrays.items():
        digest.update(f"{name} {array.shape} {array.dtype} ".encode())
        digest.update(array.tobytes())
    return digest.digest()


def _floats(found: dict[str, Any]) -> Numbers:
    return {name: float(value) for name, value in found["numbers"].items()}
