"""Undo broadcasting: the sum over what it repeated.  The one place that does so."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_bp.shapes import Shape, broadcast_axes

# Below this many rows numpy.add.reduce wins; above, a BLAS product with ones is several times faster, because
# numpy reduces the long axis of a row-major array without vector code.
LONG = 64


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
    if type(ct) is np.ndarray:
        if len(wide) == 2 and len(shape) == 1 and wide[1] == shape[0]:
            return sum_rows(ct)
        if not shape:
            return np.add.reduce(ct, None)
    lead, stretched = broadcast_axes(shape, wide)
    if lead:
        ct = np.sum(ct, axis=tuple(range(lead)))
    if stretched:
        ct = np.sum(ct, axis=stretched, keepdims=True)
    return ct


def sum_rows(ct: np.ndarray[Any, Any]) -> Any:
    """Sum a raw (m, n) array over its rows; gives (n,)."""
    if len(ct) >= LONG and ct.dtype.char in "fd":
        return np.dot(np.ones(len(ct), ct.dtype), ct)
    return np.add.reduce(ct, 0)
