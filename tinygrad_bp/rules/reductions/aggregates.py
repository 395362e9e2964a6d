"""Reductions: sum, mean, prod, max, min, var, std; also their flat relatives."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_bp.engine.arrays import Array, Cotangent
from tinygrad_bp.engine.constructors import composed, flat, general, linear
from tinygrad_bp.engine.rule import call
from tinygrad_bp.engine.shapes import Axis, Shape, reduced_axes
from tinygrad_bp.rules.conventions import Convention
from tinygrad_bp.rules.reductions.axes import (
    AXES,
    EMPTY,
    count,
    records_extremum,
    records_mean,
    records_spread,
    records_sum,
    widened,
)
from tinygrad_bp.rules.reductions.log_sums import log_softmax, logsumexp
from tinygrad_bp.rules.reductions.masked import (
    whole_deviation,
    whole_mean,
    whole_reduction,
    whole_variance,
)
from tinygrad_bp.rules.reductions.running import product_before
from tinygrad_bp.rules.shapes.shaping import spread

__all__ = ["log_softmax", "logsumexp"]

HALF_MAX = 65504  # the largest float16: a count above it would be inf there


def _sum_forward(x: Array, axis: Any, keepdims: bool) -> Array:
    if type(x) is np.ndarray:  # numpy.sum is Python code around this
        # by position: keywords cost a tenth of the call
        return np.add.reduce(x, axis, None, None, keepdims)  # type: ignore[call-overload]  # no None
    return np.sum(x, axis=axis, keepdims=keepdims)


linear(
    np.sum,
    lambda ct, _out, _x, axis, keepdims: spread(widened(ct, _x.shape, axis, keepdims), _x.shape),
    forward=_sum_forward,
    recorder=records_sum(whole_reduction),
    methods=("sum",),
    words="adds up elements",
    samples=AXES + EMPTY,
)


def _mean_pull(ct: Cotangent, _out: Array, _x: Array, axis: Axis, keepdims: bool) -> Array:
    n = count(_x.shape, axis) or 1  # of no elements there is no share, and no warning about it
    part = widened(ct, _x.shape, axis, keepdims)
    part = part / n if n <= HALF_MAX or part.dtype.char != "e" else part * (1 / n)
    return spread(part, _x.shape)


linear(
    np.mean,
    _mean_pull,
    forward=lambda x, axis, keepdims: np.mean(x, axis=axis, keepdims=keepdims),
    recorder=records_mean(whole_mean),
    methods=("mean",),
    words="takes the mean of elements",
    samples=AXES,
)


def _extremum_pull(ct: Cotangent, out: Array, x: Array, axis: Axis, keepdims: bool) -> Array:
    """Split `ct` evenly among the tied; a NaN extremum gives NaN to the NaNs and 0 elsewhere."""
    extremum = widened(out, x.shape, axis, keepdims)
    won = (x == extremum) | ((x != x) & (extremum != extremum))  # NaN alone differs from itself
    ties = np.sum(won, axis=axis, keepdims=True)
    share = widened(ct, x.shape, axis, keepdims) * (won / ties).astype(x.dtype)
    return np.where(won & (x != x), np.nan, share)


def _extremum_push(tangents: Any, out: Array, x: Array, axis: Axis, keepdims: bool) -> Array:
    weight = _extremum_pull(np.ones_like(out), out, x, axis, keepdims)
    return np.sum(tangents[0] * weight, axis=axis, keepdims=keepdims)


def _is_tied(out: Array, x: Array, axis: Axis, keepdims: bool) -> Array:
    tied = x == widened(out, x.shape, axis, keepdims)
    return np.sum(tied & np.isfinite(x), axis=reduced_axes(axis, x.ndim), keepdims=True) > 1


TIED = Convention(_is_tied, kink=True)
for ufunc, function in ((np.maximum, np.max), (np.minimum, np.min)):
    general(
        function,
        _extremum_pull,
        push=_extremum_push,
        forward=lambda x, axis, keepdims, _reduce=ufunc.reduce: _reduce(
            x, axis, None, None, keepdims
        ),
        recorder=records_extremum(whole_reduction),
        methods=(function.__name__,),
        name=function.__name__,
        convention=TIED,
        words=f"takes the {'largest' if ufunc is np.maximum else 'smallest'} of elements",
        samples=AXES,
        analytic=False,
    )


composed(np.amax, analytic=False)(lambda a, *args, **options: np.max(a, *args, **options))
composed(np.amin, analytic=False)(lambda a, *args, **options: np.min(a, *args, **options))


def _others(x: Array, axis: Axis) -> Array:
    """Return, for each element, the product of the others along `axis`: no division, so zeros fit.

    The product of all before times the product of all after (exclusive scans; Blelloch 1990,
    "Prefix sums and their applications", section 1.1).
    """
    if not x.size:
        return x
    axes = reduced_axes(axis, x.ndim)
    rest = [i for i in range(x.ndim) if i not in axes]
    order = (*rest, *axes)
    shape = tuple(x.shape[i] for i in rest)
    rows = np.reshape(np.transpose(x, order), (*shape, count(x.shape, axis)))
    after = product_before(rows[..., ::-1])[..., ::-1]
    apart = np.reshape(product_before(rows) * after, tuple(x.shape[i] for i in order))
    return np.transpose(apart, np.argsort(order).tolist())


def _prod_push(tangents: Any, _out: Array, x: Array, axis: Axis, keepdims: bool) -> Array:
    return np.sum(tangents[0] * _others(x, axis), axis=axis, keepdims=keepdims)


general(
    np.prod,
    lambda ct, _out, x, axis, keepdims: widened(ct, x.shape, axis, keepdims) * _others(x, axis),
    push=_prod_push,
    forward=lambda x, axis, keepdims: np.prod(x, axis=axis, keepdims=keepdims),
    recorder=records_sum(whole_reduction),
    methods=("prod",),
    samples=AXES + EMPTY,
)


# The variance is the mean square of the distance |x - mean|: its pull conjugates a complex x, and
# its own cotangent is real.


def _centred(x: Array, axis: Axis) -> Array:
    if not x.size:
        return x  # numpy.mean warns of an empty slice; the forward function has done so
    apart = x - np.mean(x, axis=axis, keepdims=True)
    return np.conjugate(apart) if x.dtype.kind == "c" else apart


def _real(part: Array, x: Array) -> Array:
    return np.real(part) if x.dtype.kind == "c" else part


def _freedom(shape: Shape, axis: Axis, ddof: float) -> float:
    """Return the divisor of a variance; as in NumPy 0, not negative, where `ddof` is too large."""
    return max(count(shape, axis) - ddof, 0)


def _var_pull(
    ct: Cotangent, _out: Array, x: Array, axis: Axis, keepdims: bool, ddof: float
) -> Array:
    wide = widened(_real(ct, x), x.shape, axis, keepdims)
    return wide * (_centred(x, axis) * 2 / _freedom(x.shape, axis, ddof))


def _inner(t: Any, x: Array, axis: Axis, keepdims: bool) -> Array:
    return _real(np.sum(t * _centred(x, axis), axis=axis, keepdims=keepdims), x)


def _var_push(
    tangents: Any, _out: Array, x: Array, axis: Axis, keepdims: bool, ddof: float
) -> Array:
    return _inner(tangents[0], x, axis, keepdims) * 2 / _freedom(x.shape, axis, ddof)


def _is_constant(out: Array, x: Array, axis: Axis, _keepdims: bool, _ddof: float) -> Array:
    """Return where `x` is constant: the derivative of its deviation `out` is 0 by convention.

    The mean of equal numbers may be rounded, so that their deviation is not quite 0.
    """
    axes = reduced_axes(axis, x.ndim)
    first = x[tuple(slice(0, 1) if i in axes else slice(None) for i in range(x.ndim))]
    same = np.all(x == first, axis=axes, keepdims=True)
    return same | (np.reshape(out, same.shape) == 0)


def _is_flat(out: Array, x: Array, axis: Axis, keepdims: bool, ddof: float) -> Array:
    """Return the same where there are several elements: of one the deviation is always 0."""
    constant = _is_constant(out, x, axis, keepdims, ddof)
    return constant & (constant.size < x.size)


def _divisor(out: Array, x: Array, axis: Axis, keepdims: bool, ddof: float) -> Array:
    """Return what divides: one that has overflowed has a derivative, but says nothing of it."""
    constant = np.reshape(_is_constant(out, x, axis, keepdims, ddof), out.shape)
    return np.where(constant, np.inf, np.where(np.isinf(out), np.nan, out))


def _std_pull(
    ct: Cotangent, out: Array, x: Array, axis: Axis, keepdims: bool, ddof: float
) -> Array:
    share = _real(ct, x) / _divisor(out, x, axis, keepdims, ddof)
    wide = widened(share, x.shape, axis, keepdims)
    return wide * (_centred(x, axis) / _freedom(x.shape, axis, ddof))


def _std_push(
    tangents: Any, out: Array, x: Array, axis: Axis, keepdims: bool, ddof: float
) -> Array:
    slope = _inner(tangents[0], x, axis, keepdims) / _freedom(x.shape, axis, ddof)
    return slope / _divisor(out, x, axis, keepdims, ddof)


SPREAD = (
    *AXES[:4],
    call((2, 3), keepdims=True),
    call((3, 4), axis=0, ddof=1),
    call((0, 3), axis=1),
)
general(
    np.var,
    _var_pull,
    push=_var_push,
    forward=lambda x, axis, keepdims, ddof: np.var(x, axis=axis, keepdims=keepdims, ddof=ddof),
    recorder=records_spread(whole_variance),
    methods=("var",),
    samples=SPREAD,
    analytic=False,
    takes_complex=True,
)
general(
    np.std,
    _std_pull,
    push=_std_push,
    convention=Convention(
        _is_flat, squared=(lambda q, _out, *rest: _var_pull(q, None, *rest) * 0.5,)
    ),
    forward=lambda x, axis, keepdims, ddof: np.std(x, axis=axis, keepdims=keepdims, ddof=ddof),
    recorder=records_spread(whole_deviation),
    methods=("std",),
    samples=SPREAD,
    analytic=False,
    takes_complex=True,
)


flat(np.any, np.all, np.argmax, np.argmin, np.count_nonzero, np.nonzero, np.argwhere)
flat(np.flatnonzero, np.searchsorted, np.digitize)
for _name in ("any", "all", "argmax", "argmin", "nonzero", "searchsorted"):
    flat(getattr(np, _name), methods=(_name,))
