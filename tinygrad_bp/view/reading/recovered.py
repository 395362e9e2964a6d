"""Arrays that a graph has not kept, as no derivative reads them, found among the caller's.

One is what was given where the computation, run again with it, gives what is known.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from tinygrad_bp.engine.nodes import Leaf
from tinygrad_bp.programs.calling import quiet
from tinygrad_bp.view.reading.recorded import (
    UNKNOWN,
    Entry,
    Recorded,
    Values,
    computed,
    find_values,
    parameters_of,
    same_values,
)


def recover(recorded: Recorded, arrays: Mapping[str, Any], known: Values) -> dict[int, str]:
    """Fill in the arrays that are unknown and that the caller has; return the name of each place.

    Parameters
    ----------
    recorded : Recorded
    arrays : mapping of str to array
        The caller's, by name.
    known : dict of Node to array
        Values that are certain: of the results.
    """
    found = {}
    for place, one in enumerate(recorded.entries):
        if one.node is not None or one.value is not UNKNOWN:
            continue
        for name, array in arrays.items():
            if _is_it(recorded, place, np.asarray(getattr(array, "_value", array)), known):
                found[place] = name
                break
    if found:
        find_values(recorded, known)
    return found


def _is_it(recorded: Recorded, place: int, array: Any, known: Values) -> bool:
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


def _users(recorded: Recorded, place: int) -> Iterator[Entry]:
    return (one for one in recorded.entries if place in one.arguments)


def _gives_the_result(recorded: Recorded, place: int, array: Any, known: Values) -> bool:
    """Whether the whole computation gives the results, with an array in its place."""
    leaves: Values = {n: v for n, v in recorded.values.items() if isinstance(n, Leaf)}
    entry = recorded.entries[place]
    entry.value = array
    with quiet():
        found, _ = computed(recorded, {}, {**leaves, **recorded.unproven})
    entry.value = UNKNOWN
    return all(node in found and same_values(found[node], value) for node, value in known.items())
