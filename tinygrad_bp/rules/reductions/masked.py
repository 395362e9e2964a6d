"""Reductions of the elements that a mask chooses, or that begin with a given value.

Compositions: for ``where=``, ``initial=`` and ``mean=`` of NumPy's reductions, and for its
functions that pass NaN over.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tinygrad_bp.engine.arrays import Array
from tinygrad_bp.engine.constructors import arrayed
from tinygrad_bp.engine.shapes import Axis
from tinygrad_bp.engine.tensor import unwrap
from tinygrad_bp.errors import ShapeError
from tinygrad_bp.rules.reductions.axes import count
from tinygrad_bp.rules.reductions.lengths import length
from tinygrad_bp.rules.unread import may_hold

COMBINED: dict[Any, Any] = {
    np.sum: np.add,
    np.prod: np.multiply,
    np.max: np.maximum,
    np.min: np.minimum,
}


def chosen_of(where: Any, a: Array) -> Array:
    """Return ``where`` as a plain mask of the shape of `a`."""
    return np.broadcast_to(np.asarray(unwrap(where), bool), a.shape)


def whole_reduction(
    function: Any, a: Array, axis: Axis, keepdims: bool, initial: Any, where: Any
) -> Array:
    """Return the sum, product, maximum or minimum of the chosen elements and of `initial`."""
    ufunc = COMBINED[function]
    if where is not True:
        fill = ufunc.identity
        if fill is None:
            if initial is None:
                raise ShapeError(f"{function.__name__}: with where=, give initial= too")
            fill = arrayed(initial).astype(a.dtype)
            if a.dtype.kind == "f":  # what is left out must not tie
                fill = a.dtype.type(-np.inf if ufunc is np.maximum else np.inf)
        a = np.where(chosen_of(where, a), a, fill)
    if initial is None:
        return function(a, axis=axis, keepdims=keepdims)
    if ufunc.identity is None and not count(a.shape, axis):
        reduced = np.sum(a, axis=axis, keepdims=keepdims)  # of nothing: 0, of the right shape
        return reduced + arrayed(initial).astype(reduced.dtype)
    reduced = function(a, axis=axis, keepdims=keepdims)
    return ufunc(reduced, arrayed(initial).astype(reduced.dtype))


# In these, `numpys` computes the same by NumPy on the plain values.  It is called where a slice has
# too few elements: for the warnings that NumPy gives of it, and for the values.  What is not chosen
# is replaced before anything is computed of it: a NaN would come back through a product with 0.


def masked_mean(
    a: Array, chosen: Any, axis: Axis, keepdims: bool, numpys: Callable[[], Any]
) -> Array:
    """Return the mean of the chosen elements."""
    mean, n = _mean(a, chosen, axis, keepdims)
    return np.where(n == 0, numpys(), mean) if not n.size or may_hold(n == 0) else mean


def _mean(a: Array, chosen: Any, axis: Axis, keepdims: bool) -> tuple[Any, Any]:
    """Return the mean of the chosen elements, 0 of none, and how many there are."""
    n = np.sum(chosen, axis=axis, keepdims=keepdims)
    wide = a.astype(np.float32) if a.dtype == np.float16 else a  # as NumPy adds them
    mean = _share(np.sum(np.where(chosen, wide, 0), axis=axis, keepdims=keepdims), n)
    return mean if wide is a else mean.astype(a.dtype), n


def _share(total: Array, n: Any) -> Array:
    """Return ``total / n`` in total's precision; by 1 where `n` is not positive."""
    precision = np.finfo(total.dtype).dtype if total.dtype.kind in "fc" else float
    return total / np.where(n > 0, n, 1).astype(precision)


def masked_variance(
    a: Array,
    chosen: Any,
    axis: Axis,
    keepdims: bool,
    dtype: Any,
    ddof: float,
    mean: Any,
    numpys: Callable[[], Any],
) -> Array:
    """Return the variance of the chosen elements about `mean`, their own if that is None."""
    n = np.sum(chosen, axis=axis, keepdims=keepdims)
    apart = _apart(a, chosen, axis, dtype, mean)
    square = np.real(apart * np.conjugate(apart)) if apart.dtype.kind == "c" else apart * apart
    variance = _share(np.sum(square, axis=axis, dtype=dtype, keepdims=keepdims), n - ddof)
    return _but_few(n <= ddof, numpys, variance)


def _apart(a: Array, chosen: Any, axis: Axis, dtype: Any, mean: Any) -> Array:
    """Return the chosen elements less `mean`, their own if that is None, and 0 for the others."""
    a = np.where(chosen, a, 0)
    if mean is None:
        mean, _ = _mean(a if dtype is None else a.astype(dtype), chosen, axis, keepdims=True)
    return np.where(chosen, a - mean, 0)


def _but_few(few: Any, numpys: Callable[[], Any], values: Array) -> Array:
    """Return `values`, NumPy's where there are too few elements."""
    return np.where(few, numpys(), values) if may_hold(few) or not few.size else values


def masked_deviation(
    a: Array,
    chosen: Any,
    axis: Axis,
    keepdims: bool,
    dtype: Any,
    ddof: float,
    mean: Any,
    numpys: Callable[[], Any],
) -> Array:
    """Return the root of `masked_variance`; its derivative is 0 where all chosen are equal.

    The mean of equal numbers may be rounded.  What is apart from it is then the same for all, and
    cancels in the derivative.
    """
    n = np.sum(chosen, axis=axis, keepdims=keepdims)
    apart = _apart(a, chosen, axis, dtype, mean)
    widened = dtype is not None and apart.dtype != dtype
    apart = apart.astype(dtype) if widened else apart
    lost = ~np.logical_and.reduce(np.isfinite(unwrap(apart)), axis, keepdims=True)
    size = length(np.where(lost, 0, apart) if may_hold(lost) else apart, axis, keepdims)
    deviation = _share(size, np.sqrt(np.maximum(n - ddof, 0)))
    if widened:  # NumPy squares first, and rounds more
        deviation = deviation + (numpys() - unwrap(deviation))
    return _but_few((n <= ddof) | np.reshape(lost, n.shape), numpys, deviation)


# What `numpy.mean` and its like do with ``where=``; those that pass NaN over choose otherwise.


def whole_mean(a: Array, where: Any, axis: Axis, keepdims: bool) -> Array:
    """Return `numpy.mean` with ``where=``."""
    return masked_mean(
        a,
        chosen_of(where, a),
        axis,
        keepdims,
        lambda: np.mean(unwrap(a), axis=axis, keepdims=keepdims, where=unwrap(where)),
    )


def whole_spread(
    function: Any,
    masked: Callable[..., Any],
    chosen: Callable[[Any, Any], Any] = chosen_of,
) -> Callable[..., Any]:
    """Return what a variance or a deviation does with ``where=``, of what that chooses."""

    def whole(
        a: Array, where: Any, axis: Axis, keepdims: bool, dtype: Any, ddof: float, mean: Any
    ) -> Array:
        options = {"axis": axis, "keepdims": keepdims, "dtype": dtype, "ddof": ddof}
        given = options if mean is None else options | {"mean": unwrap(mean)}
        return masked(
            a,
            chosen(where, a),
            **options,
            mean=mean,
            numpys=lambda: function(unwrap(a), where=unwrap(where), **given),
        )

    return whole


whole_variance = whole_spread(np.var, masked_variance)
whole_deviation = whole_spread(np.std, masked_deviation)
