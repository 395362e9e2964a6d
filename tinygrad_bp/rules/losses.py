"""Losses of two classes as one record each.

Their compositions overflow, or lose the gradient, exactly where a network is most wrong.
"""

from __future__ import annotations

from typing import Any
from weakref import ref

import numpy as np
from numpy import exp, floating, log, maximum, ndarray

from tinygrad_bp.elsewhere.calls import MISSING, misfit
from tinygrad_bp.engine.arrays import Array, Cotangent
from tinygrad_bp.engine.constructors import arrayed, general
from tinygrad_bp.engine.guards import guard
from tinygrad_bp.engine.recording import binary
from tinygrad_bp.engine.rule import Recorder, call
from tinygrad_bp.engine.tensor import Tensor
from tinygrad_bp.errors import ShapeError
from tinygrad_bp.rules import kernels
from tinygrad_bp.rules.elementwise.activations import sigmoid_error, softplus
from tinygrad_bp.rules.loss_arguments import (
    SUSPECT,
    require_no_logits,
    require_probabilities,
    warn_of_second_sigmoid,
)
from tinygrad_bp.rules.loss_reductions import REDUCED, reduced, require_same_shape, share, weighted

# Binary cross entropy of logits


def _bce_forward(z: Array, y: Array, reduction: str) -> Array:
    return reduced(kernels.binary_losses(z, y), reduction)


def _bce_slope(ct: Cotangent, _out: Array, z: Array, y: Array, reduction: str) -> Array:
    part = share(ct, z.size, reduction)
    dtype = z.dtype
    same = type(z) is type(y) is ndarray and (dtype is y.dtype or dtype == y.dtype)
    if same and type(part) is dtype.type:
        return kernels.binary_errors(z, y, part)
    return sigmoid_error(z, y) * part


def _agreeing(logits: Array, targets: Any) -> Array:
    """Return the targets as an array of the shape of the logits."""
    try:
        if logits.shape == targets.shape:
            return targets
    except AttributeError:
        pass
    if type(targets) in (int, float):
        targets = np.asarray(targets, dtype=float)[()]
    require_same_shape("bce_with_logits", logits, targets)
    return targets


_checked: Any = ref(np.empty(0))  # the labels that were checked last


def _records_bce(rule: Any) -> Recorder:
    """Return what records the loss: it runs in every step, and sorting arguments costs as much.

    A training loop passes the same labels again and again: they are checked when they first come.
    What was written into them since is noticed where it makes the loss negative or NaN.
    """
    recorder = binary(rule)

    def record(
        logits: Array = MISSING,
        targets: Any = MISSING,
        reduction: str = "mean",
        weights: Any = None,
        pos_weight: Any = None,
        **elsewhere: Any,
    ) -> Array:
        if elsewhere or targets is MISSING:
            raise misfit(record, rule.name, (logits, targets), elsewhere)
        if pos_weight is not None or weights is not None:
            targets = _agreeing(logits, targets)
            require_probabilities("bce_with_logits", targets, logits)
            return _weighted_bce(logits, targets, reduction, weights, pos_weight)
        both = type(logits) is type(targets) is Tensor
        if not (both and logits._value.shape == targets._value.shape):
            targets = _agreeing(logits, targets)
        labels = targets._value if type(targets) is Tensor else targets
        if labels is not _checked():
            _check(labels, targets, logits)
        if type(logits) is Tensor:
            node = logits._node
            if node is not None and node.rule.name in SUSPECT:
                warn_of_second_sigmoid(node)
        loss = recorder(logits, targets, reduction)
        if not both and reduction != "none":
            total = loss._value if type(loss) is Tensor else loss
            if isinstance(total, floating) and not total >= 0.0:
                require_probabilities("bce_with_logits", targets, logits)
        return loss

    return record


