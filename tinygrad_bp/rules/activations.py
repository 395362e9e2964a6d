"""The activation functions that NumPy lacks and that need a rule of their own to stay exact: sigmoid, softplus, relu."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_bp.rules.table import elementwise

# Above it 1 + exp(x) rounds to exp(x), so sigmoid is 1 already; exp(CEILING) is finite even in float16.
CEILING = {"e": 11.0, "f": 40.0}


def raw_sigmoid(x: Any) -> Any:
    """Return exp(x) / (1 + exp(x)): exact to the last bits in both tails, never overflowing, 0 and 1 at -+1000."""
    if type(x) is np.ndarray and x.dtype.char in "df":
        grown = np.exp(np.minimum(x, 40.0))
        return grown / (grown + 1.0)
    grown = np.exp(np.minimum(x, CEILING.get(x.dtype.char, 40.0)) if x.dtype.kind == "f" else x)
    return grown / (grown + 1)


def sigmoid(x: Any) -> Any:
    """Compute the logistic function ``1 / (1 + exp(-x))`` of each element.

    Parameters
    ----------
    x : array or Tensor

    Returns
    -------
    array or Tensor of x's shape
        Relative error of a few ulp everywhere; exactly 0 or 1 at ∓1000, without a warning.
    """
    return raw_sigmoid(x)


sigmoid = elementwise(
    sigmoid,
    lambda ct, out, _x: ct * (out - out * out),
    forward=raw_sigmoid,
    methods=("sigmoid",),
    composition=lambda x: 1 / (1 + np.exp(-x)),
)


def _raw_softplus(x: Any) -> Any:
    return np.log1p(np.exp(-np.absolute(x))) + np.maximum(x, 0)


def softplus(x: Any) -> Any:
    """Compute ``log(1 + exp(x))`` of each element without overflow.

    Parameters
    ----------
    x : array or Tensor

    Returns
    -------
    array or Tensor of x's shape
    """
    return _raw_softplus(x)


softplus = elementwise(
    softplus,
    lambda ct, _out, x: ct * sigmoid(x),
    forward=_raw_softplus,
    composition=lambda x: np.log(1 + np.exp(x)),
    analytic=False,
)


def relu(x: Any) -> Any:
    """Compute ``max(x, 0)`` of each element; the derivative at 0 is 0.

    Parameters
    ----------
    x : array or Tensor

    Returns
    -------
    array or Tensor of x's shape
    """
    return np.maximum(x, 0)


def _raw_relu(x: Any) -> Any:
    if type(x) is np.float64:  # a scalar graph: a comparison costs a tenth of the ufunc
        return x if x > 0.0 or x != x else np.float64(0.0)  # noqa: PLR0124  # NaN stays NaN
    return np.maximum(x, 0)


relu = elementwise(
    relu,
    lambda ct, out, _x: ct * (out > 0),
    forward=_raw_relu,
    methods=("relu",),
    kinks=(0.0,),
    analytic=False,
)
