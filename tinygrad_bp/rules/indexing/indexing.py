"""Indexing by basic, boolean and integer-array indices: reading, assigning, and the scatter.

Scatter is the transpose of reading.
"""

from __future__ import annotations

import operator
import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from tinygrad_bp.engine.arrays import Array, Cotangent
from tinygrad_bp.engine.broadcasting import unbroadcast
from tinygrad_bp.engine.changes import assign
from tinygrad_bp.engine.constructors import arrayed, composed, linear
from tinygrad_bp.engine.dispatch import refuse_out
from tinygrad_bp.engine.memory import empty
from tinygrad_bp.engine.modes import is_recording
from tinygrad_bp.engine.rule import Recorder, call
from tinygrad_bp.engine.shapes import Shape, normalize_axes
from tinygrad_bp.engine.tensor import Tensor, is_foreign, method
from tinygrad_bp.engine.views import UNNAMED, references, refuse_lost_write, stores_item
from tinygrad_bp.errors import DTypeError, ShapeError, TraceError, TrackedTensorError
from tinygrad_bp.rules.indexing.adding import BASIC, add_at, is_unique, positions

COMMON = {int, slice}
AUGMENTED = {
    "+=": "add",
    "-=": "sub",
    "*=": "mul",
    "@=": "matmul",
    "/=": "truediv",
    "//=": "floordiv",
    "%=": "mod",
    "**=": "pow",
}


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
            _slice(part)
            if type(part) is slice
            else part
            if isinstance(part, BASIC) and type(part) is not bool
            else _array(part)
            for part in parts
        ]
    )


def _slice(part: slice) -> slice:
    """Return a slice whose ends nobody can change: a 0-d array may stand there."""
    ends = part.start, part.stop, part.step
    for end in ends:
        if end is not None and type(end) is not int:
            return slice(*[None if end is None else operator.index(end) for end in ends])
    return part


def _array(part: Array) -> Array:
    value = part._value if type(part) is Tensor else part
    array = value if is_foreign(value) else np.asarray(value)
    if array.dtype.kind not in "iub" and array.size:
        raise DTypeError(
            f"index: expected integers, booleans or slices, got {array.dtype} {part!r:.60}"
        )
    return array if array.size or array.dtype.kind in "iub" else array.astype(int)


def scatter(ct: Cotangent, shape: Shape, index: tuple[Any, ...]) -> Array:
    """Return zeros of `shape` to which `ct` was added at `index`: the transpose of indexing."""
    if type(ct) is np.ndarray:
        out = empty(shape, ct.dtype)
        out.fill(0)
    else:  # a scalar is of no kind of array but NumPy's
        out = np.zeros(shape, ct.dtype, like=None if isinstance(ct, np.generic) else ct)
    if is_unique(index):
        out[index] = ct
    else:
        add_at(out, index, ct)
    return out if shape else out[()]


def _scatter_composed(ct: Cotangent, shape: Shape, index: Any) -> Array:
    """Return ``ct`` times the transpose of the matrix of ones and zeros that indexing is."""
    chosen = np.equal.outer(np.ravel(positions(shape, index)), np.ravel(positions(shape, ...)))
    return np.reshape(np.ravel(ct) @ chosen, shape)


scatter = linear(
    scatter,
    lambda ct, _out, _x, _shape, index: ct[index],
    composition=_scatter_composed,
    words="puts elements into their places among zeros, adding up what meets there",
    samples=(
        call((2,), shape=(3, 2), index=(1,)),
        call((4,), shape=(3,), index=(np.array([0, 2, 0, 1]),)),
        call((0, 2), shape=(3, 2), index=(slice(0, 0),)),
        call((), shape=(), index=()),
    ),
)


def elements(x: Array, index: Any) -> Array:
    """Return ``x[index]`` of a raw array, by a tuple."""
    try:
        if (
            len(index) == 1
            and type(index[0]) is type(x) is np.ndarray
            and index[0].dtype == np.intp
        ):
            return x.take(index[0], 0)  # two thirds of the time
        out = x[index]
        return out if out.shape else out[()]  # a 0-d value is a NumPy scalar
    except TraceError:
        if is_foreign(x):
            raise
        # numbers asked a value without numbers for them; an array of its kind writes it down
        return np.array(x, like=next(filter(is_foreign, index)))[index]
    except IndexError as error:  # numpy's message names the axis alone
        raise IndexError(f"index of a Tensor of shape {x.shape}: {error}") from None


