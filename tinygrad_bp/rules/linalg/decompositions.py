"""Triangular factorisations: Cholesky and QR.

Sources: Murray (2016), "Differentiation of the Cholesky decomposition"; Walter & Lehmann (2010),
"Algorithmic differentiation of linear algebra functions with application in optimum experimental
design", for the QR factors of a tall matrix; Roberts & Roberts (2020), "QR and LQ decomposition
matrix backpropagation algorithms for square, wide, and deep matrices", for a wide one.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_bp.engine.arrays import Array, Cotangent
from tinygrad_bp.engine.constructors import composed, general
from tinygrad_bp.engine.rule import POSITIVE, call
from tinygrad_bp.engine.shapes import Shape
from tinygrad_bp.errors import UnsupportedFunctionError
from tinygrad_bp.rules.linalg.matrices import (
    OPEN,
    adjoint,
    conj,
    divided,
    half_lower,
    hermitian,
    matched,
    packed,
    part,
    parts,
    require_invariance,
    result_type,
)
from tinygrad_bp.rules.linalg.products import transposed


def _cholesky_pull(ct: Cotangent, out: Array, _a: Array, upper: bool) -> Array:
    """Transpose ``dL = L phi(L^-1 dA L^-H)``, where phi takes the lower half of its argument."""
    factor, ct = (adjoint(out), adjoint(ct)) if upper else (out, ct)
    inner = half_lower(transposed(factor) @ ct)
    return hermitian(divided(np.linalg.solve(transposed(factor), inner), conj(factor)))


def _cholesky_push(tangents: Any, out: Array, _a: Array, upper: bool) -> Array:
    factor = adjoint(out) if upper else out
    inner = divided(np.linalg.solve(factor, hermitian(tangents[0])), adjoint(factor))
    t = factor @ half_lower(inner)
    return adjoint(t) if upper else t


# The gradient is the Hermitian one: NumPy reads one triangle, which stands for both.
cholesky = general(
    np.linalg.cholesky,
    _cholesky_pull,
    push=_cholesky_push,
    forward=lambda a, upper=False: np.linalg.cholesky(a, upper=upper),
    remedy="; the matrix must be Hermitian and positive definite",
    domain=POSITIVE,
    samples=(call((1, 1)), call((3, 1, 1)), call((1, 1), upper=True), call((0, 0))),
    analytic=False,
    symmetric=True,
)


def folded(name: str, q: Array, ct: Cotangent, k: int) -> tuple[Any, Any]:
    """Return the first `k` columns of a full orthonormal `q`, and `ct` with the others' added.

    The others span what the first leave free.  With the first they turn as little as they can: by
    ``dQ2 = -Q1 dQ1^H Q2``, and by nothing among themselves, since any basis of that space is as
    good as another.
    """
    if q.shape[-1] == k:
        return q, ct
    first, rest = q[..., :k], q[..., k:]
    ct_rest = ct[..., k:]
    turn = transposed(rest) @ ct_rest
    require_invariance(
        name,
        turn - adjoint(turn),
        ct_rest,
        q,
        "which basis of the orthogonal complement the last columns are; use the reduced factors,"
        " or the projector Q2 @ Q2.conj().T",
    )
    return first, ct[..., :k] - conj(rest) @ (adjoint(ct_rest) @ conj(first))


def packed_qr(a: Array, complete: bool) -> Array:
    """Return Q and R of matrices that are not wide, flattened and joined; R without zero rows."""
    q, r = np.linalg.qr(a, "complete" if complete else "reduced")
    return packed((q, r[..., : r.shape[-1], :]), (2, 2))


def _qr_shapes(shape: Shape, complete: bool) -> tuple[Shape, Shape]:
    m, n = shape[-2:]
    return (m, m if complete else n), (n, n)


def _mirrored(x: Array) -> Array:
    """Return the Hermitian matrix with the upper triangle of `x`."""
    upper = transposed(half_lower(transposed(x)))
    return upper + adjoint(upper)


def _qr_pull(ct: Cotangent, out: Array, _a: Array, complete: bool) -> Array:
    shapes = _qr_shapes(_a.shape, complete)
    (q, r), (ct_q, ct_r) = parts(out, shapes), parts(matched(ct, out), shapes)
    q, ct_q = folded("qr", q, ct_q, r.shape[-1])
    inner = _mirrored(ct_r @ transposed(r) - transposed(q) @ ct_q)
    return divided(ct_q + conj(q) @ inner, transposed(r))


def _qr_push(tangents: Any, out: Array, _a: Array, complete: bool) -> Array:
    q, r = parts(out, _qr_shapes(_a.shape, complete))
    first, rest = q[..., : r.shape[-1]], q[..., r.shape[-1] :]
    right = divided(tangents[0], r)
    inner = adjoint(first) @ right
    lower = half_lower(inner)
    triangle = inner - lower + adjoint(lower)
    t = right - first @ triangle
    if complete:
        t = np.concatenate([t, -first @ (adjoint(t) @ rest)], axis=-1)
    return packed((t, triangle @ r), (2, 2))


packed_qr = general(
    packed_qr,
    _qr_pull,
    push=_qr_push,
    samples=(
        call((3, 3), complete=False),
        call((4, 2), complete=False),
        call((2, 3, 2), complete=False),
        call((1, 1), complete=False),
        call((0, 0), complete=False),
        call((3, 2), complete=True),
    ),
    analytic=False,
    by_value=OPEN,
)


@composed(np.linalg.qr, analytic=False)
def qr(a: Array, mode: str = "reduced") -> Array:
    """`numpy.linalg.qr`: of matrices whose first columns are independent."""
    if mode not in ("reduced", "complete", "r"):
        raise UnsupportedFunctionError(
            f"qr: mode={mode!r} has no derivative rule; 'reduced', 'complete' and 'r' have one"
        )
    m, n = a.shape[-2:]
    complete = mode == "complete" and m > n
    whole = packed_qr(a if m >= n else a[..., :m], complete)
    shapes = _qr_shapes((m, min(m, n)), complete)
    r = part(whole, shapes, 1)
    q = None if mode == "r" and m >= n else part(whole, shapes, 0)
    if m < n:  # the factors of the first m columns are those of all
        r = np.concatenate([r, adjoint(q) @ a[..., m:]], axis=-1)
    if complete:
        r = np.concatenate([r, np.zeros((*a.shape[:-2], m - n, n), a.dtype)], axis=-2)
    return r if mode == "r" else result_type("qr")(q, r)
