"""The error function, the normal distribution, and their inverses."""

from __future__ import annotations

import math

import numpy as np

from tinygrad_bp.engine.arrays import Array
from tinygrad_bp.engine.constructors import elementwise
from tinygrad_bp.engine.rule import call
from tinygrad_bp.rules.special.densities import bell
from tinygrad_bp.rules.special.ufuncs import special

SLOPE = 2 / math.sqrt(math.pi)  # slope of erf at 0
NORMAL = 1 / math.sqrt(2 * math.pi)  # the normal density at 0
ROOT_HALF = math.sqrt(0.5)

# Where the recurrence of the derivatives of erfcx begins to cancel, and the terms of the continued
# fraction that are needed from there on for the last bit of a float64.
CANCELS = 1.0
TERMS = 200


def erfcx_derivative(x: Array, n: int) -> Array:
    """Compute the n-th derivative of ``scipy.special.erfcx``, n at least 1.

    Its plain formula, ``2 x erfcx(x) - 2 / sqrt(pi)``, loses all digits for large x.  To a few ulp
    on the whole line: with ``y_n = 2 x y_(n-1) + 2 (n-1) y_(n-2)`` upwards where that cancels
    nothing.  To the right the y_n are the recurrence's minimal solution: there the ratios ``y_n /
    y_(n-1)`` come from its continued fraction (Gautschi 1961, "Recursive computation of the
    repeated integrals of the error function"), all of whose terms have one sign.
    """
    left = np.real(x) <= CANCELS
    near = np.where(left, x, 0)
    far = np.where(left, CANCELS, x)
    value = special.erfcx(x)
    with np.errstate(over="ignore"):  # erfcx itself overflows to inf left of -26
        before, y = special.erfcx(near), 2 * near * special.erfcx(near) - SLOPE
        for k in range(2, n + 1):
            before, y = y, 2 * near * y + 2 * (k - 1) * before
    # far from the end all ratios are close to the root of r = 2 k / (r - 2 x)
    ratio = -2 * TERMS / far / (1 + np.sqrt(1 + 2 * TERMS / far / far))
    product = value
    for k in range(TERMS + n, 0, -1):
        ratio = 2 * k / (ratio - 2 * far)
        if k <= n:
            product = product * ratio
    return np.where(left, y, product)[()]


erfcx_derivative = elementwise(
    erfcx_derivative,
    lambda ct, _out, x, n: ct * erfcx_derivative(x, n + 1),
    bind=lambda x, n: ((x,), (n,)),
    samples=(call((3,), 1), call((2, 3), 2), call((), 1), call((0, 3), 1)),
)

# From here on the expansion of Dawson's integral in 1/x is exact with as many terms.
DAWSON_FAR = 7.0
DAWSON_TERMS = 26


def dawson_derivative(x: Array, n: int) -> Array:
    """Compute the n-th derivative of ``scipy.special.dawsn``, n at least 1.

    Its plain formula, ``1 - 2 x dawsn(x)``, loses all digits for large x.  Near 0 by ``y_n = -2 x
    y_(n-1) - 2 (n-1) y_(n-2)``.  Far out that cancels, and the terms of the asymptotic expansion,
    of which the k-th is ``(2k-1)!! / (2^(k+1) x^(2k+1))``, are differentiated each (Abramowitz &
    Stegun 1964, 7.1.23).
    """
    wide = x.astype(np.result_type(x.dtype, np.float64))
    # where exp(-x^2), which is no part of the expansion, has vanished beside it
    far = np.abs(np.real(wide)) - np.abs(np.imag(wide)) > DAWSON_FAR
    near, large = np.where(far, 0, wide), np.where(far, wide, DAWSON_FAR)
    before, y = special.dawsn(near), 1 - 2 * near * special.dawsn(near)
    for k in range(2, n + 1):
        before, y = y, -2 * near * y - 2 * (k - 1) * before
    term = (-1) ** n * math.factorial(n) / (2 * large)
    for _ in range(n):
        term = term / large
    total = term
    for k in range(1, DAWSON_TERMS):
        term = term * ((2 * k + n) * (2 * k + n - 1) / (4 * k)) / large / large
        total = total + term
    return np.where(far, total, y).astype(x.dtype)[()]


dawson_derivative = elementwise(
    dawson_derivative,
    lambda ct, _out, x, n: ct * dawson_derivative(x, n + 1),
    bind=lambda x, n: ((x,), (n,)),
    samples=(call((3,), 1), call((2, 3), 2), call((), 1), call((0, 3), 1)),
)

elementwise(special.erf, lambda ct, _out, x: ct * SLOPE * bell(x))
elementwise(special.erfc, lambda ct, _out, x: ct * -SLOPE * bell(x))
elementwise(special.erfi, lambda ct, _out, x: ct * SLOPE * np.exp(x * x), domain=(-1.5, 1.5))
elementwise(special.erfcx, lambda ct, _out, x: ct * erfcx_derivative(x, 1))
elementwise(special.dawsn, lambda ct, _out, x: ct * dawson_derivative(x, 1))
elementwise(
    special.erfinv,
    lambda ct, out, _x: ct / SLOPE * np.exp(out * out),
    domain=(-0.9, 0.9),
    analytic=False,
)
elementwise(
    special.erfcinv,
    lambda ct, out, _x: ct / -SLOPE * np.exp(out * out),
    domain=(0.1, 1.9),
    analytic=False,
)


def _hazard(x: Array) -> Array:
    """Return the slope of log_ndtr, density / distribution, also where both underflow."""
    left = np.real(x) < 0
    behind = np.where(left, x, 0)
    ahead = np.where(left, 0, x)  # where erfcx would overflow
    return np.where(
        left,
        2 * NORMAL / special.erfcx(-ROOT_HALF * behind),
        NORMAL * bell(ahead, 0.5) / special.ndtr(ahead),
    )


elementwise(special.ndtr, lambda ct, _out, x: ct * NORMAL * bell(x, 0.5))
elementwise(special.log_ndtr, lambda ct, _out, x: ct * _hazard(x))
elementwise(
    special.ndtri,
    lambda ct, out, _x: ct / NORMAL * np.exp(0.5 * out * out),
    domain=(0.1, 0.9),
    analytic=False,
)
elementwise(
    special.ndtri_exp,
    lambda ct, out, _x: ct / _hazard(out),
    domain=(-3.0, -0.2),
    analytic=False,
)
