"""What the best weights of a linear model do, against what the run came to."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_bp.doctor.findings.diagnosis import FAULT, NOTE, Finding, Severity
from tinygrad_bp.doctor.learning import gradients
from tinygrad_bp.doctor.learning.judgement import Verdict
from tinygrad_bp.doctor.learning.linear import Linear, least_squares, linear
from tinygrad_bp.doctor.learning.outcome import Outcome
from tinygrad_bp.doctor.treatments.trials import Trials
from tinygrad_bp.doctor.watched.rewriting import HALF
from tinygrad_bp.doctor.watched.slots import shown

LESS = 0.8  # of the squared error that the best weights leave, if a bias leaves no more
MET = 0.99  # of the variance: nothing is missing
CERTAIN = 30.0  # of an F-test, by which one more number is no accident
SHARE = 0.05  # of the samples that are on the wrong side without a bias, and not with it
WHOLE = 0.99  # merit of a run in which nothing is missing
TABLE = 16  # rows of a truth table, in which nothing is noise
WORSE = 4.0  # times the least squared error: what is left is to be learned still
SHORT = 0.5  # of the way to the best weights, of a parameter that is left behind
AS_GOOD = 1.5  # times the error that is left if the others are the best beside it
SKEWED = 100.0  # of the curvatures: one rate cannot fit both
NARROW = 10.0  # by which scaled features have to be better


def findings(trials: Trials, base: Outcome, seconds: float) -> list[Finding]:
    """Return what a linear model lacks, or has not come to, by its own best weights."""
    model = linear(trials.script, trials.recorder, trials.loop, trials.roles, trials.pair, seconds)
    if model is None or len(model.rows) < model.features.shape[1] + 1 or not np.ptp(model.labels):
        return []
    found = None if model.has_bias else _no_bias(model, trials, base)
    found = found or _crawls(model, trials, base)
    return [found] if found is not None else []


def _no_bias(model: Linear, trials: Trials, base: Outcome) -> Finding | None:
    table = len(model.rows) <= TABLE and len(np.unique(model.labels)) == 2
    if table and not model.link:
        model = model.distinct()  # however often each was drawn
    (answers, without), (better, with_bias) = model.best(), model.best(bias=True)
    severity: Severity = FAULT
    zero = np.all(model.features == 0, axis=1)
    what = f"a number that is added to each score brings {with_bias}"
    if not model.link:
        spare = len(model.rows) - model.features.shape[1] - 1
        test = (without.error / max(with_bias.error, 1e-12 * without.error) - 1) * spare
        if (
            without.score > MET
            or with_bias.error > LESS * without.error
            or not (table or test > CERTAIN)
        ):
            return None
        text = (
            f"the best weights leave a squared error of {without.error:.3g}, and"
            f" {with_bias.error:.3g} with a number that is added to each answer"
        )
    else:
        y = model.labels == model.labels.max()
        missed, left = (float(_missed(one, y)) for one in (answers, better))
        missed = min(missed, _missed_in_run(trials) * len(y))
        if left > missed / 4 or missed == left or base.final.merit > WHOLE:
            return None
        if missed - left < SHARE * len(y):
            severity = NOTE
        text = (
            f"without a bias {missed:.0f} of {len(y)} samples are on the wrong side at best; {what}"
        )
    if zero.any():
        text += f". Inputs of 0 have the answer {_at_zero(model)} whatever the weights are"
    effect = f"{base.final} as it is; {without} at best without a bias, {with_bias} with one"
    gain = with_bias.merit - base.final.merit
    line = trials.pair.place[0]
    return Finding("no-bias", severity, text, line, effect=effect, gain=gain)


def _missed(answers: Any, y: Any) -> int:
    return int(np.sum(np.abs(answers - y) >= HALF * (1 - 1e-9)))


def _missed_in_run(trials: Trials) -> float:
    """Return the share of the last epoch's answers that are no nearer to their label."""
    last = trials.follower.last if trials.follower is not None else None
    if last is None:
        return 1.0
    o, y = (np.concatenate([np.ravel(one) for one in some]) for some in last)
    low, high = float(y.min()), float(y.max())
    return _missed((o - low) / (high - low), y == high) / len(y) if high > low else 1.0


def _at_zero(model: Linear) -> str:
    return {"sigmoid": "0.5", "threshold": "of one side"}.get(model.link, "0")


