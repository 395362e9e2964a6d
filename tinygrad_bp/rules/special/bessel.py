"""Bessel functions: differentiated in the argument, of fixed order.

Derivatives by the recurrences that divide by no argument (Abramowitz & Stegun 1964, 9.1.27 and
9.6.26), so that they hold at 0.  The scaled functions have a kink at 0, where sign is 0.

Two ends need series of their own.  SciPy's functions of any order give 0 or NaN beside 0, where
only their squares underflow.  Far out the scaled functions and their neighbours in order agree
in all digits, so that the recurrences cancel.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tinygrad_bp.engine.arrays import Array
from tinygrad_bp.engine.constructors import elementwise
from tinygrad_bp.engine.rule import POSITIVE
from tinygrad_bp.rules.conventions import Convention
from tinygrad_bp.rules.special.parameters import at, parametric
from tinygrad_bp.rules.special.ufuncs import special

# Below it the first term of the ascending series is exact.
TINY = 1e-10
# From here on, and from an eighth of the square of the order, as many terms of the expansion are
# exact.  Nearer by, the recurrence loses at most the digits of that eighth.
FAR = 50.0
TERMS = 40


def _beside_zero(function: Any, v: Array, x: Array, turn: int) -> Array:
    """Return `function`, beside 0 the first term of its series (9.1.10, 9.6.10).

    `turn` is J(-1) / J(1) or I(-1) / I(1).
    """
    tiny = (np.absolute(x) < TINY) & (x != 0)
    turned = (v < 0) & (v == np.floor(v))
    order = np.where(turned, -v, v)
    first = 0.5**order * np.where(tiny, x, 1) ** order * special.rgamma(order + 1)
    first = np.where(turned & (np.remainder(v, 2) == 1), turn * first, first)
    return np.where(tiny, first, function(v, np.where(tiny, 1, x)))


def _far_out(v: Array, x: Array, sign: int, slope: Callable[[Any], Any]) -> Array:
    """Return `slope` of a scaled function, far out by the expansion (9.7.1, 9.7.2), term by term.

    `sign` is 1 of I, -1 of K.
    """
    size = np.absolute(x)
    edge = np.maximum(FAR, v * v / 8).astype(size.dtype)
    far = size > edge
    size = np.where(far, size, 1)
    term: Any = 1.0
    total: Any = 0.5
    for k in range(1, TERMS):
        term = term * ((2 * k - 1) ** 2 - 4 * v * v) / (8 * sign * k * size)
        total = total + (k + 0.5) * term
    scale = 1 / (2 * np.pi) if sign > 0 else np.pi / 2
    total = -total * np.sqrt(scale / size) / size
    if sign > 0:  # even and odd orders
        total = np.where(x < 0, total * (2 * (v % 2) - 1), total)
    return np.where(far, total, slope(np.where(far, edge, x)))


elementwise(special.j0, lambda ct, _out, x: -ct * special.j1(x), analytic=False)
elementwise(
    special.j1, lambda ct, _out, x: ct * 0.5 * (special.j0(x) - special.jv(2, x)), analytic=False
)
elementwise(special.y0, lambda ct, _out, x: -ct * special.y1(x), domain=POSITIVE, analytic=False)
elementwise(
    special.y1,
    lambda ct, _out, x: ct * 0.5 * (special.y0(x) - special.yv(2, x)),
    domain=POSITIVE,
    analytic=False,
)
elementwise(special.i0, lambda ct, _out, x: ct * special.i1(x), name="special.i0", analytic=False)
elementwise(
    special.i1, lambda ct, _out, x: ct * 0.5 * (special.i0(x) + special.iv(2, x)), analytic=False
)
elementwise(special.k0, lambda ct, _out, x: -ct * special.k1(x), domain=POSITIVE, analytic=False)
# By the lower neighbour alone: both terms have one sign, and the upper underflows early in SciPy.
elementwise(
    special.k1,
    lambda ct, out, x: -ct * (special.k0(x) + out / x),
    domain=POSITIVE,
    analytic=False,
)

# Scaled by exp(-|x|), or by exp(x)

SCALED = Convention(lambda _out, x: x == 0)


def _i0e_slope(x: Array) -> Array:
    return special.i1e(x) - np.sign(x) * special.i0e(x)


def _i1e_slope(x: Array) -> Array:
    return 0.5 * (special.i0e(x) + special.ive(2, x)) - np.sign(x) * special.i1e(x)


def _k0e_slope(x: Array) -> Array:
    return special.k0e(x) - special.k1e(x)


def _k1e_slope(x: Array) -> Array:
    return special.k1e(x) - special.k0e(x) - special.k1e(x) / x


elementwise(
    special.i0e,
    lambda ct, _out, x: ct * _far_out(0, x, 1, _i0e_slope),
    convention=SCALED,
    analytic=False,
    kinks=(0.0,),
)
elementwise(
    special.i1e,
    lambda ct, _out, x: ct * _far_out(1, x, 1, _i1e_slope),
    convention=SCALED,
    analytic=False,
    kinks=(0.0,),
)
elementwise(
    special.k0e,
    lambda ct, _out, x: ct * _far_out(0, x, -1, _k0e_slope),
    domain=POSITIVE,
    analytic=False,
)
elementwise(
    special.k1e,
    lambda ct, _out, x: ct * _far_out(1, x, -1, _k1e_slope),
    domain=POSITIVE,
    analytic=False,
)

# Of any order.  SciPy rounds a tiny imaginary part away in some: the complex step does not apply.


def _mean(function: Any, v: Array, x: Array, sign: int) -> Array:
    """Return half the sum, or difference, of both neighbours in order."""
    return 0.5 * (function(v - 1, x) + sign * function(v + 1, x))


def _j_slope(v: Array, x: Array) -> Array:
    lower, upper = (_beside_zero(special.jv, order, x, -1) for order in (v - 1, v + 1))
    return 0.5 * (lower - upper)


def _i_slope(function: Any, v: Array, x: Array) -> Array:
    lower, upper = (_beside_zero(function, order, x, 1) for order in (v - 1, v + 1))
    return 0.5 * (lower + upper)


def _y_slope(v: Array, x: Array) -> Array:
    """Return the slope of Y; NaN beside 0 where SciPy's infinity may be an early one."""
    slope = _mean(special.yv, v, x, -1)
    return np.where(np.isinf(slope) & (np.absolute(x) < TINY) & (x != 0), np.nan, slope)


