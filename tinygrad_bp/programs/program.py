"""`Program`: what a function does with arrays, as data that one can read, run, and write out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tinygrad_bp.errors import ProgramError
from tinygrad_bp.programs import literals, passes, source, text
from tinygrad_bp.programs.calling import run
from tinygrad_bp.programs.instructions import (
    Instruction,
    Listing,
    Type,
    references,
    replaced,
)
from tinygrad_bp.programs.standins import result_type


@dataclass(frozen=True, eq=False)
class Program(Listing):
    """A function of arrays, written as instructions that each call one function of NumPy's.

    ``print(program)`` shows it, ``program(*args)`` runs it.  `tg.program` makes one.

    Parameters
    ----------
    name : str
    parameters : tuple of str
        Of the function, in order.
    inputs : tuple of Input
        Those of their arrays that the program reads.
    instructions : tuple of Instruction
        Each reads what stands before it.
    outputs : nested tuples, lists and dicts
        What the function returns; values by their names.
    wholes : tuple of Whole
        Where the compositions of fused rules stand; a compiler may ask for some.
    """

    wholes: tuple[Any, ...] = field(default=(), kw_only=True)

    def __str__(self) -> str:
        return text.written(self)

    def __repr__(self) -> str:
        return f"<Program {self.name}: {len(self.instructions)} instructions>"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Program) and str(self) == str(other)

    def __hash__(self) -> int:
        return hash(str(self))

    @classmethod
    def parse(cls, text_of_one: str) -> Program:
        """Return the program that a text is of, which `str` wrote.

        Parameters
        ----------
        text_of_one : str

        Returns
        -------
        Program

        Raises
        ------
        ValueError
            If it is of none.
        """
        return cls(**text.read(text_of_one))

    def numpy(self) -> str:
        """Return a Python module that computes the same, as text.

        Returns
        -------
        str
            It imports NumPy (and SciPy for SciPy's functions), and has one function with the
            program's name, which takes and returns what the traced function does.
        """
        return source.module(self)

    def simplified(self) -> Program:
        """Return a shorter program that computes the same, by all passes in turn.

        Returns
        -------
        Program
        """
        program = self
        for one in passes.PASSES:
            program = one(program)
        return program

    def __call__(self, *args: Any) -> Any:
        """Return what the function returns for these arguments.

        Parameters
        ----------
        *args
            Arrays, numbers and containers of them, of the shapes and dtypes that the program was
            made for; for a module, the module or its `state`.  What is no array and no float is a
            part of the program, and not looked at.

        Raises
        ------
        ProgramError
            If an array has another shape or dtype.
        """
        if len(args) != len(self.parameters):
            names = ", ".join(self.parameters)
            raise ProgramError(f"{self.name}: takes ({names}), and was given {len(args)} arguments")
        given = dict(zip(self.parameters, args, strict=True))
        values: dict[str, Any] = {}
        for one in self.inputs:
            value = given[one.path[0]]
            for key in one.path[1:]:
                value = (value.state() if hasattr(value, "named_parameters") else value)[key]
            if not one.type.weak:
                array = np.asarray(value)
                value = array.astype(array.dtype.newbyteorder("="), copy=False)[()]
            values[one.name] = value
            self._require(one.name, values[one.name], one.type)
        for instruction in self.instructions:
            values[instruction.name] = run(instruction, values)
        return replaced(self.outputs, lambda ref: values[ref.name])

    def _require(self, name: str, value: Any, type: Type) -> None:  # noqa: A002  # as in Input
        found = Type(np.result_type(value), np.shape(value), type.weak)
        if found != type:
            raise ProgramError(
                f"{self.name}: {name} is {found}, and the program was made for {type}; make"
                " another with tg.program"
            )

    def check(self) -> Program:
        """Return the program if it is well formed.

        Names are unique, and no words of Python's; what is read stands before; operands are plain
        data; every function exists, and NumPy says that it gives the shape and dtype that stand
        there; the outputs exist.

        Returns
        -------
        Program

        Raises
        ------
        ProgramError
            Naming what is wrong, and where.
        """
        for fault in self._faults():
            raise ProgramError(f"{self.name}: {fault}")
        return self

    def _faults(self) -> Iterator[str]:
        names = [one.name for one in self.inputs] + [one.name for one in self.instructions]
        for name, times in Counter(names).items():
            if times > 1:
                yield f"{name} is there {times} times"
            if not name.isidentifier() or name in literals.RESERVED:
                yield f"{name!r} cannot be the name of a value"
        for one in self.inputs:
            if one.path[0] not in self.parameters or (len(one.path) == 1) != (
                one.name in self.parameters
            ):
                yield f"{one.name} is not where it says: {text.place(one.path)}"
        types: dict[str, Any] = {one.name: one.type for one in self.inputs}
        arrays = self.arrays
        for instruction in self.instructions:
            missing = [name for name in instruction.refs if name not in types]
            if missing:
                yield f"{instruction.name} reads {missing[0]}, which does not stand before it"
            yield from _wrong_type(instruction, types, arrays)
            types[instruction.name] = instruction.type
        for name in references(self.outputs):
            if name not in types:
                yield f"the output {name} does not exist"


def _wrong_type(one: Instruction, types: Any, arrays: Any) -> Iterator[str]:
    if one.op == "constant":
        (array,) = one.operands
        found: Any = Type(array.dtype, array.shape)
    else:
        try:
            found = result_type(one.op, one.operands, dict(one.parameters), types, arrays)
        except Exception as error:  # noqa: BLE001  # whatever NumPy has against it
            yield f"{one.name}: {one.op} fails: {error}"
            return
    if found != one.type:
        stated, given = map(literals.type_written, (one.type, found))
        yield f"{one.name} is said to be {stated}, and {one.op} gives {given}"
