"""Cells: one step of a recurrent network."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from tinygrad_bp.engine.arrays import Array
from tinygrad_bp.engine.tensor import Tensor
from tinygrad_bp.nn.initializers import Initializer
from tinygrad_bp.nn.module import Module
from tinygrad_bp.nn.parameters import Seed, drawn, parameter, size
from tinygrad_bp.rules.linalg.products import affine
from tinygrad_bp.rules.sequences.recurrence import gru, lstm, rnn
from tinygrad_bp.rules.sequences.steps import gru_step, lstm_step, rnn_step


class Cell(Module):
    """What the cells share; see these.

    Attributes
    ----------
    gates : int
    along : callable
        The record of a whole sequence of steps.
    further : tuple of str
        Parameters that a step reads beside U.
    """

    gates = 1
    along: Any
    _step: Any  # the record of one
    further: tuple[str, ...] = ()
    b: Tensor

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
        kind = type(self).__name__
        n_in, n = size(kind, "n_in", n_in), size(kind, "n_hidden", n_hidden)
        rng = np.random.default_rng(rng)  # one for all matrices
        self.W, self.U = (
            parameter(
                np.concatenate([drawn(kind, init, rng, rows, n) for _ in range(self.gates)], 1),
                letter,
                name,
                dtype,
            )
            for letter, rows in (("W", n_in), ("U", n))
        )
        for letter, values in self._biases(n).items():
            setattr(self, letter, parameter(values, letter, name, dtype))

    def _biases(self, n: int) -> dict[str, Any]:
        """Return what the biases of `n` hidden units begin with, by name."""
        return {"b": np.zeros(self.gates * n)}

    def start(self, m: int) -> Any:
        """Return the state before the first step: zeros.

        Parameters
        ----------
        m : int
            Number of samples.

        Returns
        -------
        array, shape (m, n_hidden), or a tuple of these
        """
        return np.zeros((m, self.U.shape[0]), self.U.dtype)

    def forward(self, x: Array, state: Any) -> Array:
        """Return the next state, which is the output too.

        Parameters
        ----------
        x : array or Tensor, shape (m, n_in)
        state : array or Tensor, shape (m, n_hidden)

        Returns
        -------
        Tensor, shape (m, n_hidden)
        """
        further = (getattr(self, name) for name in self.further)
        return self._step(affine(x, self.W, self.b), state, self.U, *further)[0]

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.W.shape[0]}, {self.U.shape[0]})"


class RNNCell(Cell):
    """A step of Elman's network: ``h' = tanh(x W + h U + b)``.

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
    W : Tensor, shape (n_in, n_hidden)
    U : Tensor, shape (n_hidden, n_hidden)
    b : Tensor, shape (n_hidden,)

    Notes
    -----
    Elman (1990), "Finding structure in time".
    """

    along, _step = staticmethod(rnn), staticmethod(rnn_step)


class GRUCell(Cell):
    """A step of the gated recurrent unit.

    ``r, z = sigmoid(x W + h U + b)``, ``n = tanh(x W + b + r (h U + c))``,
    ``h' = (1 - z) n + z h``, each with columns of its own of W, U and b.

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
    W : Tensor, shape (n_in, 3 n_hidden)
        The columns of r, of z, and of n.
    U : Tensor, shape (n_hidden, 3 n_hidden)
    b : Tensor, shape (3 n_hidden,)
    c : Tensor, shape (n_hidden,)

    Notes
    -----
    Cho et al. (2014), "Learning phrase representations using RNN encoder-decoder", equations 5 to
    8; the reset gate works on the product, as in PyTorch.
    """

    gates = 3
    along, _step = staticmethod(gru), staticmethod(gru_step)
    further = ("c",)
    c: Tensor

    def _biases(self, n: int) -> dict[str, Any]:
        return {**super()._biases(n), "c": np.zeros(n)}


class LSTMCell(Cell):
    """A step of the long short-term memory: of the state ``(h, c)``.

    ``i, f, o = sigmoid(x W + h U + b)``, ``g = tanh(x W + h U + b)``, ``c' = f c + i g``,
    ``h' = o tanh(c')``, each with columns of its own of W, U and b.

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
    W : Tensor, shape (n_in, 4 n_hidden)
        The columns of i, of f, of g, and of o.
    U : Tensor, shape (n_hidden, 4 n_hidden)
    b : Tensor, shape (4 n_hidden,)
        Begins at 0, and at 1 for f: Jozefowicz, Zaremba & Sutskever (2015), section 2.2.

    Notes
    -----
    Hochreiter & Schmidhuber (1997), "Long short-term memory"; the forget gate f by Gers,
    Schmidhuber & Cummins (2000).
    """

    gates = 4
    along, _step = staticmethod(lstm), staticmethod(lstm_step)

    def _biases(self, n: int) -> dict[str, Any]:
        return {"b": np.repeat([0.0, 1.0, 0.0, 0.0], n)}

    def start(self, m: int) -> Any:
        """Return the state before the first step: zeros.

        Parameters
        ----------
        m : int
            Number of samples.

        Returns
        -------
        (array, array), each of shape (m, n_hidden)
        """
        return super().start(m), super().start(m)

    def forward(self, x: Array, state: Any) -> Array:
        """Return the next state.

        Parameters
        ----------
        x : array or Tensor, shape (m, n_in)
        state : (array or Tensor, array or Tensor), each of shape (m, n_hidden)
            The output h and the memory c.

        Returns
        -------
        (Tensor, Tensor), each of shape (m, n_hidden)
        """
        h, c = state
        return self._step(affine(x, self.W, self.b), h, c, self.U)
