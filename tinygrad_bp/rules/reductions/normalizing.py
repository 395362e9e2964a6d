"""Numbers of mean 0 and variance 1, times a scale, plus a shift: the norms of layers as one record.

Admitted for speed: composed, a layer norm of (32, 32, 64) takes eight times as long.  Either the
last axis of each sample is a group of numbers with a mean, or a channel (axis 1) of all samples.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy import (
    add,
    matmul,
    multiply,
    ndarray,
    reciprocal,
    sqrt,
    subtract,
    vecdot,
    zeros,
)

from tinygrad_bp.engine.arrays import Array, Cotangent
from tinygrad_bp.engine.broadcasting import sum_columns, sum_rows, unbroadcast
from tinygrad_bp.engine.compositions import held
from tinygrad_bp.engine.constructors import general
from tinygrad_bp.engine.memory import empty
from tinygrad_bp.engine.rule import JointPulls, call
from tinygrad_bp.engine.shapes import Shape
from tinygrad_bp.engine.tensor import unwrap
from tinygrad_bp.errors import ShapeError
from tinygrad_bp.rules.kernels import same_dtype

# Columns up to which a row is copied beside each row of a matrix: a loop over a longer one is worth
# its beginning.
WIDE = 256
# Bytes from which the C library asks the system for each array by itself, and pays for its pages:
# no copies then.
MAPPED = 1 << 25


def _axes(rank: int, along: str) -> tuple[int, ...]:
    """Return the axes of a group."""
    return (rank - 1,) if along == "last" else (0, *range(2, rank))


def _wide(n: int, rank: int, along: str) -> Shape:
    """Return the shape in which scale and shift broadcast against an array of this rank."""
    return (n,) if along == "last" else (n, *(1,) * (rank - 2))


class Moments(NamedTuple):
    """Means and variances of the groups of an array.

    Attributes
    ----------
    of : array
    mean, variance : array
    apart : array or None
        What raw code has left of each number without its mean: a matrix.
    """

    of: Any
    mean: Any
    variance: Any
    apart: Any = None


def moments(x: Array, along: str) -> Moments:
    """Return the means and variances of an array, whose axes they keep or leave out.

    Parameters
    ----------
    x : array
    along : {"last", "channels"}
        Whether a group is the last axis of a sample, or a channel (axis 1) of all samples.

    Returns
    -------
    Moments
    """
    if type(x) is ndarray and x.dtype.char in "fd" and x.size:
        return _RUNS[along].moments(x)
    return _moments_written(x, along)


def _moments_written(x: Array, along: str) -> Moments:
    axes = _axes(x.ndim, along)
    mean = np.mean(x, axis=axes, keepdims=True)
    apart = x - mean
    return Moments(x, mean, np.mean(apart * apart, axis=axes, keepdims=True))


# As one reads it: z for what has mean 0 and variance 1, the slopes in NumPy's words.


def _parts(x: Array, n: int, along: str, eps: float) -> tuple[Any, Any, Shape]:
    """Return z, one over the spread, and the shape of scale and shift beside them."""
    found = _moments_written(x, along)
    scale = 1.0 / np.sqrt(found.variance + eps)
    return (x - found.mean) * scale, scale, _wide(n, x.ndim, along)


def composition(x: Array, g: Array, b: Array, along: str = "last", eps: float = 1e-5) -> Array:
    """Return `normalized` as the composition that it fuses."""
    z, _, wide = _parts(x, g.shape[0], along, eps)
    return z * np.reshape(g, wide) + np.reshape(b, wide)


def _through(t: Any, z: Any, scale: Any, axes: tuple[int, ...]) -> Any:
    """Return what moving x by t moves z by, and the transpose: the matrix is symmetric."""
    mean = np.mean(t, axis=axes, keepdims=True)
    return scale * (t - mean - z * np.mean(t * z, axis=axes, keepdims=True))


def _pull(
    wanted: Sequence[int],
    ct: Cotangent,
    _out: Array,
    x: Array,
    g: Array,
    _b: Array,
    along: str,
    eps: float,
    run: Any,
) -> list[Any]:
    if type(ct) is ndarray and run is not None and run.reads(x, g) and same_dtype(ct, x):
        found: list[Any] = run.pull(wanted, ct)
        return found
    z, scale, wide = _parts(x, g.shape[0], along, eps)
    made = (
        lambda: _through(ct * np.reshape(g, wide), z, scale, _axes(x.ndim, along)),
        lambda: np.reshape(unbroadcast(ct * z, wide), g.shape),
        lambda: np.reshape(unbroadcast(ct, wide), g.shape),
    )
    return [made[i]() for i in wanted]


def _push(
    tangents: Any, _out: Array, x: Array, g: Array, _b: Array, along: str, eps: float, _run: Any
) -> Array:
    tx, tg, tb = tangents
    z, scale, wide = _parts(x, g.shape[0], along, eps)
    total = 0.0 * z
    if tx is not None:
        total = total + _through(tx, z, scale, _axes(x.ndim, along)) * np.reshape(g, wide)
    if tg is not None:
        total = total + z * np.reshape(tg, wide)
    return total if tb is None else total + np.reshape(tb, wide)


# The same on raw arrays: as matrices, in few passes over few of them.  With a for x without its
# mean, s for one over the spread of the group, and means over the group:
#
#     out = a (s g) + b        dx = ct (s g) - a s^3 mean(ct g a) - s mean(ct g)


class _Run:
    """A norm of raw arrays: its result, and what its pull reads."""

    def __init__(self, x: Any, g: Any, b: Any, eps: float, known: Moments) -> None:
        self.x, self.g, self.b, self.apart = x, g, b, known.apart
        self.count = x.size // known.variance.size
        scale = known.variance + eps
        self.scale = reciprocal(sqrt(scale, scale), scale)
        self.out = self._result(b).reshape(x.shape)

    def reads(self, x: Any, g: Any) -> bool:
        """Whether it ran on these very arrays, which its pull reads."""
        return x is self.x and g is self.g

    def pull(self, wanted: Sequence[int], ct: Any) -> list[Any]:
        """Return the cotangents that are wanted, of x, g and b."""
        found = self._pull(ct.reshape(self.apart.shape), 0 in wanted)
        if found[0] is not None:
            found[0] = found[0].reshape(self.x.shape)
        return [found[i] for i in wanted]

    def _result(self, b: Any) -> Any:
        raise NotImplementedError

    def _pull(self, ct: Any, moves: bool) -> list[Any]:
        raise NotImplementedError


class _Rows(_Run):
    """The groups are the rows of a matrix."""

    @staticmethod
    def moments(x: Any) -> Moments:
        """Return the moments of an array that is not empty."""
        values, count = x.reshape(-1, x.shape[-1]), x.shape[-1]
        mean = sum_columns(values)
        mean /= count
        apart = _by_row(subtract, values, mean)
        variance = sum_columns(multiply(apart, apart, empty(apart.shape, apart.dtype)))
        variance /= count
        return Moments(x, mean, variance, apart)

    def _result(self, b: Any) -> Any:
        apart = self.apart
        out = _outer(self.scale, self.g, empty(apart.shape, apart.dtype))
        return _by_column(add, multiply(apart, out, out), b)

    def _pull(self, ct: Any, moves: bool) -> list[Any]:
        apart, scale, g = self.apart, self.scale, self.g
        room = multiply(ct, apart, empty(ct.shape, ct.dtype))
        dg, db = scale.dot(room), sum_rows(ct)
        if not moves:
            return [None, dg, db]
        share = scale / len(g)
        level = ct.dot(g) * share
        share *= scale
        share *= scale
        along = room.dot(g) * share
        dx = multiply(ct, _outer(scale, g, room), room)
        subtract(dx, _by_row(multiply, apart, along), dx)
        return [_by_row(subtract, dx, level), dg, db]


class _Channels(_Run):
    """A row of a matrix holds some numbers of each group, side by side."""

    slope: Any

    @staticmethod
    def moments(x: Any) -> Moments:
        """Return the moments of an array that is not empty."""
        channels = x.shape[1]
        values, count = x.reshape(len(x), -1), x.size // channels
        mean = _channel_sums(values, channels)
        mean /= count
        apart = _by_column(subtract, values, mean)
        variance = _channel_products(apart, apart, channels)
        variance /= count
        return Moments(x, mean, variance, apart)

    def _result(self, b: Any) -> Any:
        self.slope = self.scale * self.g
        out = _by_column(multiply, self.apart, self.slope)
        return _by_column(add, out, b, out)

    def _pull(self, ct: Any, moves: bool) -> list[Any]:
        apart, scale, channels = self.apart, self.scale, len(self.g)
        along, db = _channel_products(ct, apart, channels), _channel_sums(ct, channels)
        dg = along * scale
        if not moves:
            return [None, dg, db]
        along = dg * scale
        along /= self.count
        # g is one number in a group: dx = s g (ct - mean(ct) - a s^2 mean(ct a))
        dx = _by_column(multiply, apart, along)
        dx = _by_column(add, dx, db / self.count, dx)
        subtract(ct, dx, dx)
        return [_by_column(multiply, dx, self.slope, dx), dg, db]


_RUNS: dict[str, type[_Rows | _Channels]] = {"last": _Rows, "channels": _Channels}


def _by_row(operation: Any, values: Any, each: Any) -> Any:
    """Return ``operation(values, each)`` of a matrix and a number for each of its rows.

    NumPy copies a number, or a short row, and then writes over the copies, in less time than it
    takes to begin a loop anew for each row.
    """
    if values.nbytes > MAPPED:
        return operation(values, each[:, np.newaxis], empty(values.shape, values.dtype))
    wide = each.repeat(values.shape[1]).reshape(values.shape)
    return operation(values, wide, wide)


def _by_column(operation: Any, values: Any, each: Any, room: Any = None) -> Any:
    """Return the same of a number for each column, or for the columns of a channel.

    `room` may be overwritten.
    """
    rows, width = values.shape
    if width > len(each):
        each = each.repeat(width // len(each))
    if width > WIDE or values.nbytes > MAPPED:
        return operation(values, each, empty(values.shape, values.dtype) if room is None else room)
    wide = each.reshape(1, width).repeat(rows, 0)
    return operation(values, wide, wide)


def _outer(rows: Any, columns: Any, out: Any) -> Any:
    """Write the product of a number of each row and one of each column.

    Of rank 2, one part times 0: for one of rank 1 NumPy does not call BLAS.
    """
    left, right = zeros((2, len(rows)), rows.dtype), zeros((2, len(columns)), rows.dtype)
    left[0], right[0] = rows, columns
    return matmul(left.T, right, out)


def _channel_sums(values: Any, channels: int) -> Any:
    rest = values.shape[1] // channels
    if rest > 1:
        values = sum_columns(values.reshape(-1, rest)).reshape(-1, channels)
    return sum_rows(values)


def _channel_products(x: Any, y: Any, channels: int) -> Any:
    """Return the sum of the products of the numbers of each channel."""
    rest = x.shape[1] // channels
    if rest == 1:
        return sum_rows(multiply(x, y, empty(x.shape, x.dtype)))
    each = vecdot(x.reshape(-1, rest), y.reshape(-1, rest))
    return sum_rows(each.reshape(-1, channels))


def _bind(
    x: Array, g: Array, b: Array, along: str = "last", eps: float = 1e-5, known: Any = None
) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
    arguments = held(x, g, b)
    x, g, b = map(unwrap, arguments)
    n = x.shape[-1 if along == "last" else 1] if x.ndim > (along != "last") else -1
    if g.shape != (n,) or b.shape != (n,):
        raise ShapeError(
            f"normalized: expected a scale and a shift for each of {n} along {along!r}, got"
            f" {g.shape} and {b.shape} for {x.shape}"
        )
    run = None
    raw = type(x) is type(g) is type(b) is ndarray and x.dtype.char in "fd"
    if raw and x.size and same_dtype(x, g) and same_dtype(x, b):
        found = known if known is not None and known.of is x else moments(x, along)
        run = _RUNS[along](x, g, b, eps, found)
    return arguments, (along, float(eps), run)


def _forward(x: Array, g: Array, b: Array, along: str, eps: float, run: Any) -> Array:
    if run is not None and run.reads(x, g) and b is run.b:
        return run.out
    return composition(x, g, b, along, eps)


def normalized(
    x: Array, g: Array, b: Array, along: str = "last", eps: float = 1e-5, known: Any = None
) -> Array:
    """Compute ``(x - mean) / sqrt(variance + eps) g + b``, of the mean and variance of each group.

    Parameters
    ----------
    x : array or Tensor
    g, b : (n,) array or Tensor
        One for each place of the last axis, or for each channel.
    along : {"last", "channels"}
        Whether a group is the last axis of a sample, or a channel (axis 1) of all samples.
    eps : float, default 1e-5
        Added to the variance: no division by 0.
    known : Moments, optional
        Of `x`, if one has them.

    Returns
    -------
    array or Tensor of x's shape
    """
    arguments, params = _bind(x, g, b, along, eps, known)
    return _forward(*arguments, *params)


normalized = general(
    normalized,
    joint=JointPulls(_pull, 3),
    push=_push,
    forward=_forward,
    bind=_bind,
    composition=composition,
    words="takes the mean away, divides by the spread, scales and shifts",
    formula="({0} − mean) / √(variance + ε) ⊙ {1} + {2}",
    tex=r"\frac{x - \mathrm{mean}(x)}{\sqrt{\mathrm{var}(x) + \varepsilon}} \odot g + b",
    samples=(
        call((3, 4), (4,), (4,)),
        call((2, 3, 2), (2,), (2,), eps=0.5),
        call((4, 2), (2,), (2,), along="channels", eps=0.1),
        call((2, 3, 2), (3,), (3,), along="channels"),
        call((0, 3), (3,), (3,)),
    ),
)
