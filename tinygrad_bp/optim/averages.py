"""Averages of the weights over the training, which often predict better than the last ones."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from tinygrad_bp.elsewhere.calls import answers
from tinygrad_bp.engine.changes import assign
from tinygrad_bp.engine.tensor import Tensor, wrap
from tinygrad_bp.nn.state import Kept


class _Average(Kept):
    """An average of each parameter, and how many values are in it."""

    def __init__(self, params: Iterable[Tensor]) -> None:
        self.params = [params] if isinstance(params, Tensor) else list(params)
        if not self.params or not all(isinstance(param, Tensor) for param in self.params):
            raise ValueError(
                f"{type(self).__name__}: expected one parameter or more, for instance"
                " network.parameters()"
            )
        # at least float32: small shares of a float16 value would be lost
        self._means = [
            wrap(param._value.astype(np.result_type(param.dtype, np.float32)))
            for param in self.params
        ]
        self._count = wrap(np.float64(0.0))

    @property
    def count(self) -> int:
        """How many values of each parameter are in the average."""
        return int(self._count._value)

    def update(self) -> None:
        """Take the present values of the parameters into the average."""
        share = self._share(self.count)
        means = [
            mean._value + share * (param._value - mean._value)
            for mean, param in zip(self._means, self.params, strict=True)
        ]
        assign((*self._means, self._count), (*means, np.float64(self.count + 1)))

    def _share(self, count: int) -> float:
        raise NotImplementedError

    def values(self) -> list[Any]:
        """Return the averages, an array for each parameter, in their dtypes.

        Returns
        -------
        list of array
        """
        return [
            mean._value.astype(param.dtype)
            for mean, param in zip(self._means, self.params, strict=True)
        ]

    @contextmanager
    def applied(self) -> Iterator[None]:
        """Give the parameters their averages while the block runs, and their own values after it.

        Yields
        ------
        None
        """
        own = [param._value for param in self.params]
        try:
            assign(self.params, self.values())
            yield
        finally:
            assign(self.params, own)

    def apply(self) -> None:
        """Give the parameters their averages for good."""
        assign(self.params, self.values())

    def _all_cells(self) -> dict[str, Tensor]:
        return {"count": self._count, **{f"mean.{i}": mean for i, mean in enumerate(self._means)}}


class EMA(_Average):
    """Average of the weights that forgets: ``mean = decay mean + (1 - decay) p`` at each update.

    Parameters
    ----------
    params : iterable of Tensor
        For instance ``network.parameters()``.
    decay : float, default 0.999
        In [0, 1): about ``1 / (1 - decay)`` updates are in the average.  The first is taken whole.

    Notes
    -----
    Polyak & Juditsky (1992), "Acceleration of stochastic approximation by averaging"; with weights
    that decay as in Kingma & Ba (2015), section 7.2.  Among the callbacks of `tg.training.fit` it
    is updated after each step.

    Examples
    --------
    >>> import tinygrad_bp as tg
    >>> w = tg.tensor([0.0], requires_grad=True)
    >>> average = tg.optim.EMA([w], decay=0.5)
    >>> for _ in range(3):
    ...     with tg.no_grad():
    ...         w += 1.0
    ...     average.update()
    >>> w.tolist(), average.values()
    ([3.0], [array([2.25])])
    """

    @answers
    def __init__(self, params: Iterable[Tensor], decay: float = 0.999) -> None:
        if not 0.0 <= decay < 1.0:
            raise ValueError(f"EMA: decay={decay!r}; expected a number from 0 to below 1")
        super().__init__(params)
        self.decay = float(decay)

    def _share(self, count: int) -> float:
        return 1.0 - self.decay if count else 1.0

    def after_step(self, _loop: Any) -> None:
        """Update: called by `tg.training.fit` after each step.

        Parameters
        ----------
        _loop : Loop
        """
        self.update()


class SWA(_Average):
    """Plain average of the weights over all updates.

    Parameters
    ----------
    params : iterable of Tensor
        For instance ``network.parameters()``.
    start : int, default 0
        Among the callbacks of `tg.training.fit`: after how many epochs it begins.

    Notes
    -----
    Izmailov et al. (2018), "Averaging weights leads to wider optima and better generalization",
    algorithm 1.  Among the callbacks of `tg.training.fit` it is updated after each epoch.  A
    `BatchNorm` has statistics of its own, which are those of the last weights: train it for another
    epoch with a learning rate of 0 after `apply`.
    """

    @answers
    def __init__(self, params: Iterable[Tensor], start: int = 0) -> None:
        if not 0 <= start < math.inf:
            raise ValueError(f"SWA: start={start!r}; expected an integer of 0 or more")
        super().__init__(params)
        self.start = start

    def _share(self, count: int) -> float:
        return 1.0 / (count + 1)

    def after_epoch(self, loop: Any) -> None:
        """Update, from `start` on: called by `tg.training.fit` after each epoch.

        Parameters
        ----------
        loop : Loop
        """
        if loop.epoch > self.start:
            self.update()
