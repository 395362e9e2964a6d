"""Why a compiled function was traced again: in what one call differs from those before it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tinygrad_bp.compiling.state import State
from tinygrad_bp.compiling.tracing import Call


def reason(call: Call, state: State, key: Any, before: Any) -> str:
    """Return in what a key differs from the one before it.

    Parameters
    ----------
    call : Call
    state : State
        Those of the key.
    key, before
        What the two calls depend on.
    """
    return "; ".join(_differences(call, state, key, before)) or "the state is held otherwise"


def _differences(call: Call, state: State, key: Any, before: Any) -> Iterator[str]:
    (names, form, told), (places, around), mode = key
    (old_names, old_form, old_told), (old_places, old_around), old_mode = before
    if names != old_names or form != old_form or len(told) != len(old_told):
        yield "the arguments have other names, or are nested otherwise"
        return
    for (path, _), new, old in zip(call.leaves, told, old_told, strict=True):
        if new != old:
            yield f"{'.'.join(map(str, path))} is {_words(new)}, and was {_words(old)}"
    if mode != old_mode:
        yield f"gradients are {'' if mode else 'not '}recorded"
    if len(places) != len(old_places):
        yield f"the state has {len(places)} parts, and had {len(old_places)}"
        return
    for place, new, old in zip(state.places, places, old_places, strict=True):
        if new != old:
            yield f"{place.name} is {_words(new)}, and was {_words(old)}"
    for new, old in zip(around, old_around, strict=False):
        for name in sorted({str(pair[0]) for pair in {*new[1:]} ^ {*old[1:]}}):
            yield f"the attribute {name} has changed"


def _words(told: Any) -> str:
    """Return what a key tells of a value, in words."""
    if told is None:
        return "absent"
    if isinstance(told, tuple):
        shown = [one for one in told if one is not None and not isinstance(one, bool)]
        return " ".join([getattr(one, "__name__", str(one)) for one in shown])
    return getattr(told, "__name__", str(told))
