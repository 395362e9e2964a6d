"""Versions from the disk: what one trace says is looked up, before anything is lowered.

An entry is made after two traces have agreed, and the code has been made; it says what the kernel
reads and writes, and under which name the code is kept.  Another process that traces the same
program once has it all.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from tinygrad_bp import native
from tinygrad_bp.compiling.tracing import Traced
from tinygrad_bp.compiling.version import Version
from tinygrad_bp.native.llvm import cache
from tinygrad_bp.programs.family import HELD, held
from tinygrad_bp.programs.instructions import Input, Ref, Type, references
from tinygrad_bp.programs.program import Program

MANY = 1 << 16  # elements of constants, from which a program is not written out to be looked up
Plain = tuple[str, tuple[int, ...], bool]  # a type


@dataclass(frozen=True, eq=False)
class Outline(Program):
    """The inputs and outputs of a program, and the text of all of it.

    Attributes
    ----------
    known : dict
        The types of the outputs.
    text : str
    """

    known: dict[str, Type]
    text: str

    @property
    def types(self) -> dict[str, Any]:
        """The types of the inputs and outputs."""
        return {one.name: one.type for one in self.inputs} | self.known

    def whole(self) -> Program:
        """Return the program itself."""
        return Program.parse(self.text)


def name_of(traced: Traced) -> str | None:
    """Return the name of an entry; None of a program that has none."""
    known = vars(traced)  # asked before the code is made, and after
    if "_name" not in known:
        known["_name"] = _name_of(traced)
    found: str | None = known["_name"]
    return found


def _name_of(traced: Traced) -> str | None:
    program = traced.program
    if sum(np.size(array) for array in program.arrays.values()) > MANY:
        return None
    # a bare trace says nothing of its inputs in its text
    inputs = [(one.name, _plain(one.type), one.path) for one in program.inputs]
    changed = [(place.name, place.kind) for place in traced.changed]
    return cache.early_key(str(program), repr(inputs), repr(changed), str(len(traced.cleared)))


def keep(traced: Traced, version: Version) -> None:
    """Keep a version under the name of its trace, if it is one piece of code and plain data."""
    told = native.described(version.bound) if isinstance(version.bound, native.Bound) else None
    name = None if told is None else name_of(traced)
    if name is None:
        return
    program = version.program
    types: Any = program.types
    ours = {one.name for one in program.inputs if one.path[0] == HELD}  # the next trace has them
    content = {
        "code": told,
        "name": program.name,
        "parameters": program.parameters,
        "inputs": [(one.name, _plain(one.type), one.path) for one in program.inputs],
        "outputs": _written(program.outputs),
        "types": {one: _plain(types[one]) for one in references(program.outputs)},
        "numbers": {key: value for key, value in version.numbers.items() if key not in ours},
        "carry": version.carry,
        "text": str(program),
    }
    text = repr(content)
    try:
        same = ast.literal_eval(text) == content
    except (ValueError, SyntaxError, TypeError):  # an array that the length decides, a path's key
        return
    if same:
        cache.keep(name, text.encode())


def found(traced: Traced) -> Version | None:
    """Return the version that was kept for such a trace, if there is one."""
    name = name_of(traced)
    data = None if name is None else cache.load(name)
    if data is None:
        return None
    content = ast.literal_eval(data.decode())
    outline = Outline(
        content["name"],
        content["parameters"],
        tuple([Input(one, _type(kind), path) for one, kind, path in content["inputs"]]),
        (),
        _read(content["outputs"]),
        {one: _type(kind) for one, kind in content["types"].items()},
        content["text"],
    )
    bound = native.found(outline, content["code"])
    if bound is None:
        return None
    arrays = [np.ascontiguousarray(one.operands[0]) for one in held(traced.program)]
    ours = {one.name: arrays[one.path[1]] for one in outline.inputs if one.path[0] == HELD}
    return Version(traced, outline, content["numbers"] | ours, bound, content["carry"])


def _plain(one: Type) -> Plain:
    return one.dtype.str, one.shape, one.weak


def _type(told: Plain) -> Type:
    dtype, shape, weak = told
    return Type(np.dtype(dtype), shape, weak)


def _written(outputs: Any) -> list[Any]:
    """Return the three lists of outputs with values marked as such."""
    return [[_marked(one) for one in part] for part in outputs]


def _marked(one: Any) -> tuple[str, Any]:
    return ("value", one.name) if type(one) is Ref else ("literal", one)


def _read(parts: list[Any]) -> Any:
    return tuple([list(_unmarked(part)) for part in parts])


def _unmarked(part: Any) -> Iterator[Any]:
    for kind, one in part:
        yield Ref(one) if kind == "value" else one
