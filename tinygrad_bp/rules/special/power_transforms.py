"""The Box-Cox transforms and their inverses.

``boxcox(x, lmbda)`` is ``L exprel(lmbda L)`` with ``L = log(x)``: its derivative in lmbda is
``L^2 exprel'(lmbda L)``, in which nothing is divided by a small lmbda.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_bp.engine.arrays import Array
from tinygrad_bp.engine.constructors import elementwise
from tinygrad_bp.engine.rule import POSITIVE
from tinygrad_bp.rules.special.elementary import exprel_slope
from tinygrad_bp.rules.special.hypergeometric import gauss
from tinygrad_bp.rules.special.ufuncs import special

LAMBDAS = (-1.5, 1.5)


def _lambda_slope(log: Any, lmbda: Any) -> Any:
    """Return the derivative of the transform in lmbda, given the logarithm of its argument."""
    return log * log * exprel_slope(lmbda * log)


elementwise(
    special.boxcox,
    lambda ct, _out, x, lmbda: ct * x ** (lmbda - 1),
    lambda ct, _out, x, lmbda: ct * _lambda_slope(np.log(x), lmbda),
    domain=(POSITIVE, LAMBDAS),
    analytic=False,
)
elementwise(
    special.boxcox1p,
    lambda ct, _out, x, lmbda: ct * np.exp((lmbda - 1) * np.log1p(x)),
    lambda ct, _out, x, lmbda: ct * _lambda_slope(np.log1p(x), lmbda),
    domain=(POSITIVE, LAMBDAS),
    analytic=False,
)


# The inverses are exp(L), less 1 or not, with ``L = log1p(lmbda y) / lmbda``.  The slopes are those
# of L and not of out, which may have rounded to 1 or overflowed.  Beside 0 the hypergeometric
# series of ``log1p(t) / t`` and of its derivative stand in for the quotients.


def _inverse_slope(y: Array, lmbda: Any) -> Array:
    t = lmbda * y
    t = np.where(np.isinf(t), np.nan, t)
    near = np.absolute(t) < 0.5
    beside = y * gauss(1.0, 1.0, 2.0, -np.where(near, t, 0)) - np.log1p(np.where(near, t, 0))
    away = special.xlog1py(1 / np.where(near, 1, lmbda) - 1, np.where(near, 1, t))
    return np.exp(np.where(near, beside, away))


def _inverse_lambda_slope(y: Array, lmbda: Any) -> Array:
    t = lmbda * y
    near, far = np.absolute(t) < 0.5, np.isinf(t)
    small, scale, start = np.where(near, t, 0), np.where(near, 1, lmbda), np.where(near, 1, y)
    large = np.where(near | far, 1, t)
    sizes = [np.log(np.where(far, np.absolute(x), 1)) for x in (scale, start)]
    logarithm = np.where(far, sizes[0] + sizes[1], np.log1p(large)) / scale
    power = np.where(near, y * gauss(1.0, 1.0, 2.0, -small), logarithm)
    beside = -0.5 * y * y * gauss(2.0, 2.0, 3.0, -small)
    away = (np.where(far, 1 / scale, start / (1 + large)) - logarithm) / scale
    return np.exp(power) * np.where(near, beside, away)


for _inverse in (special.inv_boxcox, special.inv_boxcox1p):
    elementwise(
        _inverse,
        lambda ct, _out, y, lmbda: ct * _inverse_slope(y, lmbda),
        lambda ct, _out, y, lmbda: ct * _inverse_lambda_slope(y, lmbda),
        domain=((-0.5, 0.5), LAMBDAS),
        analytic=False,
    )
