"""Whether the complex step applies."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tinygrad_bp.testing.directions import direction
from tinygrad_bp.testing.oracles import EPSILON, STEP, moved
from tinygrad_bp.testing.subject import Flat

COARSE = (1e-5, 1e-7)  # steps of a coarse difference
CLOSE = 1e-4  # at which a complex step and a coarse difference are the same slope


def is_analytic(values: Callable[[Flat], Any], point: Flat, rng: Any) -> bool:
    """Whether a function takes complex numbers and is analytic at the point, to all appearance.

    Its slope by a complex step along a random direction is compared with a coarse difference; a
    function that drops the imaginary part, or has a corner here, gives another.
    """
    if any(np.iscomplexobj(one) for one in point):
        return False
    along = [direction(one, rng) for one in point]
    try:
        value = np.asarray(values(moved(point, along, 1j * STEP)))
        middle = values(point)
        around = [(h, *(values(moved(point, along, t)) for t in (h, -h))) for h in COARSE]
    except Exception:  # noqa: BLE001  # what does not take complex numbers says so in many ways
        return False
    if value.shape != middle.shape or np.iscomplexobj(middle) or not np.iscomplexobj(value):
        return False
    slope = value.imag / STEP
    size = np.abs(slope) + 1e-3 * np.max(np.abs(slope), initial=0.0)
    near = np.zeros(size.shape, bool)
    for h, high, low in around:
        allowed = CLOSE * size + 1e3 * EPSILON * np.abs(middle) / h
        bend = np.abs(high + low - 2 * middle) / h
        straight = bend <= 0.1 * size + allowed
        near |= (np.abs(slope - (high - low) / (2 * h)) <= allowed) & straight
    return bool(near.all())
