"""Exponential integrals and the dilogarithm."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_bp.engine.arrays import Array
from tinygrad_bp.engine.constructors import elementwise
from tinygrad_bp.engine.rule import POSITIVE
from tinygrad_bp.rules.special.hypergeometric import gauss
from tinygrad_bp.rules.special.parameters import at, parametric
from tinygrad_bp.rules.special.ufuncs import special

elementwise(
    special.expi,
    lambda ct, _out, x: ct * np.exp(x) / x,
    domain=POSITIVE,
    analytic=False,
    takes_complex=True,
)
elementwise(special.exp1, lambda ct, _out, x: -ct * np.exp(-x) / x, domain=POSITIVE)


def _lower(n: Any, x: Array) -> Array:
    """Return the exponential integral of order n - 1; of order -1, which SciPy lacks, in full."""
    lower = special.expn(np.maximum(n - 1, 0), x)
    if not np.any(n == 0):
        return lower
    return np.where(n == 0, np.exp(-x) * (x + 1) / (x * x), lower)


parametric(
    special.expn,
    "n",
    lambda ct, _out, n, x: -ct * _lower(n, x),
    textbook=(None, lambda ct, _out, n, x: -ct * special.expn(n - 1, x)),
    domain=POSITIVE,
    analytic=False,
    samples=at(4),
)


def _spence_slope(x: Array) -> Array:
    """Return log(x) / (1 - x), beside 1 by the hypergeometric series, which has no 0/0 there."""
    near = np.absolute(x - 1) < 0.5
    series = gauss(1.0, 1.0, 2.0, np.where(near, 1 - x, 0))
    far = np.where(near, 2, x)
    return np.where(near, -series, np.log(far) / (1 - far))


elementwise(special.spence, lambda ct, _out, x: ct * _spence_slope(x), domain=POSITIVE)
