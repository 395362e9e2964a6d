"""What formulas call the values of a graph: the user's names, and letters for the rest."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from tinygrad_bp.engine.nodes import Leaf
from tinygrad_bp.errors import GraphError
from tinygrad_bp.formulas.printing import shortened
from tinygrad_bp.view.reading.recorded import UNKNOWN
from tinygrad_bp.view.reading.sheet import Sheet
from tinygrad_bp.view.reading.variables import is_array

LISTED = 12  # names that an error lists


def symbols(sheet: Sheet, hidden: Iterable[int] = ()) -> list[str]:
    """Return what formulas call each entry: no two alike; those that are `hidden` need no letter.

    They are printable, and short enough for a formula.  A name that several have is numbered: the
    weights ``W`` of two layers are ``W1`` and ``W2``.  Equal arrays of data are one.
    """
    names = [name and shortened(name) for name in sheet.names]
    firsts = same_data(sheet)
    counts = Counter(name for place, name in enumerate(names) if name and place not in firsts)
    taken = {name for name, count in counts.items() if count == 1}
    numbers: Counter[str] = Counter()
    found: list[str] = []
    hidden = frozenset(hidden)
    for place, name in enumerate(names):
        if place in firsts:
            found.append(found[firsts[place]])
            continue
        if place in hidden or (name and counts[name] == 1):
            found.append(name or "")
            continue
        base = name or letter(sheet, place)
        stem = f"{base}_" if base[-1:].isdigit() else base
        while True:
            numbers[base] += 1
            new = f"{stem}{numbers[base]}"
            if new not in taken:
                break
        taken.add(new)
        found.append(new)
    return found


def same_data(sheet: Sheet) -> dict[int, int]:
    """Return where the same array of data stood before, by the place where it stands again.

    A graph keeps a copy for each use of an array.
    """
    found: dict[int, int] = {}
    before: dict[tuple[Any, ...], int] = {}
    for place, entry in enumerate(sheet.recorded.entries):
        if entry.node is not None or not is_array(entry.value):
            continue
        value = entry.value
        first = before.setdefault((value.dtype, value.shape, value.tobytes()), place)
        if first != place and sheet.names[first] == sheet.names[place]:
            found[place] = first
    return found


def letter(sheet: Sheet, place: int) -> str:
    """Return the letter of a value that nobody gave a name."""
    node = sheet.recorded.entries[place].node
    if node is None:
        return "c"
    return "x" if isinstance(node, Leaf) else "v"


def is_number(sheet: Sheet, place: int) -> bool:
    """Whether formulas write a value out: a single number that tracks nothing and has no name."""
    entry = sheet.recorded.entries[place]
    if entry.node is not None or entry.value is UNKNOWN or sheet.names[place]:
        return False
    return np.ndim(entry.value) == 0


def place_of(sheet: Sheet, called: Sequence[str], name: str, option: str) -> int:
    """Return the place of the entry with a name: what formulas call it, or its Tensor's own.

    Raises
    ------
    GraphError
        If there is none; says what `option` was given, and which names there are.
    """
    for names in (called, sheet.names):
        found = [place for place, own in enumerate(names) if own and own == name]
        if found:
            return found[-1]
    known = [shortened(own) for own in dict.fromkeys(called) if own]
    more = f" and {len(known) - LISTED} more" if len(known) > LISTED else ""
    raise GraphError(
        f"explain: {option}={name!r:.60}: there is no {name!r:.40} in the graph; it has"
        f" {', '.join(known[:LISTED])}{more}"
    )
