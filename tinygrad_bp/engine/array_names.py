"""Names of arrays that track nothing: a graph keeps the array, not the Tensor that has a name."""

from __future__ import annotations

from contextlib import suppress
from typing import Any
from weakref import ref

_names: dict[int, tuple[ref[Any], str]] = {}


def name_array(array: Any, name: str | None) -> None:
    """Note what the Tensor around an array is called, as long as the array lives."""
    own = id(array)
    if name is None:
        _names.pop(own, None)
        return
    with suppress(TypeError):  # numbers, and arrays of another library, may have no weak references
        _names[own] = (ref(array, lambda _: _names.pop(own, None)), name)


def name_of(array: Any) -> str | None:
    """Return what the Tensor around an array was called, None if it had no name."""
    found = _names.get(id(array))
    return found[1] if found is not None and found[0]() is array else None
