"""Slopes to the right and to the left: where they differ is a kink, and all between them is right.

`explore` is thorough, and takes some hundred calls of the function: it is asked only where a quick
comparison has failed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from tinygrad_bp.testing.noise import roughness
from tinygrad_bp.testing.oracles import EPSILON, ROUNDS, SHRINK, Slope, limit

# First steps, of the size of what moves, from the closest: a function that bends within one may be
# smooth within another.
STARTS = tuple(1e3 / 30.0**k for k in reversed(range(9)))
GLIMPSE = 1e-3  # first step where a few digits do
HALVES = 8  # rounds of a one-sided difference
VERTICAL = tuple(10.0**-k for k in range(3, 15))  # steps over which a slope without limit grows
GROWING = (1.04, 9.7)  # by how much a step; x**0.9 at 0 by 1.26, what jumps by 10
DIFFERENT = 1e-5  # by how much slopes differ that are not taken for one
TRUST = 30.0  # the same, of the error that is handed out
HIDDEN = 200 * EPSILON  # of a value: a slope that moves it by less does not show
REACH = (-8.0, -1.0, 1.0, 8.0)  # where values are looked for that show how large they may be
UNSURE = 1e-3  # relative error at which a slope may be infinite
SAFETY = 10.0  # an error that is estimated from a change may be luckily small
WIDE = 2.0  # first step, of the size of what moves, that only refines what is known already
RESOLVED = 0.1  # relative error of what is
SETTLED = 1e-11  # relative error at which no wider step is tried
WHOLE_POWERS = (0.4, 0.6)  # how a one-sided quotient converges whose error begins with the step
DIVERGES = 0.95  # how much of its change a quotient keeps that has no limit

Line = Callable[[float], Any]  # the function along a line: its values t steps from the point


@dataclass
class Slopes:
    """What the slope of each element of a function may be along a line.

    Attributes
    ----------
    low, high : array
        Equal where the function is smooth.
    error : array
        Bound of the error of both; infinite where no slope was found.
    kink : array of bool
        Where the slopes to both sides differ.
    vertical : array
        1.0 or -1.0 where the slope grows without limit, else 0: it is at least as steep as the
        bound that is finite.
    steps : tuple of float
        The largest and the smallest first step that were tried.
    """

    low: Any
    high: Any
    error: Any
    kink: Any
    vertical: Any
    steps: tuple[float, float]

    @classmethod
    def smooth(cls, slope: Slope, steps: tuple[float, float]) -> Slopes:
        """Return the slopes of a function that is known to be smooth."""
        none = np.zeros(np.shape(slope.value), bool)
        return cls(slope.value, slope.value, slope.error, none, np.zeros(none.shape), steps)


def explore(line: Line, widest: float = np.inf) -> Slopes:
    """Find the slopes of a function along a line from its values, whatever it is like there.

    Parameters
    ----------
    line : callable
        ``line(t)`` gives the values at t times the direction from the point; NaN where there are
        none.
    widest : float, optional
        The largest first step to try.

    Returns
    -------
    Slopes
        With infinite error where no step gave a finite slope.
    """
    with np.errstate(all="ignore"):
        middle = np.asarray(line(0.0))
        noise = roughness(line)
        size = rounded(line, middle)
        noise = np.where(np.isfinite(noise), noise, 0.0) + EPSILON * size
        right = _climbed(lambda start: _one_sided(line, middle, start, noise), widest)
        left = _climbed(lambda start: _one_sided(line, middle, -start, noise), widest)
        central = _climbed(lambda start: _central(line, start, noise), widest)
        return _joined(line, middle, size, right, left, central)


def glimpsed(line: Line) -> Slopes:
    """Find the slopes to both sides roughly: by one step each way, in 17 calls of the line."""
    middle = np.asarray(line(0.0))
    right, left = (_one_sided(line, middle, side * GLIMPSE, 0.0) for side in (1.0, -1.0))
    low, high = np.minimum(right.value, left.value), np.maximum(right.value, left.value)
    none = np.zeros(middle.shape)
    return Slopes(low, high, none, low < high, none, (GLIMPSE, GLIMPSE))


def _climbed(estimate: Callable[[float], Slope], widest: float) -> Slope:
    """Return for each element the best estimate, going from close steps to wide ones.

    The closest step sees no kink but its own, and suffers most from rounding.  A wider one is
    believed while it agrees with all that are closer, within their errors.
    """
    value: Any = None
    for start in (one for one in STARTS if one <= widest):
        new = estimate(start)
        error = np.where(np.isfinite(new.value) & ~np.isnan(new.error), new.error, np.inf)
        if value is None:
            value, best, going = new.value, error, np.ones(np.shape(new.value), bool)
            continue
        begins = np.isinf(best)
        agrees = np.abs(new.value - value) <= SAFETY * best + error
        better = going & (begins | (agrees & (error <= best)))
        if start > WIDE:
            better &= best <= RESOLVED * np.abs(value)
        # rounding does less at a wider step: where the error grows the function bends
        going &= begins | (agrees & (error <= SAFETY * best))
        value, best = np.where(better, new.value, value), np.where(better, error, best)
        if np.all(~going | (best <= SETTLED * np.abs(value))):
            break
    return Slope(value, best)


def _joined(
    line: Line, middle: Any, size: Any, right: Slope, left: Slope, central: Slope
) -> Slopes:
    steepest = np.maximum(np.abs(right.value), np.abs(left.value))
    apart = np.abs(right.value - left.value)
    kink = apart > SAFETY * (right.error + left.error) + DIFFERENT * steepest
    low, high = np.minimum(right.value, left.value), np.maximum(right.value, left.value)
    # at the edge of a domain there is one side only
    sided = np.isfinite(right.error) & np.isfinite(left.error)
    one = np.where(np.isfinite(right.error), right.value, left.value)
    one_error = np.where(np.isfinite(right.error), right.error, left.error)
    # differences that are symmetric converge faster, but not over a kink nearby
    symmetric = sided & (central.error <= one_error)
    straight = np.where(symmetric, central.value, one)
    error = np.where(symmetric, central.error, one_error)
    error = np.where(kink, right.error + left.error, error)
    low, high = np.where(kink, low, straight), np.where(kink, high, straight)
    error = TRUST * error + HIDDEN * size  # what the values do not show, the slope need not
    vertical = np.zeros(middle.shape)
    unsure = error > UNSURE * np.abs(straight)
    if unsure.any():
        steep = np.where(unsure, _vertical(line, middle), 0.0)
        vertical, kink = np.sign(steep), kink & (steep == 0)
        low = np.where(steep > 0, steep, np.where(steep < 0, -np.inf, low))
        high = np.where(steep > 0, np.inf, np.where(steep < 0, steep, high))
        error = np.where(steep == 0, error, 0.0)
    return Slopes(low, high, error, kink, vertical, (STARTS[-1], STARTS[0]))


def rounded(line: Line, middle: Any) -> Any:
    """Return the sizes of what the values of a function were rounded from.

    Values that stand still to the last bit may be the rest of larger ones: ``1 - tanh(25)`` is 0.
    These are then as large as the values around.
    """
    size = np.abs(middle)
    still = (np.asarray(line(STARTS[0])) == middle) & (np.asarray(line(-STARTS[0])) == middle)
    if np.any(still):
        for t in REACH:
            seen = np.abs(line(t))
            if seen.shape == size.shape:  # so far away it may have another
                size = np.where(still & np.isfinite(seen), np.maximum(size, seen), size)
    return size


def _central(line: Line, start: float, noise: Any) -> Slope:
    rows, noises = [], []
    for k in range(ROUNDS):
        h = start / SHRINK**k
        rows.append((np.asarray(line(h)) - np.asarray(line(-h))) / (2 * h))
        noises.append(4 * noise / h)
    return limit(rows, noises, SHRINK**2)


def _one_sided(line: Line, middle: Any, start: float, noise: Any) -> Slope:
    rows, noises = [], []
    for k in range(HALVES):
        h = start / 2**k
        rows.append((np.asarray(line(h)) - middle) / h)
        noises.append(8 * noise / abs(h))
    whole = limit(rows, noises, 2.0)
    broken = _geometric(rows, noises)
    change, before = np.abs(rows[-1] - rows[-2]), np.abs(rows[-2] - rows[-3])
    low, high = WHOLE_POWERS
    rate = change / np.where(before == 0, 1.0, before)
    odd = (change > 8 * noises[-1]) & ((rate < low) | (rate > high))
    error = np.where(odd, broken.error, whole.error)
    diverges = odd & (rate > DIVERGES)
    return Slope(np.where(odd, broken.value, whole.value), np.where(diverges, np.inf, error))


def _geometric(rows: list[Any], noises: list[Any]) -> Slope:
    """Return the limit of a quotient whose error shrinks by any factor (Aitken): sqrt(h), say."""

    def ended(a: Any, b: Any, c: Any) -> Any:
        bend = (c - b) - (b - a)
        return c - (c - b) ** 2 / np.where(bend == 0, np.inf, bend)

    last, before = ended(*rows[-3:]), ended(*rows[-4:-1])
    return Slope(last, SAFETY * (np.abs(last - before) + noises[-1]))


def _vertical(line: Line, middle: Any) -> Any:
    """Return the steepest slope that was seen, where it grows as the steps shrink; 0 elsewhere.

    It has to grow from each step to the next, and never by more than they shrink: values that go in
    steps are flat or jump.
    """
    found = np.zeros(middle.shape)
    for side in (1.0, -1.0):
        slopes = [(np.asarray(line(side * h)) - middle) / (side * h) for h in VERTICAL]
        grows = np.ones(middle.shape, bool)
        for wide, close in pairwise(slopes):
            grows &= np.sign(close) == np.sign(wide)
            grows &= (np.abs(close) > GROWING[0] * np.abs(wide)) & (wide != 0)
            grows &= np.abs(close) < GROWING[1] * np.abs(wide)
        found = np.where(grows & (found == 0), slopes[-1], found)
    return found
