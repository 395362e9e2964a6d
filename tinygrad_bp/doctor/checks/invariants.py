"""What must hold in every network, whatever its task: shapes, labels, ranges, sums and types."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import Any

import numpy as np

from tinygrad_bp.doctor.checks import ranges
from tinygrad_bp.doctor.findings.diagnosis import FAULT, NOTE, Finding
from tinygrad_bp.doctor.learning.gradients import Point, learned
from tinygrad_bp.doctor.learning.losses import meetings
from tinygrad_bp.doctor.learning.pairs import Pair
from tinygrad_bp.doctor.learning.roles import Roles
from tinygrad_bp.doctor.watched.recorder import is_array
from tinygrad_bp.doctor.watched.replay import Replay
from tinygrad_bp.doctor.watched.rewriting import Script
from tinygrad_bp.doctor.watched.slots import Path, same, shown

ENOUGH = 24  # outputs, for a bound that none passes to be no accident
SIDES = 5  # draws of weights, and more, of which some are on either side of an output
LARGE = 6.0  # scale of weights at which a bounded output has met its bounds


def broken(replay: Replay, roles: Roles, flat: Any, pair: Pair | None) -> list[Finding]:
    """Return the invariants that do not hold in an iteration; `flat` is what `reached` gives."""
    found = [*_integers(replay, roles), *_tuples(replay, roles), *_own_rows(replay, roles, pair)]
    if pair is None or pair.own:
        return found
    outputs, labels = meetings(roles.base.recording, pair, roles.compared)
    if not outputs:
        return found
    line = pair.place[0]
    found += ranges.broadcast(outputs[0].shape, labels[0].shape, line)
    target = np.concatenate([np.ravel(y) for y in labels])
    same = [*ranges.constant(target, line)]
    found += same or [*ranges.reach(flat, target, line)]
    found += ranges.sums(outputs[0], labels[0], line)
    return found


def reached(replay: Replay, roles: Roles, points: list[Point], pair: Pair | None) -> Any:
    """Return outputs under many weights, large ones among them."""
    if pair is None or pair.own:
        return np.zeros(0)
    many = [meetings(one.base.recording, pair, roles.compared)[0] for one in points[1:]]
    many.append(_far(replay, roles, pair))
    seen: list[Any] = [np.ravel(o) for one in many for o in one if np.isfinite(o).all()]
    return np.concatenate([*seen, np.array([])])


def _far(replay: Replay, roles: Roles, pair: Pair) -> list[Any]:
    """Return outputs under large weights, where a bounded one shows its bounds."""
    found: list[Any] = []
    paths = learned(roles)
    for seed in range(ENOUGH):
        rng = np.random.default_rng(seed)
        kinds = {p: getattr(replay.before[p], "dtype", np.dtype(float)) for p in paths}
        values = {path: LARGE * rng.standard_normal(np.shape(replay.before[path]))
                  for path, dtype in kinds.items() if dtype.kind == "f"}  # fmt: skip
        far = replay.at(values, limit=roles.compared or None)
        if far is None:
            continue
        found += meetings(far.recording, pair, roles.compared)[0]
        if seed > SIDES and sum(np.size(one) for one in found) >= ENOUGH:
            break
    return found


def anchored(replay: Replay, roles: Roles, pair: Pair) -> str:
    """Return what the output is at the input 0, if it is that under any weights."""
    seen: set[float] = set()
    data = [np.asarray(replay.before[path], float) for path in roles.data]
    if any(_has_constant(one) for one in data):  # a column of ones is a bias
        return ""
    for seed in range(4):
        rng = np.random.default_rng(seed)
        shapes = {path: np.shape(replay.before[path]) for path in (*roles.parameters, *roles.data)}
        values = {path: rng.standard_normal(shapes[path]) for path in roles.parameters}
        values |= {path: np.zeros(shapes[path]) for path in roles.data}
        run = replay.at(values, limit=roles.compared or None)
        if run is None:
            return ""
        outputs = meetings(run.recording, pair, roles.compared)[0]
        seen |= {round(float(value), 12) for one in outputs for value in np.ravel(one)}
        if len(seen) != 1:
            return ""
    return f"where all inputs are 0 the output is {seen.pop():g}, whatever the weights are"


def _has_constant(X: Any) -> bool:
    """Tell whether one feature is the same number, and not 0, in every sample."""
    if X.ndim != 2 or min(X.shape) < 2:
        return False
    rows = [bool(np.any(np.ptp(X, axis=axis) + (X.mean(axis=axis) == 0) == 0)) for axis in (0, 1)]
    return rows[0] if X.shape[0] > X.shape[1] else rows[1] or rows[0]


def _integers(replay: Replay, roles: Roles) -> Iterator[Finding]:
    whole = []
    for path in [*roles.parameters, *roles.stuck]:
        value = replay.before[path]
        if is_array(value) and value.dtype.kind in "iu" and value.ndim and _cuts(replay, path):
            whole.append((shown(path), value.dtype))
    if whole:
        names = ", ".join(name for name, _ in whole)
        text = f"{names} have the dtype {whole[0][1]}: a step of 0.1 is cut off to 0"
        yield Finding("integer-array", FAULT, text, parameter=names)
    for path in roles.data:
        value = replay.before[path]
        if is_array(value) and value.dtype.kind == "u" and value.max() > 1:
            yield Finding(
                "integer-array", NOTE,
                f"{shown(path)} has the dtype {value.dtype}, in which 2 - 3 is a large number",
                parameter=shown(path),
            )  # fmt: skip


def _cuts(replay: Replay, path: Path) -> bool:
    """Tell whether an array stays one of integers, and would hold fractions if it could."""
    after = replay.run().value(path)
    if after is not None and np.asarray(after).dtype.kind == "f":
        return False
    floats = np.asarray(replay.before[path], float)
    meant = replay.run(lambda names: names.bind(path, floats.copy())).value(path)
    return meant is None or bool(np.any(np.asarray(meant) % 1)) or same(meant, floats)


def cut_off(script: Script, cuts: dict[str, tuple[int, str, str]]) -> list[Finding]:
    """Return that fractions were written into elements of arrays of integers."""
    if not cuts:
        return []
    line, value, dtype = next(iter(cuts.values()))
    names = ", ".join(cuts)
    text = f"{script.at(line)} writes {value} into {names}, of dtype {dtype}: the fraction is lost"
    return [Finding("integer-array", FAULT, text, line, names)]


def rows_lost(script: Script, lost: dict[int, tuple[int, int]]) -> list[Finding]:
    """Return that a shuffle has written rows over others: a row of an array is a view of it."""
    for line, (before, after) in lost.items():
        text = (
            f"{script.at(line)} swaps the rows of an array through views of it: of {before}"
            f" different rows {after} are left after the first shuffle; np.random.shuffle keeps all"
        )
        return [Finding("aliased-buffer", FAULT, text, line)]
    return []


def _tuples(replay: Replay, roles: Roles) -> Iterator[Finding]:
    for line, _ in sorted(set(roles.base.recording.by_tuple))[:1]:
        text = f"{replay.script.at(line)} divides by a tuple, such as X.shape is"
        yield Finding("m-is-shape", FAULT, text, line)


def _own_rows(replay: Replay, roles: Roles, pair: Pair | None) -> Iterator[Finding]:
    """Report parameters that have one entry for each sample from their start.

    Where outputs and labels meet, they are as many as the samples: a column of 64 is one sample.
    """
    samples = {max(one.shape) for p in roles.data if (one := replay.before[p]).ndim > 1}
    if pair is not None and not pair.own:
        met = [side for some in meetings(roles.base.recording, pair, roles.compared)
               for one in some for side in np.shape(one)]  # fmt: skip
        samples &= {*met} if met else samples
    for path in roles.parameters:
        value = replay.before[path]
        if not is_array(value) or value.ndim != 2:
            continue
        many = {*value.shape} & samples
        fits = [
            p for p in roles.parameters if p != path and np.shape(replay.before[p]) != value.shape
        ]
        if many and max(many) > 12 and fits and not multiplies(replay.script, shown(path)):
            text = f"{shown(path)} has the shape {value.shape}; there are {max(many)} samples"
            yield Finding("parameter-has-batch-shape", FAULT, text, parameter=shown(path))


def multiplies(script: Script, text: str) -> bool:
    """Tell whether a parameter is an operand of a matrix product: a weight, and no bias."""
    leaf = re.compile(rf"(?<!\w){re.escape(text.rsplit('.', maxsplit=1)[-1])}(?!\w)")
    for one in ast.walk(script.tree):
        if isinstance(one, ast.BinOp) and isinstance(one.op, ast.MatMult):
            parts = [one.left, one.right]
        elif isinstance(one, ast.Call) and getattr(one.func, "attr", "") in {"dot", "matmul"}:
            parts = [*one.args, getattr(one.func, "value", one.func)]
        else:
            continue
        if any(leaf.search(ast.unparse(part)) for part in parts):
            return True
    return False
