"""Samples put in another order before training begins, and their labels not: proven by a run."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Any

from tinygrad_bp.doctor.findings.diagnosis import FAULT, Finding
from tinygrad_bp.doctor.learning.outcome import Outcome
from tinygrad_bp.doctor.treatments.trials import Trials
from tinygrad_bp.doctor.watched.clock import now
from tinygrad_bp.doctor.watched.substitution import expression

MOST = 4  # orderings that are undone, one at a time
BETTER = 0.3  # merit by which a run without one is better
DRAWN = ("permutation", "shuffle", "choice", "sample", "argsort")


def shuffled_alone(
    trials: Trials, base: Outcome, until: float
) -> tuple[Finding, dict[int, Any]] | None:
    """Say which ordering before the loop keeps the task undone: without it the task is done.

    What is drawn for it is drawn all the same, so that the start is the same one.
    """
    for tried, (line, text, edit) in enumerate(_orderings(trials)):
        if tried >= MOST or now() > until:
            return None
        outcome = trials.run(replaced={**trials.replaced, **edit})
        if outcome.final.is_solved and outcome.final.merit > base.final.merit + BETTER:
            told = f"{trials.script.at(line)} puts {text} in another order, before the first epoch"
            effect = f"{base.final} as it is; {outcome.final} in the order that it was made in"
            found = Finding("shuffled-without-labels", FAULT, told, line, text, effect=effect)
            found.gain = outcome.final.merit - base.final.merit
            return found, edit
    return None


def _orderings(trials: Trials) -> Iterator[tuple[int, str, dict[int, Any]]]:
    """Yield (line, what is put in order, the edit that undoes it) of what stands before a loop."""
    script = trials.script
    nodes: list[Any] = [one for one in ast.walk(script.tree)
             if hasattr(one, "lineno") and script.is_before(one, trials.epoch)]  # fmt: skip
    drawn = {ast.unparse(target) for one in nodes if isinstance(one, ast.Assign)
             and _draws(one.value) for target in one.targets}  # fmt: skip
    for one in nodes:
        if isinstance(one, ast.Call) and ast.unparse(one.func).endswith("shuffle") and one.args:
            text = ast.unparse(one.args[0])
            if text not in drawn and not _draws(one.args[0]):
                yield one.lineno, text, {id(one.args[0]): expression(f"({text}).copy()")}
        elif _is_reordered(one, drawn):
            text = ast.unparse(one.value)
            yield one.lineno, text, {id(one): expression(f"({ast.unparse(one)}, {text})[1]")}


def _is_reordered(node: ast.AST, drawn: set[str]) -> bool:
    if not isinstance(node, ast.Subscript) or not isinstance(node.ctx, ast.Load):
        return False
    return _draws(node.slice) or ast.unparse(node.slice) in drawn


def _draws(node: ast.expr) -> bool:
    calls = (one.func for one in ast.walk(node) if isinstance(one, ast.Call))
    return any(ast.unparse(one).endswith(DRAWN) for one in calls)
