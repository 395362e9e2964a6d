"""The loss of several classes as one record: exact where a network is most wrong."""

from __future__ import annotations

from functools import partial
from numbers import Real
from typing import Any

import numpy as np
from numpy import exp, log, maximum, ndarray

from tinygrad_bp.engine.arrays import Array, Cotangent
from tinygrad_bp.engine.constructors import arrayed, general
from tinygrad_bp.engine.guards import guard
from tinygrad_bp.engine.recording import frozen, unary
from tinygrad_bp.engine.rule import Recorder, call
from tinygrad_bp.engine.shapes import Shape
from tinygrad_bp.engine.tensor import Tensor, is_foreign, unwrap
from tinygrad_bp.errors import DTypeError, ShapeError
from tinygrad_bp.rules import kernels
from tinygrad_bp.rules.loss_arguments import SOFTENED, warn_of_second_softmax
from tinygrad_bp.rules.loss_reductions import REDUCED, reduced, share, shared_out, weights_of
from tinygrad_bp.rules.reductions.log_sums import log_softmax


def _cross_entropy_forward(z: Array, labels: Array, reduction: str) -> Array:
    if type(labels) is not ndarray:
        logs = log_softmax(z, axis=1)
        return reduced(-np.sum(np.where(_is_label(z, labels), logs, 0), axis=1), reduction)
    if type(z) is not ndarray:
        rows = np.arange(len(labels))
        return reduced(-log_softmax(z, axis=1)[rows, labels], reduction)
    return reduced(kernels.class_losses(z, labels), reduction)


def _one_number(logits: Shape, labels: Shape) -> str:
    """Return how labels in columns, as other libraries take them, become one number a row."""
    if labels == (*logits[:-1], 1):
        return "; write labels[..., 0]"
    return "; one-hot labels become numbers by labels.argmax(axis=-1)" if labels == logits else ""


def _cross_entropy_bind(logits: Array, labels: Array, reduction: str = "mean") -> Array:
    if type(labels) is not ndarray and not is_foreign(labels := unwrap(labels)):
        labels = np.asarray(labels)
    shape = logits.shape
    if len(shape) != 2 or labels.shape != shape[:1]:
        if len(shape) < 3 or labels.shape != shape[:-1]:
            raise ShapeError(
                "cross_entropy: expected logits (m, classes) and labels (m,), or (..., classes) and"
                f" (...), got {shape} and {labels.shape}{_one_number(shape, labels.shape)}"
            )
        logits, labels = np.reshape(logits, (-1, shape[-1])), np.reshape(labels, -1)
    if labels.dtype.kind not in "iu":
        raise DTypeError(
            f"cross_entropy: labels are class numbers (integers), got {labels.dtype}; whole numbers"
            " become such by labels.astype(int)"
        )
    guard(labels, partial(_require_classes, shape[-1]))
    return (logits,), (labels, reduction)


def _require_classes(count: int, labels: Any) -> None:
    # read as unsigned, a negative label is a large one: one pass finds both
    unsigned = labels.view(labels.dtype.str.replace("i", "u"))
    if labels.size and not maximum.reduce(unsigned) < count:
        raise ShapeError(
            f"cross_entropy: labels run from {labels.min()} to {labels.max()}, classes from 0 to"
            f" {count - 1}"
        )


def _is_label(z: Array, labels: Array) -> Array:
    """Return where the label of each row stands."""
    return np.arange(z.shape[1]) == np.expand_dims(labels, 1)


def _of_labels(of_classes: Array, labels: Array) -> Array:
    """Return the number of each label's class."""
    if type(labels) is ndarray:
        return of_classes[labels]
    target = np.arange(len(of_classes)) == np.expand_dims(labels, 1)
    return np.sum(np.where(target, of_classes, 0), axis=1)  # exact: of each row all but one are 0


def _errors(z: Array, labels: Array) -> Array:
    """Return softmax(z) minus the one-hot labels: the slope of each loss in its logits.

    At the label it is minus the sum of the others: the difference would be rounded away.
    """
    target = _is_label(z, labels)
    p = exp(log_softmax(z, axis=1))
    return np.where(target, -np.sum(np.where(target, 0, p), axis=1, keepdims=True), p)


