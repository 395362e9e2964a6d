"""Activation functions as layers."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_bp.engine.arrays import Array
from tinygrad_bp.functional import silu, softmax
from tinygrad_bp.nn.module import Module
from tinygrad_bp.rules.elementwise.activations import gelu, relu, sigmoid, softplus


class Activation(Module):
    """A function that keeps the shape; see the layers."""

    _function: Any

    def forward(self, x: Array) -> Array:
        """Return the function of `x`.

        Parameters
        ----------
        x : array or Tensor

        Returns
        -------
        array or Tensor of x's shape
        """
        return self._function(x)


class Sigmoid(Activation):
    """The logistic function of each element: ``1 / (1 + exp(-x))``."""

    _function = staticmethod(sigmoid)


class Tanh(Activation):
    """The hyperbolic tangent of each element."""

    _function = staticmethod(np.tanh)


class ReLU(Activation):
    """``max(x, 0)`` of each element; the derivative at 0 is 0."""

    _function = staticmethod(relu)


class GELU(Activation):
    """The Gaussian error linear unit of each element, in its tanh form.

    ``0.5 x (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3)))``: Hendrycks & Gimpel (2016).
    """

    _function = staticmethod(gelu)


class SiLU(Activation):
    """``x * sigmoid(x)`` of each element: Hendrycks & Gimpel (2016); also called swish."""

    _function = staticmethod(silu)


class Softplus(Activation):
    """``log(1 + exp(x))`` of each element, a smooth ReLU: Dugas et al. (2001)."""

    _function = staticmethod(softplus)


class LeakyReLU(Activation):
    """``x`` where it is above 0, ``slope * x`` elsewhere: Maas, Hannun & Ng (2013).

    Parameters
    ----------
    slope : float, default 0.01
        The derivative below 0, and at 0.
    """

    def __init__(self, slope: float = 0.01) -> None:
        self.slope = float(slope)

    def _function(self, x: Array) -> Array:
        return np.where(x > 0, x, self.slope * x)

    def __repr__(self) -> str:
        return f"LeakyReLU({self.slope:g})"


class ELU(Activation):
    """``x`` where it is above 0, ``alpha (exp(x) - 1)`` elsewhere.

    Clevert, Unterthiner & Hochreiter (2016), "Fast and accurate deep network learning by
    exponential linear units", equation 15.

    Parameters
    ----------
    alpha : float, default 1
        What it falls to is ``-alpha``.
    """

    def __init__(self, alpha: float = 1.0) -> None:
        self.alpha = float(alpha)

    def _function(self, x: Array) -> Array:
        above = x > 0
        below = np.expm1(np.where(above, 0, x))  # where x is large it would only overflow
        return np.where(above, x, self.alpha * below)

    def __repr__(self) -> str:
        return f"ELU({self.alpha:g})"


class Softmax(Activation):
    """``exp(x) / sum(exp(x))`` along an axis: Bridle (1990).

    `cross_entropy` takes what goes into it, and applies its own.

    Parameters
    ----------
    axis : int, default -1
        The axis along which the result sums to 1.
    """

    def __init__(self, axis: int = -1) -> None:
        self.axis = axis

    def _function(self, x: Array) -> Array:
        return softmax(x, axis=self.axis)

    def __repr__(self) -> str:
        return f"Softmax(axis={self.axis})"
