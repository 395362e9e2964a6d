"""Expressions set as boxes: signs, parentheses, and names for the parts of long ones."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from tinygrad_bp.engine.shapes import Shape
from tinygrad_bp.formulas.boxes import (
    MINUS,
    TRANSPOSED,
    Applied,
    Bracket,
    Code,
    Digits,
    Fraction,
    Indexed,
    Line,
    Power,
    Row,
    Sign,
    Symbol,
    text,
)
from tinygrad_bp.formulas.expressions import (
    KINDS,
    Call,
    Constant,
    Expression,
    Name,
    Number,
    each_in,
    factors,
    inside,
    parts_of,
    substituted,
)
from tinygrad_bp.programs.calling import INTO
from tinygrad_bp.programs.formulas import FORMULA
from tinygrad_bp.programs.instructions import Ref
from tinygrad_bp.programs.literals import subscript, written

# How tightly things bind, as in Python.
COMPARISON, ADDITION, PRODUCT, SIGN, POWER, ATOM = 1, 2, 3, 4, 5, 6
COMPARISONS = {
    "less": "<", "less_equal": "<=", "greater": ">", "greater_equal": ">=", "equal": "==",
    "not_equal": "!=",
}  # fmt: skip
BITS = {"bitwise_and": "&", "bitwise_or": "|"}
FUNCTIONS = {"absolute": "abs", "sigmoid": "σ"}
LONG = 64  # characters of a formula; of a longer one a part gets a name of its own
PART = 16  # characters that such a part has at least
TWICE = 12  # and one that stands there twice
LISTED = 8  # elements of a constant that are written out

Placed = tuple[Any, int]  # a box, and how tightly it binds


class Typesetter:
    """Sets expressions, with the user's names for values.

    Parameters
    ----------
    names : mapping of str to (box, int)
        For what expressions call ``ct``, ``out``, ``0``, and how tightly that binds.
    free : callable
        Gives a name that nothing else has, from its first letter.
    """

    def __init__(self, names: Mapping[str, Placed], free: Callable[[str], str]) -> None:
        self.names = names
        self.free = free
        self.parts: list[Line] = []
        self._named: dict[int, Name] = {}
        self._parts_names: dict[str, Placed] = {}
        self._kept: list[Any] = []  # so that no id is given twice

    def formula(self, one: Expression) -> tuple[Placed, tuple[Line, ...]]:
        """Return an expression as a box, and the parts of it that have names of their own."""
        uses = Counter(id(part) for whole in each_in(one) for part in parts_of(whole))
        for part in each_in(one):
            if part is not one and type(part) is Call:
                self._consider(part, uses[id(part)])
        return self._box(self._shortened(one)), tuple(self.parts)

    def whole(self, one: Expression) -> Placed:
        """Return an expression as a box, however long; constants may have names of their own."""
        return self._box(one)

    def _consider(self, part: Call, uses: int) -> None:
        """Give a part a name of its own if it is used twice and is no mere name or transpose."""
        new = self._shortened(part)
        long = len(text(self._box(new)[0]))
        if part.op.startswith(INTO) or (uses > 1 and long >= TWICE):
            self._name(part, new)
        elif new is not part:
            self._named[id(part)] = new  # with names inside
            self._kept.append(part)

    def _shortened(self, one: Any) -> Any:
        """Return an expression with names for those parts that have one, and for the longest."""
        new = substituted(one, {k: x for k, x in self._named.items() if k != id(one)})
        if type(new) is not Call:
            return new
        while len(text(self._box(new)[0])) > LONG:
            inner = [x for x in inside(new.operands) if type(x) is Call]
            lengths = [len(text(self._box(x)[0])) for x in inner]
            if not inner or max(lengths) < PART:
                break
            longest = inner[lengths.index(max(lengths))]
            new = substituted(new, {id(longest): self._name(longest, longest)})
        return new

    def _name(self, part: Any, new: Any) -> Name:
        own = self.free("t")
        self._parts_names[own] = Symbol(own), ATOM
        name = self._named[id(part)] = Name(own, part.shape)
        self._kept.append(part)
        self.parts.append(Line(Symbol(own), self._box(new)[0], part.shape))
        return name

    # One expression

    def _box(self, one: Any) -> Placed:
        match one:
            case Name(key, _):
                return self._parts_names.get(key) or self.names[key]
            case Number(value, shape):
                told = number(value)
                if shape:
                    return Applied("full", (Code(written(shape)), Digits(told))), ATOM
                return Digits(told), SIGN if told.startswith("−") else ATOM
            case Constant(value):
                return self._constant(one, value), ATOM
        return self._call(one)

    def _constant(self, one: Constant, value: Any) -> Any:
        if not value.size:
            return Applied("zeros", (Code(written(value.shape)), Code(value.dtype.name)))
        if value.size <= LISTED:
            told = written(value.tolist())
            return Applied("array", (Code(told),))
        if id(one) not in self._named:
            own = self.free("c")
            self._parts_names[own] = Symbol(own), ATOM
            self._named[id(one)] = Name(own, one.shape)
            self._kept.append(one)
            self.parts.append(Line(Symbol(own), None, one.shape, value))
        return self._parts_names[self._named[id(one)].key][0]

    def _call(self, one: Call) -> Placed:
        op, operands = one.op, one.operands
        plain = not one.parameters and all(isinstance(x, KINDS) for x in operands)
        if plain and op in SETTERS:
            found: Placed = SETTERS[op](self, one)
            return found
        if plain and op in COMPARISONS:
            return self._infix(operands, COMPARISONS[op], COMPARISON, both=True), COMPARISON
        if plain and op in BITS and one.dtype == np.bool:
            return self._infix(operands, BITS[op], PRODUCT, both=True), COMPARISON
        if op in ("transpose", "swapaxes") and _is_transpose(one):
            return Power(self._bound(operands[0], ATOM), TRANSPOSED), ATOM
        if op == "getitem" or op == "part":
            return Indexed(self._bound(operands[0], ATOM), self._index(operands[1])), ATOM
        if op == "astype":
            return Applied(np.dtype(operands[1]).name, (self._box(operands[0])[0],)), ATOM
        return self._applied(one), ATOM

    def _applied(self, one: Call) -> Any:
        op, operands = one.op, one.operands
        if op.startswith(INTO):
            target, *rest = operands
            op = op.removeprefix(INTO)
            given = [self._argument(target)]
            if op in ("setitem", "add.at"):
                given.append(Indexed(Code("index"), self._index(rest.pop(0))))
                op = "set_at" if op == "setitem" else "add_at"
            given += [self._argument(x) for x in rest]
        else:
            op = op.removeprefix(FORMULA)
            given = [self._argument(x) for x in operands]
        keyed = [(key, self._argument(x)) for key, x in one.parameters]
        return Applied(FUNCTIONS.get(op, op), (*given, *keyed))

    def _argument(self, x: Any) -> Any:
        if isinstance(x, KINDS):
            return self._box(x)[0]
        if isinstance(x, (list, tuple)) and any(True for _ in inside(x)):
            parts = [self._argument(one) for one in x]
            row = [Code("["), *(box for part in parts for box in (part, Code(", ")))]
            return Row((*row[:-1], Code("]")))
        return Code(written(x))

    def _index(self, index: Any) -> str:
        return subscript(self._coded(index))

    def _coded(self, x: Any) -> Any:
        """Return an index with the text of each expression in it."""
        if type(x) is Number and not x.shape:
            return x.value
        if type(x) is Constant and x.value.size <= LISTED:
            return x.value.tolist()
        if isinstance(x, KINDS):
            return Ref(text(self._box(x)[0]))
        if type(x) in (list, tuple):
            return type(x)([self._coded(one) for one in x])
        return x

    def _bound(self, one: Any, binds: int) -> Any:
        box, own = self._box(one)
        return box if own >= binds else Bracket(box)

    def _infix(self, operands: Any, sign: str, binds: int, *, both: bool = False) -> Any:
        left, right = operands
        first = self._bound(left, binds + both)
        return Row((first, Sign(sign), self._bound(right, binds + 1)))

    def _sum(self, one: Call) -> Placed:
        return self._infix(one.operands, "+", ADDITION), ADDITION

    def _difference(self, one: Call) -> Placed:
        return self._infix(one.operands, "−", ADDITION), ADDITION

    def _negative(self, one: Call) -> Placed:
        return Row((Sign(MINUS), self._bound(one.operands[0], PRODUCT))), ADDITION

    def _power(self, one: Call) -> Placed:
        base, exponent = one.operands
        return Power(self._bound(base, ATOM), self._bound(exponent, ATOM)), POWER

    def _quotient(self, one: Call) -> Placed:
        (top, first), (bottom, second) = map(self._box, one.operands)
        return Fraction(top, bottom, first >= PRODUCT, second > SIGN), PRODUCT

    def _matmul(self, one: Call) -> Placed:
        left, right = one.operands
        chained = type(left) is Call and left.op == "matmul"
        first = self._bound(left, PRODUCT if chained else SIGN)
        return Row((first, Sign("·"), self._bound(right, SIGN + 1))), PRODUCT

    def _product(self, one: Call) -> Placed:
        """Set a product: numbers first, then the gradient, and squares for what is there twice."""
        found: list[Any] = sorted(factors(one), key=_rank)
        boxes = [self._bound(factor, ATOM) for factor in found]
        counts: list[list[Any]] = []
        for k, factor in enumerate(found):
            if k and boxes[k] == boxes[k - 1] and type(factor) is not Number:
                counts[-1][1] += 1
            else:
                counts.append([factor, 1])
        row: list[Any] = []
        shape: Shape = ()
        for factor, times in counts:
            if row:
                row.append(Sign("⊙" if shape and factor.shape else "·"))
            box = self._bound(factor, POWER)
            row.append(Power(self._bound(factor, ATOM), Digits(str(times))) if times > 1 else box)
            shape = shape or factor.shape
        return Row(tuple(row)), PRODUCT


SETTERS: dict[str, Callable[[Typesetter, Call], Placed]] = {
    "add": Typesetter._sum, "subtract": Typesetter._difference, "negative": Typesetter._negative,
    "multiply": Typesetter._product, "divide": Typesetter._quotient, "power": Typesetter._power,
    "matmul": Typesetter._matmul,
}  # fmt: skip


def _rank(factor: Any) -> int:
    """Return where a factor stands in a product."""
    if type(factor) is Number:
        return 0
    return 1 if type(factor) is Name and factor.key == "ct" else 2


def _is_transpose(one: Call) -> bool:
    """Whether a call swaps the last two axes, as ᵀ says."""
    operand, *rest = one.operands
    if not isinstance(operand, KINDS) or one.parameters:
        return False
    dimensions = len(one.shape)
    if one.op == "transpose":
        return dimensions == 2 and not rest
    axes = [x.value % dimensions for x in rest if type(x) is Number]
    return sorted(axes) == [dimensions - 2, dimensions - 1]


def number(value: Any) -> str:
    """Return a number with all its digits, as short as that is: ``4`` for 4.0."""
    value = value.item() if isinstance(value, np.generic) else value
    if isinstance(value, complex):
        sign = "−" if np.signbit(value.imag) else "+"
        imaginary = f"{number(abs(value.imag))}j"
        plain = not value.real and sign == "+"
        return imaginary if plain else f"({number(value.real)} {sign} {imaginary})"
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e6:
        value = int(value)
    return written(value).replace("-", "−")
