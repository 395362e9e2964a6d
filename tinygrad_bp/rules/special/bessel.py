"""Bessel functions: differentiated in the argument, of fixed order.

Derivatives by the recurrences that divide by no argument (Abramowitz & Stegun 1964, 9.1.27 and
9.6.26), so that they hold at 0.  The scaled functions have a kink at 0, where sign is 0.
"""

from __future__ import annotations

import numpy as np
from scipy import special

from tinygrad_bp.engine.constructors import elementwise
from tinygrad_bp.engine.rule import POSITIVE
from tinygrad_bp.rules.special.parameters import at, parametric

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
elementwise(
    special.k1,
    lambda ct, _out, x: ct * -0.5 * (special.k0(x) + special.kv(2, x)),
    domain=POSITIVE,
    analytic=False,
)

# Scaled by exp(-|x|), or by exp(x)

elementwise(
    special.i0e,
    lambda ct, out, x: ct * (special.i1e(x) - np.sign(x) * out),
    analytic=False,
    kinks=(0.0,),
)
elementwise(
    special.i1e,
    lambda ct, out, x: ct * (0.5 * (special.i0e(x) + special.ive(2, x)) - np.sign(x) * out),
    analytic=False,
    kinks=(0.0,),
)
elementwise(
    special.k0e, lambda ct, out, x: ct * (out - special.k1e(x)), domain=POSITIVE, analytic=False
)
elementwise(
    special.k1e,
    lambda ct, out, x: ct * (out - 0.5 * (special.k0e(x) + special.kve(2, x))),
    domain=POSITIVE,
    analytic=False,
)

# Of any order.  SciPy rounds a tiny imaginary part away in some: the complex step does not apply.

parametric(
    special.jv,
    "v",
    lambda ct, _out, v, x: ct * 0.5 * (special.jv(v - 1, x) - special.jv(v + 1, x)),
    domain=POSITIVE,
    analytic=False,
    takes_complex=True,
    samples=at(1.5),
)
parametric(
    special.yv,
    "v",
    lambda ct, _out, v, x: ct * 0.5 * (special.yv(v - 1, x) - special.yv(v + 1, x)),
    domain=POSITIVE,
    analytic=False,
    takes_complex=True,
    samples=at(1.5),
)
parametric(
    special.iv,
    "v",
    lambda ct, _out, v, x: ct * 0.5 * (special.iv(v - 1, x) + special.iv(v + 1, x)),
    domain=POSITIVE,
    samples=at(1.5),
)
parametric(
    special.kv,
    "v",
    lambda ct, _out, v, x: ct * -0.5 * (special.kv(v - 1, x) + special.kv(v + 1, x)),
    domain=POSITIVE,
    samples=at(1.5),
)
parametric(
    special.yn,
    "n",
    lambda ct, _out, n, x: ct * 0.5 * (special.yv(n - 1, x) - special.yv(n + 1, x)),
    domain=POSITIVE,
    analytic=False,
    samples=at(3),
)
parametric(
    special.kn,
    "n",
    lambda ct, _out, n, x: ct * -0.5 * (special.kv(n - 1, x) + special.kv(n + 1, x)),
    domain=POSITIVE,
    analytic=False,
    samples=at(3),
)
parametric(
    special.ive,
    "v",
    lambda ct, out, v, x: (
        ct * (0.5 * (special.ive(v - 1, x) + special.ive(v + 1, x)) - np.sign(x) * out)
    ),
    domain=POSITIVE,
    analytic=False,
    samples=at(1.5),
)
parametric(
    special.kve,
    "v",
    lambda ct, out, v, x: ct * (out - 0.5 * (special.kve(v - 1, x) + special.kve(v + 1, x))),
    domain=POSITIVE,
    analytic=False,
    samples=at(1.5),
)
