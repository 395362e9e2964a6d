"""Indexing by basic, boolean and integer-array indices: reading, assigning, and the scatter.

Scatter is the transpose of reading.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_bp.broadcasting import unbroadcast
from tinygrad_bp.errors import DTypeError, ShapeError, TrackedTensorError
from tinygrad_bp.graph import is_recording
from tinygrad_bp.rules.table import call, composed, linear
from tinygrad_bp.shapes import Shape, normalize_axes
from tinygrad_bp.tensor import Tensor, method

BASIC = (int, slice, type(None), type(Ellipsis), np.integer)


def canonical(index: Any) -> tuple[Any, ...]:
    """Return `index` as a tuple of basic indices and index arrays that hold no Tensor and no list.

    Raises
    ------
    DTypeError
        If an index is neither integer nor boolean.
    """
    parts = index if type(index) is tuple else (index,)
    return tuple(
        [
            part if isinstance(part, BASIC) and type(part) is not bool else _array(part)
            for part in parts
        ]
    )


def _array(part: Any) -> Any:
    array = np.asarray(part._value if type(part) is Tensor else part)
    if array.dtype.kind not in "iub" and array.size:
        raise DTypeError(
            f"index: expected integers, booleans or slices, got {array.dtype} {part!r:.60}"
        )
    return array if array.size or array.dtype.kind in "iub" else array.astype(int)


def _unique(index: tuple[Any, ...]) -> bool:
    """Whether `index` names no element twice: no integer array in it."""
    return all(type(part) is not np.ndarray or part.dtype.kind == "b" for part in index)


def scatter(ct: Any, shape: Shape, index: tuple[Any, ...]) -> Any:
    """Return zeros of `shape` to which `ct` was added at `index`: the transpose of indexing."""
    out = np.zeros(shape, ct.dtype)
    if _unique(index):
        out[index] = ct
    else:
        np.add.at(out, index, ct)
    return out if shape else out[()]


scatter = linear(
    scatter,
    lambda ct, _out, _x, _shape, index: ct[index],
    forward=scatter,
    samples=(
        call((2,), shape=(3, 2), index=(1,)),
        call((4,), shape=(3,), index=(np.array([0, 2, 0, 1]),)),
        call((0, 2), shape=(3, 2), index=(slice(0, 0),)),
        call((), shape=(), index=()),
    ),
)


def _getitem_forward(x: Any, index: Any) -> Any:
    try:
        out = x[index]
        return out if out.shape else out[()]  # a 0-d value is a NumPy scalar
    except IndexError as error:  # numpy's message names the axis alone
        raise IndexError(f"index of a Tensor of shape {x.shape}: {error}") from None


def getitem(x: Any, index: Any) -> Any:
    """``x[index]``: a value, not an alias."""
    return x[index]


getitem = linear(
    getitem,
    lambda ct, _out, _x, index: scatter(ct, _x.shape, index),
    forward=_getitem_forward,
    bind=lambda x, index: ((x,), (canonical(index),)),
    samples=(
        call((4, 3), index=1),
        call((4, 3), index=(slice(None), -1)),
        call((4, 3), index=(slice(None, None, -2), None, 2)),
        call((4, 3), index=(..., slice(1, 3))),
        call((4, 3), index=np.array([0, 2, 0])),
        call((4, 3), index=[1, 1, 3]),
        call((4, 3), index=(np.array([[0], [1]]), np.array([0, 0]))),
        call((3,), index=np.array([True, False, True])),
        call((2, 3), index=np.array([[True, False, True], [False, True, False]])),
        call((2, 3), index=(slice(None), np.array([True, False, True]))),
        call((2, 3, 4), index=(0, slice(None), np.array([1, 1]))),
        call((3,), index=slice(0, 0)),
        call((), index=()),
        call((0, 3), index=(slice(None), [0, 0])),
    ),
)
method("__getitem__", getitem)


def assigned(x: Any, value: Any, index: Any) -> Any:
    """Return a new array: `x` with `value` at `index`."""
    return _assigned_forward(x, value, index)


def _assigned_forward(x: Any, value: Any, index: Any) -> Any:
    out = x.copy() if isinstance(x, np.ndarray) else np.array(x)
    out[index] = value
    return out if out.ndim else out[()]


def _cleared(ct: Any, index: tuple[Any, ...]) -> Any:
    return assigned(ct, 0.0, index)


assigned = linear(
    assigned,
    lambda ct, _out, _x, _value, index: _cleared(ct, index),
    lambda ct, _out, _x, _value, index: unbroadcast(ct[index], _value.shape),
    forward=_assigned_forward,
    bind=lambda x, value, index: ((x, value), (canonical(index),)),
    samples=(
        call((4, 3), (3,), index=1),
        call((4, 3), (), index=(slice(None), 0)),
        call((4, 3), (2, 3), index=np.array([0, 2])),
        call((3,), (2,), index=np.array([True, False, True])),
        call((4, 3), 2.5, index=(..., slice(1, 3))),
        call((0, 3), (3,), index=slice(None)),
        call((), (), index=()),
    ),
)


def _repeats(index: tuple[Any, ...], shape: Shape) -> bool:
    """Whether an assignment through `index` writes an element twice: only the last value stays."""
    if _unique(index):
        return False
    count = np.zeros(shape, np.intp)
    np.add.at(count, index, 1)
    return bool((count > 1).any())


def _setitem(x: Tensor, index: Any, value: Any) -> None:
    """Rebind `x` to a new value with `value` at `index`; what was computed before keeps the old."""
    index = canonical(index)
    if x.is_leaf and x.requires_grad:
        if is_recording():
            raise TrackedTensorError(
                "x[i] = v on a leaf that requires gradients would cut it off from its .grad: write"
                " x = x.copy() first, or 'with tg.no_grad():' to change the parameter itself"
            )
        x._value = _assigned_forward(
            x._value, value._value if isinstance(value, Tensor) else value, index
        )
        return
    if _repeats(index, x.shape):
        raise ShapeError(
            "x[i] = v: the index names an element twice, so which value stays is undefined; make it"
            " unique"
        )
    if (
        x._node is None
        and x.dtype.kind not in "fc"
        and isinstance(value, Tensor)
        and value.requires_grad
    ):
        raise DTypeError(
            f"x[i] = v: a {x.dtype} Tensor cannot hold a value that tracks gradients; use"
            " x.astype(float)"
        )
    result = assigned(x, value, index)
    x._value = result._value
    x._node = result._node


method("__setitem__", _setitem)


@composed(np.take, methods=("take",))
def take(a: Any, indices: Any, axis: int | None = None, mode: str = "raise") -> Any:
    """`numpy.take`."""
    if axis is None:
        a, axis = np.ravel(a), 0
    (axis,) = normalize_axes(axis, a.ndim, "take")
    index = _array(indices)
    if mode != "raise":
        size = a.shape[axis]
        index = index % size if mode == "wrap" else np.clip(index, 0, size - 1)
    return a[(slice(None),) * axis + (index,)]


@composed(np.take_along_axis)
def take_along_axis(arr: Any, indices: Any, axis: int | None = -1) -> Any:
    """`numpy.take_along_axis`."""
    if axis is None:
        arr, axis = np.ravel(arr), 0
    (axis,) = normalize_axes(axis, arr.ndim, "take_along_axis")
    index = _array(indices)
    grid = [
        np.arange(n).reshape([-1 if i == k else 1 for i in range(arr.ndim)])
        for k, n in enumerate(arr.shape)
    ]
    grid[axis] = index
    return arr[tuple(grid)]
