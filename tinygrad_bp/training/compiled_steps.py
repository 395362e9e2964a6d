"""Steps of a training as compiled functions, which do what those in Python do."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

from tinygrad_bp.engine.tensor import Tensor, wrap
from tinygrad_bp.errors import TraceError, warn_user
from tinygrad_bp.optim import Optimizer
from tinygrad_bp.training.steps import Numbers, Objective, Step, rows_of, wrapped

Loss = Callable[[Any, Any], Any]


class CompiledStep(Step):
    """A step by `tg.compile`; what cannot be compiled is said, and runs as it is from then on.

    Parameters
    ----------
    objective, optimizer, clip_norm, accumulate
        As of `Step`.
    """

    def __init__(self, objective: Objective, optimizer: Optimizer, **settings: Any) -> None:
        from tinygrad_bp.compiling import compile  # noqa: A004  # not before it is asked for

        super().__init__(objective, optimizer, **settings)
        plain = Step(objective, optimizer, **settings)
        model, whole = objective.model, (objective.model, optimizer)

        # the loss is named, so that the variables around it are looked at
        def compiled(function: Any, state: Any) -> Any:
            return compile(partial(function, plain, objective.loss), state=state)

        self._descend, self._add = compiled(_descended, whole), compiled(_added, whole)
        self._end, self._judge = compiled(_ended, whole), compiled(_judged, model)
        self._sums: list[Any] = []
        self._without: frozenset[int] = frozenset()
        self._refused = False

    @property
    def backend(self) -> str:
        """What runs: "native", or "eager"."""
        return "eager" if self._refused else str(self._descend.backend)

    def descend(self, X: Any, y: Any) -> Numbers:
        """Descend the loss of a batch; return its numbers."""
        step = self._descend if self._accumulate == 1 else self._summed
        return self._compiled(step, X, y) or super().descend(X, y)

    def judge(self, X: Any, y: Any) -> Numbers:
        """Return the numbers of a batch, and move nothing."""
        return self._compiled(self._judge, X, y) or super().judge(X, y)

    def _compiled(self, step: Callable[..., tuple[Any, Any]], X: Any, y: Any) -> Numbers | None:
        """Return the numbers of a batch that goes the compiled way; None of one that does not."""
        if not self._runs(X, y):
            return None
        X, y = _wrapped(X), _wrapped(y)
        try:
            value, prediction = step(X, y)
        except TraceError as error:
            self._refuse(str(error))
            return None
        return self.objective.numbers(value, prediction, y)

    def finish(self) -> None:
        """Let the optimizer move by the gradients that wait, if there are any."""
        if self._sums and self._batches:
            self._end(float(self._rows), self._reached())
            self.forget()
        else:
            super().finish()

    def forget(self) -> None:
        """Drop the gradients that wait: the training has ended before they were used."""
        self._sums = []
        super().forget()

    def _summed(self, X: Any, y: Any) -> tuple[Any, Any]:
        """Add the gradients of a batch to those that wait."""
        before = self._sums or [np.zeros_like(p._value) for p in self.optimizer.params]
        rows = rows_of(y)
        value, prediction, new = self._add(X, y, float(rows), before)
        # of what has no gradient 0 is handed on, and there is one call for all batches
        self._sums = [a if b is None else b for a, b in zip(before, new, strict=True)]
        self._without = frozenset([k for k, one in enumerate(new) if one is None])
        self._wait(rows)
        return value, prediction

    def _runs(self, X: Any, y: Any) -> bool:
        """Whether a batch goes the compiled way."""
        if self._refused:
            return False
        for one in (*X, y) if isinstance(X, tuple) else (X, y):
            if not isinstance(one, (Tensor, np.ndarray)):
                self._refuse(f"a batch holds a {type(one).__name__}; pass arrays")
                return False
        return True

    def _refuse(self, why: str) -> None:
        """Say why the steps run as they are from now on, and give them what waits."""
        self._refused = True
        warn_user(f"fit: not compiled, and the steps run as they are: {why}")
        for parameter, one in zip(self.optimizer.params, self._reached(), strict=False):
            parameter.grad = None if one is None else wrap(one)
        self._sums = []

    def _reached(self) -> list[Any]:
        """Return the sums of the parameters that have gradients; None for the others."""
        return [None if k in self._without else one for k, one in enumerate(self._sums)]


def _wrapped(X: Any) -> Any:
    return tuple(map(wrapped, X)) if isinstance(X, tuple) else wrapped(X)


# What is compiled: the step that is written in Python, and the loss, for the variables around it,
# come before the arguments.


def _descended(step: Step, _loss: Loss, X: Any, y: Any) -> tuple[Any, Any]:
    value, prediction = step.objective.forward(X, y)
    value.backward(retain_graph=False)
    step.move()
    return value, _wanted(step, prediction)


def _added(
    step: Step, _loss: Loss, X: Any, y: Any, rows: float, sums: Sequence[Any]
) -> tuple[Any, Any, list[Any]]:
    """Add the gradients of a batch, times its rows, to sums."""
    value, prediction = step.objective.forward(X, y)
    (value * rows).backward(retain_graph=False)
    pairs = zip(step.optimizer.params, sums, strict=True)
    new = [None if p.grad is None else one + p.grad._value for p, one in pairs]
    step.optimizer.zero_grad()
    return value, _wanted(step, prediction), new


def _ended(step: Step, _loss: Loss, rows: float, sums: Sequence[Any]) -> None:
    for parameter, one in zip(step.optimizer.params, sums, strict=True):
        if one is not None:
            parameter.grad = wrap(one / rows)
    step.move()


def _judged(step: Step, _loss: Loss, X: Any, y: Any) -> tuple[Any, Any]:
    value, prediction = step.objective.forward(X, y)
    return value, _wanted(step, prediction)


def _wanted(step: Step, prediction: Any) -> Any:
    return prediction if step.objective.metrics else None
