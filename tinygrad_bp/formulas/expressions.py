"""Formulas as trees: what the code of a rule does with its arguments, in a form one can read.

A program of one pull becomes one expression.  Reading it there is simpler than running it: what
guards against values that do not occur here is left out, products and differences are put in the
form of a textbook.  None of it changes what the expression is worth at these values.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from tinygrad_bp.engine.shapes import Shape
from tinygrad_bp.programs.formulas import FORMULA, outlined, settings_of
from tinygrad_bp.programs.instructions import Instruction, Listing, Ref, Type, is_number, replaced
from tinygrad_bp.programs.passes import share
from tinygrad_bp.programs.source import PYTHONS


@dataclass(frozen=True)
class Name:
    """A value of the graph, by what the rule calls it: ``ct``, ``out``, ``0`` and so on."""

    key: str
    shape: Shape


@dataclass(frozen=True)
class Number:
    """A number, perhaps as an array of equal ones."""

    value: Any
    shape: Shape = ()


@dataclass(frozen=True, eq=False)
class Constant:
    """An array that the rule makes of shapes, axes or labels alone."""

    value: Any

    @property
    def shape(self) -> Shape:
        """Length of each axis."""
        return tuple(self.value.shape)


@dataclass(frozen=True)
class Call:
    """A function of NumPy's, by its name in programs, and what it is called with."""

    op: str
    operands: tuple[Any, ...]
    parameters: tuple[tuple[str, Any], ...]
    shape: Shape
    dtype: Any

    def __hash__(self) -> int:
        return id(self)  # operands may be lists


Expression = Name | Number | Constant | Call
KINDS = (Name, Number, Constant, Call)


def expression(program: Listing, values: Mapping[str, Any]) -> tuple[Expression, bool]:
    """Return what a program computes as one expression, and whether guards were left out.

    Parameters
    ----------
    program : Listing
        Its inputs are elements of one dict, by their keys; it returns one array.
    values : mapping of str to array
        Of what it computes, by the names in it, as far as known.
    """
    calls = {one.name: one.formula for one in program.instructions}
    program, functions = outlined(replace(program, instructions=_plain_calls(program)))
    program = share(program)
    reader = Reader(values)
    reader.found = {one.name: Name(str(one.path[-1]), one.type.shape) for one in program.inputs}
    for one in program.instructions:
        if one.op.startswith(FORMULA):
            function = functions[one.name].name
            settings = settings_of(calls[one.name]) or ()
            one = replace(one, operands=(*one.operands, *settings))
            reader.add(one, f"{FORMULA}{function}")
        else:
            reader.add(one, PYTHONS.get(one.op, one.op))
    result = program.outputs
    found = reader.found[result.name] if type(result) is Ref else Number(result)
    return found, reader.guarded


def _plain_calls(program: Listing) -> tuple[Instruction, ...]:
    """Return the instructions; what a call makes is none whose settings are no plain numbers."""
    return tuple([
        one if not one.formula or settings_of(one.formula) is not None else replace(one, formula="")
        for one in program.instructions
    ])  # fmt: skip


class Reader:
    """Reads instructions one after the other.

    Attributes
    ----------
    found : dict of str to Expression
    guarded : bool
        Whether something was left out that these values do not need.
    """

    def __init__(self, values: Mapping[str, Any]) -> None:
        self.values = values
        self.found: dict[str, Expression] = {}
        self.guarded = False
        self._names: dict[int, tuple[str, Any]] = {}  # of which value a call is, by its id

    def add(self, one: Instruction, op: str) -> None:
        """Take an instruction."""
        if one.op == "constant":
            self.found[one.name] = Constant(one.operands[0])
            return

        def read(ref: Ref) -> Expression:
            return self.found[ref.name]

        operands = tuple([_numbered(replaced(x, read)) for x in one.operands])
        parameters = tuple([(key, replaced(x, read)) for key, x in one.parameters])
        kind = one.type if isinstance(one.type, Type) else Type(np.dtype(object), ())
        call = Call(op, operands, parameters, kind.shape, kind.dtype)
        value = self.values.get(one.name)
        answer = self.answered(call, value)
        if answer is not None:
            self.guarded = True
            self.found[one.name] = Number(answer, kind.shape)
            return
        self.found[one.name] = found = self._shorter(call, value)
        self._names[id(found)] = one.name, found  # which keeps it, so that no other has its id

    def answered(self, call: Call, value: Any) -> bool | None:
        """Return what a guard gives everywhere; None where it differs, or of any other call."""
        found = _uniform(value) if is_guard(call) else None
        return None if found is None else bool(found)

    def _shorter(self, call: Call, value: Any) -> Expression:
        if call.op == "where" and len(call.operands) == 3:
            return self._chosen(call)
        if call.dtype.kind in "iu" and call.op == "sum" and _uniform(value) == 1:
            self.guarded = True  # how many are tied: one
            return Number(1, call.shape)
        return rewritten(call)

    def _chosen(self, call: Call) -> Expression:
        condition, yes, no = call.operands
        if type(condition) is Call:
            taken = self.decided(condition)
            if taken is not None:
                self.guarded = True
                return fitted(yes if taken else no, call)
        if type(condition) is Number:
            return fitted(yes if condition.value else no, call)
        return call

    def decided(self, condition: Call) -> bool | None:
        """Return what a condition is everywhere, None if that differs from element to element."""
        name, _ = self._names.get(id(condition), ("", None))
        found: bool | None = _uniform(self.values.get(name))
        return found


