"""How good a prediction of two classes is: accuracy, log-loss, which was taken for which."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float64]


@dataclass(frozen=True)
class Score:
    """What a model scores on one part of the data.

    Attributes
    ----------
    accuracy : float
        Share of samples whose class is predicted rightly, 0 to 1.
    log_loss : float
        Mean negative logarithm of the probability given to the true class, in nats.
    """

    accuracy: float
    log_loss: float


def score(logits: Vector, y: Vector) -> Score:
    """Judge predictions; the log-loss is finite for every finite logit.

    Parameters
    ----------
    logits : ndarray of float64, shape (m,)
        The logarithm of the odds of class 1.
    y : ndarray of float64, shape (m,)
        0 or 1.

    Returns
    -------
    Score
    """
    accuracy = np.mean((logits >= 0) == (y == 1))
    return Score(float(accuracy), log_loss(logits, y))


def log_loss(logits: Vector, y: Vector) -> float:
    """Return the mean of -log p(true class); parameters as in `score`."""
    return float(np.mean(np.logaddexp(0.0, np.where(y == 1, -logits, logits))))


def constant_score(share: float, y: Vector) -> Score:
    """Judge the model that gives every sample the same probability of class 1.

    Parameters
    ----------
    share : float
        That probability, above 0 and below 1: the share of class 1 among the training samples.
    y : ndarray of float64, shape (m,)

    Returns
    -------
    Score
    """
    return score(np.full(y.shape, np.log(share) - np.log1p(-share)), y)


def confusion_matrix(logits: Vector, y: Vector) -> NDArray[np.int64]:
    """Count samples by true class (row) and predicted class (column); parameters as in `score`."""
    counts = np.zeros((2, 2), dtype=np.int64)
    np.add.at(counts, (y.astype(np.int64), (logits >= 0).astype(np.int64)), 1)
    return counts
