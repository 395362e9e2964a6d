"""Exponentials of a softmax that overflow: shifted by the largest, in a whole run."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Any

from tinygrad_bp.doctor.checks.numerics import out_of_range
from tinygrad_bp.doctor.findings.diagnosis import FAULT, Finding
from tinygrad_bp.doctor.treatments.trials import Trials
from tinygrad_bp.doctor.watched import patches
from tinygrad_bp.doctor.watched.rewriting import Script
from tinygrad_bp.doctor.watched.substitution import expression

Replaced = dict[int, Any]
NAME = "softmax-shift"


def shifted(trials: Trials, spoilt: list[Finding], edits: dict[str, Replaced]) -> None:
    """Add to the edits, and to the finding, the shift that keeps a softmax in range."""
    one = next((one for one in spoilt if one.name == NAME and one.severity == FAULT), None)
    if one is None or one.line is None or NAME in edits:
        return
    others = {key: new for some in edits.values() for key, new in some.items()}
    for edit in _shifts(trials.script, one.line):
        outcome = trials.run(replaced={**others, **edit})
        left = {other.name for other in out_of_range(trials.script, outcome)}
        if outcome.curve and outcome.final.score > -1 and NAME not in left:
            edits[NAME], one.patch = edit, patches.patch_of(trials.script, edit)
            return


def _shifts(script: Script, line: int) -> Iterator[Replaced]:
    """Yield the edits that shift what a line exponentiates, and its like around, by its maximum."""
    nodes = list(ast.walk(script.tree))
    around: Any = next((one for one in nodes if isinstance(one, ast.FunctionDef)
                        and one.lineno <= line <= (one.end_lineno or 0)), None)  # fmt: skip
    lines = range(around.lineno, around.end_lineno + 1) if around is not None else (line,)
    exps = [one.args[0] for one in nodes if isinstance(one, ast.Call) and len(one.args) == 1
            and one.lineno in lines and ast.unparse(one.func).endswith("exp")]  # fmt: skip
    for tail in ("axis=-1, keepdims=True", "axis=0, keepdims=True"):
        yield {id(one): expression(f"{ast.unparse(one)} - ({ast.unparse(one)}).max({tail})")
               for one in exps}  # fmt: skip