def _ive_slope(v: Array, x: Array) -> Array:
    return _i_slope(special.ive, v, x) - np.sign(x) * special.ive(v, x)


def _kve_slope(v: Array, x: Array) -> Array:
    return _far_out(v, x, -1, lambda x: special.kve(v, x) - _mean(special.kve, v, x, 1))


def _of_order(
    function: Any, pull: Callable[..., Any], name: str = "v", order: float = 1.5, **record: Any
) -> None:
    """Add a function of positive arguments; what it is tried at is one order."""
    parametric(function, name, pull, domain=POSITIVE, samples=at(order), **record)


_of_order(
    special.jv,
    lambda ct, _out, v, x: ct * _j_slope(v, x),
    analytic=False,
    takes_complex=True,
)
_of_order(
    special.yv,
    lambda ct, _out, v, x: ct * _y_slope(v, x),
    analytic=False,
    takes_complex=True,
)
_of_order(special.iv, lambda ct, _out, v, x: ct * _i_slope(special.iv, v, x))
_of_order(special.kv, lambda ct, _out, v, x: -ct * _mean(special.kv, v, x, 1))
_of_order(special.yn, lambda ct, _out, n, x: ct * _y_slope(n, x), "n", 3, analytic=False)
_of_order(
    special.kn, lambda ct, _out, n, x: -ct * _mean(special.kv, n, x, 1), "n", 3, analytic=False
)
_of_order(
    special.ive,
    lambda ct, _out, v, x: ct * _far_out(v, x, 1, lambda x: _ive_slope(v, x)),
    convention=Convention(lambda _out, _v, x: x == 0),
    analytic=False,
)
_of_order(special.kve, lambda ct, _out, v, x: ct * _kve_slope(v, x), analytic=False)
