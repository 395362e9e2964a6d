"""Numerical calculus: differences, gradients on a grid, the trapezoidal rule.

All composed of slices and arithmetic, so they also differentiate in the coordinates of the grid.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_bp.engine.arrays import Array
from tinygrad_bp.engine.constructors import composed
from tinygrad_bp.engine.rule import call
from tinygrad_bp.engine.shapes import Axis, Shape, normalize_axes
from tinygrad_bp.engine.tensor import Tensor, unwrap
from tinygrad_bp.errors import ShapeError, UnsupportedFunctionError
from tinygrad_bp.rules.indexing.indexing import slab
from tinygrad_bp.rules.linalg.matrices import as_arrays

ABSENT: Any = object()  # None would be a value


def _on_axis(x: Array, axis: int, ndim: int) -> Array:
    """Return the vector `x` shaped to broadcast along `axis` of an array of `ndim` dimensions."""
    return np.reshape(x, tuple(-1 if i == axis else 1 for i in range(ndim)))


# Differences


def _border(values: Array, shape: Shape, axis: int) -> list[Any]:
    """Return what is joined to an array of `shape`: an array, one number everywhere, or nothing."""
    if values is ABSENT:
        return []
    (values,) = as_arrays(values)
    if not values.ndim:
        values = np.broadcast_to(values, (*shape[:axis], 1, *shape[axis + 1 :]))
    return [values]


@composed(np.diff, samples=(call((5,)), call((2, 4), 2), call((3, 2), axis=0), call((0, 2))))
def diff(
    a: Array, n: int = 1, axis: int = -1, prepend: Any = ABSENT, append: Any = ABSENT
) -> Array:
    """`numpy.diff`: of booleans, whether neighbours differ."""
    (a,) = as_arrays(a)
    if n == 0:
        return a
    if n < 0 or not a.ndim:
        raise ShapeError(
            f"diff: expected n >= 0 and an array of one dimension or more, got n={n} and shape"
            f" {a.shape}"
        )
    (axis,) = normalize_axes(axis, a.ndim, "diff")
    whole = [*_border(prepend, a.shape, axis), a, *_border(append, a.shape, axis)]
    if len(whole) > 1:
        a = np.concatenate(whole, axis)
    subtract = np.not_equal if a.dtype == bool else np.subtract
    for _ in range(n):
        a = subtract(slab(a, axis, 1, None), slab(a, axis, None, -1))
    return a


def _flank(name: str, values: Array, dtype: Any) -> list[Any]:
    """Return `values`, flattened and in `dtype`, to put at an end of the differences."""
    if values is None:
        return []
    (values,) = as_arrays(values)
    if not np.can_cast(values.dtype, dtype, casting="same_kind"):
        raise UnsupportedFunctionError(
            f"ediff1d: {name} of {values.dtype} does not fit an array of {dtype}; cast one of them"
        )
    return [np.ravel(values if values.dtype == dtype else values.astype(dtype))]


@composed(np.ediff1d, samples=(call((4,)), call((2, 3), (2,), (1,)), call((0,)), call((), 1.5)))
def ediff1d(ary: Array, to_end: Any = None, to_begin: Any = None) -> Array:
    """`numpy.ediff1d`: differences of neighbours in the flattened array, and what stands around."""
    (ary,) = as_arrays(ary)
    ary = np.ravel(ary)
    inner = ary[1:] - ary[:-1]
    begin, end = _flank("to_begin", to_begin, ary.dtype), _flank("to_end", to_end, ary.dtype)
    return np.concatenate([*begin, inner, *end]) if begin or end else inner


# Gradients on a grid: central differences inside, one-sided ones at the edges.


def _spacing(coordinates: Any, length: int) -> Any:
    """Return the distances between `coordinates`, as one number if they are equal.

    Tracked coordinates move each by itself: their distances are never one number.
    """
    (coordinates,) = as_arrays(coordinates)
    if not coordinates.ndim:
        return coordinates
    if coordinates.shape != (length,):
        raise ShapeError(
            f"gradient: expected a number or {length} coordinates, got shape {coordinates.shape}"
        )
    if coordinates.dtype.kind in "iu":  # differences of unsigned integers would wrap around
        coordinates = coordinates.astype(np.float64)
    apart = diff(coordinates)
    if isinstance(apart, Tensor) and apart.requires_grad:
        return apart
    apart = unwrap(apart)
    return apart[0] if apart.size and np.all(apart == apart[0]) else apart


def _spacings(given: tuple[Any, ...], lengths: list[int]) -> list[Any]:
    """Return the spacing of each axis: one number, or the distances between neighbours."""
    if not given:
        return [1.0] * len(lengths)
    if len(given) == 1 and np.ndim(given[0]) == 0:
        return [given[0]] * len(lengths)
    if len(given) != len(lengths):
        raise UnsupportedFunctionError(
            f"gradient: {len(given)} spacings for {len(lengths)} axes; give none, one number for"
            " all, or one for each"
        )
    return [
        one if np.ndim(one) == 0 else _spacing(one, length)
        for one, length in zip(given, lengths, strict=True)
    ]


def _inside(f: Any, h: Any, axis: int) -> Any:
    before, after = slab(f, axis, None, -2), slab(f, axis, 2, None)
    if np.ndim(h) == 0:
        return (after - before) / (2.0 * h)
    left, right = (_on_axis(part, axis, f.ndim) for part in (h[:-1], h[1:]))
    return (
        -right / (left * (left + right)) * before
        + (right - left) / (left * right) * slab(f, axis, 1, -1)
        + left / (right * (left + right)) * after
    )


def _edge_weights(h: Any, near: int, next_to_it: int) -> tuple[Any, Any, Any]:
    """Return the weights of the three values at an edge, from the edge inwards."""
    if np.ndim(h) == 0:
        return -1.5 / h, 2.0 / h, -0.5 / h
    a, b = h[near], h[next_to_it]
    return -(2.0 * a + b) / (a * (a + b)), (a + b) / (a * b), -a / (b * (a + b))


def _edges(f: Any, h: Any, axis: int, edge_order: int) -> tuple[Any, Any]:
    """Return the derivative at both edges, of first or second order in the spacing."""
    if edge_order == 1:
        first, last = (h, h) if np.ndim(h) == 0 else (h[0], h[-1])
        return (
            (slab(f, axis, 1, 2) - slab(f, axis, 0, 1)) / first,
            (slab(f, axis, -1, None) - slab(f, axis, -2, -1)) / last,
        )
    a, b, c = _edge_weights(h, 0, 1)
    first = a * slab(f, axis, 0, 1) + b * slab(f, axis, 1, 2) + c * slab(f, axis, 2, 3)
    a, b, c = (-weight for weight in _edge_weights(h, -1, -2))  # mirrored, so with the other sign
    last = c * slab(f, axis, -3, -2) + b * slab(f, axis, -2, -1) + a * slab(f, axis, -1, None)
    return first, last


@composed(np.gradient, samples=(call((4,)), call((3, 4), axis=1), call((5,), 0.5, edge_order=2)))
def gradient(f: Any, *varargs: Any, axis: Axis = None, edge_order: int = 1) -> Any:
    """`numpy.gradient`; also in the spacings and in the coordinates of the grid."""
    (f,) = as_arrays(f)
    axes = normalize_axes(axis, f.ndim, "gradient")
    spacings = _spacings(varargs, [f.shape[i] for i in axes])
    if edge_order > 2 or any(f.shape[i] <= edge_order for i in axes):
        raise ShapeError(
            f"gradient: edge_order={edge_order} of shape {f.shape}; expected 1 or 2, and more"
            " elements than that along each axis"
        )
    if f.dtype.kind in "iu":
        f = f.astype(np.float64)
    dtype = f.dtype if f.dtype.kind in "fc" else np.dtype(float)
    found = []
    for i, h in zip(axes, spacings, strict=True):
        first, last = _edges(f, h, i, edge_order)
        slope = np.concatenate([first, _inside(f, h, i), last], i)
        found.append(slope if slope.dtype == dtype else slope.astype(dtype))
    return found[0] if len(found) == 1 else tuple(found)


# Integrals


@composed(
    np.trapezoid,
    samples=(call((5,)), call((2, 4), (4,)), call((3, 2), dx=0.5, axis=0), call((2, 0))),
)
def trapezoid(y: Array, x: Array = None, dx: Any = 1.0, axis: int = -1) -> Array:
    """`numpy.trapezoid`; also in the coordinates `x` and the spacing `dx`."""
    (y,) = as_arrays(y)
    (place,) = normalize_axes(axis, y.ndim, "trapezoid")
    if x is None:
        widths = np.asarray(dx) if isinstance(dx, (list, tuple)) else dx
    else:
        (x,) = as_arrays(x)
        widths = _on_axis(diff(x), place, y.ndim) if x.ndim == 1 else diff(x, axis=axis)
    areas = widths * (slab(y, place, 1, None) + slab(y, place, None, -1)) / 2.0
    return np.sum(areas, axis=axis)
