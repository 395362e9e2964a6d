"""The losses, gathered: the fused ones, which stay exact where a network is most wrong, and others.

Each takes predictions first, refuses shapes that would broadcast, and has one ``reduction`` and
``weights``.
"""

from __future__ import annotations

from functools import partial
from numbers import Real
from typing import Any

import numpy as np

from tinygrad_bp.elsewhere.calls import answers
from tinygrad_bp.engine.arrays import Array
from tinygrad_bp.engine.constructors import arrayed
from tinygrad_bp.engine.guards import guard
from tinygrad_bp.errors import DataError, ShapeError
from tinygrad_bp.functional import mse
from tinygrad_bp.rules.class_losses import cross_entropy
from tinygrad_bp.rules.elementwise.activations import softplus
from tinygrad_bp.rules.loss_arguments import ROUNDING
from tinygrad_bp.rules.loss_reductions import require_same_shape, weighted
from tinygrad_bp.rules.losses import bce_with_logits, binary_cross_entropy

__all__ = [
    "bce_with_logits",
    "binary_cross_entropy",
    "cross_entropy",
    "focal",
    "hinge",
    "huber",
    "kl_divergence",
    "mse",
    "poisson",
]


@answers
def huber(
    prediction: Any,
    target: Any,
    reduction: str = "mean",
    weights: Any = None,
    delta: float = 1.0,
) -> Any:
    """Compute ``e^2 / 2`` of small errors and ``delta (|e| - delta / 2)`` of those above `delta`.

    Parameters
    ----------
    prediction : array or Tensor
    target : array or Tensor of the same shape
    reduction : {"mean", "sum", "none"}
    weights : array or Tensor of the shape of the single losses, optional
        What each counts, at least 0; a mean is divided by their sum.
    delta : float, default 1
        From where on an error counts by its size instead of its square; above 0.

    Returns
    -------
    scalar, or array of the shape of `prediction` for "none"

    Raises
    ------
    ShapeError
        If the shapes differ; they would broadcast silently.

    Notes
    -----
    Huber (1964), "Robust estimation of a location parameter", section 4.
    """
    delta = _above_zero("huber", "delta", delta)
    prediction, target = _pair("huber", prediction, target)
    error = prediction - target
    size = np.abs(error)
    each = np.where(size <= delta, 0.5 * error * error, delta * (size - 0.5 * delta))
    return weighted("huber", each, weights, reduction)


@answers
def hinge(scores: Any, labels: Array, reduction: str = "mean", weights: Any = None) -> Array:
    """Compute ``max(0, 1 - label * score)``, of labels -1 and 1.

    Parameters
    ----------
    scores : array or Tensor
    labels : array of the same shape
        Each -1 or 1.
    reduction : {"mean", "sum", "none"}
    weights : array or Tensor of the shape of the single losses, optional
        What each counts, at least 0; a mean is divided by their sum.

    Returns
    -------
    scalar, or array of the shape of `scores` for "none"

    Raises
    ------
    ShapeError
        If the shapes differ; they would broadcast silently.
    DataError
        If a label is neither -1 nor 1.

    Notes
    -----
    Cortes & Vapnik (1995), "Support-vector networks", section 3.
    """
    scores, labels = _pair("hinge", scores, labels)
    guard(labels, partial(_require_one_of, "hinge", (-1, 1)))
    return weighted("hinge", np.maximum(1 - labels * scores, 0), weights, reduction)


@answers
def kl_divergence(
    log_probabilities: Any, targets: Any, reduction: str = "mean", weights: Any = None
) -> Any:
    """Compute the Kullback-Leibler divergence ``sum of p (log p - log q)`` of each row.

    Parameters
    ----------
    log_probabilities : (..., classes) array or Tensor
        ``log q`` of what is predicted, for instance ``tg.log_softmax(logits)``.
    targets : array or Tensor of the same shape
        The probabilities p; where one is 0, so is its part.
    reduction : {"mean", "sum", "none"}
        Over the rows.
    weights : (...) array or Tensor, optional
        What each row counts, at least 0; a mean is divided by their sum.

    Returns
    -------
    scalar, or array (...) for "none"

    Raises
    ------
    ShapeError
        If the shapes differ, or there is no axis of classes.
    DataError
        If a target is negative, or a logarithm of a probability positive.

    Notes
    -----
    Kullback & Leibler (1951), "On information and sufficiency", equation 2.4.
    """
    q, p = _pair("kl_divergence", log_probabilities, targets)
    if not q.ndim:
        raise ShapeError("kl_divergence: expected (..., classes), got ()")
    guard(p, partial(_require_positive, "kl_divergence: targets are probabilities, 0 or more"))
    guard(q, _require_logarithms)
    inside = p > 0
    entropy = p * np.log(np.where(inside, p, 1))
    each = np.sum(entropy - np.where(inside, p * np.where(inside, q, 0), 0), axis=-1)
    return weighted("kl_divergence", each, weights, reduction)


