"""Units that start alike and stay so: a layer of them is worth one."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any, TypeVar

import numpy as np

from tinygrad_bp.doctor.findings.diagnosis import FAULT, Finding
from tinygrad_bp.doctor.learning.judgement import names
from tinygrad_bp.doctor.learning.roles import Roles
from tinygrad_bp.doctor.watched.recorder import is_array
from tinygrad_bp.doctor.watched.replay import Replay
from tinygrad_bp.doctor.watched.slots import Path, same

CHAIN = 2  # matrices of 0 that keep each other there: nothing acts behind them
ROUNDS = 4  # iterations after which units that started alike would differ
Key = TypeVar("Key", bound=Hashable)


def alike(replay: Replay, roles: Roles) -> list[Finding]:
    """Return the layers whose units are equal at the start and stay so."""
    values = replay.before
    still = [p for p in (*roles.idle, *roles.stuck) if np.ndim(values[p]) > 1]
    silent = roles.idle if len(still) >= CHAIN and not any(np.any(values[p]) for p in still) else []
    paths = dict.fromkeys([*roles.parameters, *roles.stuck, *roles.changed, *silent])
    equal = {path: values[path] for path in paths if _axes(values[path])}
    others = {*roles.changed} - {*roles.parameters}
    equal = {p: one for p, one in equal.items() if p not in others or _is_carried(replay, p)}
    series = _series(roles.parameters, values)
    if not equal and not series:
        return []
    ended = replay.run()
    for _ in range(ROUNDS - 1):
        ended = replay.run(keep=True) if ended.error is None else ended
    after = {path: ended.value(path) for path in (*equal, *(p for one in series for p in one))}
    replay.reset()
    wide = stay_alike(equal, after)
    wide += [
        path for one in series
        if all(same(after[one[0]], after[p]) and not same(after[p], values[p]) for p in one)
        for path in one
    ]  # fmt: skip
    return [told(names(wide), ROUNDS)] if wide else []


def told(layers: str, steps: int) -> Finding:
    """Return the finding that these layers' units are alike."""
    text = f"all units of {layers} have equal weights, at the start and after {steps} steps"
    return Finding("symmetric-init", FAULT, text, parameter=layers)


def stay_alike(before: Mapping[Key, Any], after: Mapping[Key, Any]) -> list[Key]:
    """Return the matrices of which all units are equal, at the start and some steps later.

    A single row or column says so where the next layer's is one too: units between one input and
    one output.  Alone, it may be the weights of inputs that are alike.
    """
    axes = {
        path: [axis for axis in _axes(value) if _equal(after[path], axis)]
        for path, value in before.items() if np.shape(after[path]) == np.shape(value)
    }  # fmt: skip
    equal = [path for path, some in axes.items() if some]
    lone = [path for path in equal if min(np.shape(before[path])) == 1]
    moved = {np.shape(before[path]) for path in lone if not same(before[path], after[path])}
    between = {shape for shape in moved if shape[::-1] in moved}
    return [path for path in equal if path not in lone or np.shape(before[path]) in between]


def _is_carried(replay: Replay, path: Path) -> bool:
    """Tell whether an iteration hands on what it found: an answer is made anew each time."""
    plain = replay.run().value(path)
    more = replay.at({path: replay.before[path] + 1.0})
    return more is not None and not same(more.value(path), plain)


def _axes(value: Any) -> list[int]:
    """Return along which axes a matrix repeats one row or column."""
    if not is_array(value) or value.ndim != 2 or value.dtype.kind != "f":
        return []
    return [axis for axis in (0, 1) if value.shape[axis] > 1 and _equal(value, axis)]


def _series(paths: list[Path], values: dict[Path, Any]) -> list[list[Path]]:
    """Return the places alike but for the number of a unit, of units that all start the same."""
    units: dict[Path, dict[Path, list[Path]]] = {}
    for path in paths:
        for k, (kind, key) in enumerate(path[2:], 2):
            if kind == "key" and isinstance(key, int) and path[k + 1 :]:
                units.setdefault(path[:k], {}).setdefault(path[k + 1 :], []).append(path)
    return [
        one for some in units.values()
        if all(len(p) > 1 and all(same(values[p[0]], values[q]) for q in p) for p in some.values())
        for one in some.values()
    ]  # fmt: skip


def _equal(value: Any, axis: int) -> bool:
    first = np.take(value, [0], axis=axis)
    return bool(np.allclose(value, first, rtol=1e-9, atol=1e-12))
