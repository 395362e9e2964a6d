"""Buffers that are set back to a template, which is the buffer itself.

``grads = zeros`` makes a second name: what is then added to ``grads`` is in ``zeros`` too.
"""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator

import numpy as np

from tinygrad_bp.doctor.findings.diagnosis import FAULT, Finding
from tinygrad_bp.doctor.learning.roles import Roles, is_stored, stored_in_loop
from tinygrad_bp.doctor.watched.recorder import is_array
from tinygrad_bp.doctor.watched.replay import Replay
from tinygrad_bp.doctor.watched.slots import Path, same, shown

TWICE = 2  # times that a template is taken: at first, and to set back


def set_back_to_itself(replay: Replay, roles: Roles) -> list[Finding]:
    """Return the templates that an iteration changes itself, and no statement names."""
    stored = stored_in_loop(replay)
    shapes = {np.shape(replay.before[path]) for path in roles.parameters}
    for path in roles.changed:
        value = replay.before[path]
        own = path in roles.parameters or is_stored(path, stored)
        if own or not is_array(value) or value.shape not in shapes:
            continue
        replay.run()  # what is changed in place is so until the next run
        if same(replay.reached.values[path], value) or not _carries(replay, roles, path):
            continue
        for target, line in _taken(replay, path):
            text = (
                f"{replay.script.at(line)} sets {target} back to what it is already: what is added"
                f" to it is added to {shown(path)}, and none of it is ever cleared"
            )
            return [Finding("aliased-buffer", FAULT, text, line, shown(path))]
    return []


def _carries(replay: Replay, roles: Roles, path: Path) -> bool:
    """Tell whether what a buffer held before an iteration moves the parameters in it."""
    other = replay.at({path: replay.before[path] + 1.0})
    after = [other.value(one) for one in roles.parameters] if other is not None else []
    plain = replay.run()
    return any(not same(a, plain.value(b)) for a, b in zip(after, roles.parameters, strict=False))


def _taken(replay: Replay, path: Path) -> Iterator[tuple[str, int]]:
    """Yield (target, line) of what is bound to a template more than once, the last time."""
    keys = {str(part[1]) for part in path[2:] if part[0] == "attr"} or {str(path[1])}
    lines: dict[str, list[int]] = defaultdict(list)
    for one in ast.walk(replay.script.tree):
        if isinstance(one, ast.Assign) and isinstance(one.value, ast.Name | ast.Attribute):
            leaf = getattr(one.value, "attr", getattr(one.value, "id", ""))
            for target in one.targets if leaf in keys else ():
                lines[ast.unparse(target)].append(one.lineno)
    yield from ((text, some[-1]) for text, some in lines.items() if len(some) >= TWICE)
