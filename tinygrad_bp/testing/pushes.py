"""Forward mode: the tangents that a function pushes, compared element by element."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from tinygrad_bp.testing.comparison import EXACT, TINY, Comparison
from tinygrad_bp.testing.directions import direction
from tinygrad_bp.testing.doubts import Claim, doubt, doubtful
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
    tangents: Flat


def wrong_tangent(comparison: Comparison, rng: Any) -> Miss | None:
    """Return the element of a pushed tangent that is furthest off, None if all are right.

    Raises
    ------
    UncheckablePointError
        If that need be no fault.
    """
    miss = _furthest(comparison, rng)
    if miss is not None and np.isfinite(miss.expected):
        why = doubt(_claim(comparison, miss))
        if why:
            where = f"{miss.along}, of the result at index {miss.index},"
            raise doubtful(comparison.subject.name, where, miss.expected, miss.got, why)
    return miss


def _claim(comparison: Comparison, miss: Miss) -> Claim:
    subject = comparison.subject
    push: Any = subject.jvp

    def value(flat: Flat) -> float:
        try:
            return float(subject.values(flat)[miss.index])
        except Exception:  # noqa: BLE001  # out of the domain the user's function may raise
            return np.nan

    return Claim(
        value,
        lambda flat: float(push(flat, miss.tangents)[miss.index]),
        subject.point,
        miss.tangents,
        *(miss.expected, miss.expected, miss.got),
        terms=0.0,
        size=abs(value(subject.point)),
    )


def _furthest(comparison: Comparison, rng: Any) -> Miss | None:
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
    low, high, error = _mixture(comparison, mix)
    tangents = _tangents(comparison, mix)
    push: Any = subject.jvp
    got = np.asarray(push(subject.point, tangents))
    wanted = np.shape(comparison.subject.values(subject.point))
    if got.shape != wanted:
        what = f"a tangent of shape {got.shape}, not {wanted}"
        return Miss((), np.nan, np.nan, 0.0, what, tangents)
    # above the first order NaN says that there is none, which is so at a kink
    none = np.isnan(got) & (low < high) & (comparison.order > 1)
    if np.all(none | ((low - error <= got) & (got <= high + error))):
        return None
    away = [direction(x, np.random.default_rng(0)) for x in subject.point]
    error += subject.hidden + SAFETY * roughness_of_derivatives(
        lambda t: push(moved(subject.point, away, t), tangents)
    )
    wrong = ~(none | ((low - error <= got) & (got <= high + error)))
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
    return Miss(place, float(expected), float(got[index]), float(error[index]), along, tangents)


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
