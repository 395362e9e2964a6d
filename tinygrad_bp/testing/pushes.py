"""Forward mode: the tangents that a function pushes, compared element by element."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from tinygrad_bp.testing.comparison import EXACT, TINY, Comparison
from tinygrad_bp.testing.directions import direction
from tinygrad_bp.testing.kinks import SAFETY
from tinygrad_bp.testing.noise import roughness_of_derivatives
from tinygrad_bp.testing.oracles import moved
from tinygrad_bp.testing.subject import Flat

RANDOM = 2  # of the random directions so many are pushed


@dataclass(frozen=True)
class Miss:
    """An element of a tangent that is not as it should be."""

    index: tuple[int, ...]
    expected: float
    got: float
    error: float
    along: str


def wrong_tangent(comparison: Comparison, rng: Any) -> Miss | None:
    """Return the element of a pushed tangent that is furthest off, None if all are right."""
    count = len(comparison.directions)
    if count and not comparison.directions[0].is_single:
        for j in range(min(RANDOM, count)):
            if _compared(comparison, np.eye(count)[j]):
                comparison.explore(j)
                miss = _compared(comparison, np.eye(count)[j])
                if miss:
                    return miss
        return None
    mix = rng.uniform(0.3, 1.0, count) * rng.choice([-1.0, 1.0], count)
    if _compared(comparison, mix) is None:
        return None
    for j in range(count):  # now that an entry is wrong: which?
        comparison.explore(j)
    for j in range(count):
        miss = _compared(comparison, np.eye(count)[j])
        if miss:
            return miss
    return _compared(comparison, mix)


def _compared(comparison: Comparison, mix: Any) -> Miss | None:
    """Compare the tangent along a mixture of the directions."""
    subject = comparison.subject
    with np.errstate(all="ignore"):
        low, high, error = _mixture(comparison, mix)
        tangents = _tangents(comparison, mix)
        push: Any = subject.jvp
        got = np.asarray(push(subject.point, tangents))
        wanted = np.shape(comparison.subject.values(subject.point))
        if got.shape != wanted:
            return Miss((), np.nan, np.nan, 0.0, f"a tangent of shape {got.shape}, not {wanted}")
        if np.all((low - error <= got) & (got <= high + error)):
            return None
        away = [direction(x, np.random.default_rng(0)) for x in subject.point]
        error += subject.hidden + SAFETY * roughness_of_derivatives(
            lambda t: push(moved(subject.point, away, t), tangents)
        )
        wrong = ~((low - error <= got) & (got <= high + error))
        if not wrong.any():
            return None
        off = np.where(wrong, np.nan_to_num(np.maximum(low - got, got - high), nan=np.inf), -1.0)
    index = np.unravel_index(int(np.argmax(off)), got.shape)
    expected = high[index] if got[index] > high[index] else low[index]
    moving = np.flatnonzero(mix)
    along = "all arguments"
    if moving.size == 1:
        along = comparison.named(comparison.directions[moving[0]])
    place = tuple(map(int, index))
    return Miss(place, float(expected), float(got[index]), float(error[index]), along)


def _mixture(comparison: Comparison, mix: Any) -> tuple[Any, Any, Any]:
    """Return the least and the largest slope along a mixture of the directions, and the error."""
    shape = np.shape(comparison.subject.values(comparison.subject.point))
    low, high, error = np.zeros(shape), np.zeros(shape), np.zeros(shape)
    for j, (c, one) in enumerate(zip(mix, comparison.slopes, strict=True)):
        if c:
            low = low + (c * one.low if c > 0 else c * one.high)
            high = high + (c * one.high if c > 0 else c * one.low)
            size = np.maximum(np.abs(one.low), np.abs(one.high))
            size = np.where(np.isfinite(size), size, 0.0) + comparison.terms(j)
            error = error + abs(c) * (one.error + EXACT * size) + TINY
            if not comparison.directions[0].is_single:  # a kink of many directions has no interval
                error = np.where(one.kink, np.inf, error)
    return low, high, error


def _tangents(comparison: Comparison, mix: Any) -> Flat:
    tangents = [np.zeros(np.shape(x), np.result_type(x)) for x in comparison.subject.point]
    for c, one in zip(mix, comparison.directions, strict=True):
        if not c:
            continue
        if one.is_single:
            part = one.parts[one.argument]
            tangents[one.argument].flat[one.index] += c * part.flat[one.index]
        else:
            tangents = [t + c * part for t, part in zip(tangents, one.parts, strict=True)]
    return [t[()] for t in tangents]
