"""Stochastic gradient descent, plain and with momentum."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_bp.engine.changes import assign, put
from tinygrad_bp.engine.nodes import tick
from tinygrad_bp.engine.tensor import Tensor
from tinygrad_bp.optim.optimizer import Optimizer, Params


class SGD(Optimizer):
    """Gradient descent: ``p - lr * g``, where momentum replaces g by a decaying sum of gradients.

    Parameters
    ----------
    params : iterable of Tensor, or of groups
        Leaves that require gradients, each once; of groups see `Optimizer`.
    lr : float
        Learning rate.
    momentum : float, default 0
        In [0, 1): ``v = momentum * v + g``, and ``p - lr * v``.
    nesterov : bool, default False
        Step along ``g + momentum * v`` instead; needs momentum.
    weight_decay : float, default 0
        Multiple of the parameter that is added to its gradient (an L2 penalty).

    Notes
    -----
    Momentum: Polyak (1964).  Nesterov's form as in Sutskever, Martens, Dahl & Hinton (2013), "On
    the importance of initialization and momentum in deep learning", with the rate outside v, as
    PyTorch has it.  Plain SGD allocates one array a parameter.
    """

    _groups_decay = False  # in one that was pickled before there were groups
    _passing = Optimizer._passing | {"_plan", "_rate"}

    def __init__(
        self,
        params: Params,
        lr: float,
        *,
        momentum: float = 0.0,
        nesterov: bool = False,
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(params, lr)
        self.momentum = self._setting("momentum", momentum, below=1.0)
        self.weight_decay = self._setting("weight_decay", weight_decay)
        self.nesterov = nesterov
        self._groups_decay = any(self._decays)
        if nesterov and not self.momentum:
            raise ValueError("SGD: nesterov=True needs momentum; pass for instance momentum=0.9")
        self._velocity = self._memory("momentum") if self.momentum else []
        self._plan: list[tuple[Tensor, Any]] = []  # of the rate below
        self._rate: float | None = None

    def step(self) -> None:
        """Move every parameter that has a gradient."""
        plain = not (self.momentum or self.weight_decay or self._groups_decay)
        if plain and type(self._lr) is float:  # else it is traced, and no plan outlives that
            self._step_plain()
            return
        cells: list[Tensor] = []
        values: list[Any] = []
        for i, value, grad in self._gradients():
            step = grad
            if self.momentum:
                velocity = self.momentum * self._velocity[i]._value
                velocity += grad
                step = grad + self.momentum * velocity if self.nesterov else velocity
                cells.append(self._velocity[i])
                values.append(velocity)
            moved = step * (-self._lr * self._scales[i])
            moved += value
            cells.append(self.params[i])
            values.append(moved)
        assign(cells, values)

    def _step_plain(self) -> None:
        """Do `step` for the commonest case, in which the overhead on small arrays counts."""
        if self._never:
            self._look_for_gradients()
        if self._rate != self._lr:
            # in each parameter's dtype: NumPy takes a third longer to multiply by a Python number
            rates = map(self._rate_of, range(len(self.params)))
            self._plan = [
                (p, np.asarray(-rate, p.dtype) if p.ndim else p.dtype.type(-rate))
                for p, rate in zip(self.params, rates, strict=True)
            ]
            self._rate = self._lr
        cells: list[Tensor] = []
        values: list[Any] = []
        now = tick()
        for param, scale in self._plan:
            grad = param._account.grad
            if grad is not None:
                step = grad._value * scale
                step += param._value  # what was just made is ours: no second array
                param._changed = now  # as `mark` does, in this loop
                cells.append(param)
                values.append(step)
        put(cells, values)
