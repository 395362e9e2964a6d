"""Determinants: det and its matrix of cofactors, slogdet.

The gradient of a determinant is its matrix of cofactors (Jacobi's formula), often written
``det(a) * inv(a).T`` (Giles 2008, section 2.2).  That fails where there is no inverse, but the
cofactors are finite there: with ``a = U S V^H`` they are products of singular values, each of which
leaves one out.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_bp.engine.arrays import Array, Cotangent
from tinygrad_bp.engine.constructors import composed, general
from tinygrad_bp.engine.tensor import Tensor
from tinygrad_bp.rules.linalg.matrices import (
    SQUARE,
    adjoint,
    conj,
    diagonal_matrix,
    diagonal_of,
    imaginary,
    real,
    result_type,
)
from tinygrad_bp.rules.linalg.products import transposed


def _without_one(s: Array) -> Array:
    """Return, for each i, the product of the (..., n) descending `s` without i, right at zeros too.

    The quotient by the one left out starts from a product that leaves out the smallest already, so
    it divides by what is larger.
    """
    n = s.shape[-1]
    rest = np.prod(s[..., : max(n - 1, 0)], axis=-1, keepdims=True)
    return rest * np.where(np.arange(n) == n - 1, 1, s[..., n - 1 :] / np.where(s == 0, 1, s))


def _without_two(s: Array) -> Array:
    """Return, for each i and j, the product of the descending `s` without both; 0 for i = j."""
    n = s.shape[-1]
    if n < 2:
        return np.zeros((*s.shape, n), s.dtype)
    place, safe = np.arange(n), np.where(s == 0, 1, s)
    rest = np.expand_dims(np.prod(s[..., : n - 2], axis=-1, keepdims=True), -1)
    # for i < j: the smallest but one stands in for i, the smallest for j
    first = np.where(place == n - 2, 1, s[..., n - 2 : n - 1] / safe)
    second = np.where(place == n - 1, 1, s[..., n - 1 :] / safe)
    upper = np.triu(rest * np.expand_dims(first, -1) * np.expand_dims(second, -2), 1)
    return upper + transposed(upper)


def cofactors(a: Array) -> Array:
    """Return the matrix of cofactors of `a`, the gradient of its determinant.

    It is there for matrices without an inverse too.

    Parameters
    ----------
    a : (..., n, n) array or Tensor

    Returns
    -------
    (..., n, n) array or Tensor
    """
    u, s, vh = np.linalg.svd(a)
    phase = np.linalg.det(u @ vh)[..., None]
    return (conj(u) * (phase * _without_one(s))[..., None, :]) @ conj(vh)


def _along(direction: Any, out: Array, a: Array) -> Array:
    """Return the derivative of the cofactors `out` along `direction`.

    It is the second derivative of the determinant, so its own transpose.
    """
    if isinstance(direction, Tensor) or isinstance(a, Tensor):
        # recorded for the third derivative, which is there for matrices with an inverse only
        inverse = transposed(np.linalg.inv(a))
        inner = np.sum(direction * out, axis=(-2, -1), keepdims=True)
        return inner * inverse - out @ transposed(direction) @ inverse
    u, s, vh = np.linalg.svd(a)
    two = _without_two(s) * np.linalg.det(u @ vh)[..., None, None]
    turned = adjoint(u) @ direction @ adjoint(vh)
    along = (two @ diagonal_of(turned)[..., None])[..., 0]
    return conj(u) @ (diagonal_matrix(along) - transposed(two * turned)) @ conj(vh)


cofactors = general(
    cofactors,
    _along,
    push=lambda tangents, out, a: _along(tangents[0], out, a),
    samples=SQUARE,
    analytic=False,
)
det = general(
    np.linalg.det,
    lambda ct, _out, a: np.expand_dims(ct, (-2, -1)) * cofactors(a),
    push=lambda tangents, _out, a: np.sum(cofactors(a) * tangents[0], axis=(-2, -1)),
    forward=lambda a: np.linalg.det(a),
    samples=SQUARE,
)


def packed_slogdet(a: Array) -> Array:
    """Return sign and logarithm of the absolute determinant, stacked along a last axis."""
    return np.stack(np.linalg.slogdet(a), axis=-1)


def _slogdet_pull(ct: Cotangent, out: Array, a: Array) -> Array:
    along = real(ct[..., 1])
    if a.dtype.kind == "c":  # a phase changes by i Im(d log det); a real sign does not change
        along = along + imaginary(ct[..., 0] * out[..., 0])
    return np.expand_dims(along, (-2, -1)) * transposed(np.linalg.inv(a))


def _slogdet_push(tangents: Any, out: Array, a: Array) -> Array:
    along = np.sum(transposed(np.linalg.inv(a)) * tangents[0], axis=(-2, -1))
    sign = imaginary(along) * out[..., 0] if a.dtype.kind == "c" else along * 0
    return np.stack([sign, real(along)], axis=-1)


packed_slogdet = general(
    packed_slogdet,
    _slogdet_pull,
    push=_slogdet_push,
    samples=SQUARE,
    analytic=False,
)


@composed(np.linalg.slogdet, analytic=False)
def slogdet(a: Array) -> Array:
    """`numpy.linalg.slogdet`; without an inverse there is no derivative, and backward raises."""
    both = packed_slogdet(a)
    return result_type("slogdet")(both[..., 0], real(both[..., 1]))
