"""Numbers of mean 0 and variance 1, times a scale, plus a shift: the norms of layers as one record.

Admitted for speed: composed, a layer norm of (32, 32, 64) takes six times as long.  Either the
last axis of each sample is a group of numbers with a mean, or a channel (axis 1) of all samples.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any, NamedTuple

import numpy as np
from numpy import add, matmul, multiply, ndarray, subtract

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
        What raw code has left of each number without its mean: a matrix of a `_Grid`.
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
        grid = _Grid(x.shape, along)
        values, count = x.reshape(grid.shape), x.dtype.type(x.size // grid.groups)
        mean = grid.sums(values) / count
        apart = empty(grid.shape, x.dtype)
        subtract(values, grid.spread(mean, apart), apart)
        return Moments(x, mean, grid.squares(apart) / count, apart)
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
    if type(ct) is ndarray and run is not None and run.is_of(x, g) and same_dtype(ct, x):
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


# The same on raw arrays: as matrices, with few passes over them.


class _Grid:
    """A raw array as a matrix: its rows are the groups, or a row holds some of each channel."""

    def __init__(self, shape: Shape, along: str) -> None:
        self.of_rows = along == "last"
        self.groups = prod(shape[:-1]) if self.of_rows else shape[1]
        self.rest = 1 if self.of_rows else prod(shape[2:])
        self.shape = (prod(shape[:-1]), shape[-1]) if self.of_rows else (shape[0], prod(shape[1:]))

    def sums(self, values: Any) -> Any:
        """Return the sum of each group of a matrix."""
        if self.of_rows:
            return sum_columns(values)
        if self.rest > 1:
            values = sum_columns(values.reshape(-1, self.rest)).reshape(-1, self.groups)
        return sum_rows(values)

    def squares(self, values: Any) -> Any:
        """Return the sum of the squares of each group of a matrix."""
        if self.of_rows:
            return np.vecdot(values, values)
        if self.rest == 1:
            return sum_rows(values * values)
        each = values.reshape(-1, self.rest)
        return sum_rows(np.vecdot(each, each).reshape(-1, self.groups))

    def spread(self, each: Any, room: Any) -> Any:
        """Return what has, or broadcasts to have, the number of its group at each place.

        `room`, a matrix, may be overwritten with it.
        """
        if self.of_rows:
            return self.outer(each, 1, room)
        return each if self.rest == 1 else np.repeat(each, self.rest)

    def outer(self, rows: Any, columns: Any, out: Any) -> Any:
        """Write all products of a number of each row and one of each column.

        Such a product and one pass without broadcasting take less than a pass that broadcasts along
        short rows.  It is of rank 2, the second part 0: for one of rank 1 NumPy does not call BLAS.
        """
        left, right = (
            np.zeros((self.shape[0], 2), out.dtype),
            np.zeros((2, self.shape[1]), out.dtype),
        )
        left[:, 0], right[0] = rows, columns
        return matmul(left, right, out)


class _Run:
    """A norm of raw arrays: its result, and what its pull reads.

    With a for x without its mean, s for one over the spread of the group, and N numbers in it:
    ``out = a (s g) + b``.  The pull is ``ct (s g) - a s^3 mean(ct g a) - s mean(ct g)``.
    """

    def __init__(self, x: Any, g: Any, b: Any, along: str, eps: float, known: Moments) -> None:
        self.x, self.g = x, g
        self.grid = grid = _Grid(x.shape, along)
        self.count = x.dtype.type(x.size // grid.groups)
        self.apart = known.apart
        self.scale = 1 / np.sqrt(known.variance + x.dtype.type(eps))
        if grid.of_rows:
            self.slope = grid.outer(self.scale, g, empty(grid.shape, x.dtype))
            shift = grid.outer(1, b, empty(grid.shape, x.dtype))
        else:
            self.slope, shift = (grid.spread(one, None) for one in (self.scale * g, b))
        out = multiply(self.apart, self.slope, empty(grid.shape, x.dtype))
        self.out = add(out, shift, out).reshape(x.shape)

    def is_of(self, x: Any, g: Any) -> bool:
        """Whether it ran on these very arrays."""
        return x is self.x and g is self.g

    def pull(self, wanted: Sequence[int], ct: Any) -> list[Any]:
        """Return the cotangents that are wanted, of x, g and b."""
        grid, scale, g = self.grid, self.scale, self.g
        ct = ct.reshape(grid.shape)
        room = multiply(ct, self.apart, empty(grid.shape, ct.dtype))
        if grid.of_rows:
            dg, db = scale.dot(room), sum_rows(ct)
            along, level = room.dot(g), ct.dot(g)
        else:
            along, db = grid.sums(room), grid.sums(ct)
            dg = scale * along
            along, level = along * g, db * g
        if 0 not in wanted:
            return [(None, dg, db)[i] for i in wanted]
        scale = scale / self.count
        along *= self.scale * self.scale * scale
        level *= scale
        multiply(self.apart, grid.spread(along, room), room)
        dx = multiply(ct, self.slope, empty(grid.shape, ct.dtype))
        subtract(dx, room, dx)
        subtract(dx, grid.spread(level, room), dx)
        return [(dx.reshape(self.x.shape), dg, db)[i] for i in wanted]


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
        run = _Run(x, g, b, along, eps, found)
    return arguments, (along, float(eps), run)


def _forward(x: Array, g: Array, b: Array, along: str, eps: float, run: Any) -> Array:
    if run is not None and run.is_of(x, g):
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
