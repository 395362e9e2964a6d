"""What the script reports: losses that measure something else, and counts that never start anew."""

from __future__ import annotations

import ast
import math
from collections.abc import Callable
from types import FrameType
from typing import Any

import numpy as np

from tinygrad_bp.doctor.findings.diagnosis import FAULT, Finding
from tinygrad_bp.doctor.learning.gradients import Point
from tinygrad_bp.doctor.learning.losses import Form, meetings
from tinygrad_bp.doctor.learning.outcome import names_at
from tinygrad_bp.doctor.learning.own_losses import LOSS_NAMES
from tinygrad_bp.doctor.learning.pairs import Pair, are_shares
from tinygrad_bp.doctor.learning.roles import Roles
from tinygrad_bp.doctor.watched.recorder import is_number
from tinygrad_bp.doctor.watched.replay import Replay
from tinygrad_bp.doctor.watched.rewriting import Place, Script
from tinygrad_bp.doctor.watched.slots import Reached, shown

EPOCHS = 6  # at whose heads numbers are taken
COUNTED = (*LOSS_NAMES, "correct", "hits", "acc", "total", "right", "sum")
TOLD = {"print", "logging.info"}
Measure = Callable[[Any, Any], float]


def _logs(o: Any, y: Any) -> tuple[Any, Any]:
    return y * np.log(o), (1 - y) * np.log1p(-o)


WRONG: dict[str, Measure] = {
    "the mean error, in which too high and too low cancel": lambda o, y: float(np.mean(o - y)),
    "the sum of errors, in which too high and too low cancel": lambda o, y: float(np.sum(o - y)),
    "cross entropy of the labels 1 alone: the term of the labels 0 is missing":
        lambda o, y: float(-np.mean(_logs(o, y)[0])),
    "cross entropy with its sign turned: it grows as the answers get better":
        lambda o, y: float(np.mean(sum(_logs(o, y)))),
    "cross entropy of the class that is answered, whether it is the right one or not":
        lambda o, y: float(-np.mean(np.log(o.max(axis=int(y.shape[0] == y.sum()))))),
}  # fmt: skip
SIGNED = 2  # of them, in which too high and too low cancel
RIGHT: dict[str, Measure] = {
    "mean squared error": lambda o, y: float(np.mean((o - y) ** 2)),
    "mean absolute error": lambda o, y: float(np.mean(np.abs(o - y))),
    "binary cross entropy": lambda o, y: float(-np.mean(sum(_logs(o, y)))),
    "cross entropy of classes": lambda o, y: float(np.sum(y * np.log(o))),
    "root mean squared error": lambda o, y: float(np.sqrt(np.mean((o - y) ** 2))),
}


def _guarded(guard: float, clips: bool) -> Measure:
    """Return binary cross entropy with logarithms that are kept away from 0, as scripts do."""

    def measure(o: Any, y: Any) -> float:
        if clips:
            o = np.clip(o, guard, 1 - guard)
            return float(-np.mean(sum(_logs(o, y))))
        return float(-np.mean(y * np.log(o + guard) + (1 - y) * np.log(1 - o + guard)))

    return measure


GUARDS = (1e-15, 1e-12, 1e-10, 1e-9, 1e-8, 1e-7, 1e-6, 1e-5)
GUARDED = [RIGHT["binary cross entropy"]]
GUARDED += [_guarded(guard, clips) for guard in GUARDS for clips in (False, True)]


