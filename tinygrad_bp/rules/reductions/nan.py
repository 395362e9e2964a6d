"""Reductions that pass NaN over: nansum, nanmean, nanmax and their like, running ones too.

NaN elements get the gradient 0.  Warnings are NumPy's own: of a slice that holds nothing but NaN.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from tinygrad_bp.engine.arrays import Array, Cotangent
from tinygrad_bp.engine.constructors import arrayed, composed, flat, general
from tinygrad_bp.engine.dispatch import FUNCTIONS, refuse_out
from tinygrad_bp.engine.rule import call
from tinygrad_bp.engine.shapes import Axis
from tinygrad_bp.engine.tensor import is_foreign, unwrap
from tinygrad_bp.rules.reductions.aggregates import TIED
from tinygrad_bp.rules.reductions.axes import AXES, freedom_lost, is_discrete, widened
from tinygrad_bp.rules.reductions.masked import (
    chosen_of,
    masked_deviation,
    masked_mean,
    masked_variance,
    whole_reduction,
    whole_spread,
)
from tinygrad_bp.rules.reductions.running import SAMPLES as RUNNING

SLICE = "All-NaN slice encountered"
SPREAD = (*AXES[:5], call((3, 4), axis=0, ddof=1))


def _numbers(where: Any, a: Array) -> Array:
    """Return the mask of what is chosen and is no NaN."""
    numbers = ~np.isnan(unwrap(a))
    return numbers if where is True else numbers & chosen_of(where, a)


def _refuse_discrete(name: str, dtype: Any) -> None:
    if is_discrete(dtype):  # NumPy too
        raise TypeError(f"{name}: a dtype of floating numbers is needed, not {np.dtype(dtype)}")


def _filled(name: str, function: Any, neutral: float) -> Any:
    """Return what `numpy.nansum`, or its like of products and of running ones, does on Tensors."""

    def reduce(
        a: Array, axis: Axis = None, dtype: Any = None, out: Array = None, *args: Any, **kwargs: Any
    ) -> Array:
        refuse_out(name, out)
        a = arrayed(a)
        return function(np.where(np.isnan(a), neutral, a), axis, dtype, None, *args, **kwargs)

    return reduce


composed(np.nansum, samples=AXES)(_filled("nansum", np.sum, 0))
composed(np.nanprod, samples=AXES)(_filled("nanprod", np.prod, 1))
composed(np.nancumsum, samples=RUNNING)(_filled("nancumsum", np.cumsum, 0))
composed(np.nancumprod, samples=RUNNING)(_filled("nancumprod", np.cumprod, 1))


# fmax.reduce and fmin.reduce have the derivatives of max and min but where everything is NaN.


def _weight(out: Array, x: Array, axis: Axis, keepdims: bool) -> Array:
    """Return the share of each element in the extremum, even among the tied."""
    won = x == widened(out, x.shape, axis, keepdims)
    ties = np.sum(won, axis=axis, keepdims=True)
    return (won / np.maximum(ties, 1)).astype(x.dtype)


def _pull(ct: Cotangent, out: Array, x: Array, axis: Axis, keepdims: bool) -> Array:
    return widened(ct, x.shape, axis, keepdims) * _weight(out, x, axis, keepdims)


def _push(tangents: Any, out: Array, x: Array, axis: Axis, keepdims: bool) -> Array:
    return np.sum(tangents[0] * _weight(out, x, axis, keepdims), axis=axis, keepdims=keepdims)


def _extremum(function: Any, ufunc: Any) -> Any:
    return general(
        function,
        _pull,
        push=_push,
        forward=lambda x, axis=None, keepdims=False: ufunc.reduce(x, axis, None, None, keepdims),
        convention=TIED,
        samples=AXES,
        analytic=False,
    )


nanmax = _extremum(np.nanmax, np.fmax)
nanmin = _extremum(np.nanmin, np.fmin)


def _warning(name: str, row: Any, whole: Any) -> Any:
    """Return what `numpy.nanmax`, or its like of minima, does on Tensors: `row`, and a warning."""

    def reduce(
        a: Array,
        axis: Axis = None,
        out: Array = None,
        keepdims: bool = False,
        initial: Any = None,
        where: Any = True,
    ) -> Array:
        refuse_out(name, out)
        a = arrayed(a)
        if initial is None and where is True:
            extremum = row(a, axis, keepdims)
        else:
            fill = 0 if initial is None else arrayed(initial).astype(a.dtype)
            rest = np.where(np.isnan(a), fill, a)
            extremum = whole_reduction(whole, rest, axis, keepdims, initial, where)
        # another library's array would have to be computed, for a warning
        if not is_foreign(unwrap(extremum)) and np.isnan(extremum).any():
            warnings.warn(SLICE, RuntimeWarning, stacklevel=3)
        return extremum

    return reduce


FUNCTIONS[np.nanmax] = _warning("nanmax", nanmax, np.max)
FUNCTIONS[np.nanmin] = _warning("nanmin", nanmin, np.min)


@composed(np.nanmean, samples=AXES[:6])
def nanmean(
    a: Array,
    axis: Axis = None,
    dtype: Any = None,
    out: Array = None,
    keepdims: bool = False,
    *,
    where: Any = True,
) -> Array:
    """`numpy.nanmean`."""
    refuse_out("nanmean", out)
    _refuse_discrete("nanmean", dtype)
    value = unwrap(a := arrayed(a))
    return masked_mean(
        a if dtype is None else a.astype(dtype),
        _numbers(where, a),
        axis,
        keepdims,
        lambda: np.nanmean(value, axis, dtype, keepdims=keepdims, where=unwrap(where)),
    )


def _spread(name: str, function: Any, masked: Any) -> Any:
    """Return what `numpy.nanvar`, or its root, does on Tensors."""
    whole = whole_spread(function, masked, _numbers)

    def reduce(
        a: Array,
        axis: Axis = None,
        dtype: Any = None,
        out: Array = None,
        ddof: float = 0,
        keepdims: bool = False,
        *,
        where: Any = True,
        mean: Any = None,
        correction: float | None = None,
    ) -> Array:
        refuse_out(name, out)
        _refuse_discrete(name, dtype)
        ddof = freedom_lost(name, ddof, correction)
        return whole(arrayed(a), where, axis, keepdims, dtype, ddof, mean)

    return reduce


composed(np.nanvar, samples=SPREAD, analytic=False)(_spread("nanvar", np.nanvar, masked_variance))
composed(np.nanstd, samples=SPREAD, analytic=False)(_spread("nanstd", np.nanstd, masked_deviation))

flat(np.nanargmax, np.nanargmin)
