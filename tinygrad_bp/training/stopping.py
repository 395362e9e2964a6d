"""`EarlyStopping`: end where a watched number no longer falls, and keep the best weights."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from tinygrad_bp.engine.tensor import Tensor, wrap
from tinygrad_bp.nn.state import State, matched
from tinygrad_bp.training.loop import Loop


class EarlyStopping:
    """Ends a training after `patience` epochs without a better number; restores the best weights.

    Parameters
    ----------
    patience : int
        1 or more.
    metric : str, optional
        A column of the history; the loss of the validation part if there is one, else that of the
        training, if not given.
    highest : bool, default False
        Whether more is better, as of an accuracy.
    restore : bool, default True
        Give the model the weights and buffers of its best epoch at the end, after an interrupt too.

    Attributes
    ----------
    best : float
        The best number so far.
    best_epoch : int
        When it was, counted from 1; 0 before there is one.

    Notes
    -----
    Prechelt (1998), "Early stopping - but when?", in "Neural networks: tricks of the trade".
    """

    def __init__(
        self,
        patience: int,
        *,
        metric: str | None = None,
        highest: bool = False,
        restore: bool = True,
    ) -> None:
        if not patience >= 1:
            raise ValueError(f"EarlyStopping: patience={patience!r}; expected 1 or more")
        self.patience, self.metric, self.highest = patience, metric, highest
        self.restore = restore
        self._best: tuple[float, int, State] = math.inf, 0, {}

    @property
    def best(self) -> float:
        """The best number so far."""
        return -self._best[0] if self.highest else self._best[0]

    @property
    def best_epoch(self) -> int:
        """When it was, counted from 1."""
        return self._best[1]

    def before_fit(self, loop: Loop) -> None:
        """Begin anew, unless it goes on with a training."""
        if not loop.epoch:
            self._best = math.inf, 0, {}
        if not self._best[2]:
            self._best = *self._best[:2], loop.model.state()

    def after_epoch(self, loop: Loop) -> None:
        """Look at the epoch's number."""
        value = loop.history.rows[-1].get(self.metric or loop.watched, math.nan)
        value = -value if self.highest else value
        if value < self._best[0]:
            self._best = value, loop.epoch, loop.model.state()
        elif loop.epoch - self._best[1] >= self.patience:
            loop.stop(f"no better {self.metric or loop.watched} for {self.patience} epochs")

    def after_fit(self, loop: Loop) -> None:
        """Restore the best weights."""
        if self.restore and self._best[1]:
            loop.model.load_state(self._best[2])

    def state(self) -> State:
        """Return the best number, its epoch and its weights, as `load_state` takes them.

        Returns
        -------
        dict of str to array
        """
        best, epoch, weights = self._best
        return {
            "best": np.array(float(best)),
            "epoch": np.array(float(epoch)),
            **{f"weights.{name}": np.array(value) for name, value in weights.items()},
        }

    def load_state(self, state: Mapping[str, Any]) -> None:
        """Go on from what `state` returned.

        Parameters
        ----------
        state : mapping of str to array
        """
        own: dict[str, Tensor] = {name: wrap(value) for name, value in self.state().items()}
        best, epoch, *weights = matched(type(self).__name__, own, state)
        names = list(self._best[2])
        self._best = float(best), int(epoch), dict(zip(names, weights, strict=True))
