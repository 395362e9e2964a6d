"""Angles of many turns: the remainder by pi/2 in whole numbers, one lane after the other.

abs(x) = M 2**e.  Of the digits of 2/pi, those whose products with x are whole turns are left out
(M. Payne and R. Hanek, "Radian reduction for trigonometric functions", 1983); M is multiplied by
the next 192.  No double comes nearer to a multiple of pi/2 than 2**-62: 62 bits are left at least.
"""

from __future__ import annotations

from tinygrad_bp.native.llvm.ir import Block, Module, Value

# 2/pi in base 2, in words of 64 bits; the first two are what stands before the point.
WORDS = (
    0x0000000000000000,
    0x0000000000000000,
    0xA2F9836E4E441529,
    0xFC2757D1F534DDC0,
    0xDB6295993C439041,
    0xFE5163ABDEBBC561,
    0xB7246E3A424DD2E0,
    0x06492EEA09D1921C,
    0xFE1DEB1CB129A73E,
    0xE88235F52EBB4484,
    0xE99C7026B45F7E41,
    0x3991D639835339F4,
    0x9C845F8BBDF9283B,
    0x1FF897FFDE05980F,
    0xEF2F118B5A0A6D1F,
    0x6D367ECF27CB09B7,
    0x4F463F669E5FEA2D,
    0x7527BAC7EBE5F17B,
    0x3D0739F78A5292EA,
    0x6BFB5FB11F8D5D08,
    0x56033046FC7B6BAB,
    0xF0CFBC209AF4361D,
    0xA9E391615EE61B08,
)
_FRACTION, _BIAS = 52, 1023
_PIECE = 44  # bits that a double holds, with room to spare
_HALF_PI = (float.fromhex("0x1.921fb54442d18p+0"), float.fromhex("0x1.1a62633145c07p-54"))


def remainders(
    block: Block, x: Value, bound: float, angle: tuple[Value, Value, Value]
) -> tuple[Value, Value, Value]:
    """Return r, what it lacks, and quarter turns, those given where abs(x) is within the bound."""
    large = block.compare("ogt", block.abs(x), bound)
    lanes = block.module.width if x.vector else 1
    places = [block.local(v.type, lanes) for v in (x, large._replace(type="i8"), *angle)]
    flags = block.cast("zext", large, "i8")
    for value, place in zip((x, flags, *angle), places, strict=True):
        block.store(value, place)
    tag = block.fresh("huge")[1:]
    block.branch(block.any(large), f"{tag}.some", f"{tag}.done")
    block.label(f"{tag}.some")
    with block.loop(lanes) as lane:
        _lane(block, lane, places, x.type)
    block.jump(f"{tag}.done")
    block.label(f"{tag}.done")
    r, rest, quarters = (
        block.load(place, value.type, vector=x.vector)
        for value, place in zip(angle, places[2:], strict=True)
    )
    return r, rest, quarters


def _lane(block: Block, lane: Value, places: list[Value], element: str) -> None:
    at = [
        block.at(place, lane, kind)
        for place, kind in zip(
            places,
            (element, "i8", element, element, "i64" if element == "double" else "i32"),
            strict=True,
        )
    ]
    tag = block.fresh("lane")[1:]
    flag = block.convert(block.load(at[1], "i8"), "i1")
    block.branch(flag, f"{tag}.large", f"{tag}.next")
    block.label(f"{tag}.large")
    r, rest, quarters = _remainder(block, block.convert(block.load(at[0], element), "double"))
    if element == "float":
        near = block.convert(r, "float")
        rest = block.convert(block.add(block.sub(r, block.convert(near, "double")), rest), "float")
        r, quarters = near, block.convert(quarters, "i32")
    for value, place in zip((r, rest, quarters), at[2:], strict=True):
        block.store(value, place)
    block.jump(f"{tag}.next")
    block.label(f"{tag}.next")


def _remainder(block: Block, x: Value) -> tuple[Value, Value, Value]:
    """Return the remainder of a double, as two, and the quarter turns that were taken off."""
    product = _product(block, x)
    two, quarter = block.constant(2, "i128"), block.constant(1 << 125, "i128")
    turned = block.shift_right(block.add(product, quarter), 126)
    quarters = block.cast("trunc", turned, "i64")
    fraction = block.shift_right(block.shift_left(product, two), two, signed=True)
    first, last = _as_doubles(block, fraction)
    r = block.mul(first, _HALF_PI[0])
    lost = block.fma(first, _HALF_PI[0], block.neg(r))
    rest = block.fma(first, _HALF_PI[1], block.fma(last, _HALF_PI[0], lost))
    negative = block.compare("olt", x, 0.0)
    r = block.select(negative, block.neg(r), r)
    rest = block.select(negative, block.neg(rest), rest)
    quarters = block.select(negative, block.neg(quarters), quarters)
    return block.fma(x, 0.0, r), rest, quarters  # of infinity: NaN


def _product(block: Block, x: Value) -> Value:
    """Return abs(x) 2/pi, in units of 2**-126 and modulo 4, as an integer of 128 bits."""
    bits = block.bits(block.abs(x))
    one = 1 << _FRACTION
    mantissa = block.bit_or(block.bit_and(bits, one - 1), one)
    exponent = block.sub(block.shift_right(bits, _FRACTION), _BIAS + _FRACTION)
    # The digit of 2/pi at place p counts 2**(e - p); the first one that matters is at e - 1, and
    # the first one behind the point is at 128 of the table.
    place = block.add(exponent, 126)
    word, shift = block.shift_right(place, 6), block.bit_and(place, 63)
    table = block.at(_table(block.module), word, "i64")
    words = [block.load(block.at(table, k, "i64"), "i64") for k in range(4)]
    sign = block.module.declare("llvm.fshl.i64", "i64", "i64", "i64", "i64")
    low = total = block.constant(0, "i128")
    for k in (2, 1, 0):
        listed = f"i64 {words[k].name}, i64 {words[k + 1].name}, i64 {shift.name}"
        digits = block.emit(f"call i64 {sign}({listed})", "i64")
        part = block.mul(block.cast("zext", mantissa, "i128"), block.cast("zext", digits, "i128"))
        low, total = total, block.add(part, block.shift_right(total, 64))
    high = block.shift_left(total, 64)
    return block.bit_or(high, block.bit_and(low, (1 << 64) - 1))


def _as_doubles(block: Block, fraction: Value) -> tuple[Value, Value]:
    """Return an integer times 2**-126 as the sum of two doubles."""
    mask = (1 << _PIECE) - 1
    pieces = []
    for k in (2, 1, 0):
        part = block.shift_right(fraction, k * _PIECE, signed=True) if k else fraction
        part = block.cast("trunc", part if k == 2 else block.bit_and(part, mask), "i64")
        pieces.append(block.mul(block.convert(part, "double"), 2.0 ** (k * _PIECE - 126)))
    first, second, third = pieces
    head = block.add(first, second)
    tail = block.add(block.add(block.sub(first, head), second), third)
    total = block.add(head, tail)
    return total, block.sub(tail, block.sub(total, head))


def _table(module: Module) -> Value:
    name = "@tg.two_over_pi"
    listed = ", ".join(f"i64 {word}" for word in WORDS)
    line = f"{name} = internal constant [{len(WORDS)} x i64] [{listed}], align 64"
    if line not in module.globals:
        module.globals.append(line)
    return Value(name, "ptr")
