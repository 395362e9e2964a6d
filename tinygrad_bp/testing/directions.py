"""Where a check moves: along single entries, or along everything at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from tinygrad_bp.testing.subject import Flat

SMALL = 1e-9  # of the largest element: no element moves by less


@dataclass
class Direction:
    """Where the arrays move: one element of one of them, or all of them."""

    parts: Flat
    argument: int = -1
    index: int = -1

    @property
    def is_single(self) -> bool:
        """Whether one element moves alone."""
        return self.argument >= 0


def single_directions(point: Flat) -> list[Direction]:
    """Return one direction for each element, two for a complex one."""
    found: list[Direction] = []
    for a, x in enumerate(point):
        units = (1.0, 1j) if np.iscomplexobj(x) else (1.0,)
        size = np.ravel(sizes(x))
        found += [single(point, a, i, size[i] * u) for i in range(np.size(x)) for u in units]
    return found


def single(point: Flat, argument: int, index: int, step: complex) -> Direction:
    """Return the direction along which one element moves."""
    x = point[argument]
    part = np.zeros(np.shape(x), np.result_type(x))
    part.flat[index] = step
    parts: Flat = [None] * len(point)
    parts[argument] = part
    return Direction(parts, argument, index)


def random_directions(point: Flat, count: int, rng: Any) -> list[Direction]:
    """Return directions along which everything moves."""
    return [Direction([direction(x, rng) for x in point]) for _ in range(count)]


def direction(like: Any, rng: Any) -> Any:
    """Return a random array like `like`: elements of either sign, of the size of its own."""
    size = sizes(like)
    found = rng.uniform(0.3, 1.0, np.shape(like)) * rng.choice([-1.0, 1.0], np.shape(like)) * size
    if np.iscomplexobj(like):
        found = found + 1j * rng.uniform(-1.0, 1.0, np.shape(like)) * size
    return found


def sizes(like: Any) -> Any:
    """Return by how much each element moves: by its size, and a zero by that of its array."""
    own = np.abs(like)
    typical = np.max(own, initial=0.0) or 1.0
    return np.where(own == 0, typical, np.maximum(own, SMALL * typical))
