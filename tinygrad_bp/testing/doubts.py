"""Whether a slope that differs from the oracle's is wrong: what the function's close steps say.

The oracle extrapolates from steps that outdo the rounding.  Near a pole, a nearly singular matrix
or a tie these are wider than what they should resolve, and agree on a slope that is not the one at
the point.  So nobody is accused on their word alone.  It is asked only where a check is about to
fail, and takes some three hundred calls of the function.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from tinygrad_bp.testing.directions import direction, sizes
from tinygrad_bp.testing.errors import UncheckablePointError
from tinygrad_bp.testing.noise import roughness
from tinygrad_bp.testing.oracles import EPSILON, moved
from tinygrad_bp.testing.subject import Flat

STEPS = tuple(2.0**-k for k in reversed(range(4, 50)))  # from the closest
RUN = 3  # steps in a row that speak for one slope; chance makes two
FITS = 1 / 3  # of the other slope's misfit
ARGUMENTS = 4  # ulp of what a slope moves
ROUGH = 1e4  # ulp of the values: changes so small are rounding
ROUGHEST = 1e-3  # of a value: one that scatters by more tells nothing
SAFETY = 30.0
NEARLY = 0.5  # of the steepest slope that was seen
LAST_DIGITS = 6  # times the last digits of the arguments are changed
LINES = 4  # beside the one that is in question
PLACES = np.linspace(-1.3, 1.3, 25)  # along them: further than what is tied was moved apart
APART = 30.0  # how many times as far away lines are that do not last
LASTING = 0.3  # of the slopes at the further lines: of a smooth function it is 1 / APART
BLURRED = 1e-4  # of what is in question: the rounding of the closer slopes
APPARENT = 1e-3  # the same: what is more than rounding


@dataclass(frozen=True)
class Claim:
    """A slope under test that differs from the oracle's.

    Attributes
    ----------
    value : callable
        The function as a number, of the arrays; NaN where it raises.
    slope : callable
        The slope under test at other points.
    point, parts : list of array
        Where, and along what.
    low, high, got : float
        The slopes that the oracle allows, and the one under test.
    terms : float
        The sum of the sizes of the terms of `got`.
    size : float
        The same of the value.
    """

    value: Callable[[Flat], float]
    slope: Callable[[Flat], float]
    point: Flat
    parts: Flat
    low: float
    high: float
    got: float
    terms: float
    size: float

    @property
    def off(self) -> float:
        """How far the slope under test is from those that are allowed."""
        return float(self.outside(self.got))

    @cached_property
    def noise(self) -> float:
        """How rough the function is."""
        found = float(roughness(lambda t: np.float64(self.along(t))))
        return found if np.isfinite(found) else 0.0

    @property
    def blur(self) -> float:
        """What the rounding of the arguments makes of the function's changes."""
        largest = max(abs(self.low), abs(self.high), abs(self.got), self.terms)
        return ARGUMENTS * EPSILON * largest

    def along(self, t: float) -> float:
        """Return the function t steps from the point."""
        return self.value(moved(self.point, self.parts, t))

    def outside(self, slopes: Any) -> Any:
        """Return how far slopes are from those that the oracle allows."""
        return np.maximum(np.maximum(self.low - slopes, slopes - self.high), 0.0)


def doubt(claim: Claim) -> str:
    """Return why a slope that differs need not be wrong; empty if nothing speaks for it."""
    if not np.isfinite(claim.got):
        return ""
    if not np.isfinite(claim.high - claim.low):
        return _end_of_growth(claim) or _ill_conditioned(claim)
    return _roughness(claim) or _ill_conditioned(claim) or _disagreement(claim) or _tie(claim)


def doubtful(name: str, where: str, expected: float, got: float, why: str) -> Exception:
    """Return the refusal of a check at a point where nothing is proven."""
    return UncheckablePointError(
        f"{name}: too rough here to tell whether the slope along {where} is {expected:.6g}, or"
        f" {got:.6g} as the derivative under test has it: {why}; choose other arguments"
    )


def _end_of_growth(claim: Claim) -> str:
    """Say if a slope that grew with each step was followed about as far as the one under test."""
    steepest = claim.low if np.isfinite(claim.low) else claim.high  # that was seen
    if claim.got * steepest < 0 or abs(claim.got) < NEARLY * abs(steepest):
        return ""
    return "the slope grows as far as steps can be followed, as near a pole"


