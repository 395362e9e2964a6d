"""What the outputs of an iteration and their labels make: the losses that scripts go down."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_bp.doctor.learning.pairs import Pair
from tinygrad_bp.doctor.watched.recorder import Recording

CRITERION = "the perceptron criterion"
WEIGHTED = " weighted by "
SIDES = 3  # answers of a threshold: `sign` has one for 0
ROUNDED = 3e-16  # of a loss, in double precision

Form = tuple[Pair, str]
Weights = dict[str, Any]  # of the samples, by the name that the script has for them


def losses(
    recording: Recording, pair: Pair, compared: int | None, weights: Weights | None = None
) -> dict[str, float]:
    """Return the losses of an iteration's outputs and labels, each summed over the samples.

    With each of the `weights` that fits the labels there are the same losses once more.
    """
    if pair.own:
        found = [value for text, value, place in recording.stores if place == pair.place]
        return {pair.own: float(np.sum(found))} if found else {}
    outputs, labels = meetings(recording, pair, compared)
    every = sums(outputs, labels)
    missed = criterion(recording, outputs, labels, compared)
    every |= {CRITERION: missed} if missed is not None else {}
    for text, one in (weights or {}).items():
        some = fitting(one, labels)
        weighted = sums(outputs, labels, some) if some is not None else {}
        every |= {f"{name}{WEIGHTED}{text}": value for name, value in weighted.items()}
    return every


def criterion(
    recording: Recording, outputs: list[Any], labels: list[Any], compared: int | None
) -> float | None:
    """Return the loss that a perceptron's rule goes down; None where the output is no threshold.

    It is the size of the scores of samples on the wrong side, whose slopes are the errors times
    the inputs.
    """
    meet = [np.broadcast_arrays(o, y) for o, y in zip(outputs, labels, strict=True)]
    if sum(np.size(one) for one, _ in meet) != sum(map(np.size, outputs)):
        return None
    apart = np.concatenate([np.ravel(np.abs(o - y)) for o, y in meet] or [np.zeros(0)])
    found = [np.sum(apart * np.abs(s)) for s in scores(recording, outputs, compared) if np.any(s)]
    return float(sum(found)) if found else None  # what no parameter moves leaves no slope


def scores(recording: Recording, outputs: list[Any], compared: int | None) -> list[Any]:
    """Return the scores of which outputs tell the side of a threshold, and nothing else."""
    o = np.concatenate([np.ravel(one) for one in outputs] or [np.zeros(0)])
    if not o.size or len(np.unique(o)) > SIDES:
        return []
    end = len(recording.comparisons) if compared is None else compared
    by_place: dict[Any, list[Any]] = {}
    for place, score, before in recording.scores:
        if before <= end:
            by_place.setdefault(place, []).append(np.ravel(score))
    every = [np.concatenate(some)[: o.size] for some in by_place.values()]
    return [one for one in every if one.size == o.size and _tells_side(o, one)]


def _tells_side(o: Any, s: Any) -> bool:
    above, below = np.unique(o[s > 0]), np.unique(o[s < 0])
    return max(len(above), len(below)) < 2 and not np.array_equal(above, below)


def fitting(weights: Any, labels: list[Any]) -> Any:
    """Return one weight a sample, in the shape of the labels; None where they are others."""
    if len(labels) != 1 or not labels[0].size:
        return None
    y = labels[0]
    if np.size(weights) == y.size:
        return np.reshape(weights, y.shape)
    axis = next((k for k in range(y.ndim) if y.shape[k] == np.size(weights)), None)
    shape = [many if k == axis else 1 for k, many in enumerate(y.shape)]
    return None if axis is None else np.reshape(weights, shape)


def meetings(recording: Recording, pair: Pair, compared: int | None) -> tuple[list[Any], list[Any]]:
    """Return the outputs and the labels that met at a place."""
    met = [one for one in recording.comparisons[:compared] if one.place == pair.place]
    return [pair.output_of(one) for one in met], [pair.label_of(one) for one in met]


def sums(outputs: list[Any], labels: list[Any], weights: Any = 1.0) -> dict[str, float]:
    """Return squared error, binary cross entropy and cross entropy, where they are defined."""
    if not outputs:
        return {}
    total = {"squared error": 0.0, "binary cross entropy": 0.0, "cross entropy": 0.0}
    with np.errstate(all="ignore"):
        for o, y in zip(outputs, labels, strict=True):
            o, y = np.broadcast_arrays(o, y)
            total["squared error"] += float(0.5 * np.sum(weights * (o - y) ** 2))
            if not np.all((o > 0) & (o < 1)):
                total.pop("binary cross entropy", None)
            if not np.all((o >= 0) & (o <= 1) & ((o > 0) | (y == 0))):  # a sure one may be right
                total.pop("cross entropy", None)
            if "binary cross entropy" in total:
                logs = y * np.log(o) + (1 - y) * np.log1p(-o)
                total["binary cross entropy"] -= float(np.sum(weights * logs))
            if o.size < 2 or not _are_shares(y):
                total.pop("cross entropy", None)
            if "cross entropy" in total:
                logs = y * np.log(np.where(y == 0, 1.0, o))
                total["cross entropy"] -= float(np.sum(weights * logs))
    return total


def _are_shares(y: Any) -> bool:
    """Tell whether labels are probabilities of classes: one-hot, or smoothed."""
    axes = [axis for axis in range(y.ndim) if y.shape[axis] > 1]
    return bool(np.all(y >= 0)) and any(np.allclose(y.sum(axis=axis), 1) for axis in axes)


def roundings(
    forms: dict[Form, float], recording: Recording, compared: int | None
) -> dict[Form, float]:
    """Return by how much each loss may be rounded: by a lot where outputs are close to a bound."""
    largest = max((abs(one) for one in forms.values() if np.isfinite(one)), default=1.0)
    found = dict.fromkeys(forms, ROUNDED * largest)
    for pair in {form[0] for form in forms if not form[0].own}:
        outputs, labels = meetings(recording, pair, compared)
        rounded = sums([np.nextafter(one, 0.5) for one in outputs], labels)
        for name, value in rounded.items():
            if (pair, name) in found:
                apart = abs(value - forms[pair, name])
                found[pair, name] = max(found[pair, name], apart)
    return found
