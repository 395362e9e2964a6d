"""Exponentials of a softmax that overflow: shifted by the largest, in a whole run."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Any

from tinygrad_bp.doctor.checks.numerics import is_softmax, out_of_range
from tinygrad_bp.doctor.findings.diagnosis import FAULT, Finding
from tinygrad_bp.doctor.treatments.trials import Trials
from tinygrad_bp.doctor.watched import patches
from tinygrad_bp.doctor.watched.rewriting import Script
from tinygrad_bp.doctor.watched.substitution import expression

Replaced = dict[int, Any]
NAME = "softmax-shift"


def shifted(
    trials: Trials, spoilt: list[Finding], after: list[Finding], edits: dict[str, Replaced]
) -> bool:
    """Add to the edits, and to the finding, the shift that keeps a softmax in range, if it does.

    Only where it is out of range `after` the gradients are mended.  Where all that is divided by
    has become 0, that is a want of a shift too.
    """
    left = {one.name for one in after if one.severity == FAULT}
    faults = [one for one in spoilt if one.severity == FAULT and one.name in left and one.line]
    one = next((one for one in faults if one.name == NAME), None) or next(
        (one for one in faults if one.name == "zero-division"
         and is_softmax(trials.script, one.line or 0)), None)  # fmt: skip
    if one is None or one.line is None or NAME in edits:
        return False
    others = {key: new for some in edits.values() for key, new in some.items()}
    for edit in _shifts(trials.script, one.line):
        outcome = trials.run(replaced={**others, **edit})
        left = {other.name for other in out_of_range(trials.script, outcome)}
        if outcome.curve and outcome.final.score > -1 and one.name not in left:
            edits[NAME], one.patch = edit, patches.patch_of(trials.script, edit)
            one.name = NAME
            return True
    return False


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
