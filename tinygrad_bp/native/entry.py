"""Entries: functions that CPython calls without a line of Python in between.

An entry looks whether all is as it was when it was made: the arguments have the same types and
shapes, and what the kernel was made for has not changed.  If so it runs the kernel, exchanges two
sets of arrays in the Tensors of the state, and lets `finish` make the result; else it calls `slow`
with the same arguments.  All of this happens while it has the interpreter's lock.

It reads the memory of CPython's and NumPy's objects, and so is there only for those versions in
which that was tested.
"""

from __future__ import annotations

import ctypes
import struct
import sys
import sysconfig
from collections.abc import Callable, Sequence
from contextvars import ContextVar
from functools import cache
from typing import Any, NamedTuple

import numpy as np

from tinygrad_bp.engine.tensor import Tensor
from tinygrad_bp.native.cache import compiled
from tinygrad_bp.native.entry_code import GUARD, HEAD, KINDS, NAME, text
from tinygrad_bp.native.machine import Code

VERSIONS = ((3, 11), (3, 12), (3, 13))  # of CPython, that this was tested on
_FASTCALL = 0x80  # METH_FASTCALL
_OBVAL = 16  # where a number of NumPy's or Python's has its value
_CELL = 16  # where a cell has its content
_LIST_SIZE, _LIST_ITEMS = 16, 24  # where a list has its length, and the address of its elements


class Guard(NamedTuple):
    """Something that must hold: its kind, the words that it needs, and what they point to."""

    kind: str
    words: tuple[int, ...]
    held: tuple[Any, ...] = ()


class State(NamedTuple):
    """A slot of an object, and what it holds by turns: arrays, or numbers of NumPy's."""

    owner: Any
    slot: str
    first: Any  # what it holds now
    second: Any  # the same kind of thing, of which there is no other reference


class _MethodDef(ctypes.Structure):
    _fields_ = (
        ("name", ctypes.c_char_p),
        ("method", ctypes.c_void_p),
        ("flags", ctypes.c_int),
        ("doc", ctypes.c_char_p),
    )


# Guards


def array(position: int, value: Any, place: int) -> Guard:
    """Demand an array, or a Tensor of one, that is like this: its address goes into the table.

    Like this are C-contiguous arrays of the dtype and the shape; a Tensor must track nothing.
    """
    kind, raw = ("tensor", value._value) if isinstance(value, Tensor) else ("array", value)
    sides = np.array(raw.shape or (0,), np.int64)
    words = (position, id(raw.dtype), raw.ndim, sides.ctypes.data, place)
    return Guard(kind, words, (raw.dtype, sides))


def probabilities(array: np.ndarray[Any, Any], place: int) -> Guard:
    """Demand that what `array` has put into a place of the table, like this, is from 0 to 1."""
    kind = {"d": "doubles", "f": "floats"}[array.dtype.char]
    return Guard(kind, (place, array.size))


def same(position: int, argument: Any) -> Guard:
    """Demand this very object as an argument."""
    return Guard("same", (position, id(argument)), (argument,))


def slot(owner: Any, name: str, value: Any) -> Guard:
    """Demand this very object in a slot of an object whose class has `name` in its __slots__."""
    return Guard("word", (id(owner), offset(type(owner), name), id(value)), (owner, value))


def cell(variable: Any, value: Any) -> Guard:
    """Demand this very object in a cell of a closure."""
    return Guard("word", (id(variable), _CELL, id(value)), (variable, value))


def item(container: dict[str, Any], key: str, value: Any) -> Guard:
    """Demand this very object under a key of a dict."""
    return Guard("item", (id(container), id(key), id(value)), (container, key, value))


def size(container: dict[Any, Any]) -> Guard:
    """Demand as many items in a dict as it has now."""
    return Guard("size", (id(container), len(container)), (container,))


def items(container: list[Any]) -> list[Guard]:
    """Demand a list that has the very objects that it has now."""
    at = id(container)
    elements = ctypes.c_int64.from_address(at + _LIST_ITEMS).value
    found = [
        Guard("word", (at, _LIST_SIZE, len(container)), (container,)),
        Guard("word", (at, _LIST_ITEMS, elements)),  # before what is at that address is read
    ]
    for k, value in enumerate(container):
        found.append(Guard("word", (elements, 8 * k, id(value)), (value,)))
    return found


def number(container: dict[str, Any], key: str, goal: np.ndarray[Any, Any]) -> Guard:
    """Demand a float other than 0 under a key of a dict; it goes into an array of one real."""
    words = (id(container), id(key), goal.ctypes.data, int(goal.dtype == np.float32))
    return Guard("number", words, (container, key, goal))


def real(position: int, goal: np.ndarray[Any, Any]) -> Guard:
    """Demand a float as an argument, whose value goes into an array of one real."""
    words = (position, 0, goal.ctypes.data, int(goal.dtype == np.float32))
    return Guard("number", words, (goal,))


def context(variable: ContextVar[Any], value: Any) -> Guard:
    """Demand this very object as the value of a context variable."""
    return Guard("context", (id(variable), id(value)), (variable, value))


def data_of(value: Any) -> int:
    """Return where an array, or a number of NumPy's, has its elements."""
    if isinstance(value, np.ndarray):
        return int(value.ctypes.data)
    return id(value) + _OBVAL


