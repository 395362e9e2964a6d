"""A program as a Python module that needs NumPy alone, written for a person to read."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace
from typing import Any

import numpy as np

from tinygrad_bp.programs.calling import INTO
from tinygrad_bp.programs.formulas import FORMULA, outlined
from tinygrad_bp.programs.instructions import (
    Instruction,
    Listing,
    Operand,
    Ref,
    Type,
    Types,
    references,
    replaced,
)
from tinygrad_bp.programs.literals import RESERVED, subscript, written
from tinygrad_bp.programs.text import place

NP = "np."
# Operators, and how tightly they bind.
OPERATORS = {
    **dict.fromkeys(("less", "less_equal", "greater", "greater_equal", "equal", "not_equal"), 1),
    **dict.fromkeys(("add", "subtract"), 2),
    **dict.fromkeys(("multiply", "divide", "matmul", "remainder", "floor_divide"), 3),
    "negative": 4,
    "power": 5,
}
SIGNS = {
    "less": "<", "less_equal": "<=", "greater": ">", "greater_equal": ">=", "equal": "==",
    "not_equal": "!=", "add": "+", "subtract": "-", "multiply": "*", "divide": "/",
    "matmul": "@", "remainder": "%", "floor_divide": "//", "power": "**",
}  # fmt: skip
# Python's operators, by the names of NumPy's functions.
PYTHONS = {
    f"operator.{python}": numpys
    for python, numpys in {
        "add": "add", "sub": "subtract", "mul": "multiply", "truediv": "divide", "pow": "power",
        "mod": "remainder", "floordiv": "floor_divide", "neg": "negative",
    }.items()
}  # fmt: skip
SHORTER = {"absolute": "abs"}
# What a value is called that a function made whose name is a verb, or a word of Python's own.
NOUNS = {
    "absolute": "size", "all": "every", "any": "some", "astype": "converted",
    "broadcast_to": "spread", "clip": "clipped", "concatenate": "joined", "divide": "ratio",
    "equal": "same", "expand_dims": "expanded", "getitem": "picked", "greater": "above",
    "less": "below", "matmul": "product", "max": "largest", "maximum": "larger", "min": "smallest",
    "minimum": "smaller", "multiply": "product", "negative": "negated", "not_equal": "different",
    "put_along_axis": "placed", "reshape": "reshaped", "setitem": "placed", "stack": "stacked",
    "subtract": "difference", "sum": "total", "swapaxes": "swapped", "take": "taken",
    "transpose": "transposed", "where": "chosen",
}  # fmt: skip
ATOM = 6
INLINE = 44  # characters of an expression that may stand inside another
LINE = 80  # of one that is returned
COLUMN = 52  # where comments begin, if the line is no longer
# What makes an array that nobody else has.
FRESH = frozenset({"zeros", "ones", "empty", "full", "array", "zeros_like", "ones_like", "copy"})


def module(program: Listing) -> str:
    """Return the text of the module."""
    scipy = any(one.op.startswith("scipy.") for one in program.instructions)
    program, functions = outlined(program)
    writer = _Writer(program)
    defined: dict[tuple[str, str], str] = {}  # the name of a function, by what it does
    for value, one in functions.items():
        body = "\n".join(_Writer(one, shapes=False).body())
        if (one.name, body) not in defined:
            defined[one.name, body] = writer.free(one.name)
        writer.functions[value] = defined[one.name, body]
    body = "\n".join([*writer.signature(), *writer.body()])
    texts = [f"def {name}(x):\n{text}" for (_, text), name in defined.items()]
    head = ["import numpy as np", *(["import scipy.special"] if scipy else [])]
    head += ["", *writer.constants] if writer.constants else []
    return "\n\n\n".join(["\n".join(head), *texts, body]) + "\n"


class _Writer:
    """Writes one program.

    Attributes
    ----------
    expressions : dict of str to (str, int)
        What is written for a value, and how tightly it binds.
    """

    def __init__(self, program: Listing, *, shapes: bool = True) -> None:
        self.program = program
        self.shapes = shapes  # whether comments say them
        self.types = program.types
        self.uses = program.uses
        alone = type(program.outputs) is Ref
        self.returned = frozenset(() if alone else references(program.outputs))
        self.makers = {one.name: one for one in program.instructions}
        spaces = {one.name for one in program.instructions if one.op in ("zeros", "ones")}
        written_into = [one.operands[0] for one in program.instructions if one.op.startswith(INTO)]
        # how often others are written into a copy of empty space
        self.spaces = Counter(x.name for x in written_into if type(x) is Ref and x.name in spaces)
        self.taken = {*program.types, *program.parameters, *RESERVED}
        self.expressions: dict[str, tuple[str, int]] = {}
        self.functions: dict[str, str] = {}  # those that formulas are calls of, by the value
        self.constants: list[str] = []
        self.lines: list[str] = []

    def body(self) -> list[str]:
        """Return the lines of the function."""
        for given in self.program.inputs:
            self.expressions[given.name] = given.name, ATOM
            if len(given.path) > 1:
                self._line(f"    {given.name} = {place(given.path)}", given.type)
        for one in self.program.instructions:
            self._add(one)
        return [*self.lines, f"    return {self._returned()}"]

    def _returned(self) -> str:
        outputs = self.program.outputs
        if type(outputs) is tuple and len(outputs) > 1:
            return ", ".join(map(self._text, outputs))
        return self._text(outputs)

    def signature(self) -> list[str]:
        """Return the lines before that, with the shapes of the arrays."""
        arrays = {one.name: one.type for one in self.program.inputs if len(one.path) == 1}
        lines = [
            f"    {one},{_comment(arrays[one])}" if one in arrays else f"    {one},"
            for one in self.program.parameters
        ]
        return [f"def {self.program.name}(", *lines, "):"]

    def _line(self, text: str, types: Types) -> None:
        """Add a line, with the shape of what it makes."""
        comment = _comment(types) if self.shapes else ""
        self.lines.append(f"{text:<{COLUMN}}{comment}" if comment else text)

    def _add(self, one: Instruction) -> None:
        """Add the line of an instruction, or keep its expression for the one that reads it."""
        text, binds = self._expression(one)
        if one.op == "constant" and (len(text) > INLINE or not one.name.startswith("_")):
            name = self._own_name(one.name)
            self.constants.append(f"{name} = {text}")
        elif self._is_inline(one, text):
            self.expressions[one.name] = text, binds
            return
        else:
            name = self._own_name(one.name)
            self._line(f"    {name} = {text}", one.type)
            if one.op.startswith(INTO):
                self._write_into(name, one)
        self.expressions[one.name] = name, ATOM

    def _is_inline(self, one: Instruction, text: str) -> bool:
        longest = LINE if self.program.outputs == Ref(one.name) else INLINE
        if one.op.startswith(INTO) or not one.name.startswith("_") or len(text) > longest:
            return False
        if one.name in self.returned and one.op != "constant":
            return False
        if self.uses[one.name] <= 1 or one.op == "constant" or _is_light(one):
            return True
        return self._is_template(one.name)

    def _own_name(self, name: str) -> str:
        """Return a name that is no temporary's: without the underscore before it."""
        if not name.startswith("_"):
            return name
        prefix, base = re.fullmatch(r"_([dt]_)?(.*?)(?:_\d+)?_*", name).groups("")  # type: ignore[union-attr]  # anything matches
        return self.free(f"{prefix}{NOUNS.get(base, base)}" or "value")

    def free(self, name: str) -> str:
        """Return a name that nothing else has."""
        new, number = name, 1
        while new in self.taken:
            number += 1
            new = f"{name}_{number}"
        self.taken.add(new)
        return new

    def _write_into(self, name: str, one: Instruction) -> None:
        op = one.op.removeprefix(INTO)
        rest = one.operands[1:]
        if op == "setitem":
            index, value = rest
            self.lines.append(f"    {name}[{self._subscript(index)}] = {self._text(value)}")
        elif op == "add.at" and _is_plain(rest[0]):
            index, value = rest
            self.lines.append(f"    {name}[{self._subscript(index)}] += {self._text(value)}")
        else:
            self.lines.append(f"    {self._called(op, (name, *map(self._text, rest)), one)}")

    def _expression(self, one: Instruction) -> tuple[str, int]:
        """Return the right side of the line that makes a value."""
        first = one.operands[0] if one.operands else None
        if one.op == "constant":
            return _constant(one.operands[0]), ATOM
        if one.op.startswith(INTO):
            fresh = type(first) is Ref and self._is_fresh(first.name)
            return (self._text(first) if fresh else f"np.array({self._text(first)})"), ATOM
        if one.op in ("zeros", "ones") and one.operands[1:] == (np.dtype(float),):
            one = replace(one, operands=one.operands[:1])  # which they are anyway
        if one.op == "getitem":
            return f"{self._bound(first, ATOM)}[{self._subscript(one.operands[1])}]", ATOM
        if one.op == "part":
            return f"{self._bound(first, ATOM)}[{one.operands[1]}]", ATOM
        if one.op == "astype":
            inner = (
                self._bound(first, ATOM)
                if self._is_array(first)
                else f"np.asarray({self._text(first)})"
            )
            return f"{inner}.astype({written(one.operands[1], NP)})", ATOM
        if one.op == "transpose" and len(one.operands) == 1 and not one.parameters:
            return f"{self._bound(first, ATOM)}.T", ATOM
        if self._is_operator(one):
            return self._operation(one)
        return self._called(one.op, tuple(map(self._text, one.operands)), one), ATOM

    def _called(self, op: str, given: tuple[str, ...], one: Instruction) -> str:
        keywords = [f"{key}={self._text(x)}" for key, x in one.parameters]
        if op.startswith(FORMULA):
            return f"{self.functions[op.removeprefix(FORMULA)]}({', '.join(given)})"
        if op.startswith("operator."):  # abs and pos, of a number
            return f"{op.removeprefix('operator.').replace('pos', 'float')}({', '.join(given)})"
        space = "" if op.startswith("scipy.") else NP
        op = SHORTER.get(op, op)
        return f"{space}{op}({', '.join([*given, *keywords])})"

    def _is_operator(self, one: Instruction) -> bool:
        """Whether Python's operator is the same: an array must be among the operands."""
        if one.op.startswith("operator."):
            return one.op in PYTHONS
        if one.op not in OPERATORS or one.parameters:
            return False
        return any(map(self._is_array, one.operands))

    def _is_array(self, x: Operand) -> bool:
        if type(x) is Ref:
            found = self.types[x.name]
            return isinstance(found, Type) and not found.weak
        return isinstance(x, np.generic)

    def _operation(self, one: Instruction) -> tuple[str, int]:
        op = PYTHONS.get(one.op, one.op)
        binds = OPERATORS[op]
        if op == "negative":
            return f"-{self._bound(one.operands[0], binds)}", binds
        left, right = one.operands
        power = op == "power"
        before = self._bound(left, binds + (power or binds == 1))
        after = self._bound(right, binds + 1)
        if power and isinstance(right, (int, float)) and not written(right).startswith("-"):
            after = written(right, NP)  # no attribute is asked of it
        return f"{before} {SIGNS[op]} {after}", binds

    def _is_fresh(self, name: str) -> bool:
        """Whether nobody else has the array, so that it may be written into."""
        one = self.makers.get(name)
        if one is None or (self.uses[name] > 1 and not self._is_template(name)):
            return False
        return one.op in FRESH or one.op.startswith(INTO)

    def _is_template(self, name: str) -> bool:
        """Whether a value is empty space that others are written into: each makes its own."""
        return self.spaces[name] == self.uses[name]

    def _bound(self, x: Operand, binds: int) -> str:
        """Return an operand, in parentheses if it binds less tightly than what it stands in."""
        if type(x) is Ref:
            text, own = self.expressions[x.name]
        else:
            text = written(x, NP)
            own = OPERATORS["negative"] if text.startswith("-") else ATOM
            if binds == ATOM and isinstance(x, (bool, int, float, complex)):
                own = 0
        return text if own >= binds else f"({text})"

    def _text(self, x: Operand) -> str:
        return written(replaced(x, self._in_place), NP)

    def _subscript(self, x: Operand) -> str:
        return subscript(replaced(x, self._in_place), NP)

    def _in_place(self, ref: Ref) -> Ref:
        return Ref(self.expressions[ref.name][0])


