"""The Box-Cox transforms and their inverses.

``boxcox(x, lmbda)`` is ``L exprel(lmbda L)`` with ``L = log(x)``: its derivative in lmbda is
``L^2 exprel'(lmbda L)``, in which nothing is divided by a small lmbda.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import special

from tinygrad_bp.engine.constructors import elementwise
from tinygrad_bp.engine.rule import POSITIVE

LAMBDAS = (-1.5, 1.5)


def _lambda_slope(log: Any, lmbda: Any) -> Any:
    """Return the derivative of the transform in lmbda, given the logarithm of its argument."""
    return 0.5 * log * log * special.hyp1f1(2.0, 3.0, lmbda * log)


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
# An inverse moves as the transform does not: dx = (dy - slope dlmbda) / (d transform / dx).
elementwise(
    special.inv_boxcox,
    lambda ct, out, _y, lmbda: ct * out ** (1 - lmbda),
    lambda ct, out, _y, lmbda: -ct * out ** (1 - lmbda) * _lambda_slope(np.log(out), lmbda),
    domain=((-0.5, 0.5), LAMBDAS),
    analytic=False,
)
elementwise(
    special.inv_boxcox1p,
    lambda ct, out, _y, lmbda: ct * np.exp((1 - lmbda) * np.log1p(out)),
    lambda ct, out, _y, lmbda: (
        -ct * np.exp((1 - lmbda) * np.log1p(out)) * _lambda_slope(np.log1p(out), lmbda)
    ),
    domain=((-0.5, 0.5), LAMBDAS),
    analytic=False,
)
