"""Losses as one record each.

Their compositions overflow, or lose the gradient, exactly where a network is most wrong.
"""

from __future__ import annotations

from typing import Any
from weakref import ref

import numpy as np
from numpy import exp, float32, float64, floating, log, maximum, ndarray

from tinygrad_bp.engine.broadcasting import sum_all
from tinygrad_bp.engine.constructors import general
from tinygrad_bp.engine.recording import binary
from tinygrad_bp.engine.rule import Recorder, call
from tinygrad_bp.engine.tensor import Tensor, is_foreign, unwrap
from tinygrad_bp.errors import DTypeError, ShapeError
from tinygrad_bp.rules import kernels
from tinygrad_bp.rules.elementwise.activations import sigmoid_error
from tinygrad_bp.rules.loss_arguments import SUSPECT, require_probabilities, warn_of_second_sigmoid
from tinygrad_bp.rules.reductions.log_sums import log_softmax

# What the compositions do.
REDUCED: dict[str, Any] = {"mean": np.mean, "sum": np.sum, "none": np.positive}


def require_same_shape(name: str, prediction: Any, target: Any) -> None:
    """Refuse shapes that would broadcast: (m, 1) against (m,) gives an (m, m) loss and nonsense.

    Raises
    ------
    ShapeError
        If the shapes differ.
    """
    first = prediction.shape if hasattr(prediction, "shape") else np.shape(prediction)
    second = target.shape if hasattr(target, "shape") else np.shape(target)
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


def share(ct: Any, size: int, reduction: str) -> Any:
    """Return the cotangent of each single loss."""
    if reduction != "mean":
        return ct
    kind = type(ct)
    if kind is float64 or kind is float32 or ct.dtype.char != "e":
        return ct / float(size)
    return ct * (1 / size)  # a large size is infinite in float16, its inverse is not 0


# Binary cross entropy of logits


def _bce_forward(z: Any, y: Any, reduction: str) -> Any:
    return reduced(kernels.binary_losses(z, y), reduction)


def _bce_slope(z: Any, y: Any, part: Any) -> Any:
    """Return ``(sigmoid(z) - y) * part``."""
    if type(z) is type(y) is ndarray and z.dtype is y.dtype and type(part) is z.dtype.type:
        return kernels.binary_errors(z, y, part)
    return sigmoid_error(z, y) * part


def _agreeing(logits: Any, targets: Any) -> Any:
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

    def record(logits: Any, targets: Any, reduction: str = "mean") -> Any:
        both = type(logits) is type(targets) is Tensor
        if not (both and logits._value.shape == targets._value.shape):
            targets = _agreeing(logits, targets)
        labels = targets._value if type(targets) is Tensor else targets
        if labels is not _checked():
            _check(labels, targets)
        if type(logits) is Tensor:
            node = logits._node
            if node is not None and node.rule.name in SUSPECT:
                warn_of_second_sigmoid(node)
        loss = recorder(logits, targets, reduction)
        if not both and reduction != "none":
            total = loss._value if type(loss) is Tensor else loss
            if isinstance(total, floating) and not total >= 0.0:
                require_probabilities("bce_with_logits", targets)
        return loss

    return record


def _check(labels: Any, targets: Any) -> None:
    """Check labels that are new, and remember them."""
    global _checked  # noqa: PLW0603  # another thread's labels are checked once more, no harm
    require_probabilities("bce_with_logits", targets)
    if type(labels) is ndarray:
        _checked = ref(labels)


def _bce_push(tangents: Any, _out: Any, z: Any, y: Any, reduction: str) -> Any:
    tz, ty = tangents
    parts = [] if tz is None else [tz * sigmoid_error(z, y)]
    if ty is not None:
        parts.append(-ty * z)
    return reduced(sum(parts[1:], parts[0]), reduction)


