"""Entropies and their parts: x log y with 0 log 0 = 0.

Where the argument of a logarithm is 0 together with its factor, the derivatives are 0 by
convention.  At 0 alone they are what the logarithm's are: the entropy's is infinite there.
"""

from __future__ import annotations

import numpy as np

from tinygrad_bp.engine.arrays import Array
from tinygrad_bp.engine.constructors import elementwise
from tinygrad_bp.engine.rule import POSITIVE
from tinygrad_bp.engine.tensor import Tensor
from tinygrad_bp.rules.conventions import Convention
from tinygrad_bp.rules.special.ufuncs import special

FAR = 80.0  # logarithm of a quotient that is far from 1 and finite also in single precision


def _both_zero(x: Array, y: Array) -> Array:
    return (x == 0) & (y == 0)


def _apart(x: Array, y: Array, instead: float = 1) -> Array:
    """Return y, and `instead` of it where both are 0: for a quotient or logarithm that reads y."""
    return np.where(_both_zero(x, y), instead, y)


def _log_ratio(x: Array, y: Array) -> Array:
    """Return log(x / y), 0 where both are 0.

    Beside 1 the quotient would round away what it differs by; far away it would over- or underflow.
    """
    both = _both_zero(x, y)
    x, y = np.where(both, 1, x), np.where(both, 1, y)
    near = np.absolute(x - y) < 0.5 * y
    difference = np.log(x) - np.log(y)
    far = np.absolute(difference) > FAR
    x, y = np.where(far, 1, x), np.where(far, 1, y)
    excess = np.where(near, x - y, 0) / np.where(near, y, 1)
    logarithm = np.where(near, np.log1p(excess), np.log(x / y))
    return np.where(far, difference, logarithm)


def _moves_from_zero(x: Array, y: Array) -> Array:
    """Return where x is 0 and moves: by y, a constant 0 has no derivative of any order."""
    return (x == 0) & (y == 0) & isinstance(x, Tensor)


BOTH_ZERO = Convention(lambda _out, x, y: _moves_from_zero(x, y))
elementwise(
    special.xlogy,
    lambda ct, _out, x, y: ct * np.log(_apart(x, y)),
    lambda ct, _out, x, y: ct * x / _apart(x, y),
    convention=BOTH_ZERO,
    domain=POSITIVE,
)
elementwise(
    special.xlog1py,
    lambda ct, _out, x, y: ct * np.log1p(np.where((x == 0) & (y == -1), 0, y)),
    lambda ct, _out, x, y: ct * x / np.where((x == 0) & (y == -1), 1, y + 1),
    convention=Convention(lambda _out, x, y: _moves_from_zero(x, y + 1)),
    domain=POSITIVE,
)
elementwise(
    special.entr, lambda ct, _out, x: -ct * (np.log(x) + 1), domain=POSITIVE, analytic=False
)
elementwise(
    special.rel_entr,
    lambda ct, _out, x, y: ct * np.where(_both_zero(x, y), 0, _log_ratio(x, y) + 1),
    lambda ct, _out, x, y: -ct * x / _apart(x, y),
    convention=BOTH_ZERO,
    domain=POSITIVE,
    analytic=False,
)
elementwise(
    special.kl_div,
    lambda ct, _out, x, y: ct * _log_ratio(x, y),
    lambda ct, _out, x, y: ct * np.where(_both_zero(x, y), 1, (y - x) / _apart(x, y)),
    convention=BOTH_ZERO,
    domain=POSITIVE,
    analytic=False,
)
