"""Edges from one row to another: a mark where an arrow leaves its row, and one where it goes on.

A line from the end of a row around to the next, or past several rows, is longer than what it says.
A number in a circle says the same, as flowcharts have it (ISO 5807, "connector"); a leaf that is
used in another row has a tag there with its name, as in `tags`.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from tinygrad_bp.view.layout.layering import FAN, Broken
from tinygrad_bp.view.picture.kinds import KINDS, MARK
from tinygrad_bp.view.picture.records import EdgeView, NodeView, Picture, renumbered
from tinygrad_bp.view.picture.tags import Tagged, with_name


def continued(drawn: Tagged, folds: Broken) -> tuple[Tagged, Broken]:
    """Return a picture in rows of which no edge, but loops back, leads from one to another.

    The marks and the tags are among its nodes; each has the id of what it stands for.
    """
    rows = [bisect_right(folds.breaks, rank) for rank in folds.rank]
    view = drawn.view
    across = [not one.loop and rows[one.source] != rows[one.target] for one in view.edges]
    if not any(across):
        return drawn, folds
    new = _New(drawn, folds)
    edges = list(view.edges)
    for k in range(len(edges)):
        if across[k]:
            new.reads[edges[k].source, rows[edges[k].target]] += 1
    order = sorted(range(len(edges)), key=lambda k: folds.rank[edges[k].target])
    for k in order:  # the first that reads a source in a row has the mark before it
        if across[k]:
            edge = edges[k]
            edges[k] = replace(edge, source=new.entry(edge, rows[edge.target]))
    return new.placed([*edges, *new.leaving])


class _New:
    """The marks and tags of a picture."""

    def __init__(self, drawn: Tagged, folds: Broken) -> None:
        self.drawn, self.rank, self.breaks = drawn, folds.rank, folds.breaks
        self.reads: Counter[tuple[int, int]] = Counter()  # of what in which row
        self.nodes: dict[int, list[NodeView]] = {}  # by what they stand for
        self.ranks: list[int] = []
        self.entries: dict[tuple[int, int], int] = {}
        self.leaving: list[EdgeView] = []

    def entry(self, edge: EdgeView, row: int) -> int:
        """Return what stands in a row for the source of an edge that leads there."""
        place = edge.source, row
        if place not in self.entries:
            source = self.drawn.view.nodes[edge.source]
            if KINDS[source.kind].is_source:
                found = with_name(source)
            else:
                if source.id not in self.nodes:
                    exit_ = self._add(source, self._mark(source), self.rank[source.id] + 1)
                    self.leaving.append(EdgeView(source.id, exit_, 0))
                scope = self.drawn.view.nodes[edge.target].scope
                found = replace(self.nodes[source.id][0], scope=scope)
            own = self.rank[edge.target] - 1
            if self.reads[place] >= FAN:  # its edges run between the leaves of what reads it
                own = max(own - 1, self.breaks[row - 1])
            self.entries[place] = self._add(source, found, own)
        return self.entries[place]

    def _mark(self, source: NodeView) -> NodeView:
        number = str(len(self.leaving) + 1)
        return NodeView(0, number, None, (), "", MARK, source.scope, source.phase)

    def _add(self, source: NodeView, node: NodeView, rank: int) -> int:
        own = len(self.drawn.view.nodes) + len(self.ranks)
        self.nodes.setdefault(source.id, []).append(replace(node, id=own))
        self.ranks.append(rank)
        return own

    def placed(self, edges: Sequence[EdgeView]) -> tuple[Tagged, Broken]:
        """Return the picture with new ids: a node is followed by what stands for it."""
        nodes: list[NodeView] = []
        ids: list[int] = []
        rank: list[int] = []
        tags: set[int] = set()
        ranks = (*self.rank, *self.ranks)
        for node in self.drawn.view.nodes:
            beside = self.nodes.get(node.id, [])
            named = beside and beside[0].kind != MARK
            own = with_name(node) if named else node
            for one in (own, *beside):
                if one.id in self.drawn.tags or (named and one is not own):
                    tags.add(len(nodes))
                nodes.append(one)
                ids.append(self.drawn.ids[node.id])
                rank.append(ranks[one.id])
        view = renumbered(self.drawn.view, nodes, edges)
        return Tagged(view, tuple(ids), frozenset(tags)), apart(view, Broken(rank, self.breaks))


def apart(view: Picture, folds: Broken) -> Broken:
    """Return the columns with one more for the marks that would stand above or below a box.

    It is where a box begins beside them, which they do not belong to.
    """
    first: dict[tuple[int, tuple[str, ...]], int] = {}
    for node in view.nodes:
        for depth in range(1, len(node.scope) + 1):
            own = folds.rank[node.id]
            box = bisect_right(folds.breaks, own), node.scope[:depth]
            first[box] = min(own, first.get(box, own))
    begun: dict[int, list[tuple[str, ...]]] = {}
    for (_, scope), rank in first.items():
        begun.setdefault(rank, []).append(scope)
    leaving = {
        edge.target
        for edge in view.edges
        if view.nodes[edge.target].kind == MARK
        and any(
            view.nodes[edge.target].scope[: len(scope)] != scope
            for scope in begun.get(folds.rank[edge.target], ())
        )
    }
    new = {folds.rank[i] for i in leaving}
    return Broken(
        [
            own + sum(one < own or (one == own and i not in leaving) for one in new)
            for i, own in enumerate(folds.rank)
        ],
        [begin + sum(one < begin for one in new) for begin in folds.breaks],
    )
