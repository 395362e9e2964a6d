"""What a training offers to those who observe it: some rows, their predictions and their loss."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

ROWS = 256  # more tell the same of a gradient's size


@dataclass(frozen=True)
class Probe:
    """How the loss of some rows is computed apart from the training.

    Parameters
    ----------
    predict : callable
        ``predict(X)`` returns what the model says.
    loss : callable
        ``loss(prediction, y)`` returns one number, a Tensor.
    sample : callable
        ``sample()`` returns rows (X, y), the same ones each time, or None before there are any.
    mean, scale : float or array of shape (n_features,), optional
        What was taken from the features and divided out: pictures show them as they were.
    """

    predict: Callable[[Any], Any]
    loss: Callable[[Any, Any], Any]
    sample: Callable[[], tuple[Any, Any] | None]
    mean: Any = 0.0
    scale: Any = 1.0


def every(rows: int, most: int) -> slice:
    """Return the slice that takes at most so many rows, evenly.

    Parameters
    ----------
    rows, most : int
    """
    return slice(None, None, max(1, -(-rows // most)))
