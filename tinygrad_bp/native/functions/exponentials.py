"""The exponential function and what is made of it, in steps that every processor rounds alike.

exp(x) = 2**n exp(r), n the whole number nearest to x / ln 2.  With n log 2 taken off in two parts,
the first by an exact multiplication and addition, r keeps all its digits.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from tinygrad_bp.native.functions.coefficients import EXP, EXP2
from tinygrad_bp.native.functions.reals import LOG2E, REALS, clamped, polynomial
from tinygrad_bp.native.llvm.ir import INTEGER, Block, Value

_SATURATED = {"double": 20.0, "float": 10.0}  # above it tanh is 1
_TANH_HALF = 0.5493  # where tanh is 1/2


class _Reduced(NamedTuple):
    """x = n log 2 + r, of which `high` lacks n times the rest of log 2."""

    n: Value
    bits: Value  # whose lowest are those of n plus twice the bias
    high: Value


def _reduced(block: Block, x: Value) -> _Reduced:
    shifted, n = nearest(block, x, LOG2E)
    return _Reduced(n, block.bits(shifted), block.fma(n, -REALS[x.type].ln2[0], x))


def nearest(block: Block, x: Value, scale: float) -> tuple[Value, Value]:
    """Return the whole number nearest to a product, with its bits in the last places, and as is."""
    real = REALS[x.type]
    offset = real.magic + 2 * real.bias  # for the bits of a positive number
    shifted = block.fma(x, scale, offset)
    return shifted, block.sub(shifted, offset)


def scaled(block: Block, p: Value, n: Value, bits: Value) -> Value:
    """Return p * 2**n, for p near 1 and any n whose result is in range, rounded once."""
    name = _SCALEF.get((p.type, block.module.width))
    if name and p.vector and "avx512f" in block.module.features:
        return _scaled_at_once(block, name, p, n)
    real, integer = REALS[p.type], INTEGER[p.type]
    half = block.shift_right(bits, 1)
    rest = block.sub(bits, half)
    places = block.constant(real.fraction, integer)
    first, second = (block.real_of(block.shift_left(part, places)) for part in (half, rest))
    return block.mul(block.mul(p, first), second)  # the first product is exact


_SCALEF = {("double", 8): "pd.512", ("float", 16): "ps.512"}


def _scaled_at_once(block: Block, name: str, p: Value, n: Value) -> Value:
    lanes, mask = block.spell(p), f"i{block.module.width}"
    full = f"llvm.x86.avx512.mask.scalef.{name}"
    sign = block.module.declare(full, lanes, lanes, lanes, lanes, mask, "i32")
    nearest = 4  # round as the process does, which is to the nearest
    listed = (
        f"{lanes} {p.name}, {lanes} {n.name}, {lanes} zeroinitializer, {mask} -1, i32 {nearest}"
    )
    return block.emit(f"call {lanes} {sign}({listed})", p.type, vector=True)


def _power(block: Block, reduced: _Reduced, less: int = 0) -> Value:
    """Return 2**(n - less), where that is a normal number."""
    real, integer = REALS[reduced.n.type], INTEGER[reduced.n.type]
    exponent = block.sub(reduced.bits, real.bias + less)
    return block.real_of(block.shift_left(exponent, block.constant(real.fraction, integer)))


def exp(block: Block, x: Value, low: float = -math.inf, high: float = math.inf) -> Value:
    """Return exp(x); `low` and `high` are what is known of x, NaN aside."""
    real = REALS[x.type]
    below = real.low if low < real.low else None
    above = real.high if high > real.high else None
    reduced = _reduced(block, clamped(block, x, below, above))
    return scaled(block, _exponential(block, reduced), reduced.n, reduced.bits)


def _exponential(block: Block, reduced: _Reduced) -> Value:
    """Return exp(r)."""
    r = block.fma(reduced.n, -REALS[reduced.n.type].ln2[1], reduced.high)
    square = block.mul(r, r)
    rest = polynomial(block, r, EXP[r.type], square)
    return block.add(block.fma(square, rest, r), 1.0)


def exp2(block: Block, x: Value) -> Value:
    """Return 2**x."""
    real = REALS[x.type]
    x = clamped(block, x, -real.bias - real.fraction - 2.0, real.bias + 2.0)
    shifted, n = nearest(block, x, 1.0)
    r = block.sub(x, n)
    p = polynomial(block, r, EXP2[x.type], block.mul(r, r))
    return scaled(block, block.fma(p, r, 1.0), n, block.bits(shifted))


class _LessOne(NamedTuple):
    """exp(x) - 1 = large + scale * small."""

    large: Value
    scale: Value
    small: Value


def _less_one(block: Block, x: Value, fourth: int = 1) -> _LessOne:
    """Take exp(x) - 1, or a fourth of it, apart, for x little above the range of exp at most.

    What is large of it is to be added first, what is small last: one rounding counts.
    """
    reduced = _reduced(block, x)
    second = block.mul(reduced.n, -REALS[x.type].ln2[1])
    r = block.add(reduced.high, second)
    square = block.mul(r, r)
    small = block.fma(square, polynomial(block, r, EXP[x.type], square), second)
    scale = _power(block, reduced, fourth.bit_length() - 1)
    large = block.fma(scale, reduced.high, block.sub(scale, 1.0 / fourth))
    return _LessOne(large, scale, small)


def _fourth_less_one(block: Block, x: Value) -> Value:
    large, scale, small = _less_one(block, x, 4)
    return block.fma(scale, small, large)


def expm1(block: Block, x: Value) -> Value:
    """Return exp(x) - 1, with all its digits near 0."""
    real = REALS[x.type]
    inside = clamped(block, x, -real.fraction * 0.8, real.high)  # below it is -1
    y = block.mul(_fourth_less_one(block, inside), 4.0)
    return block.select(_tiny(block, block.abs(x)), x, y)


def _tiny(block: Block, a: Value) -> Value:
    """Tell where exp(a) - 1 is a, of which a fourth may not be a normal number."""
    return block.compare("olt", a, 2.0 ** -(REALS[a.type].fraction + 3))


def tanh(block: Block, x: Value) -> Value:
    """Return tanh(x); m = exp(2 |x|) - 1.

    It is 1 - 2 / (m + 2), and |x| + (m - 2 |x| - m |x|) / (m + 2) where that is below 1/2: the
    quotient is small, and its error with it.
    """
    a = clamped(block, block.abs(x), None, _SATURATED[x.type])
    twice = block.add(a, a)
    large, scale, small = _less_one(block, twice)
    m = block.fma(scale, small, large)
    over = block.fma(scale, small, block.sub(large, twice))  # m - 2 |x|
    above = block.compare("ogt", a, _TANH_HALF)
    top = block.select(above, -2.0, block.fma(block.neg(a), m, over))
    part = block.div(top, block.add(m, 2.0))
    return block.copysign(block.add(part, block.select(above, 1.0, a)), x)


def sigmoid(block: Block, x: Value) -> Value:
    """Return 1 / (1 + exp(-x)), with all its digits where it is near 0."""
    e = exp(block, block.neg(block.abs(x)), high=0.0)
    top = block.select(block.compare("olt", x, 0.0), e, 1.0)
    return block.div(top, block.add(e, 1.0))


def sinh(block: Block, x: Value) -> Value:
    """Return sinh(x) = (m + m / (m + 1)) / 2, m = exp(|x|) - 1."""
    a = clamped(block, block.abs(x), None, REALS[x.type].high + 0.7)
    quarter = _fourth_less_one(block, a)
    ratio = block.div(quarter, block.fma(quarter, 4.0, 1.0))
    y = block.mul(block.add(quarter, ratio), 2.0)
    return block.copysign(block.select(_tiny(block, a), a, y), x)


def cosh(block: Block, x: Value) -> Value:
    """Return cosh(x) = (e + 1 / e) / 2, e = exp(|x|)."""
    a = clamped(block, block.abs(x), None, REALS[x.type].high + 0.7)
    reduced = _reduced(block, a)
    quarter = block.mul(_exponential(block, reduced), _power(block, reduced, 2))
    return block.mul(block.add(quarter, block.div(0.0625, quarter)), 2.0)
