"""Polynomials for elementary functions, by interpolation at zeros of Chebyshev's polynomial.

A function of an argument in [-half, half] is written as its first terms, exact, and a polynomial
times a power of the argument.  This differs from the function by about a polynomial that has a
multiple zero at 0.  Chebyshev's has the smallest maximum; those of its zeros that are nearest to 0
make way for that one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import mpmath as mp
import numpy as np

DIGITS = 60


class Table(NamedTuple):
    """What is left of a function, by the power of the argument that it is multiplied by."""

    rest: Callable[[mp.mpf], mp.mpf]  # of the argument, or of its square
    half: mp.mpf
    power: int
    argument: str  # of the polynomial: "r", or "r*r"
    counts: tuple[int, int]  # of coefficients, for double and for float; 0 where not needed

    @property
    def squared(self) -> bool:
        return self.argument == "r*r"


def nodes(table: Table, count: int) -> list[mp.mpf]:
    """Return where the polynomial is to meet the rest."""
    total = (2 if table.squared else 1) * count + table.power
    zeros = [table.half * mp.cos(mp.pi * (2 * k + 1) / (2 * total)) for k in range(total)]
    kept = sorted(zeros, key=abs)[table.power :]
    return [zero**2 for zero in kept if zero > 0] if table.squared else kept


def coefficients(table: Table, count: int) -> list[mp.mpf]:
    """Return those of the powers from 0."""
    points = nodes(table, count)
    powers = mp.matrix(count, count)
    for i, point in enumerate(points):
        for j in range(count):
            powers[i, j] = point**j
    return list(mp.lu_solve(powers, mp.matrix([table.rest(point) for point in points])))


def rounded(exact: list[mp.mpf], real: str) -> list[float]:
    """Return numbers of a type, rounded once: to 24 bits by way of 53 could round twice."""
    if real == "double":
        return [float(c) for c in exact]
    with mp.workprec(24):
        return [float(np.float32(float(+c))) for c in exact]


def _odd(function: Callable[[mp.mpf], mp.mpf], times: int = 1) -> Callable[[mp.mpf], mp.mpf]:
    """Return the rest, of z = s s, of an odd function that begins with its argument."""

    def rest(z: mp.mpf) -> mp.mpf:
        with mp.workdps(3 * DIGITS):
            s = mp.sqrt(z)
            return times * (function(s) / s - 1) / z

    return rest


def _cosine(z: mp.mpf) -> mp.mpf:
    with mp.workdps(3 * DIGITS):
        return (mp.cos(mp.sqrt(z)) - 1 + z / 2) / z**2


def _exponential(r: mp.mpf) -> mp.mpf:
    with mp.workdps(3 * DIGITS):
        return (mp.exp(r) - 1 - r) / r**2


def _artanh(z: mp.mpf) -> mp.mpf:
    """Return the rest of 2 artanh(s) after two terms."""
    with mp.workdps(3 * DIGITS):
        s = mp.sqrt(z)
        return (2 * mp.atanh(s) / s - 2 - 2 * z / 3) / z**2


def _power_of_two(r: mp.mpf) -> mp.mpf:
    with mp.workdps(3 * DIGITS):
        return (2**r - 1) / r


def tables() -> dict[str, Table]:
    """Return what the functions need; intervals a little wider than rounding makes them."""
    wide = mp.mpf("1.0001")
    eighth = mp.tan(mp.pi / 8) * wide
    return {
        "EXP": Table(_exponential, mp.log(2) / 2 * wide, 2, "r", (10, 5)),
        "EXP2": Table(_power_of_two, mp.mpf("0.50001"), 1, "r", (11, 6)),
        "LOG": Table(_odd(mp.atanh, 2), wide / 5, 3, "r*r", (8, 3)),
        "POWER": Table(_artanh, wide / 5, 5, "r*r", (8, 0)),
        "SIN": Table(_odd(mp.sin), mp.pi / 4 * wide, 3, "r*r", (6, 3)),
        "COS": Table(_cosine, mp.pi / 4 * wide, 4, "r*r", (6, 3)),
        "ATAN": Table(_odd(mp.atan), eighth, 3, "r*r", (11, 5)),
        "ASIN": Table(_odd(mp.asin), wide / 2, 3, "r*r", (13, 6)),
    }
