"""Angles of complex numbers, and angles made continuous."""

from __future__ import annotations

import numpy as np

from tinygrad_bp.engine.arrays import Array
from tinygrad_bp.engine.constructors import composed, general
from tinygrad_bp.engine.rule import POSITIVE, call
from tinygrad_bp.rules.linalg.matrices import as_arrays


@composed(
    np.angle, samples=(call((3,)), call((2, 3), deg=True), call(()), call((0,))), domain=POSITIVE
)
def angle(z: Array, deg: bool = False) -> Array:
    """`numpy.angle`: of a real number 0 or pi, with derivative 0."""
    (z,) = as_arrays(z)
    turn = np.arctan2(np.imag(z), np.real(z)) if z.dtype.kind == "c" else np.arctan2(0, z)
    return turn * (180 / np.pi) if deg else turn


# The result differs from the argument by whole periods: a step function, flat almost everywhere.
general(
    np.unwrap,
    lambda ct, _out, _p, _discont, _axis, _period: ct,
    push=lambda tangents, _out, _p, _discont, _axis, _period: tangents[0],
    forward=lambda p, discont=None, axis=-1, period=2 * np.pi: np.unwrap(
        p, discont, axis, period=period
    ),
    samples=(
        call((5,)),
        call((3, 2), axis=0),
        call((2, 4), period=1.0),
        call((4,), 1.1, period=1.5),
        call((0,)),
    ),
    analytic=False,
)
