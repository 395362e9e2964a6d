"""Sorting: the derivative of an order is the permutation that gives it."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_bp.engine.arrays import Array
from tinygrad_bp.engine.constructors import arrayed, composed, flat
from tinygrad_bp.engine.dispatch import FUNCTIONS
from tinygrad_bp.engine.rule import CONSTANT, FLAT, call
from tinygrad_bp.engine.tensor import Tensor, method, unwrap
from tinygrad_bp.rules.indexing.indexing import setitem
from tinygrad_bp.rules.indexing.ties import sharing
from tinygrad_bp.rules.reductions.axes import refuse

SAMPLES = (
    call((5,)),
    call((3, 4)),
    call((3, 4), axis=0),
    call((2, 3), axis=None),
    call((0, 3), axis=0),
)


def stable_order(x: Array, axis: int = -1) -> Array:
    """Return the permutation that sorts the plain values of `x`: NaN last, equal ones in place."""
    return np.argsort(unwrap(x), axis=axis, kind="stable")


def order_of(arranged: Any, x: Array, axis: int = -1) -> Array:
    """Return the permutation that makes the plain values of `x` into `arranged`."""
    order = np.empty(np.shape(arranged), np.intp, like=arranged)
    np.put_along_axis(order, stable_order(arranged, axis), stable_order(x, axis), axis)
    return order


@composed(np.sort, samples=SAMPLES)
def sort(
    a: Array,
    axis: int | None = -1,
    kind: Any = None,
    order: Any = None,
    *,
    stable: bool | None = None,
) -> Array:
    """`numpy.sort`."""
    refuse("sort", order=order)
    a = arrayed(a)
    if axis is None:
        a, axis = np.ravel(a), 0
    # for its errors: the order is the stable one whatever the kind
    np.sort(np.empty((0,) * a.ndim), axis=axis, kind=kind, stable=stable)
    return np.take_along_axis(a, stable_order(a, axis), axis)


@composed(
    np.partition,
    samples=(
        call((5,), 2),
        call((3, 4), kth=[1, -1]),
        call((3, 4), 1, axis=0),
        call((2, 3), 4, axis=None),
    ),
)
def partition(
    a: Array, kth: Any, axis: int | None = -1, kind: Any = "introselect", order: Any = None
) -> Array:
    """`numpy.partition`: the elements where NumPy puts them, shared by those that equal them."""
    refuse("partition", order=order)
    a = arrayed(a)
    if axis is None:
        a, axis = np.ravel(a), 0
    parted = np.partition(unwrap(a), unwrap(kth), axis, kind)
    shared = sharing(a, stable_order(a, axis), axis)
    return np.take_along_axis(shared, order_of(parted, a, axis), axis)


@composed(np.sort_complex)
def sort_complex(a: Array) -> Array:
    """`numpy.sort_complex`."""
    ordered = np.sort(a)
    return ordered if ordered.dtype.kind == "c" else ordered.astype(complex)


def _sort_in_place(x: Tensor, *args: Any, **kwargs: Any) -> None:
    """Bind `x` to its sorted value; what was computed before keeps the old."""
    setitem(x, ..., np.sort(x, *args, **kwargs))


def _partition_in_place(x: Tensor, *args: Any, **kwargs: Any) -> None:
    """Bind `x` to its partitioned value; what was computed before keeps the old."""
    setitem(x, ..., np.partition(x, *args, **kwargs))


method("sort", _sort_in_place)
method("partition", _partition_in_place)


def _argsort(a: Array, axis: int | None = -1, kind: Any = None, **options: Any) -> Array:
    """Sort as `numpy.argsort`; of equal elements the first comes first, whatever the size."""
    return np.argsort(unwrap(a), axis, kind if kind or options else "stable", **options)


FUNCTIONS[np.argsort], FLAT[np.argsort] = _argsort, CONSTANT
method("argsort", _argsort)
flat(np.argpartition, methods=("argpartition",))
flat(np.lexsort)
