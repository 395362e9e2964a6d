"""RMSprop: steps scaled by a running average of the gradient's square."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_bp.engine.changes import assign
from tinygrad_bp.engine.tensor import Tensor
from tinygrad_bp.optim.optimizer import Optimizer, Params


class RMSprop(Optimizer):
    """``s = decay s + (1 - decay) g^2``, ``p - lr g / (sqrt(s) + eps)``.

    Parameters
    ----------
    params : iterable of Tensor, or of groups
        Leaves that require gradients, each once; of groups see `Optimizer`.
    lr : float, default 0.01
        Learning rate.
    decay : float, default 0.99
        Of the running mean of the gradient's square, in [0, 1).
    eps : float, default 1e-8
        Added to the root, above 0: no division by 0.
    momentum : float, default 0
        In [0, 1): ``v = momentum v + g / (sqrt(s) + eps)``, and ``p - lr v``.
    weight_decay : float, default 0
        Multiple of the parameter that is added to its gradient (an L2 penalty).

    Notes
    -----
    Tieleman & Hinton (2012), "Neural networks for machine learning", lecture 6.5.
    """

    def __init__(
        self,
        params: Params,
        lr: float = 0.01,
        *,
        decay: float = 0.99,
        eps: float = 1e-8,
        momentum: float = 0.0,
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(params, lr)
        self.decay = self._setting("decay", decay, below=1.0)
        self.eps = self._setting("eps", eps, above=0.0)
        self.momentum = self._setting("momentum", momentum, below=1.0)
        self.weight_decay = self._setting("weight_decay", weight_decay)
        self._squares = self._memory("square", np.float32)
        self._velocity = self._memory("momentum", np.float32) if self.momentum else []

    def step(self) -> None:
        """Move every parameter that has a gradient."""
        cells: list[Tensor] = []
        values: list[Any] = []
        for i, value, grad in self._gradients():
            memory = self._squares[i]._value
            grad = grad.astype(memory.dtype)
            square = self.decay * memory + (1.0 - self.decay) * (grad * grad)
            step = grad / (np.sqrt(square) + self.eps)
            cells.append(self._squares[i])
            values.append(square)
            if self.momentum:
                step = self.momentum * self._velocity[i]._value + step
                cells.append(self._velocity[i])
                values.append(step)
            cells.append(self.params[i])
            values.append((value - self._rate_of(i) * step).astype(value.dtype))
        assign(cells, values)
