"""Arrays that a function reads without being given them: a program holds them as they were."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]


class Captured:
    """The user's own arrays among the constants of a program, and what was in them.

    What two traces have met as the same object was there before them.  What a function makes for
    itself, each trace makes anew.

    Parameters
    ----------
    first, second : sequence of array
        What became a constant in two traces, as it came.
    """

    def __init__(self, first: Iterable[Array], second: Sequence[Array]) -> None:
        owners = {id(_owner(one)): _owner(one) for one in second}
        self._owners = {}
        kept: dict[int, Array] = {}
        for one in first:
            if id(_owner(one)) in owners:
                self._owners[id(_owner(one))] = _owner(one)
                kept[id(one)] = one
        self._kept = [(one, one.shape, one.tobytes()) for one in kept.values()]

    def __len__(self) -> int:
        return len(self._kept)

    def arrays(self) -> list[Array]:
        """Return the arrays themselves."""
        return [array for array, _, _ in self._kept]

    def changed(self) -> str | None:
        """Return what to call an array that is not what it was, if there is one."""
        for array, shape, content in self._kept:
            if array.shape != shape or array.tobytes() != content:
                return f"an array of {array.dtype} {shape} that the function reads"
        return None


def _owner(array: Array) -> Any:
    """Return the object whose memory a view shows."""
    found: Any = array
    while True:
        base = found.base if isinstance(found, np.ndarray) else getattr(found, "obj", None)
        if base is None:
            return found
        found = base
