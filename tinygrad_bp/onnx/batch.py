"""The axis of the batch: found by tracing twice, with another number of rows."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from tinygrad_bp.errors import ProgramError
from tinygrad_bp.onnx.operators import BROADCASTING, refused
from tinygrad_bp.programs.instructions import Instruction, Type
from tinygrad_bp.programs.program import Program

SHAPING = {"reshape", "ravel", "expand_dims", "squeeze"}  # which go by the shape of the result


def of_any_size(first: Program, second: Program) -> tuple[list[Instruction], dict[str, Any]]:
    """Return the instructions that both programs are, and of every value the shape.

    Parameters
    ----------
    first, second : Program
        Of one function, with batches of different sizes.

    Returns
    -------
    instructions : list of Instruction
        In whose shapes -1 stands for what depends on the batch.
    shapes : dict of str to tuple of int

    Raises
    ------
    ProgramError
        If the function does something else for another size, or a number in it is the size.
    """
    if [one.op for one in first.instructions] != [one.op for one in second.instructions]:
        raise ProgramError(
            "onnx.export: the function does something else for a batch of another size; pass"
            " batch=False for a model of this size alone"
        )
    uses = _uses(first)
    found = [
        _common(one, other, uses.get(one.name, set()))
        for one, other in zip(first.instructions, second.instructions, strict=True)
    ]
    shapes = {
        one.name: _shape(one.type, other.type)
        for one, other in zip(first.inputs, second.inputs, strict=True)
    }
    return found, shapes | {one.name: one.shape for one in found}


def _common(one: Instruction, other: Instruction, uses: set[str]) -> Instruction:
    shaped = replace(one, type=one.one_type._replace(shape=_shape(one.one_type, other.one_type)))
    if one.op == "constant":
        return _constant(shaped, other, uses)
    here, there = one.operands, other.operands
    if one.op in SHAPING:
        here, there = here[:1], there[:1]
    if repr((here, one.parameters)) != repr((there, other.parameters)):
        raise refused(one, "a number in it is the size of the batch; pass batch=False")
    return shaped


def _constant(one: Instruction, other: Instruction, uses: set[str]) -> Instruction:
    """Return a constant of any size: rows that are all alike are one row, which is broadcast."""
    array, second = np.asarray(one.operands[0]), np.asarray(other.operands[0])
    if -1 in one.shape:
        axis = one.shape.index(-1)
        array, second = array.take([0], axis), second.take([0], axis)
        alike = np.array_equal(np.broadcast_to(array, one.operands[0].shape), one.operands[0])
        if not alike or not uses <= BROADCASTING.keys():
            raise refused(one, "an array of the size of the batch; pass batch=False")
        one = replace(one, type=one.one_type._replace(shape=array.shape))
    if not np.array_equal(array, second, equal_nan=array.dtype.kind == "f"):
        raise refused(one, "its values depend on the size of the batch; pass batch=False")
    return replace(one, operands=(array,))


def _uses(program: Program) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for one in program.instructions:
        for name in one.refs:
            found.setdefault(name, set()).add(one.op)
    return found


def _shape(one: Type, other: Type) -> tuple[int, ...]:
    if len(one.shape) != len(other.shape):
        raise ProgramError("onnx.export: a value has more axes for a batch of another size")
    return tuple(a if a == b else -1 for a, b in zip(one.shape, other.shape, strict=True))
