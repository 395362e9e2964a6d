"""Norms of vectors and matrices, and the condition number.

Composed of sums, extrema and singular values.  A norm has a kink at zero and no derivative there;
as for `abs`, the gradient is 0.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_bp.engine.constructors import composed
from tinygrad_bp.engine.shapes import Axis, normalize_axes
from tinygrad_bp.engine.tensor import unwrap
from tinygrad_bp.errors import ShapeError
from tinygrad_bp.rules.linalg.matrices import conj, floating, real

FROBENIUS = (None, "fro", "f")


def _power(x: Any, p: float) -> Any:
    """Return ``x**p`` of a non-negative `x`; its derivative at 0 is 0 for p > 0, not inf or NaN."""
    if p < 0:
        return x**p
    return np.where(x == 0, 0, np.where(x == 0, 1, x) ** p)


def _squares(x: Any) -> Any:
    return real(conj(x) * x)


def _largest(x: Any, axis: Axis, keepdims: bool) -> Any:
    if any(x.shape[i] == 0 for i in normalize_axes(axis, x.ndim)):
        return np.sum(x, axis=axis, keepdims=keepdims)  # no norm is larger than 0
    return np.max(x, axis=axis, keepdims=keepdims)


def _vector_norm(x: Any, p: Any, axis: Axis, keepdims: bool) -> Any:
    if isinstance(p, str):
        raise ShapeError(
            f"norm: {p!r} is a norm of matrices; for vectors give a number, for matrices two axes"
        )
    if p is None or p == 2:
        return _power(np.sum(_squares(x), axis=axis, keepdims=keepdims), 0.5)
    size = np.abs(x)
    if p == np.inf:
        return _largest(size, axis, keepdims)
    if p == -np.inf:
        return np.min(size, axis=axis, keepdims=keepdims)
    if p == 0:  # counts, and stays in the graph with the derivative 0
        return np.sum(np.where(x == 0, size * 0, 1), axis=axis, keepdims=keepdims)
    if p == 1:
        return np.sum(size, axis=axis, keepdims=keepdims)
    p = float(p)  # a NumPy scalar would widen float32
    return _power(np.sum(_power(size, p), axis=axis, keepdims=keepdims), 1 / p)


def _matrix_norm(x: Any, order: Any, rows: int, columns: int, keepdims: bool) -> Any:
    if order in FROBENIUS:
        return _vector_norm(x, 2, (rows, columns), keepdims)
    if order in (2, -2, "nuc"):
        norm = _of_singular_values(
            np.linalg.svdvals(np.moveaxis(x, (rows, columns), (-2, -1))), order
        )
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


def _of_singular_values(s: Any, order: Any) -> Any:
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
def cond(x: Any, p: Any = None) -> Any:
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
        return np.where(singular, np.inf, over / np.where(singular, 1, under))
    singular = np.linalg.slogdet(unwrap(x))[0] == 0
    if not np.any(singular):
        return norm(x, p, (-2, -1)) * norm(np.linalg.inv(x), p, (-2, -1))
    one = np.eye(x.shape[-1], dtype=x.dtype)
    return np.where(singular, np.inf, cond(np.where(singular[..., None, None], one, x), p))
