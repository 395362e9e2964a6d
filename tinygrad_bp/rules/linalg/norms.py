"""Norms of vectors and matrices, and the condition number.

Composed of sums, extrema and singular values.  A norm has a kink at zero and no derivative there;
as for `abs`, the gradient is 0.  `rules.conventions` says what is known of what lies above.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tinygrad_bp.engine.arrays import Array
from tinygrad_bp.engine.constructors import composed
from tinygrad_bp.engine.shapes import Axis, normalize_axes
from tinygrad_bp.engine.tensor import unwrap
from tinygrad_bp.errors import ShapeError
from tinygrad_bp.rules.conventions import undefined
from tinygrad_bp.rules.linalg.matrices import floating, real
from tinygrad_bp.rules.reductions.lengths import length
from tinygrad_bp.rules.unread import may_hold

FROBENIUS = (None, "fro", "f")


def _of_order(x: Array, p: float, axis: Axis, keepdims: bool) -> Array:
    """Return ``sum(abs(x)**p)**(1/p)``; one that has overflowed has a derivative of NaN."""
    unit = _unit(np.abs(unwrap(x)), p, axis)
    far = unit != 1
    norm = _finite_of_order(x / unit if may_hold(far) else x, p, axis, keepdims=True)
    norm = norm * unit if may_hold(far) else norm
    lost = np.isinf(unwrap(norm))
    if may_hold(lost):
        norm = norm + real(np.sum(undefined(x, lost, 1), axis=axis, keepdims=True))
    return norm if keepdims else np.squeeze(norm, axis)


def _unit(size: Array, p: float, axis: Axis) -> Array:
    """Return the smallest size where powers in the slope of a negative order are out of range.

    There the value is not; the norm of x is the unit times that of ``x / unit``, whatever it is.
    """
    if p > 0:
        return np.ones((), size.dtype)
    least = np.min(size, axis=axis, keepdims=True, initial=np.inf)
    reach = float(np.finfo(size.dtype).max) ** (0.9 / (1 - p))
    inside = (least == 0) | np.isinf(least) | ((least > 1 / reach) & (least < reach))
    # not all of it: what comes back is divided by p before it is made small
    return np.where(inside, 1, least * min(1.0, -p)).astype(size.dtype)


def _finite_of_order(x: Array, p: float, axis: Axis, keepdims: bool) -> Array:
    """Return the norm; where it, or an element, is 0, so is its gradient."""
    size = np.abs(x)
    plain = unwrap(size)
    none = plain == 0
    if not may_hold(none):
        return np.sum(size**p, axis=axis, keepdims=keepdims) ** (1 / p)
    zero = (np.any if p < 0 else np.all)(none, axis=normalize_axes(axis, x.ndim), keepdims=True)
    held = zero if p < 0 else none
    powers = np.where(held, 0, np.where(held, 1, size) ** p)
    total = np.sum(powers, axis=axis, keepdims=keepdims)
    # of a negative order as NumPy has it, with its warnings
    least = np.sum(plain**p, axis=axis, keepdims=keepdims) ** (1 / p) if p < 0 else 0
    at = np.reshape(zero, total.shape)
    norm = np.where(at, least, np.where(at, 1, total) ** (1 / p))
    # all derivatives of abs(x)**p below the p-th are 0 where x is
    unknown = undefined(x, zero, 2) + undefined(x, none, max(2, math.ceil(p)))
    return norm + real(np.sum(unknown, axis=axis, keepdims=keepdims))


def _largest(x: Array, axis: Axis, keepdims: bool) -> Array:
    if any(x.shape[i] == 0 for i in normalize_axes(axis, x.ndim)):
        return np.sum(x, axis=axis, keepdims=keepdims)  # no norm is larger than 0
    return np.max(x, axis=axis, keepdims=keepdims)


def _vector_norm(x: Array, p: Any, axis: Axis, keepdims: bool) -> Array:
    if isinstance(p, str):
        raise ShapeError(
            f"norm: {p!r} is a norm of matrices; for vectors give a number, for matrices two axes"
        )
    if p is None or p == 2:
        return length(x, axis, keepdims)
    size = np.abs(x)
    if p == np.inf:
        return _largest(size, axis, keepdims)
    if p == -np.inf:
        return np.min(size, axis=axis, keepdims=keepdims)
    if p == 0:  # counts, and stays in the graph with the derivative 0
        return np.sum(np.where(x == 0, size * 0, 1), axis=axis, keepdims=keepdims)
    if p == 1:
        return np.sum(size, axis=axis, keepdims=keepdims)
    return _of_order(x, float(p), axis, keepdims)  # a NumPy scalar would widen float32


def _matrix_norm(x: Array, order: Any, rows: int, columns: int, keepdims: bool) -> Array:
    if order in FROBENIUS:
        return _vector_norm(x, 2, (rows, columns), keepdims)
    if order in (2, -2, "nuc"):
        matrix = np.moveaxis(x, (rows, columns), (-2, -1))
        norm = _of_singular_values(np.linalg.svdvals(matrix), order)
        zero = unwrap(norm) == 0
        if may_hold(zero):  # the singular vectors are LAPACK's choice
            norm = norm * ~zero + _unknown(matrix, zero)
        return np.expand_dims(norm, (rows, columns)) if keepdims else norm
    if order not in (1, -1, np.inf, -np.inf):
        raise ShapeError(
            f"norm: {order!r} is no norm of matrices; give 'fro', 'nuc', or one of 1, -1, 2, -2,"
            " inf, -inf"
        )
    summed, kept = (rows, columns) if order in (1, -1) else (columns, rows)
    sums = np.sum(np.abs(x), axis=summed, keepdims=True)
    total = (
        _largest(sums, kept, keepdims=True) if order > 0 else np.min(sums, axis=kept, keepdims=True)
    )
    return total if keepdims else np.squeeze(total, (rows, columns))


def _unknown(matrix: Any, where: Any) -> Any:
    """Return zeros, one a matrix, of which no derivative above the first is known there."""
    return real(np.sum(undefined(matrix, where[..., None, None], 2), axis=(-2, -1)))


def _of_singular_values(s: Array, order: Any) -> Array:
    if order == 2:
        return _largest(s, -1, keepdims=False)
    return np.min(s, axis=-1) if order == -2 else np.sum(s, axis=-1)


@composed(np.linalg.norm, analytic=False)
def norm(x: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Any:  # noqa: A002  # its name
    """`numpy.linalg.norm`; the gradient of the norm of a zero vector is 0."""
    x = floating(x)
    if axis is None and (ord is None or x.ndim not in (1, 2)):
        if ord is not None:
            raise ShapeError(
                f"norm: ord={ord!r} of {x.ndim} dimensions; give axis=, one for vectors, two for"
                " matrices"
            )
        return _vector_norm(x, 2, None, keepdims)
    axes = normalize_axes(axis, x.ndim, "norm")
    if len(axes) == 1:
        return _vector_norm(x, ord, axes[0], keepdims)
    if len(axes) == 2:
        return _matrix_norm(x, ord, axes[0], axes[1], keepdims)
    raise ShapeError(
        f"norm: axis {axis} names {len(axes)} axes; one is for vectors, two for matrices"
    )


@composed(np.linalg.matrix_norm, analytic=False)
def matrix_norm(x: Any, *, keepdims: bool = False, ord: Any = "fro") -> Any:  # noqa: A002  # its name
    """`numpy.linalg.matrix_norm`: of the last two axes."""
    x = floating(x)
    rows, columns = normalize_axes((-2, -1), x.ndim, "matrix_norm")
    return _matrix_norm(x, ord, rows, columns, keepdims)


@composed(np.linalg.vector_norm, analytic=False)
def vector_norm(x: Any, *, axis: Any = None, keepdims: bool = False, ord: Any = 2) -> Any:  # noqa: A002  # its name
    """`numpy.linalg.vector_norm`: over all axes, or those given, as one vector."""
    return _vector_norm(floating(x), ord, axis, keepdims)


@composed(np.linalg.cond, analytic=False)
def cond(x: Array, p: Any = None) -> Array:
    """`numpy.linalg.cond`: infinite for a matrix without an inverse, where the gradient is 0."""
    x = floating(x)
    if 0 in x.shape[-2:]:
        raise ShapeError(f"cond: a matrix of shape {x.shape} has no condition number")
    if p is None or p in (2, -2):
        s = np.linalg.svdvals(x)
        over, under = (s[..., -1], s[..., 0]) if p == -2 else (s[..., 0], s[..., -1])
        singular = unwrap(under) == 0
        if not np.any(singular):
            return over / under
        found = np.where(singular, np.inf, over / np.where(singular, 1, under))
        return found + _unknown(x, singular)
    singular = np.linalg.slogdet(unwrap(x))[0] == 0
    if not np.any(singular):
        return norm(x, p, (-2, -1)) * norm(np.linalg.inv(x), p, (-2, -1))
    one = np.eye(x.shape[-1], dtype=x.dtype)
    found = cond(np.where(singular[..., None, None], one, x), p)
    return np.where(singular, np.inf, found) + _unknown(x, singular)
