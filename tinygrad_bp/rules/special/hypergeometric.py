"""Hypergeometric functions: differentiated in the argument, at fixed parameters."""

from __future__ import annotations

import numpy as np

from tinygrad_bp.engine.arrays import Array
from tinygrad_bp.rules.special.parameters import at, parametric
from tinygrad_bp.rules.special.ufuncs import special

parametric(
    special.hyp0f1,
    "b",
    lambda ct, _out, b, x: ct * special.hyp0f1(b + 1, x) / b,
    analytic=False,
    takes_complex=True,
    samples=at(1.5),
)
parametric(
    special.hyp1f1,
    "a b",
    lambda ct, _out, a, b, x: ct * special.hyp1f1(a + 1, b + 1, x) * (a / b),
    samples=at(1.5, 2.5),
)


# Closer to 1 than this SciPy gives the value at 1 of 2F1, infinite or not.
CLOSE = 1e-12


def gauss(a: float, b: float, c: float, x: Array) -> Array:
    """Return ``hyp2f1`` in the dtype of `x`, which SciPy widens."""
    return special.hyp2f1(a, b, c, x).astype(x.dtype)


def _gauss_slope(a: Array, b: Array, c: Array, x: Array) -> Array:
    """Return the slope of 2F1, beside the branch point 1 by what it becomes there.

    Of the connection to functions of 1 - x, which are 1 there (Abramowitz & Stegun 1964, 15.3.6);
    NaN where the exponent is a whole number that is not positive, and a logarithm takes its place.
    """
    close = (np.absolute(1 - x) < CLOSE) & (x != 1)
    exponent = c - a - b - 1
    rest = np.where(close, 1 - x, 1)
    regular = special.gamma(exponent) * special.rgamma(c - a) * special.rgamma(c - b)
    branch = special.gamma(-np.where(exponent < 1, exponent, 0.5)) * rest**exponent
    branch = np.where(exponent < 1, branch * special.rgamma(a + 1) * special.rgamma(b + 1), 0)
    beside = special.gamma(c + 1) * (regular + branch)
    away = special.hyp2f1(a + 1, b + 1, c + 1, np.where(close, 0, x))
    return np.where(close, beside, away) * (a * b / c)


parametric(
    special.hyp2f1,
    "a b c",
    lambda ct, _out, a, b, c, x: ct * _gauss_slope(a, b, c, x),
    domain=(-0.9, 0.6),
    samples=at(0.5, 1.5, 2.5),
)