def _roughness(claim: Claim) -> str:
    """Say if the values have few digits."""
    whole = float(np.nan_to_num(claim.along(1.0)))  # at a zero, digits are those of what is around
    if claim.noise <= ROUGHEST * max(claim.size, abs(whole), abs(claim.low), abs(claim.high)):
        return ""
    return f"the values close by scatter by {claim.noise:.1g}"


def _ill_conditioned(claim: Claim) -> str:
    """Say if the last digits of the arguments make as much difference."""
    corner = claim.high - claim.low
    if 0 < corner < np.inf and claim.off <= SAFETY * corner:
        return ""  # any other gradient close by is right
    rng = np.random.default_rng(0)
    found = []
    for _ in range(LAST_DIGITS):
        signs = [rng.choice([-1.0, 1.0], np.shape(x)) for x in claim.point]
        digits = [2 * EPSILON * sizes(x) * s for x, s in zip(claim.point, signs, strict=True)]
        try:
            found.append(claim.slope([x + d for x, d in zip(claim.point, digits, strict=True)]))
        except np.linalg.LinAlgError:
            return "the last digits of the arguments decide whether a matrix is singular"
        except Exception:  # noqa: BLE001, S112  # out of its domain the user's function may raise
            continue
    # a rule that is wrong at just this number makes no difference among those around
    if not found or claim.off > SAFETY * (max(found) - min(found)):
        return ""
    return "the last digits of the arguments change the derivative by as much"


def _disagreement(claim: Claim) -> str:
    """Say if the close steps do not bear out what the wide ones give."""
    start = claim.along(0.0)
    quotients = np.array([[(claim.along(t) - start) / t for t in (h, -h)] for h in STEPS])
    if claim.low == claim.high:  # of a smooth function the bend falls out
        central = np.mean(quotients, axis=1, keepdims=True)
        quotients = np.where(np.isfinite(central), central, quotients)
    steps = np.array(STEPS)[:, np.newaxis]
    known = np.isfinite(quotients)
    some = known.any(axis=1)
    by_got, by_oracle = np.abs(quotients - claim.got), claim.outside(quotients)
    blur = claim.blur / steps
    # what does not move at all was lost to rounding, and says nothing
    for_got = (by_got + blur <= FITS * by_oracle) & (quotients != 0)
    for_oracle = by_oracle + blur <= FITS * by_got
    theirs = _first_run(some & np.all(for_got | ~known, axis=1))
    ours = _first_run(some & np.all(for_oracle | ~known, axis=1))
    holes = np.any(known[:ours] != known[0])  # at the edge of a domain there are none
    rough = max(ROUGH * EPSILON * claim.size, SAFETY * claim.noise)
    unexplained = (known & (by_oracle * steps > rough))[:ours]
    if ours < len(STEPS) and ours <= theirs and not unexplained.any() and not holes:
        return ""
    return (
        "close steps give another slope than wide ones, as near a pole or at a matrix that is"
        " nearly singular"
    )


def _first_run(speaks: Any) -> int:
    """Return the closest of several steps in a row; the number of all if there are none."""
    runs = np.convolve(speaks, np.ones(RUN), "valid") == RUN
    return int(np.argmax(runs)) if runs.any() else len(speaks)


def _tie(claim: Claim) -> str:
    """Say if slopes along parallel lines are others, however close they are: a corner or a tie."""
    rng = np.random.default_rng(0)
    away = [[direction(x, rng) for x in claim.point] for _ in range(LINES)]
    noise = max(claim.noise, EPSILON * claim.size, claim.blur)
    close = noise / (BLURRED * (PLACES[1] - PLACES[0]) * claim.off)

    def outside(distance: float) -> float:
        slopes = []
        for aside in away:
            point = moved(claim.point, aside, distance)
            values = [claim.value(moved(point, claim.parts, distance * t)) for t in PLACES]
            slopes.append(np.diff(values) / (distance * np.diff(PLACES)))
        return float(np.nanmax(claim.outside(np.array(slopes)), initial=0.0))

    if outside(close) <= max(LASTING * outside(APART * close), APPARENT * claim.off):
        return ""
    return "slopes close by are others, however close, as where several elements are tied"
