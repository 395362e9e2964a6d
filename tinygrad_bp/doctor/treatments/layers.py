"""Layers of another width, or with another activation: edits, and whole runs that prove them."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from itertools import combinations
from types import FrameType
from typing import Any

import numpy as np

from tinygrad_bp.doctor.findings.diagnosis import FAULT, NOTE, Finding
from tinygrad_bp.doctor.learning.outcome import Outcome, names_at
from tinygrad_bp.doctor.treatments.trials import Trials
from tinygrad_bp.doctor.watched import patches
from tinygrad_bp.doctor.watched.clock import now
from tinygrad_bp.doctor.watched.recorder import Recorder, Stop
from tinygrad_bp.doctor.watched.rewriting import Place, Script
from tinygrad_bp.doctor.watched.running import at_one_head, run
from tinygrad_bp.doctor.watched.slots import Path, Reached
from tinygrad_bp.doctor.watched.substitution import expression, substituted

NARROW = 4  # units up to which a layer may be too narrow
WIDE = 12  # units of the layer that is tried instead
SEEDS = 3  # on which a wider layer is tried, and the script's own
MOST = 3  # places at which a script writes the width of one layer
FEW = 20  # samples up to which any network can remember them

Replaced = dict[int, Any]


def too_narrow(
    trials: Trials, before: dict[Path, Any], base: Outcome, until: float
) -> tuple[Finding, Replaced] | None:
    """Say whether more hidden units do, on most seeds, what the script's do on none."""
    if FEW < trials.samples < 4 * WIDE:
        return None  # a wide layer would remember them
    known = {path: np.shape(before[path]) for path in trials.roles.parameters}
    widths = {size for shape in known.values() if len(shape) == 2 for size in shape}
    for width in sorted(widths):
        if width > NARROW:
            break
        edits = next(_widths(trials, known, width, until), None)
        if edits is None:
            continue
        seeds = range(SEEDS)
        wide = [trials.run(seed=k, replaced={**trials.replaced, **edits}) for k in seeds]
        own = [base, *(trials.run(seed=k) for k in seeds if k)]
        solved = [sum(one.final.is_solved for one in some) for some in (wide, own)]
        if solved[0] < SEEDS - 1 or solved[1]:
            continue
        text = (
            f"with {WIDE} units instead of {width} the task is done on {solved[0]} of {SEEDS}"
            f" seeds, with {width} on none"
        )
        best = max((one.final for one in wide), key=lambda final: final.merit)
        effect = f"{base.final} as it is; {best} with {WIDE} units"
        found = Finding("too-few-units", FAULT, text, effect=effect)
        found.gain = best.merit - base.final.merit
        return _written(found, trials.script, edits), edits
    return None


def _written(found: Finding, script: Script, edits: Replaced) -> Finding:
    found.patch = patches.patch_of(script, edits)
    nodes: Any = ast.walk(script.tree)
    lines = [one.lineno for one in nodes if id(one) in edits]
    found.line = min(lines, default=None)
    return found


def _widths(trials: Trials, known: dict[Path, Any], width: int, until: float) -> Iterator[Replaced]:
    """Yield edits of the numbers in a script that make one layer wider, and nothing else wrong."""
    script = trials.script
    numbers = list(_numbers(script, width, trials.loop.place))[:10]
    for many in range(1, MOST + 2):
        for some in combinations(numbers, many):
            if now() > until:
                return
            edits: Replaced = {id(one): ast.Constant(WIDE) for one in some}
            shapes = _shapes(trials, edits, [*known])
            changed = [path for path in known if shapes.get(path) != known[path]]
            fits = all(_is_wider(known[path], shapes.get(path), width) for path in changed)
            if shapes and len(changed) > 1 and fits and _runs(trials, edits):
                yield edits


def _is_wider(old: Any, new: Any, width: int) -> bool:
    """Tell whether one axis alone has grown."""
    if new is None or len(old) != len(new):
        return False
    grown = [(a, b) for a, b in zip(old, new, strict=True) if a != b]
    return grown == [(width, WIDE)]


