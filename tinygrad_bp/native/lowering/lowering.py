"""Which instructions there is machine code for, in which numbers, and why not for the others.

In comes a program; `Lowering.lane` gives for an instruction the type character of the reals that it
computes with, or raises `NotLowered` with the reason, which `Native.stages` prints.
"""

from __future__ import annotations

import math

import numpy as np

from tinygrad_bp.native.lowering.cells import COMPARISONS
from tinygrad_bp.native.lowering.expansion import (
    MAKERS,
    OF_NUMBERS,
    REDUCTIONS,
    reduced_axes,
    spelled,
)
from tinygrad_bp.native.lowering.knowledge import Known
from tinygrad_bp.native.lowering.moves import (
    ADDED,
    MOVES,
    NotLowered,
    as_set,
    is_still,
    moved,
    row_axis,
)
from tinygrad_bp.native.lowering.operations import OPERATIONS
from tinygrad_bp.programs.instructions import Instruction, Listing, Ref, Type, is_number

MOST = 20_000  # instructions of a program; of more, code would take minutes to be made
# Cells that one instruction, without the batch, may be made of; and if all of them are more.
UNROLLED, TOTAL, FEW = 1024, 6000, 16
# Cells of one instruction, and of all of them, for which the code may have lines of their own.
NARROW, SHORT = 160, 2000
LOOPED = 2  # columns of a call, on average, from which loops over them are shorter than lines
BLOCKED = 16384  # numbers of a matrix that rows are multiplied by; larger ones are NumPy's
# Columns that loops over them may have; and if nothing brings some together, as products do.
MANY, ALONE = 128, 24
# Numbers of such a matrix, and such columns, if another product of the program is NumPy's: arrays
# lie by rows there, and to bring columns together takes longer than what is done with them.
LITTLE, FEWER = 64, 32
SCATTERED = 256  # elements, of several values, that have a line each
LONG = 32  # numbers that are reduced in a loop; fewer are reduced in line
ALSO = frozenset({"astype", "clip", "positive"})  # elementwise, in a way of their own
TRUE_OR_FALSE = frozenset({"all", "any"})
COLUMNWISE = ALSO | OPERATIONS.keys() | REDUCTIONS.keys()  # bring no columns together


