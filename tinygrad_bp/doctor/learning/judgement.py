"""What was measured about a script's gradients, and what follows from it."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from tinygrad_bp.doctor.findings.diagnosis import Finding, Undecided
from tinygrad_bp.doctor.learning.gradients import Match, Point
from tinygrad_bp.doctor.learning.losses import Form
from tinygrad_bp.doctor.watched.replay import Replay
from tinygrad_bp.doctor.watched.slots import Path, shown

LISTED = 8  # parameters of one finding
Table = dict[str, dict[Path, Match]]


@dataclass
class Verdict:
    """What was measured about the gradient, and what follows from it."""

    points: list[Point] = field(default_factory=list)
    form: Form | None = None
    findings: list[Finding] = field(default_factory=list)
    edits: dict[str, dict[int, Any]] = field(default_factory=dict)  # a finding's name: its edit
    undecided: list[Undecided] = field(default_factory=list)
    right: set[Path] = field(default_factory=set)


def created(replay: Replay, path: Path) -> int | None:
    """Return the line that first stores a name."""
    text = shown(path)
    for one in ast.walk(replay.script.tree):
        if isinstance(one, ast.Assign) and any(
            ast.unparse(part) == text for target in one.targets for part in ast.walk(target)
        ):
            return one.lineno
    return None


def names(paths: Iterable[Path]) -> str:
    """Return paths as the script writes them; of many the first."""
    listed = [shown(path) for path in paths]
    if len(listed) > LISTED:
        listed[LISTED - 1 :] = [f"and {len(listed) - LISTED + 1} more"]
    return ", ".join(listed)


def source_line(replay: Replay, line: int) -> str:
    """Return a line of the script."""
    lines = replay.script.text.splitlines()
    return lines[line - 1] if 0 < line <= len(lines) else ""
