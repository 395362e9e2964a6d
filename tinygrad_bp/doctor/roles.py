"""Which arrays are parameters, which value is the output and which the label: found by behaviour.

A parameter changes from one iteration to the next, and moving it moves one side of a comparison
before it is changed itself.  That side is the output; the other, which stays, is the label.
"""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tinygrad_bp.doctor.clock import now
from tinygrad_bp.doctor.recorder import Comparison, is_array
from tinygrad_bp.doctor.replay import Iteration, Replay
from tinygrad_bp.doctor.rewriting import Place, place_of
from tinygrad_bp.doctor.slots import Names, Path, same, shown

LOSS_NAMES = ("loss", "cost", "err", "mse", "nll", "objective")
SIZES = (1.0, 10.0, -10.0)  # of a disturbance: a saturated unit needs the larger ones


@dataclass(frozen=True)
class Pair:
    """Where an output meets its label; or, without a place, a loss that the script computes."""

    place: Place
    operation: str
    output: str  # the side: "left" or "right"
    own: str = ""

    def output_of(self, one: Comparison) -> Any:
        """Return the output's value."""
        return one.left if self.output == "left" else one.right

    def label_of(self, one: Comparison) -> Any:
        """Return the label's value."""
        return one.right if self.output == "left" else one.left


@dataclass
class Roles:
    """What the arrays of a loop are for.

    Attributes
    ----------
    compared : int
        How many comparisons an iteration makes before the first parameter changes.
    """

    parameters: list[Path]
    stuck: list[Path]
    pairs: list[Pair]
    compared: int
    base: Iteration
    changed: list[Path] = field(default_factory=list)
    idle: list[Path] = field(default_factory=list)  # stored into, and neither moving nor acting
    data: list[Path] = field(default_factory=list)


def find_roles(replay: Replay, seconds: float = 4.0) -> Roles | None:
    """Return the roles in an iteration, or None where nothing learns in it."""
    until = now() + seconds
    base = replay.run()
    if not base.recording.comparisons and not base.recording.stores:
        return None
    _prefer_moving_names(replay, base)
    changed = [] if base.error else _changed(replay, base)
    crashed = base.error is not None
    candidates = changed or [p for p, v in replay.before.items() if crashed and _may_learn(v)]
    candidates = [p for p in candidates if not _is_target(replay, p)]
    base = replay.run(watched=changed)
    moved = _moved_by(replay, candidates, base, until)
    pairs = _pairs(replay, base, moved, changed)
    roles = Roles([], [], pairs, 0, base, changed)
    roles.parameters = [
        p for p in candidates if any(_meets(one, pairs) for one in moved.get(p, ()))
    ]
    if crashed:
        samples = _sample_counts(replay, roles)
        roles.parameters = [
            p for p in roles.parameters if not {*np.shape(replay.before[p])} & samples
        ] or roles.parameters
    else:
        _add_stuck(replay, roles, until)
    if not crashed:
        _add_own_loss(replay, roles, candidates, until)
    marks = [base.marks[p] for p in roles.parameters if p in base.marks]
    roles.compared = min(marks, default=len(base.recording.comparisons))
    return roles if roles.parameters or roles.stuck else None


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


def _is_target(replay: Replay, path: Path) -> bool:
    """Tell whether a path is a variable of a loop, or an array that such a variable holds."""
    targets = set()
    for place in (replay.loop.place, *replay.loop.around):
        node = replay.script.loops[place].node
        if isinstance(node, ast.For):
            targets |= {one.id for one in ast.walk(node.target) if isinstance(one, ast.Name)}
    return len(path) == 2 and path[1] in targets


def _changed(replay: Replay, base: Iteration) -> list[Path]:
    """Return what differs after one iteration, or after three."""
    after = {path: base.value(path) for path in replay.before}
    later = after
    for _ in range(2):  # a gradient may be 0 at the start
        more = replay.run(keep=True)
        if more.error is not None:
            break
        later = {path: more.value(path) for path in replay.before}
    saved = replay.reached.dicts[0][1]
    replay.names.local.clear()
    replay.names.local.update(saved)
    replay.reached.restore()
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


def disturbed(value: Any, rng: np.random.Generator, size: float) -> Any:
    """Return a value moved at random."""
    array = np.asarray(value, float)
    noise = rng.standard_normal(array.shape)
    moved = array * (1 + 0.3 * size * noise) + 0.05 * size * noise * (1 + np.abs(array).mean())
    if is_array(value) and value.dtype.kind in "iu":
        moved = np.round(array + rng.integers(1, 4, array.shape))
    return moved


