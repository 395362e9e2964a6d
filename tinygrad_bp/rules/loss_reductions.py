"""What losses have in common: shapes that must agree, reductions, and weights."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from numpy import float32, float64, ndarray

from tinygrad_bp.engine.arrays import Array, Cotangent
from tinygrad_bp.engine.broadcasting import sum_all
from tinygrad_bp.engine.constructors import arrayed
from tinygrad_bp.engine.guards import guard
from tinygrad_bp.engine.tensor import Tensor
from tinygrad_bp.errors import DataError, ShapeError

# What the compositions do.
REDUCED: dict[str, Any] = {"mean": np.mean, "sum": np.sum, "none": np.positive}


def require_same_shape(name: str, prediction: Any, target: Any) -> None:
    """Refuse shapes that would broadcast: (m, 1) against (m,) gives an (m, m) loss and nonsense.

    Raises
    ------
    ShapeError
        If the shapes differ.
    """
    first, second = arrayed(prediction).shape, arrayed(target).shape
    if first != second:
        raise ShapeError(
            f"{name}: predictions have shape {first}, targets {second}; they must agree (they"
            " would broadcast silently); reshape one of them"
        )


def reduced(losses: Any, reduction: str) -> Any:
    """Return the mean or sum of `losses`, or the losses themselves.

    float16 is accumulated in float32.
    """
    mean = reduction == "mean"
    if not mean and reduction == "none":
        return losses
    if not mean and reduction != "sum":
        raise ValueError(f"reduction: expected one of {', '.join(REDUCED)}, got {reduction!r}")
    if type(losses) is not ndarray:
        return np.mean(losses) if mean else np.sum(losses)
    total = sum_all(losses)
    if mean:
        total = total / float(losses.size)
    return total if losses.dtype.char != "e" else np.float16(total)


def share(ct: Cotangent, size: int, reduction: str) -> Array:
    """Return the cotangent of each single loss."""
    if reduction != "mean":
        return ct
    kind = type(ct)
    if kind is float64 or kind is float32 or ct.dtype.char != "e":
        return ct / float(size)
    return ct * (1 / size)  # a large size is infinite in float16, its inverse is not 0


def weighted(name: str, losses: Any, weights: Any, reduction: str) -> Any:
    """Return `losses` times `weights`, reduced: a mean is divided by the sum of the weights.

    Raises
    ------
    ShapeError
        If there are more or less weights than losses.
    DataError
        If one is negative, or all are 0.
    """
    if weights is None:
        return reduced(losses, reduction)
    weights = weights_of(name, weights, losses.shape)
    return shared_out(losses * weights, weights, reduction)


def weights_of(name: str, weights: Any, shape: Any) -> Any:
    """Return `weights` as an array, if they are right for losses of this shape.

    Raises
    ------
    ShapeError, DataError
        If they are not.
    """
    weights = arrayed(weights)
    if weights.shape != shape:
        raise ShapeError(
            f"{name}: weights have shape {weights.shape}, losses {shape}; they must agree (they"
            " would broadcast silently)"
        )
    if type(weights) is not Tensor:
        guard(weights, partial(_require_weights, name))
    return weights


def _require_weights(name: str, weights: Any) -> None:
    if not (np.all(weights >= 0) and np.any(weights > 0)):
        raise DataError(f"{name}: expected weights of 0 or more, not all of them 0")


def shared_out(losses: Any, weights: Any, reduction: str) -> Any:
    """Return weighted `losses`, reduced: a mean is divided by the sum of the weights."""
    if reduction != "mean":
        return reduced(losses, reduction)
    return np.sum(losses) / np.sum(weights)
