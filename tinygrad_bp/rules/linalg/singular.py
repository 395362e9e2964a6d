"""Singular values and vectors.

Sources: Giles (2008), "Collected matrix derivative results for forward and reverse mode algorithmic
differentiation", section 3; Townsend (2016), "Differentiating the singular value decomposition",
for rectangular matrices; Wan & Zhang (2019), "Automatic differentiation for complex valued SVD".
What is arbitrary in vectors is told at the head of `eigen`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_bp.engine.arrays import Array, Cotangent
from tinygrad_bp.engine.constructors import composed, general
from tinygrad_bp.engine.recording import nary
from tinygrad_bp.engine.rule import TABLE, call
from tinygrad_bp.engine.shapes import Shape
from tinygrad_bp.engine.tensor import unwrap
from tinygrad_bp.rules.linalg.decompositions import folded
from tinygrad_bp.rules.linalg.matrices import (
    OPEN,
    PHASE,
    Known,
    adjoint,
    conj,
    diagonal_matrix,
    diagonal_of,
    imaginary,
    matched,
    over_gaps,
    packed,
    part,
    parts,
    real,
    require_invariance,
    result_type,
    used_columns,
    vectors_of,
)
from tinygrad_bp.rules.linalg.products import transposed


def _svd_shapes(shape: Shape, full: bool) -> tuple[Shape, Shape, Shape]:
    m, n = shape[-2:]
    k = min(m, n)
    return (m, m if full else k), (k,), (n if full else k, n)


def packed_svd(a: Array, full_matrices: bool) -> Array:
    """Return U, the singular values and V^H, flattened and joined."""
    return packed(np.linalg.svd(a, full_matrices), (2, 1, 2))


def _over(x: Array, s: Array, used: Any) -> Array:
    """Return ``x / s`` by columns; 0 where a column is not used, whatever its singular value."""
    return np.where(used, x / np.where(used, s, 1), 0)


def _pairs(s: Array) -> tuple[Any, Any, tuple[Any, Any]]:
    """Return the values of each pair, by columns and by rows, and their shares of their sum.

    The derivatives have the difference of their squares for a divisor, which would overflow.
    """
    columns, rows = np.expand_dims(real(s), -2), np.expand_dims(real(s), -1)
    total = columns + rows
    total = np.where(total == 0, 1, total)
    return columns, rows, (columns / total, rows / total)


def _svd_pull(ct: Cotangent, out: Array, _a: Array, full: bool) -> Array:
    shapes = _svd_shapes(_a.shape, full)
    (u, s, vh), (ct_u, ct_s, ct_vh) = parts(out, shapes), parts(matched(ct, out), shapes)
    k = s.shape[-1]
    u, ct_u = folded("svd", u, ct_u, k)
    v, ct_v = folded("svd", adjoint(vh), adjoint(ct_vh), k)
    x, y = transposed(u) @ ct_u, transposed(v) @ ct_v
    used = used_columns(ct_u, ct_v)
    columns, rows, (column_part, row_part) = _pairs(s)
    moved = (x - adjoint(x)) * column_part + row_part * (y - adjoint(y))
    inner = over_gaps(moved, columns - rows, used) + diagonal_matrix(real(ct_s))
    each = np.expand_dims(used, -2)
    if x.dtype.kind == "c":
        turn = imaginary(diagonal_of(x))
        both = packed(unwrap((ct_u, ct_v)), (2, 2))
        require_invariance("svd", turn + imaginary(diagonal_of(y)), both, out, PHASE)
        inner = inner + _over(diagonal_matrix(turn), columns, each)
    g = conj(u) @ inner @ transposed(v)
    m, n = _a.shape[-2:]
    if m > k:
        g = g + _over(ct_u - conj(u) @ x, columns, each) @ transposed(v)
    if n > k:
        g = g + conj(u) @ adjoint(_over(ct_v - conj(v) @ y, columns, each))
    return g


def _svd_push(tangents: Any, out: Array, _a: Array, full: bool) -> Array:
    u, s, vh = parts(out, _svd_shapes(_a.shape, full))
    k = s.shape[-1]
    v = adjoint(vh)
    first, last = u[..., :k], v[..., :k]
    x = adjoint(first) @ tangents[0] @ last
    columns, rows, (column_part, row_part) = _pairs(s)
    gaps, used = columns - rows, np.ones(s.shape, bool)
    turn_u = over_gaps(x * column_part + row_part * adjoint(x), gaps, used)
    turn_v = over_gaps(row_part * x + adjoint(x) * column_part, gaps, used)
    if x.dtype.kind == "c":
        turn_u = turn_u + diagonal_matrix(imaginary(diagonal_of(x))) / columns
    left = tangents[0] @ last
    right = adjoint(tangents[0]) @ first
    t_u = first @ turn_u + (left - first @ (adjoint(first) @ left)) / columns
    t_v = last @ turn_v + (right - last @ (adjoint(last) @ right)) / columns
    t_u = np.concatenate([t_u, -first @ (adjoint(t_u) @ u[..., k:])], axis=-1)
    t_v = np.concatenate([t_v, -last @ (adjoint(t_v) @ v[..., k:])], axis=-1)
    return packed((t_u, real(diagonal_of(x)), adjoint(t_v)), (2, 1, 2))


packed_svd = general(
    packed_svd,
    _svd_pull,
    push=_svd_push,
    samples=(
        call((2, 2), full_matrices=False),
        call((4, 2), full_matrices=False),
        call((2, 4), full_matrices=False),
        call((2, 3, 2), full_matrices=False),
        call((1, 1), full_matrices=False),
        call((0, 3), full_matrices=False),
        call((3, 2), full_matrices=True),
        call((2, 3), full_matrices=True),
    ),
    analytic=False,
    by_value=OPEN,
)


def _svd_vectors(like: Any, a: Array, known: Known | None) -> tuple[Any, Any]:
    """Return U and V^T: the singular values' own derivative is ``Re diag(U^H dA V)``."""
    u, vh = vectors_of(known, like, lambda: np.linalg.svd(a, full_matrices=False)[::2])
    return u, conj(vh)


