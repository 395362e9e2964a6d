"""Lanes for parts: what belongs to one stands together, and others keep out of its box."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tinygrad_bp.view.layout.ranked import Point, Ranked
from tinygrad_bp.view.picture.parts import Part

BOX_PAD, BOX_STEP = 7.0, 5.0  # pixels beside what is in a box, and more for each box inside
BOX_LOW = 12.0  # and below it: an edge that passes below a node keeps off the border
TITLE = 15.0  # of a box
CLEAR = 6.0  # between a box and what is beside it


def members(part: Part) -> Iterator[int]:
    """Yield the nodes of a part and of those inside."""
    yield from part.nodes
    for inner in part.parts:
        yield from members(inner)


def nested(part: Part) -> int:
    """Return how deep boxes are nested in a part."""
    return max((1 + nested(inner) for inner in part.parts), default=0)


def inhabitants(ranked: Ranked, columns: Sequence[Sequence[int]], part: Part) -> set[int]:
    """Return what of a row may be in the box of a part: its nodes, and edges that lead to them."""
    nodes = {*members(part)}
    held = [k for k, column in enumerate(columns) if not nodes.isdisjoint(column)]
    within = columns[held[0] : held[-1] + 1] if held else ()
    return nodes | {
        i for column in within for i in column if not nodes.isdisjoint(ranked.ends.get(i, ()))
    }


def held_together(columns: Sequence[list[int]], lanes: Sequence[set[int]]) -> None:
    """Order each column so that each lane is in one piece: others go to the nearer side of it."""
    for own in lanes:
        for column in columns:
            places = [k for k, i in enumerate(column) if i in own]
            if len(places) > 1 and places[-1] - places[0] >= len(places):
                middle = sum(places) / len(places)
                key = {
                    i: (0 if i in own else -1 if k < middle else 1) for k, i in enumerate(column)
                }
                column.sort(key=key.__getitem__)


def lanes_of(ranked: Ranked, columns: Sequence[Sequence[int]], part: Part) -> Iterator[set[int]]:
    """Yield the inhabitants of the parts in one, in a row; outer ones first."""
    for inner in part.parts:
        yield inhabitants(ranked, columns, inner)
        yield from lanes_of(ranked, columns, inner)


def part_ways(
    ranked: Ranked,
    part: Part,
    across: list[float],
    sizes: Sequence[Point],
    rows: Sequence[int],
) -> None:
    """Move nodes up or down out of the boxes that they do not belong to, inner boxes first.

    `across` are the middles down the columns, which change; `rows` is the row of each column.
    """
    for inner in part.parts:
        part_ways(ranked, inner, across, sizes, rows)
        nodes = set(members(inner))
        for row in set(rows):
            columns = [column for column, of in zip(ranked.columns, rows, strict=True) if of == row]
            holding = [k for k, column in enumerate(columns) if not nodes.isdisjoint(column)]
            if holding:
                own = inhabitants(ranked, columns, inner)
                _cleared(columns[holding[0] : holding[-1] + 1], inner, own, across, sizes)


def _cleared(
    columns: Sequence[list[int]],
    part: Part,
    own: set[int],
    across: list[float],
    sizes: Sequence[Point],
) -> None:
    """Clear these columns of a part's box."""
    inside = [i for column in columns for i in column if i in own]
    depth = nested(part)
    pad = BOX_STEP * depth + CLEAR
    top = min(across[i] - sizes[i][1] / 2 for i in inside) - BOX_PAD - pad - TITLE * (1 + depth)
    low = max(across[i] + sizes[i][1] / 2 for i in inside) + BOX_LOW + pad
    for column in columns:
        places = [k for k, i in enumerate(column) if i in own]
        others = [i for i in column if i not in own]
        upper = [i for i in others if _is_above(column, i, places, across[i] < (top + low) / 2)]
        lower = others[len(upper) :]
        ends = [across[i] + sizes[i][1] / 2 for i in upper if sizes[i][1]]
        begins = [across[i] - sizes[i][1] / 2 for i in lower if sizes[i][1]]
        up, down = max([0.0, *(end - top for end in ends)]), max([0.0, *(low - b for b in begins)])
        for i in upper:
            across[i] -= up
        for i in lower:
            across[i] += down


def _is_above(column: Sequence[int], i: int, places: Sequence[int], upper: bool) -> bool:
    """Return whether a node is above a box: before its first member, or in its upper half."""
    return column.index(i) < places[0] if places else upper
