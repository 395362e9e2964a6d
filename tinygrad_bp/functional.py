"""Functions that NumPy lacks and that need no rule: compositions of functions that have one.

An array gives an array, a Tensor a Tensor; gradients of any order come from the parts.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_bp.elsewhere.calls import answers
from tinygrad_bp.engine.arrays import Array
from tinygrad_bp.rules.elementwise.activations import sigmoid
from tinygrad_bp.rules.loss_reductions import require_same_shape, weighted
from tinygrad_bp.rules.reductions.aggregates import log_softmax


@answers
def softmax(x: Array, axis: int = -1) -> Array:
    """Compute ``exp(x) / sum(exp(x))`` along `axis`, as the exponential of `log_softmax`.

    Parameters
    ----------
    x : array or Tensor
        Logits of any size, also 1000 or ``-inf``.
    axis : int, default -1
        The axis along which the result sums to 1.

    Returns
    -------
    array or Tensor of x's shape

    Examples
    --------
    >>> import numpy as np, tinygrad_bp as tg
    >>> tg.softmax(np.array([1000.0, 1000.0]))
    array([0.5, 0.5])
    """
    return np.exp(log_softmax(x, axis=axis))


@answers
def silu(x: Array) -> Array:
    """Compute ``x * sigmoid(x)`` of each element.

    Parameters
    ----------
    x : array or Tensor

    Returns
    -------
    array or Tensor of x's shape

    Notes
    -----
    Hendrycks & Gimpel (2016), "Gaussian error linear units", section 2; also called swish.
    """
    x = _operand(x)
    return x * sigmoid(x)


@answers
def mse(prediction: Any, target: Any, reduction: str = "mean", weights: Any = None) -> Any:
    """Compute the squared error ``(prediction - target)**2``.

    Parameters
    ----------
    prediction : array or Tensor
    target : array or Tensor of the same shape
    reduction : {"mean", "sum", "none"}
    weights : array or Tensor of the shape of the single losses, optional
        What each counts, at least 0; a mean is divided by their sum.

    Returns
    -------
    scalar, or array of the shape of `prediction` for "none"

    Raises
    ------
    ShapeError
        If the shapes differ; they would broadcast silently.
    """
    require_same_shape("mse", prediction, target)
    error = _operand(prediction) - _operand(target)
    return weighted("mse", error * error, weights, reduction)


def _operand(x: Array) -> Array:
    """Return `x`, or an array of it where it is a Python number or a list."""
    return x if hasattr(x, "dtype") else np.asarray(x)[()]
