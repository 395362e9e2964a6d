"""Logarithms of sums of exponentials: logaddexp, logsumexp and log-softmax.

Numerically necessary: exp of large numbers overflows, exp of very negative ones loses everything.
The derivatives are the shares of the terms in the sum.  They depend on differences of the arguments
alone, and come from these: ``exp(x - out)`` would hold the rounding of `out`, as large as x is.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_bp.engine.arrays import Array, Cotangent
from tinygrad_bp.engine.broadcasting import sum_columns
from tinygrad_bp.engine.constructors import elementwise, general
from tinygrad_bp.engine.memory import LARGE, empty_like
from tinygrad_bp.engine.rule import call
from tinygrad_bp.engine.shapes import Axis
from tinygrad_bp.engine.tensor import SCALARS, Tensor, unwrap
from tinygrad_bp.rules.elementwise.activations import sigmoid
from tinygrad_bp.rules.elementwise.elementary import LN2
from tinygrad_bp.rules.kernels import below_maximum, same_dtype
from tinygrad_bp.rules.reductions.axes import AXES, over_axes, widened


def _as_given(out: Array, x: Array) -> Array:
    """Return `out` in half precision if `x` is, which was computed in single precision."""
    return out.astype(x.dtype) if x.dtype.char == "e" else out


def _weights(x: Array, axis: Axis) -> Array:
    """Return the softmax of `x`; 0 where every term is exp(-inf)."""
    if isinstance(x, Tensor):
        nothing = np.max(unwrap(x), axis=axis, keepdims=True, initial=-np.inf) == -np.inf
        return np.where(nothing, 0, np.exp(log_softmax(np.where(nothing, 0, x), axis)))
    below, _ = below_maximum(x, axis)
    terms = np.exp(below)
    total = np.sum(terms, axis=axis, keepdims=True)
    return _as_given(terms / np.where(total == 0, 1, total), x)


def logsumexp(x: Array, axis: Axis = None, keepdims: bool = False) -> Array:
    """Compute ``log(sum(exp(x)))`` over `axis` without overflow.

    Parameters
    ----------
    x : array or Tensor
    axis : int or tuple of int, optional
        All axes by default.
    keepdims : bool, default False
        Whether to keep the reduced axes with length 1.

    Returns
    -------
    array or Tensor
        A Tensor if `x` is one; ``-inf`` where there is nothing to sum.
    """
    below, top = below_maximum(x, axis)
    with np.errstate(divide="ignore"):  # log(0) = -inf is right where every term is exp(-inf)
        out = np.log(np.sum(np.exp(below), axis=axis, keepdims=True)) + top
    out = _as_given(out, x)
    if keepdims:
        return out
    out = np.reshape(out, ()) if axis is None else np.squeeze(out, axis)
    return out if out.shape else out[()]  # a 0-d value is a NumPy scalar


logsumexp = general(
    logsumexp,
    lambda ct, _out, x, axis, keepdims: widened(ct, x.shape, axis, keepdims) * _weights(x, axis),
    push=lambda tangents, _out, x, axis, keepdims: np.sum(
        tangents[0] * _weights(x, axis), axis=axis, keepdims=keepdims
    ),
    bind=over_axes,
    words="the logarithm of the sum of exponentials",
    composition=lambda x, axis=None, keepdims=False: np.log(
        np.sum(np.exp(x), axis=axis, keepdims=keepdims)
    ),
    samples=AXES,
    analytic=False,
)


def _is_raw_rows(x: Array, axis: Any) -> bool:
    """Whether an array is large enough for the raw code, along its last axis."""
    last: bool = axis in (-1, x.ndim - 1)
    return last and type(x) is np.ndarray and x.size >= LARGE and x.dtype.char in "fd"


def _rows(x: Array) -> Array:
    return x.reshape(-1, x.shape[-1])


def log_softmax(x: Array, axis: Axis = -1) -> Array:
    """Compute the logarithm of the softmax along `axis`, exact also where the softmax underflows.

    Parameters
    ----------
    x : array or Tensor
        Logits; ``-inf`` means probability 0, and gets the gradient 0.
    axis : int, default -1
        The axis along which the probabilities sum to 1.

    Returns
    -------
    array or Tensor of x's shape
    """
    below, _ = below_maximum(x, axis)
    if not x.size:
        return below
    if _is_raw_rows(below, axis):
        total = sum_columns(_rows(np.exp(below, empty_like(below))))
        out = np.subtract(below, np.log(total).reshape(*below.shape[:-1], 1), below)
        return _as_given(out, x)
    return _as_given(below - np.log(np.sum(np.exp(below), axis=axis, keepdims=True)), x)


# Where a probability p is nearly 1 (at most one is above a half), 1 - p is the sum of the others:
# the difference would be rounded away.


def _log_softmax_pull(ct: Cotangent, out: Array, _x: Array, axis: int) -> Array:
    if _is_raw_rows(out, axis) and type(ct) is np.ndarray and same_dtype(ct, out):
        return _pull_rows(_rows(ct), _rows(out)).reshape(out.shape)
    ct = np.where(out == -np.inf, 0, ct)  # a constant -inf: nothing finite moves it
    p = np.exp(out)
    main = p > 0.5
    rest = np.sum(np.where(main, 0, ct), axis=axis, keepdims=True)
    whole = np.sum(ct, axis=axis, keepdims=True)
    others = np.sum(np.where(main, 0, p), axis=axis, keepdims=True)
    return np.where(main, ct * others - p * rest, ct - p * whole)


def _pull_rows(ct: Array, out: Array) -> Array:
    """Return `_log_softmax_pull` of raw rows: probabilities above a half by themselves."""
    if np.min(out) == -np.inf:
        ct = np.where(out == -np.inf, 0, ct)
    p = np.exp(out, empty_like(out))
    part = np.multiply(p, sum_columns(ct)[:, np.newaxis], empty_like(out))
    np.subtract(ct, part, part)
    # of the flat mask: for two axes NumPy takes twenty times as long
    rows, columns = np.divmod(np.flatnonzero(p > 0.5), p.shape[1])
    if rows.size:
        places = rows, columns
        others, rest = p[rows], ct[rows]
        index = np.arange(rows.size), columns
        others[index] = rest[index] = 0
        part[places] = ct[places] * sum_columns(others) - p[places] * sum_columns(rest)
    return part


def _log_softmax_push(tangents: Any, out: Array, _x: Array, axis: int) -> Array:
    (t,) = tangents
    p = np.exp(out)
    t = t - np.sum(np.where(p > 0.5, t, 0), axis=axis, keepdims=True)
    return np.where(out == -np.inf, 0, t - np.sum(p * t, axis=axis, keepdims=True))


log_softmax = general(
    log_softmax,
    _log_softmax_pull,
    push=_log_softmax_push,
    words="the logarithm of the softmax",
    bind=lambda x, axis=-1: ((x,), (axis,)),
    composition=lambda x, axis=-1: x - np.log(np.sum(np.exp(x), axis=axis, keepdims=True)),
    samples=(call((3,)), call((2, 3)), call((2, 3), axis=0), call((0, 3))),
    analytic=False,
)


def _share(x: Array, y: Array, out: Array, logistic: Any) -> Array:
    """Return the share of x in the sum with y: a half where both are inf, 0 where both are -inf."""
    x, y = (np.asarray(one, out.dtype) if type(one) in SCALARS else one for one in (x, y))
    tied = (x == y) & np.isinf(x)
    gap = np.where(tied, 0, x) - np.where(tied, 0, y)
    return np.where(out == -np.inf, 0, logistic(gap))


def _logistic_of_two(gap: Any) -> Any:
    """Return ``1 / (1 + 2**-gap)``."""
    if isinstance(gap, Tensor):
        return sigmoid(gap * LN2)
    below = np.exp2(-np.abs(gap))  # to the last bits, also where gap * LN2 is rounded
    return np.where(gap > 0, 1, below) / (below + 1)


for _ufunc, _logistic in ((np.logaddexp, sigmoid), (np.logaddexp2, _logistic_of_two)):
    elementwise(
        _ufunc,
        lambda ct, out, x, y, _logistic=_logistic: ct * _share(x, y, out, _logistic),
        lambda ct, out, x, y, _logistic=_logistic: ct * _share(y, x, out, _logistic),
        analytic=False,
        commutes=True,
    )


# Sums of more than two, composed.  Every term is relative to a constant, the maximum so far.

LOG_SUMS = {np.logaddexp: (np.exp, np.log), np.logaddexp2: (np.exp2, np.log2)}


def log_sum(ufunc: Any, rows: Any) -> Any:
    """Return ``ufunc.reduce(rows)`` where that is finite."""
    exp, log = LOG_SUMS[ufunc]
    top = np.maximum.reduce(unwrap(rows), 0)
    return log(np.sum(exp(rows - top), axis=0)) + top


def running_log_sum(ufunc: Any, rows: Any) -> Any:
    """Return ``ufunc.accumulate(rows)`` of finite numbers, in log2(n) steps.

    Hillis & Steele 1986, "Data parallel algorithms".
    """
    exp, log = LOG_SUMS[ufunc]
    top = unwrap(rows)
    sums = exp(rows - top)  # each of the last `step` rows up to its own, over exp(top)
    step = 1
    while step < len(top):
        before, own = top[:-step], top[step:]
        higher = np.maximum(before, own)
        both = sums[:-step] * exp(before - higher) + sums[step:] * exp(own - higher)
        sums = np.concatenate([sums[:step], both])
        top = np.concatenate([top[:step], higher])
        step *= 2
    return log(sums) + top
