"""Recurrent layers: a cell along a sequence.

Samples come first, then time: a sequence is (m, time, n_in).
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from tinygrad_bp.engine.arrays import Array
from tinygrad_bp.engine.constructors import arrayed
from tinygrad_bp.engine.guards import guard
from tinygrad_bp.engine.modes import takes_whole
from tinygrad_bp.engine.tensor import is_foreign, unwrap
from tinygrad_bp.errors import DTypeError, ShapeError
from tinygrad_bp.nn.cells import Cell, GRUCell, LSTMCell, RNNCell
from tinygrad_bp.nn.initializers import Initializer
from tinygrad_bp.nn.module import Module
from tinygrad_bp.nn.parameters import Seed


class Recurrent(Module):
    """What the layers share: a cell along a sequence; see these."""

    kind: type[Cell]

    def __init__(
        self,
        n_in: int,
        n_hidden: int,
        *,
        init: str | Initializer = "glorot_uniform",
        rng: Seed = None,
        name: str | None = None,
        dtype: DTypeLike = np.float64,
    ) -> None:
        self.cell = self.kind(n_in, n_hidden, init=init, rng=rng, name=name, dtype=dtype)

    def forward(self, x: Array, state: Any = None, *, lengths: Any = None) -> Array:
        """Return the outputs of all steps, and the last state.

        Parameters
        ----------
        x : array or Tensor, shape (m, time, n_in)
        state : array or Tensor, shape (m, n_hidden), optional
            Before the first step, a pair of these for `LSTM`; zeros if not given.
        lengths : array of int, shape (m,), optional
            How many steps of each sample count.  After them its outputs are 0, and its state stays.

        Returns
        -------
        (Tensor, state)
            The outputs have the shape (m, time, n_hidden).

        Raises
        ------
        ShapeError
            If `x` or `lengths` does not fit, or a length is beyond the last step.
        DTypeError
            If lengths are no integers.
        """
        x = arrayed(x)
        if x.ndim != 3 or x.shape[2] != self.cell.W.shape[0] or not x.shape[1]:
            raise ShapeError(
                f"{type(self).__name__}: expected (m, time, {self.cell.W.shape[0]}) of at least one"
                f" step, got {x.shape}"
            )
        counts = self._counts(lengths, *x.shape[:2])
        start = self.cell.start(x.shape[0]) if state is None else state
        foreign = is_foreign(unwrap(x)) or is_foreign(unwrap(self.cell.U))
        written = foreign and not takes_whole(self.cell.along.__name__)
        return (self._by_steps if written else self._at_once)(x, start, counts)

    def _at_once(self, x: Array, start: Any, counts: Any) -> Any:
        cell, several = self.cell, isinstance(start, tuple)
        further = (getattr(cell, name) for name in cell.further)
        begin = np.stack(start if several else (start,))
        states = cell.along(x, cell.W, cell.U, cell.b, begin, *further, counts=counts)
        outputs = np.swapaxes(states[:, 0], 0, 1)
        if counts is not None:
            outputs = np.where((np.arange(x.shape[1]) < counts)[..., np.newaxis], outputs, 0.0)
        last = tuple(states[-1, k] for k in range(states.shape[1]))
        return outputs, last if several else last[0]

    def _by_steps(self, x: Array, state: Any, counts: Any) -> Any:
        """Return the same step by step: a program is shorter without the states of all in one."""
        outputs = []
        for step in range(x.shape[1]):
            found = self.cell(x[:, step], state)
            if counts is not None:
                found = _chosen(counts > step, found, state)
            state = found
            out = state[0] if isinstance(state, tuple) else state
            outputs.append(out if counts is None else np.where(counts > step, out, 0.0))
        return np.stack(outputs, axis=1), state

    def _counts(self, lengths: Any, m: int, time: int) -> Any:
        """Return the lengths as a column, or None."""
        if lengths is None:
            return None
        lengths = unwrap(lengths)
        counts = lengths if is_foreign(lengths) else np.asarray(lengths)
        if counts.shape != (m,):
            raise ShapeError(
                f"{type(self).__name__}: expected one length a sample, ({m},), got {counts.shape}"
            )
        if counts.dtype.kind not in "iu":
            raise DTypeError(f"{type(self).__name__}: lengths are integers, got {counts.dtype}")
        guard(counts, partial(_require_steps, type(self).__name__, time))
        return counts[:, np.newaxis]

    def __repr__(self) -> str:
        return repr(self.cell).replace("Cell", "")


def _require_steps(layer: str, time: int, counts: Any) -> None:
    if counts.size and not (counts.min() >= 0 and counts.max() <= time):
        raise ShapeError(
            f"{layer}: lengths run from {counts.min()} to {counts.max()}, steps from 0 to {time}"
        )


def _chosen(going: Any, new: Any, old: Any) -> Any:
    """Return the new state of the samples that go on, and the old one of the others."""
    if isinstance(new, tuple):
        return tuple(np.where(going, a, b) for a, b in zip(new, old, strict=True))
    return np.where(going, new, old)


class RNN(Recurrent):
    """Elman's network along a sequence: ``h[t] = tanh(x[t] W + h[t - 1] U + b)``.

    Parameters
    ----------
    n_in, n_hidden : int
        Numbers of inputs and of hidden units.
    init : str or callable
        As in `Linear`.
    rng : numpy.random.Generator or int, optional
        Where the initial weights come from; fresh entropy if not given.
    name : str, optional
        Shown in drawings.
    dtype : dtype, default float64
        Of the parameters.

    Attributes
    ----------
    cell : RNNCell

    Examples
    --------
    >>> import numpy as np
    >>> from tinygrad_bp import nn
    >>> outputs, state = nn.RNN(2, 3, rng=0)(np.ones((4, 5, 2)))
    >>> outputs.shape, state.shape
    ((4, 5, 3), (4, 3))
    """

    kind = RNNCell


class GRU(Recurrent):
    """The gated recurrent unit along a sequence; the equations are those of `GRUCell`.

    Parameters
    ----------
    n_in, n_hidden : int
        Numbers of inputs and of hidden units.
    init : str or callable
        As in `Linear`; of each gate's matrix.
    rng : numpy.random.Generator or int, optional
        Where the initial weights come from; fresh entropy if not given.
    name : str, optional
        Shown in drawings.
    dtype : dtype, default float64
        Of the parameters.

    Attributes
    ----------
    cell : GRUCell
    """

    kind = GRUCell


class LSTM(Recurrent):
    """The long short-term memory along a sequence; the equations are those of `LSTMCell`.

    Parameters
    ----------
    n_in, n_hidden : int
        Numbers of inputs and of hidden units.
    init : str or callable
        As in `Linear`; of each gate's matrix.
    rng : numpy.random.Generator or int, optional
        Where the initial weights come from; fresh entropy if not given.
    name : str, optional
        Shown in drawings.
    dtype : dtype, default float64
        Of the parameters.

    Attributes
    ----------
    cell : LSTMCell
    """

    kind = LSTMCell
