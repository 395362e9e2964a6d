"""The values of a work as cells: of itself, of others in memory, and views of both.

In comes the name of a value; out comes its array of cells: those that the work computes, or leaves
that load an element of memory.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tinygrad_bp.native.loops.by_rows import CHANNEL, EACH, numbers_of
from tinygrad_bp.native.loops.schedule import BATCH, FLAT, NUMBERS, ROWS, Work
from tinygrad_bp.native.lowering.cells import Cell, Cells
from tinygrad_bp.native.lowering.expansion import Expansion, Single, single
from tinygrad_bp.native.lowering.moves import shortened
from tinygrad_bp.programs.instructions import Instruction


class Values:
    """Arrays of cells of the values that a work computes and reads.

    Parameters
    ----------
    writer : Writer
        Of the kernel: ``lowering``, ``makers``, ``bases``, ``kind``.
    work : Work
    cells : Cells
        Where they are made.
    """

    def __init__(self, writer: Any, work: Work, cells: Cells) -> None:
        self.writer, self.work, self.cells = writer, work, cells
        self.own = {one.name for one in work.instructions}
        self.known: dict[str, Any] = {}
        lowering = writer.lowering
        self.flat = flat = work.kind in (FLAT, ROWS)
        types = Single(lowering.types) if flat else lowering.types
        length = lowering.length if work.kind == BATCH else None
        if flat:  # a single number may be one of an array that another loop has
            self.numbers = Values(writer, Work(NUMBERS, (), work.level), cells)
        self.expansion = Expansion(cells, self, types, length, lowering.sources, flat=flat)

    def expanded(self, one: Instruction) -> Any:
        """Return the array of an instruction of the work."""
        if self.flat:
            one = single(one)
        self.known[one.name] = self.expansion.expanded(one)
        return self.known[one.name]

    def __call__(self, name: str) -> Any:
        """Return the array of a value."""
        if name not in self.known:
            self.known[name] = self._flat(name) if self.flat else self._read(name)
        return self.known[name]

    def _read(self, name: str) -> Any:
        lowering, one = self.writer.lowering, self.writer.makers.get(name)
        if one is not None and lowering.is_view(one):
            return self.expansion.expanded(one)
        shape = lowering.types[name].shape
        varies = lowering.length is not None and lowering.length in shape
        short = shortened(shape, lowering.length)
        array = np.empty(math.prod(short), object)
        for k in range(array.size):
            array[k] = self._leaf("row" if varies else "spot", name, k)
        return array.reshape(short)

    def _flat(self, name: str) -> Any:
        """Return the one cell of a flat array, or of a single number."""
        single = math.prod(self.writer.lowering.types[name].shape) == 1
        array = np.empty((), object)
        if single:
            array[()] = self.numbers(name).reshape(-1)[0]
            return array
        (base,) = self.writer.bases([name])
        if base in self.own:
            return self.known[base]
        if self.work.kind == ROWS:  # by its own name, whose shape says what its numbers are of
            numbers = numbers_of(name, self.work.shape, self.writer.lowering)
            array[()] = self._leaf("spot" if numbers in (EACH, CHANNEL) else "row", name, 0)
        else:
            array[()] = self._leaf("row", base, 0)
        return array

    def _leaf(self, op: str, name: str, place: int) -> Cell:
        return self.cells.leaf(op, name, place, self.writer.kind(name), varies=op == "row")
