"""Ranks of a picture's nodes: how far each is from the start, leaves just before their use."""

from __future__ import annotations

from tinygrad_bp.view.records import Picture

WIDE = 13  # ranks from left to right that a page is wide enough for


def ranks(view: Picture) -> list[int]:
    """Return the rank of every node: the longest way to it; that of a leaf is next to its user."""
    rank = [0] * len(view.nodes)
    edges = [edge for edge in view.edges if not edge.loop]
    has_input = [False] * len(view.nodes)
    for edge in edges:
        has_input[edge.target] = True
    before: list[list[int]] = [[] for _ in view.nodes]
    for edge in edges:
        before[edge.target].append(edge.source)
    for node in view.nodes:
        rank[node.id] = max((rank[source] + 1 for source in before[node.id]), default=0)
    nearest: dict[int, int] = {}
    for edge in edges:
        nearest[edge.source] = min(rank[edge.target], nearest.get(edge.source, rank[edge.target]))
    for node in view.nodes:
        if not has_input[node.id] and node.id in nearest:
            rank[node.id] = nearest[node.id] - 1
    return rank


def direction(view: Picture) -> str:
    """Return ``"LR"``, or ``"TB"`` where that would be too wide to read."""
    return "LR" if max(ranks(view), default=0) < WIDE else "TB"
