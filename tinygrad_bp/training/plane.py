"""What a model says over the plane of two features, in a byte a point."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from tinygrad_bp.engine.modes import no_grad
from tinygrad_bp.engine.nodes import ancestors
from tinygrad_bp.engine.tensor import wrap
from tinygrad_bp.functional import softmax
from tinygrad_bp.rules.elementwise.activations import sigmoid
from tinygrad_bp.training.measuring import Looked
from tinygrad_bp.training.observed import SIDE, Plane
from tinygrad_bp.training.probe import Probe, every

POINTS = 200  # samples drawn
MARGIN = 0.08  # around the samples, as a share of their spread
CLASSES = 8  # that a level can tell apart
SURE = 31  # the highest step of how sure the class is
TOP = 255
OF_LOGITS = {"bce_with_logits", "cross_entropy", "log_softmax", "logsumexp"}


def plane_of(probe: Probe, sample: tuple[Any, Any], looked: Looked) -> Plane | None:
    """Return where two features are looked at; None where there are not two, or no field of them.

    What a level tells follows from the loss: of a logit a probability, of several outputs the
    class, else how high the output is between the lowest and the highest target.
    """
    outputs = _outputs(looked.prediction)
    if isinstance(sample[0], tuple) or outputs is None:
        return None
    X, y = (np.asarray(getattr(one, "_value", one)) for one in sample)
    if X.ndim != 2 or X.shape[1] != 2 or X.dtype.kind != "f":
        return None
    kind, labels = _labels(y, outputs.shape[1], of_logits=bool(_rules(looked) & OF_LOGITS))
    if not kind:
        return None
    span = float(labels.min()), float(labels.max())
    if kind == "number":
        labels = (labels - span[0]) / ((span[1] - span[0]) or 1.0)
    low, high = X.min(axis=0), X.max(axis=0)
    margin = MARGIN * np.where(high > low, high - low, 1.0)
    chosen = every(len(X), POINTS)
    (left, bottom), (right, top), *points = (
        np.vstack([low - margin, high + margin, X[chosen]]) * probe.scale + probe.mean
    ).tolist()
    return Plane(
        kind,
        (left, right, bottom, top),
        tuple((x, y) for x, y in points),
        tuple(labels[chosen].tolist()),
        span,
    )


def _labels(y: Any, outputs: int, *, of_logits: bool) -> tuple[str, Any]:
    """Return what a level tells, and the targets as numbers."""
    if outputs == 1:
        return "probability" if of_logits else "number", y.reshape(len(y), -1)[:, 0].astype(float)
    if y.ndim == 1 and y.dtype.kind in "iu":
        return "classes", y.astype(float)
    if y.shape == (len(y), outputs) and np.all(np.isin(y, (0, 1))) and np.all(y.sum(axis=1) == 1):
        return "classes", np.argmax(y, axis=1).astype(float)
    return "", None


def _rules(looked: Looked) -> set[str]:
    node = looked.loss.node
    return set() if node is None else {one.rule.name for one in ancestors(node)}


def _outputs(prediction: Any) -> Any:
    """Return a prediction as an array of shape (rows, outputs); None if it is nothing like it."""
    out = np.asarray(getattr(prediction, "_value", prediction))
    out = out[:, None] if out.ndim == 1 else out
    usual = out.ndim == 2 and 1 <= out.shape[1] <= CLASSES and out.dtype.kind == "f"
    return out.astype(float) if usual else None


@lru_cache(maxsize=4)
def _grid(bounds: tuple[float, float, float, float]) -> Any:
    left, right, bottom, top = bounds
    sides = np.linspace(left, right, SIDE), np.linspace(bottom, top, SIDE)
    return np.stack(np.meshgrid(*sides), axis=-1).reshape(-1, 2)


def levels(probe: Probe, plane: Plane, dtype: Any) -> Any:
    """Return the field: a byte for each of SIDE * SIDE points, row by row from the bottom left."""
    grid = _grid(plane.bounds)
    with no_grad():
        out = _outputs(probe.predict(wrap(((grid - probe.mean) / probe.scale).astype(dtype))))
    if out is None:
        return np.zeros(0, np.uint8)
    if plane.kind == "classes":
        shares = np.asarray(softmax(np.nan_to_num(out)))
        best = np.argmax(shares, axis=1)
        least = 1.0 / shares.shape[1]
        sure = (np.max(shares, axis=1) - least) / (1.0 - least)
        return (best * (SURE + 1) + np.rint(SURE * np.clip(sure, 0, 1))).astype(np.uint8)
    low, high = plane.span
    share = sigmoid(out[:, 0]) if plane.kind == "probability" else None
    if share is None:
        share = (out[:, 0] - low) / ((high - low) or 1.0)
    return np.rint(TOP * np.clip(np.nan_to_num(share, nan=0.5), 0.0, 1.0)).astype(np.uint8)
