"""Eigenvalues and eigenvectors.

Sources: Giles (2008), "Collected matrix derivative results for forward and reverse mode algorithmic
differentiation", section 3; Seeger et al. (2017), "Auto-differentiating linear algebra", for
`eigh`; Boeddeker et al. (2017), "On the computation of complex-valued gradients with application to
statistically optimum beamforming", for `eig`.

What is arbitrary, here and in singular values
----------------------------------------------
- `eigh` reads one triangle, which stands for both: the gradient is Hermitian.
- Values have a derivative of their own, which is finite whatever their multiplicity.  That of the
  vectors divides by the gaps between values: where two values are equal only the space of both is
  defined, and a loss that reads either vector gets infinite or NaN gradients.  Vectors that no loss
  reads cost nothing: their terms are 0.
- The phase of a complex vector, and the basis of a null space (``full_matrices=True``), are
  LAPACK's choice.  A loss that depends on it has no derivative; backward raises `GraphError`.
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
from tinygrad_bp.rules.linalg.matrices import (
    OPEN,
    PAIRS,
    PHASE,
    SQUARE,
    Known,
    adjoint,
    conj,
    diagonal_matrix,
    diagonal_of,
    hermitian,
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

UNDETERMINED = (
    "LAPACK may choose another sign of a vector at the next step of a difference, and a cotangent"
    " that asks for a phase is refused"
)


def _gaps(w: Array) -> Array:
    """Return, at (i, j), ``w[j] - w[i]``."""
    return np.expand_dims(w, -2) - np.expand_dims(w, -1)


# eigh


def _shapes(shape: Shape) -> tuple[Shape, Shape]:
    return shape[-1:], shape[-2:]


def packed_eigh(a: Array, UPLO: Any) -> Array:
    """Return eigenvalues and eigenvectors of Hermitian matrices, flattened and joined."""
    return packed(np.linalg.eigh(a, UPLO), (1, 2))


def _eigh_pull(ct: Cotangent, out: Array, _a: Array, _uplo: Any) -> Array:
    shapes = _shapes(_a.shape)
    (w, v), (ct_w, ct_v) = parts(out, shapes), parts(matched(ct, out), shapes)
    x = transposed(v) @ ct_v
    if x.dtype.kind == "c":
        require_invariance("eigh", imaginary(diagonal_of(unwrap(x))), ct_v, v, PHASE)
    inner = over_gaps((x - adjoint(x)) * 0.5, _gaps(real(w)), used_columns(ct_v))
    return conj(v) @ (inner + diagonal_matrix(real(ct_w))) @ transposed(v)


def _eigh_push(tangents: Any, out: Array, _a: Array, _uplo: Any) -> Array:
    w, v = parts(out, _shapes(_a.shape))
    x = adjoint(v) @ hermitian(tangents[0]) @ v
    t = v @ over_gaps(x, _gaps(real(w)), np.ones(w.shape, bool))
    return packed((real(diagonal_of(x)), t), (1, 2))


packed_eigh = general(
    packed_eigh,
    _eigh_pull,
    push=_eigh_push,
    samples=tuple(call(*one.args, UPLO=uplo) for one in PAIRS for uplo in "LU"),
    analytic=False,
    symmetric=True,
    elsewhere=UNDETERMINED,
)


def _eigvalsh_pull(ct: Cotangent, _out: Array, a: Array, uplo: Any, known: Known | None) -> Array:
    (v,) = vectors_of(known, ct, lambda: np.linalg.eigh(a, uplo)[1:])
    return (conj(v) * np.expand_dims(real(ct), -2)) @ transposed(v)


def _eigvalsh_push(tangents: Any, _out: Array, a: Array, uplo: Any, known: Known | None) -> Array:
    (v,) = vectors_of(known, tangents[0], lambda: np.linalg.eigh(a, uplo)[1:])
    return real(np.sum(conj(v) * (tangents[0] @ v), axis=-2))


general(
    np.linalg.eigvalsh,
    _eigvalsh_pull,
    push=_eigvalsh_push,
    forward=lambda a, UPLO="L", known=None: known.values if known else np.linalg.eigvalsh(a, UPLO),
    samples=SQUARE,
    analytic=False,
    symmetric=True,
)


@composed(np.linalg.eigh, analytic=False)
def eigh(a: Array, UPLO: Any = "L") -> Array:
    """`numpy.linalg.eigh`; see the head of this module for equal eigenvalues and complex phases."""
    whole = packed_eigh(a, UPLO)
    shapes = _shapes(a.shape)
    v = part(whole, shapes, 1)
    w_raw, v_raw = parts(unwrap(whole), shapes)
    known = Known(real(w_raw), v_raw)
    return result_type("eigh")(nary(TABLE["eigvalsh"], (a,), (UPLO, known)), v)


# eig


def packed_eig(a: Array) -> Array:
    """Return eigenvalues and eigenvectors of any square matrices, flattened and joined."""
    return packed(np.linalg.eig(a), (1, 2))


def _eig_pull(ct: Cotangent, out: Array, _a: Array) -> Array:
    """Pull, with vectors that keep length 1: they do not change along themselves."""
    shapes = _shapes(_a.shape)
    (w, v), (ct_w, ct_v) = parts(out, shapes), parts(matched(ct, out), shapes)
    x = transposed(v) @ ct_v
    along = diagonal_of(x)
    if x.dtype.kind == "c":
        turn = np.imag(unwrap(along))
        if _a.dtype.kind != "c":  # a real matrix's real eigenvectors stay real
            turn = np.where(np.imag(unwrap(w)) == 0, 0, turn)
        require_invariance("eig", turn, ct_v, v, PHASE)
    x = x - (transposed(v) @ conj(v)) * np.expand_dims(real(along), -2)
    inner = over_gaps(x, _gaps(w), used_columns(ct_v)) + diagonal_matrix(ct_w)
    g = np.linalg.solve(transposed(v), inner @ transposed(v))
    return matched(g, _a)


def _eig_push(tangents: Any, out: Array, _a: Array) -> Array:
    w, v = parts(out, _shapes(_a.shape))
    x = np.linalg.solve(v, tangents[0] @ v)
    t = v @ over_gaps(x, _gaps(w), np.ones(w.shape, bool))
    along = real(np.sum(conj(v) * t, axis=-2))
    return packed((diagonal_of(x), t - v * np.expand_dims(along, -2)), (1, 2))


packed_eig = general(
    packed_eig,
    _eig_pull,
    push=_eig_push,
    samples=PAIRS,
    analytic=False,
    elsewhere=UNDETERMINED,
)


def _eigvals_pull(ct: Cotangent, _out: Array, a: Array, known: Known | None) -> Array:
    (v,) = vectors_of(known, ct, lambda: np.linalg.eig(a)[1:])
    g = np.linalg.solve(transposed(v), np.expand_dims(ct, -1) * transposed(v))
    return matched(g, a)


def _eigvals_push(tangents: Any, _out: Array, a: Array, known: Known | None) -> Array:
    (v,) = vectors_of(known, tangents[0], lambda: np.linalg.eig(a)[1:])
    return diagonal_of(np.linalg.solve(v, tangents[0] @ v))


general(
    np.linalg.eigvals,
    _eigvals_pull,
    push=_eigvals_push,
    forward=lambda a, known=None: known.values if known else np.linalg.eigvals(a),
    samples=SQUARE,
    analytic=False,
    by_value=OPEN,
)


@composed(np.linalg.eig, analytic=False)
def eig(a: Array) -> Array:
    """`numpy.linalg.eig`; see the head of this module for equal eigenvalues and complex phases."""
    whole = packed_eig(a)
    shapes = _shapes(a.shape)
    v = part(whole, shapes, 1)
    known = Known(*parts(unwrap(whole), shapes))
    return result_type("eig")(nary(TABLE["eigvals"], (a,), (known,)), v)
