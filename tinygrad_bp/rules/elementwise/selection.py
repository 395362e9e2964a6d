"""Choosing between values: maximum, minimum, where, clip."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_bp.engine.constructors import arrayed, elementwise
from tinygrad_bp.engine.dispatch import refuse_out
from tinygrad_bp.engine.rule import call
from tinygrad_bp.engine.tensor import unwrap
from tinygrad_bp.errors import UnsupportedFunctionError
from tinygrad_bp.rules.conventions import Convention


def _won(ct: Any, mine: Any, wins: Any, ties: Any) -> Any:
    """Return the winner's share of `ct`: all of it, half at a tie, NaN where `mine` is NaN."""
    share = ct * wins + ct * 0.5 * ties
    return np.where(mine != mine, np.nan, share)  # NaN alone differs from itself


# At a tie the second derivatives are the mean of those on either side, as the first ones are.
TIES = Convention(
    lambda _out, x, y: (x == y) & np.isfinite(x),
    squared=(lambda q, _out, x, y: q * (x - y) * 0.25, lambda q, _out, x, y: q * (y - x) * 0.25),
    kink=True,
)
elementwise(
    np.maximum,
    lambda ct, _out, x, y: _won(ct, x, x > y, x == y),
    lambda ct, _out, x, y: _won(ct, y, y > x, x == y),
    convention=TIES,
    analytic=False,
    commutes=True,
)
elementwise(
    np.minimum,
    lambda ct, _out, x, y: _won(ct, x, x < y, x == y),
    lambda ct, _out, x, y: _won(ct, y, y < x, x == y),
    convention=TIES,
    analytic=False,
    commutes=True,
)
# fmax and fmin ignore NaN: the other operand won where one is NaN.
elementwise(
    np.fmax,
    lambda ct, _out, x, y: ct * ((x > y) | np.isnan(y)) + ct * 0.5 * (x == y),
    lambda ct, _out, x, y: ct * ((y > x) | np.isnan(x)) + ct * 0.5 * (x == y),
    convention=TIES,
    analytic=False,
    commutes=True,
)
elementwise(
    np.fmin,
    lambda ct, _out, x, y: ct * ((x < y) | np.isnan(y)) + ct * 0.5 * (x == y),
    lambda ct, _out, x, y: ct * ((y < x) | np.isnan(x)) + ct * 0.5 * (x == y),
    convention=TIES,
    analytic=False,
    commutes=True,
)


def _where(condition: Any, *branches: Any) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
    if len(branches) != 2:
        raise UnsupportedFunctionError(
            "where: give both branches; for the indices alone call numpy.nonzero on .detach()"
        )
    return (unwrap(condition), *branches), ()


def _where_forward(condition: Any, x: Any, y: Any) -> Any:
    out = np.where(condition, x, y)
    return out if out.shape else out[()]  # a 0-d value is a NumPy scalar


elementwise(
    np.where,
    None,
    lambda ct, _out, condition, _x, _y: np.where(condition, ct, 0),
    lambda ct, _out, condition, _x, _y: np.where(condition, 0, ct),
    bind=_where,
    forward=_where_forward,
    words="takes each element of the one where the condition holds, else of the other",
    masks=True,
    samples=(
        call(np.array([[True, False, True], [False, False, True]]), (2, 3), (2, 3)),
        call(np.array([True, False, True]), (2, 3), (3,)),
        call(np.array([[True], [False]]), (1, 3), ()),
        call(np.array([True]), (0, 1), ()),
    ),
)


def _extremes(dtype: Any) -> tuple[float, float]:
    """Return bounds that bound nothing; infinity would make floats of integers."""
    if dtype.kind in "iu":
        return np.iinfo(dtype).min, np.iinfo(dtype).max
    return (False, True) if dtype.kind == "b" else (-np.inf, np.inf)


def _clip(
    a: Any, a_min: Any = None, a_max: Any = None, out: Any = None, **bounds: Any
) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
    refuse_out("clip", out)
    low = bounds.pop("min", a_min)
    high = bounds.pop("max", a_max)
    if bounds:
        raise UnsupportedFunctionError(f"clip: {', '.join(bounds)} is not supported on Tensors")
    if low is None or high is None:
        least, most = _extremes(arrayed(a).dtype)
        low = least if low is None else low
        high = most if high is None else high
    return (a, low, high), ()


elementwise(
    np.clip,
    lambda ct, _out, x, low, high: ct * ((x >= low) & (x <= high)),
    lambda ct, _out, x, low, high: ct * ((x < low) & (low <= high)),
    lambda ct, _out, x, low, high: ct * ((x > high) | (low > high)),
    bind=_clip,
    forward=lambda x, low, high: np.minimum(np.maximum(x, low), high),
    methods=("clip",),
    analytic=False,
    samples=(
        call((3, 4), -0.7, 0.8),
        call((3, 4), None, 0.3),
        call((5,), min=-0.1),
        call((4, 3), (3,), 2.5),
        call((4, 3), (4, 1), (3,)),
        call((2, 3), -2.5, (2, 1)),
        call((), -0.7, 0.8),
        call((0,), (3, 1), 0.8),
    ),
)
