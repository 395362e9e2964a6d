"""Activation functions that NumPy lacks, with rules of their own to stay exact."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy import (
    absolute,
    add,
    divide,
    exp,
    float64,
    log,
    log1p,
    maximum,
    minimum,
    multiply,
    ndarray,
    negative,
    reciprocal,
    subtract,
)

from tinygrad_bp.engine.constructors import arrayed, elementwise
from tinygrad_bp.engine.memory import LARGE, empty_like
from tinygrad_bp.engine.tensor import Tensor


class Numbers(NamedTuple):
    """Numbers of one dtype, as 0-d arrays."""

    minus_one: Any
    zero: Any
    one: Any
    ceiling: Any


# A Python number costs a ufunc on a small array more than the arithmetic; a 0-d array of the right
# dtype does not.  Above 40, 1 + exp(x) rounds to exp(x): sigmoid is 1 already, and exp stays
# finite.
CONSTANTS = {
    char: Numbers(*(np.full((), c, char) for c in (-1.0, 0.0, 1.0, 40.0))) for char in "fd"
}
CEILING_HALF = 11.0  # the same for float16


def raw_sigmoid(x: Any) -> Any:
    """Return the logistic function, exact to the last bits in both tails.

    It is 0 and 1 at -+1000, without warnings.
    """
    known = CONSTANTS.get(x.dtype.char)
    if known is None or type(x) is not ndarray:
        if x.dtype.kind == "f":
            x = minimum(x, CEILING_HALF if x.dtype.char == "e" else 40.0)
        grown = exp(x)
        return grown / (grown + 1)
    one = known.one
    if x.size < LARGE:  # exp(x) / (1 + exp(x)), held below overflow
        grown = minimum(x, known.ceiling)
        exp(grown, grown)
        total = add(grown, one)
        return divide(grown, total, total)
    out = negative(x, empty_like(x))
    with np.errstate(over="ignore"):  # 1 / (1 + inf) is the 0 that is wanted
        exp(out, out)
    add(out, one, out)
    return reciprocal(out, out)


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


def _sigmoid_pull(ct: Any, s: Any, _x: Any = None) -> Any:
    if type(ct) is Tensor:
        return logistic_slope(ct, s)
    if type(s) is not ndarray or s.size < LARGE:
        return (s - s * s) * ct
    slope = multiply(s, s, empty_like(s))
    subtract(s, slope, slope)
    if type(ct) is ndarray and ct.dtype is s.dtype and ct.shape == s.shape:
        return multiply(slope, ct, slope)
    return slope * ct


def logistic_slope(ct: Any, s: Any) -> Any:
    """Compute ``ct * s * (1 - s)``: the pull of the sigmoid, which every step runs."""
    return _sigmoid_pull(ct, s)


logistic_slope = elementwise(
    logistic_slope,
    lambda ct, _out, _ct, s: logistic_slope(ct, s),
    lambda ct, _out, ct1, s: ct * ct1 * (1 - 2 * s),
    forward=_sigmoid_pull,
    alike=True,
    composition=lambda ct, s: ct * s * (1 - s),
)


sigmoid = elementwise(
    sigmoid,
    _sigmoid_pull,
    forward=raw_sigmoid,
    alike=True,
    methods=("sigmoid",),
    words="squeezes each element into the range from 0 to 1",
    formula="σ({0})",
    tex=r"\sigma(z) = \frac{1}{1 + e^{-z}}",
    pull_words=("{ct} ⊙ {out} ⊙ (1 − {out})",),
    composition=lambda x: 1 / (1 + exp(-x)),
)


def _raw_softplus(x: Any) -> Any:
    if arrayed(x).dtype.kind == "c":  # maximum compares complex numbers by their real parts
        return log1p(exp(x))
    return log1p(exp(-absolute(x))) + maximum(x, 0)


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
    alike=True,
    composition=lambda x: log(1 + exp(x)),
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
    return maximum(x, 0)


def _raw_relu(x: Any) -> Any:
    if type(x) is float64:  # a scalar graph: a comparison costs a tenth of the ufunc
        return x if x > 0.0 or x != x else float64(0.0)  # NaN stays NaN
    known = CONSTANTS.get(x.dtype.char)
    return maximum(x, 0 if known is None else known.zero)


relu = elementwise(
    relu,
    lambda ct, out, _x: ct * (out > 0),
    forward=_raw_relu,
    alike=True,
    methods=("relu",),
    composition=lambda x: np.where(x > 0, x, 0),
    kinks=(0.0,),
    analytic=False,
)