# What is known of the interpreter


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
    sides = (ctypes.c_int64 * 2).from_address(words[4])
    axes = ctypes.c_int32.from_address(id(probe) + 24).value
    flags = ctypes.c_int32.from_address(id(probe) + 64).value
    holder, listed = (probe, None), [None, probe]
    elements = ctypes.c_int64.from_address(id(listed) + _LIST_ITEMS).value
    return (
        words[0] == sys.getrefcount(probe) - 1
        and words[1] == id(np.ndarray)
        and words[2] == probe.ctypes.data
        and (axes, *sides) == (2, 3, 5)
        and words[7] == id(probe.dtype)
        and flags == probe.flags.num
        and ctypes.c_int64.from_address(id(holder) + 24).value == id(probe)
        and ctypes.c_int64.from_address(id(listed) + _LIST_SIZE).value == len(listed)
        and ctypes.c_int64.from_address(elements + 8).value == id(probe)
        and all(
            bytes((ctypes.c_char * len(expected)).from_address(id(value) + _OBVAL)) == expected
            for value, expected in (
                (1.25, struct.pack("d", 1.25)),
                (np.float64(2.5), struct.pack("d", 2.5)),
                (np.float32(3.5), struct.pack("f", 3.5)),
            )
        )
    )


def offset(cls: type, name: str) -> int:
    """Return where a slot lies in an object of a class."""
    descriptor = next(vars(base)[name] for base in cls.__mro__ if name in vars(base))
    member = ctypes.c_int64.from_address(id(descriptor) + 40).value
    if ctypes.c_char_p.from_address(member).value != name.encode():
        raise RuntimeError(f"no slot {name} of {cls.__name__} where one was expected")
    return ctypes.c_int64.from_address(member + 16).value


# Entries


def entry(
    kernel: Any,
    rows: int,
    tables: Sequence[Any],
    arguments: int,
    guards: Sequence[Guard],
    state: Sequence[State],
    slow: Callable[..., Any],
    finish: Callable[[], Any],
    keep: Sequence[Any] = (),
) -> Any:
    """Return a function of so many arguments, none of them by name.

    Parameters
    ----------
    kernel : ctypes function
        Of a table, the rows and the steps, as `machine.Code.function` gives it.
    rows : int
    tables : two ctypes arrays of pointers
        What the kernel reads and writes where the state is the first of each, and where it is the
        second.
    arguments : int
    guards : sequence of Guard
    state : sequence of State
        Both objects are the entry's from now on: nobody else may hold the second ones.
    slow : callable
        Called with the arguments where a guard does not hold.
    finish : callable
        Called without arguments after the kernel; what it returns is returned.
    keep : sequence
        What the tables point to, beside the state and the arguments.

    Raises
    ------
    RuntimeError
        If there can be no entries here; see `unsupported`.
    """
    why = unsupported()
    if why is not None:
        raise RuntimeError(f"no native entry: {why}; call by ctypes")
    places = [(id(one.owner) + offset(type(one.owner), one.slot), one) for one in state]
    states = np.array(
        [(at, id(one.first), id(one.second)) for at, one in places] or [(0, 0, 0)], np.int64
    )
    words = [*guards, *_state_guards(state)]
    code = _code()
    head = {
        "arguments": arguments,
        "guards": len(words),
        "states": len(state),
        "first_state": states.ctypes.data,
        "table0": ctypes.addressof(tables[0]),
        "table1": ctypes.addressof(tables[1]),
        "kernel": _address(kernel),
        "rows": rows,
        "slow": id(slow),
        "finish": id(finish),
        "tensor": id(Tensor),
        "array": id(np.ndarray),
        "float": id(float),
        "none": id(None),
        "value": offset(Tensor, "_value"),
        "node": offset(Tensor, "_node"),
        **_functions(),
    }
    record = np.zeros(len(HEAD) + GUARD * len(words), np.int64)
    for name, value in head.items():
        record[HEAD.index(name)] = value
    for guard, row in zip(words, record[len(HEAD) :].reshape(-1, GUARD), strict=True):
        row[: 1 + len(guard.words)] = KINDS.index(guard.kind), *guard.words
    definition = _MethodDef(b"step", code.address(NAME), _FASTCALL, None)
    # One object holds all of it: the function holds that, and so does the collector see it.
    held = (record, states, definition, code, kernel, tuple(tables), slow, finish)
    return _new(definition, (*held, tuple(state), tuple(guards), tuple(keep)))


def calls_of(call: Any) -> int:
    """Return how many calls of an entry its guards have let through."""
    return int(call.__self__[0][HEAD.index("calls")])


def _state_guards(state: Sequence[State]) -> list[Guard]:
    found = []
    for one in state:
        place = offset(type(one.owner), one.slot)
        objects = id(one.first), id(one.second)
        found.append(Guard("state", (id(one.owner), place, *objects)))
        found.append(Guard("free", (*objects, 1)))  # the reference of `State`
    return found


@cache
def _code() -> Code:
    return compiled(text(), [NAME])


@cache
def _functions() -> dict[str, int]:
    """Return the addresses of the interpreter's functions that the routine calls."""
    names = {
        "vectorcall": "PyObject_Vectorcall",
        "dict_get": "PyDict_GetItemWithError",
        "dict_size": "PyDict_Size",
        "context_get": "PyContextVar_Get",
        "decref": "Py_DecRef",
    }
    return {key: _address(getattr(ctypes.pythonapi, name)) for key, name in names.items()}


def _address(function: Any) -> int:
    return ctypes.cast(function, ctypes.c_void_p).value or 0


def _new(definition: _MethodDef, held: tuple[Any, ...]) -> Any:
    make = ctypes.pythonapi.PyCFunction_NewEx
    make.restype, make.argtypes = (
        ctypes.py_object,
        (ctypes.c_void_p, ctypes.py_object, ctypes.c_void_p),
    )
    return make(ctypes.addressof(definition), held, None)
