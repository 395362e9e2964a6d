"""The arrays that formulas speak of, by the names that they have there."""

from __future__ import annotations

from typing import Any

from tinygrad_bp.formulas.boxes import Symbol, text
from tinygrad_bp.formulas.rules import is_several
from tinygrad_bp.view.reading.recorded import contribution


def arrays(deriving: Any, start: Any) -> dict[str, Any]:
    """Return the arrays that the formulas of a derivation speak of, by their names in text.

    Parameters
    ----------
    deriving : Deriving
    start : array
        The gradient that the walk begins with.
    """
    recorded = deriving.recorded
    found: dict[str, Any] = {}
    for place, entry in enumerate(recorded.entries):
        value = recorded.value(place)
        if not is_array(value):
            continue
        if deriving.symbols[place]:
            found[text(Symbol(deriving.symbols[place]))] = value
        if entry.node is None or place in deriving.formulas.folded:
            continue
        is_end = entry.node in recorded.roots
        ct = recorded.cotangents.get(entry.node, start if is_end else None)
        if ct is not None:
            found[text(deriving.gradient(place))] = ct
        uses = deriving.formulas.uses.get(place, ())
        for part, (user, position) in enumerate(uses if len(uses) > 1 else (), 1):
            node: Any = recorded.entries[user].node
            found[text(deriving.gradient(place, part))] = contribution(recorded, node, position)
    return found


def is_array(value: Any) -> bool:
    """Whether a value is known, and is numbers: a user's function may pass on several arrays."""
    return value is not None and not is_several(value)
