"""Moves of elements, known by what NumPy does with their numbers.

A move is run on integers that say where each element is: what comes out says where the elements of
the result come from.  So every such function of NumPy's is understood, and none is written again.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from tinygrad_bp.programs.calling import called
from tinygrad_bp.programs.instructions import Instruction, Operand, Ref, is_number, references
from tinygrad_bp.rules.indexing.adding import BASIC

MOVES = frozenset(
    (  # noqa: SIM905  # one line for many words
        "array broadcast_to concatenate copy diag diagonal expand_dims flip getitem into.setitem"
        " moveaxis pad ravel repeat reshape roll squeeze stack swapaxes take transpose tril triu"
    ).split()
)
ADDED = "into.add.at"  # at an index: the elements move as those that are set there
# Those that leave the elements in their order.
STILL = frozenset({"array", "copy", "expand_dims", "ravel", "reshape", "squeeze"})
PADS = frozenset({"constant", "edge", "reflect", "symmetric", "wrap"})  # others compute
MOST = 1 << 20  # numbers of a move that is tried


class NotLowered(Exception):  # noqa: N818  # no fault: an answer
    """There is no machine code for an instruction; the text says why."""


def as_set(one: Instruction) -> Instruction:
    """Return what sets elements where an instruction adds them.

    Raises
    ------
    NotLowered
        If it may add to one element twice.
    """
    _, index, _ = one.operands
    parts = index if isinstance(index, tuple) else (index,)
    if not all(isinstance(part, BASIC) for part in parts):
        raise NotLowered("it adds again to what it has added to")
    return Instruction(one.name, "into.setitem", one.operands, one.parameters, one.type)


def is_still(one: Instruction) -> bool:
    """Whether a move of one value leaves its elements in their order."""
    in_rows = dict(one.parameters).get("order", "C") in ("C", "K", "A", None)
    return one.op in STILL and in_rows and type(one.operands[0]) is Ref


def moved(one: Instruction) -> list[Operand]:
    """Return the operands whose elements a move moves, values and numbers, in order."""
    found: list[Operand] = []
    _marked(one, found.append)
    return found


def sources(one: Instruction, types: Mapping[str, Any], length: int | None) -> Any:
    """Return where the elements of a move's result come from.

    Parameters
    ----------
    one : Instruction
    types : mapping of str to Type
    length : int or None
        Of the axis that the elements have to keep their row of.

    Returns
    -------
    array of int
        Of the result's shape, in which that axis has length 1.  0 is the number zero; the numbers
        from 1 count the elements of `moved`, each with that axis of length 1, one after the other.

    Raises
    ------
    NotLowered
        If rows do not stay where they are.
    """
    rows = (length or 0) + 1  # 0 is the row of what is the same for all
    count = 1

    def places(operand: Operand) -> Any:
        nonlocal count
        shape = types[operand.name].shape if type(operand) is Ref else ()
        if int(np.prod(shape, dtype=int)) > MOST:
            raise NotLowered("it is a move of very many elements")
        flat = shortened(shape, length)
        size = int(np.prod(flat, dtype=int))
        numbers = np.arange(count, count + size).reshape(flat) * rows
        count += size
        axis = row_axis(shape, length)
        return numbers if axis is None else numbers + _along(axis, len(shape), length)

    operands, parameters = _marked(one, places)
    result = np.asarray(called(one.op, operands, parameters))
    return _rows_kept(result, row_axis(one.shape, length), rows)


def row_axis(shape: tuple[int, ...], length: int | None) -> int | None:
    """Return which axis has this length; None if none has.

    Raises
    ------
    NotLowered
        If several have.
    """
    axes = [k for k, n in enumerate(shape) if n == length]
    if len(axes) > 1:
        raise NotLowered("it has the batch along two axes")
    return axes[0] if axes else None


def shortened(shape: tuple[int, ...], length: int | None) -> tuple[int, ...]:
    """Return a shape in which the axis of this length has length 1."""
    return tuple([1 if n == length else n for n in shape])


def _marked(one: Instruction, new: Any) -> tuple[list[Operand], dict[str, Operand]]:
    """Return the operands and parameters with ``new(operand)`` for what is moved."""
    data = (0, 2) if one.op == "into.setitem" else (0,)
    fixed = [x for k, x in enumerate(one.operands) if k not in data]
    if any(references((*fixed, *one.parameters))):
        raise NotLowered("what it moves depends on values")

    def marked(x: Operand) -> Operand:
        if isinstance(x, (list, tuple)):
            return [marked(part) for part in x]
        if type(x) is not Ref and not is_number(x):
            raise NotLowered("it moves what is no value")
        return new(x)

    operands = [marked(x) if k in data else x for k, x in enumerate(one.operands)]
    parameters = dict(one.parameters)
    if one.op == "pad":
        if (
            one.operands[2:3] not in ((), ("constant",))
            or parameters.get("mode", "constant") not in PADS
        ):
            raise NotLowered("it is called whole")
        if "constant_values" in parameters:
            parameters["constant_values"] = marked(parameters["constant_values"])
    return operands, parameters


def _along(axis: int, ndim: int, length: int | None) -> Any:
    """Return the rows 1, 2, ... along an axis."""
    shape = [1] * ndim
    shape[axis] = -1
    return np.arange(1, (length or 0) + 1).reshape(shape)


def _rows_kept(result: Any, axis: int | None, rows: int) -> Any:
    places, row = np.divmod(result, rows)
    if axis is None:
        if row.any():
            raise NotLowered("it takes single rows of the batch")
        return places
    first = np.take(places, [0], axis)
    own = _along(axis, result.ndim, rows - 1)
    if (places != first).any() or ((row != own) & (row != 0)).any():
        raise NotLowered("it moves rows of the batch")
    if (np.take(row, [0], axis) == 0).any() and ((row == 0) != np.take(row == 0, [0], axis)).any():
        raise NotLowered("it moves rows of the batch")
    return first
