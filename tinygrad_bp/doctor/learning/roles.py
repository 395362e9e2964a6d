"""Which arrays are parameters, which value is the output and which the label: found by behaviour.

A parameter changes from one iteration to the next, and moving it moves one side of a comparison
before it is changed itself.  That side is the output; the other, which stays, is the label.
"""

from __future__ import annotations

import ast
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tinygrad_bp.doctor.learning.losses import Weights, fitting
from tinygrad_bp.doctor.learning.own_losses import own_losses
from tinygrad_bp.doctor.learning.pairs import (
    SIZES,
    Pair,
    disturbed,
    is_threshold,
    moved_by,
    pairs_of,
)
from tinygrad_bp.doctor.watched.clock import now
from tinygrad_bp.doctor.watched.recorder import is_array
from tinygrad_bp.doctor.watched.replay import Iteration, Replay
from tinygrad_bp.doctor.watched.slots import Path, same, shown

LISTED = 2  # arrays that may weigh the samples


@dataclass
class Roles:
    """What the arrays of a loop are for.

    Attributes
    ----------
    compared : int
        How many comparisons an iteration makes before the first parameter changes.
    turn : int or None
        How many it makes until it begins its second step, where it makes several.
    """

    parameters: list[Path]
    stuck: list[Path]
    pairs: list[Pair]
    compared: int
    base: Iteration
    turn: int | None = None
    changed: list[Path] = field(default_factory=list)
    idle: list[Path] = field(default_factory=list)  # stored into, and neither moving nor acting
    data: list[Path] = field(default_factory=list)
    weights: Weights = field(default_factory=dict)


def find_roles(replay: Replay, seconds: float = 4.0, limit: int | None = None) -> Roles | None:
    """Return the roles in an iteration, or None where nothing learns in it.

    Of one with more comparisons than the `limit` its beginning is looked at, for the parameters
    alone; all of it where none moves in there.
    """
    until = now() + seconds
    base = replay.run(limit=limit)
    cut = base.stopped
    if not base.recording.comparisons and not base.recording.stores:
        return None
    _prefer_moving_names(replay, base)
    changed = [] if base.error else _changed(replay, base)
    if limit is not None and cut and not changed:
        return find_roles(replay, seconds)
    crashed = base.error is not None
    candidates = changed or [p for p, v in replay.before.items() if crashed and _may_learn(v)]
    candidates = [p for p in candidates if not is_target(replay, p)]
    base = replay.run(watched=changed, limit=limit)
    moved = moved_by(replay, candidates, base, until)
    every = pairs_of(replay, base, moved, changed)
    pairs = [pair for pair in every if pair.operation != "="]
    if not crashed and pairs and any(not np.any(replay.before[p]) for p in candidates):
        moved = _moved_further(replay, moved, pairs, changed, until)
    roles = Roles([], [], pairs, 0, base, changed=changed)
    roles.parameters = _movers(candidates, moved, pairs)
    if crashed:
        samples = _sample_counts(replay, roles)
        roles.parameters = [
            p for p in roles.parameters if not {*np.shape(replay.before[p])} & samples
        ] or roles.parameters
    count_comparisons(roles, base)
    if not crashed and not cut:
        _add_stuck(replay, roles, until)
        roles.weights = _weights(replay, roles)
        for pair, paths in own_losses(replay, base, roles.parameters or candidates, until):
            roles.pairs.append(pair)
            roles.parameters = roles.parameters or [p for p in candidates if p in paths]
        every = [pair for pair in every if is_threshold(pair, base.recording.comparisons)]
        if not roles.pairs and every:  # answers that are asked whether they are the labels
            roles.pairs, roles.parameters = every, _movers(candidates, moved, every)
            _add_stuck(replay, roles, until)
        count_comparisons(roles, base)
    return roles if roles.parameters or roles.stuck else None


def _movers(candidates: list[Path], moved: dict[Path, list[Pair]], pairs: list[Pair]) -> list[Path]:
    return [path for path in candidates if any(one in pairs for one in moved.get(path, ()))]