def misreported(replay: Replay, points: list[Point], roles: Roles, pair: Pair) -> list[Finding]:
    """Return the losses of the script that are, at every point, proportional to a wrong measure.

    Of one sample its error is no loss, and the sum to which it is added is, where that is told.
    """
    found, script = [], replay.script
    meets = [meetings(one.base.recording, pair, roles.compared) for one in points]
    if len(meets) < 3 or any(len(outputs) != 1 for outputs, _ in meets):
        return []
    single = all(o[0].size == y[0].size == 1 for o, y in meets)
    if not single and any(o[0].shape != y[0].shape or o[0].size < 2 for o, y in meets):
        return []
    began = {shown(path): float(one) for path, one in replay.before.items() if is_number(one)}
    sums = {one.lineno: ast.unparse(one.target) for one in ast.walk(script.tree)
            if isinstance(one, ast.AugAssign) and isinstance(one.op, ast.Add)}  # fmt: skip
    one_hot = meets[0][1][0].ndim == 2 and min(meets[0][1][0].shape) > 1
    one_hot = one_hot or all(are_shares(outputs[0]) for outputs, _ in meets)
    other = "missing" if one_hot else "class"  # what is said of labels of the other kind
    for text, line in _reported(points):
        added = began.get(text, 0.0) if sums.get(line) == text else None
        stored = [_stored(one, text, line) for one in points]
        values = [one - (added or 0.0) for one in stored if one is not None]
        if len(values) < len(stored) or not np.isfinite(values).all():
            continue
        if single and (added is None or not _is_printed(script, text)):
            continue
        sized = not single or min(values) >= 0  # and no error with its sign
        right = sized and any(
            _fits(values, meets, one)
            for what, one in RIGHT.items()
            if one_hot or "class" not in what
        )
        for what, one in [*WRONG.items()][: SIGNED if single else None]:
            if not right and other not in what and _fits(values, meets, one):
                told = f"{script.at(line)}: {text} is {what}"
                found.append(Finding("loss-misreported", FAULT, told, line))
                break
    return found


def other_rule(script: Script, points: list[Point], roles: Roles, form: Form) -> list[Finding]:
    """Return whether steps along squared error are reported by cross entropy."""
    pair, name = form
    if name != "squared error" or pair.own or len(points) < 3:
        return []
    meets = [meetings(one.base.recording, pair, roles.compared) for one in points]
    inside = all(np.all((o > 0) & (o < 1)) for outputs, _ in meets for o in outputs)
    if not inside or any(len(outputs) != 1 for outputs, _ in meets):
        return []
    told: list[Finding] = []
    for text, line in _reported(points):
        values = [_stored(one, text, line) for one in points]
        if any(one is None or not np.isfinite(one) for one in values):
            continue
        if _fits(values, meets, RIGHT["mean squared error"]):
            return []  # what the steps lower is reported too
        if any(_fits(values, meets, one) for one in GUARDED):
            said = f"{script.at(line)}: {text} is cross entropy"
            said += ", and each step goes along squared error"
            told.append(Finding("squared-error-rule", FAULT, said, line))
    return told[:1]


def _reported(points: list[Point]) -> list[tuple[str, int]]:
    stores = points[0].base.recording.stores
    named = [
        (text, place[0])
        for text, value, place in stores
        if value.size == 1 and any(name in text.lower() for name in (*LOSS_NAMES, "acc"))
    ]
    return list(dict.fromkeys(named))


def _stored(point: Point, text: str, line: int) -> float | None:
    for other, value, place in point.base.recording.stores:
        if other == text and place[0] == line and value.size == 1:
            return float(value.ravel()[0])
    return None


def _fits(values: list[Any], meets: list[Any], measure: Measure) -> bool:
    """Tell whether the values are one multiple of a measure."""
    with np.errstate(all="ignore"):
        wanted = np.array([measure(o[0], y[0]) for o, y in meets])
    got = np.array(values, float)
    if measure in [*WRONG.values()][:SIGNED] and not np.any(got < 0):
        wanted = np.abs(wanted)  # of a sum that cancels, or its size
    if not np.isfinite(wanted).all() or not np.any(wanted):
        return False
    factor = float(got @ wanted / (wanted @ wanted))
    is_signed = measure in list(WRONG.values())[SIGNED:]  # turned, it would be the other one
    if abs(factor) < 1e-9 or (is_signed and factor < 0):
        return False
    return bool(np.allclose(got, factor * wanted, rtol=1e-6, atol=1e-12))


