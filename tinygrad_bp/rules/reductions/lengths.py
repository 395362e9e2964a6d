"""The Euclidean length of vectors, to which norms and deviations come down."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_bp.engine.arrays import Array, Cotangent
from tinygrad_bp.engine.constructors import general
from tinygrad_bp.engine.rule import POSITIVE
from tinygrad_bp.engine.shapes import Axis, kept_shape
from tinygrad_bp.rules.conventions import Convention
from tinygrad_bp.rules.reductions.axes import AXES, over_axes, widened


def length(x: Array, axis: Axis = None, keepdims: bool = False) -> Array:
    """Return the root of the sum of squares over `axis`; its gradient is 0 where it is 0."""
    squares = np.real(np.conjugate(x) * x) if x.dtype.kind == "c" else x * x
    return np.sqrt(np.sum(squares, axis=axis, keepdims=keepdims))


def _square_pull(q: Array, _out: Array, x: Array, axis: Axis, keepdims: bool) -> Array:
    """Return the pull of half the square of the length."""
    if x.dtype.kind != "c":
        return widened(q, x.shape, axis, keepdims) * x
    return widened(np.real(q), x.shape, axis, keepdims) * np.conjugate(x)


def _divisor(out: Array) -> Array:
    """Return what divides: one that has overflowed has a derivative, but says nothing of it."""
    return np.where(out == 0, np.inf, np.where(np.isinf(out), np.nan, out))


def _length_pull(ct: Cotangent, out: Array, x: Array, axis: Axis, keepdims: bool) -> Array:
    return _square_pull(ct / _divisor(out), out, x, axis, keepdims)


def _length_push(tangents: Any, out: Array, x: Array, axis: Axis, keepdims: bool) -> Array:
    moved = np.real(np.conjugate(x) * tangents[0])
    return np.sum(moved, axis=axis, keepdims=keepdims) / _divisor(out)


length = general(
    length,
    _length_pull,
    push=_length_push,
    convention=Convention(
        lambda out, x, axis, _keepdims: np.reshape(out == 0, kept_shape(x.shape, axis)),
        squared=(_square_pull,),
    ),
    bind=over_axes,
    samples=AXES,
    domain=POSITIVE,
    analytic=False,
)
