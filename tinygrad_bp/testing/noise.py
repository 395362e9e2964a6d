"""How rough the computed values of a smooth function are: what differences divide by their step."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

# So close that a smooth function is nearly a line there, and rounding is not; and wider ones, for
# values that go in steps and are smooth between the closest points.
SPACINGS = (1.37e-9, 3.784e-8, 1.91e-6, 6.71e-5, 1.37e-3)
CLOSE = 2  # of them are close
LEVEL = 5.0  # noise grows by less from spacing to spacing; a corner makes it 30 times as much
SMALL = 1e-5  # of a value: more than that between wider points is no rounding, but a pole
LITTLE = 1e-3  # of a value: noise that may be a bend instead, if it is more
# Not evenly spaced: values that go in steps would be in time with even ones.
POINTS = np.arange(1.0, 10.0) + 0.4 * np.sin(np.arange(9.0) ** 2)
DEGREES = (3, 5)


def roughness(values: Callable[[float], Any], spacings: tuple[float, ...] = SPACINGS) -> Any:
    """Estimate the standard deviation of the noise in ``values(t)``, each element by itself.

    Parameters
    ----------
    values : callable
        The function along a line.  It is asked for some t just above 0, so that a kink at 0 is not
        taken for noise.
    spacings : tuple of float, optional
        Between the points.

    Returns
    -------
    array

    Notes
    -----
    What a polynomial leaves of the values at close points is nothing of a smooth function, and a
    known part of its noise.  After Moré & Wild (2011), "Estimating computational noise", who take
    differences of evenly spaced values.
    """
    tables = [_table(values, spacing) for spacing in spacings]
    found = [_noise_of(table, DEGREES[0]) for table in tables]
    noise, small = found[0], SMALL * np.max(np.abs(tables[0]), axis=0)
    for k, wide in enumerate(found[1:-1], start=1):
        level = k < CLOSE or found[k + 1] <= LEVEL * wide
        noise = np.maximum(noise, np.where((wide <= small) & level, wide, 0.0))
    return noise


def roughness_of_derivatives(values: Callable[[float], Any]) -> Any:
    """Estimate the noise as `roughness` does, also where it is the same at all close points.

    The rounding of a difference that nearly cancels goes in steps.  Points far apart show it, but
    they are believed only where they show little else.
    """
    close = roughness(values)
    table = _table(values, SPACINGS[-1])
    far = _noise_of(table, DEGREES[-1])
    return np.maximum(close, np.where(far <= LITTLE * np.abs(table[0]), far, 0.0))


def _table(values: Callable[[float], Any], spacing: float) -> Any:
    return np.array([values(spacing * t) for t in POINTS])


def _noise_of(table: Any, degree: int) -> Any:
    left = np.tensordot(REMAINDERS[degree], table - table[0], axes=1)
    return np.sqrt(np.sum(np.abs(left) ** 2, axis=0) / (len(POINTS) - degree - 1))


def _remainder(degree: int) -> Any:
    """Return the matrix that takes values to what the best polynomial leaves of them."""
    columns, _ = np.linalg.qr(np.vander(POINTS / POINTS[-1], degree + 1))
    return np.eye(len(POINTS)) - columns @ columns.T


REMAINDERS = {degree: _remainder(degree) for degree in DEGREES}
