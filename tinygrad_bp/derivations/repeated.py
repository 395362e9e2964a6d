"""Blocks that repeat, as the layers of a deep network do: an explanation shows one of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from tinygrad_bp.view.picture.folding import COMFORTABLE
from tinygrad_bp.view.picture.repeats import repetitions
from tinygrad_bp.view.reading.building import pictured
from tinygrad_bp.view.reading.sheet import Sheet


@dataclass
class Repeated:
    """What of a graph is not shown, because it repeats.

    Attributes
    ----------
    hidden : set of int
        Places of operations.
    times : dict of int to int
        How often the operations repeat that are shown.
    blocks : list of (list of int, int)
        The operations of each block that is shown, and how often it repeats.
    stands : dict of int to int
        Which operation is shown for a hidden one.
    """

    hidden: set[int] = field(default_factory=set)
    times: dict[int, int] = field(default_factory=dict)
    blocks: list[tuple[list[int], int]] = field(default_factory=list)
    stands: dict[int, int] = field(default_factory=dict)


def repeated(sheet: Sheet, places: Sequence[int]) -> Repeated:
    """Return which of the operations at these places are not shown: none, if they are few."""
    found = Repeated()
    if len(places) <= COMFORTABLE:
        return found
    bare = replace(sheet.recorded, values={}, cotangents={}, notes=[])
    picture = pictured(replace(sheet, recorded=bare))
    for block, period, times in repetitions(picture):
        *others, last = [block[k : k + period] for k in range(0, period * times, period)]
        for one in others:
            found.hidden.update(one)
            found.stands.update(zip(one, last, strict=True))
        found.times.update(dict.fromkeys(last, times))
        found.blocks.append((last, times))
    return found
