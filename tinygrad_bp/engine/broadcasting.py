"""Undo broadcasting: the sum over what it repeated.  The one place that does so."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np
from numpy import add, ndarray

from tinygrad_bp.engine.arrays import FLOAT64
from tinygrad_bp.engine.shapes import Shape, broadcast_axes
from tinygrad_bp.engine.tensor import Tensor

# Vectors of ones that sum others are kept up to this length, and at most so many of them: the
# batches of a training have few sizes, and anything else shall not pile up.
KEPT = 1 << 16
SIZES = 64
# Elements up to which a product with ones beats numpy.add.reduce; BLAS adds so few into as many
# partial sums as NumPy does.
FEW_ELEMENTS = 512


class _Ones(dict[int, Any]):
    """Vectors of ones of one dtype by their length; a lookup makes what is not there."""

    def __init__(self, char: str) -> None:
        self.char = char

    def __missing__(self, length: int) -> ndarray[Any, Any]:
        """Make ones and keep them, but for long ones."""
        ones = np.ones(length, self.char)
        if length <= KEPT:
            if len(self) >= SIZES:
                self.clear()
            self[length] = ones
        return ones


_ones = {char: _Ones(char) for char in "fd"}  # of the numbers that BLAS knows
_doubles = _ones["d"]


def unbroadcast(ct: Any, shape: Shape) -> Any:
    """Sum `ct` over the axes along which an array of `shape` was broadcast to ``ct.shape``.

    Parameters
    ----------
    ct : array
        Any duck array or Tensor; ``ct.shape`` is a shape to which `shape` broadcasts.
    shape : tuple of int
        The shape before broadcasting.

    Returns
    -------
    array of shape `shape`
        `ct` itself where nothing was broadcast.
    """
    wide = ct.shape
    if wide == shape:
        return ct
    if type(ct) is Tensor:
        return ct._summed_to(shape)
    if type(ct) is ndarray:
        if len(wide) == 2 and len(shape) == 1 and wide[1] == shape[0]:
            return sum_rows(ct)
        if not shape:
            return add.reduce(ct, None)
        if ct.size and (narrow := _summed(ct, wide, shape)) is not None:
            return narrow
    lead, stretched = broadcast_axes(shape, wide)
    if lead:
        ct = np.sum(ct, axis=tuple(range(lead)))
    if stretched:
        ct = np.sum(ct, axis=stretched, keepdims=True)
    return ct


def _summed(ct: ndarray[Any, Any], wide: Shape, shape: Shape) -> Any:
    """Sum a raw array over axes before and after those of `shape`; None if others are between.

    By products with ones, as `sum_rows` says.
    """
    kept = shape
    while kept and kept[-1] == 1:
        kept = kept[:-1]
    after = len(shape) - len(kept)
    last = prod(wide[len(wide) - after :])
    middle = wide[: len(wide) - after]
    while kept and kept[0] == 1:
        kept = kept[1:]
    if not kept or middle[len(middle) - len(kept) :] != kept:
        return None
    if last > 1:
        ct = sum_columns(ct.reshape(-1, last))
    return sum_rows(ct.reshape(-1, prod(kept))).reshape(shape)


def sum_rows(ct: ndarray[Any, Any]) -> Any:
    """Sum a raw (m, n) array over its rows; gives (n,).

    A BLAS product with ones: `numpy.add.reduce` takes twice as long on a few rows, and has no
    vector code along the long axis of a row-major array.
    """
    dtype = ct.dtype
    ones = _doubles if dtype is FLOAT64 else _ones.get(dtype.char)
    return add.reduce(ct, 0) if ones is None else ones[len(ct)].dot(ct)


def sum_columns(x: ndarray[Any, Any]) -> Any:
    """Sum a raw (m, n) array over its columns; gives (m,)."""
    ones = _ones.get(x.dtype.char)
    return add.reduce(x, 1) if ones is None else x.dot(ones[x.shape[1]])


def sum_all(x: ndarray[Any, Any]) -> Any:
    """Sum all elements of a raw array; float16 gives float32."""
    char = x.dtype.char
    if x.size < FEW_ELEMENTS and char in _ones:
        return _ones[char][x.size].dot(x.ravel())
    if char == "e":
        return add.reduce(x, None, np.float32)
    return add.reduce(x, None)
