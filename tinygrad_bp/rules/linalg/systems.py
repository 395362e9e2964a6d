"""Inverses and linear systems: inv, solve, pinv, lstsq, tensorsolve, tensorinv.

Sources: Giles (2008), "Collected matrix derivative results for forward and reverse mode algorithmic
differentiation", section 2.2; Golub & Pereyra (1973), "The differentiation of pseudo-inverses and
nonlinear least squares problems whose variables separate", section 4.
"""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from tinygrad_bp.engine.arrays import Array, Cotangent
from tinygrad_bp.engine.constructors import composed, flat, general
from tinygrad_bp.engine.rule import call
from tinygrad_bp.engine.shapes import normalize_axes
from tinygrad_bp.engine.tensor import unwrap
from tinygrad_bp.errors import ShapeError, UnsupportedFunctionError
from tinygrad_bp.rules.linalg.matrices import (
    SQUARE,
    adjoint,
    as_arrays,
    conj,
    floating,
    hermitian,
    real,
)
from tinygrad_bp.rules.linalg.products import transposed

inv = general(
    np.linalg.inv,
    lambda ct, out, _a: -transposed(out) @ ct @ transposed(out),
    push=lambda tangents, out, _a: -out @ tangents[0] @ out,
    forward=lambda a: np.linalg.inv(a),
    samples=SQUARE,
)

# Linear systems.  Only a b of exactly one dimension is a vector, all else is a stack of matrices;
# the result then has one dimension less than a, and never otherwise.


def _solved(a: Array, b: Array) -> Array:
    """Return ``inv(a) @ b`` for a cotangent or tangent `b` of the shape of a result."""
    if b.ndim >= a.ndim:
        return np.linalg.solve(a, b)
    return np.linalg.solve(a, np.expand_dims(b, -1))[..., 0]


def _solve_matrix(ct: Cotangent, out: Array, a: Array, _b: Array) -> Array:
    g = _solved(transposed(a), ct)
    if ct.ndim < a.ndim:
        return -np.expand_dims(g, -1) * np.expand_dims(out, -2)
    return -g @ transposed(out)


def _solve_push(tangents: Any, out: Array, a: Array, _b: Array) -> Array:
    ta, tb = tangents
    if ta is None:  # the pull of b alone does not read out
        return np.linalg.solve(a, tb)
    moved = -(ta @ np.expand_dims(out, -1))[..., 0] if out.ndim < a.ndim else -ta @ out
    return _solved(a, moved if tb is None else moved + tb)


solve = general(
    np.linalg.solve,
    _solve_matrix,
    lambda ct, _out, a, _b: _solved(transposed(a), ct),
    push=_solve_push,
    forward=lambda a, b: np.linalg.solve(a, b),
    broadcasts=True,
    remedy="; expected a (..., n, n) and b (n,) or (..., n, k)",
    samples=(
        call((3, 3), (3,)),
        call((3, 3), (3, 2)),
        call((2, 3, 3), (3,)),
        call((2, 3, 3), (3, 2)),
        call((3, 3), (2, 3, 2)),
        call((2, 1, 2, 2), (3, 2, 1)),
        call((0, 0), (0, 2)),
        call((2, 2), (2, 0)),
    ),
)


# The pseudoinverse: by Golub & Pereyra for a rank that stays as it is, which is the case unless
# rcond cuts off singular values that are more than rounding.

ROUNDING = 16  # times n eps of the largest: what a singular value of 0 may come out as


def _pinv_pull(ct: Cotangent, out: Array, a: Array, _rcond: Any, symmetric: bool) -> Array:
    if a.shape[-2] < a.shape[-1]:  # no product below is larger than the matrix, if it is tall
        return adjoint(_pinv_pull(adjoint(ct), adjoint(out), adjoint(a), _rcond, symmetric))
    size, a, out = _sized(a, out)
    back = adjoint(ct)
    right, left = back @ (conj(out) @ transposed(out)), transposed(out) @ (conj(out) @ back)
    g = (
        right
        - conj(a) @ (conj(out) @ right)
        + left
        - left @ (conj(out) @ conj(a))
        - transposed(out) @ (ct @ transposed(out))
    )
    g = g / size / size
    return hermitian(g) if symmetric else g


def _sized(a: Array, out: Array) -> tuple[Any, Any, Any]:
    """Return the size of `a`, and both in units of it: products of two would over- or underflow."""
    size = np.max(np.abs(unwrap(a)), axis=(-2, -1), keepdims=True, initial=0)
    size = np.where(size == 0, 1, size)
    return size, a / size, out * size


def _pinv_push(tangents: Any, out: Array, a: Array, _rcond: Any, symmetric: bool) -> Array:
    t = hermitian(tangents[0]) if symmetric else tangents[0]
    if a.shape[-2] < a.shape[-1]:
        return adjoint(_pinv_push((adjoint(t),), adjoint(out), adjoint(a), _rcond, symmetric))
    size, a, out = _sized(a, out)
    back = adjoint(t)
    left, right = (out @ adjoint(out)) @ back, (back @ adjoint(out)) @ out
    moved = left - (left @ a) @ out + right - (out @ a) @ right - (out @ t) @ out
    return moved / size / size


