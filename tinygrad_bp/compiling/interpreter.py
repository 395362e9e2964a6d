"""Programs run by NumPy, instruction by instruction: the reference of what native code does."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tinygrad_bp.programs.calling import run
from tinygrad_bp.programs.family import Family
from tinygrad_bp.programs.instructions import references
from tinygrad_bp.programs.program import Program

Carry = Sequence[tuple[int, int]]  # positions of outputs, and of the inputs that they are next


class Interpreter:
    """What runs the programs of a family by NumPy."""

    ir = ""

    def __init__(self, family: Family, carry: Carry) -> None:
        self.family = family
        self.carry = tuple(carry)
        self.stages = "\n".join(
            f"{one.name} = {one.op}: NumPy" for one in family.program.instructions
        )

    def at(self, program: Program, _length: int | None) -> Interpreted:
        """Return what runs the program of one length."""
        return Interpreted(program, self.carry)


class Interpreted:
    """A program of one length, to be called with arrays."""

    def __init__(self, program: Program, carry: Carry) -> None:
        self._inputs = program.inputs
        self._instructions = program.instructions
        self._outputs = list(references(program.outputs))
        self._carry = carry

    def __call__(self, inputs: Sequence[Any], _out: Any = None) -> list[Any]:
        """Return the outputs."""
        values: dict[str, Any] = {}
        for one, value in zip(self._inputs, inputs, strict=True):
            value = np.asarray(value)[()]
            values[one.name] = value.item() if one.type.weak else value
        for instruction in self._instructions:
            values[instruction.name] = run(instruction, values)
        return [values[name] for name in self._outputs]

    def fixed(self, inputs: Sequence[Any], out: Sequence[Any]) -> Callable[[], None]:
        """Return a call that reads these arrays and writes into those."""
        given, places = list(inputs), list(out)

        def call() -> None:
            for array, value in zip(places, self(given), strict=True):
                array[...] = value

        return call

    def repeat(self, n: int, inputs: Sequence[Any]) -> list[Any]:
        """Return the outputs of the last of n calls, each of which goes on from the one before."""
        inputs = list(inputs)
        found = self(inputs)
        for _ in range(n - 1):
            for position, place in self._carry:
                inputs[place] = found[position]
            found = self(inputs)
        return found
