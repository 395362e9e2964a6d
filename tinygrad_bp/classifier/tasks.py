"""What the last layer of the network says: which of some classes, or a number."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import numpy as np

from tinygrad_bp.engine.tensor import Tensor, tensor
from tinygrad_bp.errors import DataError
from tinygrad_bp.nn import bce_with_logits, cross_entropy, mse


class Part(NamedTuple):
    """Samples with their targets, made once."""

    X: Tensor
    y: Any  # a Tensor, or class numbers
    weights: Any = None  # of the samples


@dataclass(frozen=True)
class Classes:
    """Two classes, of which one logit tells, or more, each with a logit of its own.

    Attributes
    ----------
    count : int
    weights : ndarray or None
        What the samples of each class count.
    """

    count: int
    weights: Any = None
    # A start that leaves more than this share of the loss of a constant may be stuck.  One that
    # tells half of the samples apart and guesses at the rest, as is common with XOR, leaves 0.5,
    # or a little less for leaning the right way.
    stuck: ClassVar[float] = 0.4

    @property
    def outputs(self) -> int:
        """Units of the last layer."""
        return 1 if self.count == 2 else self.count

    def part(self, Z: Any, codes: Any) -> Part:
        """Return standardised samples and class numbers as the loss takes them."""
        weights = None if self.weights is None else self.weights[codes]
        if self.count > 2:
            return Part(tensor(Z), codes, weights)
        column = None if weights is None else weights[:, None]
        return Part(tensor(Z), tensor(codes.astype(float)[:, None]), column)

    def loss(self, logits: Any, part: Part) -> Any:
        """Return the log-loss in nats."""
        loss = bce_with_logits if self.count == 2 else cross_entropy
        if part.weights is None:
            return loss(logits, part.y)
        return loss(logits, part.y, weights=part.weights)

    def constant_loss(self, codes: Any) -> float:
        """Return the loss of the best that tells all samples the same."""
        counts = np.bincount(codes, self.weights if self.weights is None else self.weights[codes])
        shares = (counts / counts.sum())[counts > 0]
        return -math.fsum((shares * np.log(shares)).tolist())


@dataclass(frozen=True)
class Numbers:
    """A number, of which the network says how many deviations it is above the mean.

    Attributes
    ----------
    mean, scale : float
        Of the training part.
    """

    mean: float
    scale: float
    stuck: ClassVar[float] = 0.95  # noise may be most of a number: only what learns nothing is
    outputs: ClassVar[int] = 1

    def part(self, Z: Any, y: Any) -> Part:
        """Return standardised samples and their targets as the loss takes them."""
        return Part(tensor(Z), tensor(self.standardized(y)[:, None]))

    def standardized(self, y: Any) -> Any:
        """Return numbers as deviations from the mean."""
        return (y - self.mean) / self.scale

    def loss(self, out: Any, part: Part) -> Any:
        """Return the mean squared error, in squared deviations."""
        return mse(out, part.y)

    def constant_loss(self, y: Any) -> float:
        """Return the loss of the mean."""
        return float(np.var(self.standardized(y)))


def class_weights(setting: Any, classes: Any, codes: Any) -> Any:
    """Return what the samples of each class count, or None if all count the same.

    Parameters
    ----------
    setting : None, "balanced", or mapping of label to number
        Balanced classes count the same together; a label that is not in a mapping counts 1.
    classes : ndarray
    codes : ndarray of int
        Class numbers of the training part.

    Raises
    ------
    DataError
        If it is nothing of that, names no class, or a weight is not a number above 0.
    """
    if setting is None:
        return None
    if isinstance(setting, str) and setting == "balanced":
        counts = np.bincount(codes, minlength=len(classes))
        return len(codes) / (len(classes) * np.maximum(counts, 1))
    known = classes.tolist()
    if not isinstance(setting, Mapping) or any(label not in known for label in setting):
        raise DataError(
            f"fit: class_weight={setting!r:.80}; expected None, 'balanced', or a dict of label to"
            f" number, of the labels {known!r:.80}"
        )
    weights = np.array([float(setting.get(label, 1.0)) for label in known])
    if not ((weights > 0) & np.isfinite(weights)).all():
        raise DataError(f"fit: class_weight={setting!r:.80}; expected finite numbers above 0")
    return weights
