"""The cardinal sine and its derivatives of any order."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from tinygrad_bp.engine.constructors import elementwise
from tinygrad_bp.engine.rule import call


@cache
def _quadrature(count: int) -> list[tuple[float, float]]:
    """Return nodes and weights of Gauss and Legendre's quadrature on (0, 1)."""
    nodes, weights = np.polynomial.legendre.leggauss(count)
    return list(zip(((nodes + 1) / 2).tolist(), (weights / 2).tolist(), strict=True))


def _turned(y: Any, quarters: int) -> Any:
    """Return ``cos(y + quarters * pi / 2)``."""
    wave = np.sin(y) if quarters % 2 else np.cos(y)
    return -wave if quarters % 4 in (1, 2) else wave


def _by_integral(y: Any, order: int) -> Any:
    """Return the derivative of ``sin(y)/y`` for small y: the integral of ``t^n cos(ty + n pi/2)``.

    Nothing cancels in it, and the quadrature is exact to rounding up to y about 2 n.
    """
    total = y * 0
    for t, weight in _quadrature(14 + 2 * order):
        total = total + weight * t**order * _turned(t * y, order)
    return total


def _by_recurrence(y: Any, order: int) -> Any:
    """Return the same for large y, from ``y s' + s = cos(y)`` differentiated: stable from n on."""
    s = np.sin(y) / y
    for n in range(1, order + 1):
        s = (_turned(y, n - 1) - n * s) / y
    return s


def sinc_derivative(x: Any, order: int) -> Any:
    """Return the derivative of `numpy.sinc` of this order; exact at 0 and beside it."""
    y = np.pi * x
    far = np.abs(y) > order + 1
    near = _by_integral(np.where(far, 0, y), order)
    value = np.where(far, _by_recurrence(np.where(far, y, 1), order), near) * np.pi**order
    return value if value.shape else value[()]  # a 0-d value is a NumPy scalar


sinc_derivative = elementwise(
    sinc_derivative,
    lambda ct, _out, x, order: ct * sinc_derivative(x, order + 1),
    samples=(call((3, 4), 1), call((5,), 2), call((), 3), call((0, 3), 1), call((4,), 0)),
)
elementwise(np.sinc, lambda ct, _out, x: ct * sinc_derivative(x, 1))
