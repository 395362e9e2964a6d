"""What tests compare the engine to: the oracles of `tinygrad_bp.testing`, and exact equality."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_bp.testing.oracles import (
    STEP,
    Slope,
    complex_step,
    moved,
    pairing,
    richardson,
)
from tinygrad_bp.testing.samples import plain

__all__ = [
    "EXACT",
    "STEP",
    "Slope",
    "complex_step",
    "moved",
    "pairing",
    "plain",
    "richardson",
    "same",
]

# An array of a hundred elements loses a few ulp in sums, and a rule a few in its formula.
EXACT = {"d": 2e-13, "f": 2e-5, "e": 2e-2}


def same(got: Any, wanted: Any, factor: float = 1.0) -> None:
    got, wanted = np.asarray(got), np.asarray(wanted)
    assert got.shape == wanted.shape
    assert got.dtype == wanted.dtype
    if np.array_equal(got, wanted):  # most are, and this takes a tenth of the time
        return
    if wanted.dtype.kind in "fc":
        tol = EXACT.get(wanted.dtype.char, EXACT["d"]) * factor
        np.testing.assert_allclose(got, wanted, rtol=tol, atol=tol)
    else:
        np.testing.assert_array_equal(got, wanted)
