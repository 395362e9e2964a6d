"""What a script itself shows about its rate, its inputs and its start: reasons for a treatment."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tinygrad_bp.doctor.checks.invariants import multiplies
from tinygrad_bp.doctor.treatments.trials import Trials, glorot, is_bias, sample_axis
from tinygrad_bp.doctor.watched.recorder import is_array
from tinygrad_bp.doctor.watched.slots import Path, shown

CHANCE = 9  # weights that may all be positive by chance: once in 500 starts
FLAT = 5.0  # a sigmoid is within 0.01 of its bound from here on


@dataclass
class Signs:
    """What the script itself shows, before any treatment: reasons to try one."""

    summed: bool = False
    samples: int = 1
    decay: float = 1.0
    inputs: str = ""
    size: float = 1.0  # of the inputs, where they are not scaled
    anchored: str = ""
    twice: str = ""  # that the steps are divided by the number of samples once more than for a mean
    faint: str = ""  # the gradient of the first layer against that of the last
    starts: list[tuple[str, Path, str]] = field(default_factory=list)
    wildest: float = 1.0  # of the weights, how many times larger they start than keeps the scale


def signs_of(trials: Trials, before: dict[Path, Any], summed: bool) -> Signs:
    """Look at rate, inputs and start."""
    found = Signs(summed, trials.samples, trials.decay)
    found.inputs, found.size = _unscaled(trials, before)
    roles = trials.roles
    named = [path for path in roles.parameters if multiplies(trials.script, shown(path))]
    for path in [*roles.parameters, *roles.stuck, *roles.idle]:
        value: Any = before.get(path)
        if is_array(value) and value.ndim == 2 and value.size >= 2 and np.any(value):
            added = min(value.shape) == 1 and named and not multiplies(trials.script, shown(path))
            if added and not is_bias(value, value.shape):
                continue  # a bias that starts at random: what it adds is no sum of many
            found.starts += [(name, path, text) for name, text in _start(value)]
            found.wildest = max(found.wildest, _scale(value) / glorot(value.shape))
    positive = [one for one in found.starts if one[0] == "all-positive-init"]
    if sum(before[path].size for _, path, _ in positive) < CHANCE:
        found.starts = [one for one in found.starts if one not in positive]
    return found


def _unscaled(trials: Trials, before: dict[Path, Any]) -> tuple[str, float]:
    for path in trials.roles.data:
        X: Any = before.get(path)
        if not is_array(X) or X.ndim == 0 or X.size < 4:
            continue
        axis = sample_axis(X, trials.samples)
        found = unscaled(shown(path), np.asarray(X, float), axis)
        if found is not None:
            return found
    return "", 1.0


def unscaled(name: str, X: Any, axis: int) -> tuple[str, float] | None:
    """Return what an array of samples shows of features that are not scaled, and their size."""
    mean, deviation = np.abs(X.mean(axis=axis)), X.std(axis=axis)
    lively = np.ravel(deviation)[np.ravel(deviation) > 0]
    if not lively.size or not np.isfinite(X).all():
        return None
    few = np.sort(lively)[(len(lively) - 1) // 4]  # pixels at the rim hardly ever change
    spread = float(lively.max() / few)
    if lively.max() > 4 or mean.max() > 4 or spread > 20 or lively.max() < 0.02:
        return (
            f"{name} has features with means up to {mean.max():.3g} and standard"
            f" deviations from {lively.min():.3g} to {lively.max():.3g}"
        ), float(max(lively.max(), mean.max()))
    return None


def _scale(W: Any) -> float:
    return float(np.sqrt(np.mean(W**2)))


def _start(W: Any) -> Iterator[tuple[str, str]]:
    if is_bias(W, W.shape):
        if abs(np.ravel(W)[0]) > FLAT:
            yield "saturated", f"it starts at {np.ravel(W)[0]:.3g}, where a sigmoid or tanh is flat"
        return
    usual, size = glorot(W.shape), float(W.std())
    if W.min() >= 0 and W.mean() > 0.2 * W.max():
        yield (
            "all-positive-init",
            f"all of its {W.size} elements are positive, with mean {W.mean():.2g}",
        )
    elif _scale(W) > 4 * usual:
        yield "init-too-large", f"standard deviation {size:.2g}; {usual:.2g} would keep the scale"
    elif _scale(W) < 0.12 * usual:
        yield "init-too-small", f"standard deviation {size:.2g}; {usual:.2g} would keep the scale"
