"""Evaluations that read what the training loop has left, in place of the sample that is asked for.

``for i in range(len(X)): answers[i] = forward(x)`` asks for one sample again and again.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Any

from tinygrad_bp.doctor.findings.diagnosis import FAULT, Finding
from tinygrad_bp.doctor.watched.rewriting import Loop, Script

DRAWS = ("rand", "choice", "normal", "dropout", "sample", "shuffle")


def left_over(script: Script, epoch: Loop, inner: Loop, parameters: set[str]) -> list[Finding]:
    """Return the loops over samples in which every turn keeps the answer to one and the same.

    Parameters
    ----------
    epoch, inner : Loop
        The loop over epochs, and that of a single step.
    parameters : set of str
        The names that hold what is learned.
    """
    visited = _visited(epoch.node) - parameters
    functions = {one.name for one in ast.walk(script.tree) if isinstance(one, ast.FunctionDef)}
    for one in script.loops.values():
        own = one.function is not epoch.function
        if not isinstance(one.node, ast.For) or one.node in (epoch.node, inner.node):
            continue
        if own and (epoch.function is not None or one.function is None):
            continue
        if any(part is inner.node for part in ast.walk(one.node)) or not _goes_through(one.node):
            continue
        free = visited - (_bound(one.function) if own and one.function else set())
        for line, value in _kept(one.node):
            read = _names(value)
            calls = [part for part in ast.walk(value) if isinstance(part, ast.Call)]
            texts = [ast.unparse(part.func).lower() for part in calls]
            asks = any(getattr(part.func, "id", "") in functions and _names(part) & free
                       for part in calls)  # fmt: skip
            if not asks or read & _stored(one.node) or any(d in t for d in DRAWS for t in texts):
                continue
            left = ", ".join(sorted(read & free))
            text = (
                f"{script.at(line)} keeps the same answer in every turn of the loop over"
                f" {ast.unparse(one.node.iter)}: it reads {left}, as the training loop has left it"
            )
            return [Finding("evaluation-wrong", FAULT, text, line)]
    return []


def _visited(epoch: Any) -> set[str]:
    """Return the names that hold one sample, or batch, after the other: targets and what they pick.

    What a statement makes of itself, such as a sum, is none of them.
    """
    inner = [one for one in ast.walk(epoch) if isinstance(one, ast.For) and one is not epoch]
    found = {name for one in inner for name in _names(one.target)}
    for one in ast.walk(epoch):
        if isinstance(one, ast.Assign) and _picks(one.value, found):
            found |= {name for target in one.targets for name in _names(target)}
    return found


def _picks(value: ast.expr, targets: set[str]) -> bool:
    return any(isinstance(one, ast.Subscript) and _names(one.slice) & targets
               for one in ast.walk(value))  # fmt: skip


def _goes_through(node: ast.For) -> bool:
    """Tell whether a loop goes through data, not so many times as a number says."""
    over = node.iter
    if isinstance(over, ast.Name | ast.Attribute):
        return True
    return any(
        getattr(one, "attr", "") == "shape" or getattr(one, "id", "") in {"len", "zip", "enumerate"}
        for one in ast.walk(over)
    )


def _kept(node: ast.For) -> Iterator[tuple[int, ast.expr]]:
    """Yield (line, value) of what each turn stores at its own place, or appends."""
    turn = _names(node.target)
    for one in ast.walk(node):
        if isinstance(one, ast.Assign):
            places = [part for target in one.targets for part in ast.walk(target)]
            if any(isinstance(part, ast.Subscript) and _names(part.slice) & turn
                   for part in places):  # fmt: skip
                yield one.lineno, one.value
        elif isinstance(one, ast.Call) and getattr(one.func, "attr", "") == "append" and one.args:
            yield one.lineno, one.args[0]


def _names(node: ast.AST) -> set[str]:
    return {one.id for one in ast.walk(node) if isinstance(one, ast.Name)}


def _stored(node: ast.AST) -> set[str]:
    return {one.id for one in ast.walk(node)
            if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Store)}  # fmt: skip


def _bound(function: ast.FunctionDef) -> set[str]:
    """Return the names that are a function's own."""
    every = function.args
    given = [*every.posonlyargs, *every.args, *every.kwonlyargs]
    return {one.arg for one in given} | _stored(function)