def getitem(x: Array, index: Any) -> Array:
    """``x[index]``: a value, not an alias."""
    return x[index]


def _looks(out: Array, index: tuple[Any, ...]) -> bool:
    """Whether NumPy gives a view: no array is among the indices, and it is no number."""
    for part in index:
        if type(part) not in COMMON and not isinstance(part, BASIC):
            return False
    return out.ndim > 0 or ... in index


getitem = linear(
    getitem,
    lambda ct, _out, _x, index: scatter(ct, _x.shape, index),
    forward=elements,
    views=_looks,
    bind=lambda x, index: ((x,), (canonical(index),)),
    words="picks elements",
    composition=lambda x, index: np.ravel(x)[positions(x.shape, index)],
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


def assigned(x: Array, value: Array, index: Any) -> Array:
    """Return a new array: `x` with `value` at `index`."""
    return _assigned_forward(x, value, index)


def _assigned_forward(x: Array, value: Array, index: Any) -> Array:
    if is_foreign(value) and not is_foreign(x):
        out = np.array(x, like=value)  # an array of the kind that takes the value
    else:
        out = x.copy() if isinstance(x, np.ndarray) else np.copy(x)
    out[index] = value
    return out if out.ndim else out[()]


def _assigned_composed(x: Array, value: Array, index: Any) -> Array:
    places = positions(x.shape, index)
    spread = _scatter_composed(value * np.ones(np.shape(places), x.dtype), x.shape, index)
    return np.where(np.isin(positions(x.shape, ...), places), spread, x)


def _cleared(ct: Cotangent, index: tuple[Any, ...]) -> Array:
    return assigned(ct, 0.0, index)


def _written(ct: Cotangent, shape: Shape, index: tuple[Any, ...]) -> Array:
    """Return the part of `ct` at `index` for a value of `shape`, which may begin with axes of 1."""
    part = ct[index]
    more = len(shape) - part.ndim
    return (
        unbroadcast(part, shape)
        if more <= 0
        else np.reshape(unbroadcast(part, shape[more:]), shape)
    )


def _assigned_bind(x: Array, value: Array, index: Any) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
    if type(value) is Tensor and value.dtype.kind == "c" and x.dtype.kind == "f":
        value = value.astype(x.dtype)  # NumPy drops the imaginary part, and so does the gradient
    return (x, value), (canonical(index),)


assigned = linear(
    assigned,
    lambda ct, _out, _x, _value, index: _cleared(ct, index),
    lambda ct, _out, _x, _value, index: _written(ct, _value.shape, index),
    forward=_assigned_forward,
    bind=_assigned_bind,
    composition=_assigned_composed,
    samples=(
        call((4, 3), (3,), index=1),
        call((4, 3), (), index=(slice(None), 0)),
        call((4, 3), (2, 3), index=np.array([0, 2])),
        call((4, 3), (1, 1, 3), index=0),
        call((3,), (2,), index=np.array([True, False, True])),
        call((4, 3), 2.5, index=(..., slice(1, 3))),
        call((0, 3), (3,), index=slice(None)),
        call((), (), index=()),
    ),
)


def _repeats(index: tuple[Any, ...], shape: Shape) -> bool:
    """Whether an assignment through `index` writes an element twice: only the last value stays."""
    if is_unique(index):
        return False
    count = np.zeros(shape, np.intp)
    add_at(count, index, 1)
    return bool(np.any(count > 1))


def setitem(x: Tensor, index: Any, value: Array) -> None:
    """Rebind `x` to a new value with `value` at `index`; what was computed before keeps the old.

    Raises
    ------
    ViewError
        If `x` stands for a view of another Tensor, which would not change.
    """
    refuse_lost_write(x, "x[i] = v")
    index = canonical(index)
    if x.is_leaf and x.requires_grad:
        if is_recording():
            raise TrackedTensorError(
                "x[i] = v on a leaf that requires gradients would cut it off from its .grad: write"
                " x = x.copy() first, or 'with tg.no_grad():' to change the parameter itself"
            )
        raw = value._value if isinstance(value, Tensor) else value
        assign((x,), (_assigned_forward(x._value, raw, index),))
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


method("__setitem__", setitem)


def _in_place(symbol: str, operation: Recorder) -> Recorder:
    """Return an operator such as ``-=``, which updates a parameter where nothing is recorded.

    Anything else is left to the operator itself, whose result the name is then bound to: it would
    be the name alone, a loop variable, that changed.  That of a view is refused, but in
    ``y[0] -= v`` Python itself stores the result into `y`, and nothing else holds the view.
    """

    def update(x: Tensor, other: Any) -> Any:
        if x._looks_into is not None and not (
            references(x) <= UNNAMED and stores_item(sys._getframe(1))
        ):
            refuse_lost_write(x, f"x {symbol} v")
        if not (x.is_leaf and x.requires_grad):
            return NotImplemented
        if is_recording():
            account: Any = x._node.account()  # type: ignore[union-attr]  # a leaf's
            if account is None or account.grad is None:
                return NotImplemented
            raise TrackedTensorError(
                f"x {symbol} v: x is a parameter with a gradient; this would make another Tensor"
                f" and leave the parameter as it is: write 'with tg.no_grad(): x {symbol} v', or"
                f" x = x {symbol[:-1]} v for a new one"
            )
        setitem(x, ..., operation(x.detach(), other))
        return x

    return update


for _symbol, _name in AUGMENTED.items():
    method(f"__i{_name}__", _in_place(_symbol, getattr(operator, _name)))


@composed(np.take, methods=("take",))
def take(
    a: Array, indices: Any, axis: int | None = None, out: Array = None, mode: str = "raise"
) -> Array:
    """`numpy.take`."""
    refuse_out("take", out)
    a = arrayed(a)
    if axis is None:
        a, axis = np.ravel(a), 0
    (axis,) = normalize_axes(axis, a.ndim, "take")
    index = _array(indices)
    if index.dtype.kind == "b":  # places 0 and 1 here, not a mask
        index = index.astype(np.intp)
    if mode != "raise":
        size = a.shape[axis]
        index = index % size if mode == "wrap" else np.clip(index, 0, size - 1)
    return a[(slice(None),) * axis + (index,)]


@composed(np.take_along_axis)
def take_along_axis(arr: Array, indices: Any, axis: int | None = -1) -> Array:
    """`numpy.take_along_axis`."""
    arr = arrayed(arr)
    if axis is None:
        arr, axis = np.ravel(arr), 0
    (axis,) = normalize_axes(axis, arr.ndim, "take_along_axis")
    return arr[along_axis(_array(indices), arr.shape, axis)]


def along_axis(index: Any, shape: Shape, axis: int) -> tuple[Any, ...]:
    """Return the index of an array of `shape` that takes `index` along `axis`, all else in step."""
    grid = [
        np.arange(n).reshape([-1 if i == k else 1 for i in range(len(shape))])
        for k, n in enumerate(shape)
    ]
    grid[axis] = index
    return tuple(grid)


def slab(x: Array, axis: int, start: int | None, stop: int | None) -> Array:
    """Return the part of `x` from `start` to `stop` along `axis`, which counts from the first."""
    return x[(slice(None),) * axis + (slice(start, stop),)]


def rearranged(move: Callable[..., Any], *arrays: Any) -> Any:
    """Return ``move(*arrays)``, where `move` only takes elements to other places.

    `move` is a function of plain arrays.  It is given arrays that hold the position of each
    element in place of the element, and says with its result what was taken from where.
    """
    positions, start = [], 0
    for x in arrays:
        positions.append(np.arange(start, start + x.size).reshape(x.shape))
        start += x.size
    elements = [np.ravel(x) for x in arrays]
    together = elements[0] if len(elements) == 1 else np.concatenate(elements)
    return together[move(*positions)]


# Methods of ndarray whose rules load when NumPy first calls for them.
method("choose", lambda a, choices, out=None, mode="raise": np.choose(a, choices, out, mode))
method("compress", lambda a, condition, axis=None: np.compress(condition, a, axis=axis))
method("put", lambda a, indices, values, mode="raise": np.put(a, indices, values, mode=mode))