def bce_with_logits(logits: Any, targets: Any, reduction: str = "mean") -> Any:
    """Compute the binary cross entropy of ``sigmoid(logits)``, forming no rounded probability.

    Parameters
    ----------
    logits : array or Tensor
        Any shape; every finite value gives a finite loss.
    targets : array or Tensor of the same shape
        Probabilities of class 1, usually 0 or 1.
    reduction : {"mean", "sum", "none"}

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
    return _bce_forward(logits, _agreeing(logits, targets), reduction)


bce_with_logits = general(
    bce_with_logits,
    lambda ct, _out, z, y, reduction: _bce_slope(z, y, share(ct, z.size, reduction)),
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
    pull_words=("{ct} · (σ({0}) − {1}) / m", "−{ct} · {0} / m"),
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


def _probability_losses(p: Any, y: Any, reduction: str) -> Any:
    heads, tails = _inside(p)
    return reduced(-(y * log(heads) + (1 - y) * log(tails)), reduction)


def _slope(p: Any, y: Any) -> Any:
    tiny = float(np.finfo(p.dtype).tiny)
    # where, not maximum: at p = 0 the slope must be the steep one of a wrong answer, never half of
    # it or 0
    heads = np.where(p < tiny, tiny, p)
    tails = np.where(1 - p < tiny, tiny, 1 - p)
    return (1 - y) / tails - y / heads


def _probability_bind(probabilities: Any, targets: Any, reduction: str = "mean") -> Any:
    if type(targets) in (int, float):
        targets = np.asarray(targets, dtype=float)[()]
    require_same_shape("binary_cross_entropy", probabilities, targets)
    require_probabilities("binary_cross_entropy", targets)
    return (probabilities, targets), (reduction,)


def _odds(p: Any) -> Any:
    heads, tails = _inside(p)
    return log(tails) - log(heads)


def _probability_push(tangents: Any, _out: Any, p: Any, y: Any, reduction: str) -> Any:
    tp, ty = tangents
    parts = [] if tp is None else [tp * _slope(p, y)]
    if ty is not None:
        parts.append(ty * _odds(p))
    return reduced(sum(parts[1:], parts[0]), reduction)


def binary_cross_entropy(probabilities: Any, targets: Any, reduction: str = "mean") -> Any:
    """Compute ``-(y log p + (1 - y) log(1 - p))``; prefer `bce_with_logits`, which cannot saturate.

    Parameters
    ----------
    probabilities : array or Tensor
        Of class 1, in [0, 1].
    targets : array or Tensor of the same shape
        Usually 0 or 1.
    reduction : {"mean", "sum", "none"}

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
        If a target is outside of [0, 1], or NaN.
    """
    _probability_bind(probabilities, targets, reduction)
    return _probability_losses(probabilities, targets, reduction)


binary_cross_entropy = general(
    binary_cross_entropy,
    lambda ct, _out, p, y, reduction: _slope(p, y) * share(ct, p.size, reduction),
    lambda ct, _out, p, _y, reduction: _odds(p) * share(ct, p.size, reduction),
    forward=_probability_losses,
    push=_probability_push,
    bind=_probability_bind,
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


# Cross entropy of logits over classes


def _cross_entropy_forward(z: Any, labels: Any, reduction: str) -> Any:
    if type(labels) is not ndarray:
        logs = log_softmax(z, axis=1)
        return reduced(-np.sum(np.where(_is_label(z, labels), logs, 0), axis=1), reduction)
    if type(z) is not ndarray:
        rows = np.arange(len(labels))
        return reduced(-log_softmax(z, axis=1)[rows, labels], reduction)
    return reduced(kernels.class_losses(z, labels), reduction)


def _cross_entropy_bind(logits: Any, labels: Any, reduction: str = "mean") -> Any:
    if type(labels) is not ndarray and not is_foreign(labels := unwrap(labels)):
        labels = np.asarray(labels)
    shape = logits.shape
    if len(shape) != 2 or labels.shape != shape[:1]:
        raise ShapeError(
            "cross_entropy: expected logits (m, classes) and labels (m,), got"
            f" {shape} and {labels.shape}"
        )
    if labels.dtype.kind not in "iu":
        raise DTypeError(f"cross_entropy: labels are class numbers (integers), got {labels.dtype}")
    if type(labels) is not ndarray:  # they would have to be computed
        return (logits,), (labels, reduction)
    # read as unsigned, a negative label is a large one: one pass finds both
    unsigned = labels.view(labels.dtype.str.replace("i", "u"))
    if labels.size and not maximum.reduce(unsigned) < shape[1]:
        raise ShapeError(
            f"cross_entropy: labels run from {labels.min()} to {labels.max()}, classes from 0 to"
            f" {shape[1] - 1}"
        )
    return (logits,), (labels, reduction)


def _is_label(z: Any, labels: Any) -> Any:
    """Return where the label of each row stands."""
    return np.arange(z.shape[1]) == np.expand_dims(labels, 1)


def _errors(z: Any, labels: Any) -> Any:
    """Return softmax(z) minus the one-hot labels: the slope of each loss in its logits.

    At the label it is minus the sum of the others: the difference would be rounded away.
    """
    target = _is_label(z, labels)
    p = exp(log_softmax(z, axis=1))
    return np.where(target, -np.sum(np.where(target, 0, p), axis=1, keepdims=True), p)


def _cross_entropy_pull(ct: Any, _out: Any, z: Any, labels: Any, reduction: str) -> Any:
    part = share(ct, z.shape[0], reduction)
    if type(z) is not ndarray or type(labels) is not ndarray or isinstance(ct, Tensor):
        return _errors(z, labels) * (np.expand_dims(part, 1) if reduction == "none" else part)
    return kernels.class_errors(z, labels, part)


def cross_entropy(logits: Any, labels: Any, reduction: str = "mean") -> Any:
    """Compute the cross entropy of ``softmax(logits)`` against class numbers.

    Parameters
    ----------
    logits : (m, classes) array or Tensor
    labels : (m,) array of int
        In ``range(classes)``.
    reduction : {"mean", "sum", "none"}

    Returns
    -------
    scalar, or (m,) for "none"
        The gradient is ``softmax(logits) - one_hot(labels)`` (divided by m for "mean").

    Raises
    ------
    ShapeError, DTypeError
        If shapes do not fit or labels are no class numbers.
    """
    _cross_entropy_bind(logits, labels, reduction)
    return _cross_entropy_forward(logits, labels, reduction)


cross_entropy = general(
    cross_entropy,
    _cross_entropy_pull,
    forward=_cross_entropy_forward,
    push=lambda tangents, _out, z, labels, reduction: reduced(
        np.sum(tangents[0] * _errors(z, labels), axis=1), reduction
    ),
    bind=_cross_entropy_bind,
    composition=lambda z, labels, reduction="mean": REDUCED[reduction](
        log(np.sum(exp(z), axis=1)) - z[np.arange(len(labels)), labels]
    ),
    samples=(
        call((3, 4), labels=np.array([0, 3, 1])),
        call((2, 2), labels=np.array([1, 1]), reduction="sum"),
        call((3, 2), labels=np.array([1, 0, 1]), reduction="none"),
        call((0, 3), labels=np.array([], dtype=int), reduction="sum"),
    ),
    analytic=False,
)
