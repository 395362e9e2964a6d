"""One comparison of derivatives with the oracle: quick where they agree, thorough elsewhere.

The slope along each direction is found quickly at first, by a complex step or by two difference
quotients.  Only if the derivative under test differs, `explore` looks for kinks and noise, and the
noise of the derivative itself is measured.  So a right function costs little, and one that is
ill-conditioned raises no false alarm.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tinygrad_bp.testing.directions import Direction, direction
from tinygrad_bp.testing.doubts import Claim, doubt, doubtful
from tinygrad_bp.testing.errors import UncheckablePointError
from tinygrad_bp.testing.finding import UNPROVEN, Finding
from tinygrad_bp.testing.kinks import HIDDEN, SAFETY, Line, Slopes, explore, glimpsed, rounded
from tinygrad_bp.testing.noise import roughness, roughness_of_derivatives
from tinygrad_bp.testing.oracles import (
    EPSILON,
    ROUNDS,
    SHRINK,
    START,
    STEP,
    Slope,
    limit,
    moved,
)
from tinygrad_bp.testing.subject import Flat, Pull, Subject, real_weight

EXACT = 1e-11  # of the sum of the terms' sizes: a rule's formula loses a few ulp of each
CONVERGED = 1e-8  # error of differences, relative to the slope, that needs no second look
VISIBLE = 1e-12  # of the values: a slope that moves them by less need not be proven
NARROW = 0.1  # first step of differences that only confirm a complex step
ROUGHEST = 1e-4  # of a slope: gradients that are off by more, and rough, are not called right
TINY = 1e-290  # below which numbers have few digits
THOROUGH = 3  # directions, the worst first, that are explored before the rest is believed
DOUBTED = 12  # findings, the worst first, that are looked at again before there is no fault


@dataclass
class Comparison:
    """The derivatives of a subject at its point, and what the oracle says of them.

    Of the directions that seem wrong `thorough` are explored; if they are, the rest is believed.
    """

    subject: Subject
    weight: Any
    directions: list[Direction]
    analytic: bool
    thorough: int = THOROUGH
    order: int = 1
    gradients: Flat = field(default_factory=list)
    slopes: list[Slopes] = field(default_factory=list)
    wrong: list[Finding] = field(default_factory=list)
    worst: float = 0.0
    oracle_error: float = 0.0
    _explored: set[int] = field(default_factory=set)
    _noise: Any = None

    def run(self, pull: Pull) -> None:
        """Compare the gradients that `pull` gives along all directions."""
        self.gradients = pull(self.weight)
        self.slopes = [self._quick(one) for one in self.directions]
        self._judge()

    @property
    def kinks(self) -> list[int]:
        """The directions along which there is a kink at the point, or a vertical tangent."""
        return [
            j for j, one in enumerate(self.slopes) if np.any(one.kink) or np.any(one.vertical != 0)
        ]

    def line(self, direction: Direction) -> Line:
        """Return the function's values along a direction; NaN where it raises."""
        point = self.subject.point
        like: Any = None

        def values(t: float) -> Any:
            nonlocal like
            if t == 0.0:
                like = self.subject.values(point)
                return like
            try:
                return self.subject.values(moved(point, direction.parts, t))
            except Exception:  # noqa: BLE001  # out of the domain the user's function may raise
                like = self.subject.values(point) if like is None else like
                return np.full(np.shape(like), np.nan)

        return values

    def glance(self, direction: Direction) -> float:
        """Return how far the gradients are off along a direction, to a few digits."""
        line = self.line(direction)
        slopes = self._by_complex_step(direction) if self.analytic else glimpsed(line)
        low, high = span(slopes, self.weight)
        got = self.got(direction, self.gradients)
        return max(low - got, got - high, 0.0)

    def got(self, direction: Direction, gradients: Flat) -> float:
        """Return the slope along a direction by the gradients under test."""
        if direction.is_single:
            step = direction.parts[direction.argument].flat[direction.index]
            return float(np.real(gradients[direction.argument].flat[direction.index] * step))
        return float(
            sum(
                np.sum(np.real(g * d))
                for g, d in zip(gradients, direction.parts, strict=True)
                if d is not None
            )
        )

    def _quick(self, direction: Direction) -> Slopes:
        if self.analytic:
            return self._by_complex_step(direction)
        line = self.line(direction)
        middle = np.asarray(line(0.0))
        found = None
        for start in (START, START / 100):
            slope, bent = _differences(line, middle, start)
            if bent:
                break
            size = np.abs(slope.value) + 0.01 * np.abs(middle)
            found = Slopes.smooth(slope, (start, start / SHRINK ** (ROUNDS - 1)))
            if np.all(slope.error <= CONVERGED * size):
                return found
        return explore(line)

    def _by_complex_step(self, direction: Direction) -> Slopes:
        step = moved(self.subject.point, direction.parts, 1j * STEP)
        value = np.asarray(self.subject.values(step)).imag / STEP
        return Slopes.smooth(Slope(value, 8 * EPSILON * np.abs(value)), (STEP, STEP))

    def _judge(self) -> None:
        """Compare, and explore the directions where the gradients differ from the quick slopes."""
        suspects = [j for j in range(len(self.directions)) if not self._agrees(j)]
        suspects.sort(key=self._miss, reverse=True)  # the report is headed by what was explored
        confirmed: list[Finding] = []
        unclear: list[int] = []
        for j in suspects:
            finding = None
            if len(confirmed) < self.thorough or j in self._explored:
                self.explore(j)
                finding = None if self._agrees(j) else self._finding(j)
                if finding is None and self._is_rough(j):
                    unclear.append(j)
            else:  # so many are wrong that the rest is believed
                finding = self._finding(j)
            if finding is not None and finding.is_proven:
                confirmed.append(finding)
            elif finding is not None and finding.size > self._visible():
                unclear.append(j)
        self.wrong = confirmed
        if unclear and not self.wrong:
            self._refuse(unclear[0])
        self._measure()

    def require_proof(self) -> None:
        """Leave out what need be no fault, the worst first, until there is one that must be.

        Raises
        ------
        UncheckablePointError
            If something seems wrong, and nothing need be.
        """
        ordered = sorted(self.wrong, key=lambda one: one.excess, reverse=True)
        reasons = []
        for k, one in enumerate(ordered[:DOUBTED]):
            reasons.append(doubt(self._claim(one)))
            if not reasons[-1]:
                self.wrong = ordered[k:]
                return
        if reasons:
            worst = ordered[0]
            where = self.named(worst.direction)
            raise doubtful(self.subject.name, where, worst.expected, worst.got, reasons[0])

    def _claim(self, finding: Finding) -> Claim:
        along, weight = finding.direction, real_weight(self.weight)

        def value(flat: Flat) -> float:
            try:
                return float(np.sum(weight * self.subject.values(flat)))
            except Exception:  # noqa: BLE001  # out of the domain the user's function may raise
                return np.nan

        return Claim(
            value,
            lambda flat: self.got(along, self.subject.vjp(flat)(self.weight)),
            self.subject.point,
            along.parts,
            *(finding.low, finding.high, finding.got),
            terms=finding.terms,
            size=float(np.sum(np.abs(weight * self.subject.values(self.subject.point)))),
        )

    def explore(self, j: int) -> None:
        """Look closely along direction `j`."""
        if j not in self._explored:
            self._explored.add(j)
            quick = self.slopes[j]
            # with a complex step at hand, wide steps are not needed to outdo the rounding
            widest = NARROW if self.analytic else np.inf
            self.slopes[j] = explore(self.line(self.directions[j]), widest)
            if self.analytic:
                self._restore(j, quick)
            if not np.all(np.isfinite(self.slopes[j].error)):
                raise UncheckablePointError(
                    f"{self.subject.name}: no slope to compare with: close to the arguments, along"
                    f" {self.named(self.directions[j])}, the function raises, is not finite, or"
                    " changes without limit; choose arguments inside its domain, and away from its"
                    " poles"
                )
            if self._noise is None:
                self._noise = self._gradient_noise()

    def _restore(self, j: int, quick: Slopes) -> None:
        """Take the complex step back where differences agree with it: it is the more exact."""

        def slope(t: float) -> Any:
            point = moved(self.subject.point, self.directions[j].parts, t + 1j * STEP)
            return np.asarray(self.subject.values(point)).imag / STEP

        found = self.slopes[j]
        noise = SAFETY * roughness(slope)
        agrees = (np.abs(quick.low - found.low) <= found.error + noise) & ~found.kink
        agrees &= (found.vertical == 0) & np.isfinite(noise)
        found.low = np.where(agrees, quick.low, found.low)
        found.high = np.where(agrees, quick.low, found.high)
        line = self.line(self.directions[j])
        unseen = HIDDEN * rounded(line, line(0.0))
        found.error = np.where(agrees, quick.error + noise + unseen, found.error)
        if agrees.all():
            found.steps = quick.steps

    def named(self, direction: Direction) -> str:
        """Return what moves along a direction, in words."""
        if not direction.is_single:
            return "a random direction"
        label, index = self._spot(direction)
        return f"{label} at index {index}"

    def place(self, direction: Direction) -> str:
        """Return where a direction leads from, in words."""
        label, index = self._spot(direction)
        return f"index {index} of {label}"

    def _spot(self, direction: Direction) -> tuple[str, tuple[int, ...]]:
        shape = np.shape(direction.parts[direction.argument])
        index = tuple(int(i) for i in np.unravel_index(direction.index, shape))
        return self.subject.labels[direction.argument], index

    def interval(self, j: int) -> tuple[float, float, float]:
        """Return the least and the largest slope of ``<weight, f>``, and what rounding allows."""
        return *span(self.slopes[j], self.weight), self._tolerance(j)

    def _tolerance(self, j: int) -> float:
        one, w = self.slopes[j], np.abs(real_weight(self.weight))
        noise = 0.0
        if self._noise is not None:
            noise = SAFETY * float(self._noise[j]) + self.subject.hidden
        size = np.maximum(np.abs(one.low), np.abs(one.high))
        terms = np.sum(np.where(np.isfinite(size), w * size, 0.0)) + self.terms(j)
        return self._oracles_own(j) + float(EXACT * terms) + noise + TINY

    def _agrees(self, j: int) -> bool:
        got = self.got(self.directions[j], self.gradients)
        low, high, tolerance = self.interval(j)
        rough = self.slopes[j].kink | (self.slopes[j].vertical != 0)
        if self.order > 1 and np.isnan(got) and np.any(rough):
            return True  # there is no such derivative, and it says so
        return bool(low - tolerance <= got <= high + tolerance and tolerance < np.inf)

    def _miss(self, j: int) -> float:
        """Return how far a gradient lies from the slopes, infinite if that is no number."""
        got = self.got(self.directions[j], self.gradients)
        low, high, _ = self.interval(j)
        miss = max(low - got, got - high)
        return np.inf if np.isnan(miss) else miss

    def _is_rough(self, j: int) -> bool:
        """Whether a slope agrees only because the gradients under test are so noisy."""
        got = self.got(self.directions[j], self.gradients)
        low, high, _ = self.interval(j)
        size = max(abs(low), abs(high), abs(got))
        largest = max(abs(self.got(one, self.gradients)) for one in self.directions)
        scale = max(size, self.terms(j), 1e-3 * largest)
        explained = self._oracles_own(j) + self._visible() + ROUGHEST * scale
        return max(low - got, got - high) > explained

    def terms(self, j: int) -> float:
        """Return the sum of the sizes of all terms in the slope by the gradients, if finite."""
        one = self.directions[j]
        sizes = [
            np.abs(g) * np.abs(d)
            for g, d in zip(self.gradients, one.parts, strict=True)
            if d is not None
        ]
        total = float(sum(np.sum(part) for part in sizes))
        return total if np.isfinite(total) else 0.0

    def _finding(self, j: int) -> Finding:
        low, high, tolerance = self.interval(j)
        got = self.got(self.directions[j], self.gradients)
        steps = self.slopes[j].steps
        own, terms = self._oracles_own(j), self.terms(j)
        return Finding(self.directions[j], low, high, got, tolerance, own, steps, terms)

    def _oracles_own(self, j: int) -> float:
        """Return the oracle's own error of a slope."""
        w = np.abs(real_weight(self.weight))
        return float(np.sum(np.where(w > 0, w * self.slopes[j].error, 0.0)))

    def _gradient_noise(self) -> Any:
        """Return the rounding of the gradients under test, along each direction."""
        rng = np.random.default_rng(0)
        away = [direction(x, rng) for x in self.subject.point]

        def slopes(t: float) -> Any:
            pull = self.subject.vjp(moved(self.subject.point, away, t))
            gradients = pull(self.weight)
            return np.array([self.got(one, gradients) for one in self.directions])

        try:
            noise = roughness_of_derivatives(slopes)
        except Exception:  # noqa: BLE001  # it cannot be measured, so none is allowed for
            return np.zeros(len(self.directions))
        return np.where(np.isfinite(noise), noise, 0.0)

    def _measure(self) -> None:
        """Note how exact the agreement is, and refuse where nothing could be told.

        Raises
        ------
        UncheckablePointError
            If the oracle's error is as large as the slopes.
        """
        found = [self.interval(j) for j in range(len(self.directions))]
        gots = [self.got(one, self.gradients) for one in self.directions]
        largest = max((abs(g) for g in gots if np.isfinite(g)), default=0.0)
        shows = self._visible()
        for j, ((low, high, tolerance), got) in enumerate(zip(found, gots, strict=True)):
            size = max(abs(low), abs(high), abs(got))
            if not np.isfinite(size) or size == 0.0:
                continue
            far = max(low - got, got - high, 0.0)
            scale = max(size, 1e-3 * largest, shows)
            self.worst = max(self.worst, far / scale)
            self.oracle_error = max(self.oracle_error, self._oracles_own(j) / scale)
            unproven = tolerance > UNPROVEN * size
            if unproven and size > max(1e-3 * largest, shows) and not self.wrong:
                self._refuse(j)

    def _visible(self) -> float:
        """Return the size of a slope that shows in the values."""
        value = self.subject.values(self.subject.point)
        terms = np.abs(real_weight(self.weight) * value)
        return max(VISIBLE * float(np.sum(terms)), self.subject.hidden)

    def _refuse(self, j: int) -> None:
        low, high, tolerance = self.interval(j)
        raise UncheckablePointError(
            f"{self.subject.name}: its values or its gradients are too rough here to tell: the"
            f" slope is {low:.3g} to {high:.3g}, uncertain by {tolerance:.1g}; choose arguments"
            " where rounding does less"
        )


