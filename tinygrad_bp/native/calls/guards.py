"""What an entry looks at before it runs the kernel, one function for each kind of condition."""

from __future__ import annotations

from collections.abc import Iterable
from contextvars import ContextVar
from typing import Any, NamedTuple

import numpy as np

from tinygrad_bp.engine.tensor import Tensor
from tinygrad_bp.native.calls.objects import (
    CELL,
    LIST_ITEMS,
    LIST_SIZE,
    WORD,
    offset,
    parts_of_functions,
    word_at,
)


class Guard(NamedTuple):
    """Something that must hold: its kind, the words that it needs, and what they point to."""

    kind: str
    words: tuple[int, ...]
    held: tuple[Any, ...] = ()


def array(position: int, value: Any, place: int) -> Guard:
    """Demand an array, a number of NumPy's, or a Tensor of one: its address goes into the table.

    It must be like this one: a C-contiguous array of the dtype and the shape, or a number of the
    type; a Tensor must track nothing.
    """
    kind, raw = ("tensor", value._value) if isinstance(value, Tensor) else ("array", value)
    if isinstance(raw, np.generic):
        return Guard(kind, (position, id(type(raw)), 0, 0, place))
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


def part(owner: Any, name: str) -> Guard:
    """Demand the class that an object has now, or the part that a function has."""
    place = WORD if name == "__class__" else parts_of_functions()[name]
    held = (owner, getattr(owner, name))
    return Guard("word", (id(owner), place, word_at(id(owner) + place)), held)


def cell(variable: Any, value: Any) -> Guard:
    """Demand this very object in a cell of a closure."""
    return Guard("word", (id(variable), CELL, id(value)), (variable, value))


def item(container: dict[str, Any], key: str, value: Any) -> Guard:
    """Demand this very object under a key of a dict."""
    return Guard("item", (id(container), id(key), id(value)), (container, key, value))


def size(container: dict[Any, Any]) -> Guard:
    """Demand as many items in a dict as it has now."""
    return Guard("size", (id(container), len(container)), (container,))


def items(container: list[Any]) -> list[Guard]:
    """Demand a list that has the very objects that it has now."""
    at = id(container)
    elements = word_at(at + LIST_ITEMS)
    found = [
        Guard("word", (at, LIST_SIZE, len(container)), (container,)),
        Guard("word", (at, LIST_ITEMS, elements)),  # before what is at that address is read
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


def words(pairs: Iterable[tuple[int, int]], held: Any) -> list[Guard]:
    """Demand words at addresses inside of an object."""
    return [Guard("word", (address, 0, word), (held,)) for address, word in pairs]


def content(array: np.ndarray[Any, Any]) -> Guard:
    """Demand the elements that a contiguous array has now; that it is the same array, others do."""
    kept = array.copy()
    return Guard("content", (array.ctypes.data, kept.ctypes.data, kept.nbytes), (array, kept))