def _pinv_bind(a: Array, rcond: Any = None, hermitian: bool = False, **rtol: Any) -> Array:
    a = floating(a)
    if rcond is None and rtol:
        rcond = rtol["rtol"]
        if rcond is None:
            rcond = max(a.shape[-2:]) * float(np.finfo(a.dtype).eps)
    elif rtol:
        raise UnsupportedFunctionError("pinv: rcond and rtol mean the same; give one of them")
    if rcond is not None and prod(a.shape):
        a = _cut(a, np.asarray(unwrap(rcond)), hermitian)
    return (a,), (1e-15 if rcond is None else rcond, hermitian)  # numpy.linalg.pinv's own default


def _cut(a: Array, rcond: Any, hermitian: bool) -> Array:
    """Return `a` without the singular values that `rcond` cuts off, if any is not rounding."""
    noise = ROUNDING * max(a.shape[-2:]) * float(np.finfo(a.dtype).eps)
    if np.max(rcond) <= noise:
        return a
    s = np.linalg.svd(unwrap(a), compute_uv=False, hermitian=hermitian)
    relative = s / np.where(s[..., :1] == 0, 1, s[..., :1])
    below = relative <= rcond[..., None]
    if not np.any(below & (relative > noise)):
        return a
    u, s, vh = np.linalg.svd(a, full_matrices=False, hermitian=hermitian)
    return (u * np.expand_dims(np.where(below, 0, s), -2)) @ vh


pinv = general(
    np.linalg.pinv,
    _pinv_pull,
    push=_pinv_push,
    forward=lambda a, rcond, hermitian: np.linalg.pinv(a, rcond, hermitian),
    bind=_pinv_bind,
    symmetric=lambda _rcond, hermitian: hermitian,
    samples=(
        call((3, 3)),
        call((4, 2)),
        call((2, 4)),
        call((2, 3, 2)),
        call((3, 2), rcond=1e-12),
        call((0, 2)),
        call((3, 0)),
    ),
    analytic=False,
    by_value="a rank is a decision",
)


@composed(np.linalg.lstsq, analytic=False)
def lstsq(a: Array, b: Array, rcond: Any = None) -> tuple[Any, Any, Any, Any]:
    """`numpy.linalg.lstsq`; the rank is a plain integer."""
    a, b = map(floating, as_arrays(a, b))
    if a.ndim != 2 or b.ndim not in (1, 2) or a.shape[0] != b.shape[0]:
        raise ShapeError(
            f"lstsq: expected a (m, n) and b (m,) or (m, k), got {a.shape} and {b.shape}; for"
            " stacks of matrices use numpy.linalg.pinv(a) @ b"
        )
    m, n = a.shape
    s = np.linalg.svdvals(a)
    eps = float(np.finfo(s.dtype).eps)
    cutoff = eps * max(m, n) if rcond is None else eps if rcond < 0 else rcond
    x = np.linalg.pinv(a, cutoff) @ b
    values = unwrap(s)
    rank = int(np.count_nonzero(values > cutoff * np.max(values, initial=0)))
    if rank < n or m <= n:
        return x, np.zeros(0, s.dtype), rank, s
    residual = b - a @ x
    return x, np.atleast_1d(np.sum(real(conj(residual) * residual), axis=0)), rank, s


@composed(np.linalg.tensorsolve)
def tensorsolve(a: Array, b: Array, axes: Any = None) -> Array:
    """`numpy.linalg.tensorsolve`."""
    a, b = as_arrays(a, b)
    if axes is not None:
        moved = normalize_axes(axes, a.ndim, "tensorsolve")
        a = np.transpose(a, (*(i for i in range(a.ndim) if i not in moved), *moved))
    shape = a.shape[b.ndim :]
    n = prod(shape)
    if prod(a.shape) != n * n or b.size != n:
        raise ShapeError(
            f"tensorsolve: a of shape {a.shape} is not square for b of shape {b.shape}: the lengths"
            " after b's dimensions must multiply to b's size"
        )
    return np.reshape(np.linalg.solve(np.reshape(a, (n, n)), np.ravel(b)), shape)


@composed(np.linalg.tensorinv)
def tensorinv(a: Array, ind: int = 2) -> Array:
    """`numpy.linalg.tensorinv`."""
    if ind <= 0:
        raise ShapeError(f"tensorinv: ind must be positive, got {ind}")
    rows, columns = prod(a.shape[:ind]), prod(a.shape[ind:])
    inverse = np.linalg.inv(np.reshape(a, (rows, columns)))
    return np.reshape(inverse, a.shape[ind:] + a.shape[:ind])


flat(np.linalg.matrix_rank)