class Lowering(Known):
    """What there is code for, and what is known of the values of a program before.

    Parameters
    ----------
    program : Listing
    length : int or None
        Of the batch.
    refused : frozenset of str
        Values that are not to be lowered.
    wide, most_columns : optional
        What these are; by default the program decides.

    Attributes
    ----------
    wide : bool
        Whether there are so many columns that code loops over them.
    large : bool
        Whether a product of the program is NumPy's, as it is of many numbers.
    most_columns : int
        Of a value, in loops over columns.
    cuts : dict of tuple to int
        By the shape of arrays without the batch, the axes of a row, where loops are over rows.
    """

    def __init__(
        self,
        program: Listing,
        length: int | None,
        refused: frozenset[str],
        wide: bool | None = None,
        most_columns: int | None = None,
    ) -> None:
        super().__init__(program, length)
        self.refused = refused
        self.cuts: dict[tuple[int, ...], int] = {}
        self._flat: dict[str, tuple[int, ...] | None] = {}
        ops = [OF_NUMBERS.get(x.op, x.op) for x in program.instructions if self.of_rows(x)]
        apart = COLUMNWISE.issuperset(ops)
        many, self._unrolled = self._count(program, ALONE if apart else NARROW)
        self.wide = many if wide is None else wide
        self.large = self.wide and any(map(self._is_large, program.instructions))
        self._blocked = LITTLE if self.large else BLOCKED
        self.most_columns = FEWER if self.large else ALONE if apart else MANY
        self.most_columns = most_columns or self.most_columns
        self._long = len(program.instructions) > MOST

    def lane(self, one: Instruction, *, by_rows: bool = False) -> str:
        """Return the type character of the reals that an instruction computes with.

        Parameters
        ----------
        one : Instruction
        by_rows : bool
            Whether it is done row by row, of however many columns.

        Returns
        -------
        str
            Empty if it computes with truths, or with Python's numbers, alone.

        Raises
        ------
        NotLowered
            If there is no code for it.
        """
        if not self.refused.isdisjoint((one.name, *self.reads[one.name])):
            raise NotLowered("the length of the batch decides about it in a way of its own")
        if self._long:
            raise NotLowered("the program is very long")
        if not isinstance(one.type, Type):
            raise NotLowered("it gives several arrays")
        types = [one.type, *[self.types[name] for name in self.reads[one.name]]]
        if any(not isinstance(found, Type) for found in types):
            raise NotLowered("it takes several arrays")
        chars = {found.dtype.char for found in types if not found.weak} - {"?"}
        if np.dtype(np.int64).char in chars and self._takes_integers(one):
            chars -= {np.dtype(np.int64).char}
        if len(chars) > 1:
            raise NotLowered("it mixes dtypes")
        if chars - {"d", "f"} or any(found.dtype.kind == "c" for found in types):
            raise NotLowered("it computes in other numbers than reals")
        for found in types:
            row_axis(found.shape, self.length)
            if 0 in found.shape:
                raise NotLowered("it has no elements")
        self._require_code(one, by_rows=by_rows)
        return "".join(chars)

    def _takes_integers(self, one: Instruction) -> bool:
        """Whether integers are compared or converted, or moved, and not computed with."""
        op = spelled(one, self.types)
        if op in MOVES or op in MAKERS:
            return True
        kinds = {self.types[name].dtype for name in self.reads[one.name]}
        numbers = [x for x in one.operands if is_number(x)]
        if op in COMPARISONS:
            return kinds == {np.dtype(np.int64)} and all(type(x) is int for x in numbers)
        return op == "astype" and one.dtype.char == "d"

    def reduces(self, one: Instruction) -> bool:
        """Whether an instruction leaves one result of all rounds of a loop."""
        return self.reduces_rows(one) or (self.flat_shape(one) not in (None, one.shape))

    def _count(self, program: Listing, narrow: int) -> tuple[bool, int]:
        """Return whether code has to loop over columns, and of how many cells a call may be."""
        most, rows, others, calls = 0, 0, 0, 0
        for one in program.instructions:
            if not isinstance(one.type, Type) or one.op in MOVES:
                continue
            cells = self._cells(one)
            if self.of_rows(one):
                most, rows, calls = max(most, cells), rows + cells, calls + 1
            elif any(shape != one.shape and math.prod(shape) != 1 for shape in self._shapes(one)):
                others += cells
        many = most > narrow or rows > max(SHORT, LOOPED * calls)
        return many, UNROLLED if others <= TOTAL else FEW

    def _is_large(self, one: Instruction) -> bool:
        """Whether rows are multiplied by a matrix that is too large for code, or too broad."""
        if one.op != "matmul" or not self.of_rows(one):
            return False
        broad = self.length in one.shape and self.columns(one.shape) > MANY
        return broad or self._cells(one) > BLOCKED

    def _cells(self, one: Instruction) -> int:
        """Return of about how many cells an instruction is."""
        shapes = self._shapes(one)
        if one.op in REDUCTIONS and shapes:
            return self.columns(shapes[0])
        inner = shapes[0][-1:] if one.op == "matmul" else ()
        return self.columns(one.shape) * self.columns(inner)

    def lines(self, one: Instruction) -> int:
        """Return about how many operations on numbers an instruction is for each row."""
        return self._cells(one) * self.weight(one) if one.op not in MOVES else 0

    def weight(self, one: Instruction) -> int:
        """Return about how many operations on numbers an instruction is for each element."""
        op = OPERATIONS.get(spelled(one, self.types))
        return op.weight if op else 1

    def _shapes(self, one: Instruction) -> list[tuple[int, ...]]:
        """Return the shapes of the arrays that an instruction reads."""
        types = [self.types[name] for name in self.reads[one.name]]
        return [found.shape for found in types if isinstance(found, Type)]

    def _require_code(self, one: Instruction, *, by_rows: bool) -> None:
        op = spelled(one, self.types)
        if op in MOVES:
            self._require_move(one)
        elif op == ADDED:
            self._require_added(one)
        elif op in MAKERS:
            self._require_maker(one)
        elif op in REDUCTIONS:
            self._require_reduction(one, by_rows=by_rows)
        elif op == "matmul":
            self._require_product(one)
        elif op in OPERATIONS or op in ALSO:
            self._require_elementwise(op, one)
        else:
            raise NotLowered("it is called whole")

    def _require_move(self, one: Instruction) -> None:
        if any(self.types[name].dtype != one.dtype for name in self.reads[one.name]):
            raise NotLowered("it changes the dtype")
        if is_still(one) and not self.of_rows(one):
            return
        if self.reduces_rows(one):
            raise NotLowered("it takes single rows of the batch")
        if self.columns(one.shape) > (UNROLLED if self.of_rows(one) else BLOCKED):
            raise NotLowered("it is a move of many elements")
        found = self.sources(one)
        # what comes from one place is copied in a loop
        from_several = len(moved(one)) != 1 or (found == 0).any()
        if from_several and not self.of_rows(one) and found.size > SCATTERED:
            raise NotLowered("it brings many elements together")

    def _require_added(self, one: Instruction) -> None:
        if one.dtype.kind != "f" or self.columns(one.shape) > self._unrolled:
            raise NotLowered("it is called whole")
        self.sources(as_set(one))

    def _require_maker(self, one: Instruction) -> None:
        if self.columns(one.shape) > self._unrolled:
            raise NotLowered("it is a large constant")
        rows = row_axis(one.shape, self.length)
        if one.op == "constant" and rows is not None:
            array = np.asarray(one.operands[0])
            if (array != np.take(array, [0], rows)).any():
                raise NotLowered("it is a constant that differs from row to row")

    def _require_reduction(self, one: Instruction, *, by_rows: bool) -> None:
        (array, *rest) = one.operands
        if rest or {key for key, _ in one.parameters} - {"axis", "keepdims"}:
            raise NotLowered("it is given more than axes")
        if type(array) is not Ref:
            raise NotLowered("it reduces what is no value")
        shape, truths = self.types[array.name].shape, self.types[array.name].dtype.kind == "b"
        rows = row_axis(shape, self.length)
        over_rows = rows is not None and rows in reduced_axes(one, len(shape))
        if truths != (one.op in TRUE_OR_FALSE) or (truths and over_rows):
            raise NotLowered("it counts truths")
        many = math.prod([n for n in shape if n != self.length]) > self._unrolled
        if many and not self.reduces(one) and not by_rows:
            raise NotLowered("it reduces many columns")

    def _require_product(self, one: Instruction) -> None:
        if one.parameters or any(type(x) is not Ref for x in one.operands):
            raise NotLowered("it is given more than two values")
        if one.dtype.kind == "b":
            raise NotLowered("it computes with truths as if they were numbers")
        inner = self.types[one.operands[0].name].shape[-1]
        inner = 1 if inner == self.length else inner
        looped = self.wide and self.of_rows(one)
        most = self._blocked if looped else self._unrolled
        summed = self.reduces(one) and not (looped and most == LITTLE)
        if self.columns(one.shape) * inner > most and not summed:
            raise NotLowered("it is a large product")

    def _require_elementwise(self, op: str, one: Instruction) -> None:
        if one.parameters and op != "astype":
            raise NotLowered("it is given more than its operands")
        operands = one.operands[:1] if op in ("astype", "clip") else one.operands
        if not all(type(x) is Ref or is_number(x) for x in operands):
            raise NotLowered("it is given a list")
        truth = one.dtype.kind == "b"
        gives = OPERATIONS[op].gives if op in OPERATIONS else "real"
        if op not in ("where", "astype") and truth != (gives == "truth"):
            raise NotLowered("it computes with truths as if they were numbers")
        looped = (self.wide and self.of_rows(one)) or self.flat_shape(one) is not None
        if self.columns(one.shape) > self._unrolled and not looped:
            raise NotLowered("it has many columns")

    def flat_shape(self, one: Instruction) -> tuple[int, ...] | None:
        """Return the shape of the arrays that an instruction takes element by element.

        None if there are none, or they do not lie in a row, or are not worth a loop.
        """
        if one.name not in self._flat:
            self._flat[one.name] = self._flat_shape(one)
        return self._flat[one.name]

    def _flat_shape(self, one: Instruction) -> tuple[int, ...] | None:
        if self.of_rows(one) or one.op in (*MOVES, ADDED, "constant"):
            return None
        shape: tuple[int, ...] = self.types[one.name].shape
        if one.op == "matmul" or one.op in REDUCTIONS:
            shape = self.types[self.reads[one.name][0]].shape
            whole_array = one.op == "matmul" or len(reduced_axes(one, len(shape))) == len(shape)
            if math.prod(one.shape) > 1 or math.prod(shape) < LONG or not whole_array:
                return None
            if one.op in TRUE_OR_FALSE:
                return None
        elif math.prod(shape) < 2:
            return None
        for name in self.reads[one.name]:
            own = self.types[name].shape
            if math.prod(own) != 1 and (own != shape or name not in self.plain):
                return None
        return shape