def _svdvals_pull(ct: Cotangent, _out: Array, a: Array, known: Known | None) -> Array:
    u, vt = _svd_vectors(ct, a, known)
    return (conj(u) * np.expand_dims(real(ct), -2)) @ vt


def _svdvals_push(tangents: Any, _out: Array, a: Array, known: Known | None) -> Array:
    u, vt = _svd_vectors(tangents[0], a, known)
    return real(np.sum(conj(u) * (tangents[0] @ transposed(vt)), axis=-2))


svdvals = general(
    np.linalg.svdvals,
    _svdvals_pull,
    push=_svdvals_push,
    forward=lambda x, known=None: known.values if known else np.linalg.svd(x, compute_uv=False),
    samples=(call((3, 3)), call((4, 2)), call((2, 4)), call((2, 3, 2)), call((0, 3))),
    analytic=False,
)


@composed(np.linalg.svd, analytic=False)
def svd(
    a: Array, full_matrices: bool = True, compute_uv: bool = True, hermitian: bool = False
) -> Array:
    """`numpy.linalg.svd`; `eigen` tells of equal values and null spaces."""
    if hermitian:
        return _hermitian_svd(a, compute_uv)
    if not compute_uv:
        return svdvals(a)
    m, n = a.shape[-2:]
    shapes = _svd_shapes(a.shape, full_matrices)
    whole = packed_svd(a, full_matrices)
    u, vh = part(whole, shapes, 0), part(whole, shapes, 2)
    k = min(m, n)
    u_raw, s_raw, vh_raw = parts(unwrap(whole), shapes)
    known = Known(real(s_raw), u_raw[..., :k], vh_raw[..., :k, :])
    return result_type("svd")(u, nary(TABLE["svdvals"], (a,), (known,)), vh)


def _hermitian_svd(a: Array, compute_uv: bool) -> Array:
    """Return what `svd` does, from the eigenvalues: their sizes, in descending order."""
    w, u = np.linalg.eigh(a) if compute_uv else (np.linalg.eigvalsh(a), None)
    order = np.argsort(np.abs(unwrap(w)))[..., ::-1]
    s = np.take_along_axis(np.abs(w), order, axis=-1)
    if u is None:
        return s
    u = np.take_along_axis(u, order[..., None, :], axis=-1)
    signs = np.take_along_axis(np.sign(unwrap(w)), order, axis=-1)
    return result_type("svd")(u, s, adjoint(u * signs[..., None, :]))
