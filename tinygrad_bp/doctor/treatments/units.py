"""What the units of the hidden layers do: dead, or saturated."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_bp.doctor.checks.numerics import is_softmax
from tinygrad_bp.doctor.findings.diagnosis import FAULT, NOTE, Finding, Severity
from tinygrad_bp.doctor.learning.gradients import Point
from tinygrad_bp.doctor.learning.outcome import Outcome
from tinygrad_bp.doctor.treatments.layers import shares
from tinygrad_bp.doctor.treatments.trials import Trials
from tinygrad_bp.doctor.watched.rewriting import Script
from tinygrad_bp.doctor.watched.slots import same

HALF = 0.5  # share of the answers, not to be 0, that are
SPENT = {"dead-relu", "saturated"}
LONG = {"step-too-large", "not-averaged"}
MOSTLY = 0.8  # share of a layer's values that keep it from learning


def unmoved(points: list[Point]) -> set[str]:
    """Return what an iteration stores that is no units: the same under any weights, or weights."""
    values: dict[str, list[Any]] = {}
    own: set[str] = set()
    for point in points:
        first = {text: value for text, value, _ in reversed(point.base.recording.stores)}
        for text, value in first.items():
            values.setdefault(text, []).append(value)
            own |= {text} if any(same(value, one) for one in point.values.values()) else set()
    return own | {text for text, some in values.items()
                  if len(some) > 1 and all(same(some[0], one) for one in some[1:])}  # fmt: skip


def hidden(trials: Trials, base: Outcome, points: list[Point], script: Script) -> list[Finding]:
    """Say which hidden units are dead or saturated; a fault where nothing is learned by it."""
    pair = trials.pair
    outputs = [pair.output_of(one) for one in trials.roles.base.recording.comparisons
               if one.place == pair.place]  # fmt: skip
    answers = {
        text for text, value, _ in trials.at_first
        if outputs and np.shape(outputs[0]) == value.shape and np.allclose(value, outputs[0])
    }  # fmt: skip
    none = answers | unmoved(points)
    stores = [one for one in trials.hidden if one[0] not in none
              and not is_softmax(script, one[2][0])]  # fmt: skip
    found = states(stores, trials.looked, NOTE)
    found += shares(trials, base, outputs[0] if outputs else None)
    for one in found:
        if base.is_open and one.name == "dead-relu" and one.gain > 0.85:
            one.severity = FAULT
    return found


def states(stores: list[tuple[str, Any, Any]], step: int, severity: Severity) -> list[Finding]:
    """Return the hidden layers of which units are dead or saturated at a step."""
    found: dict[str, Finding] = {}
    for text, value, place in stores:
        if value.ndim != 2 or value.dtype.kind != "f" or min(value.shape) < 1 or value.size < 8:
            continue
        name, share = _state(value)
        if name and name not in found:
            what = (
                "answer 0 to every sample" if name == "dead-relu" else "are within 0.01 of a bound"
            )
            line = f"at step {step}, {share:.0%} of the values of {text} {what}"
            found[name] = Finding(name, severity, line, place[0], text, gain=share)
    return list(found.values())


def explained(found: list[Finding], known: list[Finding], trials: Trials) -> list[Finding]:
    """Name what is unlucky about a start: dead, saturated or silent units, where there are any.

    A step that is too long comes before the units that are dead by it.
    """
    _kills(found, known, trials)
    unlucky = next((one for one in found if one.name in {"unlucky-start", "saturated"}), None)
    if unlucky is None:
        return found
    reason = next((one for one in known if one.name in {"dead-relu", "relu-output"}), None)
    if unlucky.name == "saturated":  # so biases far from 0 are called: a relu is shut by them
        if reason is None:
            return found
        reason.evidence += f"; {unlucky.evidence.partition(',')[0]}"
    elif reason is None:
        reason = next(iter(states(trials.at_first, 1, NOTE)), None)
        if reason is None or reason.gain < MOSTLY:
            return found
        known.append(reason)
    reason.severity, reason.effect, reason.gain = FAULT, unlucky.effect, unlucky.gain
    return [one for one in found if one is not unlucky]


def _kills(found: list[Finding], known: list[Finding], trials: Trials) -> None:
    """Tell the steps that are too long of the units which lived at the start."""
    long = next((one for one in found if one.name in LONG), None)
    if long is None:
        return
    first = {one.parameter for one in states(trials.at_first, 1, NOTE)}
    for one in known:
        if one.name in SPENT and one.parameter not in first:
            long.brings = one.name


def shut(known: list[Finding], last: list[list[Any]] | None) -> bool:
    """Make a fault of a relu at the output, if it is shut in most of what it has to answer."""
    reason = next((one for one in known if one.name == "relu-output"), None)
    if reason is None or last is None:
        return False
    o, y = (np.concatenate([np.ravel(one) for one in some]) for some in last)
    asked = y > 0
    still, many = int(np.sum(asked & (o == 0))), int(np.sum(asked))
    if o.shape != y.shape or still < HALF * many or not many:
        return False
    reason.severity = FAULT
    reason.evidence += f"; at the end it answers 0 where the label is more in {still} of {many}"
    return True


def _state(value: Any) -> tuple[str, float]:
    if not np.isfinite(value).all():
        return "", 0.0
    zero = np.mean(np.all(value == 0, axis=0)), np.mean(np.all(value == 0, axis=1))
    masks = np.any(value) and len(np.unique(value)) < 3  # or labels
    if value.min() == 0 and max(zero) >= 0.5 and not masks:
        return "dead-relu", float(max(zero))
    inside = value.min() >= -1 and value.max() <= 1
    if inside and value.min() >= 0:
        flat = float(np.mean((value < 0.01) | (value > 0.99)))
        between = float(np.mean((value > 0) & (value < 1)))
        if flat > 0.7 and between > 0.05 and len(np.unique(value)) > 4:
            return "saturated", flat
    elif inside:
        flat = float(np.mean(np.abs(value) > 0.99))
        if flat > 0.7 and len(np.unique(value)) > 4:
            return "saturated", flat
    return "", 0.0
