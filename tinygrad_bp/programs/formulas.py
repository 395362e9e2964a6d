"""Functions of one array that NumPy lacks: a program has their parts, its source a function."""

from __future__ import annotations

from ast import literal_eval
from collections import defaultdict
from dataclasses import replace
from types import FrameType
from typing import Any

import numpy as np

from tinygrad_bp.engine.rule import TABLE
from tinygrad_bp.programs.instructions import (
    Input,
    Instruction,
    Listing,
    Ref,
    references,
    renewed,
)

FORMULA = "formula."  # before the name of a function that a source defines


def formulas() -> dict[Any, str]:
    """Return the code of each such function, and its name."""
    rules = [
        rule
        for rule in TABLE.values()
        if rule.kind == "elementwise" and len(rule.pulls) == 1 and not rule.name.startswith("_")
    ]
    return {
        rule.forward.__code__: rule.name
        for rule in rules
        if not isinstance(rule.function, np.ufunc) and hasattr(rule.forward, "__code__")
    }


def called(name: str, number: int, frame: FrameType) -> str:
    """Return what an instruction says of the call that makes it: ``"bessel_i 3 order=1"``.

    With its number in the program, and the settings that are numbers.
    """
    code = frame.f_code
    settings = [(key, frame.f_locals[key]) for key in code.co_varnames[1 : code.co_argcount]]
    told = [f"{key}={value!r}" for key, value in settings if type(value) in (int, float, bool)]
    return " ".join([name, str(number), *told])


def settings_of(formula: str) -> tuple[Any, ...] | None:
    """Return the settings in what `called` returned; None if that does not say all."""
    name, _, *told = formula.split()
    forward: Any = TABLE[name].forward
    if len(told) != forward.__code__.co_argcount - 1:
        return None
    return tuple(literal_eval(one.partition("=")[2]) for one in told)


def outlined(program: Listing) -> tuple[Listing, dict[str, Listing]]:
    """Return the program with a call in place of the parts of each formula, and the functions.

    A call is an instruction of the op ``formula.`` and the name of a value; under that name is the
    function, of one argument `x`.  Parts that others read, or that read more than one value, stay.
    """
    types = program.types
    groups: dict[str, list[Instruction]] = defaultdict(list)
    readers: dict[str, set[str]] = defaultdict(set)
    for one in program.instructions:
        groups[one.formula].append(one)
        for name in one.refs:
            readers[name].add(one.formula)
    for name in references(program.outputs):
        readers[name].add("")
    groups.pop("", None)
    calls: dict[str, Instruction] = {}
    functions: dict[str, Listing] = {}
    gone: set[str] = set()
    for formula, parts in groups.items():
        last = parts[-1]
        own = {one.name for one in parts}
        shown = {name for name in own if readers[name] - {formula}}
        read = {name for one in parts for name in one.refs} - own
        if len(parts) > 1 and shown <= {last.name} and len(read) == 1:
            (argument,) = read
            call = replace(last, op=FORMULA + last.name, operands=(Ref(argument),), parameters=())
            calls[last.name] = call
            functions[last.name] = _function(formula.split()[0], parts, argument, types[argument])
            gone |= own - {last.name}
    kept = [calls.get(one.name, one) for one in program.instructions if one.name not in gone]
    return replace(program, instructions=tuple(kept)), functions


def _function(name: str, parts: list[Instruction], argument: str, given: Any) -> Listing:
    """Return the function that computes the last of some parts from the one value they read."""
    new = {argument: Ref("x"), parts[-1].name: Ref("_value")}
    instructions = [
        replace(
            renewed(one, lambda ref: new.get(ref.name, ref)),
            name=new.get(one.name, Ref(one.name)).name,
        )
        for one in parts
    ]
    inputs = (Input("x", given, ("x",)),)
    return Listing(name, ("x",), inputs, tuple(instructions), Ref("_value"))
