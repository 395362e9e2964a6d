"""Values that somebody has put into a state, taken over by the entry that has arrays of its own."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tinygrad_bp.engine.tensor import Tensor
from tinygrad_bp.native.calls.entry import State
from tinygrad_bp.native.calls.objects import data_of

FREE = 2  # references to an object that nobody else holds: the state's, getrefcount's argument


class Adoption:
    """Puts copies of new values where an entry looks for them, instead of making another entry.

    Weights are replaced again and again: they are averaged, restored, set back for the next run.

    Parameters
    ----------
    state : sequence of State
        Those of the entry.
    turn : callable
        Says which of the two objects of each is the present one.
    """

    def __init__(self, state: Sequence[State], turn: Callable[[], int]) -> None:
        self._state, self._turn = state, turn

    def __call__(self) -> bool:
        """Do so, and say whether there were new values, all of which could be taken."""
        turn = self._turn()
        found = []
        for one in self._state:
            now = _held(one)
            if now is (one.second if turn else one.first):
                continue
            count = sys.getrefcount(one.second) if turn else sys.getrefcount(one.first)
            own = one.second if turn else one.first
            if count != FREE or not _alike(now, own):
                return False
            found.append((one, own, now))
        for one, own, now in found:
            _copy(now, own)
            _put(one, own)
        return bool(found)


def _held(one: State) -> Any:
    return one.owner.get(one.slot) if isinstance(one.owner, dict) else getattr(one.owner, one.slot)


def _put(one: State, value: Any) -> None:
    if isinstance(one.owner, dict):
        one.owner[one.slot] = value
    else:
        setattr(one.owner, one.slot, value)


def _alike(value: Any, own: Any) -> bool:
    """Whether a value has the type and shape of an array, a number, or a Tensor of one."""
    if type(value) is not type(own):
        return False
    if isinstance(own, Tensor):
        free = sys.getrefcount(own._value) == FREE
        return free and value._node is own._node and _alike(value._value, own._value)
    same: bool = value.dtype is own.dtype and value.shape == own.shape
    return same


def _copy(value: Any, own: Any) -> None:
    """Write the elements of a value into an object that nobody else holds."""
    if isinstance(own, Tensor):
        _copy(value._value, own._value)
    elif isinstance(own, np.ndarray):
        np.copyto(own, value)
    else:
        array = np.asarray(value)
        ctypes.memmove(data_of(own), array.ctypes.data, array.nbytes)
