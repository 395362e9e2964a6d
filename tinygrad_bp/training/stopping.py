"""`EarlyStopping`: end where a watched number no longer falls, and keep the best weights."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from tinygrad_bp.elsewhere.calls import answers
from tinygrad_bp.engine.tensor import Tensor, wrap
from tinygrad_bp.nn.state import State, matched
from tinygrad_bp.training.loop import Loop
from tinygrad_bp.training.snapshots import Snapshots


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

    @answers
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
        self._begin()

    def _begin(self) -> None:
        # in one tuple, which changes at once: the best number, its epoch, its weights, and the
        # last epoch that was looked at
        self._best: tuple[float, int, list[Any], int] = math.inf, 0, [], 0
        self._snapshots: Snapshots | None = None

    @property
    def best(self) -> float:
        """The best number so far."""
        return -self._best[0] if self.highest else self._best[0]

    @property
    def best_epoch(self) -> int:
        """When it was, counted from 1."""
        return self._best[1]

    @property
    def last_epoch(self) -> int:
        """The last epoch that was looked at."""
        return self._best[3]

    def before_fit(self, loop: Loop) -> None:
        """Begin anew, unless it goes on with a training."""
        if not loop.epoch:
            self._begin()
        if self._snapshots is None:
            self._snapshots = Snapshots(loop.model)
            self._best = *self._best[:2], self._snapshots.take(), self._best[3]

    def after_epoch(self, loop: Loop) -> None:
        """Look at the epoch's number."""
        assert self._snapshots is not None  # noqa: S101  # `before_fit` has made it
        epoch = loop.epoch
        value = loop.history[self.metric or loop.watched][-1]
        value = -value if self.highest else value
        if value < self._best[0]:
            self._best = value, epoch, self._snapshots.take(), epoch
        else:
            self._best = *self._best[:3], epoch
            if epoch - self._best[1] >= self.patience:
                loop.stop(f"no better {self.metric or loop.watched} for {self.patience} epochs")

    def after_fit(self, loop: Loop) -> None:
        """Restore the best weights, if that is wanted."""
        if self.restore and self._best[1]:
            self.restore_best()
            loop.history.kept = self.best_epoch

    def restore_best(self) -> None:
        """Give the model the weights and buffers of its best epoch, or of its beginning."""
        if self._snapshots is not None:
            self._snapshots.give_back(self._best[2])

    def state(self) -> State:
        """Return the best number, its epoch and its weights, as `load_state` takes them.

        Returns
        -------
        dict of str to array
        """
        best, epoch, weights, last = self._best
        named = {} if self._snapshots is None else self._snapshots.named(weights)
        return {
            "best": np.array(float(best)),
            "epoch": np.array(float(epoch)),
            "last": np.array(float(last)),
            **{f"weights.{name}": value for name, value in named.items()},
        }

    def load_state(self, state: Mapping[str, Any]) -> None:
        """Go on from what `state` returned.

        Parameters
        ----------
        state : mapping of str to array
        """
        own: dict[str, Tensor] = {name: wrap(value) for name, value in self.state().items()}
        best, epoch, last, *weights = matched(type(self).__name__, own, state)
        self._best = float(best), int(epoch), weights, int(last)
