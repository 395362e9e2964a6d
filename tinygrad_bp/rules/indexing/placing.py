"""Functions that change their first argument: put, place, putmask, copyto and their like.

A Tensor's value does not change: the Tensor is rebound, as ``t[i] = v`` does it.  NumPy itself
checks the arguments, on a copy.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tinygrad_bp.engine.arrays import Array
from tinygrad_bp.engine.constructors import arrayed, composed
from tinygrad_bp.engine.tensor import Tensor, unwrap
from tinygrad_bp.errors import TrackedTensorError
from tinygrad_bp.rules.indexing.indexing import along_axis, setitem


def _place(
    function: Any, x: Array, values: Array, others: tuple[Any, ...], where: Callable[..., Any]
) -> None:
    """Write as ``function(x, *others)`` does, in which `others` has None in place of `values`.

    ``where(values)`` gives the index at which a Tensor is written, and the values that fit it.
    """

    def write(array: Array) -> None:
        function(array, *[unwrap(values if one is None else one) for one in others])

    if isinstance(x, Tensor):
        write(np.array(unwrap(x)))
        values = arrayed(values)
        if values.size:
            setitem(x, *where(values))
    elif isinstance(values, Tensor) and values.requires_grad:
        raise TrackedTensorError(
            f"{function.__name__}: a plain array cannot hold values that track gradients; make it a"
            " Tensor with tg.tensor first, or pass .detach()"
        )
    else:
        write(x)


def _cycled(values: Array, count: int) -> Array:
    """Return `count` values: the given ones again and again."""
    return np.resize(values, (count,))


@composed(np.put)
def put(a: Array, ind: Any, v: Array, mode: Any = "raise") -> None:
    """`numpy.put`."""

    def where(values: Array) -> tuple[Any, Any]:
        index = np.ravel(unwrap(ind)).astype(np.intp)  # NumPy has checked it; [] is of floats
        places = np.take(np.arange(a.size), index, mode=mode)
        written = _cycled(values, len(places))
        if not a.ndim:  # one element, which a mask of no axes picks; the last value stays
            return np.array(len(places) > 0), written[-1:]
        return np.unravel_index(places, a.shape), written

    _place(np.put, a, v, (ind, None, mode), where)


@composed(np.put_along_axis)
def put_along_axis(arr: Array, indices: Any, values: Array, axis: int | None) -> None:
    """`numpy.put_along_axis`."""

    def where(values: Array) -> tuple[Any, Any]:
        index = unwrap(indices)
        if axis is None:
            return np.unravel_index(index % arr.size, arr.shape), values
        return along_axis(index, arr.shape, axis % arr.ndim), values

    _place(
        lambda array, index, new: np.put_along_axis(array, index, new, axis),
        arr,
        values,
        (indices, None),
        where,
    )


@composed(np.place)
def place(arr: Array, mask: Any, vals: Any) -> None:
    """`numpy.place`."""

    def where(values: Array) -> tuple[Any, Any]:
        chosen = np.reshape(np.asarray(unwrap(mask), bool), arr.shape)
        return chosen, _cycled(values, int(np.count_nonzero(chosen)))

    _place(np.place, arr, vals, (mask, None), where)


@composed(np.putmask)
def putmask(a: Array, /, mask: Any, values: Array) -> None:
    """`numpy.putmask`."""

    def where(values: Array) -> tuple[Any, Any]:
        chosen = np.reshape(np.asarray(unwrap(mask), bool), a.shape)
        return chosen, np.reshape(_cycled(values, a.size), a.shape)[chosen]

    _place(np.putmask, a, values, (mask, None), where)


@composed(np.copyto)
def copyto(dst: Any, src: Any, casting: Any = "same_kind", where: Any = True) -> None:
    """`numpy.copyto`."""

    def chosen(values: Array) -> tuple[Any, Any]:
        mask = np.broadcast_to(unwrap(where), dst.shape)
        more = max(0, values.ndim - dst.ndim)  # axes of 1, which NumPy drops
        values = np.reshape(values, values.shape[more:])
        return mask, np.broadcast_to(values, dst.shape)[mask]

    _place(np.copyto, dst, src, (None, casting, where), chosen)


@composed(np.fill_diagonal)
def fill_diagonal(a: Array, val: Any, wrap: bool = False) -> None:
    """`numpy.fill_diagonal`."""

    def where(values: Array) -> tuple[Any, Any]:
        diagonal = np.zeros(a.shape, bool)
        np.fill_diagonal(diagonal, val=True, wrap=wrap)
        return diagonal, _cycled(values, int(np.count_nonzero(diagonal)))

    _place(np.fill_diagonal, a, val, (None, wrap), where)
