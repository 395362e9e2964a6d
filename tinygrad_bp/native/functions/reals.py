"""What the functions need to know of a type of numbers, and the steps that they share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from tinygrad_bp.native.llvm.ir import Block, Operand, Value

LN2 = 0.6931471805599453
LOG2E = 1.4426950408889634


class Real(NamedTuple):
    """A binary floating-point type of IEEE 754."""

    fraction: int  # bits after the point
    bias: int
    smallest: float  # normal number
    ln2: tuple[float, float]  # the number of this type, and what is missing
    low: float  # below it, exp is 0
    high: float  # above it, exp is infinite

    @property
    def magic(self) -> float:
        """What a small number is added to in order to be rounded to a whole one."""
        return 1.5 * 2.0**self.fraction


REALS = {
    "double": Real(
        52,
        1023,
        2.0**-1022,
        (float.fromhex("0x1.62e42fefa39efp-1"), float.fromhex("0x1.abc9e3b39803fp-56")),
        -746.0,
        710.0,
    ),
    "float": Real(
        23,
        127,
        2.0**-126,
        (float.fromhex("0x1.62e430p-1"), float.fromhex("-0x1.05c610p-29")),
        -104.5,
        89.0,
    ),
}


def polynomial(block: Block, x: Value, powers: Sequence[float], square: Value) -> Value:
    """Return the sum of coefficients times powers of x; two chains, for half the latency."""
    even, odd = (_horner(block, square, powers[start::2]) for start in (0, 1))
    return block.fma(odd, x, even)


def _horner(block: Block, x: Value, powers: Sequence[float]) -> Operand:
    total: Operand = powers[-1]
    for power in powers[-2::-1]:
        total = block.fma(total, x, power)
    return total


def clamped(block: Block, x: Value, low: float | None, high: float | None) -> Value:
    """Return x within bounds; NaN stays."""
    if high is not None:
        x = block.select(block.compare("ogt", x, high), high, x)
    if low is not None:
        x = block.select(block.compare("olt", x, low), low, x)
    return x
