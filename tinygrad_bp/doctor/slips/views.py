"""Data that an iteration changes in place, through a view of them or another name."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Any

import numpy as np

from tinygrad_bp.doctor.findings.diagnosis import FAULT, Finding
from tinygrad_bp.doctor.learning.gradients import outputs_at
from tinygrad_bp.doctor.learning.judgement import Verdict
from tinygrad_bp.doctor.learning.pairs import disturbed
from tinygrad_bp.doctor.learning.roles import Roles, is_stored, is_table, stored_in_loop
from tinygrad_bp.doctor.slips.repairs import Workshop
from tinygrad_bp.doctor.watched import patches
from tinygrad_bp.doctor.watched.recorder import is_array
from tinygrad_bp.doctor.watched.replay import Iteration, Replay
from tinygrad_bp.doctor.watched.slots import Path, same, shown
from tinygrad_bp.doctor.watched.substitution import expression


def written_through(replay: Replay, roles: Roles, verdict: Verdict) -> list[Finding]:
    """Return the samples that every iteration changes further, and no statement names.

    The edit that keeps them as they are is the patch, and goes into the verdict.
    """
    stored = stored_in_loop(replay)
    for path in roles.changed:
        value = replay.before[path]
        own = path in roles.parameters or is_stored(path, stored)
        if own or not is_array(value) or value.ndim != 2 or not _acts(replay, roles, path):
            continue
        edits = _copies(Workshop(replay, roles), path) if _drifts(replay, path) else iter(())
        for line, edit in edits:
            text = f"{shown(path)} itself is changed, further in every iteration:"
            text += f" {replay.script.at(line)} works on a view of it"
            verdict.edits["aliased-buffer"] = edit
            patch = patches.patch_of(replay.script, edit)
            return [Finding("aliased-buffer", FAULT, text, line, shown(path), patch)]
    return []


def _acts(replay: Replay, roles: Roles, path: Path) -> bool:
    """Tell whether an array holds samples: it moves the output, each row one answer."""
    other = disturbed(replay.before[path], np.random.default_rng(7), 1.0)
    plain, moved = (outputs_at(replay, roles, some) for some in ({}, {path: other}))
    return bool(plain.size) and not same(plain, moved) and is_table(replay, roles, path)


def _drifts(replay: Replay, path: Path) -> bool:
    """Tell whether the second of two iterations changes an array in place as the first did."""
    before, values = replay.reached.values[path], [replay.before[path]]
    for keep in (False, True):
        ended = replay.run(keep=keep)
        values.append(ended.value(path))
        kept = ended.error is None and np.shape(values[-1]) == np.shape(values[0])
        if not kept or ended.names.get(path) is not before:
            replay.reset()
            return False
    replay.reset()
    return not np.allclose(values[0], values[1]) and not np.allclose(values[1], values[2])


def _copies(shop: Workshop, path: Path) -> Iterator[tuple[int, dict[int, Any]]]:
    """Yield (line, edit) for copies made of an array, or of part of it, that keep it as it is."""
    for unit in shop.units():
        for node, new in [*_handed_on(unit, shown(path)), *_in_place(unit)]:
            iteration: Iteration | None = shop.run({id(node): new}, [unit], None)
            if iteration is None or iteration.error is not None:
                continue
            if np.array_equal(iteration.value(path), shop.replay.before[path]):
                yield node.lineno, {id(node): new}


def _handed_on(unit: Any, text: str) -> Iterator[tuple[Any, ast.expr]]:
    for one in ast.walk(unit):
        parts: list[Any] = []
        if isinstance(one, ast.Assign):
            parts = one.value.elts if isinstance(one.value, ast.Tuple) else [one.value]
        elif isinstance(one, ast.Call):
            parts = one.args
        for part in parts:
            whole = part.value if isinstance(part, ast.Subscript) else part
            if ast.unparse(whole) == text:
                yield part, expression(f"{ast.unparse(part)}.copy()")


def _in_place(unit: Any) -> Iterator[tuple[Any, ast.Assign]]:
    for one in ast.walk(unit):
        if isinstance(one, ast.AugAssign) and isinstance(one.target, ast.Name):
            value = ast.BinOp(ast.Name(one.target.id, ast.Load()), one.op, one.value)
            yield one, ast.Assign([one.target], value)