def _is_plain(index: Operand) -> bool:
    """Whether an index names no element twice."""
    parts = index if isinstance(index, tuple) else (index,)
    return all(isinstance(one, (int, slice, type(None), type(Ellipsis))) for one in parts)


def _is_light(one: Instruction) -> bool:
    """Whether what makes a value costs nothing, so that it may be written twice."""
    return one.op == "part" or (one.op == "transpose" and len(one.operands) == 1)


def _constant(array: Any) -> str:
    if not array.size:
        return f"np.zeros({array.shape}, {NP}{array.dtype.name})"
    first = array.flat[0]
    if array.size > 1 and array.dtype == np.float64 and np.all(array == first):
        return f"np.full({array.shape}, {written(first.item(), NP)})"
    if array.dtype.kind == "i" and array.size > 2 and _counts(array):
        start, stop = array.item(0), array.item(-1) + 1
        ends = f"{start}, {stop}" if start else f"{stop}"
        return f"np.arange({ends}{_typed(array, np.arange(0).dtype)})"
    values = array.tolist()
    plain = np.array(values).dtype == array.dtype
    kind = array.dtype if plain else None
    return f"np.array({written(values, NP)}{_typed(array, kind, keyed=False)})"


def _counts(array: Any) -> bool:
    """Whether an array counts on from its first element."""
    return array.ndim == 1 and bool(np.all(np.diff(array) == 1))


def _typed(array: Any, usual: Any, *, keyed: bool = True) -> str:
    """Return the argument that gives a dtype, if it is not the usual one."""
    key = "dtype=" if keyed else ""
    return "" if array.dtype == usual else f", {key}{NP}{array.dtype.name}"


def _comment(types: Types) -> str:
    """Return the shape of a value, and its dtype if that is not float64."""
    if not isinstance(types, Type):
        return ""
    if types.weak:
        return "  # a number"
    dtype = "" if types.dtype == np.float64 else f"{types.dtype.name} "
    return f"  # {dtype}{types.shape or 'scalar'}"