def _moved_by(
    replay: Replay,
    paths: Iterable[Path],
    base: Iteration,
    until: float,
    others: dict[Path, Any] | None = None,
) -> dict[Path, list[Pair]]:
    found: dict[Path, list[Pair]] = {}
    for path in paths:
        if now() > until:
            break
        found[path] = moved_pairs(replay, path, base, others)
    return found


def moved_pairs(
    replay: Replay, path: Path, base: Iteration, others: dict[Path, Any] | None = None
) -> list[Pair]:
    """Return the comparisons of which moving the value at a path moves one side alone.

    Where `others` are given, both runs have these values at these paths: weights that are 0 pass
    nothing on.
    """
    many = base.marks.get(path, len(base.recording.comparisons))
    before = base.recording.comparisons[:many]
    for size in SIZES:
        value = disturbed(replay.before[path], np.random.default_rng(7), size)

        def change(names: Names, value: Any = value) -> None:
            for other, given in (others or {}).items():
                names.put(other, given)
            names.put(path, value)

        try:
            again = replay.run(change, limit=many or None)
        except (TypeError, KeyError, ValueError, AttributeError):
            return []
        moved = _moved(before, again.recording.comparisons, value)
        if moved:
            return moved
    return []


def _moved(before: list[Comparison], after: list[Comparison], value: Any) -> list[Pair]:
    found: dict[Pair, None] = {}
    mixed = set()  # places where both sides follow: updates
    for one, other in zip(before, after, strict=False):
        if one.place != other.place:
            break
        left, right = not same(one.left, other.left), not same(one.right, other.right)
        if left == right:
            mixed |= {one.place} if left else set()
            continue
        mover = other.left if left else other.right
        if mover.size <= np.size(value) and np.isin(np.ravel(mover)[:1], np.ravel(value)).all():
            continue  # the value itself: its update, and no output
        found[Pair(one.place, one.operation, "left" if left else "right")] = None
    return [pair for pair in found if pair.place not in mixed]


def _meets(pair: Pair, pairs: list[Pair]) -> bool:
    return pair in pairs


def _operands(replay: Replay) -> dict[Place, tuple[str, str]]:
    return {
        place_of(one.right): (ast.unparse(one.left), ast.unparse(one.right))
        for one in ast.walk(replay.script.tree)
        if isinstance(one, ast.BinOp) and isinstance(one.op, ast.Sub | ast.Div)
    }


def _pairs(
    replay: Replay, base: Iteration, moved: dict[Path, list[Pair]], changed: list[Path]
) -> list[Pair]:
    """Return the comparisons of an output with data, those first that most parameters move."""
    votes = Counter(pair for pairs in moved.values() for pair in pairs)
    texts = _operands(replay)
    state = {shown(path) for path in changed}
    by_place = {one.place: one for one in reversed(base.recording.comparisons)}
    found = []
    for pair in votes:
        other = Pair(pair.place, pair.operation, "right" if pair.output == "left" else "left")
        if other in votes:  # both sides follow from parameters: no data
            continue
        one = by_place.get(pair.place)
        if one is None or (pair.operation == "/" and pair.output == "left"):
            continue
        label, output = pair.label_of(one), pair.output_of(one)
        text = texts.get(pair.place, ("", ""))[1 if pair.output == "left" else 0]
        if text in state or (label.size == 1 and output.size > 1):
            continue
        arrays = (replay.before[p] for p in changed if is_array(replay.before[p]))
        if label.size > 1 and any(same(label, one) for one in arrays):
            continue
        found.append(pair)
    labels = {pair: pair.label_of(by_place[pair.place]) for pair in found if pair.operation == "-"}
    found = [
        pair
        for pair in found
        if not _follows(
            replay, pair, [y for p, y in labels.items() if votes[p] > votes[pair]], moved
        )
    ]
    return sorted(found, key=lambda p: (p.operation != "-", -votes[p], p.place))[:4]


def _follows(replay: Replay, pair: Pair, labels: list[Any], moved: dict[Path, list[Pair]]) -> bool:
    """Tell whether what moves here moves with the label of a better pair: an error, no output."""
    movers = [replay.before[path] for path, some in moved.items() if pair in some]
    return any(np.size(one) > 1 and same(one, label) for one in movers for label in labels)