GUARDS = frozenset({"equal", "not_equal", "isnan", "isinf", "isfinite"})


def is_guard(call: Call) -> bool:
    """Whether a call asks for ties or for values that are not finite, and is worth a formula.

    What compares with a label or an index is none: it says where something goes.
    """
    return call.op in GUARDS and call.dtype == np.bool


def _uniform(value: Any) -> Any:
    """Return what all elements are, None if they differ or there are none."""
    if value is None or np.size(value) == 0:
        return None
    first = np.ravel(value)[0]
    return first.item() if np.all(np.asarray(value) == first) else None


def _numbered(x: Any) -> Any:
    return Number(x) if is_number(x) else x


def fitted(one: Any, call: Call) -> Expression:
    """Return an expression in the shape that a call has."""
    if type(one) is Number and not one.shape:
        return Number(one.value, call.shape)
    if one.shape == call.shape:
        return one  # type: ignore[no-any-return]  # an operand that has a shape is an expression
    return Call("broadcast_to", (one, call.shape), (), call.shape, call.dtype)


def rewritten(call: Call) -> Expression:
    """Return a call in the form of a textbook; worth the same."""
    rule = REWRITES.get(call.op)
    if rule is None or call.parameters or not all(isinstance(x, KINDS) for x in call.operands):
        return call
    found: Expression = rule(_narrow(call))
    return found


def _narrow(call: Call) -> Call:
    """Return a call on what one operand was before it was broadcast to the other's shape."""
    for k, one in enumerate(call.operands if call.op in BROADCASTING else ()):
        others = [x for x in call.operands if x is not one and x.shape == call.shape]
        if type(one) is Call and one.op == "broadcast_to" and others:
            operands = list(call.operands)
            operands[k] = one.operands[0]
            return replace(call, operands=tuple(operands))
    return call


def _is(one: Any, number: Any) -> bool:
    return type(one) is Number and one.value == number and not isinstance(one.value, complex)


def _and(call: Call) -> Expression:
    return _joined(call, idle=True)


def _or(call: Call) -> Expression:
    return _joined(call, idle=False)


def _joined(call: Call, *, idle: bool) -> Expression:
    """Return what is left of "and" or "or" beside a value that says nothing, or decides."""
    left, right = call.operands
    for one, other in ((left, right), (right, left)):
        if type(one) is Number and type(one.value) is bool:
            return fitted(other, call) if one.value is idle else Number(one.value, call.shape)
    return call


def _product(call: Call) -> Expression:
    left, right = call.operands
    for one, other in ((left, right), (right, left)):
        if type(one) is Number and one.value is False:
            return Number(0.0, call.shape)
        if type(one) is Number and type(other) is not Number and _is(one, 1):
            return fitted(other, call)
        if type(other) is not Number and _is(one, -1):
            return rewritten(Call("negative", (fitted(other, call),), (), call.shape, call.dtype))
    for k, one in enumerate(call.operands):  # a quotient or a sign goes to the outside
        if type(one) is not Call or one.op not in ("divide", "negative"):
            continue
        pair = (one.operands[0], right) if k == 0 else (left, one.operands[0])
        inner = Call("multiply", pair, (), call.shape, call.dtype)
        if one.op == "divide" and type(one.operands[1]) is Number:
            operands = rewritten(inner), one.operands[1]
            return Call("divide", operands, (), call.shape, call.dtype)
        if one.op == "negative":
            return rewritten(Call("negative", (rewritten(inner),), (), call.shape, call.dtype))
    return call


def _negative(call: Call) -> Expression:
    (inner,) = call.operands
    if type(inner) is Call and inner.op == "negative":
        return inner.operands[0]  # type: ignore[no-any-return]  # an operand, so an expression
    return call


