"""Densities of the normal, gamma and beta distributions: slopes of the functions that sum them up.

For large parameters the logarithms of a density's factors cancel.  There it is the exponential of
how far the argument is from the mean, which is small where the density is not (Loader 2000, "Fast
and accurate computation of binomial probabilities").
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_bp.engine.arrays import Array
from tinygrad_bp.rules.special.hypergeometric import gauss
from tinygrad_bp.rules.special.ufuncs import special

LARGE = 10.0  # from here on the terms below give Stirling's series exactly
# B(2k) / (2k (2k - 1)) of Bernoulli's numbers: Abramowitz & Stegun (1964), 6.1.41
STIRLING = (1 / 12, -1 / 360, 1 / 1260, -1 / 1680, 1 / 1188, -691 / 360360)
NEAR = 0.5  # of the mean: farther away nothing cancels but digits of what is almost 0
WIDEST = 40.0  # the bell is 0 beyond, whose square would overflow


def bell(x: Array, steepness: float = 1.0) -> Array:
    """Return ``exp(-steepness x^2)``."""
    if x.dtype.kind == "f":
        x = np.clip(x, -WIDEST, WIDEST)
    return np.exp(-steepness * x * x)


def _stirling_error(a: Array) -> Array:
    """Return what Stirling's formula leaves of ``gammaln(a)``, for large a."""
    inverse = 1 / a
    total = STIRLING[-1]
    for coefficient in reversed(STIRLING[:-1]):
        total = total * (inverse * inverse) + coefficient
    return total * inverse


def _excess(w: Array) -> Array:
    """Return ``w - log1p(w)`` of small w by the hypergeometric series."""
    return 0.5 * w * w * gauss(1.0, 2.0, 3.0, -w)


def gamma_density(a: Array, x: Array) -> Array:
    """Return the density of the gamma distribution of shape `a`."""
    large = (a >= LARGE) & (np.absolute(x - a) < NEAR * a)
    shape, place = np.where(large, a, LARGE), np.where(large, x, LARGE)
    few = np.where(large, 1, a)
    plain = special.xlogy(few - 1, x) - x - special.gammaln(few)
    about = -shape * _excess((place - shape) / shape) - _stirling_error(shape)
    return np.where(large, np.sqrt(shape / (2 * np.pi)) / place * np.exp(about), np.exp(plain))


def beta_density(a: Array, b: Array, x: Array, rest: Any) -> Array:
    """Return the density of the beta distribution at `x`; `rest` is what it is less than 1."""
    mean = a / (a + b)
    apart = np.absolute(np.where(x < 0.5, x - mean, b / (a + b) - rest))
    large = (a >= LARGE) & (b >= LARGE) & (apart < NEAR * np.minimum(mean, 1 - mean))
    left = x < 0.5
    low, high = np.where(left, x, 0.25), np.where(left, 0.25, rest)
    one, two = np.where(large, 1, a), np.where(large, 1, b)
    plain = np.where(
        left,
        special.xlogy(one - 1, low) + special.xlog1py(two - 1, -low),
        special.xlog1py(one - 1, -high) + special.xlogy(two - 1, high),
    ) - special.betaln(one, two)
    first, second = np.where(large, a, LARGE), np.where(large, b, LARGE)
    place, left_over = np.where(large, x, 0.5), np.where(large, rest, 0.5)
    whole = first + second
    shares = first / whole, second / whole
    about = (
        _stirling_error(whole)
        - first * _excess((place - shares[0]) / shares[0])
        - _stirling_error(first)
        - second * _excess((left_over - shares[1]) / shares[1])
        - _stirling_error(second)
    )
    scale = np.sqrt(first * shares[1] / (2 * np.pi)) / place / left_over
    return np.where(large, scale * np.exp(about), np.exp(plain))
