"""Losses that grow less than quadratically: Huber's, and its smooth form."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_bp.engine.arrays import Array
from tinygrad_bp.engine.constructors import elementwise
from tinygrad_bp.engine.tensor import Tensor
from tinygrad_bp.rules.conventions import Convention
from tinygrad_bp.rules.elementwise.elementary import share
from tinygrad_bp.rules.special.ufuncs import special

elementwise(
    special.huber,
    lambda ct, _out, delta, r: ct * np.where(np.abs(r) > delta, np.abs(r) - delta, 0),
    lambda ct, _out, delta, r: ct * np.where(np.abs(r) > delta, delta * np.sign(r), r),
    domain=((0.5, 0.9), (1.2, 2.0)),  # apart: where |r| = delta the second derivative jumps
    analytic=False,
)


def _radius(delta: Any, r: Any) -> Any:
    """Return hypot(delta, r); 1 where that is 0, which only ever divides a 0."""
    radius = np.hypot(delta, r)
    return np.where(radius == 0, 1, radius)


def _delta_slope(delta: Any, r: Any) -> Any:
    """Return (radius - delta)^2 / radius, without the cancellation and without a square."""
    radius = _radius(delta, r)
    apart = 0.5 * r / (0.5 * radius + 0.5 * delta) * r
    return apart / radius * apart


def _residual_slope(delta: Any, r: Any) -> Any:
    """Return delta r / radius: the smaller times a share of 0.7 to 1."""
    radius, inside = np.hypot(delta, r), np.absolute(r) < np.absolute(delta)
    larger, smaller = np.where(inside, delta, r), np.where(inside, r, delta)
    return smaller * share(larger, smaller, radius)


def _vanishes(_out: Array, delta: Any, r: Any) -> Array:
    """Return where both are 0 and move: beside either as a constant 0 the loss is always 0."""
    moves = isinstance(delta, Tensor) and isinstance(r, Tensor)
    return (delta == 0) & (r == 0) & moves


elementwise(
    special.pseudo_huber,
    lambda ct, _out, delta, r: ct * _delta_slope(delta, r),
    lambda ct, _out, delta, r: ct * _residual_slope(delta, r),
    convention=Convention(_vanishes),
    domain=((0.5, 2.0), (-2.0, 2.0)),
    analytic=False,
)
