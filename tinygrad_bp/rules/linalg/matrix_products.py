"""Products of several matrices or of stacks of vectors: all composed of matmul and sums."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from operator import index
from typing import Any

import numpy as np
from numpy.linalg import LinAlgError

from tinygrad_bp.engine.arrays import Array
from tinygrad_bp.engine.constructors import composed
from tinygrad_bp.errors import ShapeError
from tinygrad_bp.rules.linalg.matrices import as_arrays, conj


@composed(np.linalg.matrix_power)
def matrix_power(a: Array, n: int) -> Array:
    """`numpy.linalg.matrix_power`, by repeated squaring."""
    n = index(n)
    if a.ndim < 2 or a.shape[-1] != a.shape[-2]:
        raise LinAlgError(f"matrix_power: expected square matrices, got shape {a.shape}")
    if n == 0:
        eye = np.broadcast_to(np.eye(a.shape[-1], dtype=a.dtype), a.shape)
        return np.where(np.True_, eye, a)  # a constant that stays in the graph of a
    square = np.linalg.inv(a) if n < 0 else a
    n = abs(n)
    power: Any = None
    while n:
        if n % 2:
            power = square if power is None else power @ square
        n //= 2
        if n:
            square = square @ square
    return +a if power is a else power  # a new value: assigning to it leaves a alone


@composed(np.linalg.multi_dot)
def multi_dot(arrays: Sequence[Any]) -> Any:
    """`numpy.linalg.multi_dot`: in the cheapest order (Cormen et al. 2009, section 15.2)."""
    operands = list(as_arrays(*arrays))
    if len(operands) < 2:
        raise ShapeError(f"multi_dot: at least two arrays, got {len(operands)}")
    first, last = operands[0].ndim == 1, operands[-1].ndim == 1
    if first:
        operands[0] = np.expand_dims(operands[0], 0)
    if last:
        operands[-1] = np.expand_dims(operands[-1], 1)
    if any(x.ndim != 2 for x in operands):
        raise ShapeError(
            "multi_dot: expected matrices, the first and the last may be vectors; got shapes"
            f" {', '.join(str(x.shape) for x in arrays)}"
        )
    lengths = [operands[0].shape[0], *(x.shape[1] for x in operands)]

    @cache
    def cheapest(i: int, j: int) -> tuple[int, int]:
        """Return the cost of the product of operands i to j, and where to split it."""
        return min(
            (
                (
                    cheapest(i, k)[0]
                    + cheapest(k + 1, j)[0]
                    + lengths[i] * lengths[k + 1] * lengths[j + 1],
                    k,
                )
                for k in range(i, j)
            ),
            default=(0, i),
        )

    def product(i: int, j: int) -> Any:
        if i == j:
            return operands[i]
        _, split = cheapest(i, j)
        return product(i, split) @ product(split + 1, j)

    out = product(0, len(operands) - 1)
    if first:
        out = out[0]
    return out[..., 0] if last else out


@composed(np.kron)
def kron(a: Array, b: Array) -> Array:
    """`numpy.kron`: all products, block by block."""
    a, b = as_arrays(a, b)
    ndim = max(a.ndim, b.ndim)
    rows = (1,) * (ndim - a.ndim) + a.shape
    columns = (1,) * (ndim - b.ndim) + b.shape
    wide = np.reshape(a, tuple(n for length in rows for n in (length, 1)))
    apart = wide * np.reshape(b, tuple(n for length in columns for n in (1, length)))
    return np.reshape(apart, tuple(n * m for n, m in zip(rows, columns, strict=True)))


@composed(np.cross)
def cross(
    a: Array, b: Array, axisa: int = -1, axisb: int = -1, axisc: int = -1, axis: int | None = None
) -> Array:
    """`numpy.cross` of vectors of three elements."""
    if axis is not None:
        axisa = axisb = axisc = axis
    a, b = as_arrays(a, b)
    a, b = np.moveaxis(a, axisa, -1), np.moveaxis(b, axisb, -1)
    if a.shape[-1] != 3 or b.shape[-1] != 3:
        raise ShapeError(
            f"cross: expected vectors of 3 elements, got {a.shape[-1]} and {b.shape[-1]}; append"
            " zeros to shorter ones"
        )
    product = np.roll(a, -1, -1) * np.roll(b, 1, -1) - np.roll(a, 1, -1) * np.roll(b, -1, -1)
    return np.moveaxis(product, -1, axisc)


def _require_core(name: str, x1: Array, x2: Array, first: int, second: int) -> None:
    """Raise if the operands have fewer dimensions than a vector (1) or a matrix (2)."""
    if x1.ndim < first or x2.ndim < second:
        raise ShapeError(
            f"{name}: expected {first} and {second} dimensions or more, got shapes {x1.shape} and"
            f" {x2.shape}"
        )


@composed(np.vecdot, analytic=False)
def vecdot(x1: Array, x2: Array, axis: int = -1) -> Array:
    """`numpy.vecdot`: inner products over an axis, the first operand conjugated."""
    x1, x2 = as_arrays(x1, x2)
    _require_core("vecdot", x1, x2, 1, 1)
    x1, x2 = (np.moveaxis(x, axis, -1) if axis != -1 else x for x in (x1, x2))
    # not a sum of products, which would repeat a vector of one element, and widen integers
    return np.matmul(np.expand_dims(conj(x1), -2), np.expand_dims(x2, -1))[..., 0, 0]


if hasattr(np, "matvec"):  # NumPy 2.2

    @composed(np.matvec)
    def matvec(x1: Array, x2: Array) -> Array:
        """`numpy.matvec`."""
        x1, x2 = as_arrays(x1, x2)
        _require_core("matvec", x1, x2, 2, 1)
        return np.matmul(x1, np.expand_dims(x2, -1))[..., 0]

    @composed(np.vecmat, analytic=False)
    def vecmat(x1: Array, x2: Array) -> Array:
        """`numpy.vecmat`: the vector is conjugated."""
        x1, x2 = as_arrays(x1, x2)
        _require_core("vecmat", x1, x2, 1, 2)
        return np.matmul(np.expand_dims(conj(x1), -2), x2)[..., 0, :]


# The namespace's own spellings of functions that numpy has.

composed(np.linalg.matmul)(lambda x1, x2: np.matmul(x1, x2))
composed(np.linalg.tensordot)(lambda x1, x2, axes=2: np.tensordot(x1, x2, axes=axes))
composed(np.linalg.matrix_transpose)(lambda x: np.matrix_transpose(x))
composed(np.linalg.diagonal)(lambda x, offset=0: np.diagonal(x, offset, -2, -1))
composed(np.linalg.cross)(lambda x1, x2, axis=-1: cross(x1, x2, axis=axis))
composed(np.linalg.vecdot, analytic=False)(vecdot)


@composed(np.linalg.outer)
def linalg_outer(x1: Array, x2: Array) -> Array:
    """`numpy.linalg.outer`: of vectors only."""
    x1, x2 = as_arrays(x1, x2)
    if x1.ndim != 1 or x2.ndim != 1:
        raise ShapeError(
            f"outer: expected vectors, got {x1.shape} and {x2.shape}; numpy.outer flattens"
        )
    return np.outer(x1, x2)


@composed(np.linalg.trace)
def linalg_trace(x: Array, offset: int = 0, dtype: Any = None) -> Array:
    """`numpy.linalg.trace`: over the last two axes."""
    total = np.trace(x, offset, -2, -1)
    return total if dtype is None else total.astype(dtype)
