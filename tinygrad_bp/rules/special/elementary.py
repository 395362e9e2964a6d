"""SciPy's exponentials, logarithms and angles in degrees."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_bp.engine.arrays import Array
from tinygrad_bp.engine.constructors import elementwise, flat
from tinygrad_bp.engine.rule import POSITIVE
from tinygrad_bp.rules import kernels
from tinygrad_bp.rules.elementwise.arithmetic import POWER, lowered
from tinygrad_bp.rules.elementwise.elementary import LN2, LN10
from tinygrad_bp.rules.special.ufuncs import special

DEGREE = np.pi / 180


def _expit_sparing(x: Array) -> tuple[Any, bool]:
    s = special.expit(x)
    return s, kernels.spares_logits(s)


elementwise(special.expit, kernels.logistic_slope, sparing=_expit_sparing, analytic=False)
elementwise(special.log_expit, lambda ct, _out, x: ct * special.expit(-x), analytic=False)
# Near 1 the difference 1 - x is exact: no cancellation.
elementwise(
    special.logit, lambda ct, _out, x: ct / (x * (1 - x)), domain=(0.1, 0.9), analytic=False
)

elementwise(special.exp2, lambda ct, out, _x: ct * out * LN2, name="special.exp2", analytic=False)
elementwise(special.exp10, lambda ct, out, _x: ct * out * LN10, domain=(-1.0, 1.0), analytic=False)
elementwise(special.expm1, lambda ct, _out, x: ct * np.exp(x), name="special.expm1")


def exprel_slope(x: Array) -> Array:
    """Return the derivative of ``exprel(x) = (exp(x) - 1) / x``.

    Beside 0 as that of Kummer's M(1, 2, x), which has no 0/0 there.  Elsewhere not so: SciPy's loop
    for M grows with x.  The exponential comes in two halves, the product of which with the rest is
    finite for longer than itself.
    """
    near = np.absolute(x) < 1
    series = 0.5 * special.hyp1f1(2.0, 3.0, np.where(near, x, 0))
    far = np.where(near, 1, x)
    half = np.exp(0.5 * far)
    return np.where(near, series, half * ((1 - 1 / far) / far) * half + 1 / far / far)


elementwise(special.exprel, lambda ct, _out, x: ct * exprel_slope(x), analytic=False)
elementwise(special.log1p, lambda ct, _out, x: ct / (x + 1), name="special.log1p", domain=POSITIVE)
elementwise(
    special.cbrt,
    lambda ct, out, _x: ct / 3 / (out * out),
    name="special.cbrt",
    domain=POSITIVE,
    analytic=False,
)
elementwise(
    special.powm1,
    lambda ct, _out, x, y: ct * y * x ** lowered(x, y),
    # not out + 1, which cancels; log of 1 instead of 0, as for numpy.power
    lambda ct, _out, x, y: ct * x**y * np.log(np.where(x == 0, 1, x)),
    convention=POWER,
    domain=POSITIVE,
    analytic=False,
)
elementwise(
    special.wrightomega, lambda ct, out, _x: ct * out / (out + 1), domain=POSITIVE, analytic=False
)

elementwise(special.cosm1, lambda ct, _out, x: -ct * np.sin(x), analytic=False)


def _degrees(function: Any, pull: Any) -> None:
    elementwise(function, pull, domain=(10.0, 80.0), analytic=False)


_degrees(special.sindg, lambda ct, _out, x: ct * DEGREE * special.cosdg(x))
_degrees(special.cosdg, lambda ct, _out, x: ct * -DEGREE * special.sindg(x))
# Not by the square of out: SciPy's cotangent overflows, and loses digits, beside its poles.
_degrees(special.tandg, lambda ct, _out, x: ct * DEGREE / special.cosdg(x) / special.cosdg(x))
_degrees(special.cotdg, lambda ct, _out, x: ct * -DEGREE / special.sindg(x) / special.sindg(x))

flat(special.round)
