"""Adding into an array where an index names elements, again where it names one again."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from tinygrad_bp.engine.arrays import Array
from tinygrad_bp.engine.shapes import Shape
from tinygrad_bp.engine.tensor import is_foreign

BASIC = (int, slice, type(None), type(Ellipsis), np.integer)
# With more of them in the array, an index or the values numpy.add.at ends the interpreter (NumPy
# 2.0 to 2.4).
ADD_AT_DIMENSIONS = 32
# Values from which numpy.add.at is quicker along one axis, where it has a loop of its own: of 1024
# rows of 64 numbers it takes a quarter of the time, the search for the places included.
ALONG_ONE_AXIS = 256
# Two neighbours are added as one complex number: the same sums of half as many elements.
PAIRS = {"f": "F", "d": "D"}
# Numbers of a row, and rows, from which those that differ are sooner added at once.
LONG_ROW = 64
FEW_ROWS = 128


def is_unique(index: tuple[Any, ...]) -> bool:
    """Whether `index` names no element twice: no integer array in it."""
    return all(isinstance(part, BASIC) or part.dtype.kind == "b" for part in index)


def add_at(out: Array, index: tuple[Any, ...], values: Array) -> None:
    """Add `values` into `out` at `index`, again where it names an element again."""
    most = out.ndim + max(np.ndim(part) for part in index if not isinstance(part, BASIC))
    short = out.ndim == 1 or np.size(values) < ALONG_ONE_AXIS
    if is_foreign(out) or (short and most <= ADD_AT_DIMENSIONS):
        np.add.at(out, index, values)
        return
    rows, lead = _places(out.shape, index)
    width = prod(out.shape[lead:])
    wide = rows.shape + out.shape[lead:]
    if np.shape(values) != wide:
        values = np.broadcast_to(values, wide)
    values = np.ascontiguousarray(values).reshape(rows.size, width)
    rows, flat = rows.reshape(-1), out.reshape(-1)  # a view: `out` was made here, in C order
    if width >= LONG_ROW:
        rows, values = _added_at_once(flat.reshape(-1, width), rows, values)
    pair = PAIRS.get(out.dtype.char)
    if pair is not None and width % 2 == 0 and values.dtype == out.dtype:
        flat = flat.view(pair)
        values = values.view(pair)
        width //= 2
    places = rows[:, np.newaxis] * width + np.arange(width)
    np.add.at(flat, places.ravel(), values.ravel())


def _added_at_once(table: Any, rows: Any, values: Any) -> tuple[Any, Any]:
    """Add values to rows of a matrix: of each row the first value, then the second.

    Return the rows and values that are left: so few, or so often the same, that another turn is not
    worth it.
    """
    kind = np.dtype((np.void, table.shape[1] * table.itemsize))  # a row is put as one element
    first = np.empty(len(table), np.intp)
    while len(rows) >= FEW_ROWS:
        every = np.arange(len(rows))
        first[rows[::-1]] = every[::-1]  # what is written last stays
        chosen = first.take(rows) == every
        if 2 * np.count_nonzero(chosen) < len(rows):
            break
        (turn,), (rest,) = chosen.nonzero(), (~chosen).nonzero()
        places = rows.take(turn)
        sums = table.take(places, 0)
        sums += values.take(turn, 0)
        table.view(kind).put(places, sums.view(kind))
        rows, values = rows.take(rest), values.take(rest, 0)
    return rows, values


def _places(shape: Shape, index: tuple[Any, ...]) -> tuple[Any, int]:
    """Return the positions that `index` names, along the axes before the first it takes whole.

    And that axis.
    """
    single = all(getattr(part, "dtype", None) is not None and part.dtype != bool for part in index)
    lead = len(index) if single else len(shape)
    return positions(shape[:lead], index), lead


def positions(shape: Shape, index: Any) -> Any:
    """Return where in the flat array of `shape` the elements stand that `index` names."""
    return np.arange(prod(shape)).reshape(shape)[index]
