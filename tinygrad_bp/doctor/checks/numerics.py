"""What left the range of floating point: which operation, on which line, and what came of it."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from tinygrad_bp.doctor.findings.diagnosis import FAULT, NOTE, Finding
from tinygrad_bp.doctor.learning.outcome import Outcome, first_rise
from tinygrad_bp.doctor.watched import patches
from tinygrad_bp.doctor.watched.recorder import is_array, is_number
from tinygrad_bp.doctor.watched.rewriting import Script
from tinygrad_bp.doctor.watched.slots import Path, shown

KINDS = (
    ("divide by zero encountered in log", "log-zero"),
    ("invalid value encountered in log", "log-zero"),
    ("overflow encountered in exp", "exp-overflow"),
    ("divide by zero encountered", "zero-division"),
    ("invalid value encountered in divide", "zero-division"),
    ("invalid value encountered in scalar divide", "zero-division"),
    ("overflow encountered", "exploding"),
)
HIDDEN = {"log-zero", "zero-division"}  # what other faults may keep from showing
LED_TO = {"log-zero", "softmax-shift", "zero-division"}  # by weights that run away
REPORTED = {"loss", "cost", "error", "err", "mse", "bce", "ce", "nll", "j"}


def out_of_range(
    script: Script, outcome: Outcome, parameters: Iterable[Path] = (), changed: Iterable[Path] = (),
    *, spoilt: str = "",
) -> list[Finding]:  # fmt: skip
    """Return the operations that left the range, the first of each kind.

    Parameters
    ----------
    parameters, changed : iterable of paths
        Of which some may be no number at the end because of it; of what else the loop changes,
        what has the shape of a parameter: its moments.
    spoilt : str
        What else is known to be none, in words.
    """
    spoilt = spoilt or _spoilt(outcome, [*parameters], [*changed])
    found: dict[str, Finding] = {}
    for message, line in outcome.ran.warned:
        name = next((name for text, name in KINDS if text in message), None)
        if name == "exp-overflow" and is_softmax(script, line):
            name = "softmax-shift"
        if name is None or name in found:
            continue
        source = _source(script, line)
        text = f"{script.at(line)} ({source}): {message}"
        text += f"; {spoilt}" if spoilt else "; nothing that is kept was spoilt by it"
        severity = FAULT if spoilt else NOTE
        found[name] = Finding(name, severity, text, line)
    listed = list(found.values())
    if "exp-overflow" in found and {"log-zero", "zero-division"} & {*found}:
        listed.remove(found["exp-overflow"])  # exp(-z) for a sure 0 is inf, and 1 / inf is right
    for one in listed[1:]:
        one.gain = -1.0  # what came first is the cause of the others
    blown = first_rise(outcome.curve)
    if "exploding" in found and blown is None and not spoilt:
        listed.remove(found["exploding"])
    return listed


def _spoilt(outcome: Outcome, parameters: list[Path], changed: list[Path]) -> str:
    """Return what is no number at the end of a run, in words."""
    module = outcome.ran.module
    ends: dict[Path, Any] = {path: module.get(path[1]) for path in (*parameters, *changed)
                             if len(path) == 2}  # fmt: skip
    shapes = {np.shape(ends[path]) for path in parameters if path in ends}
    for path, value in ends.items():
        known = is_array(value) and value.dtype.kind == "f" and value.shape in shapes
        if known and not np.isfinite(value).all():
            return f"{shown(path)} is no number at the end"
    if outcome.final.score <= -1 and outcome.curve:
        return "the answers are no numbers at the end"
    for name, value in module.items():
        if is_number(value) and not np.isfinite(float(value)) and name.lower() in REPORTED:
            return f"{name} is {value} at the end"
    return ""


def compared(spoilt: list[Finding], after: list[Finding]) -> list[Finding]:
    """Make notes of what is gone with the gradients mended; return what only then shows."""
    left = {one.name for one in after if one.severity == FAULT}
    for one in spoilt:
        if one.severity == FAULT and one.name not in left:
            one.severity, one.evidence = NOTE, f"{one.evidence}; gone with the gradients mended"
    known, found = {one.name for one in spoilt}, []
    for one in after:
        if one.severity == FAULT and one.name not in known and one.name in HIDDEN:
            one.severity, one.evidence = NOTE, f"{one.evidence}, once the gradients are mended"
            found.append(one)
    return found


def brought(found: list[Finding]) -> None:
    """Rank a wrong gradient that nothing mends before the overflows to which it may have led."""
    wrong = [one for one in found if one.name == "wrong-gradient" and one.severity == FAULT]
    after = [one.name for one in found if one.name in LED_TO and one.severity == FAULT]
    mended = any(one.patch for one in found if one.name not in LED_TO)
    for one in wrong if after and not mended else ():
        one.brings = one.brings or after[0]


def is_softmax(script: Script, line: int) -> bool:
    """Tell whether what a line exponentiates, or a function that it stands in, is made to shares.

    A loss averaged in the same function is no softmax: what is divided by a sum is.
    """
    for one in ast.walk(script.tree):
        if isinstance(one, ast.FunctionDef) and one.lineno <= line <= (one.end_lineno or 0):
            return _makes_shares(one, line)
    return _makes_shares(script.tree, line)


def _makes_shares(root: ast.AST, line: int) -> bool:
    statements = [one for one in ast.walk(root) if isinstance(one, ast.stmt)]
    made = {ast.unparse(target) for one in statements if one.lineno == line
            for target in getattr(one, "targets", [])}  # fmt: skip
    made |= {f"{name}.sum" for name in made}
    return any(
        line == one.lineno or ast.unparse(above) in made for one, above, _ in quotients(root)
    )


def quotients(root: ast.AST) -> Iterator[tuple[Any, ast.expr, ast.expr]]:
    """Yield (a division, what is divided, by what), where that is a sum, or a name of one."""
    nodes = list(ast.walk(root))
    sums = {ast.unparse(target) for one in nodes if isinstance(one, ast.Assign)
            and is_sum(one.value) for target in one.targets}  # fmt: skip
    for one in nodes:
        if isinstance(one, ast.BinOp) and isinstance(one.op, ast.Div):
            above, below = one.left, one.right
        elif isinstance(one, ast.AugAssign) and isinstance(one.op, ast.Div):
            above, below = one.target, one.value
        else:
            continue
        if is_sum(below) or ast.unparse(below) in sums:
            yield one, above, below


def is_sum(node: ast.AST) -> bool:
    """Tell a sum, and something to keep it away from 0."""
    calls = [one for one in ast.walk(node) if isinstance(one, ast.Call)]
    return any(ast.unparse(one.func).split(".")[-1] == "sum" for one in calls)


def literals(script: Script) -> list[Finding]:
    """Return the comparisons of identity with a literal, of which Python warns once."""
    found: list[Finding] = []
    for one in ast.walk(script.tree):
        if not isinstance(one, ast.Compare):
            continue
        for operator, right in zip(one.ops, one.comparators, strict=True):
            if isinstance(operator, ast.Is | ast.IsNot) and _is_value(right):
                new: Any = ast.Eq() if isinstance(operator, ast.Is) else ast.NotEq()
                text = f"{script.at(one.lineno)}: {ast.unparse(one)}; Python warns of it"
                text += " (SyntaxWarning)"
                found.append(Finding("is-literal", NOTE, text, one.lineno))
                edit = {id(one): ast.Compare(one.left, [new], [right])}
                found[-1].patch = patches.patch_of(script, edit)
    return found


def _is_value(node: ast.expr) -> bool:
    """Tell a literal number or text from None, True and False, which are one object each."""
    value = node.value if isinstance(node, ast.Constant) else None
    return isinstance(value, int | float | str) and not isinstance(value, bool)


def _source(script: Script, line: int) -> str:
    lines = script.text.splitlines()
    return lines[line - 1].strip() if 0 < line <= len(lines) else ""
