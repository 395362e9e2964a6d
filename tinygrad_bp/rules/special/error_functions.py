"""The error function, the normal distribution, and their inverses."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from scipy import special

from tinygrad_bp.engine.constructors import elementwise
from tinygrad_bp.engine.rule import call

BELL = 2 / math.sqrt(math.pi)  # slope of erf at 0
NORMAL = 1 / math.sqrt(2 * math.pi)  # the normal density at 0
ROOT_HALF = math.sqrt(0.5)

# Where the recurrence of the derivatives of erfcx begins to cancel, and the terms of the continued
# fraction that are needed from there on for the last bit of a float64.
CANCELS = 1.0
TERMS = 200


def _raw_erfcx_derivative(x: Any, n: int) -> Any:
    """Return the n-th derivative, to a few ulp on the whole line.

    With ``y_n = 2 x y_(n-1) + 2 (n-1) y_(n-2)`` upwards where that cancels nothing.  To the right
    the y_n are the recurrence's minimal solution: there the ratios ``y_n / y_(n-1)`` come from its
    continued fraction (Gautschi 1961, "Recursive computation of the repeated integrals of the
    error function"), all of whose terms have one sign.
    """
    left = np.real(x) <= CANCELS
    near = np.where(left, x, 0)
    far = np.where(left, CANCELS, x)
    value = special.erfcx(x)
    with np.errstate(over="ignore"):  # erfcx itself overflows to inf left of -26
        before, y = special.erfcx(near), 2 * near * special.erfcx(near) - BELL
        for k in range(2, n + 1):
            before, y = y, 2 * near * y + 2 * (k - 1) * before
    # far from the end all ratios are close to the root of r = 2 k / (r - 2 x)
    ratio = -2 * TERMS / (far + np.sqrt(far * far + 2 * TERMS))
    product = value
    for k in range(TERMS + n, 0, -1):
        ratio = 2 * k / (ratio - 2 * far)
        if k <= n:
            product = product * ratio
    return np.where(left, y, product)[()]


def erfcx_derivative(x: Any, n: int) -> Any:
    """Compute the n-th derivative of ``scipy.special.erfcx``, n at least 1.

    Its plain formula, ``2 x erfcx(x) - 2 / sqrt(pi)``, loses all digits for large x.
    """
    return _raw_erfcx_derivative(x, n)


erfcx_derivative = elementwise(
    erfcx_derivative,
    lambda ct, _out, x, n: ct * erfcx_derivative(x, n + 1),
    forward=_raw_erfcx_derivative,
    bind=lambda x, n: ((x,), (n,)),
    samples=(call((3,), 1), call((2, 3), 2), call((), 1), call((0, 3), 1)),
)

elementwise(special.erf, lambda ct, _out, x: ct * BELL * np.exp(-x * x))
elementwise(special.erfc, lambda ct, _out, x: ct * -BELL * np.exp(-x * x))
elementwise(special.erfi, lambda ct, _out, x: ct * BELL * np.exp(x * x), domain=(-1.5, 1.5))
elementwise(special.erfcx, lambda ct, _out, x: ct * erfcx_derivative(x, 1))
elementwise(special.dawsn, lambda ct, out, x: ct * (1 - 2 * x * out))
elementwise(
    special.erfinv,
    lambda ct, out, _x: ct / BELL * np.exp(out * out),
    domain=(-0.9, 0.9),
    analytic=False,
)
elementwise(
    special.erfcinv,
    lambda ct, out, _x: ct / -BELL * np.exp(out * out),
    domain=(0.1, 1.9),
    analytic=False,
)


def _hazard(x: Any) -> Any:
    """Return the slope of log_ndtr, density / distribution, also where both underflow."""
    left = np.real(x) < 0
    behind = np.where(left, x, 0)
    ahead = np.where(left, 0, x)  # where erfcx would overflow
    return np.where(
        left,
        2 * NORMAL / special.erfcx(-ROOT_HALF * behind),
        NORMAL * np.exp(-0.5 * ahead * ahead) / special.ndtr(ahead),
    )


elementwise(special.ndtr, lambda ct, _out, x: ct * NORMAL * np.exp(-0.5 * x * x))
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
