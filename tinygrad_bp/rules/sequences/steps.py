"""The steps of recurrent networks, as one reads them.

A step makes the next state of z, of the parts of the state, of U, and of what else a network has.
The cell is a step without the products: of blocks, a gate's each or what it wants apart, and a
state.
"""

from __future__ import annotations

import numpy as np

from tinygrad_bp.engine.arrays import Array
from tinygrad_bp.rules.elementwise.activations import sigmoid


def rnn_cell(z: Array, _h: Array) -> tuple[Array]:
    """Return the next state of Elman's network."""
    return (np.tanh(z),)


def rnn_step(z: Array, h: Array, U: Array) -> tuple[Array]:
    """Return the next state of Elman's network: ``tanh(z + h U)``."""
    return rnn_cell(z + np.matmul(h, U), h)


def gru_cell(r: Array, k: Array, a: Array, q: Array, h: Array) -> tuple[Array]:
    """Return the next state of the gated recurrent unit."""
    candidate = np.tanh(a + sigmoid(r) * q)
    return (candidate + sigmoid(k) * (h - candidate),)


def gru_step(z: Array, h: Array, U: Array, c: Array) -> tuple[Array]:
    """Return the next state of the gated recurrent unit."""
    n = U.shape[0]
    old = np.matmul(h, U)
    gates = z[:, : 2 * n] + old[:, : 2 * n]
    return gru_cell(gates[:, :n], gates[:, n:], z[:, 2 * n :], old[:, 2 * n :] + c, h)


def lstm_cell(i: Array, f: Array, g: Array, o: Array, _h: Array, c: Array) -> tuple[Array, Array]:
    """Return the next output and memory of the long short-term memory."""
    c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
    return sigmoid(o) * np.tanh(c), c


def lstm_step(z: Array, h: Array, c: Array, U: Array) -> tuple[Array, Array]:
    """Return the next output and memory of the long short-term memory."""
    n = U.shape[0]
    z = z + np.matmul(h, U)
    return lstm_cell(z[:, :n], z[:, n : 2 * n], z[:, 2 * n : 3 * n], z[:, 3 * n :], h, c)
