"""What NumPy's functions of single elements are in machine code.

A table: for each name the lines that it is, about how many, what it takes and gives, and between
which bounds its result lies if its operands' are known.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

from tinygrad_bp.native.functions import elementary
from tinygrad_bp.native.llvm.ir import INTEGER, Block, Operand, Value

Bounds = tuple[float, float]


def _unbounded(*_: Bounds) -> Bounds:
    return -math.inf, math.inf


class Operation(NamedTuple):
    """How one element is computed.

    Attributes
    ----------
    write : callable
        ``write(block, *operands)`` writes its lines.
    weight : int
        About so many lines.
    takes, gives : str
        "real" or "truth": what the operands are, and the result.
    bounds : callable
        Between what the result lies, from what the operands lie between.
    wants : str
        What `write` takes beside its operand: "ends", what that lies between, as `low` and `high`;
        or "size", how far from zero it may be, as `bound`.
    """

    write: Callable[..., Value]
    weight: int = 1
    takes: str = "real"
    gives: str = "real"
    bounds: Callable[..., Bounds] = _unbounded
    wants: str = ""


def _order(of_reals: str, of_integers: str) -> Operation:
    def write(block: Block, a: Operand, b: Operand) -> Value:
        x, y = block.meet(a, b)
        return block.compare(of_reals if x.type in INTEGER else of_integers, x, y)

    return Operation(write, gives="truth")


def _truths(write: Callable[..., Value]) -> Operation:
    return Operation(write, takes="truth", gives="truth")


def _sign(block: Block, x: Value) -> Value:
    one = block.copysign(1.0, x)
    return block.select(block.compare("one", x, 0.0), one, block.add(x, 0.0))


def _logaddexp(block: Block, a: Operand, b: Operand) -> Value:
    """As NumPy has it: of equal ones, which may be infinite, log 2 more than either."""
    x, y = block.meet(a, b)
    distance = block.sub(x, y)
    tail = elementary.call(block, "exp", block.neg(block.abs(distance)))
    tail = elementary.call(block, "log1p", tail)
    usual = block.add(block.maximum(x, y), tail)
    same = block.add(x, math.log(2.0))
    return block.select(block.compare("oeq", x, y), same, usual)


def _monotone(f: Callable[[float], float]) -> Callable[..., Bounds]:
    """Return the bounds of a rising function, a little wider than rounding can make them."""

    def bounds(x: Bounds) -> Bounds:
        low, high = (_limit(f, end) for end in x)
        return low - 1e-6 * abs(low), high + 1e-6 * abs(high)

    return bounds


def _limit(f: Callable[[float], float], x: float) -> float:
    try:
        return f(x)
    except OverflowError:
        return math.inf


def _sum(a: Bounds, b: Bounds) -> Bounds:
    low, high = a[0] + b[0], a[1] + b[1]
    return (low, high) if low == low and high == high else _unbounded()


def _size(a: Bounds) -> Bounds:
    least = 0.0 if a[0] <= 0 <= a[1] else min(map(abs, a))
    return least, max(map(abs, a))


def _unit(*_: Bounds) -> Bounds:
    return -1.0, 1.0


_add = Operation(lambda block, a, b: block.add(a, b), bounds=_sum)
_subtract = Operation(
    lambda block, a, b: block.sub(a, b), bounds=lambda a, b: _sum(a, (-b[1], -b[0]))
)
_divide = Operation(lambda block, a, b: block.div(a, b), 8)
_absolute = Operation(lambda block, x: block.abs(x), bounds=_size)
_logical_and = _truths(lambda block, a, b: block.bit_and(a, b))
_logical_or = _truths(lambda block, a, b: block.bit_or(a, b))
_logical_xor = _truths(lambda block, a, b: block.bit_xor(a, b))
_logical_not = _truths(lambda block, x: block.bit_not(x))
_maximum = Operation(
    lambda block, a, b: block.maximum(a, b),
    2,
    bounds=lambda a, b: (max(a[0], b[0]), max(a[1], b[1])),
)
_minimum = Operation(
    lambda block, a, b: block.minimum(a, b),
    2,
    bounds=lambda a, b: (min(a[0], b[0]), min(a[1], b[1])),
)

OPERATIONS: dict[str, Operation] = {
    "absolute": _absolute,
    "add": _add,
    "ceil": Operation(lambda block, x: block.ceil(x)),
    "copysign": Operation(lambda block, a, b: block.copysign(a, b), 2),
    "divide": _divide,
    "equal": _order("oeq", "eq"),
    "fabs": _absolute,
    "floor": Operation(lambda block, x: block.floor(x)),
    "fma": Operation(lambda block, a, b, c: block.fma(a, b, c)),
    "greater": _order("ogt", "sgt"),
    "greater_equal": _order("oge", "sge"),
    "isfinite": Operation(
        lambda block, x: block.compare("olt", block.abs(x), math.inf), 2, gives="truth"
    ),
    "isinf": Operation(
        lambda block, x: block.compare("oeq", block.abs(x), math.inf), 2, gives="truth"
    ),
    "isnan": Operation(lambda block, x: block.compare("uno", x, x), gives="truth"),
    "less": _order("olt", "slt"),
    "less_equal": _order("ole", "sle"),
    "logaddexp": Operation(_logaddexp, 15),
    "logical_and": _logical_and,
    "logical_not": _logical_not,
    "logical_or": _logical_or,
    "logical_xor": _logical_xor,
    "maximum": _maximum,
    "minimum": _minimum,
    "multiply": Operation(lambda block, a, b: block.mul(a, b)),
    "negative": Operation(lambda block, x: block.neg(x), bounds=lambda a: (-a[1], -a[0])),
    "not_equal": _order("une", "ne"),
    "power": Operation(lambda block, a, b: elementary.call(block, "power", a, b), 2),
    "reciprocal": Operation(lambda block, x: block.div(1.0, x), 8),
    "rint": Operation(lambda block, x: block.rint(x)),
    "sign": Operation(_sign, 3),
    "signbit": Operation(lambda block, x: block.compare("slt", block.bits(x), 0), 2, gives="truth"),
    "sqrt": Operation(lambda block, x: block.sqrt(x), 8),
    "square": Operation(lambda block, x: block.mul(x, x)),
    "subtract": _subtract,
    "trunc": Operation(lambda block, x: block.trunc(x)),
    # of a truth and two reals, or of three truths
    "where": Operation(lambda block, c, a, b: block.select(c, a, b)),
}
# Lines of a function, about; what its bounds are; what it wants to know of its operand.
_FUNCTIONS: dict[str, tuple[int, Callable[..., Bounds], str]] = {
    "arccos": (40, _unbounded, ""),
    "arcsin": (40, _unbounded, ""),
    "arctan": (35, _unbounded, ""),
    "cos": (35, _unit, "size"),
    "cosh": (40, _unbounded, ""),
    "exp": (18, _monotone(math.exp), "ends"),
    "exp2": (18, _unbounded, ""),
    "expm1": (22, _unbounded, ""),
    "log": (28, _unbounded, "ends"),
    "log10": (40, _unbounded, "ends"),
    "log1p": (30, _unbounded, "ends"),
    "log2": (40, _unbounded, "ends"),
    "sin": (35, _unit, "size"),
    "sinh": (40, _unbounded, ""),
    "tan": (45, _unbounded, "size"),
    "tanh": (30, _unit, ""),
}
OPERATIONS |= {
    name: Operation(elementary.FUNCTIONS[name], lines, bounds=bounds, wants=wants)
    for name, (lines, bounds, wants) in _FUNCTIONS.items()
}
