"""Lion: steps along the sign of a running average of the gradient."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_bp.engine.changes import assign
from tinygrad_bp.engine.tensor import Tensor
from tinygrad_bp.optim.optimizer import Optimizer, Params


class Lion(Optimizer):
    """``p - lr (sign(b1 m + (1 - b1) g) + weight_decay p)``: each element moves by `lr`.

    Parameters
    ----------
    params : iterable of Tensor, or of groups
        Leaves that require gradients, each once; of groups see `Optimizer`.
    lr : float, default 1e-4
        Learning rate; the authors advise a third to a tenth of Adam's.
    betas : (float, float), default (0.9, 0.99)
        Share of the average in the step, and its decay: ``m = b2 m + (1 - b2) g``; in [0, 1).
    weight_decay : float, default 0
        Share of each parameter, times `lr`, that a step removes.

    Notes
    -----
    Chen et al. (2023), "Symbolic discovery of optimization algorithms", algorithm 2.  It has one
    memory a parameter, half of Adam's.
    """

    def __init__(
        self,
        params: Params,
        lr: float = 1e-4,
        *,
        betas: tuple[float, float] = (0.9, 0.99),
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(params, lr)
        first, second = betas
        self.betas = self._setting("betas[0]", first, 1.0), self._setting("betas[1]", second, 1.0)
        self.weight_decay = self._setting("weight_decay", weight_decay)
        self._means = self._memory("mean", np.float32)

    def step(self) -> None:
        """Move every parameter that has a gradient."""
        beta1, beta2 = self.betas
        cells: list[Tensor] = []
        values: list[Any] = []
        for i, value, grad in self._gradients(decayed=False):
            memory = self._means[i]._value
            grad = grad.astype(memory.dtype)
            direction = np.sign(beta1 * memory + (1.0 - beta1) * grad) + self._decay(i) * value
            moved = value - self._rate_of(i) * direction
            cells += (self.params[i], self._means[i])
            values += (moved.astype(value.dtype), beta2 * memory + (1.0 - beta2) * grad)
        assign(cells, values)
