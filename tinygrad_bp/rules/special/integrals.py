"""Exponential integrals and the dilogarithm."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import special

from tinygrad_bp.engine.constructors import elementwise
from tinygrad_bp.engine.rule import POSITIVE
from tinygrad_bp.rules.special.parameters import at, parametric

elementwise(
    special.expi,
    lambda ct, _out, x: ct * np.exp(x) / x,
    domain=POSITIVE,
    analytic=False,
    takes_complex=True,
)
elementwise(special.exp1, lambda ct, _out, x: -ct * np.exp(-x) / x, domain=POSITIVE)


def _lower(n: Any, x: Any) -> Any:
    """Return the exponential integral of order n - 1; of order -1, which SciPy lacks, in full."""
    lower = special.expn(np.maximum(n - 1, 0), x)
    if not np.any(n == 0):
        return lower
    return np.where(n == 0, np.exp(-x) * (x + 1) / (x * x), lower)


parametric(
    special.expn,
    "n",
    lambda ct, _out, n, x: -ct * _lower(n, x),
    domain=POSITIVE,
    analytic=False,
    samples=at(4),
)
# log(x) / (1 - x) without the 0/0 at 1.
elementwise(
    special.spence,
    lambda ct, _out, x: -ct * special.hyp2f1(*np.array([1, 1, 2], np.finfo(x.dtype).dtype), 1 - x),
    domain=POSITIVE,
)
