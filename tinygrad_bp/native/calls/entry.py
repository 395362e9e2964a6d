"""Entries: functions that CPython calls without a line of Python in between.

An entry looks whether all is as it was when it was made: the arguments have the same types and
shapes, and what the kernel was made for has not changed.  If so it runs the kernel, exchanges two
sets of objects in the state, and returns what the kernel has written into; else it calls `slow`
with the same arguments.  All of this happens while it has the interpreter's lock.

What it returns it has made before, by turns too: once nobody holds it any more it is used again,
and until then `renew` makes another.

It reads the memory of CPython's and NumPy's objects, and so is there only for those versions in
which that was tested.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from itertools import chain
from typing import Any, NamedTuple

import numpy as np

from tinygrad_bp.engine.tensor import Tensor
from tinygrad_bp.native.calls import unshared
from tinygrad_bp.native.calls.entry_code import GUARD, HEAD, KINDS, NAME, text
from tinygrad_bp.native.calls.guards import Guard
from tinygrad_bp.native.calls.objects import data_of, offset, unsupported
from tinygrad_bp.native.llvm.cache import compiled
from tinygrad_bp.native.llvm.machine import Code

_FASTCALL = 0x80  # METH_FASTCALL


class State(NamedTuple):
    """A slot of an object, or a key of a dict, and what it holds by turns.

    That are arrays, numbers of NumPy's, or Tensors.
    """

    owner: Any
    slot: str
    first: Any  # what it holds now
    second: Any  # the same kind of thing, of which there is no other reference

    def words(self, turn: int) -> Iterator[unshared.Word]:
        """Yield the words that must be there in a turn."""
        now, other = (self.second, self.first) if turn else (self.first, self.second)
        if not isinstance(self.owner, dict):
            yield id(self.owner) + offset(type(self.owner), self.slot), id(now)
        if isinstance(now, Tensor):
            yield from unshared.standing(now)
            yield from unshared.alone(other, {id(other)})
        elif isinstance(self.owner, dict) and isinstance(now, np.ndarray):
            # the user gets it as it is, and may change its shape
            yield from unshared.unchanged(now)
            yield from unshared.alone(other, {id(other)})
        else:
            yield id(other), 1


class Returned(NamedTuple):
    """What an entry returns.

    Attributes
    ----------
    make : callable
        Returns such a thing anew, and the objects in it that the kernel writes into, to which there
        must be no other reference.
    places : sequence of int
        Of those in the table.
    """

    make: Callable[[], tuple[Any, Sequence[Any]]]
    places: Sequence[int]


class _Blocks:
    """The memory of the two turns: what is returned, the words that it must have, the table.

    A block is written in one piece, as long as no other thread runs.
    """

    def __init__(self, tables: Sequence[Any], returned: Returned) -> None:
        self._returned = returned
        self._tables = [np.frombuffer(table, np.int64) for table in tables]
        self.turn = np.zeros(1, np.int64)
        made = [self._made(turn) for turn in (0, 1)]
        self._roots = [root for root, _ in made]
        self.blocks = [block for _, block in made]
        self.count = (len(self.blocks[0]) - 1 - len(self._tables[0])) // 2

    def _made(self, turn: int) -> tuple[Any, np.ndarray[Any, Any]]:
        root, objects = self._returned.make()
        words = list(chain.from_iterable(unshared.alone(root, {*map(id, objects)})))
        table = self._tables[turn].copy()
        for place, one in zip(self._returned.places, objects, strict=True):
            table[place] = data_of(one)
        return root, np.array([id(root), *words, *table], np.int64)

    def renew(self) -> None:
        """Put something new in place of what would be returned next."""
        turn = int(self.turn[0])
        root, block = self._made(turn)
        before = self._roots[turn]  # held until nothing points to it
        self._roots[turn] = root
        self.blocks[turn][:] = block
        del before


class _MethodDef(ctypes.Structure):
    _fields_ = (
        ("name", ctypes.c_char_p),
        ("method", ctypes.c_void_p),
        ("flags", ctypes.c_int),
        ("doc", ctypes.c_char_p),
    )


def entry(
    kernel: Any,
    rows: int,
    tables: Sequence[Any],
    arguments: int,
    guards: Sequence[Guard],
    state: Sequence[State],
    slow: Callable[..., Any],
    *,
    returned: Returned | None = None,
    finish: Callable[[], Any] | None = None,
    prepare: Callable[[], Any] | None = None,
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
        second; copied.
    arguments : int
    guards : sequence of Guard
    state : sequence of State
        Both objects are the entry's from now on: nobody else may hold the second ones.
    slow : callable
        Called with the arguments where a guard does not hold.
    returned : Returned, optional
        What is returned; None without it.
    finish : callable, optional
        Called without arguments after the kernel; what it returns is returned instead.
    prepare : callable, optional
        Called without arguments before the kernel, once for each run of it.
    keep : sequence
        What the tables point to, beside the state and the arguments.

    Raises
    ------
    RuntimeError
        If there can be no entries here; see `unsupported`.
    Shared
        If it cannot be told whether somebody holds what is returned.
    """
    why = unsupported()
    if why is not None:
        raise RuntimeError(f"no native entry: {why}; call by ctypes")
    blocks = _Blocks(tables, returned or Returned(lambda: (None, ()), ()))
    musts = [_musts(guards, state, turn) for turn in (0, 1)]
    looks = [one for one in guards if one.kind != "word"]
    looks += [_of_dict(one) for one in state if isinstance(one.owner, dict)]
    states = np.array([_exchanged(one) for one in state], np.int64)
    calls = {"slow": slow, "finish": finish, "renew": blocks.renew, "prepare": prepare}
    head = {
        "arguments": arguments,
        "states": len(state),
        "first_state": states.ctypes.data,
        "kernel": _address(kernel),
        "rows": rows,
        **{name: 0 if one is None else id(one) for name, one in calls.items()},
        **_of_turns(musts, blocks),
    }
    record = _record(head, looks)
    blocks.turn = record[:1]
    code = _code()
    definition = _MethodDef(b"step", code.address(NAME), _FASTCALL, None)
    # One object holds all of it: the function holds that, and so does the collector see it.
    held = (record, states, *musts, *blocks.blocks, definition, code, kernel, *calls.values())
    return _new(definition, (*held, tuple(state), tuple(guards), tuple(keep)))


