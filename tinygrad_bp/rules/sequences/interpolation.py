"""Functions given piece by piece: linear interpolation, and a function of one's own on each part.

`numpy.interp` has a kink at every knot.  The derivative there is the slope on the right, at the
last knot that on the left; outside the knots the value is constant, so it is 0 in ``x``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tinygrad_bp.engine.constructors import composed
from tinygrad_bp.engine.rule import call
from tinygrad_bp.engine.tensor import Tensor, unwrap
from tinygrad_bp.errors import DTypeError, ShapeError
from tinygrad_bp.rules.indexing.indexing import assigned
from tinygrad_bp.rules.linalg.matrices import as_arrays


def _cast(x: Any, dtype: Any) -> Any:
    return x if x.dtype == dtype else x.astype(dtype)


def _checked(x: Any, xp: Any, fp: Any) -> tuple[Any, Any, Any]:
    """Return the arguments in double precision, as `numpy.interp` computes."""
    x, xp, fp = as_arrays(x, xp, fp)
    if x.dtype.kind == "c" or xp.dtype.kind == "c":
        raise DTypeError("interp: x and xp are real; interpolate the parts of a complex number")
    if xp.ndim != 1 or xp.shape != fp.shape or not xp.size:
        raise ShapeError(
            f"interp: expected xp and fp of one shape (n,), n > 0, got {xp.shape} and {fp.shape}"
        )
    return _cast(x, np.float64), _cast(xp, np.float64), _cast(fp, np.result_type(fp, np.float64))


def _beyond(value: Any, default: Any, name: str) -> Any:
    """Return what is taken on one side of the knots."""
    if value is None:
        return default
    if np.ndim(value) or (np.iscomplexobj(value) and default.dtype.kind != "c"):
        raise DTypeError(f"interp: {name} must be one number of the kind of fp")
    return value


def _on_a_circle(x: Any, xp: Any, fp: Any, period: Any) -> tuple[Any, Any, Any]:
    """Return the arguments folded into one period, and the knots continued on both sides."""
    if unwrap(period) == 0:
        raise ShapeError("interp: period must be a non-zero value")
    period = np.abs(period)
    x, xp = np.remainder(x, period), np.remainder(xp, period)
    order = np.argsort(unwrap(xp))
    xp, fp = xp[order], fp[order]
    return (
        x,
        np.concatenate([xp[-1:] - period, xp, xp[:1] + period]),
        np.concatenate([fp[-1:], fp, fp[:1]]),
    )


def _pieces(x: Any, xp: Any) -> tuple[Any, Any]:
    """Return the index of the interval of each raw `x`, and of the knot that its line starts at.

    The line of the last knot starts there, so that its value is exact.
    """
    last = len(xp) - 1
    interval = np.searchsorted(xp, x, "right") - 1
    before_last = np.searchsorted(xp, xp[-1], "left") - 1  # knots may be repeated
    at_end = x == xp[-1]
    interval = np.clip(np.where(at_end, before_last, interval), 0, last - 1)
    return interval, np.where(at_end, last, interval)


def _on_lines(x: Any, xp: Any, fp: Any) -> Any:
    if len(xp) == 1:
        return np.where(np.True_, fp[0], x)  # a constant that stays in the graph of x
    interval, knot = _pieces(unwrap(x), unwrap(xp))
    width = xp[interval + 1] - xp[interval]
    if not np.all(unwrap(width)):  # all knots are one: the lines are of no consequence
        width = np.where(unwrap(width) == 0, 1.0, width)
    slope = (fp[interval + 1] - fp[interval]) / width
    return slope * (x - xp[knot]) + fp[knot]


@composed(
    np.interp,
    samples=tuple(
        call(shape, np.array([-1.7, -0.4, 0.3, 1.6]), (4,), **options)
        for shape in ((5,), (2, 3), (), (0,))
        for options in ({}, {"left": 2.0, "right": -1.0}, {"period": 3.5})
    ),
    analytic=False,
    kinks=(-1.9, -1.7, -0.4, 0.3, 1.6),
    by_value="looks its index up in numpy.searchsorted",
)
def interp(
    x: Any, xp: Any, fp: Any, left: Any = None, right: Any = None, period: Any = None
) -> Any:
    """`numpy.interp`; also in the knots, and in what stands beyond them."""
    x, xp, fp = _checked(x, xp, fp)
    if period is not None:
        x, xp, fp = _on_a_circle(x, xp, fp, period)
        left = right = None
    low, high = _beyond(left, fp[0], "left"), _beyond(right, fp[-1], "right")
    raw, knots = unwrap(x), unwrap(xp)
    inside = _on_lines(x, xp, fp)
    lost = np.isnan(unwrap(inside)) & ~np.isnan(raw)
    if np.any(lost):  # infinite knots: NumPy has its ways, and there is no slope
        inside = np.where(lost, np.interp(raw, knots, unwrap(fp)), inside)
    return np.where(raw < knots[0], low, np.where(raw > knots[-1], high, inside))


# Functions of one's own


def _conditions(condlist: Any, ndim: int, count: int) -> Any:
    """Return one boolean array for each of `count` functions; the last may have all the rest."""
    single = np.isscalar(condlist) or (
        not isinstance(condlist[0], (list, np.ndarray)) and ndim != 0
    )
    conditions = np.asarray([condlist] if single else condlist, bool)
    if len(conditions) == count - 1:
        rest = ~np.any(conditions, axis=0, keepdims=True)
        conditions = np.concatenate([conditions, rest], axis=0)
    if len(conditions) != count:
        raise ShapeError(
            f"piecewise: {len(conditions)} conditions for {count} functions; expected as many, or"
            " one function more for the rest"
        )
    return conditions


@composed(np.piecewise, analytic=False)
def piecewise(x: Any, condlist: Any, funclist: Sequence[Any], *args: Any, **kw: Any) -> Any:
    """`numpy.piecewise`; also in the numbers among `funclist`."""
    (x,) = as_arrays(x)
    y = np.where(np.True_, np.zeros_like(x), x)  # zeros that stay in the graph of x
    for condition, function in zip(
        _conditions(unwrap(condlist), x.ndim, len(funclist)), funclist, strict=True
    ):
        value = function
        if callable(function):
            chosen = x[condition]
            if not chosen.size:
                continue
            value = function(chosen, *args, **kw)
        if isinstance(value, Tensor) and value.requires_grad and x.dtype.kind not in "fc":
            raise DTypeError(
                f"piecewise: the result is of x's {x.dtype}, which cannot hold a value that tracks"
                " gradients; use x.astype(float)"
            )
        y = assigned(y, value, condition)
    return y
