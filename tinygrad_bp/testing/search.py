"""Which entry is wrong, after a random direction has shown that one is."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_bp.testing.comparison import Comparison
from tinygrad_bp.testing.directions import Direction, single, single_directions, sizes
from tinygrad_bp.testing.subject import Pull

EVERY = 1000  # so many entries are looked at one by one
OTHERS = 64  # of more, so many beside the one that halving found: they show the pattern
FEW = 1  # wrong entry that is explored before the others are believed
SWEEP = 20_000  # the most that are looked at where only kinks seem to be


def located(comparison: Comparison, pull: Pull, rng: Any) -> Comparison:
    """Return a comparison of single entries that holds a wrong one, if there is one.

    The random directions of `comparison` cross kinks as a sum, so one of them may be off though
    every entry lies between its slopes to both sides.
    """
    point = comparison.subject.point
    if sum(np.size(x) for x in point) <= EVERY:
        return _of(comparison, single_directions(point), pull)
    halved = _halved(comparison, comparison.wrong[0].direction)
    directions = [halved, *_neighbours(comparison, halved, rng)]
    found = _of(comparison, directions, pull)
    if found.wrong:
        return found
    every = single_directions(point)
    some = len(every) > SWEEP
    if some:
        every = [every[k] for k in rng.choice(len(every), SWEEP, replace=False)]
    found = _of(comparison, every, pull)
    return comparison if some and not found.wrong and not comparison.kinks else found


def _of(comparison: Comparison, directions: list[Direction], pull: Pull) -> Comparison:
    new = Comparison(
        comparison.subject,
        comparison.weight,
        directions,
        comparison.analytic,
        FEW,
        comparison.order,
    )
    new.run(pull)
    return new


def _halved(comparison: Comparison, direction: Direction) -> Direction:
    """Return the entry at which halving ends: each time the half that is further off is kept."""
    spots = [
        (a, int(i))
        for a, part in enumerate(direction.parts)
        if part is not None
        for i in np.flatnonzero(part)
    ]
    while len(spots) > 1:
        middle = len(spots) // 2
        halves = spots[:middle], spots[middle:]
        off = [comparison.glance(_restricted(direction, half)) for half in halves]
        spots = halves[int(off[1] > off[0])]
    a, i = spots[0]
    return single(comparison.subject.point, a, i, np.ravel(sizes(comparison.subject.point[a]))[i])


def _restricted(direction: Direction, spots: list[tuple[int, int]]) -> Direction:
    parts: list[Any] = [None if p is None else np.zeros_like(p) for p in direction.parts]
    for a in {a for a, _ in spots}:
        kept = [i for b, i in spots if b == a]
        parts[a].flat[kept] = direction.parts[a].flat[kept]
    return Direction(parts)


def _neighbours(comparison: Comparison, halved: Direction, rng: Any) -> list[Direction]:
    point = comparison.subject.point
    found = []
    for a, x in enumerate(point):
        size = np.ravel(sizes(x))
        chosen = rng.permutation(np.size(x))[:OTHERS]
        found += [single(point, a, int(i), size[i]) for i in chosen]
    here = (halved.argument, halved.index)
    return [one for one in found if (one.argument, one.index) != here]