def span(slopes: Slopes, weight: Any) -> tuple[float, float]:
    """Return the least and the largest slope of ``<weight, f>``."""
    w = real_weight(weight)
    low = float(np.sum(np.where(w >= 0, w * slopes.low, w * slopes.high)))
    high = float(np.sum(np.where(w >= 0, w * slopes.high, w * slopes.low)))
    return low, high


def _differences(line: Line, middle: Any, start: float) -> tuple[Slope, bool]:
    """Return the slope by central differences, and whether the function bends at the point."""
    rows, noises, bends = [], [], []
    for k in range(ROUNDS):
        h = start / SHRINK**k
        high, low = np.asarray(line(h)), np.asarray(line(-h))
        rows.append((high - low) / (2 * h))
        noises.append(16 * EPSILON * np.maximum(np.abs(high), np.abs(low)) / h)
        bends.append(np.abs(high + low - 2 * middle) / h)
    slope = limit(rows, noises, SHRINK**2)
    size = np.abs(slope.value) + np.max(np.abs(slope.value), initial=0.0)
    # the bend of a smooth function shrinks with the step, that of a corner stays
    bent = (bends[-1] > 0.5 * bends[0]) & (bends[-1] > 1e-6 * size + noises[-1])
    return slope, bool(np.any(bent))
