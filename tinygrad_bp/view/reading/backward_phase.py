"""The walk back as a picture: cotangents for nodes, pulls for edges."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tinygrad_bp.engine.nodes import Leaf, Node
from tinygrad_bp.view.picture.plain_arrays import lengths, numbers, statistics
from tinygrad_bp.view.picture.records import EdgeView, NodeView, Picture
from tinygrad_bp.view.reading.recorded import contribution
from tinygrad_bp.view.reading.sheet import Sheet

READ = "read"  # names an edge from a value to a cotangent that was computed with it


def with_cotangents(view: Picture, sheet: Sheet, *, alone: bool) -> Picture:
    """Add to the forward phase a cotangent for every node, in the order in which the walk has them.

    `alone` leaves out the forward phase, and so what the pulls read of it.
    """
    recorded = sheet.recorded
    order = [p for p in range(len(recorded.entries) - 1, -1, -1) if recorded.entries[p].node]
    users: dict[int, list[tuple[int, int]]] = {place: [] for place in order}
    for place in order:
        node: Any = recorded.entries[place].node
        for position, argument in enumerate(recorded.entries[place].arguments):
            pull = node.rule.pulls[position]
            if argument in users and pull is not None:
                users[argument].append((place, position))
    first = 0 if alone else len(view.nodes)
    ids = {place: first + i for i, place in enumerate(order)}
    nodes = [_cotangent(sheet, place, ids[place], users[place]) for place in order]
    edges = []
    for place in order:
        for position, (user, argument) in enumerate(users[place]):
            owner: Any = recorded.entries[user].node
            part = None
            if len(users[place]) > 1:
                part = numbers(contribution(recorded, owner, argument))
            edges.append(EdgeView(ids[user], ids[place], position, None, part))
        if not alone:
            read = {source for user in users[place] for source in _read_by(sheet, *user)}
            edges += [
                EdgeView(source, ids[place], len(users[place]) + i, READ)
                for i, source in enumerate(sorted(read))
            ]
    before = ((), ()) if alone else (view.nodes, view.edges)
    return replace(
        view,
        nodes=(*before[0], *nodes),
        edges=(*before[1], *edges),
        checks=() if alone else view.checks,
    )


def _cotangent(sheet: Sheet, place: int, own: int, users: list[tuple[int, int]]) -> NodeView:
    recorded = sheet.recorded
    node: Any = recorded.entries[place].node
    result = _called(sheet, recorded.places[recorded.roots[0]])
    rules = [recorded.entries[user].node.rule.name for user, _ in users]  # type: ignore[union-attr]
    op = "seed" if not rules else f"pull of {rules[0]}" if len(rules) == 1 else "sum of pulls"
    ct = recorded.cotangents.get(node)
    return NodeView(
        own, op, f"∂{result}/∂{_called(sheet, place)}", lengths(node.shape),
        str(node.dtype), "cotangent", phase="backward",
        value=numbers(ct), statistics=statistics(ct),
        commutes=True,
        words="adds up what every use of the value sends back" if len(rules) > 1 else "",
    )  # fmt: skip


def _called(sheet: Sheet, place: int) -> str:
    node: Any = sheet.recorded.entries[place].node
    return sheet.names[place] or f"{node.rule.name}{'' if isinstance(node, Leaf) else f' {place}'}"


def _read_by(sheet: Sheet, user: int, position: int) -> list[int]:
    """Return the places of what the pull for one argument reads: the result, and arguments."""
    entry = sheet.recorded.entries[user]
    node: Node | None = entry.node
    if node is None:
        return []
    out, *arguments = node.rule.saves(1 << position)
    found = [user] if out else []
    found += [place for place, reads in zip(entry.arguments, arguments, strict=False) if reads]
    return found
