"""What is known of the values of a program before there is code: their rows, and where they lie."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tinygrad_bp.native.lowering.moves import MOVES, NotLowered, is_still, moved, sources
from tinygrad_bp.programs.instructions import Instruction, Listing, Type


class Known:
    """The rows and the memory of values.

    Parameters
    ----------
    program : Listing
    length : int or None
        Of the batch.

    Attributes
    ----------
    reads : dict of str to list of str
        The values that each instruction reads.
    plain : set of str
        Values, the same for all rows, whose elements lie in memory in a row.
    """

    def __init__(self, program: Listing, length: int | None) -> None:
        self.types: dict[str, Any] = program.types
        self.length = length
        self.reads = {one.name: one.refs for one in program.instructions}
        self.plain = {one.name for one in program.inputs if length not in one.type.shape}
        self._of_rows: dict[str, bool] = {}
        self._sources: dict[str, Any] = {}
        self._views: dict[str, Instruction] = {}

    def has_rows(self, name: str) -> bool:
        """Whether a value has the axis of the batch."""
        found = self.types[name]
        several = found if not isinstance(found, Type) else (found,)
        return self.length is not None and any(self.length in one.shape for one in several)

    def of_rows(self, one: Instruction) -> bool:
        """Whether an instruction has to do with the axis of the batch."""
        if one.name not in self._of_rows:
            names = [one.name, *self.reads[one.name]]
            self._of_rows[one.name] = any(map(self.has_rows, names))
        return self._of_rows[one.name]

    def reduces_rows(self, one: Instruction) -> bool:
        """Whether an instruction leaves one result of all rows of the batch."""
        return self.of_rows(one) and self.length not in one.shape

    def is_view(self, one: Instruction) -> bool:
        """Whether an instruction is a matter of names: a move of what is the same for all rows."""
        return one.op in MOVES and not self.of_rows(one)

    def sources(self, one: Instruction) -> Any:
        """Return where the elements of a move come from, as `moves.sources` says it."""
        if one.name not in self._sources:
            self._sources[one.name] = sources(one, self.types, self.length)
        return self._sources[one.name]

    def lies(self, name: str, within: Any = None) -> tuple[str, int, int]:
        """Return what a value lies in, the place of its first element, and the steps to others.

        `within` are the values whose views are views; all, by default.

        Raises
        ------
        NotLowered
            If the steps differ.
        """
        base, start, _, step = self.lies_in_two(
            name, 1, self.columns(self.types[name].shape), within
        )
        return base, start, step

    def lies_in_two(
        self, name: str, rows: int, columns: int, within: Any = None
    ) -> tuple[str, int, int, int]:
        """Return the same of a matrix: with the steps to the next row and to the next column."""
        base, places = self.places(name, self._views if within is None else within)
        table = places.reshape(rows, columns)
        along = int(table[1, 0] - table[0, 0]) if rows > 1 else 0
        across = int(table[0, 1] - table[0, 0]) if columns > 1 else 0
        wanted = table[0, 0] + along * np.arange(rows)[:, None] + across * np.arange(columns)
        if (table != wanted).any():
            raise NotLowered("what it reads lies here and there")
        return base, int(table[0, 0]), along, across

    def places(self, name: str, within: Any) -> tuple[str, Any]:
        """Return what a value is a view of, and where its elements are there; as `lies`."""
        one = self._views.get(name) if name in within else None
        shape = self.types[name].shape
        if one is None:
            return name, np.arange(math.prod(shape)).reshape(shape)
        sources = self.sources(one)
        if len(moved(one)) != 1 or not self.reads[one.name] or (sources == 0).any():
            raise NotLowered("what it reads lies here and there")
        base, places = self.places(self.reads[one.name][0], within)
        return base, places.reshape(-1)[sources - 1]

    def learn(self, one: Instruction, *, by_numpy: bool) -> None:
        """Note how the value of an instruction lies in memory."""
        if not isinstance(one.type, Type) or self.length in one.shape:
            return
        if self.is_view(one) and not by_numpy:
            self._views[one.name] = one
        still = is_still(one) and one.operands[0].name in self.plain
        if by_numpy or still or not self.is_view(one):
            self.plain.add(one.name)

    def columns(self, shape: Any) -> int:
        """Return how many elements there are for each row."""
        found: int = math.prod([n for n in shape if n != self.length])
        return found
