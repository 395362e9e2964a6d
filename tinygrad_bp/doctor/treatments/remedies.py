"""Treatments as edits of the script: its rate, its start, its inputs, its sum over the samples."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Any

import numpy as np

from tinygrad_bp.doctor.findings.diagnosis import Finding
from tinygrad_bp.doctor.learning.outcome import Outcome
from tinygrad_bp.doctor.treatments.trials import Treatment, Trials, glorot, sample_axis, turns
from tinygrad_bp.doctor.watched import patches
from tinygrad_bp.doctor.watched.rewriting import Script, place_of
from tinygrad_bp.doctor.watched.slots import Path, shown
from tinygrad_bp.doctor.watched.substitution import expression, place

Replaced = dict[int, Any]


def edits_of(one: Treatment, trials: Trials, before: dict[Path, Any]) -> Replaced:
    """Return the edit that does in the script what a treatment does from outside, or nothing."""
    if one.longer > 1:
        return _longer(trials, one.longer)
    if one.steady:
        return dict(_steady(trials))
    if one.name == "not-averaged":
        return _averaged(trials)
    if one.scale != 1:
        return _rate(trials, one.scale)
    if one.inputs:
        return _standardised(trials, before)
    return dict(_start(trials, before)) if one.start else {}


def written(
    trials: Trials,
    base: Outcome,
    found: list[Finding],
    chosen: list[Treatment],
    before: dict[Path, Any],
) -> dict[str, Replaced]:
    """Give findings the patch that does what the treatment did, if a run shows that it does.

    Returns
    -------
    dict of str to edits
        By the names of the findings.
    """
    edits = {one.name: edits_of(one, trials, before) for one in chosen}
    rest = tuple(one for one in chosen if not edits[one.name])
    joined = {key: new for some in edits.values() for key, new in some.items()}
    if not joined:
        return {}
    mended = trials.run(rest, replaced={**trials.replaced, **joined})
    if not (mended.final.is_solved and mended.final.merit > base.final.merit + 0.2):
        return {}
    for finding in (one for one in found if edits.get(one.name)):
        finding.patch = patches.patch_of(trials.script, edits[finding.name])
        finding.line = finding.line or patches.first_line(finding.patch)
    names = {one.name for one in found}
    return {name: some for name, some in edits.items() if some and name in names}


def _longer(trials: Trials, times: int) -> Replaced:
    stop: Any = turns(trials.script.loops[trials.epoch].node)
    value = stop.value if isinstance(stop, ast.Constant) else None
    new = ast.Constant(value * times) if isinstance(value, int) else None
    return {id(stop): new or ast.BinOp(stop, ast.Mult(), ast.Constant(times))}


def _targets(script: Script) -> Iterator[tuple[Any, str, ast.expr]]:
    """Yield (statement, target, value) of every assignment, those of tuples one by one."""
    for one in ast.walk(script.tree):
        if not isinstance(one, ast.Assign):
            continue
        for target in one.targets:
            if isinstance(target, ast.Tuple) and isinstance(one.value, ast.Tuple):
                pairs = zip(target.elts, one.value.elts, strict=False)
                yield from ((one, ast.unparse(a), b) for a, b in pairs)
            else:
                yield one, ast.unparse(target), one.value


def _leaf(text: str) -> str:
    return text.rsplit(".", maxsplit=1)[-1]


def _rates(trials: Trials) -> set[str]:
    return {_leaf(shown(path)) for path in trials.held}


def _steady(trials: Trials) -> Iterator[tuple[int, Any]]:
    """Yield edits that stop a rate from shrinking: where it decays, and where it is computed."""
    names = _rates(trials)
    loop = trials.script.loops[trials.epoch].node
    turning = {
        one.id for one in ast.walk(getattr(loop, "target", loop)) if isinstance(one, ast.Name)
    }
    stored = {text: value for text, value, _ in reversed(trials.roles.base.recording.stores)}
    for one in ast.walk(loop):
        if isinstance(one, ast.AugAssign) and _leaf(ast.unparse(one.target)) in names:
            yield id(one.value), ast.Constant(1.0)
    for one, text, value in _targets(trials.script):
        if not loop.lineno < one.lineno <= (loop.end_lineno or 0):
            continue
        used = {part.id for part in ast.walk(value) if isinstance(part, ast.Name)}
        if _leaf(text) in names and text in used:
            yield id(value), expression(text)
        elif used & turning and text in stored and stored[text].size == 1 and _is_rate(value):
            yield id(value), ast.Constant(float(f"{float(stored[text].ravel()[0]):.6g}"))


def _is_rate(value: ast.expr) -> bool:
    """Tell an expression of numbers alone: no call, but of a power or a root, no index."""
    calls = (one for one in ast.walk(value) if isinstance(one, ast.Call))
    plain = all(
        _leaf(ast.unparse(one.func)) in {"sqrt", "exp", "log", "max", "min"} for one in calls
    )
    return plain and not any(isinstance(one, ast.Subscript) for one in ast.walk(value))


def _rate(trials: Trials, factor: float) -> Replaced:
    """Return the edit of the number that the rate is set to."""
    names = _rates(trials)
    for one in ast.walk(trials.script.tree):
        if isinstance(one, ast.keyword) and one.arg in names and number(one.value) is not None:
            return {id(one.value): times(one.value, factor)}
    for _, text, value in _targets(trials.script):
        if _leaf(text) in names and number(value) is not None:
            return {id(value): times(value, factor)}
    for one in ast.walk(trials.script.tree):
        if isinstance(one, ast.FunctionDef) and one.args.defaults:
            given = one.args.args[-len(one.args.defaults) :]
            for argument, default in zip(given, one.args.defaults, strict=True):
                if argument.arg in names and number(default) is not None:
                    return {id(default): times(default, factor)}
    return {}


def number(node: ast.expr) -> float | None:
    """Return the number that an expression is, or None."""
    value = node.value if isinstance(node, ast.Constant) else None
    return float(value) if isinstance(value, int | float) else None


def times(node: ast.expr, factor: float) -> ast.Constant:
    """Return a number times a factor."""
    return ast.Constant(float(f"{(number(node) or 0.0) * factor:.6g}"))


def _averaged(trials: Trials) -> Replaced:
    """Return the edit that divides what follows from the comparison by the number of samples."""
    pair = trials.pair
    for one in ast.walk(trials.script.tree):
        if not isinstance(one, ast.Assign):
            continue
        for part in ast.walk(one.value):
            if isinstance(part, ast.BinOp) and place_of(part.right) == pair.place:
                label = part.right if pair.output == "left" else part.left
                met = next(
                    c for c in trials.roles.base.recording.comparisons if c.place == pair.place
                )
                shape = pair.label_of(met).shape
                count = f"len({ast.unparse(label)})"
                if shape and shape[0] != max(shape):
                    count = f"{ast.unparse(label)}.shape[{int(np.argmax(shape))}]"
                divided = ast.BinOp(one.value, ast.Div(), expression(count))
                return {id(one.value): divided}
    return {}


def _standardised(trials: Trials, before: dict[Path, Any]) -> Replaced:
    """Return the edit that standardises the inputs behind the line that makes them."""
    for path in trials.roles.data:
        X = before.get(path)
        if len(path) == 2 and X is not None:
            axis = sample_axis(X, trials.samples)
            found = standardising(trials.script, str(path[1]), np.asarray(X, float), axis)
            if found:
                return found
    return {}


def standardising(script: Script, name: str, X: Any, axis: int) -> Replaced:
    """Return the edit that standardises an array of the top level behind the line that makes it."""
    body = script.tree.body
    made = [k for k, one in enumerate(body) if isinstance(one, ast.Assign)
            and name in {ast.unparse(target) for target in one.targets}]  # fmt: skip
    constant: Any = np.flatnonzero(X.std(axis=axis) == 0) if X.ndim > 1 else []
    if not made or (len(constant) and (axis != 0 or [*constant] != [*range(len(constant))])):
        return {}
    tail = f"axis={axis}, keepdims=True" if X.ndim > 1 else f"axis={axis}"
    features = f"{name}[:, {len(constant)}:]" if len(constant) else name  # but a column of ones
    text = f"{features} = ({features} - {features}.mean({tail})) / {features}.std({tail})"
    line: Any = ast.parse(text).body[0]
    for one in ast.walk(line):
        if "lineno" in one._attributes:
            place(one, body[made[-1]])
    return {id(body): [*body[: made[-1] + 1], line, *body[made[-1] + 1 :]]}


def _start(trials: Trials, before: dict[Path, Any]) -> Iterator[tuple[int, Any]]:
    """Yield edits that draw the weights from Glorot's distribution, where they are made by name."""
    numpy = next(
        (alias.asname or alias.name for one in ast.walk(trials.script.tree)
         if isinstance(one, ast.Import) for alias in one.names if alias.name == "numpy"), None,
    )  # fmt: skip
    roles = trials.roles
    for path in [*roles.parameters, *roles.stuck, *roles.idle] if numpy else ():
        shape = np.shape(before[path]) if path in before else ()
        if len(shape) != 2 or (min(shape) == 1 and not np.any(before[path])):
            continue
        for _, text, value in _targets(trials.script):
            own = text == shown(path) or (text.startswith("self.") and _leaf(text) == path[-1][-1])
            if own and trials.script.is_before(value, trials.loop.place):
                drawn = f"{numpy}.random.normal(0, {glorot(shape):.2g}, {shape})"
                yield id(value), expression(drawn)
                break
