"""Adagrad: steps scaled by the sum of all squared gradients."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_bp.engine.changes import assign
from tinygrad_bp.engine.tensor import Tensor
from tinygrad_bp.optim.optimizer import Optimizer, Params


class Adagrad(Optimizer):
    """``s = s + g^2``, ``p - lr g / (sqrt(s) + eps)``: what has moved much moves less.

    Parameters
    ----------
    params : iterable of Tensor, or of groups
        Leaves that require gradients, each once; of groups see `Optimizer`.
    lr : float, default 0.01
        Learning rate.
    eps : float, default 1e-10
        Added to the root, above 0: no division by 0.
    weight_decay : float, default 0
        Multiple of the parameter that is added to its gradient (an L2 penalty).

    Notes
    -----
    Duchi, Hazan & Singer (2011), "Adaptive subgradient methods for online learning and stochastic
    optimization", figure 1 with a diagonal matrix.
    """

    def __init__(
        self,
        params: Params,
        lr: float = 0.01,
        *,
        eps: float = 1e-10,
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(params, lr)
        self.eps = self._setting("eps", eps, above=0.0)
        self.weight_decay = self._setting("weight_decay", weight_decay)
        self._sums = self._memory("sum", np.float32)

    def step(self) -> None:
        """Move every parameter that has a gradient."""
        cells: list[Tensor] = []
        values: list[Any] = []
        for i, value, grad in self._gradients():
            memory = self._sums[i]._value
            grad = grad.astype(memory.dtype)
            total = memory + grad * grad
            moved = value - self._rate_of(i) * (grad / (np.sqrt(total) + self.eps))
            cells += (self.params[i], self._sums[i])
            values += (moved.astype(value.dtype), total)
        assign(cells, values)
