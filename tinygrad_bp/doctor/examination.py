"""The whole examination of one script, in this process: `child` runs it in one of its own."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import FrameType
from typing import Any

import numpy as np

from tinygrad_bp.doctor.checks import (
    alike,
    averaging,
    courses,
    crashes,
    invariants,
    linear,
    loops,
    numerics,
    ranges,
    recorded_passes,
    recorded_runs,
    reports,
    state,
    tapes,
)
from tinygrad_bp.doctor.checks.leftovers import left_over
from tinygrad_bp.doctor.checks.unlearned import nothing_learns
from tinygrad_bp.doctor.findings.diagnosis import FAULT, NOTE, Diagnosis, Finding, Undecided
from tinygrad_bp.doctor.learning.judgement import Verdict
from tinygrad_bp.doctor.learning.losses import CRITERION, WEIGHTED
from tinygrad_bp.doctor.learning.outcome import Outcome
from tinygrad_bp.doctor.learning.roles import Roles, find_roles
from tinygrad_bp.doctor.learning.survey import Candidate, Survey, survey
from tinygrad_bp.doctor.slips import answers, softmax, verdicts, views
from tinygrad_bp.doctor.slips.repairs import Workshop
from tinygrad_bp.doctor.treatments import (
    fits,
    flat,
    layers,
    remedies,
    shifts,
    shuffles,
    treatments,
    units,
)
from tinygrad_bp.doctor.treatments.recorded_trials import RecordedTrials
from tinygrad_bp.doctor.treatments.signs import Signs, signs_of
from tinygrad_bp.doctor.treatments.trials import Treatment, Trials
from tinygrad_bp.doctor.watched.clock import collecting_its_own, now
from tinygrad_bp.doctor.watched.recorder import Recorder
from tinygrad_bp.doctor.watched.replay import Replay
from tinygrad_bp.doctor.watched.rewriting import Place, Script, parsed
from tinygrad_bp.doctor.watched.running import at_one_head, line_of, run
from tinygrad_bp.doctor.watched.slots import Path as Slot
from tinygrad_bp.errors import TinygradError


@dataclass
class Examined:
    """Everything that one examination found out."""

    script: Script
    diagnosis: Diagnosis
    verdict: Verdict = field(default_factory=Verdict)
    trials: Trials | None = None
    chosen: list[Treatment] = field(default_factory=list)
    written: dict[str, dict[int, Any]] = field(default_factory=dict)  # treatments as edits


def examine(text: str, path: str, seconds: float = 20.0) -> Examined:
    """Examine a script.

    Parameters
    ----------
    text, path : str
        The script, and the name under which it runs.
    seconds : float
        The time for everything, by `clock`; what there is no time for is left undecided.
    """
    began = now()
    try:
        script = parsed(text, path)
    except (SyntaxError, ValueError) as error:
        answer = Diagnosis(
            undecided=[Undecided("script", f"it is no Python: {error}")], broken=True
        )
        return Examined(Script(text, path, None), answer)  # type: ignore[arg-type]  # it has no tree
    examined = Examined(script, Diagnosis())
    with collecting_its_own():
        _Examination(examined, Recorder(), began + seconds).run()
    for finding in examined.diagnosis.findings:
        _placed(script, finding)
    numerics.brought(examined.diagnosis.findings)
    examined.diagnosis.seconds = now() - began
    examined.diagnosis.sort()
    return examined


def _placed(script: Script, finding: Finding) -> None:
    """Give a finding in another file its line there."""
    file = script.file_at(finding.line or 0)
    if finding.line and file.before:
        finding.file, finding.line = script.name_of(file), finding.line - file.before


class _Examination:
    """The steps of an examination, each of which adds to the diagnosis."""

    def __init__(self, examined: Examined, recorder: Recorder, until: float) -> None:
        self.examined, self.recorder, self.until = examined, recorder, until
        self.script, self.diagnosis = examined.script, examined.diagnosis
        self.roles: Roles | None = None
        self.before: dict[Slot, Any] = {}
        self.failure: BaseException | None = None
        self.summed = False
        self.samples = 1
        self.flat: Any = np.zeros(0)
        self.anchored, self.linear = "", False
        self.cuts: dict[str, tuple[int, str, str]] = {}

    def run(self) -> None:
        """Examine; where that decides nothing, say what was cut off in arrays of integers."""
        self._run()
        found = self.diagnosis.findings
        if self.diagnosis.undecided and all(one.severity == NOTE for one in found):
            found += invariants.cut_off(self.script, self.cuts)

    def _run(self) -> None:
        """Survey, look closely at one iteration, follow whole runs."""
        if recorded_runs.uses_package(self.script) and self._recorded():
            return
        self.diagnosis.findings += tapes.findings(self.script, self.recorder, 2.0)
        if self.diagnosis.findings:
            self.diagnosis.watched = "watched: the script's own numbers, which derive themselves"
            return
        looked = survey(self.script, self.recorder, min(12.0, self._left() / 2))
        self.diagnosis.findings += numerics.literals(self.script)
        self.cuts = self.recorder.cuts
        best = looked.best()
        if best is None:
            nothing_learns(self.script, looked, self.diagnosis)
            return
        self.diagnosis.watched = f"watched: the loop at {self.script.at(best.loop.place[0])}"
        ran = run(
            self.script, self.recorder, seconds=self._left(),
            prepare=at_one_head(best.loop.place, best.at, lambda f: self._iteration(best, f)),
        )  # fmt: skip
        if self.failure is None and ran.error is not None:
            self.failure = ran.error
            line = line_of(ran.error, self.script.path)
            text = f"the examination of the loop ended in {type(ran.error).__name__}: {ran.error}"
            self.diagnosis.undecided.append(Undecided("loop", f"{text} ({self.script.at(line)})"))
            return
        if self.roles is not None and self.roles.base.error is None and self.examined.verdict.form:
            try:
                self._whole_runs(best, looked)
            except Exception as error:  # noqa: BLE001  # what one iteration showed stays
                reason = f"following the whole run ended in {crashes.said(error)}"
                self.diagnosis.undecided.append(Undecided("scale and start", reason))

    def _recorded(self) -> bool:
        """Judge a script by its backward passes; False where it makes none."""
        kept, ran = recorded_passes.watched(self.script, self.recorder, self._left() / 2)
        if not kept.passes:
            if isinstance(ran.error, TinygradError) and crashes.kind_of(ran.error) != "crashed":
                nothing_learns(self.script, Survey(ran, [], 1), self.diagnosis)
                return True
            return False
        self.diagnosis.watched = f"watched: {len(kept.losses)} backward passes"
        self.diagnosis.findings += recorded_runs.findings(kept, self.script)
        self.diagnosis.findings += numerics.literals(self.script)
        crashes.crashed_later(self.script, ran, self.diagnosis.findings)
        if ran.error is None:
            RecordedTrials(self.script, self.recorder, kept, ran, self.until).add(self.diagnosis)
        return True

    def _left(self) -> float:
        return max(self.until - now(), 0.5)

    # ---- one iteration

    def _iteration(self, best: Candidate, frame: FrameType) -> None:
        replay = Replay(self.script, best.loop, self.recorder, frame)
        self.before = replay.before
        roles = find_roles(replay)
        if roles is None:
            return
        if roles.base.stopped and roles.turn is None:
            reason = "one iteration makes too many comparisons to be repeated"
            self.diagnosis.undecided.append(Undecided("gradient", reason))
            return
        self.roles = roles
        shares = softmax.uneven(replay, roles) if roles.base.error is None else None
        if shares is None:
            self._judged(replay, roles, Verdict())
            return
        finding, edit, where = shares
        with Workshop(replay, roles).kept(edit, where):
            self._judged(replay, roles, Verdict(findings=[finding], edits={finding.name: edit}))

    def _judged(self, replay: Replay, roles: Roles, verdict: Verdict) -> None:
        """Compare the steps of an iteration with the gradient, and say what else it shows."""
        mended = {*verdict.edits}
        verdict = verdicts.measured(replay, roles, self._left() / 4, verdict)
        self.examined.verdict = verdict
        pair = verdict.form[0] if verdict.form else (roles.pairs[0] if roles.pairs else None)
        self.flat = invariants.reached(replay, roles, verdict.points, pair)
        found = invariants.broken(replay, roles, self.flat, pair)
        found = [one for one in found if one.name not in mended]
        if roles.base.error is None:
            found += alike.alike(replay, roles)
            found += [*state.carried(replay, roles), *state.aliased(replay, roles)]
            verdict.findings += views.written_through(replay, roles, verdict) if roles.pairs else []
        if pair is not None and not pair.own:
            found += reports.misreported(replay, verdict.points, roles, pair)
        if roles.base.error is None and pair is not None and not pair.own:
            found += answers.widened(replay, roles, pair)
        broken = {one.name for one in found if one.severity == FAULT}
        if not broken & {"label-broadcast", "integer-array", "m-is-shape"}:
            verdicts.judged(replay, roles, verdict, self._left() / 5)
        if roles.base.error is not None:
            crashes.crash(replay, roles, roles.base.error, verdict)
        if verdict.form is not None and verdict.right:
            found += reports.other_rule(self.script, verdict.points, roles, verdict.form)
        self.diagnosis.findings += found + verdict.findings
        self.diagnosis.undecided += verdict.undecided
        if verdict.form is not None and not verdict.form[0].own:
            self.samples, self.summed = averaging.summed(replay, roles, verdict.form[0])
        if roles.base.error is None and pair is not None and not pair.own:
            self.anchored = invariants.anchored(replay, roles, pair)
            self.linear = linear.unbroken(replay, roles, pair)

    # ---- whole runs

    def _whole_runs(self, best: Candidate, looked: Survey) -> None:
        verdict, roles = self.examined.verdict, self.roles
        assert verdict.form is not None  # noqa: S101  # the caller has asked
        assert roles is not None  # noqa: S101
        place = self._epoch(best, looked)
        trials = Trials(
            self.script, self.recorder, best.loop, place, verdict.form[0], roles, self.samples,
            seconds=min(15.0, self._left() / 2),
            weights=roles.weights.get(verdict.form[1].rpartition(WEIGHTED)[2]),
        )  # fmt: skip
        self.examined.trials = trials
        base = first = trials.measure_rates()
        self._seen_in(base, best)
        kept = roles.parameters, roles.changed
        spoilt = numerics.out_of_range(self.script, base, *kept)
        spoilt = [one for one in spoilt if one.name not in verdict.edits]
        self.diagnosis.findings += spoilt
        last = trials.follower.last if trials.follower is not None else None
        if base.labels is not None and base.epochs and last is not None:
            line = verdict.form[0].place[0]
            found = self.diagnosis.findings
            self.diagnosis.findings = ranges.labels(found, self.flat, last[1], base.labels, line)
        self.diagnosis.findings += trials.noted()
        self._evaluated(trials, base)
        if verdict.form[0].own:
            self.diagnosis.undecided.append(
                Undecided("course", "the run was not followed: output and label do not meet in it")
            )
            return
        self._mended(trials, verdict, base)
        base = self._base
        after = numerics.out_of_range(self.script, base, *kept)
        if shifts.shifted(trials, spoilt, after, verdict.edits):
            self._mended(trials, verdict, first)
            base = self._base
            after = numerics.out_of_range(self.script, base, *kept)
        if base is not first:
            others = [one for one in spoilt if one.name not in verdict.edits]
            self.diagnosis.findings += numerics.compared(others, after)
        self.diagnosis.findings += units.hidden(trials, base, verdict.points, self.script)
        self.diagnosis.watched += f"; {base.epochs} epochs, at the end {base.final}"
        faults = [one.name for one in self.diagnosis.findings if one.severity == FAULT]
        fitted = [] if faults else fits.findings(trials, base, min(2.0, self._left() / 4))
        self.diagnosis.findings += fitted
        if not fitted:
            self._scale_and_start(trials, base, verdict)
        if base.is_open:
            verdicts.held_back(roles, self.diagnosis.findings)

    def _seen_in(self, base: Outcome, best: Candidate) -> None:
        """Say what a whole run shows by itself: what is cut off, lost or kept, and how it goes."""
        found = self.diagnosis.findings
        if base.is_open and not any(one.name == "integer-array" for one in found):
            found += invariants.cut_off(self.script, self.recorder.cuts)
        crashes.crashed_later(self.script, base.ran, found)
        found += invariants.rows_lost(self.script, self.recorder.lost)
        found += courses.kept(base.ran.module)
        turns, single = base.steps // max(base.epochs, 1), self.samples <= 1
        found += loops.nesting(self.script, best.loop, best.around, turns, single)

    def _scale_and_start(self, trials: Trials, base: Outcome, verdict: Verdict) -> None:
        """Look for what else keeps a task undone, once the gradients are mended."""
        faults = [one for one in self.diagnosis.findings if one.severity == FAULT]
        hard = [one for one in faults if one.name in HARD and not self._of_biases(one)]
        signs = signs_of(trials, self.before, self.summed)
        if verdict.form is not None and verdict.form[1] == CRITERION:
            signs.decay = 1.0  # no step is taken where the answer is right
        signs.anchored, signs.faint = self.anchored, verdicts.vanishing(verdict)
        signs.twice = averaging.divided_twice(verdict, self.samples, [*trials.held.values()])
        halfway = not base.is_open and not base.final.is_solved and not hard
        if halfway and base.ran.seconds * 5 < self._left() and self._treated(trials, base, signs):
            return
        if not base.is_open or hard:
            found, learns = self.diagnosis.findings, not base.is_open
            found += treatments.asides(trials, signs, found, learns=learns)
            if self.linear and base.final.is_solved:
                self.diagnosis.findings.append(Finding("no-activation", NOTE, flat.UNBENT))
            if all(one.severity == NOTE for one in self.diagnosis.findings):
                self.diagnosis.findings += treatments.stopped_early(trials, base)
            return
        found = self.diagnosis.findings
        if any(o.severity == FAULT and o.name in UNMENDED and not o.patch for o in found):
            found += treatments.shortened(trials, base, min(4.0, self._left() / 2))
            reason = "a gradient is wrong and not mended: what helps beside it would only hide it"
            self.diagnosis.undecided.append(Undecided("scale and start", reason))
            return
        if base.ran.seconds * FEWEST > self._left():
            reason = f"one run takes {base.ran.seconds:.0f} s: no treatment could be tried"
            self.diagnosis.undecided.append(Undecided("scale and start", reason))
            return
        self._treated(trials, base, signs)

    def _of_biases(self, found: Finding) -> bool:
        """Tell whether what never moves are biases alone: weights that move learn without them."""
        stuck = self.roles.stuck if self.roles is not None and self.roles.parameters else []
        shapes = [np.shape(self.before[path]) for path in stuck]
        return found.name == "not-updated" and all(sorted((1, 1, *one))[-2] == 1 for one in shapes)

    def _evaluated(self, trials: Trials, base: Outcome) -> None:
        if trials.evaluations is not None and trials.follower is not None:
            many = sum(int(np.size(self.before[path])) for path in trials.roles.parameters)
            self.diagnosis.findings += trials.evaluations.findings(
                self.script, base, trials.follower.last, many
            )
            names = {str(path[1]) for path in trials.roles.parameters}
            epoch = self.script.loops[trials.epoch]
            self.diagnosis.findings += left_over(self.script, epoch, trials.loop, names)

    def _treated(self, trials: Trials, base: Outcome, signs: Signs) -> bool:
        """Try treatments; True where one of them is a finding."""
        last = trials.follower.last if trials.follower is not None else None
        time = min(5.0, self._left() * 0.8)
        found, undecided, chosen = treatments.treat(trials, base, signs, time)
        self.examined.chosen = chosen
        if undecided and units.shut(self.diagnosis.findings, last):
            undecided = []
        other = None
        if self.linear and (undecided or not found):
            other = flat.without_functions(trials, self.before, base)
        if undecided and other is None:
            until = now() + min(2.0, self._left() / 2)
            other = shuffles.shuffled_alone(trials, base, until)
            other = other or layers.too_narrow(trials, self.before, base, until)
            other = other or flat.without_bias(trials, base)
            other = other or flat.without_hidden_layer(trials, self.before, base)
            other = other or fits.diverging(trials, base, self.examined.verdict, 1.0)
            other = other or fits.skewed(trials, base, self.examined.verdict, 1.0)
        if other is not None:
            found, undecided = [*found, other[0]], []
            self.examined.verdict.edits[other[0].name] = other[1]
        known = [one for one in self.diagnosis.findings if one.severity == FAULT]
        signs_of_it = [one.name for one in known if one.name == "dead-relu" or self._of_biases(one)]
        found = units.explained(found, self.diagnosis.findings, trials)
        for one in found if signs_of_it else ():
            one.brings = signs_of_it[0] if one.severity == FAULT else None
        self.diagnosis.findings += found
        self.examined.written |= remedies.written(trials, base, found, chosen, self.before)
        self.diagnosis.undecided += undecided
        return bool(found)

    def _mended(self, trials: Trials, verdict: Verdict, base: Outcome) -> None:
        """Run the script with its gradients mended, and say what that did."""
        self._base = base
        if not verdict.edits:
            return
        trials.replaced = {k: v for edits in verdict.edits.values() for k, v in edits.items()}
        mended = trials.measure_rates()
        for one in self.diagnosis.findings:
            if one.patch and (one in verdict.findings or one.name in verdict.edits):
                one.effect = f"{base.final} as it is; {mended.final} with the gradients mended"
                one.gain = mended.final.merit - base.final.merit
        self._base = mended

    def _epoch(self, best: Candidate, looked: Survey) -> Place:
        known = [one.loop.place for one in looked.candidates]
        return next((place for place in best.around if place in known), best.loop.place)


FEWEST = 2.5  # runs that there has to be time for, to try a treatment
UNMENDED = {"wrong-gradient", "gradient-shape"}
HARD = {"label-broadcast", "elementwise-for-matmul", "constant-labels", "softmax-axis",
        "double-sigmoid", "labels-not-01", "target-out-of-range", "symmetric-init", "not-updated",
        "integer-array", "relu-output", "parameter-has-batch-shape", "never-reset",
        "shuffled-without-labels", "sample-to-the-end", "loop-variable-reused"}  # fmt: skip
