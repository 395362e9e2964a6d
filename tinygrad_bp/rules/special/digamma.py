"""The digamma function, its derivatives, and its differences without cancellation."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tinygrad_bp.engine.arrays import Array
from tinygrad_bp.engine.constructors import elementwise
from tinygrad_bp.engine.rule import POSITIVE, call
from tinygrad_bp.errors import UnsupportedFunctionError
from tinygrad_bp.rules.special.ufuncs import special
from tinygrad_bp.rules.unread import may_hold


def polygamma(x: Array, n: int) -> Array:
    """Compute the n-th derivative of ``scipy.special.digamma``, n at least 1.

    Abramowitz & Stegun (1964), 6.4.10.
    """
    if x.dtype.kind == "c":
        raise UnsupportedFunctionError(
            "digamma: has no derivative rule for complex arguments, since SciPy has no polygamma of"
            " them; give one with tinygrad_bp.differentiable"
        )
    # not special.polygamma, which is no ufunc and makes float64 of float32
    return special.zeta(n + 1, x) * ((-1) ** (n + 1) * math.factorial(n))


polygamma = elementwise(
    polygamma,
    lambda ct, _out, x, n: ct * polygamma(x, n + 1),
    bind=lambda x, n: ((x,), (n,)),
    domain=POSITIVE,
    analytic=False,
    samples=(call((3,), 1), call((2, 3), 2), call((), 1), call((0, 3), 1)),
)
elementwise(
    special.digamma, lambda ct, _out, x: ct * polygamma(x, 1), domain=POSITIVE, analytic=False
)


# Differences: what beta functions and rising factorials have for slopes.

SHIFT = 10  # from here on the asymptotic series is exact with the terms below
# B(2k) / 2k of Bernoulli's numbers: Abramowitz & Stegun (1964), 6.3.18
SERIES = (1 / 12, -1 / 120, 1 / 252, -1 / 240, 1 / 132, -691 / 32760, 1 / 12)


def _rise(x: Array, d: Any) -> Array:
    """Return ``(digamma(x + d) - digamma(x)) / d`` of positive x and d: a sum of positive terms.

    By the recurrence ``digamma(x + 1) = digamma(x) + 1 / x``, then the asymptotic series.
    """
    total = x * 0
    for j in range(SHIFT):
        total = total + 1 / (x + j) / (x + j + d)
    u, v = 1 / (x + SHIFT), 1 / (x + SHIFT + d)
    growth = d * u
    still = growth == 0
    logarithm = np.where(still, 1, np.log1p(growth) / np.where(still, 1, growth))
    power, quotient = v * v, 1  # quotient: of u^2k - v^2k by u^2 - v^2
    tail = SERIES[0]
    for coefficient in SERIES[1:]:
        quotient = u * u * quotient + power
        power = power * (v * v)
        tail = tail + coefficient * quotient
    return total + u * logarithm + u * v * (0.5 + (u + v) * tail)


def sine_and_cosine(x: Array) -> tuple[Any, Any]:
    """Return those of ``pi x``, exact beside every whole number."""
    whole = np.rint(np.real(x))
    angle, sign = np.pi * (x - whole), 1 - 2 * np.remainder(whole, 2)
    return sign * np.sin(angle), sign * np.cos(angle)


def digamma(x: Array) -> Array:
    """Compute ``scipy.special.digamma``, which loses its digits beside the poles left of 0.

    There by reflection (Abramowitz & Stegun 1964, 6.3.7).
    """
    left = x < 0 if x.dtype.kind == "f" else False
    if not may_hold(left):
        return special.digamma(x)
    sine, cosine = sine_and_cosine(np.where(left, x, 0.5))
    sine = np.where(sine == 0, np.nan, sine)
    return special.digamma(np.where(left, 1 - x, x)) - np.where(left, np.pi * cosine / sine, 0)


def digamma_of_sum(a: Array, b: Array) -> Array:
    """Return ``digamma(a + b)``; beside a pole the sum would round off how far away it is."""
    end = a + b
    left = end < 0
    (sine, cosine), (s, c) = (sine_and_cosine(np.where(left, one, 0.25)) for one in (a, b))
    sine, cosine = sine * c + cosine * s, cosine * c - sine * s
    sine = np.where(sine == 0, np.nan, sine)
    reflected = special.digamma(np.where(left, 1 - end, 1)) - np.pi * cosine / sine
    return np.where(left, reflected, special.digamma(np.where(left, 1, end)))


def plain_difference(a: Array, b: Array) -> Array:
    """Return ``digamma(a + b) - digamma(a)``, which loses digits of a small b."""
    return special.digamma(a + b) - special.digamma(a)


def times_difference(factor: Any, a: Array, b: Array) -> Array:
    """Return ``factor * (digamma(a + b) - digamma(a))``, also where they are almost the same.

    By reflection (Abramowitz & Stegun 1964, 6.3.7) if one is left of 0, and none beyond 1: what
    both have of a pole cancels, and nothing is left of it where b is a whole number.
    """
    end = a + b
    low, high = np.minimum(a, end), np.maximum(a, end)
    left, right = (low < 0) & (high < 1), low > 0
    one_side = left | right
    d = np.where(one_side, np.abs(b), 1)
    x = np.where(left, 1 - high, np.where(right, low, 1))
    near = x < 1  # the first term of the sum would overflow without the d in it
    first = np.where(near, d / (x + d) / x, 0)
    rise = _rise(np.where(near, x + 1, x), d)
    # what is small of d before the rest: the difference alone would underflow beside a huge factor
    small = d < 1
    change = factor * np.where(small, b, np.sign(b)) * (np.where(small, 1, d) * rise)
    change = change + factor * np.sign(b) * first
    sines = [sine_and_cosine(np.where(left, x, 0.5))[0] for x in (b, a, end)]
    whole = sines[0] == 0
    first_sine, last_sine = (np.where(whole, 1, sine) for sine in sines[1:])
    mirrored = factor * (np.pi * sines[0] / first_sine / last_sine) - change
    plain = special.digamma(np.where(one_side, 1, end)) - special.digamma(np.where(one_side, 1, a))
    return np.where(left, mirrored, np.where(right, change, factor * plain))