def _cross_entropy_pull(
    ct: Cotangent, _out: Array, z: Array, labels: Array, reduction: str
) -> Array:
    part = share(ct, z.shape[0], reduction)
    if type(z) is not ndarray or type(labels) is not ndarray or isinstance(ct, Tensor):
        return _errors(z, labels) * (np.expand_dims(part, 1) if reduction == "none" else part)
    return kernels.class_errors(z, labels, part)


def _weighted_cross_entropy(
    z: Array, labels: Array, reduction: str, weights: Any, class_weights: Any, smoothing: float
) -> Array:
    """Return the composition with weights and smoothed labels.

    Raises
    ------
    ShapeError, ValueError
        If there are not as many weights as samples and classes, or `smoothing` is no share.
    """
    m, classes = z.shape
    if not (isinstance(smoothing, Real) and 0.0 <= smoothing < 1.0):
        raise ValueError(
            f"cross_entropy: label_smoothing={smoothing!r}; expected a number from 0 to below 1"
        )
    p = log_softmax(z, axis=1)
    counts = np.ones(m, z.dtype)
    if class_weights is not None:
        of_classes = weights_of("cross_entropy", np.asarray(class_weights, z.dtype), (classes,))
        counts, p = _of_labels(of_classes, labels), p * of_classes
    each = -p[np.arange(m), labels]
    if smoothing:
        smoothing = float(smoothing)
        each = (1.0 - smoothing) * each - smoothing * np.mean(p, axis=1)
    if weights is not None:
        weights = weights_of("cross_entropy", weights, (m,))
        counts, each = counts * weights, each * weights
    return shared_out(each, counts, reduction)


def _records_cross_entropy(rule: Any) -> Recorder:
    recorder = unary(rule)

    def record(
        logits: Array,
        labels: Array,
        reduction: str = "mean",
        weights: Any = None,
        class_weights: Any = None,
        label_smoothing: float = 0.0,
    ) -> Array:
        logits = arrayed(logits)
        if type(logits) is Tensor:
            node = logits._node
            if node is not None and node.rule.name in SOFTENED:
                warn_of_second_softmax(node)
        (rows,), params = _cross_entropy_bind(logits, labels, reduction)
        if weights is None and class_weights is None and not label_smoothing:
            losses = recorder(rows, *frozen(rule, params))
        else:
            if weights is not None:
                weights = weights_of("cross_entropy", weights, logits.shape[:-1])
                weights = np.reshape(weights, -1)
            losses = _weighted_cross_entropy(
                rows, params[0], reduction, weights, class_weights, label_smoothing
            )
        if rows is logits or reduction != "none":
            return losses
        return np.reshape(losses, logits.shape[:-1])

    return record


def cross_entropy(
    logits: Array,
    labels: Array,
    reduction: str = "mean",
    weights: Any = None,
    class_weights: Any = None,
    label_smoothing: float = 0.0,
) -> Array:
    """Compute the cross entropy of ``softmax(logits)`` against class numbers.

    Parameters
    ----------
    logits : (m, classes) array or Tensor, or (..., classes)
        Classes are last also where there are more axes, as of the places of a text.
    labels : (m,) array of int, or (...)
        In ``range(classes)``.
    reduction : {"mean", "sum", "none"}
    weights : array or Tensor of the labels' shape, optional
        What each label counts, at least 0; a mean is divided by the sum of the weights.
    class_weights : (classes,) array, optional
        What each class counts, likewise: the samples of a class have its weight.
    label_smoothing : float, default 0
        Share of each label that is spread evenly over all classes, in [0, 1): Szegedy et al.
        (2016), "Rethinking the inception architecture for computer vision", section 7.

    Returns
    -------
    scalar, or array of the labels' shape for "none"
        The gradient is ``softmax(logits) - one_hot(labels)``, for "mean" divided by their number.

    Raises
    ------
    ShapeError, DTypeError
        If shapes do not fit or labels are no class numbers.
    """
    _cross_entropy_bind(logits, labels, reduction)
    return _weighted_cross_entropy(
        logits, labels, reduction, weights, class_weights, label_smoothing
    )


cross_entropy = general(
    cross_entropy,
    _cross_entropy_pull,
    forward=_cross_entropy_forward,
    push=lambda tangents, _out, z, labels, reduction: reduced(
        np.sum(tangents[0] * _errors(z, labels), axis=1), reduction
    ),
    recorder=_records_cross_entropy,
    words="the surprise at the labels, in nats, if softmax(z) has the probabilities of the classes",
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
