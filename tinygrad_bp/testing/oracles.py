"""Derivatives of plain functions of raw arrays, found without the engine: what checks compare with.

Two methods.  The complex step (Squire & Trapp 1998) has no cancellation and is exact to rounding,
but needs a function that is analytic and accepts complex numbers.  Richardson's extrapolation of
differences (Ridders 1982) needs neither; it says how far off it may be.  Both give the derivative
along one direction: with random directions and random cotangents a wrong entry of a Jacobian goes
unnoticed with probability zero.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from tinygrad_bp.elsewhere.calls import answers

Arrays = Sequence[Any]
Function = Callable[..., Any]

STEP = 1e-30  # of the complex step: its error is of the order STEP**2, so it is exact
START = 0.01  # first step of the differences; no kink may be nearer than START times a direction
SHRINK = 1.6
ROUNDS = 7
EPSILON = float(np.finfo(float).eps)


class Slope(NamedTuple):
    """A directional derivative and a bound of its error."""

    value: Any
    error: Any


def moved(arrays: Arrays, directions: Arrays, t: complex) -> list[Any]:
    """Return ``arrays + t * directions``; what has the direction None does not move."""
    return [x if d is None else x + t * d for x, d in zip(arrays, directions, strict=True)]


@answers
def complex_step(f: Function, arrays: Arrays, directions: Arrays) -> Slope:
    """Compute the derivative of ``f(*arrays)`` along `directions`; exact for an analytic f.

    Parameters
    ----------
    f : callable
        Takes complex arrays and gives one array or number.
    arrays, directions : sequence of array
        Where, and along what; None for an array that does not move.

    Returns
    -------
    Slope
        The derivative, and a bound of the error of all its elements.

    Examples
    --------
    >>> import numpy as np
    >>> from tinygrad_bp.testing import complex_step
    >>> float(complex_step(np.sin, [0.0], [1.0]).value)
    1.0
    """
    value = np.asarray(f(*moved(arrays, directions, 1j * STEP))).imag / STEP
    return Slope(value, 1e-15 * (1.0 + float(np.max(np.abs(value), initial=0.0))))


@answers
def richardson(f: Function, arrays: Arrays, directions: Arrays, start: float = START) -> Slope:
    """Compute the derivative of ``f(*arrays)`` along `directions` by extrapolated differences.

    Parameters
    ----------
    f : callable
        Takes arrays and gives one array or number; called 4 to 14 times.
    arrays, directions : sequence of array
        Where, and along what; None for an array that does not move.
    start : float, default 0.01
        The largest step.  f must be smooth as far as that.

    Returns
    -------
    Slope
        The derivative, and a bound of the error of all its elements.

    Examples
    --------
    >>> from tinygrad_bp.testing import richardson
    >>> slope = richardson(abs, [2.0], [1.0])
    >>> bool(abs(slope.value - 1.0) <= slope.error < 1e-10)
    True
    """

    def quotient(h: float) -> tuple[Any, float]:
        high = np.asarray(f(*moved(arrays, directions, h)))
        low = np.asarray(f(*moved(arrays, directions, -h)))
        # extrapolating multiplies the rounding of two values, a few ulp each, by less than 8
        return (high - low) / (2 * h), 16 * rounding(high) / h

    return extrapolated(quotient, start)


def rounding(values: Any) -> float:
    """Return the spacing of floats of the size of `values`."""
    return EPSILON * float(np.max(np.abs(values), initial=1.0))


def extrapolated(quotient: Callable[[float], tuple[Any, float]], start: float) -> Slope:
    """Return the limit at 0 of a quotient whose error is a series in the square of its step.

    `quotient` also gives the rounding of its value.  The error bound is the change in the last
    extrapolation plus that rounding, which grows as the step shrinks: once the bound is less than
    the next step's, no smaller step can better it, and none is tried.
    """
    rows: list[Any] = []
    noises: list[float] = []
    error = np.inf
    while len(rows) < 2 or (len(rows) < ROUNDS and error > SHRINK * noises[-1]):
        row, noise = quotient(start / SHRINK ** len(rows))
        rows.append(row)
        noises.append(noise)
        if len(rows) > 1:
            value, errors = limit(rows, noises, SHRINK**2)
            error = float(np.max(errors, initial=0.0))
    return Slope(value[()], error)


def limit(rows: Sequence[Any], noises: Sequence[Any], factor: float) -> Slope:
    """Extrapolate rows of a difference quotient to the step 0, each element by itself.

    Parameters
    ----------
    rows : sequence of array
        The quotient at shrinking steps.
    noises : sequence of array or float
        The rounding of each row.
    factor : float
        By how much the leading term of the error shrinks from row to row; the next terms shrink by
        its powers.

    Returns
    -------
    Slope
        For each element the entry of Neville's table that differs least from its neighbours; the
        error is that difference and the row's rounding.
    """
    shape = rows[0].shape
    column = np.array(rows).reshape(len(rows), -1)
    noise = np.array(noises).reshape(len(rows), -1)
    best, error = column[-1], np.full(column.shape[1], np.inf)
    each = np.arange(column.shape[1])
    power = 1.0
    for k in range(1, len(rows)):  # the columns of the table, each with one element less
        power *= factor
        before = column[1:]
        column = before + (before - column[:-1]) / (power - 1)
        change = np.abs(column - before) + noise[k:]
        change = np.where(np.isnan(change), np.inf, change)
        least = change.argmin(axis=0)
        found = change[least, each]
        better = found <= error
        error = np.where(better, found, error)
        best = np.where(better, column[least, each], best)
    return Slope(best.reshape(shape), error.reshape(shape))


def pairing(cotangents: Arrays, tangents: Arrays) -> Any:
    """Return the sum of all products of elements: how a cotangent acts on a tangent."""
    return sum(
        (np.sum(np.asarray(c) * t) for c, t in zip(cotangents, tangents, strict=True)),
        np.float64(0.0),
    )
