"""Arithmetic: the operators, powers, absolute values, and the parts of complex numbers."""

from __future__ import annotations

import operator

import numpy as np

from tinygrad_bp.engine.arrays import Array, Cotangent
from tinygrad_bp.engine.constructors import composed, elementwise, flat, linear
from tinygrad_bp.engine.rule import NO_VALUE, POSITIVE, call
from tinygrad_bp.engine.tensor import SCALARS, Tensor, method, unwrap
from tinygrad_bp.rules.conventions import Convention, undefined
from tinygrad_bp.rules.unread import may_hold

elementwise(
    np.add,
    lambda ct, _out, _x, _y: ct,
    lambda ct, _out, _x, _y: ct,
    forward=operator.add,
    formula="{0} + {1}",
    tex="x + y",
    commutes=True,
    adds="terms",
    operators=("__add__", "__radd__"),
)
elementwise(
    np.subtract,
    lambda ct, _out, _x, _y: ct,
    lambda ct, _out, _x, _y: -ct,
    forward=operator.sub,
    formula="{0} − {1}",
    tex="x - y",
    adds="terms",
    operators=("__sub__",),
    reflected=("__rsub__",),
)
elementwise(
    np.multiply,
    lambda ct, _out, _x, y: ct * y,
    lambda ct, _out, x, _y: ct * x,
    forward=operator.mul,
    formula="{0} ⊙ {1}",
    tex=r"x \odot y",
    commutes=True,
    adds="products",
    operators=("__mul__", "__rmul__"),
)
elementwise(
    np.divide,
    lambda ct, _out, _x, y: ct / y,
    lambda ct, out, _x, y: -ct * out / y,
    forward=operator.truediv,
    formula="{0} / {1}",
    tex=r"\frac{x}{y}",
    operators=("__truediv__",),
    reflected=("__rtruediv__",),
    domain=POSITIVE,
)
elementwise(
    np.negative,
    lambda ct, _out, _x: -ct,
    forward=operator.neg,
    operators=("__neg__",),
    adds="terms",
)
elementwise(np.positive, lambda ct, _out, _x: ct, operators=("__pos__",), adds="terms")


def lowered(x: Array, y: Array) -> Array:
    """Return the exponent y - 1 of the derivative of ``x**y``; 1 where both are 0.

    The derivative there is 0 times a finite number.  Elsewhere an exponent of 0 is lowered like any
    other, since the derivative moves with it; an integer does not move.
    """
    if type(y) in SCALARS:  # stays a Python number: it must not widen a float32 base
        return y - 1 if y else 1
    special = y == 0
    if y.dtype.kind in "fc":  # 1 / x overflows below the least normal number
        special = special & (np.absolute(x) < np.finfo(x.dtype).tiny)
    return np.where(special, 1, y - 1)


def _moves(x: Array) -> bool:
    return isinstance(x, Tensor)


def _steep(_out: Array, x: Array, y: Array) -> Array:
    """Return where a power is 0 to first order, and its mixed derivatives may be infinite."""
    if _moves(x) and _moves(y):
        return (x == 0) & (np.real(y) >= 0) & (np.real(y) <= 1)
    return (x == 0) & (y == 0) & _moves(y)


POWER = Convention(_steep)
elementwise(
    np.power,
    lambda ct, _out, x, y: ct * y * x ** lowered(x, y),
    # log of 1 instead of 0: the limit 0 of 0**y log(0) for y > 0, and the convention for 0**0
    lambda ct, out, x, _y: ct * out * np.log(np.where(x == 0, 1, x)),
    forward=operator.pow,
    formula="{0} ^ {1}",
    tex="x^y",
    operators=("__pow__",),
    reflected=("__rpow__",),
    convention=POWER,
    domain=POSITIVE,
)
elementwise(
    np.float_power,
    lambda ct, _out, x, y: ct * y * np.float_power(x, lowered(x, y)),
    lambda ct, out, x, _y: ct * out * np.log(np.where(x == 0, 1, x)),
    convention=POWER,
    domain=POSITIVE,
)
elementwise(np.square, lambda ct, _out, x: ct * 2 * x)
elementwise(np.reciprocal, lambda ct, out, _x: -ct * out * out, domain=POSITIVE)
elementwise(np.sqrt, lambda ct, out, _x: ct * 0.5 / out, domain=POSITIVE)
elementwise(np.cbrt, lambda ct, out, _x: ct / 3 / (out * out), domain=POSITIVE, analytic=False)


def _over_size(part: Array, x: Array) -> Array:
    """Return ``part / abs(x)`` of complex numbers and multiples of theirs; 0 where both are.

    A quotient of complex numbers overflows by a denormal one, and a sum of squares may.
    """
    size = np.absolute(x)
    plain = unwrap(size)
    limits = np.finfo(plain.dtype)
    far = (plain < 4 * limits.tiny) | np.isinf(plain)
    if may_hold(far & (plain != 0)):
        power = limits.maxexp - limits.nmant // 2
        units = np.where(plain < 1, 2.0**power, 2.0**-power).astype(plain.dtype)
        part, x = (np.where(far, one * units, one) for one in (part, x))
        size = np.absolute(x)
    return part / np.where(size == 0, 1, size)


def _absolute_pull(ct: Cotangent, _out: Array, x: Array) -> Array:
    """Return ct times the sign of a real x, times conj(x)/|x| of a complex one; 0 at 0."""
    if x.dtype.kind != "c":
        return ct * np.sign(x)
    return _over_size(np.real(ct) * np.conjugate(x), x)