def _quotient(call: Call) -> Expression:
    top, bottom = call.operands
    if _is(bottom, 1) and type(top) is not Number:
        return fitted(top, call)
    return call


def _sum(call: Call) -> Expression:
    left, right = call.operands
    for one, other in ((left, right), (right, left)):
        if _is(one, 0) and type(other) is not Number and other.shape == call.shape:
            return other  # type: ignore[no-any-return]  # an operand, so an expression
    if type(right) is Call and right.op == "negative":
        return rewritten(Call("subtract", (left, right.operands[0]), (), call.shape, call.dtype))
    return call


def _difference(call: Call) -> Expression:
    """Return ``a - a b`` as ``a (1 - b)``."""
    left, right = call.operands
    if _is(right, 0) and type(left) is not Number and left.shape == call.shape:
        return left  # type: ignore[no-any-return]  # as above
    if _is(left, 0) and type(right) is not Number and right.shape == call.shape:
        return Call("negative", (right,), (), call.shape, call.dtype)
    rest = factors(right)
    if type(left) is Number or len(rest) < 2 or left not in rest:
        return call
    rest.remove(left)
    inner = rest[0]
    for one in rest[1:]:
        shape = np.broadcast_shapes(inner.shape, one.shape)
        inner = Call("multiply", (inner, one), (), shape, call.dtype)
    slope = Call("subtract", (Number(1), inner), (), inner.shape, call.dtype)
    return Call("multiply", (left, slope), (), call.shape, call.dtype)


def _matrices(call: Call) -> Expression:
    """Return the sign of a factor before the product."""
    left, right = call.operands
    if type(left) is Call and left.op == "negative":
        inner = Call("matmul", (left.operands[0], right), (), call.shape, call.dtype)
        return Call("negative", (inner,), (), call.shape, call.dtype)
    return call


def _power(call: Call) -> Expression:
    base, exponent = call.operands
    return fitted(base, call) if _is(exponent, 1) and type(base) is not Number else call


BROADCASTING = frozenset({"add", "subtract", "multiply", "divide", "power"})
REWRITES: dict[str, Any] = {
    "bitwise_and": _and, "logical_and": _and, "bitwise_or": _or, "logical_or": _or,
    "multiply": _product, "divide": _quotient, "add": _sum, "subtract": _difference,
    "power": _power, "negative": _negative, "matmul": _matrices,
}  # fmt: skip


def factors(one: Any) -> list[Any]:
    """Return what is multiplied element by element to make an expression."""
    if type(one) is Call and one.op == "multiply":
        return [factor for operand in one.operands for factor in factors(operand)]
    return [one]


def inside(tree: Any) -> Iterator[Expression]:
    """Yield the expressions in an operand, which may be nested lists and tuples of them."""
    if isinstance(tree, KINDS):
        yield tree
    elif isinstance(tree, (list, tuple)):
        for one in tree:
            yield from inside(one)


def parts_of(one: Expression) -> Iterator[Expression]:
    """Yield the expressions that another is made of directly."""
    if type(one) is Call:
        yield from inside(one.operands)
        yield from inside([x for _, x in one.parameters])


def each_in(one: Expression) -> Iterator[Expression]:
    """Yield the expressions in another, each once, those that it is made of first."""
    seen: set[int] = set()
    stack = [(one, False)]
    while stack:
        node, ready = stack.pop()
        if ready:
            yield node
        elif id(node) not in seen:
            seen.add(id(node))
            stack.append((node, True))
            stack += [(part, False) for part in parts_of(node)]


def names_in(one: Expression) -> set[str]:
    """Return the keys of the values that an expression reads."""
    return {part.key for part in each_in(one) if type(part) is Name}


def substituted(tree: Any, new: Mapping[int, Expression]) -> Any:
    """Return an operand with others in place of some of its expressions, which go by their id."""
    if isinstance(tree, KINDS):
        if id(tree) in new:
            return new[id(tree)]
        if type(tree) is Call:
            operands = substituted(tree.operands, new)
            parameters = substituted(tree.parameters, new)
            if operands is tree.operands and parameters is tree.parameters:
                return tree  # what reads it twice goes on reading one
            return Call(tree.op, operands, parameters, tree.shape, tree.dtype)
        return tree
    if type(tree) in (list, tuple):
        parts = [substituted(one, new) for one in tree]
        same = all(part is one for part, one in zip(parts, tree, strict=True))
        return tree if same else type(tree)(parts)
    return tree
