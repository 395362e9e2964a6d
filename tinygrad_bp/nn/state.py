"""Flat dicts of named arrays: checked in full before anything changes, then swapped in at once."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from tinygrad_bp.engine.changes import assign
from tinygrad_bp.engine.tensor import Tensor
from tinygrad_bp.errors import ShapeError, TinygradError

State = dict[str, np.ndarray[Any, Any]]


def require_in_sight(name: str, others: Iterable[tuple[str, Any]]) -> None:
    """Refuse objects of a module that are no part of its state and hold arrays.

    What can be called may hold what it likes: a compiled function has arrays of its own.

    Raises
    ------
    TinygradError
    """
    for path, value in others:
        if isinstance(value, Tensor) or callable(value):
            continue
        held = (*value,) if isinstance(value, (deque, set, frozenset)) else ()
        held += (*getattr(value, "__dict__", {}).values(),)
        if any(isinstance(one, (np.ndarray, Tensor)) for one in held):
            raise TinygradError(
                f"{name}: {path!r} is a {type(value).__name__}, whose arrays a state would lack;"
                " hold them in attributes of a Module, or in lists, tuples or dicts"
            )


def matched(name: str, own: Mapping[str, Tensor], state: Mapping[str, Any]) -> list[Any]:
    """Return a copy of each array of `state` in the order of `own`, which it must fit exactly.

    Parameters
    ----------
    name : str
        Who asks, for the message.
    own : mapping of str to Tensor
        The names, shapes and dtypes expected.
    state : mapping of str to array

    Raises
    ------
    TypeError
        If `state` is no mapping.
    ShapeError
        If a shape differs.
    TinygradError
        If a name is missing or unexpected, or a dtype differs.  The message lists every fault.
    """
    if not isinstance(state, Mapping):
        raise TypeError(
            f"{name}.load_state: got {type(state).__name__}; expected a dict of name to array, as"
            " state() returns it"
        )
    given = {key: np.array(value) for key, value in state.items()}
    both = [key for key in own if key in given]
    shapes = [
        f"{key!r} has shape {given[key].shape}, expected {own[key].shape}"
        for key in both
        if given[key].shape != own[key].shape
    ]
    faults = [
        *(f"missing {key!r}" for key in own if key not in given),
        *(f"unexpected {key!r}" for key in given if key not in own),
        *shapes,
        *(
            f"{key!r} has dtype {given[key].dtype}, expected {own[key].dtype}"
            for key in both
            if given[key].dtype != own[key].dtype
        ),
    ]
    if faults:
        error = ShapeError if shapes else TinygradError
        raise error(f"{name}.load_state: {'; '.join(faults)}; nothing was changed")
    # a 0-d value is kept as a NumPy scalar: it computes faster
    return [given[key] if given[key].ndim else given[key][()] for key in own]


class Kept:
    """What can be taken up again: all that it depends on stands in `_all_cells`, by name."""

    def _all_cells(self) -> dict[str, Tensor]:
        raise NotImplementedError

    def state(self) -> State:
        """Return a copy of all that goes on changing, as `load_state` takes it.

        Returns
        -------
        dict of str to array
        """
        return {key: np.array(cell._value) for key, cell in self._all_cells().items()}

    def load_state(self, state: Mapping[str, Any]) -> None:
        """Continue from what `state` returned, to the bit.

        Parameters
        ----------
        state : mapping of str to array
            Exactly the names, shapes and dtypes of this one's.  Copied.

        Raises
        ------
        ShapeError, TinygradError
            If a name, shape or dtype is not as expected; every fault is listed and nothing changed.
        """
        self._take(matched(type(self).__name__, self._all_cells(), state))

    def _take(self, values: list[Any]) -> None:
        """Set all at once to values in their order, which fit."""
        assign(self._all_cells().values(), values)
