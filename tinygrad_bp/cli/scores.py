"""How good a prediction is: of classes their accuracy and log-loss, of numbers how far they are."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from tinygrad_bp.data import Table

Vector = NDArray[np.float64]


@dataclass(frozen=True)
class Score:
    """What a model scores on one part of the data.

    Attributes
    ----------
    quality : float
        1 at best: the share of samples whose class is predicted rightly, or R squared of numbers.
    loss : float
        Mean negative logarithm of the probability given to the true class, in nats; or root of the
        mean squared error, in the target's unit.
    """

    quality: float
    loss: float


class Judge(Protocol):
    """What a table's targets are, and how predictions of them are judged.

    Attributes
    ----------
    names : (str, str)
        Of the quality and the loss, in JSON.
    heads : (str, str)
        The same, in a report.
    formats : (str, str)
        How they are written there.
    simple, constant : str
        What the network without hidden layers is, and the model that looks at no feature.
    curve : str
        What the loss is, below a picture.
    """

    names: tuple[str, str]
    heads: tuple[str, str]
    formats: tuple[str, str]
    simple: str
    constant: str
    curve: str

    def outputs(self, model: Any, X: Any) -> Any:
        """Return what a model says of samples."""

    def loss(self, outputs: Any, y: Vector) -> float:
        """Return the loss of outputs."""

    def score(self, outputs: Any, y: Vector) -> Score:
        """Judge outputs."""

    def constant_outputs(self, y: Vector, rows: int) -> Any:
        """Return, for so many rows, what looks at no feature and knows the training part's y."""

    def of_curve(self, loss: float, model: Any) -> float:
        """Return a loss that the training has told, as `loss` counts it."""


class ClassJudge:
    """Judges logits of classes: one of two classes, (m,), or of each of more, (m, k)."""

    names = "accuracy", "logloss"
    heads = "accuracy", "log-loss (nats)"
    formats = "9.1%", "9.4f"
    simple, constant = "logistic regression", "majority class"
    curve = "log-loss (nats, logarithmic scale)"

    def __init__(self, count: int) -> None:
        self.count = count

    def outputs(self, model: Any, X: Any) -> Any:
        """Return the logits."""
        return model.decision_function(X)

    def loss(self, outputs: Any, y: Vector) -> float:
        """Return the mean of -log p(true class); it is finite for every finite logit."""
        if outputs.ndim == 1:
            return float(np.mean(np.logaddexp(0.0, np.where(y == 1, -outputs, outputs))))
        own = outputs[np.arange(len(y)), y.astype(np.int64)]
        return float(np.mean(np.logaddexp.reduce(outputs, axis=1) - own))

    def score(self, outputs: Any, y: Vector) -> Score:
        """Judge logits."""
        return Score(float(np.mean(_classes(outputs) == y)), self.loss(outputs, y))

    def constant_outputs(self, y: Vector, rows: int) -> Any:
        """Return the logits of the shares of the classes."""
        shares = np.bincount(y.astype(np.int64), minlength=self.count) / len(y)
        if self.count == 2:
            return np.full(rows, np.log(shares[1]) - np.log1p(-shares[1]))
        return np.broadcast_to(np.log(shares), (rows, self.count))

    def of_curve(self, loss: float, _model: Any) -> float:
        """Return it as it is."""
        return loss

    def confusion(self, outputs: Any, y: Vector) -> NDArray[np.int64]:
        """Count samples by true class (row) and predicted class (column)."""
        counts = np.zeros((self.count, self.count), dtype=np.int64)
        np.add.at(counts, (y.astype(np.int64), _classes(outputs)), 1)
        return counts


class NumberJudge:
    """Judges numbers, (m,)."""

    names = "r2", "rmse"
    heads = "R squared", "root mean square error"
    formats = "9.4f", "9.4g"
    simple, constant = "linear regression", "mean"
    curve = "root mean square error (logarithmic scale)"

    def outputs(self, model: Any, X: Any) -> Any:
        """Return the predictions."""
        return model.predict(X)

    def loss(self, outputs: Any, y: Vector) -> float:
        """Return the root of the mean squared error."""
        largest = float(np.max(np.abs(outputs - y), initial=0.0))
        if not 0.0 < largest < math.inf:
            return largest
        return largest * float(np.sqrt(np.mean(((outputs - y) / largest) ** 2)))

    def score(self, outputs: Any, y: Vector) -> Score:
        """Judge predictions."""
        error, spread = self.loss(outputs, y), self.loss(np.full(len(y), np.mean(y)), y)
        share = (error / spread) ** 2 if spread else float(error > 0.0)
        return Score(1.0 - share, error)

    def constant_outputs(self, y: Vector, rows: int) -> Any:
        """Return the mean."""
        return np.full(rows, np.mean(y))

    def of_curve(self, loss: float, model: Any) -> float:
        """Return the root of squared deviations in the target's unit."""
        return math.sqrt(loss) * float(model.target_scale_)


def judge_of(table: Table) -> ClassJudge | NumberJudge:
    """Return the judge of a table's targets."""
    return ClassJudge(len(table.class_names)) if table.class_names else NumberJudge()


def log_loss(logits: Vector, y: Vector) -> float:
    """Return the mean of -log p(true class) of two classes."""
    return ClassJudge(2).loss(logits, y)


def _classes(outputs: Any) -> Any:
    return (outputs >= 0).astype(np.int64) if outputs.ndim == 1 else np.argmax(outputs, axis=1)
