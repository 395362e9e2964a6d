"""Putting arrays together and taking them apart: block, insert, delete, resize, windows, grids.

What only takes elements to other places is left to NumPy, which moves their positions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from tinygrad_bp.engine.arrays import Array
from tinygrad_bp.engine.constructors import arrayed, composed
from tinygrad_bp.engine.rule import call
from tinygrad_bp.engine.shapes import normalize_axes
from tinygrad_bp.engine.tensor import Tensor, unwrap
from tinygrad_bp.engine.views import look_away, look_into
from tinygrad_bp.errors import DTypeError, ShapeError, UnsupportedFunctionError
from tinygrad_bp.rules.indexing.indexing import rearranged


@composed(np.rot90, samples=(call((2, 3)), call((2, 3), 2), call((2, 2, 3), -1, axes=(2, 0))))
def rot90(m: Array, k: int = 1, axes: Any = (0, 1)) -> Array:
    """`numpy.rot90`: by flips and an exchange of axes."""
    axes = tuple(axes)
    if len(axes) != 2:
        raise ShapeError(f"rot90: turns a plane of two axes, got {axes}")
    first, second = normalize_axes(axes, m.ndim, "rot90")
    k %= 4
    if k == 2:
        return np.flip(m, (first, second))
    if k == 1:
        return np.swapaxes(np.flip(m, second), first, second)
    return np.flip(np.swapaxes(m, first, second), second) if k == 3 else m


@composed(
    np.rollaxis,
    samples=(call((2, 3, 4), 2), call((2, 3, 4), 0, 3), call((2, 3), -1, start=-1)),
)
def rollaxis(a: Array, axis: int, start: int = 0) -> Array:
    """`numpy.rollaxis`."""
    (axis,) = normalize_axes(axis, a.ndim, "rollaxis")
    if not -a.ndim <= start <= a.ndim:
        raise ShapeError(f"rollaxis: start {start} is out of range for {a.ndim} dimensions")
    start += a.ndim * (start < 0)
    return np.moveaxis(a, axis, start - (start > axis))


@composed(np.unstack, samples=(call((2, 3)), call((2, 3, 2), axis=-2)))
def unstack(x: Array, /, *, axis: int = 0) -> tuple[Any, ...]:
    """`numpy.unstack`."""
    if not x.ndim:
        raise ShapeError("unstack: a 0-d array has no axis to part")
    return tuple(np.moveaxis(x, axis, 0))


@composed(np.diagflat, samples=(call((3,)), call((2, 2), 1), call((), -1), call((0,))))
def diagflat(v: Array, k: int = 0) -> Array:
    """`numpy.diagflat`."""
    return np.diag(np.ravel(v), k)


@composed(
    np.meshgrid,
    samples=(
        call((2,), (3,)),
        call((2,), (3,), (2,), indexing="ij"),
        call((2,), (), sparse=True),
        call((3,)),
        call((0,), (2,)),
    ),
)
def meshgrid(*xi: Any, copy: bool = True, sparse: bool = False, indexing: str = "xy") -> Any:
    """`numpy.meshgrid`."""
    if indexing not in ("xy", "ij"):
        raise ShapeError(f"meshgrid: indexing is 'xy' or 'ij', not {indexing!r}")
    places = list(range(len(xi)))
    if indexing == "xy" and len(xi) > 1:
        places[:2] = 1, 0
    grids = tuple(
        np.reshape(arrayed(x), tuple(-1 if i == place else 1 for i in range(len(xi))))
        for x, place in zip(xi, places, strict=True)
    )
    grids = grids if sparse else tuple(np.broadcast_arrays(*grids))
    return tuple(map(look_away, grids)) if copy else grids


@composed(np.ix_, samples=(call((2,), (3,)), call((3,))))
def ix_(*args: Any) -> tuple[Any, ...]:
    """`numpy.ix_`: the arguments, each along an axis of its own; a mask gives plain positions."""
    found = []
    for i, one in enumerate(map(arrayed, args)):
        if one.ndim != 1:
            raise ShapeError("ix_: cross indices have one dimension")
        shape = tuple(-1 if k == i else 1 for k in range(len(args)))
        if one.dtype.kind == "b" or not one.size:
            found.append(np.ix_(*[unwrap(one)] * len(args))[i])
        else:
            found.append(np.reshape(one, shape))
    return tuple(found)


@composed(np.block)
def block(arrays: Any) -> Any:
    """`numpy.block`: the innermost lists are joined along the last axis."""
    leaves = list(_leaves(arrays))
    np.block(_mapped(lambda x: np.broadcast_to(np.int8(), np.shape(unwrap(x))), arrays))  # checks
    ndim = max(_depth(arrays), *(x.ndim for x in leaves))
    return _joined(arrays, ndim, _depth(arrays))


def _leaves(nested: Any) -> Iterator[Any]:
    if isinstance(nested, list):
        for one in nested:
            yield from _leaves(one)
    else:
        yield arrayed(nested)


def _mapped(function: Callable[[Any], Any], nested: Any) -> Any:
    if isinstance(nested, list):
        return [_mapped(function, one) for one in nested]
    return function(nested)


def _depth(nested: Any) -> int:
    return 1 + _depth(nested[0]) if isinstance(nested, list) else 0


def _joined(nested: Any, ndim: int, depth: int) -> Any:
    if not depth:
        x = arrayed(nested)
        return np.reshape(x, (1,) * (ndim - x.ndim) + x.shape)
    return np.concatenate([_joined(one, ndim, depth - 1) for one in nested], axis=-depth)


@composed(
    np.delete,
    samples=(
        call((5,), 1),
        call((2, 3), [0, -1], axis=1),
        call((4, 3), slice(None, None, 2), axis=0),
        call((2, 3), 4),
        call((3,), np.array([True, False, True])),
        call((0, 2), [], axis=0),
    ),
)
def delete(arr: Array, obj: Any, axis: int | None = None) -> Array:
    """`numpy.delete`."""
    obj = unwrap(obj)
    return rearranged(lambda places: np.delete(places, obj, axis), arrayed(arr))


@composed(
    np.insert,
    samples=(
        call((4,), 1, ()),
        call((4,), [1, 3, 3], (3,)),
        call((2, 3), 1, (2,), axis=1),
        call((2, 3), [0, 2], (2,), axis=1),
        call((2, 3), slice(0, 2), (2, 3), axis=0),
        call((2, 3), -1, 2.5),
        call((0, 2), 0, (2,), axis=0),
    ),
)
def insert(arr: Array, obj: Any, values: Array, axis: int | None = None) -> Array:
    """`numpy.insert`; the values are cast to the dtype of `arr`."""
    arr, obj = arrayed(arr), unwrap(obj)
    return rearranged(
        lambda places, new: np.insert(places, obj, new, axis), arr, _as_dtype(values, arr, "insert")
    )


def _as_dtype(values: Array, arr: Array, name: str) -> Array:
    """Return `values` in the dtype of `arr`; refuses to cut a tracked value down to an integer."""
    values = arrayed(values)
    if values.dtype == arr.dtype:
        return values
    if isinstance(values, Tensor) and values.requires_grad and arr.dtype.kind not in "fc":
        raise DTypeError(
            f"{name}: an array of {arr.dtype} cannot hold values that track gradients; use"
            " .astype(float)"
        )
    return values.astype(arr.dtype)


@composed(
    np.resize,
    samples=(
        call((2, 3), new_shape=(3, 3)),
        call((3,), 2),
        call((), new_shape=(2, 2)),
        call((0,), new_shape=(2,)),
        call((2, 3), new_shape=(0, 2)),
    ),
)
def resize(a: Array, new_shape: Any) -> Array:
    """`numpy.resize`: the elements again and again, in C order, until the shape is full."""
    a = arrayed(a)
    if not a.size:  # zeros, as NumPy gives: the sum of nothing
        return np.broadcast_to(np.sum(a), np.resize(unwrap(a), new_shape).shape)
    return rearranged(lambda places: np.resize(places, new_shape), a)


@composed(
    np.trim_zeros,
    samples=(call((3,)), call((3,), "f"), call((0,), trim="b")),
    by_value="how many elements are left depends on them",
)
def trim_zeros(filt: Any, trim: str = "fb", axis: Any = None) -> Any:
    """`numpy.trim_zeros`, along one or more axes."""
    ends = trim.lower()
    if ends not in ("fb", "bf", "f", "b"):
        raise ShapeError(f"trim_zeros: trims 'f', 'b' or 'fb', not {trim!r}")
    chosen = normalize_axes(axis, filt.ndim, "trim_zeros")
    found = np.argwhere(unwrap(filt))
    if not len(found):
        return filt[tuple(slice(0, 0 if i in chosen else None) for i in range(filt.ndim))]
    first = found.min(0) if "f" in ends else [None] * filt.ndim
    last = found.max(0) + 1 if "b" in ends else [None] * filt.ndim
    whole = slice(None)
    return filt[tuple(slice(first[i], last[i]) if i in chosen else whole for i in range(filt.ndim))]


@composed(
    np.lib.stride_tricks.sliding_window_view,
    samples=(
        call((5,), 3),
        call((3, 4), window_shape=(2, 3)),
        call((3, 4), 2, axis=1),
        call((2, 3), window_shape=(2, 2), axis=(1, 1)),
    ),
)
def sliding_window_view(
    x: Array,
    window_shape: Any,
    axis: Any = None,
    *,
    subok: bool = False,
    writeable: bool = False,
) -> Array:
    """`numpy.lib.stride_tricks.sliding_window_view`: a value, not a view."""
    if subok or writeable:
        raise UnsupportedFunctionError(
            "sliding_window_view: subok= and writeable= are not supported on Tensors, whose values"
            " do not change"
        )
    windows = np.lib.stride_tricks.sliding_window_view
    return look_into(rearranged(lambda places: windows(places, window_shape, axis), arrayed(x)), x)


@composed(np.apply_along_axis)
def apply_along_axis(
    func1d: Callable[..., Any], axis: int, arr: Array, *args: Any, **kwargs: Any
) -> Array:
    """`numpy.apply_along_axis`: `func1d` is called on each slice, which is a Tensor."""
    arr = arrayed(arr)
    (axis,) = normalize_axes(axis, arr.ndim, "apply_along_axis")
    rows = np.moveaxis(arr, axis, -1)
    lead = rows.shape[:-1]
    if 0 in lead:
        raise ShapeError("apply_along_axis: cannot tell the result's shape where there is no slice")
    results = [func1d(rows[index], *args, **kwargs) for index in np.ndindex(lead)]
    together = np.stack([arrayed(one) for one in results])
    each = together.shape[1:]
    placed = np.reshape(together, (*lead, *each))
    ends = range(axis, axis + len(each))
    return np.moveaxis(placed, list(range(len(lead), len(lead) + len(each))), list(ends))


@composed(np.apply_over_axes)
def apply_over_axes(func: Callable[..., Any], a: Array, axes: Any) -> Array:
    """`numpy.apply_over_axes`: `func` is called with one axis after the other."""
    value = arrayed(a)
    for axis in axes if isinstance(axes, Sequence) else np.ravel(unwrap(axes)).tolist():
        (axis,) = normalize_axes(axis, value.ndim, "apply_over_axes")
        result = func(value, axis)
        if result.ndim != value.ndim:
            result = np.expand_dims(result, axis)
        if result.ndim != value.ndim:
            raise ShapeError("apply_over_axes: the function changed the number of dimensions")
        value = result
    return value
