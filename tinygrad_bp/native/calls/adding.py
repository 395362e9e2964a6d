"""``numpy.add.at`` of whole rows, by code of its own: the same sums in the same order."""

from __future__ import annotations

import ctypes
import math
from functools import cache
from typing import Any

import numpy as np

from tinygrad_bp.native.calls.code import Array, address
from tinygrad_bp.native.llvm import machine
from tinygrad_bp.native.llvm.cache import compiled
from tinygrad_bp.native.loops.adding import NAME, text
from tinygrad_bp.programs.calling import named

REAL = {"d": "double", "f": "float"}
ADD_AT = "add.at"


def add_at(table: Array, index: Any, rows: Array) -> None:
    """Add rows to a table in the order of C, as ``np.add.at(table, index, rows)`` does."""
    places = index[0] if type(index) is tuple and len(index) == 1 else index
    if not _fits(table, places, rows):
        named(ADD_AT)(table, index, rows)
        return
    if not places.size:
        return
    low, high, count = places.min(), places.max(), len(table)
    if low < -count or high >= count:
        np.add.at(table, index, rows)  # says so
    if low < 0:
        places = np.where(places < 0, places + count, places)
    places, rows = (np.ascontiguousarray(one) for one in (places, rows))
    width = math.prod(table.shape[1:])
    _function(table.dtype.char)(*map(address, (table, places, rows)), places.size, width)


def _fits(table: Array, places: Any, rows: Array) -> bool:
    """Whether there is code for it: whole rows of one type, that are named one by one."""
    return (
        type(places) is type(rows) is np.ndarray
        and places.dtype == np.int64
        and table.dtype == rows.dtype
        and table.dtype.char in REAL
        and table.ndim > 1
        and rows.shape == places.shape + table.shape[1:]
    )


@cache
def _function(char: str) -> Any:
    code = compiled(text(REAL[char], machine.host().instructions), [NAME])
    types = *[ctypes.c_void_p] * 3, *[ctypes.c_int64] * 2
    return code.function(NAME, None, *types)
