"""What one step hands to the next: gradients that are never set back, and shuffled samples."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_bp.doctor.checks.resets import set_back_to_itself
from tinygrad_bp.doctor.findings.diagnosis import FAULT, Finding
from tinygrad_bp.doctor.learning.pairs import operands
from tinygrad_bp.doctor.learning.roles import Roles, is_stored, stored_in_loop, visiting
from tinygrad_bp.doctor.watched.recorder import is_array
from tinygrad_bp.doctor.watched.replay import Iteration, Replay
from tinygrad_bp.doctor.watched.slots import Names, Path, same, shown


def carried(replay: Replay, roles: Roles) -> list[Finding]:
    """Return the buffers to which gradients are added without their being set to 0."""
    shapes = {np.shape(replay.before[path]) for path in roles.parameters}
    own = {*roles.parameters}
    kept: list[Path] = []
    for path in roles.changed:
        value = replay.before[path]
        is_buffer = is_array(value) and value.dtype.kind == "f" and value.shape in shapes
        if is_buffer and path not in own and _adds_up(replay, roles, path):
            kept.append(path)
    if not kept:
        return []
    names = ", ".join(shown(path) for path in kept)
    text = (
        f"what {names} held before an iteration is still in it after, whole, and the step is longer"
        " by it: the gradients of all steps so far add up"
    )
    return [Finding("never-reset", FAULT, text, parameter=names)]


def _adds_up(replay: Replay, roles: Roles, path: Path) -> bool:
    """Tell whether a buffer keeps all of what it held, and hands all of it to a parameter."""
    plain = replay.run()
    before = plain.value(path), _ends(plain, roles)
    amount = 0.37 * (1 + float(np.abs(replay.before[path]).max()))

    def change(names: Names) -> None:
        names.put(path, replay.before[path] + amount)

    more = replay.run(change)
    if plain.error or more.error or before[0] is None or more.value(path) is None:
        return False
    if np.shape(more.value(path)) != np.shape(before[0]):
        return False
    if not np.allclose(more.value(path) - before[0], amount, rtol=1e-6):
        return False  # momentum keeps a part
    increment = before[0] - replay.before[path]
    for one, value in _ends(more, roles).items():
        old = before[1][one]
        if np.shape(value) != np.shape(increment) or np.shape(value) != np.shape(old):
            continue
        moved, step = value - old, old - replay.before[one]
        scale = float(np.abs(step).max()) or 1.0
        straight = np.allclose(moved, moved.flat[0] if moved.size else 0, atol=1e-9 * scale)
        if np.abs(moved).max() > 1e-9 and straight and _parallel(increment, step):
            return True
    return False


def _ends(iteration: Iteration, roles: Roles) -> dict[Path, Any]:
    found = {path: iteration.value(path) for path in roles.parameters}
    return {path: np.asarray(value, float) for path, value in found.items() if value is not None}


def _parallel(one: Any, other: Any) -> bool:
    length = np.linalg.norm(one) * np.linalg.norm(other)
    return bool(length and abs(np.sum(one * other)) / length > 0.999)


def aliased(replay: Replay, roles: Roles) -> list[Finding]:
    """Return arrays with two names, of which the loop changes each by its own step."""
    stored, pairs = stored_in_loop(replay) - visiting(replay), []
    for first, second in replay.reached.aliases:
        names = [shown(path) for path in (first, second)]
        both = names[0] != names[1] and is_stored(first, stored) and is_stored(second, stored)
        siblings = first[:-1] == second[:-1] and first[0] == second[0]
        siblings = siblings or _stays_one(replay, first, second, stored)
        learns = first in {*roles.parameters, *roles.changed}
        if both and siblings and learns and _in_place(replay, first, second):
            pairs.append(names)
    found = []
    if pairs:
        text = ", ".join(f"{one} and {other} are one array" for one, other in pairs[:4])
        every = ", ".join(dict.fromkeys(name for names in pairs for name in names))
        text += ": a step for one is a step for both"
        found.append(Finding("aliased-buffer", FAULT, text, parameter=every))
    found += [*_shared(replay, roles, stored), *_of_itself(replay, roles)]
    return found or set_back_to_itself(replay, roles)


def _of_itself(replay: Replay, roles: Roles) -> list[Finding]:
    """Return the differences of an array and itself, under two names, after it has changed."""
    met, changed = roles.base.recording.of_itself, roles.base.marks.values()
    texts = operands(replay)
    for place, before in met.items():
        one, other = texts.get(place, ("", ""))
        if one != other and any(mark <= before for mark in changed):
            text = (
                f"{replay.script.at(place[0])}: {one} and {other} are one array, changed in place"
            )
            text += ": their difference is always 0"
            return [Finding("aliased-buffer", FAULT, text, place[0], parameter=f"{one}, {other}")]
    return []


def _in_place(replay: Replay, first: Path, second: Path) -> bool:
    """Tell whether an iteration changes an array itself, or leaves both of its names on it.

    Names that are bound to new arrays have shared nothing but a start.
    """
    ended, shared = replay.run(), replay.reached.values[first]
    try:
        kept = ended.names.get(first) is shared is ended.names.get(second)
    except (KeyError, IndexError, AttributeError, TypeError):
        kept = False
    return kept or not same(shared, replay.before[first])


def _stays_one(replay: Replay, first: Path, second: Path, stored: set[str]) -> bool:
    """Tell whether two holders, each stored into by its own name, share an array that is kept.

    They are alike but for that one name: `m["W1"]` and `v["W1"]`.
    """
    apart = [(a, b) for a, b in zip(first, second, strict=False) if a != b]
    if len(first) != len(second) or len(apart) != 1:
        return False
    bases = {part for text in stored if "[" in text for part in text.split("[")[0].split(".")}
    keys = [one[1] if isinstance(one, tuple) else one for one in apart[0]]
    if not bases.issuperset(keys):
        return False
    ended, before = replay.run(), replay.reached.values[first]
    try:
        return ended.names.get(first) is before is ended.names.get(second)
    except (KeyError, IndexError, AttributeError, TypeError):
        return False


def _shared(replay: Replay, roles: Roles, stored: set[str]) -> list[Finding]:
    """Return lists and dictionaries with two names, into which the loop stores under both."""
    found = []
    for first, second in replay.reached.shared:
        names = [shown(path) for path in (first, second)]
        siblings = first[:-1] == second[:-1] and first[0] == second[0] and names[0] != names[1]
        into = all(any(text.startswith(f"{name}[") for text in stored) for name in names)
        holds = any(path[: len(first)] == first for path in roles.changed)
        if siblings and into and holds:
            text = f"{names[0]} and {names[1]} are one object: what is stored in one is in both"
            found.append(Finding("aliased-buffer", FAULT, text, parameter=", ".join(names)))
    return found
