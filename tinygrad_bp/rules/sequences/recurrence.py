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
from typing import Any

import numpy as np
from numpy import add, copyto, divide, exp, matmul, minimum, multiply, ndarray, subtract, tanh

from tinygrad_bp.engine.arrays import Array, Cotangent
from tinygrad_bp.engine.broadcasting import sum_rows
from tinygrad_bp.engine.compositions import held, pull_composed, push_composed
from tinygrad_bp.engine.constructors import general
from tinygrad_bp.engine.memory import empty
from tinygrad_bp.engine.rule import JointPulls, call
from tinygrad_bp.engine.tensor import unwrap
from tinygrad_bp.errors import ShapeError
from tinygrad_bp.rules.elementwise.activations import sigmoid
from tinygrad_bp.rules.kernels import NUMBERS
from tinygrad_bp.rules.linalg.products import affine

# The steps, as one reads them: of z, the parts of the state, U, and what else a network has.


def rnn_step(z: Array, h: Array, U: Array) -> tuple[Array]:
    """Return the next state of Elman's network: ``tanh(z + h U)``."""
    return (np.tanh(z + np.matmul(h, U)),)


def gru_step(z: Array, h: Array, U: Array, c: Array) -> tuple[Array]:
    """Return the next state of the gated recurrent unit."""
    n = U.shape[0]
    old = np.matmul(h, U)
    gates = sigmoid(z[:, : 2 * n] + old[:, : 2 * n])
    reset, kept = gates[:, :n], gates[:, n:]
    candidate = np.tanh(z[:, 2 * n :] + reset * (old[:, 2 * n :] + c))
    return (candidate + kept * (h - candidate),)


