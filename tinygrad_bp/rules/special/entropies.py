"""Entropies and their parts: x log y with 0 log 0 = 0.

Where the argument of a logarithm is 0 together with its factor, the derivatives are 0 by
convention.  At 0 alone they are what the logarithm's are: the entropy's is infinite there.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import special

from tinygrad_bp.engine.constructors import elementwise
from tinygrad_bp.engine.rule import POSITIVE


def _both_zero(x: Any, y: Any) -> Any:
    return (x == 0) & (y == 0)


def _apart(x: Any, y: Any, instead: float = 1) -> Any:
    """Return y, and `instead` of it where both are 0: for a quotient or logarithm that reads y."""
    return np.where(_both_zero(x, y), instead, y)


def _log_ratio(x: Any, y: Any) -> Any:
    """Return log(x / y), 0 where both are 0."""
    both = _both_zero(x, y)
    return np.log(np.where(both, 1, x) / np.where(both, 1, y))


elementwise(
    special.xlogy,
    lambda ct, _out, x, y: ct * np.log(_apart(x, y)),
    lambda ct, _out, x, y: ct * x / _apart(x, y),
    domain=POSITIVE,
)
elementwise(
    special.xlog1py,
    lambda ct, _out, x, y: ct * np.log1p(np.where((x == 0) & (y == -1), 0, y)),
    lambda ct, _out, x, y: ct * x / np.where((x == 0) & (y == -1), 1, y + 1),
    domain=POSITIVE,
)
elementwise(
    special.entr, lambda ct, _out, x: -ct * (np.log(x) + 1), domain=POSITIVE, analytic=False
)
elementwise(
    special.rel_entr,
    lambda ct, _out, x, y: ct * np.where(_both_zero(x, y), 0, _log_ratio(x, y) + 1),
    lambda ct, _out, x, y: -ct * x / _apart(x, y),
    domain=POSITIVE,
    analytic=False,
)
elementwise(
    special.kl_div,
    lambda ct, _out, x, y: ct * _log_ratio(x, y),
    lambda ct, _out, x, y: ct * (1 - x / _apart(x, y)),
    domain=POSITIVE,
    analytic=False,
)