class Counts:
    """Numbers of the script at the head of each epoch: some add up and are never set back."""

    def __init__(self) -> None:
        self.rows: list[dict[str, float]] = []

    def look(self, frame: FrameType) -> None:
        """Take the numbers at the head of an epoch."""
        if len(self.rows) < EPOCHS:
            values = Reached(names_at(frame)).values
            self.rows.append({
                shown(path): float(value)
                for path, value in values.items()
                if is_number(value) and not shown(path).startswith("_")
            })  # fmt: skip

    def findings(self, script: Script, epoch: Place) -> list[Finding]:
        """Return the numbers that the epochs add to, and that a report divides or prints."""
        found, loop = [], script.loops[epoch].node
        for name in self.rows[0] if len(self.rows) > 3 else ():
            values = [row[name] for row in self.rows if name in row]
            steps = np.diff(values)
            grows = len(values) == len(self.rows) and np.all(steps >= 0) and np.sum(steps > 0) > 2
            if not grows or values[0] != 0 or _is_counter(name, steps):
                continue
            if _is_set_back(script, name, loop):  # and more is counted from epoch to epoch
                continue
            line, named = _added(script, name, loop.lineno), _is_metric(name)
            if line is not None and _is_told(script, name, loop, printed=named):
                told = ", ".join(f"{one:.4g}" for one in values)
                text = f"{name} is {told} at the heads of the first epochs: it only grows"
                found.append(Finding("metric-never-reset", FAULT, text, line))
        return found


def _is_set_back(script: Script, name: str, loop: Any) -> bool:
    """Tell whether the loop, or a method that it calls by name, sets a number anew."""
    own, leaf = not name.isidentifier(), name.rsplit(".", maxsplit=1)[-1]
    called = {getattr(one.func, "attr", "") for one in ast.walk(loop) if isinstance(one, ast.Call)}
    methods = [one for one in ast.walk(script.tree)
               if own and isinstance(one, ast.FunctionDef) and one.name in called]  # fmt: skip
    assigned = (
        part for around in (loop, *methods) for one in ast.walk(around)
        if isinstance(one, ast.Assign | ast.AnnAssign)
        for target in getattr(one, "targets", [getattr(one, "target", one)])
        for part in ast.walk(target)
    )  # fmt: skip
    return any((getattr(part, "attr", "") if own else getattr(part, "id", "")) == leaf
               for part in assigned)  # fmt: skip


def _is_metric(name: str) -> bool:
    return any(one in name.lower() for one in COUNTED)


def _is_counter(name: str, steps: Any) -> bool:
    """Tell a count of all samples so far, and a mean over all epochs, from a forgotten zero."""
    tested = not _is_metric(name) or ("total" in name.lower() and "loss" not in name.lower())
    return tested and bool(np.all(steps == steps[0]))


def _added(script: Script, name: str, after: int) -> int | None:
    for one in ast.walk(script.tree):
        if not isinstance(one, ast.AugAssign) or not isinstance(one.op, ast.Add):
            continue
        inside = one.lineno > after or not name.isidentifier()  # of an object: in any method
        if inside and ast.unparse(one.target) == name:
            return one.lineno
    return None


def _is_printed(script: Script, name: str) -> bool:
    return any(_prints(one, name) for one in ast.walk(script.tree))


def _prints(node: ast.AST, name: str) -> bool:
    called = isinstance(node, ast.Call) and ast.unparse(node.func) in TOLD
    return called and any(getattr(part, "id", "") == name for part in ast.walk(node))


def _is_told(script: Script, name: str, loop: Any, *, printed: bool) -> bool:
    """Tell whether the loop prints it, where that counts, or divides it; what follows may.

    What is no plain name may be told of in any method below.
    """
    last = loop.end_lineno if name.isidentifier() else math.inf
    for one in ast.walk(script.tree):
        if not loop.lineno < getattr(one, "lineno", 0) <= last:
            continue
        if printed and _prints(one, name):
            told = True
        elif isinstance(one, ast.BinOp) and isinstance(one.op, ast.Div):
            told = ast.unparse(one.left) == name
        else:
            told = False
        if told:
            return True
    return False
