"""SciPy's exponentials, logarithms and angles in degrees."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import special

from tinygrad_bp.engine.constructors import elementwise, flat
from tinygrad_bp.engine.rule import POSITIVE
from tinygrad_bp.rules.elementwise.activations import logistic_slope
from tinygrad_bp.rules.elementwise.arithmetic import lowered
from tinygrad_bp.rules.elementwise.elementary import LN2, LN10

DEGREE = np.pi / 180

elementwise(special.expit, lambda ct, out, _x: logistic_slope(ct, out), analytic=False)
elementwise(special.log_expit, lambda ct, _out, x: ct * special.expit(-x), analytic=False)
# Near 1 the difference 1 - x is exact: no cancellation.
elementwise(
    special.logit, lambda ct, _out, x: ct / (x * (1 - x)), domain=(0.1, 0.9), analytic=False
)

elementwise(special.exp2, lambda ct, out, _x: ct * out * LN2, name="special.exp2", analytic=False)
elementwise(special.exp10, lambda ct, out, _x: ct * out * LN10, domain=(-1.0, 1.0), analytic=False)
elementwise(special.expm1, lambda ct, _out, x: ct * np.exp(x), name="special.expm1")
# (exp(x) - 1) / x is Kummer's M(1, 2, x), whose derivative has no 0/0 at 0.
elementwise(
    special.exprel, lambda ct, _out, x: ct * 0.5 * special.hyp1f1(2.0, 3.0, x), analytic=False
)
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
    # log of 1 instead of 0, as for numpy.power
    lambda ct, out, x, _y: ct * (out + 1) * np.log(np.where(x == 0, 1, x)),
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
_degrees(special.tandg, lambda ct, out, _x: ct * DEGREE * (out * out + 1))
_degrees(special.cotdg, lambda ct, out, _x: ct * -DEGREE * (out * out + 1))

flat(special.round)
