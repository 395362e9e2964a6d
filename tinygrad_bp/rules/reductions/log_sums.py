"""Logarithms of sums of exponentials: logsumexp and log-softmax.

Numerically necessary: exp of large numbers overflows, exp of very negative ones loses everything.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_bp.engine.constructors import general
from tinygrad_bp.engine.rule import call
from tinygrad_bp.engine.shapes import Axis, kept_shape
from tinygrad_bp.rules.reductions.axes import AXES, widened


def _below_maximum(x: Any, axis: Axis) -> tuple[Any, Any]:
    """Return x minus its maximum along `axis`, and that maximum, 0 where it is not finite."""
    if not x.size:
        return x, np.zeros(kept_shape(x.shape, axis), x.dtype)
    if x.dtype.kind in "bui":  # less their maximum, unsigned integers would wrap around
        x = x.astype(np.float64)
    top = np.maximum.reduce(x, axis=axis, keepdims=True)
    top = np.where(np.isfinite(top), top, 0)
    return x - top, top


def _logsumexp_forward(x: Any, axis: Any, keepdims: bool) -> Any:
    below, top = _below_maximum(x, axis)
    with np.errstate(divide="ignore"):  # log(0) = -inf is right where every term is exp(-inf)
        out = np.log(np.sum(np.exp(below), axis=axis, keepdims=True)) + top
    if keepdims:
        return out
    return np.reshape(out, ())[()] if axis is None else np.squeeze(out, axis)


def _weights(x: Any, out: Any, axis: Axis, keepdims: bool) -> Any:
    """Return the softmax of `x`, given its logsumexp; 0 where every term is exp(-inf)."""
    total = widened(out, x.shape, axis, keepdims)
    return np.exp(x - np.where(total == -np.inf, 0, total))


def logsumexp(x: Any, axis: Axis = None, keepdims: bool = False) -> Any:
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
    return _logsumexp_forward(x, axis, keepdims)


logsumexp = general(
    logsumexp,
    lambda ct, out, x, axis, keepdims: (
        widened(ct, x.shape, axis, keepdims) * _weights(x, out, axis, keepdims)
    ),
    push=lambda tangents, out, x, axis, keepdims: np.sum(
        tangents[0] * _weights(x, out, axis, keepdims), axis=axis, keepdims=keepdims
    ),
    forward=_logsumexp_forward,
    bind=lambda x, axis=None, keepdims=False: (
        (x,),
        (tuple(axis) if type(axis) is list else axis, bool(keepdims)),
    ),
    composition=lambda x, axis=None, keepdims=False: np.log(
        np.sum(np.exp(x), axis=axis, keepdims=keepdims)
    ),
    samples=AXES,
    analytic=False,
)


def _log_softmax_forward(x: Any, axis: int) -> Any:
    below, _ = _below_maximum(x, axis)
    if not x.size:
        return below
    return below - np.log(np.sum(np.exp(below), axis=axis, keepdims=True))


def log_softmax(x: Any, axis: int = -1) -> Any:
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
    return _log_softmax_forward(x, axis)


def _log_softmax_pull(ct: Any, out: Any, _x: Any, axis: int) -> Any:
    ct = np.where(out == -np.inf, 0, ct)  # a constant -inf: nothing finite moves it
    return ct - np.exp(out) * np.sum(ct, axis=axis, keepdims=True)


def _log_softmax_push(tangents: Any, out: Any, _x: Any, axis: int) -> Any:
    (t,) = tangents
    mean = np.sum(np.exp(out) * t, axis=axis, keepdims=True)
    return np.where(out == -np.inf, 0, t - mean)


log_softmax = general(
    log_softmax,
    _log_softmax_pull,
    push=_log_softmax_push,
    forward=_log_softmax_forward,
    bind=lambda x, axis=-1: ((x,), (axis,)),
    composition=lambda x, axis=-1: x - np.log(np.sum(np.exp(x), axis=axis, keepdims=True)),
    samples=(call((3,)), call((2, 3)), call((2, 3), axis=0), call((0, 3))),
    analytic=False,
)
