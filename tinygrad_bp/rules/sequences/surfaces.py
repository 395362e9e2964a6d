"""Polynomials of several variables: `polyval2d`, `polygrid2d`, `polyvalnd`, by Horner's scheme."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.polynomial import polynomial

from tinygrad_bp.engine.arrays import Array
from tinygrad_bp.engine.constructors import arrayed, composed
from tinygrad_bp.engine.rule import call
from tinygrad_bp.errors import ShapeError


def _horner(x: Array, c: Array) -> Array:
    """Return the sum of ``c[i] * x**i``, where ``c[i]`` broadcasts to `x`."""
    c = np.reshape(c, c.shape or (1,))  # a polynomial of fewer variables is constant in the others
    total = c[-1] + 0 * x
    for i in range(len(c) - 2, -1, -1):
        total = total * x + c[i]
    return total


def _outwards(c: Array, x: Array) -> Array:
    """Return `c` with axes of length 1 at its end, for the axes of `x`."""
    return np.reshape(c, c.shape + (1,) * x.ndim)


def polyval2d(x: Array, y: Array, c: Array) -> Array:
    """`numpy.polynomial.polynomial.polyval2d`: values at points (x, y)."""
    return _at_points("polyval2d", (x, y), c)


def polyvalnd(pts: Any, c: Array) -> Array:
    """`numpy.polynomial.polynomial.polyvalnd`: values at points given by their coordinates."""
    return _at_points("polyvalnd", pts, c)


def _at_points(name: str, coordinates: Any, c: Array) -> Array:
    points = [arrayed(x) for x in coordinates]
    if len({x.shape for x in points}) != 1:
        shapes = ", ".join(str(x.shape) for x in points)
        raise ShapeError(f"{name}: the coordinates are of one shape; these are {shapes or 'none'}")
    total = _outwards(arrayed(c), points[0])
    for x in points:
        total = _horner(x, total)
    return total


def polygrid2d(x: Array, y: Array, c: Array) -> Array:
    """`numpy.polynomial.polynomial.polygrid2d`: values at all pairs of an x and a y."""
    x, y, c = arrayed(x), arrayed(y), arrayed(c)
    return _horner(y, _outwards(_horner(x, _outwards(c, x)), y))


if hasattr(polynomial.polyval2d, "_implementation"):  # NumPy 2.4: before, nobody overrides them
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

if hasattr(polynomial, "polyvalnd"):  # NumPy 2.5
    composed(
        polynomial.polyvalnd,
        samples=(
            call([(3,), (3,), (3,)], (2, 3, 2)),
            call([(3,)], (2,)),
            call([(), (), ()], (2, 2)),
            call([(2,), (2,)], (1, 2, 3)),
            call([(0,), (0,)], (2, 2)),
        ),
    )(polyvalnd)