def _crawls(model: Linear, trials: Trials, base: Outcome) -> Finding | None:
    """Say which parameter has hardly left its start, while others are where they belong."""
    last = trials.follower.last if trials.follower is not None else None
    if model.link or last is None or base.final.is_open or model.features.shape[1] < 2:
        return None
    outputs = np.concatenate([np.ravel(one) for one in last[0]])
    A, y = model.features, model.labels
    if outputs.shape != y.shape or np.linalg.matrix_rank(A / np.abs(A).max(axis=0)) < A.shape[1]:
        return None
    end = least_squares(A, outputs - model.offset)
    size = float(np.abs(outputs).max())
    if np.abs(A @ end + model.offset - outputs).max() > 1e-6 * size:
        return None  # the weights changed while these answers were given
    best = least_squares(A, y - model.offset)
    away = best - model.start
    gone = (end - model.start) / np.where(np.abs(away) > 1e-9 * np.abs(best).max(), away, np.inf)
    behind = (np.abs(gone) < SHORT) & (np.abs(away) > 1e-9 * np.abs(best).max())
    held = y - model.offset - A[:, behind] @ end[behind]
    beside = least_squares(A[:, ~behind], held) if not behind.all() else np.zeros(0)
    left, least, without = (
        float(np.mean((one - y) ** 2))
        for one in (outputs, A @ best + model.offset, y - held + A[:, ~behind] @ beside)
    )
    if not behind.any() or left < WORSE * least or left > AS_GOOD * without:
        return None
    slow = int(min(np.flatnonzero(behind), key=lambda k: abs(gone[k])))
    raw, scaled = _skew(A), _skew(_standardised(A))
    name = "unscaled-inputs" if raw > SKEWED and scaled < raw / NARROW else "too-few-steps"
    names = [shown(path) for path in model.paths]
    which = names[slow] if len(names) == len(best) else f"number {slow + 1}"
    text = (
        f"least squares has {best[slow]:.4g} for {which}, which goes from"
        f" {model.start[slow]:.4g} to {end[slow]:.4g} in {base.epochs} epochs, while the"
        " others are the best that fits it; the loss is curved"
        f" {raw:.3g} times as much along one direction as along another, and {scaled:.3g} times"
        " with standardised features"
    )
    effect = f"squared error {left:.3g} as it is; {least:.3g} at the best weights"
    exact = least < 1e-6 * float(np.var(y)) or not base.final.is_solved
    return Finding(name, FAULT if exact else NOTE, text, parameter=which, effect=effect, gain=0.0)


def diverging(
    trials: Trials, base: Outcome, verdict: Verdict, seconds: float
) -> tuple[Finding, dict[int, Any]] | None:
    """Say by how much steps are longer than any that lead downhill, from how the loss is curved."""
    form = verdict.form
    if base.final.score > 0 or form is None or form[1] != "squared error":
        return None
    rows = [gradients.judge(one, form, one.base.ended) for one in verdict.points
            if form in one.slopes]  # fmt: skip
    ratios = [one.ratio for row in rows for one in row.values() if one.right and one.ratio]
    model = linear(trials.script, trials.recorder, trials.loop, trials.roles, trials.pair, seconds)
    if model is None or model.link or not ratios:
        return None
    rate = float(np.median(ratios))
    A = model.features
    times, scaled = (_times(rate, one, model.batch) for one in (A, _standardised(A)))
    if not times > 1:
        return None
    text = (
        f"each step is {times:.3g} times as long as the longest that leads downhill, by how the"
        f" squared error is curved along the features; {scaled:.3g} times with standardised ones"
    )
    name = "unscaled-inputs" if scaled < 1 else "step-too-large"
    return Finding(name, FAULT, text, effect=f"{base.final} as it is"), {}


def skewed(
    trials: Trials, base: Outcome, verdict: Verdict, seconds: float
) -> tuple[Finding, dict[int, Any]] | None:
    """Say that no rate fits all features of a linear model that could do the task as it is."""
    if not base.is_open or not verdict.right:
        return None
    model = linear(trials.script, trials.recorder, trials.loop, trials.roles, trials.pair, seconds)
    if model is None or model.link not in {"", "sigmoid"}:
        return None
    if len(model.rows) < model.features.shape[1] + 1 or not np.ptp(model.labels):
        return None
    raw, scaled = _skew(model.features), _skew(_standardised(model.features))
    best = model.best()[1]
    if raw < SKEWED or scaled > raw / NARROW or not best.is_solved:
        return None
    text = (
        f"the best weights leave {best}, and no step comes near them: the loss is curved {raw:.3g}"
        f" times as much along one direction of the features as along another, and {scaled:.3g}"
        " times with standardised ones"
    )
    effect = f"{base.final} as it is; {best} at the best weights"
    return Finding("unscaled-inputs", FAULT, text, effect=effect), {}


def _times(rate: float, A: Any, batch: int) -> float:
    """Return how long a step is to one from which the error grows: at 2 over the curvature."""
    if batch < 2:
        return float(rate * np.max(np.sum(A**2, axis=1)) / 2)
    return float(rate * np.linalg.norm(A[:batch], 2) ** 2 / 2)


def _standardised(A: Any) -> Any:
    deviation = A.std(axis=0)
    varies = deviation > 1e-12 * np.abs(A).max(axis=0)
    return np.where(varies, (A - A.mean(axis=0)) / np.where(varies, deviation, 1), A)


def _skew(A: Any) -> float:
    return float(np.linalg.cond(A) ** 2)
