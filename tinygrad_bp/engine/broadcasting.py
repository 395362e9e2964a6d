"""Undo broadcasting: the sum over what it repeated.  The one place that does so."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np
from numpy import add, ndarray

from tinygrad_bp.engine.shapes import Shape, broadcast_axes
from tinygrad_bp.engine.tensor import Tensor

# Vectors of ones that sum others are kept up to this length, and at most so many of them: the
# batches of a training have few sizes, and anything else shall not pile up.
KEPT = 1 << 16
SIZES = 64
# Elements up to which a product with ones beats numpy.add.reduce; BLAS adds so few into as many
# partial sums as NumPy does.
FEW_ELEMENTS = 512


class _Ones(dict[tuple[int, str], Any]):
    """Vectors of ones by length and character of the dtype; a lookup makes what is not there."""

    def __missing__(self, key: tuple[int, str]) -> ndarray[Any, Any] | None:
        """Make ones and keep them, but for long ones; None where BLAS knows no such numbers."""
        length, char = key
        if char not in "fd":
            return None
        ones = np.ones(length, char)
        if length <= KEPT:
            if len(self) >= SIZES:
                self.clear()
            self[key] = ones
        return ones


_ones = _Ones()


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
    ones = _ones[len(ct), ct.dtype.char]
    return add.reduce(ct, 0) if ones is None else ones.dot(ct)


def sum_columns(x: ndarray[Any, Any]) -> Any:
    """Sum a raw (m, n) array over its columns; gives (m,)."""
    ones = _ones[x.shape[1], x.dtype.char]
    return add.reduce(x, 1) if ones is None else x.dot(ones)


def sum_all(x: ndarray[Any, Any]) -> Any:
    """Sum all elements of a raw array; float16 gives float32."""
    if x.size < FEW_ELEMENTS:
        ones = _ones[x.size, x.dtype.char]
        if ones is not None:
            return ones.dot(x.ravel())
    if x.dtype.char == "e":
        return add.reduce(x, None, np.float32)
    return add.reduce(x, None)