def _weighted_bce(z: Array, y: Array, reduction: str, weights: Any, pos_weight: Any) -> Array:
    """Return the binary cross entropy of logits.

    Raises
    ------
    ShapeError
        If `pos_weight` is neither a number nor one for each element of the last axis.
    """
    ones: Any = 1.0
    if pos_weight is not None:
        ones = np.asarray(pos_weight, float).astype(z.dtype)
        if ones.ndim and ones.shape != z.shape[-1:]:
            raise ShapeError(
                f"bce_with_logits: expected pos_weight to be a number, or of shape {z.shape[-1:]};"
                f" got {ones.shape}"
            )
    each = ones * (y * softplus(-z)) + (1 - y) * softplus(z)
    return weighted("bce_with_logits", each, weights, reduction)


def _check(labels: Array, targets: Any, logits: Any) -> None:
    """Check labels that are new, and remember them."""
    global _checked  # noqa: PLW0603  # another thread's labels are checked once more, no harm
    require_probabilities("bce_with_logits", targets, logits)
    if type(labels) is ndarray:
        _checked = ref(labels)


def _bce_push(tangents: Any, _out: Array, z: Array, y: Array, reduction: str) -> Array:
    tz, ty = tangents
    parts = [] if tz is None else [tz * sigmoid_error(z, y)]
    if ty is not None:
        parts.append(-ty * z)
    return reduced(sum(parts[1:], parts[0]), reduction)


def bce_with_logits(
    logits: Array,
    targets: Any,
    reduction: str = "mean",
    weights: Any = None,
    pos_weight: Any = None,
) -> Array:
    """Compute the binary cross entropy of ``sigmoid(logits)``, forming no rounded probability.

    Parameters
    ----------
    logits : array or Tensor
        Any shape; every finite value gives a finite loss.
    targets : array or Tensor of the same shape
        Probabilities of class 1, usually 0 or 1.
    reduction : {"mean", "sum", "none"}
    weights : array or Tensor of the shape of the single losses, optional
        What each counts, at least 0; a mean is divided by their sum.
    pos_weight : float, or (n,) array for logits (..., n), optional
        What the part of the loss counts that belongs to class 1; the mean is not divided by it.

    Returns
    -------
    scalar, or array of the shape of `logits` for "none"
        The gradient is ``sigmoid(logits) - targets`` (divided by the number of elements for
        "mean").

    Raises
    ------
    ShapeError
        If the shapes differ.
    DataError
        If a target is outside of [0, 1], or NaN.

    Warns
    -----
    UserWarning
        Once for each network, if the logits come from a sigmoid.
    """
    return _weighted_bce(logits, _agreeing(logits, targets), reduction, weights, pos_weight)


bce_with_logits = general(
    bce_with_logits,
    _bce_slope,
    lambda ct, _out, z, _y, reduction: -z * share(ct, z.size, reduction),
    forward=_bce_forward,
    push=_bce_push,
    recorder=_records_bce,
    domain=((-2.0, 2.0), (0.0, 1.0)),
    composition=lambda z, y, reduction="mean": REDUCED[reduction](
        y * log(1 + exp(-z)) + (1 - y) * log(1 + exp(z))
    ),
    words="the surprise at the labels, in nats, if sigmoid(z) is the probability of class 1",
    formula="mean of log(1 + exp({0})) − {1} ⊙ {0}",
    tex=r"\frac{1}{m} \sum_i \log(1 + e^{z_i}) - y_i z_i",
    samples=(
        call((3, 1), (3, 1)),
        call((4,), (4,), reduction="sum"),
        call((2, 2), (2, 2), reduction="none"),
        call((), ()),
        call((0, 1), (0, 1), reduction="sum"),  # a mean of nothing is NaN
    ),
    analytic=False,
)


# Binary cross entropy of probabilities


def _inside(p: Any) -> tuple[Any, Any]:
    """Return p and 1 - p, at least the smallest normal number: log and 1/p are finite."""
    tiny = float(np.finfo(p.dtype).tiny)
    return maximum(p, tiny), maximum(1 - p, tiny)


