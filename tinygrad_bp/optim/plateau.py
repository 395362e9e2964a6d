"""`ReduceOnPlateau`: a learning rate that falls when a watched number no longer does."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tinygrad_bp.elsewhere.calls import answers
from tinygrad_bp.engine.changes import assign
from tinygrad_bp.engine.tensor import Tensor, wrap
from tinygrad_bp.nn.state import Kept
from tinygrad_bp.optim.optimizer import Optimizer


class ReduceOnPlateau(Kept):
    """Multiplies an optimizer's rate by `factor` after `patience` looks without a new best.

    Parameters
    ----------
    optimizer : Optimizer
    factor : float, default 0.1
        In (0, 1).
    patience : int, default 10
        As many looks in a row without improvement are let pass; the next lowers the rate.
    threshold : float, default 1e-4
        Share of the best by which a number must be lower to count as better.
    cooldown : int, default 0
        Looks after a reduction that do not count.
    least : float, default 0
        The rate is never lowered beneath it.
    metric : str, optional
        Among the callbacks of `tg.training.fit`: which column of its history is watched; its
        ``watched`` one if not given.

    Examples
    --------
    >>> import tinygrad_bp as tg
    >>> optimizer = tg.optim.SGD([tg.tensor(0.0, requires_grad=True)], lr=1.0)
    >>> plateau = tg.optim.ReduceOnPlateau(optimizer, factor=0.5, patience=1)
    >>> for loss in (1.0, 0.9, 0.9, 0.9):
    ...     plateau.update(loss)
    >>> optimizer.lr
    0.5
    """

    @answers
    def __init__(
        self,
        optimizer: Optimizer,
        factor: float = 0.1,
        patience: int = 10,
        *,
        threshold: float = 1e-4,
        cooldown: int = 0,
        least: float = 0.0,
        metric: str | None = None,
    ) -> None:
        if not 0.0 < factor < 1.0:
            raise ValueError(f"ReduceOnPlateau: factor={factor!r}; expected a number in (0, 1)")
        for name, value in {
            "patience": patience,
            "threshold": threshold,
            "cooldown": cooldown,
            "least": least,
        }.items():
            if not 0.0 <= value < math.inf:
                raise ValueError(f"ReduceOnPlateau: {name}={value!r}; expected 0 or more")
        self.optimizer = optimizer
        self.factor, self.patience, self.threshold = factor, patience, threshold
        self.cooldown, self.least, self.metric = cooldown, least, metric
        # the best so far, looks without a better one, looks that do not count yet
        self._best, self._bad, self._cooling = (wrap(np.float64(v)) for v in (math.inf, 0.0, 0.0))

    def update(self, value: float) -> None:
        """Look at the next number: lower is better; a NaN counts as no improvement.

        Parameters
        ----------
        value : float
        """
        best, bad, cooling = (float(cell._value) for cell in self._all_cells().values())
        better = value < best - self.threshold * abs(best) if best < math.inf else value < best
        best, bad = (float(value), 0.0) if better else (best, bad + 1.0)
        if cooling:
            cooling, bad = cooling - 1.0, 0.0
        rate = self.optimizer.lr
        if bad > self.patience:
            rate = max(rate * self.factor, self.least)
            cooling, bad = float(self.cooldown), 0.0
        assign(self._all_cells().values(), map(np.float64, (best, bad, cooling)))
        self.optimizer.lr = rate

    def after_epoch(self, loop: Any) -> None:
        """Look at the epoch: called by `tg.training.fit`.

        Parameters
        ----------
        loop : Loop
        """
        self.update(loop.history[self.metric or loop.watched][-1])

    def _all_cells(self) -> dict[str, Tensor]:
        return {"best": self._best, "bad": self._bad, "cooling": self._cooling}