@answers
def poisson(log_rates: Any, counts: Any, reduction: str = "mean", weights: Any = None) -> Any:
    """Compute ``exp(z) - count z``: what counts cost if ``exp(z)`` is their Poisson rate.

    Parameters
    ----------
    log_rates : array or Tensor
        Logarithms z of the rates.
    counts : array or Tensor of the same shape
        At least 0.
    reduction : {"mean", "sum", "none"}
    weights : array or Tensor of the shape of the single losses, optional
        What each counts, at least 0; a mean is divided by their sum.

    Returns
    -------
    scalar, or array of the shape of `log_rates` for "none"
        The negative log-likelihood without ``log(count!)``, which no prediction changes.

    Raises
    ------
    ShapeError
        If the shapes differ; they would broadcast silently.
    DataError
        If a count is negative.

    Notes
    -----
    McCullagh & Nelder (1989), "Generalized linear models", section 6.2.
    """
    z, y = _pair("poisson", log_rates, counts)
    guard(y, partial(_require_positive, "poisson: counts are 0 or more"))
    return weighted("poisson", np.exp(z) - y * z, weights, reduction)


@answers
def focal(
    logits: Array,
    labels: Array,
    reduction: str = "mean",
    weights: Any = None,
    gamma: float = 2.0,
    alpha: float | None = None,
) -> Array:
    """Compute the binary cross entropy of each logit times ``(1 - p)^gamma``, p of its own label.

    Parameters
    ----------
    logits : array or Tensor
    labels : array of the same shape
        Each 0 or 1.
    reduction : {"mean", "sum", "none"}
    weights : array or Tensor of the shape of the single losses, optional
        What each counts, at least 0; a mean is divided by their sum.
    gamma : float, default 2
        How little the samples count that are right already; 0 gives `bce_with_logits`.
    alpha : float, optional
        What class 1 counts, from 0 to 1; class 0 counts ``1 - alpha``.  Both count 1 if not given.

    Returns
    -------
    scalar, or array of the shape of `logits` for "none"

    Raises
    ------
    ShapeError
        If the shapes differ; they would broadcast silently.
    DataError
        If a label is neither 0 nor 1.

    Notes
    -----
    Lin et al. (2017), "Focal loss for dense object detection", equations 4 and 5.
    """
    z, y = _pair("focal", logits, labels)
    guard(y, partial(_require_one_of, "focal", (0, 1)))
    if not gamma >= 0:
        raise ValueError(f"focal: gamma={gamma!r}; expected 0 or more")
    towards = (2 * y - 1) * z  # the logit of its own label; 1 - p is exp(-softplus) of it
    each = softplus(-towards) * np.exp(-float(gamma) * softplus(towards))
    if alpha is not None:
        if not 0 <= alpha <= 1:
            raise ValueError(f"focal: alpha={alpha!r}; expected a number from 0 to 1")
        each = (float(alpha) * y + (1.0 - float(alpha)) * (1 - y)) * each
    return weighted("focal", each, weights, reduction)


def _pair(name: str, prediction: Any, target: Any) -> tuple[Any, Any]:
    require_same_shape(name, prediction, target)
    prediction, target = arrayed(prediction), arrayed(target)
    if target.dtype.kind in "bui" and prediction.dtype.kind == "f":
        target = target.astype(prediction.dtype)  # the loss has the dtype of the prediction
    return prediction, target


def _require_one_of(name: str, allowed: tuple[int, int], labels: Any) -> None:
    if not np.all((labels == allowed[0]) | (labels == allowed[1])):
        raise DataError(f"{name}: expected labels {allowed[0]} and {allowed[1]}")


def _require_positive(message: str, values: Any) -> None:
    if not np.all(values >= 0):
        raise DataError(message)


def _require_logarithms(values: Any) -> None:
    if np.any(values > ROUNDING):
        raise DataError(
            "kl_divergence: the first argument holds logarithms of probabilities, 0 or less; for"
            " logits write tg.log_softmax(logits)"
        )


def _above_zero(name: str, setting: str, value: float) -> float:
    if isinstance(value, bool) or not (isinstance(value, Real) and 0.0 < value < np.inf):
        raise ValueError(f"{name}: {setting}={value!r}; expected a finite number above 0")
    return float(value)