def lstm_step(z: Array, h: Array, c: Array, U: Array) -> tuple[Array, Array]:
    """Return the next output and memory of the long short-term memory."""
    n = U.shape[0]
    z = z + np.matmul(h, U)
    gates = sigmoid(z[:, : 2 * n])
    c = gates[:, n:] * c + gates[:, :n] * np.tanh(z[:, 2 * n : 3 * n])
    return sigmoid(z[:, 3 * n :]) * np.tanh(c), c


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

    All is laid out gate by gate, (gates, m, n): the gates of a sample side by side, NumPy and BLAS
    take half as long again.

    Parameters
    ----------
    counts : (m, 1) array of int, or None
        How many steps of each sample count.
    x : (m, time, k) array
    W : (k, gates n) array
    U : (n, gates n) array
    b : (gates n,) array
    state : (parts, m, n) array
        Before the first step.
    *more
        Further arguments of the step.
    """

    parts = 1  # of a state
    gates = 1
    totals: Any

    def __init__(self, counts: Any, *arguments: Any) -> None:
        x, W, U, b, state, *more = arguments
        self.arguments, self.counts = arguments, counts
        self.m, self.steps, _ = x.shape
        self.n, self.dtype = len(U), x.dtype
        self.one = NUMBERS[x.dtype.char].one
        self.own = own = empty((self.steps + 1, *state.shape), x.dtype)
        own[0] = state
        self._begin()
        inward, onward = (np.ascontiguousarray(self._by_gate(one)) for one in (W, U))
        shift, z, moved = (self._space(self.gates) for _ in range(3))
        shift[...] = b.reshape(self.gates, 1, self.n)
        for t in range(self.steps):
            add(matmul(x[:, t], inward, z), shift, z)
            matmul(own[t, 0], onward, moved)
            self._step(t, z, moved, own[t], own[t + 1], *more)
            if counts is not None:
                copyto(own[t + 1], own[t], where=counts <= t)

    @property
    def states(self) -> Any:
        """The states after each step."""
        return self.own[1:]

    def is_of(self, arguments: Sequence[Any]) -> bool:
        """Whether these are the very arrays that it ran on."""
        return all(a is b for a, b in zip(self.arguments, arguments, strict=True))

    def pull(self, ct: Any) -> list[Any]:
        """Return the cotangent of each argument."""
        x, W, U, *_ = self.arguments
        inward, onward = (np.ascontiguousarray(self._by_gate(one).mT) for one in (W, U))
        dx, given = empty(x.shape, self.dtype), empty((self.gates, self.m, len(W)), self.dtype)
        dz = empty((self.gates, self.steps, self.m, self.n), self.dtype)
        moved = self._moved(dz)  # the cotangent of what h times U gave
        through = np.zeros((self.parts, self.m, self.n), self.dtype)
        # what adds up to the cotangent of the old output: by each gate, and by another way
        ways = np.zeros((self.gates + 1, self.m, self.n), self.dtype)
        for t in range(self.steps - 1, -1, -1):
            d = ct[t] + through
            idle = None if self.counts is None else self.counts <= t
            if idle is not None:
                stays = np.where(idle, d, 0)
                copyto(d, 0, where=idle)
            self._back(t, d, dz[:, t], moved[:, t], ways[-1], through)
            add.reduce(matmul(dz[:, t], inward, given), 0, out=dx[:, t])
            matmul(moved[:, t], onward, ways[:-1])
            add.reduce(ways, 0, out=through[0])
            if idle is not None:
                through += stays
        inputs, products = (one.reshape(self.gates, -1, self.n) for one in (dz, moved))
        dW = self._product(x.swapaxes(0, 1), inputs)
        dU = self._product(self.own[:-1, 0], products)
        db = np.concatenate([sum_rows(one) for one in inputs])
        return [dx, dW, dU, db, through, *self._further(products)]

    def _space(self, gates: int) -> Any:
        return empty((gates, self.m, self.n), self.dtype)

    def _room(self, gates: int) -> Any:
        return empty((self.steps, gates, self.m, self.n), self.dtype)

    def _by_gate(self, W: Any) -> Any:
        return W.reshape(len(W), self.gates, self.n).swapaxes(0, 1)

    def _product(self, x: Any, cts: Any) -> Any:
        """Return the gradient of a matrix that `x`, at all times, was multiplied by."""
        rows = x.reshape(-1, x.shape[-1])
        return matmul(rows.T, cts).swapaxes(0, 1).reshape(rows.shape[1], -1)

    def _sigmoids(self, t: int, z: Any) -> Any:
        """Return ``sigmoid(z)`` in place, and keep ``1 + exp(z)``.  As `kernels.sigmoid`."""
        minimum(z, NUMBERS[z.dtype.char].ceiling, out=z)
        exp(z, z)
        return divide(z, add(z, self.one, self.totals[t]), z)

    def _tanh_slopes(self, values: Any, out: Any) -> Any:
        multiply(values, values, out)
        return subtract(self.one, out, out)

    def _moved(self, dz: Any) -> Any:
        return dz

    def _further(self, _products: Any) -> list[Any]:
        return []

    def _begin(self) -> None:
        """Make room for what `_step` keeps."""

    def _step(self, t: int, z: Any, moved: Any, old: Any, new: Any, *more: Any) -> None:
        """Write the new state, of z and of ``h U``, both of which may be overwritten."""
        raise NotImplementedError

    def _back(self, t: int, d: Any, dz: Any, moved: Any, way: Any, through: Any) -> None:
        """Write the cotangents of z, of ``h U``, and of the old state but for that.

        `d`, that of the new state, may be overwritten.
        """
        raise NotImplementedError


class RNNRun(Run):
    """``h' = tanh(a)`` of ``a = z + h U``, so that ``da = dh' (1 - h'^2)``."""

    def _step(self, _t: int, z: Any, moved: Any, _old: Any, new: Any, *_more: Any) -> None:
        tanh(add(moved, z, new), new)

    def _back(self, t: int, d: Any, dz: Any, _moved: Any, _way: Any, _through: Any) -> None:
        multiply(self._tanh_slopes(self.own[t + 1], dz), d, dz)


class GRURun(Run):
    """``h' = g + k (h - g)`` with ``g = tanh(z + r q)``, ``q = h U + c``, and the gates r and k.

    With d for the cotangent of h': ``dk = d (h - g)``, ``dg = d (1 - k)``, and of the argument of
    tanh ``da = dg (1 - g^2)``; then ``dr = da q`` and ``dq = da r``.
    """

    gates = 3

    def _begin(self) -> None:
        self.totals, self.open, self.seen = (self._room(2) for _ in range(3))
        self.g = self._room(1)[:, 0]
        self.free = self._space(1)[0]

    def _step(self, t: int, z: Any, moved: Any, old: Any, new: Any, *more: Any) -> None:
        (c,), g, (q, apart) = more, self.g[t], self.seen[t]
        reset, kept = self._sigmoids(t, add(moved[:2], z[:2], self.open[t]))
        add(moved[2], c, q)
        tanh(add(multiply(reset, q, g), z[2], g), g)
        add(multiply(kept, subtract(old[0], g, apart), new[0]), g, new[0])

    def _back(self, t: int, d: Any, dz: Any, moved: Any, way: Any, _through: Any) -> None:
        (d,), (dr, dk, da), (reset, kept) = d, dz, self.open[t]
        multiply(self._tanh_slopes(self.g[t], da), d, da)
        multiply(subtract(self.one, kept, self.free), da, da)
        gates = divide(self.open[t], self.totals[t], dz[:2])  # the slope of a sigmoid
        multiply(gates, self.seen[t], gates)
        multiply(dr, da, dr)
        multiply(dk, d, dk)
        moved[:2] = gates
        multiply(da, reset, moved[2])
        multiply(d, kept, way)

    def _moved(self, dz: Any) -> Any:
        return empty(dz.shape, self.dtype)

    def _further(self, products: Any) -> list[Any]:
        return [sum_rows(products[2])]


class LSTMRun(Run):
    """``c' = f c + i g`` and ``h' = o tanh(c')``, with gates i, f, o, and ``g = tanh(z + h U)``.

    With d for the cotangent of c', to which ``dh' o (1 - tanh(c')^2)`` was added: ``di = d g``,
    ``df = d c``, ``dg = d i``, ``do = dh' tanh(c')``, and ``dc = d f``.
    """

    parts = 2
    gates = 4

    def _begin(self) -> None:
        self.totals, self.open = self._room(3), self._room(3)
        self.g, self.tanhs = self._room(1)[:, 0], self._room(1)[:, 0]
        self.free = self._space(1)[0]

    def _step(self, t: int, z: Any, moved: Any, old: Any, new: Any, *_more: Any) -> None:
        gates, g, (h, c) = self.open[t], self.g[t], new
        add(moved[:2], z[:2], gates[:2])
        add(moved[3], z[3], gates[2])
        i, f, o = self._sigmoids(t, gates)
        tanh(add(moved[2], z[2], g), g)
        multiply(f, old[1], c)
        add(c, multiply(i, g, h), c)
        multiply(o, tanh(c, self.tanhs[t]), h)

    def _back(self, t: int, d: Any, dz: Any, _moved: Any, _way: Any, through: Any) -> None:
        gates, totals, g, tanhs, free = (
            self.open[t],
            self.totals[t],
            self.g[t],
            self.tanhs[t],
            self.free,
        )
        (dh, dc), (i, f, o), (di, df, dg, do) = d, gates, dz
        divide(gates[:2], totals[:2], dz[:2])  # the slopes of sigmoids
        divide(o, totals[2], do)
        multiply(multiply(do, tanhs, do), dh, do)
        multiply(multiply(self._tanh_slopes(tanhs, free), o, free), dh, free)
        add(dc, free, dc)
        multiply(di, g, di)
        multiply(df, self.own[t, 1], df)
        multiply(self._tanh_slopes(g, dg), i, dg)
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
    arity = 5 + len(more)
    composition = partial(_composed, step, counts=None)

    def bind(*arguments: Any, counts: Any = None) -> tuple[Sequence[Any], tuple[Any, ...]]:
        arguments = held(*arguments)
        values, counts = [unwrap(one) for one in arguments], unwrap(counts)
        _require(name, raw, counts, *values)
        plain = all(type(one) is ndarray and one.dtype == values[0].dtype for one in values)
        fast = plain and values[0].dtype.char in NUMBERS and type(counts) in (ndarray, type(None))
        return arguments, (counts, raw(counts, *values) if fast else None)

    def forward(*all_: Any) -> Array:
        *arguments, counts, run = all_
        if run is not None and run.is_of(arguments):
            return run.states
        return composition(*arguments, counts=counts)

    def together(wanted: Sequence[int], ct: Cotangent, _out: Array, *saved: Any) -> list[Any]:
        *arguments, counts, run = saved
        if type(ct) is ndarray and run is not None and run.is_of(arguments):
            found = run.pull(ct)
            return [found[i] for i in wanted]
        return pull_composed(partial(composition, counts=counts), wanted, ct, arguments)

    def push(tangents: Any, _out: Array, *saved: Any) -> Array:
        *arguments, counts, _run = saved
        return push_composed(partial(composition, counts=counts), tangents, arguments)

    def sequence(
        x: Array, W: Array, U: Array, b: Array, state: Array, *more: Array, counts: Any = None
    ) -> Array:
        bound, params = bind(x, W, U, b, state, *more, counts=counts)
        return forward(*bound, *params)

    sequence.__name__ = sequence.__qualname__ = name
    sequence.__doc__ = _DOCUMENTATION.format(network=network, gates=raw.gates, parts=raw.parts)
    width = 2 * raw.gates

    def shapes(m: int) -> tuple[tuple[int, ...], ...]:
        return ((m, 3, 2), (2, width), (2, width), (width,), (raw.parts, m, 2), *more)

    few = np.array([[2], [0]])
    return general(
        sequence,
        joint=JointPulls(together, arity),
        forward=forward,
        push=push,
        bind=bind,
        composition=composition,
        words=f"runs {network} along time",
        samples=(call(*shapes(2)), call(*shapes(2), counts=few), call(*shapes(0))),
    )


def _require(
    name: str, raw: type[Run], counts: Any, x: Any, W: Any, U: Any, b: Any, state: Any, *_: Any
) -> None:
    n, width = U.shape[0], raw.gates * U.shape[0]
    k, m = W.shape[0], x.shape[0]
    if U.shape != (n, width) or W.shape != (k, width) or b.shape != (width,):
        raise ShapeError(
            f"{name}: expected W (n_in, {raw.gates} n), U (n, {raw.gates} n) and b ({raw.gates}"
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
