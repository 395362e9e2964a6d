"""The course of a training, judged by its columns alone: loss, held-out loss, metrics, rates.

A column shows that something is wrong, and seldom what: a fault is named only where the numbers
leave no healthy reading, and the rest are notes.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinygrad_bp.doctor.findings.diagnosis import FAULT, NOTE, Diagnosis, Finding, Undecided

History = Mapping[str, Sequence[float]]  # as `tg.training.fit` returns one
Column = NDArray[np.float64]
SHORTEST = 5  # epochs of which a course says something
LONG = 20  # epochs after which a loss at chance has had its time
NEAR = 0.03  # of ln k: a loss this near to it knows nothing
TOGETHER = 0.005  # of the first loss: a run that moved by less stood still
RISEN = 1.5  # times the first: a loss that has left where it was
OVERFITTED = 1.2  # times its lowest value: a held-out loss that has turned
MOST_CLASSES = 20
HELD_OUT = "validation_"


def diagnose_history(history: History, labels: Any = None) -> Diagnosis:
    """Judge the course of a training.

    Parameters
    ----------
    history : mapping of str to list of float
        The numbers of each epoch by name: what `tg.training.fit` returns.
    labels : array, optional
        The labels of the samples: they tell how many classes there are, and so the loss of one that
        knows nothing.

    Returns
    -------
    Diagnosis
    """
    loss = _column(history, "loss")
    answer = Diagnosis(watched=f"watched: the history of {len(loss)} epochs")
    if len(loss) < SHORTEST:
        reason = f"the loss of {len(loss)} epochs shows no course; train for {SHORTEST} or more"
        answer.undecided.append(Undecided("loop", reason))
        return answer
    answer.findings += _finite(history) or _courses(history, loss, labels)
    reason = "a history holds no gradients; tg.doctor.diagnose(model, optimizer, data) does"
    answer.undecided.append(Undecided("gradients", reason))
    answer.sort()
    return answer


def _column(history: History, name: str) -> Column:
    return np.array(history.get(name, []), float)


def _finite(history: History) -> list[Finding]:
    """Report the first epoch whose loss is no number."""
    bad = np.flatnonzero(~np.isfinite(_column(history, "loss")))
    if not bad.size:
        return []
    value = history["loss"][bad[0]]
    return [Finding("exploding", FAULT, f"the loss is {value} in epoch {bad[0] + 1}")]


def _courses(history: History, loss: Column, labels: Any) -> list[Finding]:
    found = [*_diverging(loss)] or [*_plateau(loss, labels)]
    return [*found, *overfitting(history, loss), *_rates(history, loss), *_held_out(history)]


def of_losses(values: list[float]) -> list[Finding]:
    """Judge the losses of a loop, where they are long enough and numbers."""
    loss = np.array(values)
    if len(loss) < SHORTEST or not np.isfinite(loss).all():
        return []
    return [*_diverging(loss)] or [*_plateau(loss, None)]


def _diverging(loss: Column) -> list[Finding]:
    """Report a loss that ends well above its start."""
    end = float(np.median(loss[-3:]))
    if loss[0] <= 0 or end <= RISEN * loss[0]:
        return []
    lowest = loss.min()
    text = f"the loss is {loss[0]:.4g} in the first epoch, {lowest:.4g} at its lowest and {end:.4g}"
    return [Finding("step-too-large", FAULT, f"{text} at the end")]


def _plateau(loss: Column, labels: Any) -> list[Finding]:
    """Note a loss that stands still from the start: at chance, or anywhere."""
    spread = float(loss.max() - loss.min())
    chance = next((k for k in _classes(labels) if _is_near(loss, math.log(k))), None)
    if chance is not None and len(loss) >= LONG:
        text = (
            f"the loss is {loss[0]:.4g} in the first epoch and {loss[-1]:.4g} in the last;"
            f" one that knows nothing of {chance} classes has ln {chance} = {math.log(chance):.4g}"
        )
        return [Finding("step-too-small", NOTE, text)]
    if spread <= TOGETHER * abs(loss[0]) and abs(loss[0]) > 0:
        text = f"the loss moves by {spread:.2g} in {len(loss)} epochs, from {loss[0]:.4g}"
        return [Finding("step-too-small", NOTE, text)]
    return []


def _classes(labels: Any) -> range:
    """Return the numbers of classes that there may be."""
    if labels is None:
        return range(2, MOST_CLASSES + 1)
    many = np.asarray(labels)
    one_hot = many.ndim == 2 and many.shape[1] > 1
    kinds = many.shape[1] if one_hot else len(np.unique(many))
    return range(kinds, kinds + 1) if 2 <= kinds <= MOST_CLASSES else range(0)


def _is_near(loss: Column, chance: float) -> bool:
    return bool(np.all(np.abs(loss - chance) <= NEAR * chance) and loss[-1] > 0.98 * loss[0])


def overfitting(history: History, loss: Column) -> list[Finding]:
    """Note a held-out loss that rises while that of training falls."""
    held = _column(history, HELD_OUT + "loss")
    known = held[np.isfinite(held)]
    if len(known) < SHORTEST or len(held) != len(loss):
        return []
    lowest = int(np.nanargmin(held))
    end = float(np.median(known[-3:]))
    if end < OVERFITTED * held[lowest] or loss[-1] >= loss[lowest] or lowest > 0.9 * len(held):
        return []
    text = (
        f"the held-out loss is lowest, {held[lowest]:.4g}, in epoch {lowest + 1} and {end:.4g} at"
        f" the end, while that of training falls from {loss[lowest]:.4g} to {loss[-1]:.4g}"
    )
    return [Finding("overfitting", NOTE, text)]


def _rates(history: History, loss: Column) -> list[Finding]:
    """Note a rate that ran out before the loss had come down."""
    name = next((one for one in history if one in {"lr", "rate", "learning_rate"}), None)
    rates = _column(history, name) if name else np.zeros(0)
    early = len(rates) // 4
    if len(rates) < LONG or not rates[early] or rates[early] > 1e-3 * rates[0]:
        return []
    if loss[-1] < 0.9 * loss[0]:
        return []
    text = (
        f"{name} falls from {rates[0]:.3g} to {rates[early]:.3g} in epoch {early + 1}, with the"
        f" loss at {loss[early]:.4g}; it ends at {loss[-1]:.4g}"
    )
    return [Finding("rate-decays", NOTE, text)]


def _held_out(history: History) -> list[Finding]:
    """Note metrics that are told of the training samples alone."""
    told = [name for name in history if not name.startswith(HELD_OUT)]
    metrics = [name for name in told if "acc" in name.lower()]
    if not metrics or any(name.startswith(HELD_OUT) for name in history):
        return []
    text = f"{metrics[0]} is that of the samples that are trained on; no column is held out"
    return [Finding("no-held-out-data", NOTE, text)]