ABSOLUTE = Convention(
    lambda _out, x: x == 0, squared=(lambda q, _out, x: q * np.conjugate(x),), kink=True
)
elementwise(
    np.absolute,
    _absolute_pull,
    operators=("__abs__",),
    analytic=False,
    convention=ABSOLUTE,
    takes_complex=True,
    kinks=(0.0,),
)
elementwise(
    np.fabs,
    lambda ct, _out, x: ct * np.sign(x),
    convention=ABSOLUTE,
    analytic=False,
    kinks=(0.0,),
)
elementwise(
    np.copysign,
    lambda ct, _out, x, y: np.where(np.signbit(x) == np.signbit(y), ct, -ct),
    lambda ct, _out, _x, _y: ct * 0,
    analytic=False,
    kinks=(0.0,),
)
elementwise(
    np.remainder,
    lambda ct, _out, _x, _y: ct,
    lambda ct, _out, x, y: -ct * np.floor_divide(x, y),
    operators=("__mod__",),
    reflected=("__rmod__",),
    domain=((3.2, 3.9), (1.4, 1.55)),
    analytic=False,
)
elementwise(
    np.fmod,
    lambda ct, _out, _x, _y: ct,
    # x - out is n y, the whole number n the quotient: trunc(x / y) is another where x / y rounds up
    lambda ct, out, x, y: -ct * np.rint((x - out) / y),
    domain=((3.2, 3.9), (1.4, 1.55)),
    analytic=False,
)
# The second operand decides a direction, and counts itself where the first is 0.
elementwise(
    np.nextafter,
    lambda ct, _out, _x, _y: ct,
    lambda ct, _out, _x, _y: ct * 0,
    analytic=False,
    in_programs=False,  # results lie one rounding apart, where the spread of them has its kink
)
elementwise(
    np.heaviside,
    lambda ct, _out, _x, _y: ct * 0,
    lambda ct, _out, x, _y: ct * (x == 0),
    analytic=False,
    kinks=(0.0,),
)


@composed(np.sign, analytic=False)
def _sign(x: Array) -> Array:
    """`numpy.sign`: a plain value, but of complex numbers the phase, which has a derivative."""
    if x.dtype.kind != "c":
        return np.sign(unwrap(x))
    zero = unwrap(x) == 0
    return _over_size(x, x) * ~zero + undefined(x, zero, 2)


elementwise(np.deg2rad, lambda ct, _out, _x: ct * (np.pi / 180), analytic=False)
elementwise(np.radians, lambda ct, _out, _x: ct * (np.pi / 180), analytic=False)
elementwise(np.rad2deg, lambda ct, _out, _x: ct * (180 / np.pi), analytic=False)
elementwise(np.degrees, lambda ct, _out, _x: ct * (180 / np.pi), analytic=False)

# Complex numbers: the pull is the transpose without conjugation (as in JAX and HIPS/autograd).
# The cotangent of a real result is real: what else has come down to it is not carried on into
# complex numbers, where in the second order it would meet itself and count.
elementwise(
    np.conjugate,
    lambda ct, _out, _x: np.conjugate(ct),
    methods=("conj", "conjugate"),
    analytic=False,
    takes_complex=True,
)
linear(
    np.real,
    lambda ct, _out, _x: np.real(ct),
    forward=lambda val: np.real(val),
    views=True,
    samples=(call((3,)), call((2, 3)), call((0,)), call(())),
    analytic=False,
    takes_complex=True,
)
linear(
    np.imag,
    # in this order: complex.__mul__ takes a float64 as a float
    lambda ct, _out, _x: np.real(ct) * -1j if _x.dtype.kind == "c" else ct * 0,
    forward=lambda val: np.imag(val),
    views=True,
    samples=(call((3,)), call((0,)), call(())),
    analytic=False,
    takes_complex=True,
)
method("real", property(lambda x: np.real(x)))
method("imag", property(lambda x: np.imag(x)))

flat(np.floor_divide, operators=("__floordiv__",))
flat(np.signbit, np.floor, np.ceil, np.trunc, np.rint, np.spacing)
flat(*filter(None, [getattr(np, "fix", None)]))  # deprecated since NumPy 2.5
flat(np.isnan, np.isinf, np.isfinite, np.isreal, np.iscomplex, np.iscomplexobj, np.isrealobj)
flat(np.round, methods=("round",))
flat(np.around)
flat(np.logical_and, np.logical_or, np.logical_xor, np.logical_not)
flat(np.isclose, np.allclose, np.array_equal, np.array_equiv)
flat(np.shape, np.ndim, np.size, why=NO_VALUE)
flat(np.result_type, np.can_cast, np.min_scalar_type, why=NO_VALUE)
flat(np.zeros_like, np.ones_like, np.empty_like, why=NO_VALUE)
flat(np.equal, operators=("__eq__",))
flat(np.not_equal, operators=("__ne__",))
flat(np.less, operators=("__lt__",))
flat(np.less_equal, operators=("__le__",))
flat(np.greater, operators=("__gt__",))
flat(np.greater_equal, operators=("__ge__",))
method("__rfloordiv__", lambda x, y: np.floor_divide(y, x))
method("__divmod__", lambda x, y: np.divmod(x, y))
method("__rdivmod__", lambda x, y: np.divmod(y, x))
