"""Powers of reals, in steps that every processor rounds alike.

x**y = 2**(y log2(x)).  An error of the logarithm counts y times, so it is carried as a sum of two
numbers: of log(1 + f) = 2 (s + s**3 / 3 + ...), s = f / (2 + f), the first two terms have both.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from tinygrad_bp.native.functions.coefficients import EXP2, POWER
from tinygrad_bp.native.functions.exponentials import nearest, scaled
from tinygrad_bp.native.functions.logarithms import split
from tinygrad_bp.native.functions.reals import LN2, REALS, polynomial
from tinygrad_bp.native.llvm.ir import Block, Operand, Value

_TWO_THIRDS = (0.6666666666666666, 3.700743415417188e-17)
_LOG2E = (1.4426950408889634, 2.0355273740931033e-17)
_FAR = 1100.0  # above it, and below its negative, 2**x is infinite or 0


class _Sum(NamedTuple):
    """Two numbers that stand for their exact sum; the second is small."""

    first: Value
    second: Value


def _product(block: Block, x: _Sum, y: tuple[Operand, Operand]) -> _Sum:
    first = block.mul(x.first, y[0])
    lost = block.fma(x.first, y[0], block.neg(first))
    return _Sum(first, block.fma(x.first, y[1], block.fma(x.second, y[0], lost)))


def _plus(block: Block, large: Value, small: _Sum) -> _Sum:
    """Add to a number that is not smaller, or 0."""
    first = block.add(large, small.first)
    lost = block.add(block.sub(large, first), small.first)
    return _Sum(first, block.add(lost, small.second))


def _quotient(block: Block, f: Value) -> _Sum:
    """Return s."""
    below = block.add(f, 2.0)
    missing = block.sub(f, block.sub(below, 2.0))
    s = block.div(f, below)
    left = block.fma(block.neg(s), missing, block.fma(block.neg(s), below, f))
    return _Sum(s, block.div(left, below))


def _log2(block: Block, x: Value) -> _Sum:
    """Return the logarithm of base 2 of a number that is not negative."""
    real = REALS[x.type]
    raised = real.fraction + 2
    tiny = block.compare("olt", x, real.smallest)
    k, _, m = split(block, block.select(tiny, block.mul(x, 2.0**raised), x))
    k = block.select(tiny, block.sub(k, float(raised)), k)
    s = _quotient(block, block.sub(m, 1.0))
    square = _product(block, s, s)
    cube = _product(block, square, s)
    z = square.first
    fifth = block.mul(cube.first, z)
    rest = block.mul(fifth, polynomial(block, z, POWER[x.type], block.mul(z, z)))
    second = _product(block, cube, _TWO_THIRDS)
    second = _plus(block, second.first, _Sum(rest, second.second))
    twice = block.add(s.first, s.first)
    natural = _plus(block, twice, second)
    natural = _Sum(natural.first, block.fma(s.second, 2.0, natural.second))
    large, small = _plus(block, k, _product(block, natural, _LOG2E))
    first = block.add(large, small)
    rest = block.add(block.sub(large, first), small)
    first = block.select(block.compare("olt", x, math.inf), first, x)  # infinity, and NaN
    return _Sum(block.select(block.compare("oeq", x, 0.0), -math.inf, first), rest)


def power(block: Block, x: Value, y: Value) -> Value:
    """Return x**y, with the answers of C's standard to every odd case."""
    if x.type == "float":
        wide = power(block, block.convert(x, "double"), block.convert(y, "double"))
        return block.convert(wide, "float")
    a = block.abs(x)
    log = _log2(block, a)
    exponent = block.mul(log.first, y)
    lost = block.fma(log.first, y, block.neg(exponent))
    lost = block.fma(log.second, y, lost)
    far = block.compare("ogt", block.abs(exponent), _FAR)
    lost = block.select(far, 0.0, lost)
    exponent = block.select(far, block.copysign(_FAR, exponent), exponent)
    shifted, n = nearest(block, exponent, 1.0)
    r = block.sub(exponent, n)
    p = polynomial(block, r, EXP2[x.type], block.mul(r, r))
    p = block.fma(p, r, 1.0)
    p = block.fma(p, block.mul(lost, LN2), p)
    size = scaled(block, p, n, block.bits(shifted))
    return _signed(block, x, y, block.select(block.compare("oeq", a, 1.0), 1.0, size))


def _signed(block: Block, x: Value, y: Value, size: Value) -> Value:
    """Return the power, whose size is that of abs(x), for an x of either sign."""
    half = block.mul(y, 0.5)
    whole = block.compare("oeq", block.rint(y), y)
    odd = block.bit_and(whole, block.compare("une", block.rint(half), half))
    result = block.select(odd, block.copysign(size, x), size)
    negative = block.bit_and(block.compare("olt", x, 0.0), block.compare("ogt", x, -math.inf))
    result = block.select(block.bit_and(negative, block.bit_not(whole)), math.nan, result)
    trivial = block.bit_or(block.compare("oeq", y, 0.0), block.compare("oeq", x, 1.0))
    return block.select(trivial, 1.0, result)
