"""Layers with no function between them: the output is straight in the inputs, not in the weights.

So it is in any form in which the last function is undone: of a sigmoid, of tanh, of softmax.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from tinygrad_bp.doctor.learning.gradients import learned, random_point
from tinygrad_bp.doctor.learning.losses import meetings
from tinygrad_bp.doctor.learning.pairs import Pair, are_shares
from tinygrad_bp.doctor.learning.roles import Roles, is_target
from tinygrad_bp.doctor.watched.recorder import is_array
from tinygrad_bp.doctor.watched.replay import Replay
from tinygrad_bp.doctor.watched.slots import Path

SEEDS = 3  # draws of weights and inputs
SCALE = 0.25  # of them: at large ones a sigmoid is rounded to its bounds
STRAIGHT = 1e-6  # share of a difference by which it may change along a line
PLACES = (1.0, 2.0, 3.0)  # along a line


def unbroken(replay: Replay, roles: Roles, pair: Pair) -> bool:
    """Tell whether layers follow each other with no function between them."""
    several = [path for path in learned(roles) if np.ndim(replay.before[path]) > 0]
    inputs = [path for path, value in replay.before.items() if is_array(value)
              and (path in roles.data or (is_target(replay, path) and value.ndim > 0))]  # fmt: skip
    if len(several) < 2 or not inputs:
        return False
    straight: set[str] | None = None
    for seed in range(SEEDS):
        rng = np.random.default_rng(seed)
        data, way = ({p: _drawn(replay.before[p], rng) for p in inputs} for _ in range(2))
        weights = random_point(replay, roles, SCALE, seed)
        by_inputs = [{**weights, **{p: data[p] + t * way[p] for p in data}} for t in PLACES]
        by_weights = [{**data, **{p: t * one for p, one in weights.items()}} for t in PLACES]
        along = _straight(replay, roles, pair, by_inputs)
        along -= _straight(replay, roles, pair, by_weights)
        straight = along if straight is None else straight & along
        if not straight:
            return False
    return True


def _drawn(value: Any, rng: np.random.Generator) -> Any:
    whole = value.dtype.kind != "f"
    return rng.integers(0, 2, value.shape) if whole else SCALE * rng.standard_normal(value.shape)


def _straight(replay: Replay, roles: Roles, pair: Pair, places: list[dict[Path, Any]]) -> set[str]:
    """Return the forms in which the output goes straight from the first place to the last."""
    seen: list[dict[str, Any]] = []
    for values in places:
        ran = replay.at(values, limit=roles.compared or None)
        outputs = meetings(ran.recording, pair, roles.compared)[0] if ran is not None else []
        if not outputs:
            return set()
        parts = [dict(_undone(one)) for one in outputs]
        shared = [name for name in parts[0] if all(name in one for one in parts)]
        seen.append({name: np.concatenate([one[name] for one in parts]) for name in shared})
    found = set()
    for name in seen[0]:
        some = [one[name] for one in seen if name in one and len(one[name]) == len(seen[0][name])]
        if len(some) < len(places) or not all(np.isfinite(one).all() for one in some):
            continue
        first, second = some[1] - some[0], some[2] - some[1]
        size = float(np.abs(first).max(initial=0.0))
        if size > 0 and float(np.abs(second - first).max()) < STRAIGHT * size:
            found.add(name)
    return found


def _undone(output: Any) -> Iterator[tuple[str, Any]]:
    """Yield an output as it is, and as it was before each function that it may be of."""
    o = np.asarray(output, float)
    yield "itself", np.ravel(o)
    with np.errstate(all="ignore"):
        if np.all((o > 0) & (o < 1)):
            yield "sigmoid", np.ravel(np.log(o) - np.log1p(-o))
        if np.all(np.abs(o) < 1):
            yield "tanh", np.ravel(np.arctanh(o))
        if np.all(o > 0) and are_shares(o):
            for axis in range(o.ndim):
                yield f"softmax {axis}", np.ravel(np.log(o) - np.log(o).mean(axis, keepdims=True))
