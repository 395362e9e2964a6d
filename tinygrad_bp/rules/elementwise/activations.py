"""Activation functions that NumPy lacks, with rules of their own to stay exact."""

from __future__ import annotations

import numpy as np
from numpy import exp, log, log1p, maximum

from tinygrad_bp.engine.arrays import Array, Cotangent
from tinygrad_bp.engine.constructors import arrayed, elementwise
from tinygrad_bp.engine.tensor import is_foreign
from tinygrad_bp.rules import kernels


def sigmoid(x: Array) -> Array:
    """Compute the logistic function ``1 / (1 + exp(-x))`` of each element.

    Parameters
    ----------
    x : array or Tensor

    Returns
    -------
    array or Tensor of x's shape
        Relative error of a few ulp everywhere; exactly 0 or 1 at ∓1000, without a warning.
    """
    return kernels.sigmoid(x)


def logistic_slope(ct: Cotangent, s: Array, x: Array = None) -> Array:
    """Compute ``ct * s * (1 - s)``: the pull of the sigmoid of `x`, which every step runs."""
    return kernels.logistic_slope(ct, s, x)


logistic_slope = elementwise(
    logistic_slope,
    lambda ct, _out, _ct, s, x: logistic_slope(ct, s, x),
    lambda ct, _out, ct1, s, _x: ct * ct1 * (1 - 2 * s),
    forward=kernels.logistic_slope,
    bind=lambda ct, s, x=None: ((ct, s), (x,)),
    alike=True,
    composition=lambda ct, s: ct * s * (1 - s),
)


sigmoid = elementwise(
    sigmoid,
    kernels.logistic_slope,
    forward=kernels.sigmoid,
    spares=kernels.spares_logits,
    alike=True,
    methods=("sigmoid",),
    words="squeezes each element into the range from 0 to 1",
    formula="σ({0})",
    tex=r"\sigma(z) = \frac{1}{1 + e^{-z}}",
    pull_words=("{ct} ⊙ {out} ⊙ (1 − {out})",),
    composition=lambda x: 1 / (1 + exp(-x)),
)


def sigmoid_error(z: Array, y: Array) -> Array:
    """Return ``sigmoid(z) - y``; of a label 1 it is ``-sigmoid(-z)``, which keeps its digits."""
    difference, sure = sigmoid(z) - y, y == 1
    if is_foreign(sure) or not np.any(sure):
        return difference
    return np.where(sure, (1 - y) - sigmoid(-z), difference)


def _softplus_forward(x: Array) -> Array:
    # maximum compares complex numbers by their real parts
    return log1p(exp(x)) if arrayed(x).dtype.kind == "c" else kernels.softplus(x)


def softplus(x: Array) -> Array:
    """Compute ``log(1 + exp(x))`` of each element without overflow.

    Parameters
    ----------
    x : array or Tensor

    Returns
    -------
    array or Tensor of x's shape
    """
    return _softplus_forward(x)


softplus = elementwise(
    softplus,
    lambda ct, _out, x: ct * sigmoid(x),
    forward=_softplus_forward,
    alike=True,
    composition=lambda x: log(1 + exp(x)),
    analytic=False,
)


def relu(x: Array) -> Array:
    """Compute ``max(x, 0)`` of each element; the derivative at 0 is 0.

    Parameters
    ----------
    x : array or Tensor

    Returns
    -------
    array or Tensor of x's shape
    """
    return maximum(x, 0)


relu = elementwise(
    relu,
    lambda ct, out, _x: ct * (out > 0),
    forward=kernels.relu,
    alike=True,
    methods=("relu",),
    composition=lambda x: np.where(x > 0, x, 0),
    kinks=(0.0,),
    analytic=False,
)
