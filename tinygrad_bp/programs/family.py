"""Programs of one function for batches of every length: one program, and what the length decides.

A function is traced at two lengths that stand in for any.  What differs between the two traces, the
length decides: a number such as 1/N, and an array such as ``arange(N)``, become inputs; sides of
shapes stay, and are known.  A trace at a third length says what they all are there.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import numpy as np

from tinygrad_bp.programs.calling import named
from tinygrad_bp.programs.comparison import (
    Different,
    aligned,
    alike,
    difference,
    entries,
    filled,
    numbers_of,
)
from tinygrad_bp.programs.instructions import Input, Instruction, Operand, Ref, Type, is_number
from tinygrad_bp.programs.literals import written
from tinygrad_bp.programs.program import Program
from tinygrad_bp.programs.standins import result_type
from tinygrad_bp.programs.wholes import Whole

BY_LENGTH = "_by_length"  # the parameter of a program in which stands what the length decides
HELD = "_held"  # that in which stand the arrays that a function holds, in a program of one length
WRITTEN = 16  # elements of such an array up to which it is part of the program
Pair = tuple[str, str]  # what a number is at the two stand-in lengths


class Lift(NamedTuple):
    """A number or a constant that becomes an input.

    Attributes
    ----------
    instruction : str
        The constant itself, or what reads the number.
    place : int or None
        Of the number among the operands and the parameters.
    name : str
        Of the input.
    type : Type
        Of a number.
    """

    instruction: str
    place: int | None
    name: str
    type: Type


@dataclass(frozen=True, eq=False)
class Family:
    """The programs of one function for batches of every length.

    Attributes
    ----------
    program : Program
        Simplified, of the stand-in length.  It holds no number that changes with the length, but
        for those in `irregular`.
    length : int or None
        The stand-in length: a side of so many is the batch's.  None of a program that is of one
        length alone.
    numbers : tuple of str
        The inputs that the length decides, or that the function holds; `at` gives their values.
    irregular : frozenset of str
        Values about which the length decides in another way: a side of theirs, or an integer in
        the call, is neither fixed nor the length itself (N + 1, 2 N).  What computes them is the
        instruction that `at` gives.
    """

    program: Program
    length: int | None = None
    numbers: tuple[str, ...] = ()
    irregular: frozenset[str] = frozenset()
    _traces: tuple[Program, ...] = field(default=(), repr=False)  # as they were written down
    _lifts: tuple[Lift, ...] = field(default=(), repr=False)
    _twin: Program | None = field(default=None, repr=False)  # `program`, of the other length

    @classmethod
    def of_one(cls, trace: Program) -> Family:
        """Return the family of one trace alone, of which the arrays that it holds are inputs.

        Parameters
        ----------
        trace : Program
            As `traced` gives it.

        Returns
        -------
        Family
        """
        lifts = tuple([Lift(one.name, None, one.name, one.one_type) for one in held(trace)])
        program = _lifted(trace, lifts, HELD).simplified()
        return cls(program, numbers=_inputs(program, HELD), _traces=(trace,), _lifts=lifts)

    @classmethod
    def of_two(cls, first: Program, second: Program, lengths: tuple[int, int]) -> Family:
        """Return the family that two traces are of.

        Parameters
        ----------
        first, second : Program
            As `traced` gives them.
        lengths : (int, int)
            Of the batches that they were traced with.

        Returns
        -------
        Family

        Raises
        ------
        Different
            If they differ in more than the length decides.
        """
        second = aligned(first, second)
        lifts = tuple(_lifts(first, second))
        program, twin = (_lifted(one, lifts).simplified() for one in (first, second))
        twin = aligned(program, twin)
        return cls(
            program,
            lengths[0],
            _inputs(program, BY_LENGTH),
            frozenset(_irregular(program, twin, lengths)),
            (first, second),
            lifts,
            twin,
        )

    def with_wholes(self, wholes: tuple[Whole, ...]) -> Family:
        """Return the family, of whose programs it is known where fused rules stand."""
        return replace(self, program=replace(self.program, wholes=wholes))

    def at(self, trace: Program) -> tuple[Program, dict[str, Any]]:
        """Return the program of a length, and the values of `numbers` there.

        Parameters
        ----------
        trace : Program
            Of the function with a batch of that length, as `traced` gives it.

        Returns
        -------
        Program
            With the instructions of `program`, one by one, by the same names.
        dict of str to array or number

        Raises
        ------
        Different
            If the trace differs in more than the length decides.
        """
        first = self._traces[0]
        if self._twin is None:
            found = difference(first, trace)
            if found is not None:
                raise Different(found)
            return self.program, self._numbers(trace)
        trace = aligned(first, trace)
        decided = _decided((first, self._traces[1], trace), self._lifts)
        lifted = _lifted(trace, self._lifts)
        types = lifted.types

        def here(one: Instruction, other: Instruction) -> Instruction:
            operands, parameters = _at_length(
                (one.operands, one.parameters), (other.operands, other.parameters), decided
            )
            kind = types[one.name]
            return Instruction(one.name, one.op, operands, parameters, kind, one.line, one.formula)

        program = replace(
            self.program,
            inputs=tuple([replace(one, type=types[one.name]) for one in self.program.inputs]),  # type: ignore[arg-type]  # of an input, one
            instructions=tuple(map(here, self.program.instructions, self._twin.instructions)),
            outputs=_at_length(self.program.outputs, self._twin.outputs, decided),
        )
        return program, self._numbers(trace)

    def _numbers(self, trace: Program) -> dict[str, Any]:
        """Return the values of `numbers`, arrays in the order of C: whoever binds them wants it."""
        values = _values(trace, self._lifts)
        return {
            name: np.ascontiguousarray(values[name]) if np.ndim(values[name]) else values[name]
            for name in self.numbers
        }


def held(trace: Program) -> list[Instruction]:
    """Return the constants that are inputs of a family, by their places under `HELD`."""
    made = [one for one in trace.instructions if one.op == "constant"]
    return [one for one in made if np.size(one.operands[0]) > WRITTEN]


def _inputs(program: Program, parameter: str) -> tuple[str, ...]:
    return tuple([one.name for one in program.inputs if one.path[0] == parameter])


def _lifts(first: Program, second: Program) -> Iterator[Lift]:
    """Yield what becomes an input: the numbers and constants that differ between two traces."""
    known: dict[tuple[Any, ...], str] = {}
    types = (dict(first.types), dict(second.types))
    arrays = (first.arrays, second.arrays)
    for one, other in zip(first.instructions, second.instructions, strict=True):
        if one.op == "constant":
            if not alike(one.operands[0], other.operands[0]):
                yield Lift(one.name, None, one.name, one.one_type)
            continue
        for place, (x, y) in enumerate(zip(_slots(one), _slots(other), strict=True)):
            if not is_number(x) or isinstance(x, bool) or alike(x, y):
                continue
            for kind in _kinds(x, one):
                name = known.get((_pair(x, y), kind), f"{BY_LENGTH}_{len(known)}")
                lift = Lift(one.name, place, name, kind)
                if all(
                    _same_type(_with_input(each, [lift]), known_types | {name: kind}, constants)
                    for each, known_types, constants in zip(
                        (one, other), types, arrays, strict=True
                    )
                ):
                    known[_pair(x, y), kind] = name
                    yield lift
                    break


def _kinds(x: Any, one: Instruction) -> list[Type]:
    """Return as what a number may be an input; an integer only where it is computed with."""
    if isinstance(x, np.generic):
        return [Type(x.dtype, ())]
    if isinstance(x, (float, complex)):
        return [Type(np.dtype(type(x)), (), weak=True)]
    return [Type(np.dtype(float), (), weak=True), Type(np.dtype(int), ())] if _computes(one) else []


def _same_type(one: Instruction, types: Any, arrays: Any) -> bool:
    try:
        return result_type(one.op, one.operands, dict(one.parameters), types, arrays) == one.type
    except (TypeError, ValueError):
        return False


def _slots(one: Instruction) -> list[Operand]:
    """Return the operands of an instruction, and then its parameters."""
    return [*one.operands, *[x for _, x in one.parameters]]


def _with_input(one: Instruction, lifts: list[Lift]) -> Instruction:
    """Return an instruction that reads inputs in place of numbers."""
    slots = _slots(one)
    for lift in lifts:
        if lift.place is not None:
            slots[lift.place] = Ref(lift.name)
    count = len(one.operands)
    keys = [key for key, _ in one.parameters]
    parameters = tuple(zip(keys, slots[count:], strict=True))
    return replace(one, operands=tuple(slots[:count]), parameters=parameters)


def _lifted(trace: Program, lifts: tuple[Lift, ...], parameter: str = BY_LENGTH) -> Program:
    """Return a trace with inputs, under a parameter, for what the length decides."""
    if not lifts:
        return trace
    whose: dict[str, list[Lift]] = {}
    for lift in lifts:
        whose.setdefault(lift.instruction, []).append(lift)
    constants = {lift.name for lift in lifts if lift.place is None}
    types = {lift.name: lift.type for lift in lifts} | {x: trace.types[x] for x in constants}
    inputs = [
        Input(name, kind, (parameter, place))  # type: ignore[arg-type]  # of a constant, one
        for place, (name, kind) in enumerate(types.items())
    ]
    return replace(
        trace,
        parameters=(*trace.parameters, parameter),
        inputs=(*trace.inputs, *inputs),
        instructions=tuple(
            [
                _with_input(one, whose[one.name]) if one.name in whose else one
                for one in trace.instructions
                if one.name not in constants
            ]
        ),
    )


def _values(trace: Program, lifts: tuple[Lift, ...]) -> dict[str, Any]:
    """Return what a trace has in place of the inputs."""
    made = {one.name: one for one in trace.instructions}
    found = {}
    for lift in lifts:
        value = _slots(made[lift.instruction])[lift.place or 0]
        if lift.place is not None:
            kind = lift.type.dtype.type
            value = kind(value) if not lift.type.weak else kind(value).item()
        found[lift.name] = value
    return found


def _pair(x: Any, y: Any) -> Pair:
    return written(x), written(y)


def _decided(traces: tuple[Program, Program, Program], lifts: tuple[Lift, ...]) -> dict[Pair, Any]:
    """Return what each number is in the third trace, by what it is in the first two.

    Raises
    ------
    Different
        If one does not depend on the length and is another all the same, or two that were equal at
        both lengths are not at the third.
    """
    constants = {lift.name for lift in lifts if lift.place is None}
    known: dict[Pair, Any] = {}
    for one, other, third in zip(*map(entries, traces), strict=True):
        for x, y, z in zip(one.numbers, other.numbers, third.numbers, strict=True):
            if alike(x, y):
                if not alike(x, z):
                    raise Different(f"{x}, but {z} at this length, in {one.place}")
            elif one.name in constants and isinstance(x, np.ndarray):
                continue
            elif not alike(known.setdefault(_pair(x, y), z), z):
                raise Different(f"{z} is not what {x} and {y} stand for, in {one.place}")
    return known


def _at_length(tree: Operand, twin: Operand, decided: dict[Pair, Any]) -> Operand:
    """Return an operand with the numbers of a length."""
    numbers = [
        x if alike(x, y) else decided[_pair(x, y)]
        for x, y in zip(numbers_of(tree), numbers_of(twin), strict=True)
    ]
    return filled(tree, iter(numbers)) if numbers else tree


def _irregular(first: Program, second: Program, lengths: tuple[int, int]) -> Iterator[str]:
    """Yield the values about which the length decides otherwise than by a side of its own.

    Raises
    ------
    Different
        If a side is as long as a batch, and no batch's.
    """
    for one, other in zip(entries(first), entries(second), strict=True):
        pairs = list(zip(one.numbers, other.numbers, strict=True))
        if any(x == lengths[0] and y != lengths[1] for x, y in pairs if type(x) is int):
            raise Different(f"a side is {lengths[0]} at every length, in {one.place}")
        if any(not alike(*pair) and pair != lengths for pair in pairs):
            yield one.name
    for call, twin in zip(first.instructions, second.instructions, strict=True):
        read = [numbers_of((each.operands, each.parameters)) for each in (call, twin)]
        if _computes(call) and not all(map(alike, *read)):
            yield call.name


def _computes(one: Instruction) -> bool:
    """Whether an instruction computes with its numbers, which are no sides of shapes then."""
    op = one.op.removeprefix("into.")
    return op.startswith("operator.") or isinstance(named(op), np.ufunc)
