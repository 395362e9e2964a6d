"""The script with its findings mended: each alone, all together, on several seeds."""

from __future__ import annotations

from typing import Any

from tinygrad_bp.doctor.examination import Examined
from tinygrad_bp.doctor.findings.diagnosis import Diagnosis, Finding, Trial
from tinygrad_bp.doctor.learning.outcome import Outcome
from tinygrad_bp.doctor.treatments.trials import Treatment, Trials


def mended(examined: Examined, seeds: int) -> None:
    """Add the table of measured effects to a diagnosis, and order its findings by them."""
    trials = examined.trials
    remedies = _remedies(examined)
    if trials is None or not remedies:
        return
    diagnosis = examined.diagnosis
    base = _row(diagnosis, trials, "nothing", {}, (), seeds)
    everything: dict[int, Any] = {}
    treatments: list[Treatment] = []
    for edits, some in remedies.values():
        everything.update(edits)
        treatments += some
    for name, (edits, some) in remedies.items():
        _row(diagnosis, trials, f"{name} alone", edits, tuple(some), seeds)
    best = _row(diagnosis, trials, "all together", everything, tuple(treatments), seeds)
    if len(remedies) < 2:
        _settle(diagnosis, next(iter(remedies)), best - base)
        return
    for name, (edits, some) in remedies.items():
        rest = {key: new for key, new in everything.items() if key not in edits}
        others = tuple(one for one in treatments if one not in some)
        without = _row(diagnosis, trials, f"all but {name}", rest, others, seeds)
        _settle(diagnosis, name, best - without)


def _remedies(examined: Examined) -> dict[str, tuple[dict[int, Any], list[Treatment]]]:
    found: dict[str, tuple[dict[int, Any], list[Treatment]]] = {}
    for name, edits in examined.verdict.edits.items():
        found[name] = (edits, [])
    for one in examined.chosen:
        written = examined.written.get(one.name)
        found[one.name] = (written, []) if written else ({}, [one])
    return found


def _row(
    diagnosis: Diagnosis,
    trials: Trials,
    name: str,
    edits: dict[int, Any],
    treatments: tuple[Treatment, ...],
    seeds: int,
) -> float:
    """Run on every seed, add a row, and return the mean merit."""
    outcomes: list[Outcome] = [
        trials.run(treatments, seed=seed, replaced=edits) for seed in range(seeds)
    ]
    solved = sum(one.final.is_solved for one in outcomes)
    diagnosis.trials.append(Trial(name, [str(one.final) for one in outcomes], solved))
    return sum(max(one.final.merit, -1.0) for one in outcomes) / len(outcomes)


def _settle(diagnosis: Diagnosis, name: str, gain: float) -> None:
    def concerns(one: Finding) -> bool:
        return one.name == name

    for one in filter(concerns, diagnosis.findings):
        one.gain = gain
    diagnosis.sort()