def _sample_counts(replay: Replay, roles: Roles) -> set[int]:
    """Return the lengths that are numbers of samples: the labels', or the tables' of a loop."""
    counts: set[int] = set()
    for one in roles.base.recording.comparisons:
        for pair in roles.pairs:
            if pair.place == one.place and pair.label_of(one).size > 1:
                counts.add(max(pair.label_of(one).shape))
    fixed = [v for p, v in replay.before.items() if p not in roles.changed and is_array(v)]
    lengths = Counter(len(one) for one in fixed if one.ndim)
    shared = [length for length, many in lengths.items() if many > 1 and length > 3]
    longest = max(shared, default=0)
    return counts | ({longest} if longest > max(counts, default=0) else set())


def stored_in_loop(replay: Replay) -> set[str]:
    """Return what the loop, or a function it calls, stores into, as the script writes it."""
    called = {line for _, line in replay.functions()}
    nodes: list[ast.AST] = [replay.loop.node]
    nodes += [
        one
        for one in ast.walk(replay.script.tree)
        if isinstance(one, ast.FunctionDef) and one.lineno in called
    ]
    found = set()
    for root in nodes:
        for one in ast.walk(root):
            if isinstance(getattr(one, "ctx", None), ast.Store):
                found.add(ast.unparse(one))
    return found


def is_stored(path: Path, stored: set[str]) -> bool:
    """Tell whether a loop stores under the last name of a path: `W` alone is not `self.W`."""
    if len(path) == 2:
        return path[1] in stored
    last = [str(key) for kind, key in path[2:] if kind in {"attr", "cell"}][-1:] or [str(path[1])]
    parts = {one.split("[")[0].split(".")[-1] for one in stored if "." in one or "[" in one}
    return last[0] in parts


def _add_stuck(replay: Replay, roles: Roles, until: float) -> None:
    """Find what acts on the output as a parameter does, and never moves; and the data."""
    fixed = [p for p, v in replay.before.items() if p not in roles.changed and is_array(v)]
    fixed = [p for p in fixed if not _is_target(replay, p)]
    rng = np.random.default_rng(5)
    others = {p: disturbed(replay.before[p], rng, 1.0) for p in roles.parameters}

    def change(names: Names) -> None:
        for path, value in others.items():
            names.put(path, value)

    moved = _moved_by(replay, fixed, replay.run(change, watched=roles.changed), until, others)
    if not roles.pairs:
        roles.pairs = _pairs(replay, roles.base, moved, [])
    samples, stored = _sample_counts(replay, roles), stored_in_loop(replay)
    for path, pairs in moved.items():
        value = replay.before[path]
        named = is_stored(path, stored)
        if not any(_meets(one, roles.pairs) for one in pairs):
            roles.idle += [path] if named and value.dtype.kind == "f" else []
            continue
        sampled = bool({*value.shape} & samples)
        visited = len(path) > 2 and any(
            not some for other, some in moved.items() if other[:2] == path[:2] and len(other) > 2
        )  # a sample of a list: the others do not act in this iteration
        if (
            (named or not sampled)
            and not visited
            and (value.dtype.kind == "f" or named)
            and value.ndim
        ):
            roles.stuck.append(path)
        else:
            roles.data.append(path)


def _add_own_loss(replay: Replay, roles: Roles, candidates: list[Path], until: float) -> None:
    """Add the losses that the script computes itself: weights of classes, say, are in no other."""
    moved: dict[tuple[Place, str], set[Path]] = {}
    before = _scalars(roles.base)
    for path in roles.parameters or candidates:
        if now() > until or not before:
            break
        value = disturbed(replay.before[path], np.random.default_rng(7), 1.0)

        def change(names: Names, path: Path = path, value: Any = value) -> None:
            names.put(path, value)

        try:
            after = _scalars(replay.run(change))
        except (TypeError, KeyError, ValueError, AttributeError):
            continue
        for key in before.keys() & after.keys():
            if not same(before[key], after[key]):
                moved.setdefault(key, set()).add(path)
    for (place, text), paths in sorted(moved.items(), key=lambda one: (-len(one[1]), one[0]))[:2]:
        roles.pairs.append(Pair(place, "own", "left", text))
        roles.parameters = roles.parameters or [path for path in candidates if path in paths]


def _scalars(iteration: Iteration) -> dict[tuple[Place, str], float]:
    """Return the numbers that an iteration stores under the name of a loss."""
    found = {}
    for text, value, place in iteration.recording.stores:
        leaf = text.lower().split(".")[-1]
        named = any(name in leaf for name in LOSS_NAMES) or text in {"J", "E", "L"}
        if value.size == 1 and named and value.dtype.kind == "f":
            found[place, text] = float(value.ravel()[0])
    return found