def _moved_further(
    replay: Replay, moved: dict[Path, list[Pair]], pairs: list[Pair], changed: list[Path],
    until: float,
) -> dict[Path, list[Pair]]:  # fmt: skip
    """Look again for numbers that move an output, with other weights.

    Where the weights start at 0 too, the answer is the number itself: so is the value of an update.
    """
    still = [p for p in moved if np.size(replay.before[p]) == 1 and not np.any(replay.before[p])]
    idle = [path for path in still if not any(one in pairs for one in moved[path])]
    rng = np.random.default_rng(5)
    others = {p: disturbed(replay.before[p], rng, 1.0) for p in moved if p not in idle}
    base = replay.at(others, watched=changed) if idle else None
    return moved if base is None else moved | moved_by(replay, idle, base, until, others)


def turned(replay: Replay, paths: list[Path]) -> bool:
    """Tell whether an iteration makes arrays of floats of lists, or of arrays of integers."""
    whole = [p for p in paths if is_array(replay.before[p]) and replay.before[p].dtype.kind in "iu"]
    listed = [path[:-1] for path in paths if len(path) > 2 and path[-1][0] == "key"]
    if not whole and not listed:
        return False
    ended = replay.run()
    after = [ended.value(path) for path in (*whole, *listed)]
    return any(is_array(one) and one.dtype.kind == "f" for one in after)


def count_comparisons(roles: Roles, iteration: Iteration) -> None:
    """Find where the first step of an iteration begins and ends."""
    met, marks = iteration.recording.comparisons, iteration.marks
    changes = [marks[p] for p in roles.parameters if p in marks]
    roles.compared = min(changes, default=len(met))
    place = roles.pairs[0].place if roles.pairs else None
    later = range(max(changes, default=len(met)), len(met))
    roles.turn = next((k + 1 for k in later if met[k].place == place), None)


def _prefer_moving_names(replay: Replay, base: Iteration) -> None:
    """Of two names of one array keep the one under which the iteration puts a new value."""
    for first, second in replay.reached.aliases:
        before = replay.before.get(first)
        if before is None or not same(base.value(first), before):
            continue
        after = base.value(second)
        if after is not None and np.ndim(after) == np.ndim(before) and not same(after, before):
            for values in (replay.before, replay.reached.values):
                values[second] = values.pop(first)


def _may_learn(value: Any) -> bool:
    return is_array(value) and value.dtype.kind == "f"


def is_target(replay: Replay, path: Path) -> bool:
    """Tell whether a path is a variable of a loop, or an array that such a variable holds."""
    targets = set()
    for place in (replay.loop.place, *replay.loop.around):
        node = replay.script.loops[place].node
        if isinstance(node, ast.For):
            targets |= {one.id for one in ast.walk(node.target) if isinstance(one, ast.Name)}
    return len(path) == 2 and path[1] in targets


def _changed(replay: Replay, base: Iteration) -> list[Path]:
    """Return what differs after one iteration, or after three; or in the beginning of one."""
    after = {path: base.value(path) for path in replay.before}
    later = after
    for _ in range(0 if base.stopped else 2):  # a gradient may be 0 at the start
        more = replay.run(keep=True)
        if more.error is not None:
            break
        later = {path: more.value(path) for path in replay.before}
    replay.reset()
    found = []
    for path, before in replay.before.items():
        values = [one for one in (after[path], later[path]) if one is not None]
        if all(same(before, one) for one in values):
            continue
        if isinstance(before, int) and not any(isinstance(v, float | np.floating) for v in values):
            continue  # a counter
        if is_array(before) and any(_is_permuted(before, one) for one in values):
            continue
        found.append(path)
    return found


def _is_permuted(one: Any, other: Any) -> bool:
    if np.shape(one) != np.shape(other) or np.size(one) < 4:
        return False
    return not same(one, other) and same(np.sort(np.ravel(one)), np.sort(np.ravel(other)))


