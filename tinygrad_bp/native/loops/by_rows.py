"""What is done row by row: elementwise, on arrays of more columns than a tile of rows may have.

Where a program has products of large matrices, which are NumPy's, arrays lie by rows.  What is
computed element by element between two such products is a loop over the elements of each row.
"""

from __future__ import annotations

from typing import Any

from tinygrad_bp.native.lowering.expansion import spelled
from tinygrad_bp.native.lowering.lowering import Lowering
from tinygrad_bp.native.lowering.operations import OPERATIONS
from tinygrad_bp.programs.instructions import Instruction, Operand, Ref, Type, is_number


def is_by_rows(one: Instruction, lowering: Lowering) -> bool:
    """Whether an instruction is done row by row.

    What it reads is an array of its own shape, one row that all rows share, or a single number.
    """
    if not lowering.large or one.parameters or not isinstance(one.type, Type):
        return False
    shape = one.shape
    if spelled(one, lowering.types) not in OPERATIONS or len(shape) != 2:
        return False
    if shape[0] != lowering.length or shape[1] <= lowering.most_columns:
        return False
    return all(_fits(x, shape, lowering) for x in one.operands)


def _fits(x: Operand, shape: tuple[int, ...], lowering: Lowering) -> bool:
    if type(x) is not Ref:
        return is_number(x)
    found: Any = lowering.types[x.name]
    if not isinstance(found, Type) or found.dtype.kind not in "fb":
        return False
    return found.shape in ((), shape) or (found.shape == shape[1:] and x.name in lowering.plain)
