"""A program in the form of a textbook: worth the same but for rounding, and shorter to read.

What guards against values that do not occur is left out, and products and quotients are written as
formulas have them, by the same code.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from tinygrad_bp.formulas.expressions import Call, Constant, Name, Number, Reader, factors
from tinygrad_bp.programs import passes
from tinygrad_bp.programs.calling import quiet, run
from tinygrad_bp.programs.instructions import Instruction, Operand, Ref, Type, replaced
from tinygrad_bp.programs.program import Program

ROUNDS = 3  # what one round leaves out may leave parts to the next that are read once now
WHOLE = 1e6  # numbers up to which 2.0 is written as 2
# What takes 2 for 2.0, beside an array of floats.
ARITHMETIC = frozenset({
    "add", "subtract", "multiply", "divide", "power", "maximum", "minimum", "greater",
    "greater_equal", "less", "less_equal", "equal", "not_equal",
})  # fmt: skip
CHAINS = ("multiply", "divide", "matmul")


def textbook(
    program: Program, arguments: Mapping[str, Any], *, guards: bool = True
) -> tuple[Program, bool]:
    """Return a program as a textbook has it, and whether guards were left out.

    Parameters
    ----------
    program : Program
    arguments : mapping of str to array
        Of its inputs, by their names.
    guards : bool, default True
        Whether what guards against ties, infinities and NaN is left out, where there are none.
    """
    guarded = False
    for _ in range(ROUNDS):
        before = len(program.instructions)
        writing = _Writing(program, _values(program, arguments), guards=guards)
        program = writing.whole()
        for one in passes.PASSES:  # what is there twice stays: it is another thing to a reader
            program = program if one is passes.share else one(program)
        guarded |= writing.reader.guarded
        if len(program.instructions) == before:
            break
    return program, guarded


def _values(program: Program, arguments: Mapping[str, Any]) -> dict[str, Any]:
    values = dict(arguments)
    with quiet():
        for one in program.instructions:
            values[one.name] = run(one, values)
    return values


class _General(Reader):
    """Leaves out no more than the exceptions that do not occur: the rest serves other values too.

    Parameters
    ----------
    values : mapping of str to array
    types : mapping of str to Type
    guards : bool
        Whether exceptions are left out at all.
    """

    def __init__(
        self, values: Mapping[str, Any], types: Mapping[str, Any], *, guards: bool
    ) -> None:
        super().__init__(values)
        self._types, self._guards = types, guards

    def answered(self, call: Call, value: Any) -> bool | None:
        """Return that an exception does not occur, such as ``x == inf``; else None."""
        given = call.operands
        usual = call.op in ("not_equal", "isfinite")
        if len(given) == 2 and given[0] == given[1]:
            usual = not usual  # NaN alone differs from itself
        if not self._guards or super().answered(call, value) is not usual:
            return None
        arrays = [x for x in given if type(x) is not Number]
        return usual if all(dtype_of(x, self._types).kind in "fc" for x in arrays) else None

    def decided(self, condition: Call) -> None:
        """Decide nothing: other values may be on the other side."""


class _Writing:
    """Reads a program into expressions, and writes these down again.

    Parameters
    ----------
    program : Program
    values : mapping of str to array
        Of all that it computes.
    """

    def __init__(self, program: Program, values: Mapping[str, Any], *, guards: bool) -> None:
        self.program = program
        self.types = dict(program.types)
        self.reader = _General(values, self.types, guards=guards)
        self.uses = program.uses
        self.calls = Counter(one.formula for one in program.instructions)
        self.written: list[Instruction] = []
        self._count = 0

    def whole(self) -> Program:
        """Return the program."""
        for given in self.program.inputs:
            self._stands(given.name)
        for one in self.program.instructions:
            self._take(one)
        outputs = replaced(self.program.outputs, lambda ref: self._operand(self._found(ref)))
        return replace(self.program, instructions=tuple(self.written), outputs=outputs)

    def _stands(self, name: str) -> None:
        kind = self.types[name]
        shape = kind.shape if isinstance(kind, Type) else ()
        self.reader.found[name] = Name(name, shape)

    def _found(self, ref: Ref) -> Any:
        return self.reader.found[ref.name]

    def _take(self, one: Instruction) -> None:
        called = one.formula and self.calls[one.formula] > 1  # a function of its own
        if called or not isinstance(one.type, Type) or one.op.startswith("operator."):
            self._keep(one)
            return
        if one.op == "constant":
            value = one.operands[0]
            if value.size and value.dtype == float and np.all(value == value.flat[0]):
                self.reader.found[one.name] = Number(value.flat[0].item(), value.shape)
            else:
                self._keep(one)
            return
        self.reader.add(one, one.op)
        found = self.reader.found[one.name]
        again = self.uses[one.name] > 1 and one.op not in ("transpose", "zeros")
        if type(found) is Call and (again or not one.name.startswith("_")):
            self._write(found, one.name)
            self._stands(one.name)

    def _keep(self, one: Instruction) -> None:
        """Write down an instruction as it is."""

        def new(ref: Ref) -> Operand:
            return self._operand(self._found(ref))

        parameters = tuple([(key, replaced(x, new)) for key, x in one.parameters])
        operands = replaced(one.operands, new)
        self.written.append(replace(one, operands=operands, parameters=parameters))
        self._stands(one.name)

    # Expressions

    def _operand(self, tree: Any) -> Operand:
        """Return an operand, of which the expressions are written down."""
        match tree:
            case Name(key, _):
                return Ref(key)
            case Number(value, ()):
                return value
            case Number(value, shape):
                kind = Type(np.result_type(value), shape)
                return self._add("full", (shape, value), (), kind)
            case Constant(value):
                return self._add("constant", (value,), (), Type(value.dtype, value.shape))
            case Call():
                return self._write(tree, "")
        if type(tree) in (list, tuple):
            return type(tree)([self._operand(one) for one in tree])
        return _sliced(tree) if type(tree) is slice else tree

    def _write(self, one: Call, name: str) -> Ref:
        one = self._narrowed(one)
        if one.op == "multiply" and self._is_plain(one):
            return self._product(one, name)
        first, *rest = one.operands or (None,)
        if _is_reshape(one) and _is_reshape(first):
            return self._write(replace(one, operands=(first.operands[0], *rest)), name)
        if one.op == "negative" and _begins(one.operands[0]):
            return self._write(_turned(one.operands[0]), name)
        operands = self._operand(self._whole_numbers(one))
        parameters = tuple([(key, self._operand(x)) for key, x in one.parameters])
        return self._add(one.op, operands, parameters, Type(one.dtype, one.shape), name)

    def _narrowed(self, one: Call) -> Call:
        """Return a call with one number for an array of equal ones, if another has the shape."""
        wide = [x for x in one.operands if isinstance(x, (Name, Call)) and x.shape == one.shape]
        if one.op not in ARITHMETIC or all(dtype_of(x, self.types) != one.dtype for x in wide):
            return one
        operands = [Number(x.value) if type(x) is Number else x for x in one.operands]
        return replace(one, operands=tuple(operands))

    def _add(
        self, op: str, operands: Any, parameters: Any, kind: Type, name: str = ""
    ) -> Ref:  # fmt: skip
        if not name:
            name = next(one for one in self._names(op) if one not in self.types)
        self.written.append(Instruction(name, op, operands, parameters, kind))
        self.types[name] = kind
        return Ref(name)

    def _names(self, op: str) -> Iterator[str]:
        while True:
            self._count += 1
            yield f"_{op.rpartition('.')[2]}_{self._count}"

    def _is_plain(self, one: Call) -> bool:
        """Whether the order of the factors is no matter: no small integers are among them."""
        arrays = [x for x in factors(one) if type(x) is not Number]
        return not one.parameters and all(dtype_of(x, self.types).kind in "fb" for x in arrays)

    def _product(self, one: Call, name: str) -> Ref:
        """Write down a product: numbers first, then the gradient, and powers."""
        found, odd = _unsigned(factors(one))
        found.sort(key=_rank)
        if odd:
            found[0] = _opposite(found[0], one.dtype)
        total: Any = None
        powers = list(_powers(found, one.dtype))
        for number, factor in enumerate(powers, 1):
            if total is None:
                total = factor
                continue
            shape = np.broadcast_shapes(total.shape, factor.shape)
            total = Call("multiply", (total, factor), (), shape, one.dtype)
            if number < len(powers):
                total = self._named(total)
        if type(total) is not Call or total.op != "multiply":  # a power alone
            return self._write(total, name)
        operands = tuple(self._operand(x) for x in self._whole_numbers(total))
        return self._add("multiply", operands, (), Type(one.dtype, one.shape), name)

    def _named(self, one: Call) -> Name:
        operands = tuple(self._operand(x) for x in self._whole_numbers(one))
        ref = self._add(one.op, operands, (), Type(one.dtype, one.shape))
        return Name(ref.name, one.shape)

    def _whole_numbers(self, one: Call) -> tuple[Any, ...]:
        """Return the operands, with 2 for 2.0 where that is the same."""
        arrays = [x for x in one.operands if isinstance(x, (Name, Call))]
        floats = any(dtype_of(x, self.types).kind == "f" for x in arrays)
        if one.op not in ARITHMETIC or not floats:
            return one.operands
        return tuple([
            Number(int(x.value))
            if type(x) is Number and not x.shape and type(x.value) is float
            and abs(x.value) < WHOLE and x.value.is_integer()
            else x
            for x in one.operands
        ])  # fmt: skip


def dtype_of(one: Any, types: Mapping[str, Any]) -> np.dtype[Any]:
    """Return the dtype of an expression that is no number."""
    kind = types[one.key] if type(one) is Name else one
    found: np.dtype[Any] = getattr(kind, "dtype", np.dtype(object))
    return found


def _rank(factor: Any) -> int:
    if type(factor) is Number:
        return 0
    return 1 if type(factor) is Name and factor.key.startswith("d_") else 2


def _powers(found: list[Any], dtype: Any) -> Iterator[Any]:
    """Yield the factors of a product; what is there several times as a power."""
    k = 0
    while k < len(found):
        first, times = found[k], 1
        while k + times < len(found) and type(first) is Name and found[k + times] == first:
            times += 1
        k += times
        power = Call("power", (first, Number(times)), (), first.shape, dtype)
        yield power if times > 1 else first


def _is_reshape(one: Any) -> bool:
    return type(one) is Call and one.op == "reshape" and not one.parameters


def _sliced(one: slice) -> slice:
    """Return a slice without what it has anyway: ``:4`` for ``0:4:1``."""
    step = None if one.step == 1 else one.step
    start = None if one.start == 0 and (step is None or step > 0) else one.start
    return slice(start, one.stop, step)


def _begins(one: Any) -> bool:
    """Whether a sign before it may stand before its first factor."""
    return type(one) is Call and one.op in CHAINS and not one.parameters


def _turned(one: Any) -> Any:
    """Return the negative of a product or a quotient, with the sign before the first factor."""
    first, *rest = one.operands
    first = _turned(first) if _begins(first) else _opposite(first, one.dtype)
    return replace(one, operands=(first, *rest))


def _opposite(one: Any, dtype: Any) -> Any:
    if type(one) is Number:
        return Number(-one.value, one.shape)
    return Call("negative", (one,), (), one.shape, dtype)


def _unsigned(found: list[Any]) -> tuple[list[Any], bool]:
    """Return factors without their signs, and whether these make a minus."""
    signs = [type(one) is Call and one.op == "negative" for one in found]
    bare = [one.operands[0] if sign else one for one, sign in zip(found, signs, strict=True)]
    return bare, sum(signs) % 2 == 1
