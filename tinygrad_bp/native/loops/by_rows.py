"""What is done row by row: on arrays of more columns than a tile of rows may have.

Arrays lie by rows, so that a loop over the elements of a row, the last axis, finds them side by
side; around it is one over all rows, of all other axes.  It computes element by element, and
reduces each row to one number, all rows to one, or everything to one number.
"""

from __future__ import annotations

import math
from typing import Any

from tinygrad_bp.native.lowering.expansion import REDUCTIONS, reduced_axes, spelled
from tinygrad_bp.native.lowering.lowering import ALSO, TRUE_OR_FALSE, Lowering
from tinygrad_bp.native.lowering.operations import OPERATIONS
from tinygrad_bp.programs.instructions import Instruction, Operand, Ref, Type, is_number

SHORT = 8  # elements of a row from which a loop over them is worth its beginning
ELEMENTWISE = OPERATIONS.keys() | (ALSO - {"astype"})
FOLDED = REDUCTIONS.keys() - TRUE_OR_FALSE
EACH, ACROSS, ALL = "each row", "across the rows", "everything"  # what is reduced to one


def is_by_rows(one: Instruction, lowering: Lowering) -> bool:
    """Whether an instruction is done row by row.

    What it reads is an array of its own shape, one row that all rows share, a number for each row,
    or a single number.  What it reduces is one array.
    """
    types = [lowering.types[name] for name in one.refs]
    if not lowering.wide or not all(isinstance(x, Type) for x in (one.type, *types)):
        return False
    op = spelled(one, lowering.types)
    if op in FOLDED:
        return len(one.operands) == len(types) == 1 and _folds(one, types[0].shape, lowering)
    if op not in ELEMENTWISE or one.parameters:
        return False
    return _are_rows(one.shape, lowering) and all(
        _fits(x, one.shape, lowering) or (op == "clip" and x is None) for x in one.operands
    )


def rows_of(one: Instruction, lowering: Lowering) -> tuple[int, ...]:
    """Return the shape, without the batch, of the rows that an instruction is done by."""
    shape = lowering.types[one.refs[0]].shape if one.op in REDUCTIONS else one.shape
    found: tuple[int, ...] = shape[1:]
    return found


def cut(shape: tuple[int, ...]) -> tuple[int, int]:
    """Return how many rows there are for each of the batch, and of how many elements."""
    sides = [n for n in shape if n != 1] or [1]
    return math.prod(sides[:-1]), sides[-1]


def is_one_a_row(shape: tuple[int, ...], rows: tuple[int, ...]) -> bool:
    """Whether values of a shape, without the batch, are one for each of these rows."""
    return rows[-1] != 1 and shape in ((*rows[:-1], 1), rows[:-1])


def folding(one: Instruction, lowering: Lowering) -> str:
    """Return what an instruction reduces to one; nothing if it does not."""
    if one.op not in REDUCTIONS:
        return ""
    ndim = len(lowering.types[one.refs[0]].shape)
    axes = reduced_axes(one, ndim)
    if len(axes) == ndim:
        return ALL
    return {(ndim - 1,): EACH, (*range(ndim - 1),): ACROSS}.get(tuple(axes), "")


def _folds(one: Instruction, shape: tuple[int, ...], lowering: Lowering) -> bool:
    real = lowering.types[one.refs[0]].dtype.kind == "f" and shape and shape[-1] != 1
    return bool(real) and _are_rows(shape, lowering) and folding(one, lowering) != ""


def _are_rows(shape: tuple[int, ...], lowering: Lowering) -> bool:
    """Whether there are so many columns in an array."""
    if len(shape) < 2 or shape[0] != lowering.length:
        return False
    long = cut(shape[1:])[1] >= min(SHORT, 1 + lowering.most_columns)
    return long and math.prod(shape[1:]) > lowering.most_columns


def _fits(x: Operand, shape: tuple[int, ...], lowering: Lowering) -> bool:
    if type(x) is not Ref:
        return is_number(x)
    found: Any = lowering.types[x.name]
    if found.dtype.kind not in "fb":
        return False
    if found.shape == shape[-1:]:
        return x.name in lowering.plain
    return found.shape in ((), shape, (*shape[:-1], 1))
