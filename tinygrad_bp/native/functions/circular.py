"""Circular functions and their inverses, in steps that every processor rounds alike.

An argument is x = q pi/2 + r, q the whole number nearest to 2 x / pi.  Up to a bound, q pi/2 is
taken off in three parts of full precision: the first subtraction is exact, since r has no digit
below the last of that part.  Beyond it, as many digits of 2/pi are multiplied by as matter.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

from tinygrad_bp.native.functions.coefficients import ASIN, ATAN, COS, SIN
from tinygrad_bp.native.functions.huge_angles import remainders
from tinygrad_bp.native.functions.reals import REALS, polynomial
from tinygrad_bp.native.llvm.ir import Block, Value

HALF_PI = {
    "double": tuple(
        float.fromhex(part)
        for part in ("0x1.921fb54442d18p+0", "0x1.1a62633145c06p-54", "0x1.c1cd129024e08p-107")
    ),
    "float": tuple(
        float.fromhex(part) for part in ("0x1.921fb4p+0", "0x1.4442dp-24", "0x1.846988p-48")
    ),
}
BOUND = {"double": 2.0**30, "float": 2.0**15}  # where the number of turns still is exact


class _Angle(NamedTuple):
    r: Value  # within a little more than pi/4 of 0
    rest: Value  # what rounding took off r
    quarters: Value  # q, in the lowest bits of an integer


def _reduced(block: Block, x: Value, bound: float) -> _Angle:
    real = REALS[x.type]
    first, second, third = HALF_PI[x.type]
    shifted = block.fma(x, 2 / math.pi, real.magic)
    q = block.sub(shifted, real.magic)
    head = block.fma(q, -first, x)  # exact
    product = block.mul(q, second)
    lost = block.fma(q, second, block.neg(product))
    r = block.sub(head, product)
    rest = block.sub(block.sub(block.sub(head, r), product), block.fma(q, third, lost))
    angle = _Angle(r, rest, block.bits(shifted))
    if bound <= BOUND[x.type]:
        return angle
    return _Angle(*remainders(block, x, BOUND[x.type], angle))


def _sine_and_cosine(block: Block, angle: _Angle) -> tuple[Value, Value]:
    r, rest, _ = angle
    square = block.mul(r, r)
    fourth = block.mul(square, square)
    head = block.fma(square, -0.5, 1.0)
    small = block.fma(
        rest, head, block.mul(block.mul(square, r), polynomial(block, square, SIN[r.type], fourth))
    )
    sine = block.copysign(block.add(r, small), r)
    lost = block.fma(square, -0.5, block.sub(1.0, head))  # what rounding took off the head
    lost = block.sub(lost, block.mul(r, rest))
    small = block.fma(fourth, polynomial(block, square, COS[r.type], fourth), lost)
    return sine, block.add(head, small)


def _negated_where(block: Block, y: Value, bit: Value) -> Value:
    """Change the sign where the second lowest bit of an integer is set."""
    places = {"i64": 62, "i32": 30}[bit.type]
    sign = block.shift_left(block.bit_and(bit, 2), block.constant(places, bit.type))
    return block.real_of(block.bit_xor(block.bits(y), sign))


def _turned(block: Block, x: Value, quarter: int, bound: float) -> Value:
    angle = _reduced(block, x, bound)
    sine, cosine = _sine_and_cosine(block, angle)
    turned = block.add(angle.quarters, quarter) if quarter else angle.quarters
    odd = block.compare("ne", block.bit_and(turned, 1), 0)
    return _negated_where(block, block.select(odd, cosine, sine), turned)


def _tangent(block: Block, x: Value, bound: float) -> Value:
    angle = _reduced(block, x, bound)
    sine, cosine = _sine_and_cosine(block, angle)
    odd = block.compare("ne", block.bit_and(angle.quarters, 1), 0)
    top = block.select(odd, block.neg(cosine), sine)
    return block.div(top, block.select(odd, sine, cosine))


def _of_any(
    block: Block, name: str, body: Callable[[Block, Value, float], Value], x: Value, bound: float
) -> Value:
    """Write it in place if the angle is known to be moderate: otherwise it has branches."""
    if bound <= BOUND[x.type]:
        return body(block, x, bound)
    return block.subroutine(name, lambda inner, y: body(inner, y, math.inf), x)


def sin(block: Block, x: Value, bound: float = math.inf) -> Value:
    """Return sin(x); `bound` is what is known of abs(x), NaN aside."""
    return _of_any(block, "sin", lambda b, y, most: _turned(b, y, 0, most), x, bound)


def cos(block: Block, x: Value, bound: float = math.inf) -> Value:
    """Return cos(x); `bound` is what is known of abs(x), NaN aside."""
    return _of_any(block, "cos", lambda b, y, most: _turned(b, y, 1, most), x, bound)


def tan(block: Block, x: Value, bound: float = math.inf) -> Value:
    """Return tan(x); `bound` is what is known of abs(x), NaN aside."""
    return _of_any(block, "tan", _tangent, x, bound)


def arctan(block: Block, x: Value) -> Value:
    """Return arctan(x), by way of the angle to 0, pi/4 or pi/2, whichever is nearest."""
    a = block.abs(x)
    steep, flat = math.tan(3 * math.pi / 8), math.tan(math.pi / 8)
    below, above = block.compare("olt", a, flat), block.compare("ogt", a, steep)
    top = block.select(below, a, block.select(above, -1.0, block.sub(a, 1.0)))
    bottom = block.select(below, 1.0, block.select(above, a, block.add(a, 1.0)))
    base = block.select(below, 0.0, block.select(above, _pi(2, x), _pi(4, x)))
    missing = block.select(below, 0.0, block.select(above, _pi_rest(2, x), _pi_rest(4, x)))
    y = block.div(top, bottom)
    z = block.mul(y, y)
    rest = block.mul(z, polynomial(block, z, ATAN[x.type], block.mul(z, z)))
    angle = block.add(base, block.add(y, block.fma(y, rest, missing)))
    return block.copysign(angle, x)


def _pi(parts: int, like: Value) -> float:
    return HALF_PI[like.type][0] * 2 / parts


def _pi_rest(parts: int, like: Value) -> float:
    return HALF_PI[like.type][1] * 2 / parts


def _arcsine_rest(block: Block, z: Value) -> Value:
    """Return arcsin(s) / s - 1, z = s * s up to 1/4."""
    return block.mul(z, polynomial(block, z, ASIN[z.type], block.mul(z, z)))


def _arcsine_parts(block: Block, x: Value) -> tuple[Value, Value, Value]:
    """Return whether abs(x) is above 1/2, and s and s (arcsin(s) / s - 1).

    s is abs(x), or above 1/2 the sine of half the angle to 1.
    """
    a = block.abs(x)
    large = block.compare("ogt", a, 0.5)
    half = block.fma(a, -0.5, 0.5)
    z = block.select(large, half, block.mul(a, a))
    s = block.select(large, block.sqrt(half), a)
    return large, s, block.mul(s, _arcsine_rest(block, z))


def arcsin(block: Block, x: Value) -> Value:
    """Return arcsin(x); NaN outside of [-1, 1]."""
    large, s, rest = _arcsine_parts(block, x)
    turned = block.fma(block.add(s, rest), -2.0, _pi_rest(2, x))
    angle = block.select(large, block.add(turned, _pi(2, x)), block.add(s, rest))
    return block.copysign(angle, x)


def arccos(block: Block, x: Value) -> Value:
    """Return arccos(x); NaN outside of [-1, 1]."""
    large, s, rest = _arcsine_parts(block, x)
    angle = block.add(s, rest)
    negative = block.compare("olt", x, 0.0)
    doubled = block.mul(angle, 2.0)
    far = block.sub(_pi(1, x), block.sub(doubled, _pi_rest(1, x)))
    near = block.sub(_pi(2, x), block.sub(block.copysign(angle, x), _pi_rest(2, x)))
    return block.select(large, block.select(negative, far, doubled), near)
