"""Ranks of a picture's nodes: how far each is from the start, leaves just before their use."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from tinygrad_bp.view.picture.kinds import KINDS
from tinygrad_bp.view.picture.records import Picture

PAGE = 1040.0  # pixels across a page
SLACK = 1.15  # a single row may be that much wider
SIDEWAYS = 1123 / 794  # and as much on a page that is turned: it has the sides of an A4
EXIT, ENTRY = 18.0, 40.0  # pixels that marks need at the end of a row, and at the beginning
CHOICE = 3  # a row may end in the last third, where fewest edges pass
FAN = 3  # operations with leaves that read one value: from so many on edges would cross
WIDE = 13  # ranks from left to right that a page is wide enough for


def ranks(view: Picture) -> list[int]:
    """Return the rank of every node: the longest way to it, or next to its user if nothing is lost.

    Nothing is lost for a leaf, and for what is computed from leaves and used once: all of it moves
    to where it is used.
    """
    rank = [0] * len(view.nodes)
    edges = [edge for edge in view.edges if not edge.loop]
    before: list[list[int]] = [[] for _ in view.nodes]
    users: list[list[int]] = [[] for _ in view.nodes]
    for edge in edges:
        before[edge.target].append(edge.source)
        users[edge.source].append(edge.target)
    loose = [False] * len(view.nodes)
    for node in view.nodes:
        own = node.id
        rank[own] = max((rank[source] + 1 for source in before[own]), default=0)
        loose[own] = not before[own] or all(
            not before[source] or (loose[source] and len(set(users[source])) == 1)
            for source in before[own]
        )
    for node in reversed(view.nodes):
        if loose[node.id] and users[node.id]:
            rank[node.id] = min(rank[user] for user in users[node.id]) - 1
    return rank


def spaced(view: Picture, rank: Sequence[int]) -> list[int]:
    """Return the ranks with one more where leaves would be in the way beside an operation.

    Behind a scope they belong to what comes after it: there they need not keep clear of its box.
    Behind what three operations or more with leaves read, edges run to these between the leaves.
    """
    is_leaf = [KINDS[node.kind].is_source for node in view.nodes]
    last = {path: end for path, (begin, end) in _scopes(view, rank, is_leaf).items() if begin < end}
    outside = {
        node.id
        for node in view.nodes
        if is_leaf[node.id]
        and any(
            end == rank[node.id] and node.scope[: len(path)] != path for path, end in last.items()
        )
    }
    outside |= _among(view, rank, is_leaf)
    new_ones = {rank[node] for node in outside}
    return [
        own + sum(one < own for one in new_ones) + (node in outside)
        for node, own in enumerate(rank)
    ]


def _among(view: Picture, rank: Sequence[int], is_leaf: Sequence[bool]) -> set[int]:
    """Return the leaves beside what is read by three operations or more that have leaves."""
    leaves: dict[int, set[int]] = {}  # of each operation, those just before it
    readers: dict[int, set[int]] = {}
    for edge in view.edges:
        if not edge.loop and rank[edge.source] == rank[edge.target] - 1:
            near = (
                (leaves, edge.target, edge.source)
                if is_leaf[edge.source]
                else (readers, edge.source, edge.target)
            )
            near[0].setdefault(near[1], set()).add(near[2])
    found: set[int] = set()
    for of in readers.values():
        own = [leaves[one] for one in of if one in leaves]
        if len(own) >= FAN:
            found = found.union(*own)
    return found


def direction(view: Picture) -> str:
    """Return ``"LR"``, or ``"TB"`` where that would be too wide to read."""
    return "LR" if max(ranks(view), default=0) < WIDE else "TB"


class Broken(NamedTuple):
    """Ranks in rows: the rank of each node, and the ranks that begin a row."""

    rank: list[int]
    breaks: list[int]


def broken(
    view: Picture, rank: Sequence[int], widths: Sequence[float], page: float | None = None
) -> Broken:
    """Break ranks into rows that a page is wide enough for, where few edges pass.

    A row after the first begins with a rank of its own, and one before the last ends with one: for
    the leaves of the first operations, and for the marks of edges to other rows.

    Parameters
    ----------
    view : Picture
    rank : sequence of int
    widths : sequence of float
        Of the nodes.
    page : float, optional
        Pixels across; without it the page is of paper, which may be turned.
    """
    count = max(rank, default=0) + 1
    thick = [0.0] * count
    for node in view.nodes:
        thick[rank[node.id]] = max(thick[rank[node.id]], widths[node.id])
    longest = SIDEWAYS * PAGE if page is None else SLACK * page
    page = PAGE if page is None else page
    if sum(thick) <= longest:
        return Broken(list(rank), [0])
    is_leaf = [KINDS[node.kind].is_source for node in view.nodes]
    passing = _passing(view, rank, is_leaf)
    operating = {rank[node.id] for node in view.nodes if not is_leaf[node.id]}
    ends = _ends(thick, passing, operating, page - EXIT)
    new = [own + 2 * sum(end < own for end in ends) for own in rank]
    for edge in view.edges:
        if is_leaf[edge.source] and rank[edge.source] in ends:
            ends_at = rank[edge.source]
            new[edge.source] = ends_at + 2 * sum(end < ends_at for end in ends) + 2
    return Broken(new, [0, *(end + 2 + 2 * i for i, end in enumerate(ends))])


def _passing(view: Picture, rank: Sequence[int], is_leaf: Sequence[bool]) -> list[int]:
    """Return how many values and boxes pass from each rank to the next."""
    reach: dict[int, int] = {}  # of each operation, the last rank that reads it
    for edge in view.edges:
        if not edge.loop and not is_leaf[edge.source]:
            reach[edge.source] = max(rank[edge.target], reach.get(edge.source, 0))
    passing = [0] * (max(rank, default=0) + 1)
    for source, last in reach.items():
        for between in range(rank[source], last):
            passing[between] += 1
    for begin, end in _scopes(view, rank, is_leaf).values():
        for between in range(begin, end):
            passing[between] += 1
    return passing


def _scopes(
    view: Picture, rank: Sequence[int], is_leaf: Sequence[bool]
) -> dict[tuple[str, ...], tuple[int, int]]:
    """Return the first and the last rank of the operations in each scope."""
    found: dict[tuple[str, ...], tuple[int, int]] = {}
    for node in view.nodes:
        if not is_leaf[node.id]:
            for depth in range(1, len(node.scope) + 1):
                own = rank[node.id]
                begin, end = found.get(node.scope[:depth], (own, own))
                found[node.scope[:depth]] = min(begin, own), max(end, own)
    return found


def _ends(
    thick: Sequence[float], passing: Sequence[int], operating: set[int], page: float
) -> list[int]:
    """Return the last rank of each row but the last: of those with operations.

    Leaves alone go to the next row, with what reads them.
    """
    ends: list[int] = []
    start = 0
    while start + 1 < len(thick) and sum(thick[start:]) > page:
        last, width = start, thick[start] + ENTRY * (start > 0)
        while width + thick[last + 1] <= page:
            last += 1
            width += thick[last]
        earliest = last - (last - start) // CHOICE
        end = min(range(last, earliest - 1, -1), key=passing.__getitem__)
        while end not in operating and end > start:
            end -= 1
        ends.append(end)
        start = ends[-1] + 1
    return ends
