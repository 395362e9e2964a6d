"""Numbers taken apart: mantissa and exponent, fraction and whole, quotient and rest, NaN and all.

What is a whole number, or a test of one, is flat and comes as a plain array.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy._core import umath

from tinygrad_bp.engine.arrays import Array
from tinygrad_bp.engine.constructors import composed, elementwise, flat, linear
from tinygrad_bp.engine.rule import call
from tinygrad_bp.engine.tensor import unwrap
from tinygrad_bp.errors import UnsupportedFunctionError
from tinygrad_bp.rules.linalg.matrices import real
from tinygrad_bp.rules.unread import may_hold

# Ufuncs without a public name: Any, since NumPy's own stubs have none for them either.
HIDDEN: Any = umath

# The exponent is a whole number, so a parameter; it may broadcast the mantissa.
linear(
    np.ldexp,
    lambda ct, _out, _x1, x2: np.ldexp(real(ct), x2),
    forward=lambda x1, x2: np.ldexp(x1, x2),
    broadcasts=True,
    samples=(
        call((3, 4), 2),
        call((3,), np.array([[1], [-2]])),
        call((), np.array([0, 3])),
        call((), -1),
        call((0, 3), 1),
    ),
    analytic=False,
)


@composed(np.frexp, samples=(call((3, 4)), call(()), call((0,))), domain=(2.1, 3.9), analytic=False)
def frexp(x: Array) -> tuple[Any, Any]:
    """`numpy.frexp`; the exponent is a plain array of integers."""
    exponent = np.frexp(unwrap(x))[1]
    return np.ldexp(x, -exponent), exponent


def fraction(x: Array) -> Array:
    """Return what is left of `x` without its whole part, with the sign of `x`."""
    return np.modf(x)[0]


fraction = elementwise(
    fraction, lambda ct, _out, _x: ct, forward=fraction, domain=(1.2, 1.8), analytic=False
)


@composed(np.modf, samples=(call((3, 4)), call(()), call((0,))), domain=(1.2, 1.8), analytic=False)
def modf(x: Array) -> tuple[Any, Any]:
    """`numpy.modf`; the whole part is a plain array."""
    return fraction(x), np.modf(unwrap(x))[1]


@composed(
    np.divmod,
    samples=(call((3, 4), (3, 4)), call((2, 3), (3,)), call((), ()), call((0,), (1,))),
    domain=((3.2, 3.9), (1.4, 1.55)),
    analytic=False,
)
def divide_with_remainder(x1: Array, x2: Array) -> tuple[Any, Any]:
    """`numpy.divmod`; the quotient is a plain array."""
    return np.floor_divide(x1, x2), np.remainder(x1, x2)


composed(HIDDEN.clip, analytic=False)(lambda a, a_min, a_max: np.clip(a, a_min, a_max))


# Numbers that are none


def _finite(x: Array, nan: Any, posinf: Any, neginf: Any) -> Array:
    """Return a real `x` with other numbers where it is not finite: no gradient passes there."""
    raw = unwrap(x)
    limits = np.finfo(raw.dtype)
    out = x
    for places, value in (
        (np.isnan(raw), nan),
        (raw == np.inf, limits.max if posinf is None else posinf),
        (raw == -np.inf, limits.min if neginf is None else neginf),
    ):
        if may_hold(places):
            out = np.where(places, value, out)
    if out is x:
        return np.copy(x)
    return out if out.dtype == raw.dtype else out.astype(raw.dtype)


@composed(np.nan_to_num, samples=(call((3, 4)), call(()), call((0, 2))), analytic=False)
def nan_to_num(
    x: Array, copy: bool = True, nan: Any = 0.0, posinf: Any = None, neginf: Any = None
) -> Array:
    """`numpy.nan_to_num`; the gradient is 0 where a number was put in."""
    if not copy:
        raise UnsupportedFunctionError(
            "nan_to_num: copy=False would overwrite a value that the graph may need; leave it out"
        )
    if x.dtype.kind not in "fc":
        return np.copy(x)
    if x.dtype.kind == "f":
        return _finite(x, nan, posinf, neginf)
    given = [unwrap(value) for value in (nan, posinf, neginf) if value is not None]
    if not all(np.all(np.isfinite(value)) for value in given):
        raise UnsupportedFunctionError(
            "nan_to_num: infinities and NaN cannot be put into the parts of complex numbers; put"
            " them into numpy.real and numpy.imag of it"
        )
    parts = [_finite(part, nan, posinf, neginf) for part in (np.real(x), np.imag(x))]
    return parts[0] + parts[1] * 1j


@composed(np.real_if_close, samples=(call((3,)), call((0,))))
def real_if_close(a: Array, tol: float = 100) -> Array:
    """`numpy.real_if_close`: the real part where no imaginary part is more than rounding."""
    if a.dtype.kind != "c":
        return a
    if tol > 1:
        tol = float(np.finfo(a.dtype).eps) * tol
    return np.real(a) if np.all(np.absolute(unwrap(a).imag) < tol) else a


flat(np.isposinf, np.isneginf, np.isnat, HIDDEN._ones_like)
# Of whole numbers alone
flat(np.bitwise_and, np.bitwise_or, np.bitwise_xor, np.invert, np.bitwise_count)
flat(np.left_shift, np.right_shift, np.gcd, np.lcm)
