"""The body of a loop: cells and what is done with them, cut into stages of bounded size.

A stage runs over all vectors of a tile before the next begins.  Its rounds do not depend on one
another, so the processor does several at once, and the time that a chain of divisions and
exponentials takes is hidden.  What one stage hands to another lies in the tile's buffers, close by.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from tinygrad_bp.native.functions.elementary import CALLS, FUNCTIONS
from tinygrad_bp.native.lowering.cells import REDUCED, Cell, Element
from tinygrad_bp.native.lowering.operations import OPERATIONS

BUDGET = 40  # lines of a stage: enough to keep the processor busy, few enough for its registers
BRIEF = 120  # with functions as subroutines, around which no register is kept anyway
# LLVM takes time for each loop by the length of all of them: from so many on, they are longer.
STAGES, LONGER = 64, 2
SPREAD = 0.4  # a stage may be so much shorter or longer, to end where little is handed on


class Store(NamedTuple):
    """A cell goes to memory."""

    name: str
    column: int
    cell: Element

    @property
    def args(self) -> tuple[Element, ...]:
        """What it reads."""
        return (self.cell,)


Item = Cell | Store


class Stage(NamedTuple):
    """Items that are computed together.

    Attributes
    ----------
    items : list of cells and stores
    taken, given : list of cells
        Those that earlier stages hand to this one, and this one to later ones.
    """

    items: list[Item]
    taken: list[Cell]
    given: list[Cell]


def is_reduction(one: Item) -> bool:
    """Whether an item adds to what is gathered over all rows."""
    return isinstance(one, Cell) and one.op.startswith(REDUCED)


def is_leaf(one: Item) -> bool:
    """Whether an item is an element of memory."""
    return isinstance(one, Cell) and one.op in ("row", "spot", "element")


def weight(one: Item, *, brief: bool = False) -> int:
    """Return about how many lines an item is; a function is one, if `brief`."""
    if isinstance(one, Store) or one.op not in OPERATIONS:
        return 1
    return 1 if brief and one.op in FUNCTIONS else OPERATIONS[one.op].weight


def is_brief(items: Iterable[Item]) -> bool:
    """Whether there are so many calls of functions that these are subroutines."""
    return sum(isinstance(one, Cell) and one.op in FUNCTIONS for one in items) > CALLS


def live(order: Iterable[Item]) -> list[Item]:
    """Return the items that a store or a reduction needs, in order."""
    order = list(order)
    needed: set[int] = set()
    kept: list[Item] = []
    for one in reversed(order):
        if isinstance(one, Store) or is_reduction(one) or id(one) in needed:
            kept.append(one)
            if not is_leaf(one):
                needed.update(id(x) for x in one.args if isinstance(x, Cell))
    return kept[::-1]


def stages(
    items: Sequence[Item], cheap: set[int], budget: int | None = None, *, brief: bool = False
) -> list[Stage]:
    """Cut items into stages.

    Parameters
    ----------
    items : sequence of cells and stores
        Each after those that it reads.
    cheap : set of int
        Identities of the leaves that every stage loads for itself.
    budget : int, optional
        Lines of a stage; by default as many as are fast, and more of a long loop.
    brief : bool
        Whether functions are subroutines.
    """
    last = {id(x): k for k, one in enumerate(items) for x in _read(one)}
    first = {id(one): k for k, one in enumerate(items)}
    crossing = [0] * (len(items) + 1)  # how many cells are handed on if a stage ends before k
    for one in items:
        start, end = first[id(one)], last.get(id(one), -1)
        if id(one) not in cheap and end > start:
            crossing[start + 1] += 1
            crossing[end + 1] -= 1
    for k in range(len(items)):
        crossing[k + 1] += crossing[k]
    weights = [weight(one, brief=brief) for one in items]
    if budget is None:
        usual = BRIEF if brief else BUDGET
        budget = max(usual, min(sum(weights) // STAGES, LONGER * usual))
    ends = _ends(weights, crossing, budget)
    result = []
    for start, end in zip([0, *ends[:-1]], ends, strict=True):
        part = items[start:end]
        read = {id(x): x for one in part for x in _read(one)}
        taken = [x for key, x in read.items() if first[key] < start and key not in cheap]
        loaded = [x for key, x in read.items() if first[key] < start and key in cheap]
        given = [x for x in part if id(x) not in cheap and last.get(id(x), -1) >= end]
        result.append(Stage([*loaded, *part], taken, given))  # type: ignore[arg-type]  # no stores
    return result


def _read(one: Item) -> list[Cell]:
    return [] if is_leaf(one) else [x for x in one.args if isinstance(x, Cell)]


def _ends(weights: list[int], crossing: list[int], budget: int) -> list[int]:
    """Return where stages end: where little is handed on, near the budget."""
    ends, start, total = [], 0, sum(weights)
    while total > budget * (1 + SPREAD):
        k, size = start, 0
        choices = []
        while k < len(weights) and size <= budget * (1 + SPREAD):
            size += weights[k]
            k += 1
            if size >= budget * (1 - SPREAD):
                choices.append((crossing[k], abs(size - budget), k))
        if not choices or k >= len(weights):
            break
        end = min(choices)[2]
        ends.append(end)
        total -= sum(weights[start:end])
        start = end
    return [*ends, len(weights)]
