"""Elementary functions: exponentials, logarithms, trigonometric and hyperbolic functions."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy import cos, sin

from tinygrad_bp.engine.arrays import Array, Cotangent
from tinygrad_bp.engine.constructors import elementwise
from tinygrad_bp.engine.rule import POSITIVE, UNIT
from tinygrad_bp.engine.tensor import Tensor, unwrap
from tinygrad_bp.rules import kernels
from tinygrad_bp.rules.conventions import Convention
from tinygrad_bp.rules.unread import may_hold

LN2 = float(np.log(2.0))
LN10 = float(np.log(10.0))
SMALL = 0.5  # up to here 1 - x*x has all digits

elementwise(np.exp, lambda ct, out, _x: ct * out)
elementwise(np.exp2, lambda ct, out, _x: ct * out * LN2)
elementwise(np.expm1, lambda ct, _out, x: ct * np.exp(x))
elementwise(np.log, lambda ct, _out, x: ct / x, domain=POSITIVE)
elementwise(np.log2, lambda ct, _out, x: ct / LN2 / x, domain=POSITIVE)
elementwise(np.log10, lambda ct, _out, x: ct / LN10 / x, domain=POSITIVE)
elementwise(np.log1p, lambda ct, _out, x: ct / (x + 1), domain=POSITIVE)

elementwise(np.sin, lambda ct, _out, x: ct * cos(x))
elementwise(np.cos, lambda ct, _out, x: -ct * sin(x))
elementwise(np.tan, lambda ct, out, _x: ct + ct * out * out, domain=(-1.2, 1.2))


def _one_minus_square(x: Array) -> Array:
    """Return 1 - x*x as (1 - x) (1 + x): near 1 the square rounds away what is left.

    Of a complex x the factors are subtracted from x: ``1 - x`` and ``1 + x`` would lose the sign of
    a zero imaginary part, which says on which side of the branch cut x lies.  To be differentiated
    again, the square it is where it is small: the derivative of the product is a difference of 1
    and 1 there.
    """
    product = (x - 1) * -(x - -1) if x.dtype.kind == "c" else (1 - x) * (1 + x)
    if not isinstance(x, Tensor):
        return product
    return np.where(np.absolute(unwrap(x)) < SMALL, 1 - x * x, product)


def _cosine_of_arcsin(x: Array) -> Array:
    """Return sqrt(1 - x*x)."""
    return np.sqrt(_one_minus_square(x))


elementwise(np.arcsin, lambda ct, _out, x: ct / _cosine_of_arcsin(x), domain=UNIT)
elementwise(np.arccos, lambda ct, _out, x: -ct / _cosine_of_arcsin(x), domain=UNIT)
elementwise(np.sinh, lambda ct, _out, x: ct * np.cosh(x))
elementwise(np.cosh, lambda ct, _out, x: ct * np.sinh(x))


def tanh_slope(ct: Cotangent, t: Any, x: Array = None) -> Array:
    """Compute ``ct * (1 - t**2)``: the pull of the tanh of `x`, which every step runs."""
    return kernels.tanh_slope(ct, t, x)


tanh_slope = elementwise(
    tanh_slope,
    lambda ct, _out, _ct, t, x: tanh_slope(ct, t, x),
    lambda ct, _out, ct1, t, _x: ct * ct1 * -2 * t,
    forward=kernels.tanh_slope,
    bind=lambda ct, t, x=None: ((ct, t), (x,)),
    alike=True,
    composition=lambda ct, t: ct * (1 - t * t),
)
elementwise(np.tanh, kernels.tanh_slope, sparing=kernels.tanh_sparing, methods=("tanh",))


def _hypotenuse(x: Array) -> Array:
    """Return sqrt(x*x + 1) without overflow of the square; numpy.hypot knows no complex numbers.

    Of those, in factors that keep the sign of a zero real part, as `_one_minus_square` does.
    """
    return np.hypot(x, 1) if x.dtype.kind == "f" else np.sqrt((x - 1j) * (x - complex(0, -1)))


elementwise(np.arcsinh, lambda ct, _out, x: ct / _hypotenuse(x))
elementwise(np.arctan, lambda ct, _out, x: ct / _hypotenuse(x) / _hypotenuse(x))
elementwise(
    np.arccosh,
    lambda ct, _out, x: ct / (np.sqrt(x - 1) * np.sqrt(x - -1)),
    domain=(1.2, 4.0),
)
elementwise(np.arctanh, lambda ct, _out, x: ct / _one_minus_square(x), domain=UNIT)


def share(x: Any, y: Any, radius: Any) -> Any:
    """Return ``x / radius``, where radius is hypot(x, y), or anything where that is 0.

    To be differentiated again, and where the radius overflows, in the quotient of the smaller by
    the larger: the derivative ``y * y / radius**3`` is a difference of equal numbers otherwise,
    where x is the larger by far.
    """
    if not (isinstance(x, Tensor) or isinstance(y, Tensor) or may_hold(np.isinf(radius))):
        return x / np.where(radius == 0, 1, radius)
    wide = np.absolute(x) >= np.absolute(y)
    larger = np.where(wide, x, y)
    larger = np.where(larger == 0, 1, larger)
    smaller = np.where(wide, y, x) / larger
    side = np.sign(np.where(wide, unwrap(x), unwrap(y)))
    return np.where(wide, 1, smaller) * side / np.hypot(smaller, 1)


elementwise(
    np.hypot,
    lambda ct, out, x, y: ct * share(x, y, out),
    lambda ct, out, x, y: ct * share(y, x, out),
    convention=Convention(
        lambda out, _x, _y: out == 0,
        squared=(lambda q, _out, x, _y: q * x, lambda q, _out, _x, y: q * y),
    ),
    domain=POSITIVE,
    analytic=False,
    commutes=True,
)


def _angle_slope(part: Array, y: Array, x: Array) -> Array:
    """Return ``part / (x*x + y*y)``, 0 at the origin; of squares that neither overflow nor vanish.

    What they are divided by takes no part in derivatives: by it the quotient does not move.
    """
    unit = np.maximum(np.absolute(unwrap(x)), np.absolute(unwrap(y)))
    unit = np.where(unit == 0, 1, unit)
    a, b = x / unit, y / unit
    square = a * a + b * b
    return part / unit / np.where(unwrap(square) == 0, 1, square) / unit


elementwise(
    np.arctan2,
    lambda ct, _out, y, x: ct * _angle_slope(x, y, x),
    lambda ct, _out, y, x: -ct * _angle_slope(y, y, x),
    convention=Convention(lambda _out, y, x: (y == 0) & (x == 0)),
    domain=POSITIVE,
    analytic=False,
)