def _numbers(script: Script, width: int, loop: Place) -> Iterator[ast.Constant]:
    """Yield the numbers that may be a layer's width: no axis, no index, no count of turns."""
    barred: set[int] = set()
    for one in ast.walk(script.tree):
        if isinstance(one, ast.keyword) and one.arg in {"axis", "keepdims", "seed", "loc", "scale"}:
            barred |= {id(part) for part in ast.walk(one)}
        if isinstance(one, ast.Subscript):
            barred |= {id(part) for part in ast.walk(one.slice)}
        if isinstance(one, ast.BinOp):
            barred |= {id(part) for part in (one.left, one.right)}
        if isinstance(one, ast.Call) and ast.unparse(one.func).endswith(("seed", "range", "rng")):
            barred |= {id(part) for part in ast.walk(one)}
    for one in ast.walk(script.tree):
        if not isinstance(one, ast.Constant) or type(one.value) is not int or one.value != width:
            continue
        if id(one) not in barred and one.lineno != loop[0]:
            yield one


def _shapes(trials: Trials, edits: Replaced, paths: list[Path]) -> dict[Path, tuple[int, ...]]:
    """Return the shapes of the parameters at the first head of an edited script's loop."""
    found: dict[Path, tuple[int, ...]] = {}

    def look(frame: FrameType) -> None:
        values = Reached(names_at(frame)).values
        found.update({path: np.shape(values[path]) for path in paths if path in values})

    tree = substituted(trials.script.tree, {**trials.replaced, **edits})
    prepare = at_one_head(trials.loop.place, 1, look)
    run(trials.script, trials.recorder, seconds=1.0, prepare=prepare, tree=tree)
    return found


def _runs(trials: Trials, edits: Replaced) -> bool:
    """Tell whether an edited script gets to the third head of its loop."""
    heads = 0

    def at_head(place: Place, _frame: FrameType) -> None:
        nonlocal heads
        heads += place == trials.loop.place
        if heads > 2:
            raise Stop

    def prepare(recorder: Recorder) -> None:
        recorder.at_head = at_head

    tree = substituted(trials.script.tree, {**trials.replaced, **edits})
    ran = run(trials.script, trials.recorder, seconds=2.0, prepare=prepare, tree=tree)
    return ran.error is None and heads > 1


def shares(trials: Trials, base: Outcome, output: Any) -> list[Finding]:
    """Return the hidden layers whose units share a sum of 1, as softmax makes them."""
    found: dict[str, Finding] = {}
    for text, value, place in trials.at_first:
        axis = _sums_to_one(value)
        if axis is None or text in found or (output is not None and _is_output(value, output)):
            continue
        wide = value.shape[axis]
        told = (
            f"{trials.script.at(place[0])}: the {wide} values of {text} add up to 1 for each sample"
        )
        told += "; they are no output: what one unit says, the others cannot"
        found[text] = Finding("softmax-hidden", NOTE, told, place[0], text)
    listed = list(found.values())
    if listed and not base.final.is_solved:
        _proven(trials, base, listed)
    return listed[:1]


def _sums_to_one(value: Any) -> int | None:
    if value.ndim != 2 or value.dtype.kind != "f" or min(value.shape) < 2 or np.any(value < 0):
        return None
    axes = (axis for axis in (1, 0) if np.allclose(value.sum(axis=axis), 1, atol=1e-6))
    return next(axes, None) if len(np.unique(value)) > 3 else None


def _is_output(value: Any, output: Any) -> bool:
    return bool(np.shape(output) == value.shape and np.allclose(output, value))


def _proven(trials: Trials, base: Outcome, found: list[Finding]) -> None:
    """Run with tanh in the place of softmax, and say what that did."""
    names = {one.parameter for one in found}
    for order in ((0, 1), (1, 0)):
        edits: Replaced = {}
        for one in ast.walk(trials.script.tree):
            if isinstance(one, ast.Assign) and isinstance(one.value, ast.Call):
                stored = {ast.unparse(target) for target in one.targets}
                call = one.value
                if stored & names and len(call.args) == 1:
                    edits[id(call)] = expression(f"np.tanh({ast.unparse(call.args[0])})")
            if not isinstance(one, ast.Call) or len(one.args) != 2:
                continue
            if "softmax" in ast.unparse(one.func).lower():
                a, da = (ast.unparse(one.args[k]) for k in order)
                edits[id(one)] = expression(f"{da} * (1 - {a} ** 2)")
        outcome = trials.run(replaced={**trials.replaced, **edits}) if edits else None
        if outcome is not None and outcome.final.is_solved:
            for told in found:
                told.severity, told.gain = FAULT, outcome.final.merit - base.final.merit
                told.effect = f"{base.final} as it is; {outcome.final} with tanh in its place"
            return