def _sample_counts(replay: Replay, roles: Roles) -> set[int]:
    """Return the lengths that are numbers of samples: the labels', or the tables' of a loop."""
    counts: set[int] = set()
    for one in roles.base.recording.comparisons:
        for pair in roles.pairs[:1]:  # another may be a step: a gradient beside a parameter
            if pair.place == one.place and pair.label_of(one).size > 1:
                counts.add(max(pair.label_of(one).shape))
    fixed = {p: v for p, v in replay.before.items() if p not in roles.changed and is_array(v)}
    over = {one.id for place in (replay.loop.place, *replay.loop.around)
            for one in ast.walk(getattr(replay.script.loops[place].node, "iter", ast.Pass()))
            if isinstance(one, ast.Name)}  # fmt: skip
    over |= {name for one in ast.walk(replay.loop.node)
             if isinstance(one, ast.For | ast.comprehension) and one is not replay.loop.node
             for name in _gone_through(one.iter)}  # fmt: skip
    counts |= {len(v) for p, v in fixed.items() if v.ndim and len(p) == 2 and p[1] in over}
    lengths = Counter(len(one) for one in fixed.values() if one.ndim)
    shared = [length for length, many in lengths.items() if many > 1 and length > 3]
    longest = max(shared, default=0)
    return counts | ({longest} if longest > max(counts, default=0) else set())


def _gone_through(over: ast.expr) -> list[str]:
    """Return the names that a loop takes one element after the other of."""
    if isinstance(over, ast.Call) and ast.unparse(over.func) in {"zip", "enumerate"}:
        return [name for one in over.args for name in _gone_through(one)]
    return [over.id] if isinstance(over, ast.Name) else []


def stored_in_loop(replay: Replay, *, lasting: bool = False) -> set[str]:
    """Return what the loop, or a function it calls, stores into, as the script writes it.

    What is `lasting` leaves out the names that are a called function's own: they are gone with it.
    """
    called = {line for _, line in replay.functions()}
    found = _stored(replay.loop.node)
    for one in ast.walk(replay.script.tree):
        if isinstance(one, ast.FunctionDef) and one.lineno in called:
            shared = {name for part in ast.walk(one) if isinstance(part, ast.Global | ast.Nonlocal)
                      for name in part.names}  # fmt: skip
            some = _stored(one)
            own = {text for text in some if text.isidentifier() and text not in shared}
            found |= some - own if lasting else some
    return found


def visiting(replay: Replay) -> set[str]:
    """Return the variables of the loops inside: what they go over has names of its own."""
    inner = (one for one in ast.walk(replay.loop.node) if isinstance(one, ast.For))
    return {part.id for one in inner for part in ast.walk(one.target) if isinstance(part, ast.Name)}


def _stored(root: ast.AST) -> set[str]:
    nodes = ast.walk(root)
    return {ast.unparse(one) for one in nodes if isinstance(getattr(one, "ctx", None), ast.Store)}


def is_stored(path: Path, stored: set[str]) -> bool:
    """Tell whether a loop stores under the last name of a path: `W` alone is not `self.W`."""
    if len(path) == 2:  # the name itself, or elements of what it holds
        return any(one.split("[")[0] == path[1] for one in stored)
    last = [str(key) for kind, key in path[2:] if kind in {"attr", "cell"}][-1:] or [str(path[1])]
    parts = {one.split("[")[0].split(".")[-1] for one in stored if "." in one or "[" in one}
    return last[0] in parts


