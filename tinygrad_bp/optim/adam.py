"""Adam and AdamW: steps scaled by running averages of the gradient and of its square."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tinygrad_bp.engine.changes import assign
from tinygrad_bp.engine.tensor import Tensor
from tinygrad_bp.optim.optimizer import Optimizer, Params


class Adam(Optimizer):
    """Adam: each element moves by about `lr`, whatever the size of its gradient.

    Parameters
    ----------
    params : iterable of Tensor, or of groups
        Leaves that require gradients, each once; of groups see `Optimizer`.
    lr : float, default 0.001
        Learning rate.
    betas : (float, float), default (0.9, 0.999)
        Decay of the running mean of the gradient and of its square, in [0, 1).
    eps : float, default 1e-8
        Added to the root of the mean square, above 0: no division by 0.
    weight_decay : float, default 0
        Multiple of the parameter that is added to its gradient (an L2 penalty); see `AdamW` too.

    Notes
    -----
    Kingma & Ba (2015), "Adam: a method for stochastic optimization", algorithm 1.  `eps` is added
    after the correction of the bias, as there and in PyTorch.  The averages of float16 parameters
    are kept in float32: squares of small gradients, and `eps`, would be 0 in float16.
    """

    decoupled = False  # whether weight decay bypasses the running averages

    def __init__(
        self,
        params: Params,
        lr: float = 1e-3,
        *,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(params, lr)
        if not isinstance(betas, Sequence) or len(betas) != 2:
            raise ValueError(
                f"{type(self).__name__}: betas={betas!r}; expected a pair such as (0.9, 0.999)"
            )
        first, second = betas
        self.betas = self._setting("betas[0]", first, 1.0), self._setting("betas[1]", second, 1.0)
        self.eps = self._setting("eps", eps)
        if not self.eps:
            raise ValueError(
                f"{type(self).__name__}: eps=0; expected above 0: a gradient of 0 would give 0/0"
            )
        self.weight_decay = self._setting("weight_decay", weight_decay)
        self._means = self._memory("mean", np.float32)
        self._squares = self._memory("square", np.float32)
        self._counts = self._counters("steps")

    def step(self) -> None:
        """Move every parameter that has a gradient."""
        beta1, beta2 = self.betas
        cells: list[Tensor] = []
        values: list[Any] = []
        # Augmented assignments work in place on the arrays made here, and serve NumPy scalars too.
        for i, value, grad in self._gradients(decayed=not self.decoupled):
            rate = self._lr * self._scales[i]
            decay = self._decay(i) if self.decoupled else 0.0
            memory = self._means[i], self._squares[i], self._counts[i]
            if grad.dtype.char == "e":
                grad = grad.astype(np.float32)
            steps = memory[2]._value + 1.0
            count = steps.item()  # Python's number, which leaves dtypes alone
            mean = grad - memory[0]._value
            mean *= 1.0 - beta1
            mean += memory[0]._value
            square = grad * grad
            square *= 1.0 - beta2
            square += beta2 * memory[1]._value
            root = np.sqrt(square)
            root /= (1.0 - beta2**count) ** 0.5
            root += self.eps
            moved = mean / root
            moved *= -rate / (1.0 - beta1**count)
            moved += (1.0 - rate * decay) * value if decay else value
            if moved.dtype is not value.dtype:  # float32 for a float16 parameter
                moved = moved.astype(value.dtype)
            cells += (self.params[i], *memory)
            values += (moved, mean, square, steps)
        assign(cells, values)


class AdamW(Adam):
    """Adam whose weight decay shrinks the parameters themselves: ``(1 - lr * weight_decay) * p``.

    Parameters
    ----------
    params : iterable of Tensor, or of groups
        Leaves that require gradients, each once; of groups see `Optimizer`.
    lr : float, default 0.001
        Learning rate.
    betas : (float, float), default (0.9, 0.999)
        Decay of the running mean of the gradient and of its square, in [0, 1).
    eps : float, default 1e-8
        Added to the root of the mean square.
    weight_decay : float, default 0.01
        Share of each parameter, times `lr`, that a step removes.

    Notes
    -----
    Loshchilov & Hutter (2019), "Decoupled weight decay regularization", algorithm 2, with the
    schedule multiplier inside `lr`, as in PyTorch.
    """

    decoupled = True

    def __init__(
        self,
        params: Params,
        lr: float = 1e-3,
        *,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.01,
    ) -> None:
        super().__init__(params, lr, betas=betas, eps=eps, weight_decay=weight_decay)
