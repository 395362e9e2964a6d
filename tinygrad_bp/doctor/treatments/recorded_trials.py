"""Scripts that let this package derive their gradients, run anew with something treated.

Where the answers at the end are hardly better than a guess, and no backward pass shows why, other
rates, standardised inputs and more epochs are tried: what makes an open task a solved one is named.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tinygrad_bp import optim
from tinygrad_bp.doctor.checks.recorded import PRODUCTS
from tinygrad_bp.doctor.checks.recorded_passes import watched
from tinygrad_bp.doctor.checks.recorded_runs import Recorded, around
from tinygrad_bp.doctor.findings.diagnosis import (
    FAULT,
    NOTE,
    Diagnosis,
    Finding,
    Severity,
    Undecided,
)
from tinygrad_bp.doctor.learning.outcome import Standing
from tinygrad_bp.doctor.treatments.remedies import number, standardising, times
from tinygrad_bp.doctor.treatments.signs import unscaled
from tinygrad_bp.doctor.treatments.trials import Treatment, longer, of_rate
from tinygrad_bp.doctor.watched import patches
from tinygrad_bp.doctor.watched.clock import now
from tinygrad_bp.doctor.watched.recorder import Recorder
from tinygrad_bp.doctor.watched.rewriting import Place, Script
from tinygrad_bp.doctor.watched.running import Ran
from tinygrad_bp.doctor.watched.substitution import substituted

FACTORS = (10.0, 0.1, 100.0, 0.01, 1e3, 1e4, 1e5)
LONG = (5, 25)
LONGEST = 4.0  # seconds of a run with more epochs
BETTER = 0.3  # merit that a treatment has to add
ASLEEP = {"saturated", "dead-relu"}
COURSE = {"step-too-small", "step-too-large", *ASLEEP}  # how it went, which may have a cause
TASTE = {"relu-output", *ASLEEP}  # no faults where the task is done
LINEAR = {"affine", "matmul", "add", "subtract", "reshape", "transpose", "multiply", "getitem"}


@dataclass
class RecordedTrials:
    """Runs of one such script to their end, each with what is treated."""

    script: Script
    recorder: Recorder
    kept: Recorded
    ran: Ran
    until: float
    tried: dict[tuple[Treatment, ...], Standing | None] = field(default_factory=dict)

    def add(self, diagnosis: Diagnosis) -> None:
        """Add what is found, unless a fault is known that a treatment would only hide."""
        known = [one for one in diagnosis.findings if one.severity == FAULT]
        end = self.kept.end
        if end is not None and end.is_solved:
            for one in known:
                one.severity = NOTE if one.name in TASTE else FAULT
        if any(one.name not in COURSE for one in known):
            return
        asleep = any(one.name in ASLEEP for one in known)
        found, undecided = self._findings(asleep=asleep)
        diagnosis.undecided += [] if known else undecided
        if found:
            for one in known:
                one.severity = NOTE
            names = {one.name for one in found}
            diagnosis.findings[:] = [one for one in diagnosis.findings if one.name not in names]
            diagnosis.findings += found

    def _findings(self, *, asleep: bool) -> tuple[list[Finding], list[Undecided]]:
        """Return what makes an open task a solved one, or that nothing does.

        Where layers are `asleep`, longer steps and more of them would only hide why.
        """
        base = self.kept.end
        if base is None or not base.is_open:
            return [], []
        inputs = self._unscaled()
        for plan in self._plans(asleep=asleep, scales=bool(inputs)):
            end = self._run(plan)
            if end is not None and end.is_solved and end.merit > base.merit + BETTER:
                return [self._finding(one, plan, end, inputs) for one in plan], []
        layers = list(self.kept.recent[-1].layers())
        products = sum(name in PRODUCTS for name in layers)
        if products > 1 and LINEAR.issuperset(layers):
            text = (
                f"{products} layers follow each other with no function between them, so that"
                f" together they are one; at the end {base}"
            )
            return [Finding("no-activation", FAULT, text)], []
        reason = f"the task stays undone ({base}), and no other rate, scale or number of steps does"
        if now() > self.until:
            reason = f"the task stays undone ({base}); there was no time to try every treatment"
        return [], [Undecided("scale and start", reason)]

    def _plans(self, *, asleep: bool, scales: bool) -> Iterator[tuple[Treatment, ...]]:
        """Yield what to try: first what there is a reason for, alone and with other rates."""
        scaled = Treatment("unscaled-inputs", "standardised inputs", inputs=True)
        steps = [of_rate(factor) for factor in FACTORS if factor < 1 or not asleep]
        if not asleep and self._loop() is not None:
            steps += [
                Treatment("too-few-steps", f"{many} times as many epochs", longer=many)
                for many in LONG if many * self.ran.seconds < LONGEST
            ]  # fmt: skip
        if scales:
            yield (scaled,)
            yield from ((scaled, one) for one in steps)
        yield from ((one,) for one in steps)

    def _run(self, plan: tuple[Treatment, ...]) -> Standing | None:
        """Return how a run with these treatments ends; None without an answer, or time."""
        expected = self.ran.seconds * max(one.longer for one in plan)
        if now() + expected > self.until:
            return None
        edits: dict[int, Any] = {}
        scale = 1.0
        for one in plan:
            edits |= self._edits(one)
            scale *= one.scale
        tree = substituted(self.script.tree, edits) if edits else None
        kept, _ = watched(self.script, self.recorder, self.until - now(), scale=scale, tree=tree)
        return kept.end

    def _edits(self, one: Treatment) -> dict[int, Any]:
        """Return the edit of the script that does what a treatment does, or nothing."""
        loop = self._loop()
        if one.longer > 1 and loop is not None:
            return longer(self.script, loop, one.longer)
        if one.inputs:
            edits = (standardising(self.script, name, X, 0) for name, X in self._inputs())
            return next(filter(None, edits), {})
        return {}

    def _finding(
        self, one: Treatment, plan: tuple[Treatment, ...], end: Standing, inputs: str
    ) -> Finding:
        base = self.kept.end
        assert base is not None  # noqa: S101  # the caller has asked
        text = " and ".join(other.text for other in plan)
        told = inputs if one.inputs else f"the run ends with {base}"
        patch = patches.patch_of(self.script, self._edits(one) or self._rate(one))
        severity: Severity = FAULT if one is plan[0] else NOTE
        return Finding(
            one.name, severity, told, patches.first_line(patch), patch=patch or None,
            effect=f"{base} as it is; {end} with {text}", gain=end.merit - base.merit,
        )  # fmt: skip

    def _rate(self, one: Treatment) -> dict[int, Any]:
        """Return the edit of the rate that the optimizer is given, if it is a number there."""
        for call in ast.walk(self.script.tree) if one.scale != 1 else ():
            if not isinstance(call, ast.Call):
                continue
            if ast.unparse(call.func).rsplit(".", maxsplit=1)[-1] not in optim.__all__:
                continue
            given = [key.value for key in call.keywords if key.arg == "lr"] + call.args[1:2]
            if given and number(given[0]) is not None:
                return {id(given[0]): times(given[0], one.scale)}
        return {}

    def _loop(self) -> Place | None:
        """Return the outermost loop over a range that the first backward pass stood in."""
        loops = around(self.kept, self.script)
        long = (place for place in loops if longer(self.script, place, 2))
        return next(long, None)

    def _inputs(self) -> Iterator[tuple[str, Any]]:
        """Yield the arrays of samples at the script's top level, by name."""
        for name, value in self.ran.module.items():
            if isinstance(value, np.ndarray) and value.ndim == 2 and value.dtype.kind in "iuf":
                least, most = value.min(initial=np.inf), value.max(initial=-np.inf)
                if any(value.shape[1] == one.shape[1] and least <= one.min() and one.max() <= most
                       for one in self.kept.inputs):  # fmt: skip
                    yield name, value

    def _unscaled(self) -> str:
        for name, X in self._inputs():
            found = unscaled(name, np.asarray(X, float), axis=0)
            if found is not None:
                return found[0]
        return ""
