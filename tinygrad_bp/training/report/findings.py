"""What is wrong with a training, by what was recorded of it: the doctor's names, with epochs.

Each rule asks for numbers that a healthy training does not show: flat units, short gradients and
long steps are common at the beginning, and at the end of one that has learned.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tinygrad_bp.doctor.findings.diagnosis import FAULT, NOTE, Finding, Severity
from tinygrad_bp.training.observed import Frame, Layer, Observed
from tinygrad_bp.view.picture.labels import number_text

LEARNED = 0.2  # of the first loss: what ends below it has learned, and its flat units are sure ones
FLAT = 0.5  # of a layer's units
WEAK = 1e-3  # the first layer's gradient to the last one's
STUCK = 0.8  # of the first loss: what ends above it has learned nothing
LONG, SHORT = 0.5, 1e-6  # a step to the size of its layer
STILL = 0.01  # of the first loss: less has not moved
SETTLED = 3  # epochs in which long steps are usual
WORSE = 3.0  # times the first loss
FEW = 3  # frames that a rule rests on

Losses = Mapping[str, Sequence[float]]


@dataclass(frozen=True)
class Pinned:
    """A finding, and the epochs in which it shows."""

    finding: Finding
    first: int
    last: int


def findings(history: Losses, observed: Observed | None) -> list[Pinned]:
    """Return what is wrong, the worst first; nothing of a healthy training."""
    found = list(_grows(history, observed))
    if observed is not None and observed.frames:
        for rule in RULES:
            found += rule(observed)
    return sorted(found, key=lambda one: (one.finding.severity != FAULT, one.first))


def _grows(history: Losses, observed: Observed | None) -> Iterator[Pinned]:
    losses = np.array(history.get("loss", ()), float)
    failure = observed.failure if observed is not None else ""
    bad = np.flatnonzero(~np.isfinite(losses))
    if failure:
        yield _pinned("exploding", failure, FAULT, len(losses), len(losses))
    elif len(bad):
        first = int(bad[0]) + 1
        told = f"the loss is {losses[bad[0]]} from epoch {first} on"
        yield _pinned("exploding", told, FAULT, first, len(losses))
    elif len(losses) >= FEW:
        start, when = float(losses[0]), "in epoch 1"
        if observed is not None and observed.frames and not observed.frames[0].epoch:
            start, when = observed.frames[0].loss, "at the start"
        if not 0 < WORSE * start < losses[-1]:
            return
        below = np.flatnonzero(losses <= WORSE * start)
        first = int(below[-1]) + 2 if len(below) else 1
        told = (
            f"the loss grows from {number_text(start)} {when} to"
            f" {number_text(float(losses[-1]))} in epoch {len(losses)}"
        )
        yield _pinned("exploding", told, FAULT, first, len(losses))


def _flat(observed: Observed) -> Iterator[Pinned]:
    """Report layers of which half of the units pass nothing back at any row."""
    open_frames = _unlearned(observed)
    for place, layer in enumerate(observed.layers):
        seen = [one for one in open_frames if one.flat[place] >= FLAT]
        # at the end, or for a third of what was seen: some come back by themselves
        if not seen or (seen[-1] is not observed.frames[-1] and 3 * len(seen) < len(open_frames)):
            continue
        worst = max(seen, key=lambda one: float(one.flat[place]))
        count = round(float(worst.flat[place]) * layer.units)
        relu = layer.activation == "relu"
        what = "answer 0" if relu else "have less than 1 % of their steepest slope"
        told = (
            f"{count} of {layer.units} {layer.activation} units behind {layer.name} {what} at each"
            f" of {observed.rows} rows in epoch {worst.epoch}, where the loss is"
            f" {number_text(worst.loss)}"
        )
        name = "dead-relu" if relu else "saturated"
        severity = _severity(observed)
        yield _pinned(name, told, severity, seen[0].epoch, seen[-1].epoch, layer.name)


def _vanishes(observed: Observed) -> Iterator[Pinned]:
    """Report a first layer with next to no gradient, where the loss stays as it was."""
    frames = observed.frames
    if len(observed.layers) < 2 or len(frames) < FEW or frames[-1].loss < STUCK * frames[0].loss:
        return
    first, last = observed.layers[0], observed.layers[-1]
    pairs = [(one, _joint(one.gradients, first), _joint(one.gradients, last)) for one in frames]
    weak = [(one, a, b) for one, a, b in pairs if 0 < b < math.inf and a < WEAK * b]
    if 2 * len(weak) < len(frames):
        return
    frame, small, large = min(weak, key=lambda one: one[1] / one[2])
    told = (
        f"in epoch {frame.epoch} the gradient of {first.name} has the norm {number_text(small)},"
        f" that of {last.name} {number_text(large)}; it is less than a thousandth in {len(weak)} of"
        f" {len(frames)} frames, and the loss goes from {number_text(frames[0].loss)} to"
        f" {number_text(frames[-1].loss)}"
    )
    yield _pinned("vanishing", told, NOTE, weak[0][0].epoch, weak[-1][0].epoch, first.name)


def _overshoots(observed: Observed) -> Iterator[Pinned]:
    """Report layers that single steps change by half, after the first epochs."""
    frames = [one for one in _unlearned(observed) if one.epoch > SETTLED]
    for layer in observed.layers:
        ratios = [(one, ratio(one, layer)) for one in frames]
        long = [(one, r) for one, r in ratios if r > LONG]
        if len(long) < FEW or 4 * len(long) < len(frames):
            continue
        worst, most = max(long, key=lambda one: one[1])
        told = (
            f"the last step of epoch {worst.epoch} changes {layer.name} by {number_text(most)} of"
            f" its size; more than half in {len(long)} of {len(frames)} frames after epoch"
            f" {SETTLED}, where the loss is {number_text(worst.loss)}"
        )
        yield _pinned("step-too-large", told, NOTE, long[0][0].epoch, long[-1][0].epoch, layer.name)


def _creeps(observed: Observed) -> Iterator[Pinned]:
    """Report steps that hardly change anything, where the loss stays as it was too."""
    frames = [one for one in observed.frames if np.isfinite(one.steps).all()]
    start = observed.frames[0].loss
    if len(frames) < FEW or not abs(start - frames[-1].loss) < STILL * abs(start):
        return
    ratios = [(one, max(ratio(one, layer) for layer in observed.layers)) for one in frames]
    if all(0 < one < SHORT for _, one in ratios):
        frame, most = max(ratios, key=lambda one: one[1])
        told = (
            f"no step changes a layer by more than {number_text(most)} of its size (epoch"
            f" {frame.epoch}); the loss goes from {number_text(start)} to"
            f" {number_text(frames[-1].loss)}"
        )
        yield _pinned("step-too-small", told, NOTE, frames[0].epoch, frames[-1].epoch)


def _stands(observed: Observed) -> Iterator[Pinned]:
    """Report parameters that have a gradient and never move, where others do."""
    frames = [one for one in observed.frames if np.isfinite(one.steps).all()]
    if len(frames) < FEW:
        return
    steps = np.array([one.steps for one in frames])
    slopes = np.array([one.gradients for one in frames])
    moved = steps.any(axis=0)
    still = np.flatnonzero(~moved & (slopes > 0).all(axis=0))
    if not len(still) or not moved.any():
        return
    names = ", ".join(observed.parameters[place] for place in still)
    largest = float(slopes[:, still].max())
    told = (
        f"{names} are the same in all {len(frames)} frames, with gradients of norm"
        f" {number_text(largest)}; {int(moved.sum())} other parameters move"
    )
    yield _pinned("not-updated", told, FAULT, frames[0].epoch, frames[-1].epoch, names)


RULES: tuple[Callable[[Observed], Iterator[Pinned]], ...] = (
    _flat, _vanishes, _overshoots, _creeps, _stands,
)  # fmt: skip


def _unlearned(observed: Observed) -> list[Frame]:
    """Return the frames in which most of the first loss is there; none if it is gone at the end."""
    limit = LEARNED * observed.frames[0].loss
    if observed.frames[-1].loss < limit:
        return []
    return [one for one in observed.frames if not one.loss < limit]


def _severity(observed: Observed) -> Severity:
    """Return how bad it is what may keep a training from learning: whether that did."""
    return FAULT if not observed.frames[-1].loss < STUCK * observed.frames[0].loss else NOTE


def _joint(norms: Any, layer: Layer) -> float:
    return math.hypot(*(float(norms[place]) for place in layer.parameters))


def gradient(frame: Frame, layer: Layer) -> float:
    """Return the norm of the gradient of a layer's parameters together."""
    return _joint(frame.gradients, layer)


def ratio(frame: Frame, layer: Layer) -> float:
    """Return the length of a layer's last step to the size of its parameters; NaN before one."""
    step, size = _joint(frame.steps, layer), _joint(frame.sizes, layer)
    return step / size if size else (math.nan if math.isnan(step) else math.inf * step)


def _pinned(
    name: str, told: str, severity: Severity, first: int, last: int, parameter: str | None = None
) -> Pinned:
    return Pinned(Finding(name, severity, told, parameter=parameter), first, last)
