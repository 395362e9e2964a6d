"""Recurrent networks along time, a whole sequence as one record.

A step makes the next state of the last one, of what the inputs give at that time, ``z = x W + b``,
and of what the last output gives, by the matrix `U`.  Admitted for speed: recorded step by step, an
LSTM of (32, 16, 64) takes three times as long.  Here nothing is recorded in between, and one
product makes the gradient of a matrix of all steps.

A state is (parts, m, n): the output h, and of an LSTM the memory c behind it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from operator import is_
from typing import Any

import numpy as np
from numpy import add, copyto, divide, exp, matmul, minimum, multiply, ndarray, subtract, tanh

from tinygrad_bp.engine.arrays import Array, Cotangent
from tinygrad_bp.engine.compositions import held, pull_composed, push_composed
from tinygrad_bp.engine.constructors import general
from tinygrad_bp.engine.memory import empty
from tinygrad_bp.engine.rule import JointPulls, call
from tinygrad_bp.engine.tensor import unwrap
from tinygrad_bp.errors import ShapeError
from tinygrad_bp.rules.kernels import NUMBERS
from tinygrad_bp.rules.linalg.products import affine
from tinygrad_bp.rules.sequences.steps import (
    gru_cell,
    gru_step,
    lstm_cell,
    lstm_step,
    rnn_cell,
    rnn_step,
)


def _composed(
    step: Any, x: Array, W: Array, U: Array, b: Array, state: Array, *more: Array, counts: Any
) -> Array:
    """Return the states of all steps: what the raw code is compared with."""
    parts, states = [state[k] for k in range(state.shape[0])], []
    for t in range(x.shape[1]):
        new = step(affine(x[:, t], W, b), *parts, U, *more)
        if counts is not None:
            new = [np.where(counts > t, one, old) for one, old in zip(new, parts, strict=True)]
        parts = list(new)
        states.append(np.stack(parts))
    return np.stack(states)


# The same on raw arrays.  A sigmoid s is e / (1 + e) with e = exp(z), and its slope s / (1 + e) has
# all digits where 1 - s has lost them: hence the totals 1 + e are kept.


class Run:
    """One sequence of raw arrays: the states of all steps, and what a pull reads of them.

    A step begins with one product for all that it reads, (h, x, 1) times (U, W, b).  Its result is
    laid out block by block, (blocks, m, n): blocks of a sample side by side, NumPy takes half as
    long again.  A block is a gate's, or what the step wants apart.

    Parameters
    ----------
    counts : (m, 1) array of int, or None
        How many steps of each sample count.
    *arguments
        Those of the row: x, W, U, b, the state, and more.
    """

    parts = 1  # of a state
    gates = 1
    cell: Callable[..., Any] = staticmethod(rnn_cell)
    order: tuple[int, ...] = (0,)  # where the columns of each block are, in the matrix of all
    sigmoids = 0  # how many blocks of z go through one

    def __init__(self, counts: Any, *arguments: Any) -> None:
        x, W, U, b, state, *more = arguments
        self.arguments, self.counts = arguments, counts
        self.m, self.steps, _ = x.shape
        self.n, self.dtype = len(U), x.dtype
        self.one = NUMBERS[x.dtype.char].one
        self.own = own = empty((self.steps + 1, *state.shape), x.dtype)
        own[0] = state
        self.rows = rows = empty((self.steps, self.m, self.n + x.shape[2] + 1), x.dtype)
        rows[..., self.n : -1], rows[..., -1] = x.swapaxes(0, 1), 1
        self.matrix = np.zeros((self.n + len(W) + 1, len(self.order) * self.n), x.dtype)
        self.enter(self.matrix, W, U, b, *more)
        self.weights = weights = self._by_block(self.matrix)
        self.z = self._room(len(self.order))  # of each step: overwritten with what a pull reads
        self.totals, self.beside = self._room(self.sigmoids), self._room(1)[:, 0]
        # as large as z: of an array and a number, NumPy's minimum takes four times as long
        self.ceilings = np.full_like(self.totals[0], NUMBERS[x.dtype.char].ceiling)
        for t in range(self.steps):
            rows[t, :, : self.n] = own[t, 0]
            self._step(t, matmul(rows[t], weights, self.z[t]), own[t], own[t + 1])
            if counts is not None:
                copyto(own[t + 1], own[t], where=counts <= t)

    @property
    def states(self) -> Any:
        """The states after each step."""
        return self.own[1:]

    def is_of(self, arguments: Sequence[Any]) -> bool:
        """Whether these are the very arrays that it ran on."""
        return all(map(is_, self.arguments, arguments))

    def pull(self, ct: Any, wanted: Sequence[int]) -> list[Any]:
        """Return the cotangents of the arguments in these places."""
        onward = np.ascontiguousarray(self.weights[:, : self.n].mT)
        dz, through = self._room(len(onward)), np.zeros_like(self.own[0])
        d, given, (room,) = (
            np.empty((count, self.m, self.n), self.dtype) for count in (self.parts, len(onward), 1)
        )
        for t in range(self.steps - 1, -1, -1):
            add(ct[t], through, d)
            idle = None if self.counts is None else self.counts <= t
            if idle is not None:
                stays = np.where(idle, d, 0)
                copyto(d, 0, where=idle)
            beside = self._back(t, d, dz[t], through, room)
            add.reduce(matmul(dz[t], onward, given), 0, out=through[0])
            if beside is not None:
                add(through[0], beside, through[0])
            if idle is not None:
                through += stays
        found = self._gradients(dz, through, with_inputs=0 in wanted)
        return [found[i] for i in wanted]

    def _gradients(self, dz: Any, through: Any, *, with_inputs: bool) -> list[Any]:
        """Return the cotangent of each argument, of those of all z and of the first state."""
        height, (inner, width), n = self.steps * self.m, self.matrix.shape, self.n
        cts = empty((self.steps, self.m, len(self.order), n), self.dtype)
        for block, column in enumerate(self.order):
            cts[:, :, column] = dz[:, block]
        cts, rows = cts.reshape(height, width), self.rows.reshape(height, inner)
        dx, matrix = None, matmul(rows.T, cts, empty((inner, width), self.dtype))
        if with_inputs:
            dx = matmul(cts, self.matrix[n:-1].T, empty((height, inner - n - 1), self.dtype))
            dx = dx.reshape(self.steps, self.m, inner - n - 1).swapaxes(0, 1)
        return [dx, *self.parts_of(matrix, n, through)]

    @staticmethod
    def enter(matrix: Any, W: Any, U: Any, b: Any, *_more: Any) -> None:
        """Write into zeros what a row is multiplied by."""
        matrix[: len(U)], matrix[len(U) : -1], matrix[-1] = U, W, b

    @staticmethod
    def parts_of(matrix: Any, n: int, state: Any) -> list[Any]:
        """Return the cotangents of W, U, b, the state and more, from those of matrix and state."""
        return [matrix[n:-1], matrix[:n], matrix[-1], state]

    def _by_block(self, matrix: Any) -> Any:
        """Return (blocks, len(matrix), n)."""
        blocks = matrix.reshape(len(matrix), len(self.order), self.n)
        return np.stack([blocks[:, column] for column in self.order])

    def _room(self, parts: int) -> Any:
        return empty((self.steps, parts, self.m, self.n), self.dtype)

    def _sigmoids(self, t: int, z: Any) -> Any:
        """Return ``sigmoid(z)`` in place, and keep ``1 + exp(z)``.  As `kernels.sigmoid`."""
        exp(minimum(z, self.ceilings, out=z), z)
        return divide(z, add(z, self.one, self.totals[t]), z)

    def _tanh_slopes(self, values: Any, out: Any) -> Any:
        multiply(values, values, out)
        return subtract(self.one, out, out)

    def _step(self, t: int, z: Any, old: Any, new: Any) -> None:
        """Write the new state, and what a pull reads: into z and `beside`, (m, n) of each step."""
        raise NotImplementedError

    def _back(self, t: int, d: Any, dz: Any, through: Any, room: Any) -> Any:
        """Write the cotangents of z, and of the old state but for what came by z.

        `d`, that of the new state, and `room`, (m, n), may be overwritten.  Of the old output,
        which z reads, that other part is returned, or None.
        """
        raise NotImplementedError


class RNNRun(Run):
    """``h' = tanh(z)``, so that ``dz = dh' (1 - h'^2)``."""

    def _step(self, _t: int, z: Any, _old: Any, new: Any) -> None:
        tanh(z, new)

    def _back(self, t: int, d: Any, dz: Any, _through: Any, _room: Any) -> None:
        multiply(self._tanh_slopes(self.own[t + 1], dz), d, dz)


class GRURun(Run):
    """``h' = g + k (h - g)`` with ``g = tanh(a + r q)``, ``q = h U + c``, and the gates r and k.

    The blocks are r, k, a and q, the third gate's part of x and that of h.  With d for the
    cotangent of h': ``dk = d (h - g)``, ``da = d (1 - k) (1 - g^2)``, ``dr = da q``, ``dq = da r``.
    """

    gates = 3
    cell = staticmethod(gru_cell)
    order = (0, 1, 2, 3)
    sigmoids = 2

    @staticmethod
    def enter(matrix: Any, W: Any, U: Any, b: Any, *more: Any) -> None:
        """Write into zeros what a row is multiplied by: q has a bias of its own."""
        (c,), n = more, len(U)
        matrix[:n, : 2 * n], matrix[:n, 3 * n :] = U[:, : 2 * n], U[:, 2 * n :]
        matrix[n:-1, : 3 * n], matrix[-1, : 3 * n], matrix[-1, 3 * n :] = W, b, c

    @staticmethod
    def parts_of(matrix: Any, n: int, state: Any) -> list[Any]:
        """Return the cotangents of W, U, b, the state and c."""
        U = np.hstack([matrix[:n, : 2 * n], matrix[:n, 3 * n :]])
        return [matrix[n:-1, : 3 * n], U, matrix[-1, : 3 * n], state, matrix[-1, 3 * n :]]

    def _step(self, t: int, z: Any, old: Any, new: Any) -> None:
        (h,), (out,), g, q = old, new, z[2], z[3]
        reset, kept = self._sigmoids(t, z[:2])
        tanh(add(multiply(reset, q, out), g, g), g)
        add(multiply(kept, subtract(h, g, self.beside[t]), out), g, out)

    def _back(self, t: int, d: Any, dz: Any, _through: Any, _room: Any) -> Any:
        (d,), (reset, kept, g, q), (dr, dk, da, dq) = d, self.z[t], dz
        divide(self.z[t, :2], self.totals[t], dz[:2])  # the slopes of sigmoids
        multiply(self._tanh_slopes(g, da), d, da)
        multiply(subtract(self.one, kept, dq), da, da)
        multiply(multiply(dr, q, dr), da, dr)
        multiply(multiply(dk, self.beside[t], dk), d, dk)
        multiply(da, reset, dq)
        return multiply(kept, d, d)


class LSTMRun(Run):
    """``c' = f c + i g`` and ``h' = o tanh(c')``, with gates i, f, o, and ``g = tanh(z)``.

    With d for the cotangent of c', to which ``dh' o (1 - tanh(c')^2)`` was added: ``di = d g``,
    ``df = d c``, ``dg = d i``, ``do = dh' tanh(c')``, and ``dc = d f``.  The blocks are g, i, f and
    o: the sigmoids side by side, and so are those that d moves.
    """

    parts = 2
    gates = 4
    cell = staticmethod(lstm_cell)
    order = (2, 0, 1, 3)
    sigmoids = 3

    def _step(self, t: int, z: Any, old: Any, new: Any) -> None:
        g, (h, c) = z[0], new
        i, f, o = self._sigmoids(t, z[1:])
        tanh(g, g)
        multiply(f, old[1], c)
        add(c, multiply(i, g, h), c)
        multiply(o, tanh(c, self.beside[t]), h)

    def _back(self, t: int, d: Any, dz: Any, through: Any, room: Any) -> None:
        (dh, dc), (g, i, f, o), (dg, di, df, do) = d, self.z[t], dz
        tanhs = self.beside[t]
        divide(self.z[t, 1:], self.totals[t], dz[1:])  # the slopes of sigmoids
        multiply(multiply(do, tanhs, do), dh, do)
        multiply(multiply(self._tanh_slopes(tanhs, room), o, room), dh, room)
        add(dc, room, dc)
        multiply(self._tanh_slopes(g, dg), i, dg)
        multiply(di, g, di)
        multiply(df, self.own[t, 1], df)
        multiply(dz[:3], dc, dz[:3])
        multiply(dc, f, through[1])


_DOCUMENTATION = """Run {network} along time.

    Parameters
    ----------
    x : (m, time, k) array or Tensor
    W, U : (k, {gates} n) and (n, {gates} n) array or Tensor
    b : ({gates} n,) array or Tensor
    state : ({parts}, m, n) array or Tensor
        Before the first step.
    *more : array or Tensor
        What else a step reads: of a gated recurrent unit c, (n,).
    counts : (m, 1) array of int, optional
        How many steps of each sample count; its state stays as it is after these.

    Returns
    -------
    array or Tensor, shape (time, {parts}, m, n)
        The states after each step.
    """


def _row(step: Callable[..., Any], raw: type[Run], network: str, more: Sequence[Any] = ()) -> Any:
    """Add the record of a network of such steps, and return it."""
    name = raw.__name__.removesuffix("Run").lower()
    composition = partial(_composed, step, counts=None)
    forward, together, push = _maps(composition)
    bind = partial(_bind, name, raw)

    def sequence(
        x: Array, W: Array, U: Array, b: Array, state: Array, *more: Array, counts: Any = None
    ) -> Array:
        bound, params = bind(x, W, U, b, state, *more, counts=counts)
        return forward(*bound, *params)

    gates, parts = raw.gates, raw.parts
    sequence.__name__ = sequence.__qualname__ = name
    sequence.__doc__ = _DOCUMENTATION.format(network=network, gates=gates, parts=parts)

    def shapes(m: int) -> tuple[tuple[int, ...], ...]:
        return ((m, 3, 2), (2, 2 * gates), (2, 2 * gates), (2 * gates,), (parts, m, 2), *more)

    few = np.array([[2], [0]])
    return general(
        sequence,
        joint=JointPulls(together, 5 + len(more)),
        forward=forward,
        push=push,
        bind=bind,
        composition=composition,
        words=f"runs {network} along time",
        samples=(call(*shapes(2)), call(*shapes(2), counts=few), call(*shapes(0))),
    )


def _maps(composition: Callable[..., Any]) -> tuple[Callable[..., Any], ...]:
    """Return the forward function, the pull and the push of a row: of raw arrays, by its run."""

    def forward(*all_: Any) -> Array:
        *arguments, counts, run = all_
        if run is not None and run.is_of(arguments):
            return run.states
        return composition(*arguments, counts=counts)

    def together(wanted: Sequence[int], ct: Cotangent, _out: Array, *saved: Any) -> list[Any]:
        *arguments, counts, run = saved
        if type(ct) is ndarray and run is not None and run.is_of(arguments):
            found: list[Any] = run.pull(ct, wanted)
            return found
        return pull_composed(partial(composition, counts=counts), wanted, ct, arguments)

    def push(tangents: Any, _out: Array, *saved: Any) -> Array:
        *arguments, counts, _run = saved
        return push_composed(partial(composition, counts=counts), tangents, arguments)

    return forward, together, push


def _bind(
    name: str, raw: type[Run], *arguments: Any, counts: Any = None
) -> tuple[Sequence[Any], tuple[Any, ...]]:
    arguments = held(*arguments)
    values, counts = [unwrap(one) for one in arguments], unwrap(counts)
    _require(name, raw, counts, *values)
    return arguments, (counts, raw(counts, *values) if is_raw(counts, *values) else None)


def is_raw(counts: Any, *arguments: Any) -> bool:
    """Whether raw code runs on arguments: arrays of one of its dtypes."""
    dtype: Any = getattr(arguments[0], "dtype", None)
    plain = all(type(one) is ndarray and one.dtype == dtype for one in arguments)
    return plain and dtype.char in NUMBERS and type(counts) in (ndarray, type(None))


def _require(
    name: str, raw: type[Run], counts: Any, x: Any, W: Any, U: Any, b: Any, state: Any, *_: Any
) -> None:
    n, gates = U.shape[0], raw.gates
    width = gates * n
    k, m = W.shape[0], x.shape[0]
    if U.shape != (n, width) or W.shape != (k, width) or b.shape != (width,):
        raise ShapeError(
            f"{name}: expected W (n_in, {gates} n), U (n, {gates} n) and b ({gates}"
            f" n,), got {W.shape}, {U.shape} and {b.shape}"
        )
    if x.ndim != 3 or x.shape[2] != k or not x.shape[1]:
        raise ShapeError(f"{name}: expected x (m, time, {k}) of at least one step, got {x.shape}")
    if state.shape != (raw.parts, m, n):
        raise ShapeError(f"{name}: expected a state {(raw.parts, m, n)}, got {state.shape}")
    if counts is not None and counts.shape != (m, 1):
        raise ShapeError(f"{name}: expected one count a sample, ({m}, 1), got {counts.shape}")


rnn = _row(rnn_step, RNNRun, "Elman's network")
gru = _row(gru_step, GRURun, "gated recurrent units", [(2,)])
lstm = _row(lstm_step, LSTMRun, "a long short-term memory")
