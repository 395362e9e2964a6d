"""What the checks of this process found, for the last line of a test run."""

from __future__ import annotations

import math
from dataclasses import dataclass, field


@dataclass
class Tally:
    """Sums over all checks.

    Attributes
    ----------
    functions : set of str
        Names of the functions that were checked.
    checks : int
        How often one was checked.
    worst : float
        The largest relative difference that passed.
    low, high : float
        The least and the largest element of the arguments that passed.
    kinks : int
        At how many entries a kink was met.
    deep : bool
        Whether checks take more directions and points than by default.
    """

    functions: set[str] = field(default_factory=set)
    checks: int = 0
    worst: float = 0.0
    low: float = math.inf
    high: float = -math.inf
    kinks: int = 0
    deep: bool = False


TALLY = Tally()
