"""One slope that is not as it should be."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tinygrad_bp.testing.directions import Direction

UNPROVEN = 0.3  # error, relative to the slope, at which nothing can be told


@dataclass
class Finding:
    """A slope of ``<weight, f>`` along a direction that is not as it should be."""

    direction: Direction
    low: float
    high: float
    got: float
    tolerance: float
    error: float  # of the oracle alone
    steps: tuple[float, float]
    terms: float  # the sum of the sizes of what the slope under test is a sum of

    @property
    def expected(self) -> float:
        """The slope that is nearest to the one under test."""
        return min(max(self.got, self.low), self.high)

    @property
    def excess(self) -> float:
        """How far the slope under test is off; infinite where it is NaN."""
        off = max(self.low - self.got, self.got - self.high)
        return off if np.isfinite(off) else np.inf

    @property
    def is_proven(self) -> bool:
        """Whether the oracle's error leaves no doubt."""
        return self.tolerance <= UNPROVEN * self.size

    @property
    def size(self) -> float:
        """The size of the largest finite slope."""
        sizes = [abs(one) for one in (self.low, self.high, self.got) if np.isfinite(one)]
        return max(sizes, default=np.inf)
