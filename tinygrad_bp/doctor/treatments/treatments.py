"""Scale, start and rate: named only where a task stays undone, and a treatment does it.

An improvement is no evidence: healthy runs improve too.  A treatment that makes an open task a
solved one is, and of those that do it the one comes first for which the script itself shows a
reason.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tinygrad_bp.doctor.findings.diagnosis import FAULT, NOTE, Finding, Undecided
from tinygrad_bp.doctor.learning.outcome import Outcome
from tinygrad_bp.doctor.treatments.signs import Signs
from tinygrad_bp.doctor.treatments.trials import Treatment, Trials, longer, of_rate
from tinygrad_bp.doctor.watched.clock import now
from tinygrad_bp.doctor.watched.slots import shown

LONG = (5, 25, 100)  # times the epochs
LONGEST = 2.0  # seconds of a run with more of them
DECAYED = 8.0  # a rate that falls to less than an eighth has decayed
MUCH, EXTREME = 50.0, 1000.0  # by which it has decayed to be noted, and to be a cause
MANY = 20  # samples that are not averaged
FAR = 20.0  # mean or standard deviation of inputs, or of weights to the usual, that saturates
OVERFLOWN = {"saturated", "exp-overflow", "softmax-shift", "log-zero"}  # by large inputs
RISING = 0.97  # share of what was missing that is left after two fifths more of the epochs
TABLE_ROWS, WHOLE, HALF = 16, 0.9, 0.6  # samples of a truth table; merit of one done, and not
SHORTER, LOST = (0.1, 0.01, 0.001), -0.99  # steps, and the score of a run that ran away
FACTORS = (10.0, 0.1, 100.0, 0.01, 1000.0, 0.001)
FURTHER = (1e4, 1e5, 1e6)  # where the largest of these is too small still


@dataclass
class Plan:
    """The trials that were made, with what came of them."""

    trials: Trials
    base: Outcome
    until: float
    tried: dict[tuple[Treatment, ...], Outcome] = field(default_factory=dict)
    labels: list[Any] = field(default_factory=list)  # of one epoch

    def run(self, *treatments: Treatment) -> Outcome | None:
        """Return how a run with these treatments ends; None when the time is up."""
        if treatments not in self.tried:
            if now() > self.until:
                return None
            self.tried[treatments] = self.trials.run(treatments)
        return self.tried[treatments]

    def affords(self, many: int) -> bool:
        """Tell whether there is time for so many times the epochs, by the faster of two runs.

        One measurement alone may hold a pause that is not the script's.
        """
        once = self.base.ran.seconds
        if many * once >= LONGEST and once < LONGEST:
            again = self.run()
            once = min(once, again.ran.seconds) if again is not None else once
        return many * once < LONGEST

    def solves(self, *treatments: Treatment) -> bool:
        """Tell whether these treatments make the open task a solved one."""
        outcome = self.run(*treatments)
        return outcome is not None and self.is_solved(outcome)

    def is_solved(self, outcome: Outcome) -> bool:
        """Tell whether a run solved what the untreated one did not."""
        best, base = outcome.final, self.base.final
        return best.is_solved and best.merit > base.merit + (0.3 if base.is_open else 0.15)


def treatments_of(found: Signs) -> list[Treatment]:
    """Return the treatments that the signs ask for, the likeliest cause first."""
    listed = []
    if found.decay > DECAYED:
        listed.append(Treatment("rate-decays", "a constant rate", steady=True))
    scaled = [Treatment("unscaled-inputs", "standardised inputs", inputs=True)]
    text = "inputs and labels shifted to mean 0"
    centred = [Treatment("no-bias", text, inputs=True, centred=True)]
    scaled, centred = scaled if found.inputs else [], centred if found.anchored else []
    is_far = found.size > FAR  # else it may be the shift alone that helps
    listed += [*scaled, *centred] if is_far else [*centred, *scaled]
    if found.starts:
        listed.append(
            Treatment(found.starts[0][0], "weights from Glorot's distribution", start=True)
        )
    if found.faint:
        listed.append(Treatment("vanishing", "weights 4 times Glorot's", start=True, spread=4.0))
    if found.summed and found.samples > 1:
        scale = 1 / found.samples
        listed.append(
            Treatment("not-averaged", f"gradients divided by {found.samples}", scale=scale)
        )
    return listed


def _steps(found: Signs, factors: tuple[float, ...] = FACTORS) -> list[Treatment]:
    """Return other rates; a step that is too long and a sum of many gradients is one thing."""
    long = "not-averaged" if found.summed and found.samples > MANY else "step-too-large"
    return [of_rate(factor, long) for factor in factors]


def treat(
    trials: Trials, base: Outcome, found: Signs, seconds: float
) -> tuple[list[Finding], list[Undecided], list[Treatment]]:
    """Look for treatments that solve what the script leaves open.

    Returns
    -------
    findings, undecided, treatments
        The last are what solves it together.
    """
    last = trials.follower.last if trials.follower is not None else None
    plan = Plan(trials, base, now() + seconds, labels=[*last[1]] if last is not None else [])
    reasons = treatments_of(found)
    if not base.is_open:  # half learned: only what the script itself shows, and by far
        sure = [one for one in reasons if _is_extreme(one, found) and plan.solves(one)][:1]
        made = [_finding(plan, one, (one,), found, FAULT) for one in sure]
        made = made or _half(plan, found, reasons)
        kinds = {float(value) for one in plan.labels for value in np.ravel(one)}
        left = not made and _is_table(plan) and len(kinds) == 2 and base.final.merit < HALF
        reason = "of a table of a few rows a part is left, and no other start or more epochs do it"
        return made, [Undecided("scale and start", reason)] if left else [], sure
    steps = _steps(found)
    proven: list[tuple[Treatment, ...]] = [(one,) for one in reasons if plan.solves(one)]
    if not proven and base.final.score <= LOST:
        proven = next(([(one,)] for one in _steps(found, SHORTER) if plan.solves(one)), [])
    if not proven:
        proven = _together(plan, reasons, steps)
    if not proven:
        proven = next(([(one,)] for one in steps if plan.solves(one)), [])
    if not proven:
        proven = _further(plan, found)
    if not proven and longer(trials.script, trials.epoch, LONG[0]):
        more = [Treatment("too-few-steps", f"{many} times as many epochs", longer=many)
                for many in LONG if plan.affords(many)]  # fmt: skip
        proven = next(([(one,)] for one in more if plan.solves(one)), [])
    if not proven and not any(one.start for one in reasons):
        proven = _elsewhere(plan, steps)
    if not proven:
        reason = "the task stays undone, and no other rate, start or scale of the inputs does it"
        if now() > plan.until:
            reason = "the task stays undone; there was no time to try every treatment"
        noted = [Finding("vanishing", NOTE, found.faint)] if found.faint else []
        return noted, [Undecided("scale and start", reason)], []
    chosen = _needed(plan, proven[0])
    names = {one.name for one in reasons}
    asked = any(one.name in names for one in chosen)  # a rate beside what is asked for goes along
    findings = [
        _finding(plan, one, chosen, found, FAULT if one.name in names or not asked else NOTE)
        for one in chosen
    ]
    if found.size > FAR:
        _put_first("unscaled-inputs", findings, chosen)
    also = [other for other in proven[1:] if len(other) == 1 and other[0] not in chosen]
    findings += [_finding(plan, other[0], other, found, NOTE) for other in also]
    if not any(other[0].start for other in also):
        findings += _more_starts(found, chosen)
    return findings, [], list(chosen)


def _put_first(name: str, findings: list[Finding], chosen: Sequence[Treatment]) -> None:
    """Rank what saturates any start before the starts that help beside it."""
    starts = [finding.gain for finding, one in zip(findings, chosen, strict=True) if one.start]
    for finding in (one for one in findings if one.name == name and starts):
        finding.gain = max(finding.gain, max(starts) + 0.1)


def _half(plan: Plan, found: Signs, reasons: list[Treatment]) -> list[Finding]:
    """Name what would finish a task that is half done: mostly a note, for it may be a choice.

    A truth table half right is none, nor is a rate or a start with which little more than half is
    learned and without which all of it is.
    """
    end = plan.base.final
    few, listed = _is_table(plan), [*reasons]
    if few:
        listed.append(Treatment("unlucky-start", "another start", start=True))
    if end.merit < HALF:
        listed += _steps(found, (0.1, 0.01))
    if longer(plan.trials.script, plan.trials.epoch, LONG[0]):
        text = f"{LONG[0]} times as many epochs"
        listed.append(Treatment("too-few-steps", text, longer=LONG[0]))
    for one in listed:
        outcome = plan.run(one)
        if outcome is not None and plan.is_solved(outcome):
            done = outcome.final.merit > WHOLE and end.merit < HALF
            meant = few or one.name in {"step-too-large", "init-too-large", "no-bias"}
            return [_finding(plan, one, (one,), found, FAULT if done and meant else NOTE)]
    return []


def _is_table(plan: Plan) -> bool:
    """Tell whether an epoch has so few samples that nothing in them is noise."""
    return sum(max(np.shape(one), default=1) for one in plan.labels) <= TABLE_ROWS


def stopped_early(trials: Trials, base: Outcome) -> list[Finding]:
    """Note that a run which has learned well is ended long before it has learned all it can.

    The curve has to rise still, and a longer run to leave a small part of what is missing.
    """
    end, curve = base.final, base.curve
    missing = 1 - end.merit
    before = next((1 - one.merit for epoch, one in curve if epoch >= base.epochs * 0.6), 0.0)
    if end.merit >= WHOLE or len(curve) < 4 or missing > RISING * before:
        return []
    plan = Plan(trials, base, now() + LONGEST)
    for many in LONG[:2] if longer(trials.script, trials.epoch, 1) else ():
        more = Treatment("too-few-steps", f"{many} times as many epochs", longer=many)
        outcome = plan.run(more) if plan.affords(many) else None
        if outcome is not None and 1 - outcome.final.merit < missing / 3:
            return [_finding(plan, more, (more,), Signs(), NOTE)]
    return []


def _is_extreme(one: Treatment, found: Signs) -> bool:
    """Tell whether what a treatment is for is far beyond what any working script has."""
    return {
        "rate-decays": found.decay > EXTREME,
        "unscaled-inputs": found.size > FAR,
        "init-too-large": found.wildest > FAR,
        "not-averaged": found.samples > MANY,
    }.get(one.name, False)


def _together(
    plan: Plan, reasons: list[Treatment], steps: list[Treatment]
) -> list[tuple[Treatment, ...]]:
    """Try what there is a reason for together, and with other rates."""
    if not reasons:
        return []
    whole = tuple(reasons)
    if len(whole) > 1 and plan.solves(*whole):
        return [whole]
    for step in steps[:5]:
        for some in dict.fromkeys([(one,) for one in reasons] + [whole]):
            if any(one.name == "not-averaged" for one in some):
                continue  # it is a rate itself
            if plan.solves(*some, step):
                return [(*some, step)]
    return []


def _further(plan: Plan, found: Signs) -> list[tuple[Treatment, ...]]:
    """Try still longer steps where each that was tried came further, and none came far."""
    ends = [plan.run(one) for one in _steps(found, (10.0, 100.0, 1000.0))]
    scores = [plan.base.final.score, *(one.final.score for one in ends if one is not None)]
    if len(scores) <= len(ends) or scores != sorted(scores) or scores[0] == scores[-1]:
        return []
    return next(([(one,)] for one in _steps(found, FURTHER) if plan.solves(one)), [])


def _elsewhere(plan: Plan, steps: list[Treatment]) -> list[tuple[Treatment, ...]]:
    """Try another start, alone and with other rates: this one may be unlucky."""
    other = Treatment("unlucky-start", "another start", start=True)
    if plan.solves(other):
        return [(other,)]
    return next(([(other, one)] for one in steps[:2] if plan.solves(other, one)), [])


def _needed(plan: Plan, chosen: tuple[Treatment, ...]) -> tuple[Treatment, ...]:
    """Leave out what is not needed for the solution."""
    for one in reversed(chosen):
        rest = tuple(other for other in chosen if other is not one)
        if rest and plan.solves(*rest):
            chosen = rest
    return chosen


def _finding(
    plan: Plan, one: Treatment, chosen: tuple[Treatment, ...], found: Signs, severity: Any
) -> Finding:
    outcome = plan.run(*chosen)
    assert outcome is not None  # noqa: S101  # it was run before
    rest = tuple(other for other in chosen if other is not one)
    without = plan.run(*rest) if rest else plan.base
    effect = (
        f"{plan.base.final} as it is; {outcome.final} with {' and '.join(o.text for o in chosen)}"
    )
    if rest and without is not None:
        effect += f"; {without.final} with these but not {one.text}"
    gain = outcome.final.merit - (without.final.merit if without is not None else 0)
    parameter = None
    if one.start and found.starts:
        parameter = ", ".join(shown(path) for _, path, _ in found.starts)
    return Finding(one.name, severity, _evidence(plan, one, found), parameter=parameter,
                   effect=effect, gain=gain)  # fmt: skip


def _evidence(plan: Plan, one: Treatment, found: Signs) -> str:
    if one.steady:
        return _decay(plan.trials)
    if one.inputs:
        return found.anchored if one.name == "no-bias" else found.inputs
    if one.name == "not-averaged":
        return _sum_of(found)
    if one.name == "vanishing":
        return found.faint
    if one.start and found.starts:
        return "; ".join(f"{shown(path)}: {text}" for _, path, text in found.starts[:3])
    if one.name == "step-too-large":
        end = plan.base.final
        return f"the run ends with {end}, and {one.text} do what these do not"
    if one.name == "too-few-steps":
        return f"the loss still falls at epoch {plan.base.epochs}"
    return f"the run ends with {plan.base.final} after {plan.base.epochs} epochs"


def asides(trials: Trials, found: Signs, known: list[Finding], *, learns: bool) -> list[Finding]:
    """Note what stands out about rate, start and inputs in a run that does not hang on it."""
    decays = [Finding("rate-decays", NOTE, _decay(trials))] if found.decay > MUCH else []
    if all(one.severity == NOTE for one in known):
        noted = [Finding("step-too-small", NOTE, found.twice)] if found.twice else decays
        spoilt = [one.name for one in known if one.name in OVERFLOWN]
        if found.size > FAR and spoilt:
            noted.append(Finding("unscaled-inputs", NOTE, found.inputs, brings=spoilt[0]))
        return noted
    noted = [*_more_starts(found, ()), *decays]
    if found.summed and found.samples > 1:
        noted.append(Finding("not-averaged", NOTE, _sum_of(found)))
    for one in noted if learns else ():
        one.effect = "none in this run: it learns with what is mended above"
    return noted


def shortened(trials: Trials, base: Outcome, seconds: float) -> list[Finding]:
    """Say where shorter steps do a task that ends in no numbers, whatever else is wrong."""
    plan = Plan(trials, base, now() + seconds)
    for one in _steps(Signs(), SHORTER) if base.final.score <= LOST else ():
        if plan.solves(one):
            return [_finding(plan, one, (one,), Signs(), FAULT)]
    return []


def _sum_of(found: Signs) -> str:
    many = f"{found.samples} samples"
    return f"each step is the sum of the gradients of {many}, not divided by their number"


def _decay(trials: Trials) -> str:
    step, rate = trials.rates[-1]
    return (
        f"at step {step} a step is {1 / max(rate, 1e-12):.3g} times shorter than the first,"
        " from the same weights"
    )


def _more_starts(found: Signs, chosen: tuple[Treatment, ...]) -> list[Finding]:
    """Note a start that is out of the ordinary and was not what decides."""
    if not found.starts or any(one.start for one in chosen):
        return []
    name, _, _ = found.starts[0]
    parameter = ", ".join(shown(path) for _, path, _ in found.starts)
    text = "; ".join(f"{shown(path)}: {text}" for _, path, text in found.starts[:3])
    return [Finding(name, NOTE, text + ". Mending it alone does not decide this run",
                    parameter=parameter)]  # fmt: skip
