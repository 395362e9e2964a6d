"""Shapes: reshaping, permuting, repeating, broadcasting; each the transpose of another."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np

from tinygrad_bp.engine.arrays import Array, Cotangent
from tinygrad_bp.engine.broadcasting import unbroadcast
from tinygrad_bp.engine.constructors import arrayed, composed, flat, linear
from tinygrad_bp.engine.recording import unary
from tinygrad_bp.engine.rule import NO_VALUE, TABLE, Recorder, call
from tinygrad_bp.engine.shapes import Axis, Shape, inverse_permutation, normalize_axes
from tinygrad_bp.engine.tensor import Tensor, method, unwrap
from tinygrad_bp.engine.views import look_away
from tinygrad_bp.errors import ShapeError, UnsupportedFunctionError

SMALL = 4096  # elements up to which filling an array beats numpy.broadcast_to, which is Python code


def spread(ct: Cotangent, shape: Shape) -> Array:
    """Broadcast `ct` to `shape`; a raw result may be a read-only view."""
    if not shape:
        return ct
    raw = isinstance(ct, (np.ndarray, np.generic))
    if raw and ct.ndim <= len(shape) and prod(shape) <= SMALL:  # else numpy.broadcast_to refuses
        out = np.empty(shape, ct.dtype)
        out[...] = ct
        return out
    return np.broadcast_to(ct, shape)


linear(
    np.broadcast_to,
    lambda ct, _out, _x, _shape: unbroadcast(ct, _x.shape),
    views=True,
    forward=lambda array, shape: spread(
        array, tuple(shape) if isinstance(shape, Sequence) else (shape,)
    ),
    words="repeats elements along new axes and those of length 1",
    samples=(
        call((3,), shape=(2, 3)),
        call((), shape=(2, 2)),
        call((2, 1), shape=(3, 2, 4)),
        call((1,), shape=(2, 0)),
        call((0,), shape=(2, 0)),
    ),
)


def summed_to(x: Array, shape: Any) -> Array:
    """Sum `x` to a `shape` that broadcasts to its own: the transpose of `numpy.broadcast_to`."""
    return unbroadcast(x, shape)


summed_to = linear(
    summed_to,
    lambda ct, _out, _x, _shape: spread(ct, _x.shape),
    samples=(
        call((2, 3), shape=(3,)),
        call((2, 2), shape=()),
        call((3, 2, 4), shape=(2, 1)),
        call((2, 3), shape=(2, 3)),
        call((2, 0), shape=(1,)),
        call((), shape=()),
    ),
)
method("_summed_to", unary(TABLE["summed_to"]))


def _reshape_forward(x: Array, shape: Any, order: Any = "C") -> Array:
    out = np.reshape(x, shape, order=order)
    return out if out.shape else out[()]  # a 0-d value is a NumPy scalar


def _fortran(x: Array) -> bool:
    """Whether `x` lies in memory column by column, and not also row by row."""
    flags = unwrap(arrayed(x)).flags
    return bool(flags.f_contiguous and not flags.c_contiguous)


def _reshape_bind(a: Array, shape: Any = None, order: str = "C", **other: Any) -> Array:
    if other.pop("copy", None) is False or other:
        raise UnsupportedFunctionError("reshape: copy=False is not supported on Tensors")
    if order == "C":
        return (a,), (shape,)
    if order == "A":
        order = "F" if _fortran(a) else "C"
    return (a,), (shape, order)


reshape: Recorder = linear(
    np.reshape,
    lambda ct, _out, _x, _shape, order="C": np.reshape(ct, _x.shape, order=order),
    forward=_reshape_forward,
    views=True,
    bind=_reshape_bind,
    words="gives the elements another shape",
    samples=(
        call((2, 3), (3, 2)),
        call((2, 3), -1),
        call((), (1, 1)),
        call((0, 3), (3, 0)),
        call((2, 3), (3, 2), order="F"),
    ),
)


def _reshape_method(x: Tensor, *shape: Any, **options: Any) -> Any:
    return reshape(x, shape[0] if len(shape) == 1 else shape, **options)


method("reshape", _reshape_method)


@composed(np.ravel, methods=("ravel",))
def ravel(a: Array, order: Any = "C") -> Array:
    """`numpy.ravel`; order "K" is that of the memory, as far as strides say it."""
    if order == "K":
        strides = np.abs(unwrap(arrayed(a)).strides)
        a, order = transpose(a, tuple(np.argsort(-strides, kind="stable").tolist())), "C"
    return reshape(a, -1, order)


method("flatten", lambda a, order="C": look_away(ravel(a, order)))


def _permutation(axes: Any, ndim: int) -> Shape:
    return tuple(range(ndim))[::-1] if axes is None else normalize_axes(axes, ndim, "transpose")


transpose = linear(
    np.transpose,
    lambda ct, _out, _x, axes: np.transpose(
        ct, None if axes is None else inverse_permutation(_permutation(axes, _x.ndim))
    ),
    views=True,
    forward=lambda a, axes=None: a.T if axes is None else np.transpose(a, axes),
    words="puts the axes into another order",
    samples=(
        call((2, 3)),
        call((2, 3, 4), (1, 2, 0)),
        call((2, 3, 4), axes=(-1, 0, 1)),
        call((3,)),
        call((0, 3)),
        call(()),
    ),
)


def _transpose_method(x: Tensor, *axes: Any) -> Any:
    if not axes or axes == (None,):
        return transpose(x, None)
    return transpose(x, axes[0] if len(axes) == 1 and isinstance(axes[0], Sequence) else axes)


method("transpose", _transpose_method)
method("T", property(lambda x: transpose(x, None)))

swapaxes = linear(
    np.swapaxes,
    lambda ct, _out, _x, axis1, axis2: np.swapaxes(ct, axis1, axis2),
    forward=lambda a, axis1, axis2: np.swapaxes(a, axis1, axis2),
    views=True,
    methods=("swapaxes",),
    words="exchanges two axes",
    samples=(call((2, 3, 4), 0, 2), call((2, 3), 1, -2), call((0, 3), 0, 1)),
)


@composed(np.matrix_transpose)
def matrix_transpose(x: Array, /) -> Array:
    """`numpy.matrix_transpose`: swap the last two axes."""
    return swapaxes(x, -1, -2)


method("mT", property(matrix_transpose))


@composed(np.moveaxis)
def moveaxis(a: Array, source: Axis, destination: Axis) -> Array:
    """`numpy.moveaxis`."""
    start = normalize_axes(source, a.ndim, "moveaxis source")
    end = normalize_axes(destination, a.ndim, "moveaxis destination")
    if len(start) != len(end):
        raise ShapeError(f"moveaxis: {len(start)} axes to move, {len(end)} places")
    order = [i for i in range(a.ndim) if i not in start]
    for place, axis in sorted(zip(end, start, strict=True)):
        order.insert(place, axis)
    return transpose(a, tuple(order))


@composed(np.expand_dims)
def expand_dims(a: Array, axis: Any) -> Array:
    """`numpy.expand_dims`."""
    count = len(axis) if isinstance(axis, Sequence) else 1
    axes = normalize_axes(axis, a.ndim + count, "expand_dims")
    sizes = iter(a.shape)
    return reshape(a, tuple(1 if i in axes else next(sizes) for i in range(a.ndim + count)))


@composed(np.squeeze, methods=("squeeze",))
def squeeze(a: Array, axis: Axis = None) -> Array:
    """`numpy.squeeze`."""
    if axis is None:
        return reshape(a, tuple(n for n in a.shape if n != 1))
    axes = normalize_axes(axis, a.ndim, "squeeze")
    if any(a.shape[i] != 1 for i in axes):
        raise ShapeError(f"squeeze: axes {axes} of shape {a.shape} are not all of length 1")
    return reshape(a, tuple(n for i, n in enumerate(a.shape) if i not in axes))


@composed(np.flip)
def flip(m: Array, axis: Axis = None) -> Array:
    """`numpy.flip`."""
    axes = normalize_axes(axis, m.ndim, "flip")
    return m[tuple(slice(None, None, -1) if i in axes else slice(None) for i in range(m.ndim))]


composed(np.flipud)(lambda m: flip(m, 0))
composed(np.fliplr)(lambda m: flip(m, 1))

linear(
    np.roll,
    lambda ct, _out, _x, shift, axis: np.roll(ct, np.negative(shift), axis),
    forward=lambda a, shift, axis=None: np.roll(a, shift, axis) if a.shape else a,
    words="moves elements along, and those at the end to the beginning",
    samples=(
        call((5,), 2),
        call((2, 3), 1, axis=1),
        call((2, 3), (1, 2), axis=(0, 1)),
        call((2, 3), 2),
        call((0, 3), 1, axis=1),
        call((), 1),
    ),
)


@composed(np.tile)
def tile(A: Any, reps: Any) -> Any:
    """`numpy.tile`: broadcast along new axes, then merge them."""
    A = arrayed(A)
    reps = tuple(np.ravel(unwrap(reps)).tolist())
    ndim = max(A.ndim, len(reps))
    reps = (1,) * (ndim - len(reps)) + reps
    shape = (1,) * (ndim - A.ndim) + A.shape
    apart = reshape(A, tuple(n for size in shape for n in (1, size)))
    wide = np.broadcast_to(apart, tuple(n for pair in zip(reps, shape, strict=True) for n in pair))
    return look_away(reshape(wide, tuple(r * n for r, n in zip(reps, shape, strict=True))))


@composed(np.repeat, methods=("repeat",))
def repeat(a: Array, repeats: Any, axis: int | None = None) -> Array:
    """`numpy.repeat`: take each index as often as it repeats."""
    a = arrayed(a)
    if axis is None:
        a, axis = ravel(a), 0
    (axis,) = normalize_axes(axis, a.ndim, "repeat")
    index = np.repeat(np.arange(a.shape[axis]), unwrap(repeats))
    return a[(slice(None),) * axis + (index,)]


composed(np.atleast_1d)(lambda *arys: _atleast(arys, 1))
composed(np.atleast_2d)(lambda *arys: _atleast(arys, 2))
composed(np.atleast_3d)(lambda *arys: _atleast(arys, 3))


def _atleast(arrays: Sequence[Any], ndim: int) -> Any:
    shaped = []
    for x in map(arrayed, arrays):
        missing = max(0, ndim - x.ndim)
        # numpy.atleast_3d puts a matrix's new axis last and a vector's on both sides
        tail = 1 if ndim == 3 and x.ndim in (1, 2) else 0
        shape = (1,) * (missing - tail) + x.shape + (1,) * tail
        shaped.append(x if not missing else reshape(x, shape))
    return shaped[0] if len(shaped) == 1 else tuple(shaped)


@composed(np.broadcast_arrays)
def broadcast_arrays(*args: Any, subok: bool = False) -> tuple[Any, ...]:  # noqa: ARG001  # Tensors have none
    """`numpy.broadcast_arrays`."""
    args = tuple(map(arrayed, args))
    shape = np.broadcast_shapes(*(x.shape for x in args))
    return tuple(x if x.shape == shape else np.broadcast_to(x, shape) for x in args)


def _cast_pull(ct: Cotangent, _out: Array, _x: Array, _dtype: Any) -> Array:
    if ct.dtype.kind == "c" and "f" in (_x.dtype.kind, np.dtype(_dtype).kind):
        ct = np.real(ct)
    return ct.astype(_x.dtype)


def cast(x: Array, dtype: Any) -> Array:
    """Return `x` in another floating or complex dtype."""
    return x.astype(dtype)


cast = linear(
    cast,
    _cast_pull,
    samples=(call((2, 3), np.float64), call((0,), np.float64), call((), np.float64)),
    composition=lambda x, dtype: x + np.zeros((), dtype),
    analytic=False,  # the real part is all that a cast to a real dtype keeps
)


@composed(np.astype, methods=("astype",), analytic=False)
def astype(x: Array, /, dtype: Any, copy: bool = True, *, device: Any = None) -> Array:
    """`numpy.astype`, in the machine's byte order, as all Tensors are.

    To integers or booleans it gives a plain array, which no gradient passes.
    """
    if device not in (None, "cpu"):
        raise UnsupportedFunctionError(f"astype: there is no device {device!r}; NumPy has 'cpu'")
    wanted = np.dtype(dtype)
    if wanted.kind not in "fc":
        return x.detach().numpy().astype(wanted)
    wanted = wanted.newbyteorder("=")
    return x if not copy and wanted == x.dtype else cast(x, wanted)


linear(
    np.copy,
    lambda ct, _out, _x: ct,
    forward=lambda a: a.copy() if isinstance(a, (np.ndarray, np.generic)) else np.copy(a),
    methods=("copy",),
    samples=(call((2, 3)), call((0, 3)), call(())),
)

flat(np.shares_memory, np.may_share_memory, why=NO_VALUE)
