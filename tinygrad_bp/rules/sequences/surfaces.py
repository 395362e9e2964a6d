"""Polynomials of two variables: `polyval2d` and `polygrid2d`, by Horner's scheme in each."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.polynomial import polynomial

from tinygrad_bp.engine.constructors import arrayed, composed
from tinygrad_bp.engine.rule import call
from tinygrad_bp.errors import ShapeError


def _horner(x: Any, c: Any) -> Any:
    """Return the sum of ``c[i] * x**i``, where ``c[i]`` broadcasts to `x`."""
    total = c[-1] + 0 * x
    for i in range(len(c) - 2, -1, -1):
        total = total * x + c[i]
    return total


def _outwards(c: Any, x: Any) -> Any:
    """Return `c` with axes of length 1 at its end, for the axes of `x`."""
    return np.reshape(c, c.shape + (1,) * x.ndim)


def polyval2d(x: Any, y: Any, c: Any) -> Any:
    """`numpy.polynomial.polynomial.polyval2d`: values at points (x, y)."""
    x, y, c = arrayed(x), arrayed(y), arrayed(c)
    if x.shape != y.shape:
        raise ShapeError(f"polyval2d: x {x.shape} and y {y.shape} are of one shape")
    return _horner(y, _horner(x, _outwards(c, x)))


def polygrid2d(x: Any, y: Any, c: Any) -> Any:
    """`numpy.polynomial.polynomial.polygrid2d`: values at all pairs of an x and a y."""
    x, y, c = arrayed(x), arrayed(y), arrayed(c)
    return _horner(y, _outwards(_horner(x, _outwards(c, x)), y))


if hasattr(polynomial.polyval2d, "_implementation"):  # since NumPy 2.1 others can override them
    composed(
        polynomial.polyval2d,
        samples=(
            call((3,), (3,), (2, 3)),
            call((), (), (2, 2)),
            call((2,), (2,), (1, 2, 3)),
            call((0,), (0,), (2, 2)),
        ),
    )(polyval2d)
    composed(
        polynomial.polygrid2d,
        samples=(call((3,), (2,), (2, 3)), call((), (2,), (2, 2)), call((0,), (2,), (2, 2))),
    )(polygrid2d)
