"""What is done row by row: on arrays of more columns than a tile of rows may have.

Arrays lie by rows, so that a loop over the elements of a row, the last axes, finds them side by
side; around it is one over all rows, of the axes before.  It computes element by element, and
reduces in four ways.  Mostly a row is the last axis; where a program has a number for each channel
of an image, or for each sample, it is all axes behind that.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any, NamedTuple

from tinygrad_bp.engine.shapes import Shape
from tinygrad_bp.native.lowering.expansion import REDUCTIONS, reduced_axes, spelled
from tinygrad_bp.native.lowering.lowering import ALSO, TRUE_OR_FALSE, Lowering
from tinygrad_bp.native.lowering.operations import OPERATIONS
from tinygrad_bp.programs.instructions import Instruction, Listing, Operand, Ref, Type, is_number

SHORT = 8  # elements of a row from which a loop over them is worth its beginning
ELEMENTWISE = OPERATIONS.keys() | (ALSO - {"astype"})
FOLDED = REDUCTIONS.keys() - TRUE_OR_FALSE
# Of what values have one number; a reduction leaves such values.
WHOLE = "each element"
EACH = "each row"
CHANNEL = "each row of a sample, the same for all samples"
PLACE = "each place of a row, the same for all rows"
ALL = "everything"


class Cut(NamedTuple):
    """How arrays are cut into rows.

    Attributes
    ----------
    outer, inner : tuple of int
        Their sides without the batch: of the axes that are looped over, and of a row's.
    """

    outer: Shape
    inner: Shape

    @property
    def many(self) -> int:
        """How many rows a sample has."""
        return math.prod(self.outer)

    @property
    def columns(self) -> int:
        """How many elements a row has."""
        return math.prod(self.inner)

    def numbers(self, shape: Shape, *, of_batch: bool) -> str:
        """Return of what a value of this shape has one number; nothing if of none of these."""
        outer, inner = self
        if math.prod(shape) == 1:
            return ALL
        if of_batch:
            if shape[1:] == outer + inner:
                return WHOLE
            one_a_row = shape[1:] in (outer, outer + (1,) * len(inner))
            return EACH if one_a_row and self.columns > 1 else ""
        ndim = len(outer) + len(inner)
        full = (1,) * (ndim - len(shape)) + (shape[1:] if len(shape) > ndim else shape)
        if full == (1,) * len(outer) + inner:
            return PLACE
        return CHANNEL if full == outer + (1,) * len(inner) else ""


def note_cuts(program: Listing, lowering: Lowering) -> None:
    """Note how many axes a row has, of the arrays of each shape; by default it is the last axis."""
    for one in program.instructions:
        types = [lowering.types[name] for name in one.refs]
        if not all(isinstance(x, Type) for x in (one.type, *types)):
            continue
        shape = types[0].shape if one.op in REDUCTIONS and types else one.shape
        if len(shape) < 2 or shape[0] != lowering.length:
            continue
        if one.op in REDUCTIONS:
            axes = reduced_axes(one, len(shape))
            some = len(axes) < len(shape)
            wanted = [_last(k in axes for k in range(1, len(shape)))] if some else []
        else:
            wanted = [_last(n == 1 for n in x.shape[1:]) for x in types if math.prod(x.shape) > 1]
        known = lowering.cuts.get(shape[1:], 1 + _last(n == 1 for n in shape[1:]))
        within = [k for k in wanted if k < len(shape)]
        lowering.cuts[shape[1:]] = max([known, *within])


def cut(shape: Shape, lowering: Lowering) -> Cut:
    """Return how arrays of a shape, without the batch, are cut."""
    count = min(lowering.cuts.get(shape, 1), len(shape))
    return Cut(shape[: len(shape) - count], shape[len(shape) - count :])


def is_by_rows(one: Instruction, lowering: Lowering) -> bool:
    """Whether an instruction is done row by row.

    What it reads is an array of its own shape, or has one number for each row, channel or place;
    what it reduces is one array.
    """
    types = [lowering.types[name] for name in one.refs]
    if not lowering.wide or not all(isinstance(x, Type) for x in (one.type, *types)):
        return False
    op = spelled(one, lowering.types)
    if op in FOLDED:
        if not len(one.operands) == len(types) == 1 or types[0].dtype.kind != "f":
            return False
        return _are_rows(types[0].shape, lowering) and folding(one, lowering) != ""
    if op not in ELEMENTWISE or one.parameters:
        return False
    return _are_rows(one.shape, lowering) and all(
        _fits(x, one.shape, lowering) or (op == "clip" and x is None) for x in one.operands
    )


def rows_of(one: Instruction, lowering: Lowering) -> Shape:
    """Return the shape, without the batch, of the arrays that an instruction is about."""
    shape = lowering.types[one.refs[0]].shape if one.op in REDUCTIONS else one.shape
    found: Shape = shape[1:]
    return found


def numbers_of(name: str, rows: Shape, lowering: Lowering) -> str:
    """Return of what a value has one number, beside arrays of this shape without the batch."""
    shape: Shape = lowering.types[name].shape
    return cut(rows, lowering).numbers(shape, of_batch=lowering.has_rows(name))


def folding(one: Instruction, lowering: Lowering) -> str:
    """Return of what a reduction leaves one number; nothing if it is done in another way."""
    shape = lowering.types[one.refs[0]].shape
    outer, inner = cut(shape[1:], lowering)
    axes = tuple(reduced_axes(one, len(shape)))
    start, end = 1 + len(outer), len(shape)
    if math.prod(inner) == 1:
        return ""
    ways = {
        tuple(range(end)): ALL,
        tuple(range(start, end)): EACH,
        tuple(range(start)): PLACE,
        (0, *range(start, end)): CHANNEL,
    }
    return ways.get(axes, "")


def _last(truths: Iterable[bool]) -> int:
    """Return how many truths there are at the end."""
    found = [*truths]
    return found[::-1].index(False) if False in found else len(found)


def _are_rows(shape: Shape, lowering: Lowering) -> bool:
    """Whether there are so many columns in an array."""
    if len(shape) < 2 or shape[0] != lowering.length:
        return False
    long = cut(shape[1:], lowering).columns >= min(SHORT, 1 + lowering.most_columns)
    return long and math.prod(shape[1:]) > lowering.most_columns


def _fits(x: Operand, shape: Shape, lowering: Lowering) -> bool:
    if type(x) is not Ref:
        return is_number(x)
    found: Any = lowering.types[x.name]
    of_batch = lowering.has_rows(x.name)
    numbers = numbers_of(x.name, shape[1:], lowering)
    if found.dtype.kind not in "fb" or (of_batch and found.shape[0] != lowering.length):
        return False
    return numbers == ALL or (numbers != "" and (of_batch or x.name in lowering.plain))