def _probability_losses(p: Any, y: Array, reduction: str) -> Array:
    heads, tails = _inside(p)
    return reduced(-(y * log(heads) + (1 - y) * log(tails)), reduction)


def _slope(p: Any, y: Array) -> Array:
    tiny = float(np.finfo(p.dtype).tiny)
    # where, not maximum: at p = 0 the slope must be the steep one of a wrong answer, never half of
    # it or 0
    heads = np.where(p < tiny, tiny, p)
    tails = np.where(1 - p < tiny, tiny, 1 - p)
    return (1 - y) / tails - y / heads


def _probability_bind(probabilities: Any, targets: Any, reduction: str = "mean") -> Any:
    probabilities = arrayed(probabilities)
    if type(targets) in (int, float):
        targets = np.asarray(targets, dtype=float)[()]
    require_same_shape("binary_cross_entropy", probabilities, targets)
    require_probabilities("binary_cross_entropy", targets, probabilities)
    guard(probabilities, require_no_logits)
    return (probabilities, targets), (reduction,)


def _odds(p: Any) -> Any:
    heads, tails = _inside(p)
    return log(tails) - log(heads)


def _probability_push(tangents: Any, _out: Array, p: Any, y: Array, reduction: str) -> Array:
    tp, ty = tangents
    parts = [] if tp is None else [tp * _slope(p, y)]
    if ty is not None:
        parts.append(ty * _odds(p))
    return reduced(sum(parts[1:], parts[0]), reduction)


def _records_probability_losses(rule: Any) -> Recorder:
    recorder = binary(rule)

    def record(
        probabilities: Any, targets: Any, reduction: str = "mean", weights: Any = None
    ) -> Any:
        arrays, params = _probability_bind(probabilities, targets, reduction)
        if weights is None:
            return recorder(*arrays, *params)
        return weighted("binary_cross_entropy", recorder(*arrays, "none"), weights, reduction)

    return record


def binary_cross_entropy(
    probabilities: Any, targets: Any, reduction: str = "mean", weights: Any = None
) -> Any:
    """Compute ``-(y log p + (1 - y) log(1 - p))``; prefer `bce_with_logits`, which cannot saturate.

    Parameters
    ----------
    probabilities : array or Tensor
        Of class 1, in [0, 1].
    targets : array or Tensor of the same shape
        Usually 0 or 1.
    reduction : {"mean", "sum", "none"}
    weights : array or Tensor of the shape of the single losses, optional
        What each counts, at least 0; a mean is divided by their sum.

    Returns
    -------
    scalar, or array of the shape of `probabilities` for "none"
        Finite everywhere: 0 and 1 count as the smallest positive number away from themselves, so
        that a wrong certain answer costs about 708 (float64) and its gradient is huge, never 0.

    Raises
    ------
    ShapeError
        If the shapes differ.
    DataError
        If a target is outside of [0, 1], or NaN, or a probability outside of [0, 1].
    """
    _probability_bind(probabilities, targets, reduction)
    each = _probability_losses(probabilities, targets, "none")
    return weighted("binary_cross_entropy", each, weights, reduction)


binary_cross_entropy = general(
    binary_cross_entropy,
    lambda ct, _out, p, y, reduction: _slope(p, y) * share(ct, p.size, reduction),
    lambda ct, _out, p, _y, reduction: _odds(p) * share(ct, p.size, reduction),
    forward=_probability_losses,
    push=_probability_push,
    recorder=_records_probability_losses,
    domain=(0.1, 0.9),
    composition=lambda p, y, reduction="mean": REDUCED[reduction](
        -(y * log(p) + (1 - y) * log(1 - p))
    ),
    samples=(
        call((3, 1), (3, 1)),
        call((4,), (4,), reduction="sum"),
        call((2, 2), (2, 2), reduction="none"),
        call((0, 1), (0, 1), reduction="none"),
    ),
    analytic=False,
)
