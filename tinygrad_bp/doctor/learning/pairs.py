"""Comparisons of an output with its label: found by which side of them a parameter moves."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from tinygrad_bp.doctor.watched.clock import now
from tinygrad_bp.doctor.watched.recorder import MOST, Comparison, is_array
from tinygrad_bp.doctor.watched.replay import Iteration, Replay
from tinygrad_bp.doctor.watched.rewriting import Place, place_of
from tinygrad_bp.doctor.watched.slots import Path, same, shown

SIZES = (1.0, 10.0, -10.0)  # of a disturbance: a saturated unit needs the larger ones
FAR = (100.0, -100.0)  # of a single number, which alone may not turn a threshold
LEAST = 0.5  # of its noise: a number moved by less passes no threshold


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
        return self.sides(one.left, one.right)[1]

    def sides(self, left: Any, right: Any) -> tuple[Any, Any]:
        """Return output and label; of -y / p, the slope of a cross entropy, it is y."""
        output, label = (left, right) if self.output == "left" else (right, left)
        negative = self.operation == "/" and np.size(label) > 1 and np.all(label <= 0)
        return output, np.abs(label) if negative else label


def are_shares(output: Any) -> bool:
    """Tell whether an output is probabilities of classes, of many samples or of one."""
    o = np.asarray(output)
    axes = [axis for axis in range(o.ndim) if o.shape[axis] > 1]
    return bool(np.all(o >= 0)) and any(np.allclose(o.sum(axis=axis), 1) for axis in axes)


def disturbed(value: Any, rng: np.random.Generator, size: float) -> Any:
    """Return a value moved at random."""
    array = np.asarray(value, float)
    noise = rng.standard_normal(array.shape)
    noise = noise + np.copysign(LEAST, noise)
    moved = array * (1 + 0.3 * size * noise) + 0.05 * size * noise * (1 + np.abs(array).mean())
    if is_array(value) and value.dtype.kind in "iu":
        moved = np.round(array + rng.integers(1, 4, array.shape))
    return moved


def moved_by(
    replay: Replay,
    paths: Iterable[Path],
    base: Iteration,
    until: float,
    others: dict[Path, Any] | None = None,
    most: int | None = None,
) -> dict[Path, list[Pair]]:
    """Return for each path the comparisons of which moving its value moves one side."""
    found: dict[Path, list[Pair]] = {}
    for path in paths:
        if now() > until:
            break
        found[path] = moved_pairs(replay, path, base, others, most)
    return found


def moved_pairs(
    replay: Replay,
    path: Path,
    base: Iteration,
    others: dict[Path, Any] | None = None,
    most: int | None = None,
) -> list[Pair]:
    """Return the comparisons of which moving the value at a path moves one side alone.

    Where `others` are given, both runs have these values at these paths: weights that are 0 pass
    nothing on.
    """
    many = min(base.marks.get(path, MOST), most or len(base.recording.comparisons))
    before = base.recording.comparisons[:many]
    for size in (*SIZES, *FAR) if np.size(replay.before[path]) == 1 else SIZES:
        value = disturbed(replay.before[path], np.random.default_rng(7), size)
        again = replay.at({**(others or {}), path: value}, limit=many or None)
        if again is None:
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


def operands(replay: Replay) -> dict[Place, tuple[str, str]]:
    """Return what stands on both sides of each difference and quotient, by its place."""
    return {
        place_of(one.right): (ast.unparse(one.left), ast.unparse(one.right))
        for one in ast.walk(replay.script.tree)
        if isinstance(one, ast.BinOp) and isinstance(one.op, ast.Sub | ast.Div)
    }


def _updated(replay: Replay) -> dict[Place, dict[str, bool]]:
    """Return where a value is stored with something taken from it, and on which sides.

    Such a difference is the update of a parameter, or of a velocity: on the side of the label it is
    no label, and on the side of the output, if it is there before the iteration, no output.
    """
    state = {_leaf(shown(path)) for path in replay.before}
    found = {}
    for one in ast.walk(replay.script.tree):
        if isinstance(one, ast.Assign) and isinstance(one.value, ast.BinOp):
            text = ast.unparse(one.targets[0])
            left, right = (
                any(ast.unparse(part) == text for part in ast.walk(side))
                for side in (one.value.left, one.value.right)
            )
            kept = _leaf(text) in state
            found[place_of(one.value.right)] = (left and kept, left), (right and kept, right)
    return {
        place: {"left": lefts[0] or rights[1], "right": rights[0] or lefts[1]}
        for place, (lefts, rights) in found.items()
    }


def _is_carried(replay: Replay, path: Path) -> bool:
    """Tell whether what stands at a path follows from what stood there, and is not made anew.

    What stands in a list may have changed its place.
    """
    if path[-1][0] == "key":
        return True
    plain = replay.run().value(path)
    moved = replay.at({path: disturbed(replay.before[path], np.random.default_rng(7), 1.0)})
    return moved is None or not same(moved.value(path), plain)


def _leaf(text: str) -> str:
    return text.split("[", maxsplit=1)[0].rsplit(".", maxsplit=1)[-1]


def pairs_of(
    replay: Replay, base: Iteration, moved: dict[Path, list[Pair]], changed: list[Path]
) -> list[Pair]:
    """Return the comparisons of an output with data, those first that most parameters move."""
    votes = Counter(pair for pairs in moved.values() for pair in pairs)
    # what moves both sides follows from parameters on both: no data
    texts, updated = operands(replay), _updated(replay)
    by_place = {one.place: one for one in reversed(base.recording.comparisons)}
    found = []
    for pair in votes:
        other = Pair(pair.place, pair.operation, "right" if pair.output == "left" else "left")
        if other in votes or updated.get(pair.place, {}).get(
            pair.output, False
        ):  # both sides follow from parameters: no data
            continue
        one = by_place.get(pair.place)
        if one is None or (pair.operation == "/" and pair.output == "left"):
            continue
        label, output = pair.label_of(one), pair.output_of(one)
        text = texts.get(pair.place, ("", ""))[1 if pair.output == "left" else 0]
        carried = next((path for path in changed if shown(path) == text), None)
        if label.size == 1 and output.size > 1:
            continue
        if carried is not None and _is_carried(replay, carried):
            continue
        alike = (p for p in changed if is_array(replay.before[p]) and same(label, replay.before[p]))
        if label.size > 1 and any(_is_carried(replay, path) for path in alike):
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


def is_threshold(pair: Pair, met: list[Comparison]) -> bool:
    """Tell whether output and label are one of two classes, and not a place or a count."""
    sides = [[np.ravel(side) for side in (pair.output_of(one), pair.label_of(one))]
             for one in met if one.place == pair.place]  # fmt: skip
    outputs, labels = (np.unique([v for some in sides for v in some[k]]) for k in (0, 1))
    values = {*outputs[np.isfinite(outputs)].tolist(), *labels.tolist()}
    return values <= {-1.0, 0.0, 1.0} and (len(labels) == 2 or len(sides) == 1)


def _follows(replay: Replay, pair: Pair, labels: list[Any], moved: dict[Path, list[Pair]]) -> bool:
    """Tell whether what moves here moves with the label of a better pair: an error, no output."""
    movers = [replay.before[path] for path, some in moved.items() if pair in some]
    return any(np.size(one) > 1 and same(one, label) for one in movers for label in labels)
