"""Activation functions that NumPy lacks, with rules of their own to stay exact."""

from __future__ import annotations

import math

import numpy as np
from numpy import exp, log, log1p, maximum, multiply, ndarray, reciprocal, subtract

from tinygrad_bp.engine.arrays import Array, Cotangent
from tinygrad_bp.engine.constructors import arrayed, elementwise
from tinygrad_bp.engine.memory import LARGE, empty_like
from tinygrad_bp.engine.tensor import is_foreign
from tinygrad_bp.rules import kernels

GELU_SLOPE = 2.0 * math.sqrt(2.0 / math.pi)  # twice the paper's: 0.5 (1 + tanh u) = sigmoid(2 u)
GELU_CUBE = 0.044715  # the paper's fit to the Gaussian distribution function
# Beyond it the sigmoid is exactly 0 or 1 in float64; the cube of a large x would only overflow.
GELU_SATURATED = 25.0


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
    sparing=kernels.sigmoid_sparing,
    alike=True,
    methods=("sigmoid",),
    words="squeezes each element into the range from 0 to 1",
    formula="σ({0})",
    tex=r"\sigma(z) = \frac{1}{1 + e^{-z}}",
    composition=lambda x: 1 / (1 + exp(-x)),
)


def sigmoid_error(z: Array, y: Array) -> Array:
    """Return ``sigmoid(z) - y``; of a label 1 it is ``-sigmoid(-z)``, which keeps its digits."""
    difference, sure = sigmoid(z) - y, y == 1
    if is_foreign(sure) or not np.any(sure):
        return difference
    return np.where(sure, (1 - y) - sigmoid(-z), difference)


def softplus(x: Array) -> Array:
    """Compute ``log(1 + exp(x))`` of each element without overflow.

    Parameters
    ----------
    x : array or Tensor

    Returns
    -------
    array or Tensor of x's shape
    """
    # maximum compares complex numbers by their real parts
    return log1p(exp(x)) if arrayed(x).dtype.kind == "c" else kernels.softplus(x)


softplus = elementwise(
    softplus,
    lambda ct, _out, x: ct * sigmoid(x),
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


def _gelu_parts(x: Array) -> tuple[Array, Array]:
    """Return the square of x, held below what overflows, and the share of x that passes."""
    inner = np.clip(x, -GELU_SATURATED, GELU_SATURATED)
    square = inner * inner
    return square, sigmoid(GELU_SLOPE * inner * (1.0 + GELU_CUBE * square))


def _gelu_forward(x: Array) -> Array:
    if type(x) is ndarray and x.size >= LARGE and x.dtype.char in "fd":
        return kernels.in_blocks(_gelu_block, x)
    return x * _gelu_parts(x)[1]


def _gelu_pull(ct: Cotangent, _out: Array, x: Array) -> Array:
    raw = type(ct) is type(x) is ndarray and x.size >= LARGE and x.dtype.char in "fd"
    if raw and kernels.same_dtype(ct, x):
        return kernels.in_blocks(_gelu_pull_block, x, ct)
    square, share = _gelu_parts(x)
    slope = GELU_SLOPE * (1.0 + 3.0 * GELU_CUBE * square)
    return ct * (share + x * share * (1.0 - share) * slope)


# The same in place.  The share is 1 / (1 + exp(-u)), the minus in the constants.


def _gelu_block(x: Array, out: Array) -> None:
    multiply(x, x, out)
    multiply(_gelu_share(x, out), x, out)


def _gelu_share(x: Array, square: Array) -> Array:
    """Write the share of x that passes over its square."""
    square *= -GELU_SLOPE * GELU_CUBE
    square -= GELU_SLOPE
    exp(multiply(square, x, square), square)
    square += 1.0
    return reciprocal(square, square)


def _gelu_pull_block(x: Array, ct: Array, out: Array) -> None:
    # where x is held back, nothing but the share is left of its slope
    x = np.clip(x, -GELU_SATURATED, GELU_SATURATED, out=empty_like(x))
    share = multiply(x, x, out)
    slope = multiply(share, 3.0 * GELU_CUBE * GELU_SLOPE, empty_like(x))
    slope += GELU_SLOPE
    slope *= x
    slope *= _gelu_share(x, share)
    slope *= subtract(1.0, share, x)
    slope += share
    multiply(slope, ct, out)


def gelu(x: Array) -> Array:
    """Compute the tanh form of the Gaussian error linear unit of each element.

    Parameters
    ----------
    x : array or Tensor

    Returns
    -------
    array or Tensor of x's shape

    Notes
    -----
    ``0.5 x (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3)))``: Hendrycks & Gimpel (2016), "Gaussian error
    linear units", section 2.  It differs from ``x Phi(x)`` by less than 0.0005.  Computed as
    ``x sigmoid(2 u)``: the same function without the cancellation in ``1 + tanh(u)`` for u < 0.
    """
    return _gelu_forward(arrayed(x)[()])


gelu = elementwise(
    gelu,
    _gelu_pull,
    forward=_gelu_forward,
    alike=True,
    composition=lambda x: 0.5 * x * (1 + np.tanh(GELU_SLOPE / 2 * (x + GELU_CUBE * x**3))),
    words="lets each element pass by the share of the normal distribution below it",
    analytic=False,
)
