"""Functions that NumPy lacks and that need no rule: compositions of functions that have one."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_bp.rules.activations import sigmoid
from tinygrad_bp.rules.losses import reduced, require_same_shape
from tinygrad_bp.rules.reductions import log_softmax


def softmax(x: Any, axis: int = -1) -> Any:
    """Compute the softmax along `axis`."""
    return np.exp(log_softmax(x, axis=axis))


def silu(x: Any) -> Any:
    """Compute ``x * sigmoid(x)``."""
    return x * sigmoid(x)


def gelu(x: Any) -> Any:
    """Compute the tanh form of the Gaussian error linear unit (Hendrycks & Gimpel 2016)."""
    return 0.5 * x * (1.0 + np.tanh(0.7978845608028654 * (x + 0.044715 * x * x * x)))


def mse(prediction: Any, target: Any, reduction: str = "mean") -> Any:
    """Compute the mean squared error."""
    require_same_shape("mse", prediction, target)
    error = prediction - target
    return reduced(error * error, reduction)
