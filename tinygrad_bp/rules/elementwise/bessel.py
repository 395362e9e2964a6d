"""The modified Bessel functions of the first kind, of integer order: what `numpy.i0` needs.

Sources: Abramowitz & Stegun (1964), "Handbook of mathematical functions", 9.6.10 (the series),
9.7.1 (the expansion for large arguments) and 9.6.26 (the derivative, in which nothing cancels).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from math import factorial
from typing import Any

import numpy as np

from tinygrad_bp.engine.arrays import Array
from tinygrad_bp.engine.constructors import elementwise
from tinygrad_bp.engine.rule import call

EPS = float(np.finfo(float).eps) / 8
LARGE = 25.0  # from here on the expansion reaches rounding before its terms grow again


def _series_ratio(k: int, order: int, y: Array) -> Array:
    """Return the ratio of term k of the power series to the one before; none is negative."""
    return y * y / (4 * k * (k + order))


def _expansion_ratio(k: int, order: int, y: Array) -> Array:
    """Return the same for the asymptotic expansion."""
    return ((2 * k - 1) ** 2 - 4 * order * order) / (8 * k * y)


@cache
def _count(ratio: Callable[..., Any], order: int, bound: float) -> int:
    """Return how many terms matter at `bound`, where they fall most slowly."""
    k, term, total = 1, 1.0, 1.0
    while abs(term) > EPS * abs(total):
        term *= ratio(k, order, bound)
        total += term
        k += 1
    return k


def _summed(ratio: Callable[..., Any], order: int, y: Array, bound: float) -> Array:
    """Sum a series whose first term is 1."""
    total = term = y**0
    for k in range(1, _count(ratio, order, bound)):
        term = term * ratio(k, order, y)
        total = total + term
    return total


def bessel_i(x: Array, order: int) -> Array:
    """Return the modified Bessel function of the first kind, of a non-negative integer order."""
    y = np.abs(x)
    bound = max(LARGE, order * order / 2)
    far = y > bound
    small, large = np.where(far, 0, y), np.where(far, y, bound).astype(y.dtype)
    value = np.where(
        far,
        _summed(_expansion_ratio, order, large, bound)
        * np.exp(np.where(far, y, 0))
        / np.sqrt(2 * np.pi * large),
        _summed(_series_ratio, order, small, bound) * (small * 0.5) ** order / factorial(order),
    )
    value = np.copysign(value, x) if order % 2 else value
    return value if value.shape else value[()]  # a 0-d value is a NumPy scalar


def _slope(x: Array, order: int) -> Array:
    if not order:
        return bessel_i(x, 1)
    return (bessel_i(x, order - 1) + bessel_i(x, order + 1)) * 0.5


bessel_i = elementwise(
    bessel_i,
    lambda ct, _out, x, order: ct * _slope(x, order),
    samples=(call((3, 4), 1), call((5,), 0), call((), 2), call((0, 3), 1), call((4,), 3)),
    analytic=False,
)
elementwise(
    np.i0,
    lambda ct, _out, x: ct * bessel_i(x, 1),
    forward=lambda x: np.i0(x)[()],  # a 0-d value is a NumPy scalar
    analytic=False,
)
