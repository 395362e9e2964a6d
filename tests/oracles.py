"""Derivatives of plain functions of raw arrays, found without the engine: what the tests compare it to.

Two methods.  The complex step (Squire & Trapp 1998) has no cancellation and is exact to rounding, but needs a function
that is analytic and accepts complex numbers.  Richardson's extrapolation of central differences (Ridders 1982) needs
neither; it says how far off it may be.  Both give the derivative along one direction: with random directions and
random cotangents a wrong entry of a Jacobian goes unnoticed with probability zero.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

Arrays = Sequence[Any]
Function = Callable[..., Any]

STEP = (
    1e-30  # of the complex step: its error is of the order STEP**2, so anything this small is exact
)
START = 0.01  # first step of the differences; kinks must be farther away than the largest direction times this
SHRINK = 1.6
ROUNDS = 7


class Slope(NamedTuple):
    """A directional derivative and a bound of its error."""

    value: Any
    error: float


def moved(arrays: Arrays, directions: Arrays, t: complex) -> list[Any]:
    """Return ``arrays + t * directions``; an integer or boolean array does not move."""
    return [x if d is None else x + t * d for x, d in zip(arrays, directions, strict=True)]


def complex_step(f: Function, arrays: Arrays, directions: Arrays) -> Slope:
    """Return the derivative of ``f(*arrays)`` along `directions`; exact for an analytic f."""
    value = np.asarray(f(*moved(arrays, directions, 1j * STEP))).imag / STEP
    return Slope(value, 1e-15 * (1.0 + float(np.max(np.abs(value), initial=0.0))))


def richardson(f: Function, arrays: Arrays, directions: Arrays, start: float = START) -> Slope:
    """Return the derivative of ``f(*arrays)`` along `directions` by extrapolated central differences.

    The error bound is the change in the last extrapolation plus the rounding of the values at the smallest step used.
    """
    best: Any = None
    error = np.inf
    above: list[Any] = []
    for k in range(ROUNDS):
        h = start / SHRINK**k
        high = np.asarray(f(*moved(arrays, directions, h)))
        low = np.asarray(f(*moved(arrays, directions, -h)))
        row = [(high - low) / (2 * h)]
        # extrapolating multiplies the rounding of two values, a few ulp each, by less than 8
        rounding = 16 * np.finfo(float).eps * float(np.max(np.abs(high), initial=1.0)) / h
        factor = 1.0
        for prior in above:
            factor *= SHRINK**2
            row.append((factor * row[-1] - prior) / (factor - 1))
            change = float(np.max(np.abs(row[-1] - row[-2]), initial=0.0)) + rounding
            if change <= error:
                error, best = change, row[-1]
        above = row
    return Slope(best, error)


def pairing(cotangents: Arrays, tangents: Arrays) -> Any:
    """Return the sum of all products of elements: how a cotangent acts on a tangent."""
    return sum(
        (np.sum(np.asarray(c) * t) for c, t in zip(cotangents, tangents, strict=True)),
        np.float64(0.0),
    )


def second_difference(
    f: Function, arrays: Arrays, directions: Arrays, start: float = 0.05
) -> Slope:
    """Return the second derivative of ``f(*arrays)`` along `directions`, from values of f alone."""

    def along(h: float) -> Any:
        return np.asarray(f(*moved(arrays, directions, h)))

    centre = np.asarray(f(*arrays))
    above: list[Any] = []
    best: Any = None
    error = np.inf
    for k in range(ROUNDS):
        h = start / SHRINK**k
        row = [(along(h) - 2 * centre + along(-h)) / (h * h)]
        rounding = 64 * np.finfo(float).eps * float(np.max(np.abs(centre), initial=1.0)) / (h * h)
        factor = 1.0
        for prior in above:
            factor *= SHRINK**2
            row.append((factor * row[-1] - prior) / (factor - 1))
            change = float(np.max(np.abs(row[-1] - row[-2]), initial=0.0)) + rounding
            if change <= error:
                error, best = change, row[-1]
        above = row
    return Slope(best, error)


# An array of a hundred elements loses a few ulp in sums, and a rule a few in its formula.
EXACT = {"d": 2e-13, "f": 2e-5, "e": 2e-2}


def same(got: Any, wanted: Any, factor: float = 1.0) -> None:
    got, wanted = np.asarray(got), np.asarray(wanted)
    assert got.shape == wanted.shape
    assert got.dtype == wanted.dtype
    if wanted.dtype.kind in "fc":
        tol = EXACT.get(wanted.dtype.char, EXACT["d"]) * factor
        np.testing.assert_allclose(got, wanted, rtol=tol, atol=tol)
    else:
        np.testing.assert_array_equal(got, wanted)
