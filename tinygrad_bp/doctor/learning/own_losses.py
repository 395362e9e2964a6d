"""The losses that a script computes itself: weights of classes, say, are in no other."""

from __future__ import annotations

import numpy as np

from tinygrad_bp.doctor.learning.pairs import Pair, disturbed
from tinygrad_bp.doctor.watched.clock import now
from tinygrad_bp.doctor.watched.replay import Iteration, Replay
from tinygrad_bp.doctor.watched.rewriting import Place
from tinygrad_bp.doctor.watched.slots import Path, same, shown

FEW = 200  # comparisons that are looked at
LOSS_NAMES = (
    "loss", "cost", "err", "mse", "nll", "bce", "entropy", "objective", "perte", "cout", "coût",
    "coste", "custo", "perda", "perdida", "pérdida", "verlust", "fehler", "kosten", "kayip",
    "kayıp", "hata",
)  # fmt: skip  # in the languages that learners write in


def own_losses(
    replay: Replay, base: Iteration, paths: list[Path], until: float
) -> list[tuple[Pair, set[Path]]]:
    """Return two losses at most, and what moves each; those that most of the paths move first."""
    moved: dict[tuple[Place, str], set[Path]] = {}
    before = _scalars(base)
    for path in paths:
        if now() > until or not before:
            break
        ran = replay.at({path: disturbed(replay.before[path], np.random.default_rng(7), 1.0)})
        after = _scalars(ran) if ran is not None else {}
        for key in before.keys() & after.keys():
            if key[1] != shown(path) and not same(before[key], after[key]):  # a sum moves itself
                moved.setdefault(key, set()).add(path)
    most = sorted(moved.items(), key=lambda one: (-len(one[1]), one[0]))[:2]
    return [(Pair(place, "own", "left", text), found) for (place, text), found in most]


def _scalars(iteration: Iteration) -> dict[tuple[Place, str], float]:
    """Return the numbers that an iteration stores under the name of a loss.

    A difference as it is, with its sign, is an error and no loss.
    """
    found = {}
    apart = [one.left - one.right for one in iteration.recording.comparisons[:FEW]
             if one.operation == "-" and one.left.size == one.right.size == 1]  # fmt: skip
    for text, value, place in iteration.recording.stores:
        if value.size == 1 and any(float(value.ravel()[0]) == one for one in apart):
            continue
        leaf = text.lower().split(".")[-1]
        named = any(name in leaf for name in LOSS_NAMES) or text in {"J", "E", "L", "total"}
        if value.size == 1 and named and value.dtype.kind == "f":
            found[place, text] = float(value.ravel()[0])
    return found
