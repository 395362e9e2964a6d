"""How the loops around a training step are nested: shared variables, and the wrong one outside."""

from __future__ import annotations

import ast
from typing import Any

from tinygrad_bp.doctor.findings.diagnosis import FAULT, Finding
from tinygrad_bp.doctor.watched.rewriting import Loop, Place, Script

STEPPED = 3  # arguments of a range that has a step
LONG = 10  # turns of an inner loop from which on a sample is trained, not visited


def nesting(
    script: Script, loop: Loop, around: tuple[Place, ...], turns: int, of_one_sample: bool
) -> list[Finding]:
    """Return what is wrong with the loops that a step stands in.

    Parameters
    ----------
    around : tuple of places
        The loops that the innermost one runs in, those of its function's callers too.
    turns : int
        How often the inner loop turned for each turn of the one around it.
    of_one_sample : bool
        Whether a step compares a single sample.
    """
    found = _open_slices(script, loop)
    for one in script.loops.values():
        inner = one.node
        for outer in (script.loops[place].node for place in one.around):
            both = _targets(inner) & (_targets(outer) | _counters(outer)) - {"_"}
            if both & _counters(outer) or (both and _is_read_after(outer, inner, both)):
                name = min(both)
                where = f"{script.at(outer.lineno)} and {script.at(inner.lineno)}"
                text = f"the loops at {where} both set {name}"
                found.append(Finding("loop-variable-reused", FAULT, text, inner.lineno))
    if around and of_one_sample and turns >= LONG:
        outer, inner = script.loops[around[-1]].node, loop.node
        visited = _read(inner if loop.around else outer)  # or it is handed to the function
        if _targets(outer) & visited and not _targets(inner) & _read(inner, reports=False):
            text = (
                f"the loop at {script.at(inner.lineno)} makes {turns} steps with one sample before"
                f" that at {script.at(outer.lineno)} goes on to the next"
            )
            found.append(Finding("sample-to-the-end", FAULT, text, outer.lineno))
    return found


def _open_slices(script: Script, loop: Loop) -> list[Finding]:
    """Return the batches that begin where a loop in steps says, and run to the end of the data."""
    over: Any = getattr(loop.node, "iter", None)
    name = getattr(getattr(loop.node, "target", None), "id", None)
    in_steps = isinstance(over, ast.Call) and ast.unparse(over.func) == "range"
    if not in_steps or len(over.args) < STEPPED or name is None:
        return []
    nodes = [one for one in ast.walk(loop.node) if isinstance(one, ast.Subscript)]
    again = {id(one.value) for one in nodes}  # X[k:][:size] has its end
    for one in nodes:
        parts = one.slice.elts if isinstance(one.slice, ast.Tuple) else [one.slice]
        is_open = any(isinstance(part, ast.Slice) and getattr(part.lower, "id", None) == name
                      and part.upper is None for part in parts)  # fmt: skip
        if is_open and id(one) not in again:
            text = f"{script.at(one.lineno)}: {ast.unparse(one)} has no end: in steps of"
            text += f" {ast.unparse(over.args[-1])} it takes all samples that are left"
            return [Finding("sample-to-the-end", FAULT, text, one.lineno)]
    return []


def _targets(node: ast.For | ast.While) -> set[str]:
    parts = ast.walk(node.target) if isinstance(node, ast.For) else ()
    return {one.id for one in parts if isinstance(one, ast.Name)}


def _counters(node: ast.For | ast.While) -> set[str]:
    """Return what a `while` both asks for and counts up."""
    if isinstance(node, ast.For):
        return set()
    asked = {one.id for one in ast.walk(node.test) if isinstance(one, ast.Name)}
    counted = (one.target for one in ast.walk(node) if isinstance(one, ast.AugAssign))
    return asked & {one.id for one in counted if isinstance(one, ast.Name)}


def _read(node: ast.For | ast.While, *, reports: bool = True) -> set[str]:
    """Return the names that the body reads, outside of its reports if these do not count."""
    names = set()
    for statement in node.body:
        prints = any(isinstance(one, ast.Call) and ast.unparse(one.func) == "print"
                     for one in ast.walk(statement))  # fmt: skip
        if reports or not prints:
            names |= {one.id for one in ast.walk(statement) if isinstance(one, ast.Name)}
    return names


def _is_read_after(outer: ast.For | ast.While, inner: ast.AST, names: set[str]) -> bool:
    """Tell whether the outer loop reads a name where the inner loop has changed it."""
    end = getattr(inner, "end_lineno", 0) or 0
    later = [one for one in outer.body if one.lineno > end]
    bound = {
        id(part)
        for statement in later
        for one in ast.walk(statement)
        if _sets(one) & names
        for part in ast.walk(one)
    }
    return any(
        isinstance(one, ast.Name)
        and isinstance(one.ctx, ast.Load)
        and one.id in names
        and id(one) not in bound
        for statement in later
        for one in ast.walk(statement)
    )


def _sets(node: ast.AST) -> set[str]:
    """Return the names that a loop, or a comprehension, gives a value of its own."""
    if isinstance(node, ast.For | ast.While):
        return _targets(node)
    made = getattr(node, "generators", [])
    parts = (part for one in made for part in ast.walk(one.target))
    return {part.id for part in parts if isinstance(part, ast.Name)}
