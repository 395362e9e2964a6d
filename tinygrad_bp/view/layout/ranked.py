"""Nodes in columns, with dummies where an edge passes one: what the steps of the layout share."""

from __future__ import annotations

from dataclasses import dataclass, field

Point = tuple[float, float]
Rectangle = tuple[float, float, float, float]  # left, top, right, low


@dataclass
class Ranked:
    """Nodes and dummies by column; a dummy's number is beyond those of the nodes.

    Attributes
    ----------
    columns : list of list of int
        Each from top to bottom.
    above, below : list of list of int
        Of each node and dummy, what it is joined with in the column before and after.
    dummies : list of list of int
        Of each edge.
    ends : dict of int to (int, int)
        Of each dummy, the nodes that its edge joins.
    pull : list of float
        How hard each keeps its way straight.
    """

    columns: list[list[int]]
    above: list[list[int]] = field(default_factory=list)
    below: list[list[int]] = field(default_factory=list)
    dummies: list[list[int]] = field(default_factory=list)
    ends: dict[int, tuple[int, int]] = field(default_factory=dict)
    pull: list[float] = field(default_factory=list)
