"""Logarithms, in steps that every processor rounds alike.

x = 2**k (1 + f) with 1 + f in [3/4, 3/2).  With s = f / (2 + f) and h = f * f / 2,
log(1 + f) = 2 artanh(s) = f - h + s (h + R), R the powers of s * s from the first on.
"""

from __future__ import annotations

import math
import struct
from typing import NamedTuple

from tinygrad_bp.native.functions.coefficients import LOG
from tinygrad_bp.native.functions.reals import REALS, polynomial
from tinygrad_bp.native.llvm.ir import Block, Value

# Of the base's logarithm's inverse, and of log(2) in that base: a number, and what is missing.  The
# first part of the latter has zeros enough to be multiplied by any exponent exactly.
_BASES = {
    ("double", 2): ((1.4426950408889634, 2.0355273740931033e-17), (1.0, 0.0)),
    ("float", 2): ((1.4426950216293335, 1.925963033500011e-08), (1.0, 0.0)),
    ("double", 10): (
        (0.4342944819032518, 1.098319650216765e-17),
        (0.30102999566383914, 1.42050232272661e-13),
    ),
    ("float", 10): (
        (0.4342944920063019, -1.0103049952192578e-08),
        (0.301025390625, 4.605039066518657e-06),
    ),
}


class Split(NamedTuple):
    """x = 2**k m."""

    k: Value  # a whole number
    biased: Value  # k plus the bias, as an integer
    m: Value  # 1 + f


def split(block: Block, x: Value) -> Split:
    """Take a positive normal number apart."""
    real = REALS[x.type]
    one, low = _bits(1.0, x.type), _bits(0.75, x.type)
    moved = block.add(block.bits(x), one - low)  # so that 3/4 is where a new exponent begins
    biased = block.shift_right(moved, real.fraction)
    whole = 2.0**real.fraction
    k = block.real_of(block.bit_or(biased, _bits(whole, x.type)))
    k = block.sub(k, whole + real.bias)
    fraction = block.bit_and(moved, (1 << real.fraction) - 1)
    return Split(k, biased, block.real_of(block.add(fraction, low)))


def _bits(number: float, element: str) -> int:
    codes = ("<d", "<q") if element == "double" else ("<f", "<i")
    bits: int = struct.unpack(codes[1], struct.pack(codes[0], number))[0]
    return bits


def _parts(block: Block, f: Value) -> tuple[Value, Value]:
    """Return h and s (h + R)."""
    s = block.div(f, block.add(f, 2.0))
    z = block.mul(s, s)
    rest = block.mul(z, polynomial(block, z, LOG[f.type], block.mul(z, z)))
    h = block.mul(block.mul(f, 0.5), f)
    return h, block.mul(s, block.add(h, rest))


def _natural(block: Block, k: Value, f: Value) -> Value:
    """Return k log 2 + log(1 + f)."""
    high, low = REALS[f.type].ln2
    h, rest = _parts(block, f)
    return block.fma(k, high, block.sub(f, block.sub(h, block.fma(k, low, rest))))


def _of_base(block: Block, k: Value, f: Value, base: int) -> Value:
    """Return the logarithm with two numbers carried along: a power of the base is met exactly."""
    (inverse, missing), (two, two_missing) = _BASES[f.type, base]
    h, rest = _parts(block, f)
    first = block.sub(f, h)
    second = block.add(block.sub(block.sub(f, first), h), rest)
    product = block.mul(first, inverse)
    lost = block.fma(first, inverse, block.neg(product))
    lost = block.fma(first, missing, block.fma(second, inverse, lost))
    whole = block.mul(k, two)
    total = block.add(whole, product)
    lost = block.add(lost, block.add(block.sub(whole, total), product))
    return block.add(total, block.fma(k, two_missing, lost))


def _logarithm(block: Block, x: Value, base: int | None, low: float, high: float) -> Value:
    real = REALS[x.type]
    raised = real.fraction + 2
    small = block.compare("olt", x, real.smallest) if low < real.smallest else None
    y = x if small is None else block.select(small, block.mul(x, 2.0**raised), x)
    k, _, m = split(block, y)
    if small is not None:
        k = block.select(small, block.sub(k, float(raised)), k)
    f = block.sub(m, 1.0)
    y = _natural(block, k, f) if base is None else _of_base(block, k, f, base)
    if low <= 0:
        outside = block.select(block.compare("oeq", x, 0.0), -math.inf, math.nan)
        y = block.select(block.compare("ogt", x, 0.0), y, outside)
        return block.select(block.compare("oeq", x, math.inf), x, y) if high == math.inf else y
    return block.select(block.compare("olt", x, math.inf), y, x)  # infinity, and NaN


def log(block: Block, x: Value, low: float = -math.inf, high: float = math.inf) -> Value:
    """Return log(x); `low` and `high` are what is known of x, NaN aside."""
    return _logarithm(block, x, None, low, high)


def log2(block: Block, x: Value, low: float = -math.inf, high: float = math.inf) -> Value:
    """Return the logarithm of base 2."""
    return _logarithm(block, x, 2, low, high)


def log10(block: Block, x: Value, low: float = -math.inf, high: float = math.inf) -> Value:
    """Return the logarithm of base 10."""
    return _logarithm(block, x, 10, low, high)


def log1p(block: Block, x: Value, low: float = -math.inf, high: float = math.inf) -> Value:
    """Return log(1 + x), with all its digits near 0.

    f = x 2**-k + (2**-k - 1), in one rounding that hardly ever has anything to round.
    """
    real = REALS[x.type]
    within = low > -1 and high < 2.0 ** (real.bias - 2)
    k, biased, _ = split(block, block.add(x, 1.0))
    # 2**-k may be no normal number, for the largest x: then 4 of it and a fourth of x
    more = 0 if within else 2
    scale = block.real_of(block.shift_left(block.sub(2 * real.bias + more, biased), real.fraction))
    if within:
        y = _natural(block, k, block.fma(x, scale, block.sub(scale, 1.0)))
        return block.copysign(y, x)
    f = block.fma(block.mul(x, 0.25), scale, block.fma(scale, 0.25, -1.0))
    y = _natural(block, k, f)
    tiny = 2.0 ** -(real.fraction + 2)
    y = block.select(block.compare("olt", block.abs(x), tiny), x, y)
    y = block.select(
        block.compare("ogt", x, -1.0),
        y,
        block.select(block.compare("oeq", x, -1.0), -math.inf, math.nan),
    )
    return block.select(block.compare("oeq", x, math.inf), x, y)