def _add_stuck(replay: Replay, roles: Roles, until: float, size: float = 1.0) -> None:
    """Find what acts on the output as a parameter does, and never moves; and the data.

    Where nothing moves, what stands behind weights of 0, or before an output that is shut, acts
    once those that act are moved.
    """
    known, roles.idle = {*roles.changed, *roles.stuck, *roles.data}, []
    fixed = [p for p, v in replay.before.items() if p not in known and is_array(v)]
    fixed = [p for p in fixed if not is_target(replay, p)]
    rng, still = np.random.default_rng(5), len(roles.stuck)
    acting = roles.parameters or roles.stuck
    others = {p: disturbed(replay.before[p], rng, size) for p in acting}

    base = replay.at(others, watched=roles.changed) or replay.run(watched=roles.changed)
    moved = moved_by(replay, fixed, base, until, others, roles.compared)
    stored, lasting = stored_in_loop(replay), stored_in_loop(replay, lasting=True)
    lasting -= visiting(replay)  # what a loop inside goes over may be rows of the data
    if not roles.pairs:
        kept = [path for path in fixed if is_stored(path, stored)]
        found = pairs_of(replay, roles.base, moved, kept)
        roles.pairs = [pair for pair in found if pair.operation != "="]
    samples = _sample_counts(replay, roles)
    for path, pairs in moved.items():
        value = replay.before[path]
        named, sampled = is_stored(path, stored), bool({*value.shape} & samples)
        if not any(one in roles.pairs for one in pairs):
            named |= path[1] in stored and all(isinstance(key, str) for _, key in path[2:])
            roles.idle += [path] if named and not sampled and value.dtype.kind == "f" else []
            continue
        visited = any(
            not some for other, some in moved.items() if other != path and _alike(other, path)
        )  # a sample of a list: the others do not act in this iteration
        whole = getattr(replay.reached.values[path], "base", None)  # it is a view of another array
        if any(whole is replay.reached.values[other] for other in moved if other != path):
            roles.data.append(path)
            continue
        is_data = sampled or visited or value.dtype.kind != "f" or is_table(replay, roles, path)
        if value.ndim and (is_stored(path, lasting) or not is_data):
            roles.stuck.append(path)
        else:
            roles.data.append(path)
    still = len(roles.stuck) - still
    for further in SIZES if still and not roles.parameters else ():
        many = len(roles.stuck)
        _add_stuck(replay, roles, until, further)
        if len(roles.stuck) > many:
            break


def _alike(one: Path, other: Path) -> bool:
    """Tell whether two paths differ in the numbers of elements alone."""
    pairs = zip(one[2:], other[2:], strict=False)
    return (
        len(one) == len(other) > 2
        and one[:2] == other[:2]
        and all(a == b or (isinstance(a[1], int) and isinstance(b[1], int)) for a, b in pairs)
    )


def is_table(replay: Replay, roles: Roles, path: Path) -> bool:
    """Tell whether each row of an array acts on no more than one sample's answer: it is data."""
    pair, value = roles.pairs[0], replay.before[path]
    if pair.own:
        return False
    base = _first_output(replay, roles, {})
    if base is None or max(base.shape, default=0) < 3:
        return False
    samples = int(np.argmax(base.shape))
    for axis in range(value.ndim):
        for k in range(min(value.shape[axis], 3)):
            row = np.array(value, float)
            row[(slice(None),) * axis + (k,)] += 1.0 + np.abs(row).mean()
            moved = _first_output(replay, roles, {path: row})
            if moved is None or moved.shape != base.shape:
                break
            others = tuple(a for a in range(base.ndim) if a != samples)
            if np.sum(np.any(moved != base, axis=others)) > 1:
                break
        else:
            return True
    return False


def _first_output(replay: Replay, roles: Roles, values: dict[Path, Any]) -> Any:
    """Return the output of an iteration with some values changed, or None."""
    run = replay.at(values, limit=roles.compared or None)
    met = (one for one in (run.recording.comparisons if run is not None else ())
           if one.place == roles.pairs[0].place)  # fmt: skip
    return next((roles.pairs[0].output_of(one) for one in met), None)


def _weights(replay: Replay, roles: Roles) -> Weights:
    """Return what may weigh the samples: numbers from 0 on, one a label, that no output follows."""
    met = [one for one in roles.base.recording.comparisons[: roles.compared]
           if roles.pairs and one.place == roles.pairs[0].place]  # fmt: skip
    labels = [roles.pairs[0].label_of(one) for one in met]
    known = {*roles.parameters, *roles.stuck, *roles.data, *roles.changed}
    found: Weights = {}
    for path, value in replay.before.items():
        if path in known or not is_array(value) or value.dtype.kind != "f" or value.size < 2:
            continue
        weights = fitting(value, labels)
        if weights is None or value.min() < 0 or value.min() == value.max():
            continue
        if np.all((weights == labels[0]) | (weights == 1 - labels[0])) or len(found) >= LISTED:
            continue
        found[shown(path)] = value
    return found
