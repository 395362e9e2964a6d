"""Words in memory that tell that nobody else holds an object, and that it is as it was.

What an entry returns, and what it writes into, was given away before.  It is free again when there
is but the one reference that the entry knows of, and if nothing was done to it: no name, no weak
reference, no other shape.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from typing import Any

import numpy as np

from tinygrad_bp.engine.tensor import Tensor
from tinygrad_bp.native.calls.objects import LIST_ITEMS, SIDES, WORD, offset, word_at

Word = tuple[int, int]  # an address, and what must be there
NUMBERS = (float, np.float32, np.int64)  # np.float64 is a float; only their number is written


class Shared(Exception):  # noqa: N818  # an answer, no fault
    """It cannot be told of an object whether it is as it was."""


def alone(value: Any, own: Collection[int]) -> Iterator[Word]:
    """Yield the words of an object to which there is one reference, and of what is inside of it.

    Parameters
    ----------
    value : list or tuple, or one of the objects that are meant
        Nested; anything that is not meant has only to stand where it does.
    own : collection of int
        By their ids: arrays, real numbers of NumPy's or Python's, and Tensors of them.

    Raises
    ------
    Shared
        If there is a container of another kind.
    """
    if isinstance(value, dict):
        raise Shared("the keys of a dict are in no order of its memory")
    sequence = isinstance(value, (list, tuple))
    if not (sequence and len(value)) and id(value) not in own:
        return
    yield id(value), 1
    if not isinstance(value, NUMBERS):
        yield from unchanged(value)
    if isinstance(value, Tensor):
        yield from alone(value._value, {id(value._value)})
    if sequence:
        for one in value:
            yield from alone(one, own)


def unchanged(value: Any) -> Iterator[Word]:
    """Yield the words of an array, a Tensor, a list or a tuple but for the count of references.

    Of an array they are those of what it is, not of its elements.
    """
    if hasattr(value, "__dict__"):
        raise Shared(f"a {type(value).__name__} has attributes")
    at, size = id(value), type(value).__basicsize__
    if isinstance(value, tuple):
        size += WORD * len(value)
    yield from _as_now(at + WORD, size // WORD - 1)
    if isinstance(value, np.ndarray):  # after the words of the array, that of this place among them
        yield from _as_now(word_at(at + SIDES), 2 * value.ndim)
    elif isinstance(value, list):
        yield from _as_now(word_at(at + LIST_ITEMS), len(value))


def standing(tensor: Tensor) -> Iterator[Word]:
    """Yield the words of a Tensor that tell that it has its value and tracks nothing."""
    for name in ("_value", "_node"):
        yield from _as_now(id(tensor) + offset(Tensor, name), 1)


def _as_now(address: int, count: int) -> Iterator[Word]:
    for place in range(address, address + WORD * count, WORD):
        yield place, word_at(place)


def table(pairs: Iterable[Word]) -> np.ndarray[Any, Any]:
    """Return words as an array, as native code reads them."""
    return np.array(list(pairs), np.int64).reshape(-1, 2)
