"""Where objects of CPython's and NumPy's have what they hold, in the versions that were tested."""

from __future__ import annotations

import ctypes
import struct
import sys
import sysconfig
from functools import cache
from typing import Any

import numpy as np

from tinygrad_bp.engine.tensor import Tensor

VERSIONS = ((3, 11), (3, 12), (3, 13))  # of CPython, that this was tested on
WORD = 8  # bytes
NUMBER = 16  # where a number of NumPy's or Python's has its value
NUMBERS = (np.float64, np.float32, np.int64, np.bool_)  # of NumPy's, that were looked at
CELL = 16  # where a cell has its content
LIST_SIZE, LIST_ITEMS = 16, 24  # where a list has its length, and the address of its elements
SIDES = 32  # where an array has the address of its lengths, and of its strides behind them


def word_at(address: int) -> int:
    """Return the word at an address."""
    return ctypes.c_int64.from_address(address).value


def data_of(value: Any) -> int:
    """Return where an array, a number, or a Tensor of one has its elements."""
    raw = value._value if isinstance(value, Tensor) else value
    if isinstance(raw, np.ndarray):
        return int(raw.ctypes.data)
    return id(raw) + NUMBER


@cache
def unsupported() -> str | None:
    """Return why there can be no entries in this interpreter; None if there can."""
    if sys.implementation.name != "cpython" or sys.version_info[:2] not in VERSIONS:
        return (
            f"not tested on {sys.implementation.name} {sys.version_info[0]}.{sys.version_info[1]}"
        )
    if sysconfig.get_config_var("Py_GIL_DISABLED") or ctypes.sizeof(ctypes.c_void_p) != 8:
        return "objects lie otherwise in this build of CPython"
    return None if _as_expected() else "objects do not lie where they were expected"


def _as_expected() -> bool:
    probe = np.zeros((3, 5), np.float32)
    words = (ctypes.c_int64 * 9).from_address(id(probe))
    sides = (ctypes.c_int64 * 4).from_address(words[SIDES // WORD])
    axes = ctypes.c_int32.from_address(id(probe) + 24).value
    flags = ctypes.c_int32.from_address(id(probe) + 64).value
    holder, listed = (probe, None), [None, probe]
    elements = word_at(id(listed) + LIST_ITEMS)
    return (
        words[0] == sys.getrefcount(probe) - 1
        and words[1] == id(np.ndarray)
        and words[2] == probe.ctypes.data
        and (axes, *sides) == (2, 3, 5, 20, 4)
        and words[7] == id(probe.dtype)
        and flags == probe.flags.num
        and word_at(id(holder) + 24) == id(probe)
        and word_at(id(listed) + LIST_SIZE) == len(listed)
        and word_at(elements + WORD) == id(probe)
        and len(parts_of_functions()) == 3
        and all(
            bytes((ctypes.c_char * len(expected)).from_address(id(value) + NUMBER)) == expected
            for value, expected in (
                (1.25, struct.pack("d", 1.25)),
                (np.float64(2.5), struct.pack("d", 2.5)),
                (np.float32(3.5), struct.pack("f", 3.5)),
                (np.int64(-4), struct.pack("q", -4)),
                (np.True_, b"\1"),
            )
        )
    )


@cache
def parts_of_functions() -> dict[str, int]:
    """Return where functions have what belongs to each of them; of what is not found, nothing."""

    def probe(first: int = 1, *, second: int = 2) -> int:
        return first + second

    words = [word_at(id(probe) + at) for at in range(0, type(probe).__basicsize__, WORD)]
    parts = {
        name: id(getattr(probe, name)) for name in ("__code__", "__defaults__", "__kwdefaults__")
    }
    return {name: WORD * words.index(one) for name, one in parts.items() if one in words}


def offset(cls: type, name: str) -> int:
    """Return where a slot lies in an object of a class."""
    descriptor = next(vars(base)[name] for base in cls.__mro__ if name in vars(base))
    member = word_at(id(descriptor) + 40)
    if ctypes.c_char_p.from_address(member).value != name.encode():
        raise RuntimeError(f"no slot {name} of {cls.__name__} where one was expected")
    return word_at(member + 16)
