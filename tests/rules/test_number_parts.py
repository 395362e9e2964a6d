"""Rests, quotients, mantissas and fractions: what a whole number is the slope of must be exact."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from deeper import explored
from hypothesis import assume, given
from hypothesis import strategies as st

import tinygrad_bp as tg

DIVIDENDS = st.one_of(st.integers(-4000, 4000).map(lambda n: n / 10), st.floats(-1e9, 1e9))
DIVISORS = st.one_of(
    st.sampled_from([0.1, -0.1, 0.3, 0.7, 1.1, 1 / 3, -2.5, 7.0, 1e-3]), st.floats(-1e3, 1e3)
)
PRECISIONS = [np.float64, np.float32, np.float16]
RESTS: dict[str, tuple[Any, Any]] = {
    "fmod": (np.fmod, math.trunc),
    "remainder": (np.remainder, math.floor),
    "%": (lambda x, y: x % y, math.floor),
    "divmod": (lambda x, y: np.divmod(x, y)[1], math.floor),
    "the rest by floor_divide": (lambda x, y: x - np.floor_divide(x, y) * y, math.floor),
}


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("name", RESTS)
@explored(25, dividend=DIVIDENDS, divisor=DIVISORS)
def test_slopes_of_a_rest(name: str, precision: Any, dividend: float, divisor: float) -> None:
    """``x - n y``: 1 and -n, where n is the quotient of the numbers themselves, not of rounded."""
    rest, whole = RESTS[name]
    with np.errstate(over="ignore"):
        x, y = precision(dividend), precision(divisor)
    assume(np.isfinite(x) and abs(y) > np.finfo(precision).tiny)
    n = whole(Fraction(float(x)) / Fraction(float(y)))
    assume(abs(n) < float(np.finfo(precision).max) / 2)
    along_x, along_y = tg.grad(rest, argnums=(0, 1))(x, y)
    assert along_x == 1
    assert along_y.dtype == precision
    assert float(along_y) == pytest.approx(-n, rel=4 * float(np.finfo(precision).eps), abs=0)


@given(x=st.floats(allow_nan=False, allow_infinity=False), exponent=st.integers(-1100, 1100))
def test_slope_of_a_scaled_number(x: float, exponent: int) -> None:
    with np.errstate(over="ignore"):
        slope = tg.grad(lambda x: np.ldexp(x, exponent))(x)
        assert slope == np.ldexp(1.0, exponent)


@given(x=st.floats(allow_nan=False, allow_infinity=False).filter(bool))
def test_slopes_of_the_parts(x: float) -> None:
    """The mantissa is ``x / 2**e``, the fraction ``x`` less a whole number."""
    _, exponent = math.frexp(x)
    with np.errstate(over="ignore"):  # the slope of a denormal's mantissa
        assert tg.grad(lambda x: np.frexp(x)[0])(x) == np.ldexp(1.0, -exponent)
    assert tg.grad(lambda x: np.modf(x)[0])(x) == 1