def calls_of(call: Any) -> int:
    """Return how many calls of an entry its guards have let through."""
    return int(call.__self__[0][HEAD.index("calls")])


def several(call: Any, steps: int, args: Sequence[Any]) -> Any:
    """Let an entry run an odd number of steps, each of which goes on from the one before.

    Parameters
    ----------
    call
        An entry, of a kernel that hands on all that it changes.
    steps : int
        Odd: after an even number the state would be where the first step has read it.
    args : sequence
        Of the call.

    Returns
    -------
    object
        What the last step returns; NotImplemented if a guard does not hold, and nothing was done.
    """
    return call(*args, steps, call.__self__[0])


def turn_of(call: Any) -> Callable[[], int]:
    """Return what says which turn is the present one."""
    record = call.__self__[0]
    return lambda: int(record[0])


def unprepared_by(call: Any) -> Callable[[], bool]:
    """Return what says whether an entry has prepared a run that did not come, and forgets it."""
    word = call.__self__[0][HEAD.index("prepared") :][:1]

    def was_prepared() -> bool:
        found = bool(word[0])
        word[0] = 0
        return found

    return was_prepared


def _musts(guards: Sequence[Guard], state: Sequence[State], turn: int) -> np.ndarray[Any, Any]:
    """Return the words that must be in memory in a turn."""
    constant = [(a + b, word) for a, b, word in (x.words for x in guards if x.kind == "word")]
    return unshared.table([*constant, *chain.from_iterable(one.words(turn) for one in state)])


def _of_turns(musts: Sequence[np.ndarray[Any, Any]], blocks: _Blocks) -> dict[str, int]:
    """Return what the record says of the two turns."""
    found = {"musts": len(musts[0]), "fresh": blocks.count}
    for turn, (must, block) in enumerate(zip(musts, blocks.blocks, strict=True)):
        found[f"first_must{turn}"] = must.ctypes.data
        found[f"given{turn}"] = block.ctypes.data
        found[f"table{turn}"] = block.ctypes.data + 8 * (1 + 2 * blocks.count)
    return found


def _record(head: dict[str, int], looks: Sequence[Guard]) -> np.ndarray[Any, Any]:
    """Return the record: its head, and the guards that are more than a word."""
    record = np.zeros(len(HEAD) + GUARD * len(looks), np.int64)
    for name, value in {**head, "guards": len(looks), **_kinds(), **_functions()}.items():
        record[HEAD.index(name)] = value
    for guard, row in zip(looks, record[len(HEAD) :].reshape(-1, GUARD), strict=True):
        row[: 1 + len(guard.words)] = KINDS.index(guard.kind), *guard.words
    return record


def _of_dict(one: State) -> Guard:
    return Guard("turn", (id(one.owner), id(one.slot), id(one.first), id(one.second)))


def _exchanged(one: State) -> tuple[int, int, int, int]:
    """Return where the objects go: the address of the slot, or that of a dict, and a key."""
    if isinstance(one.owner, dict):
        return id(one.owner), id(one.slot), id(one.first), id(one.second)
    place = id(one.owner) + offset(type(one.owner), one.slot)
    return place, 0, id(one.first), id(one.second)


@cache
def _code() -> Code:
    return compiled(text(), [NAME])


@cache
def _kinds() -> dict[str, int]:
    """Return what the routine has to know of objects."""
    return {
        "tensor": id(Tensor),
        "array": id(np.ndarray),
        "float": id(float),
        "none": id(None),
        "no": id(NotImplemented),
        "value": offset(Tensor, "_value"),
        "node": offset(Tensor, "_node"),
    }


@cache
def _functions() -> dict[str, int]:
    """Return the addresses of the functions that the routine calls."""
    names = {
        "vectorcall": "PyObject_Vectorcall",
        "dict_get": "PyDict_GetItemWithError",
        "dict_set": "PyDict_SetItem",
        "dict_size": "PyDict_Size",
        "context_get": "PyContextVar_Get",
        "incref": "Py_IncRef",
        "decref": "Py_DecRef",
        "compare": "memcmp",
        "as_long": "PyLong_AsLong",
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
