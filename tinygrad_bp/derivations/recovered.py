"""Arrays that a graph has not kept, as no derivative reads them, found in the caller's variables.

A variable is what was given where the computation, run again with it, gives what is known.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from tinygrad_bp.engine.nodes import Leaf, Node
from tinygrad_bp.programs.calling import quiet
from tinygrad_bp.view.reading.recorded import (
    UNKNOWN,
    Recorded,
    find_values,
    parameters_of,
    replay,
    same_values,
)
from tinygrad_bp.view.reading.sheet import Sheet


def recover(sheet: Sheet, arrays: Mapping[str, Any], known: Mapping[Node, Any]) -> None:
    """Fill in the arrays that are unknown and that a variable holds.

    Parameters
    ----------
    sheet : Sheet
    arrays : mapping of str to array
        The caller's, by name.
    known : mapping of Node to array
        Values that are certain: of the result.
    """
    recorded = sheet.recorded
    unknown = [place for place, one in enumerate(recorded.entries) if one.value is UNKNOWN]
    for place in unknown:
        for name, array in arrays.items():
            if _is_it(recorded, place, np.asarray(getattr(array, "_value", array)), known):
                sheet.names[place], sheet.kinds[place] = name, "data"
                break
    if any(recorded.entries[place].value is not UNKNOWN for place in unknown):
        find_values(recorded, known)


def _is_it(recorded: Recorded, place: int, array: Any, known: Mapping[Node, Any]) -> bool:
    """Put an array in its place, if it is what was there."""
    entry = recorded.entries[place]
    for user in _users(recorded, place):
        node: Any = user.node
        entry.value = array
        arguments = recorded.arguments(user)
        entry.value = UNKNOWN
        try:
            with quiet():
                out = node.rule.forward(*arguments, *parameters_of(node))
        except Exception:  # noqa: BLE001  # another shape, or no argument of this function at all
            return False
        if np.shape(out) != node.shape or np.result_type(out) != node.dtype:
            return False
        if node in recorded.values and not same_values(out, recorded.values[node]):
            return False
        if node not in recorded.values and not _gives_the_result(recorded, place, array, known):
            return False
        entry.value = array
        return True
    return False


def _users(recorded: Recorded, place: int) -> Iterator[Any]:
    return (one for one in recorded.entries if place in one.arguments)


def _gives_the_result(
    recorded: Recorded, place: int, array: Any, known: Mapping[Node, Any]
) -> bool:
    """Whether the whole computation gives the result, with an array in its place."""
    leaf = next((n for n in recorded.values if isinstance(n, Leaf)), None)
    if leaf is None:
        return False
    entry = recorded.entries[place]
    entry.value = array
    with quiet():
        found = replay(recorded, leaf, recorded.values[leaf])
    entry.value = UNKNOWN
    return all(node in found and same_values(found[node], value) for node, value in known.items())
