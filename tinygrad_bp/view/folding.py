"""Large pictures made small: parts folded into one node, repeated blocks into one with a count.

Everything here takes a `Picture` and gives another; time is linear in the nodes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from tinygrad_bp.errors import TinygradError
from tinygrad_bp.view.kinds import KINDS
from tinygrad_bp.view.records import CheckView, EdgeView, NodeView, Picture

COMFORTABLE = 150  # nodes that one can read; more are folded
LARGEST = 1000  # nodes that are drawn without `force`
LONGEST_BLOCK = 48  # operations of a block whose repetitions are looked for
WIRES = 4  # arguments whose wiring may be alike in two ways; most operations have fewer
FEWEST = 3  # repetitions that are worth a count
DEEPEST = 12  # nesting of scopes that automatic folding looks into


class GraphTooLargeError(TinygradError, ValueError):
    """A graph with more nodes than anybody could read; the message says how to fold it."""


def drawable(view: Picture, *, force: bool = False) -> Picture:
    """Return what to draw of a picture: all of it, or folded where it has more than 150 nodes.

    Raises
    ------
    GraphTooLargeError
        If more than 1000 nodes are left and `force` is false.
    """
    if force:
        return view
    drawn = folded(view) if len(view.nodes) > COMFORTABLE else view
    if len(drawn.nodes) > LARGEST:
        raise GraphTooLargeError(
            f"graph: {len(drawn.nodes)} nodes to draw (of {len(view.nodes)}) is more than"
            f" {LARGEST}, which nobody could read; name parts with tg.scope and fold them"
            " (.folded(0)), look at one node with focus=, or pass force=True"
        )
    return drawn


def folded(view: Picture, depth: int | None = None) -> Picture:
    """Fold scopes deeper than `depth`; by default as few as leave 150 nodes, then repetitions."""
    if depth is not None:
        return _fold_scopes(view, depth)
    view = _collapse_repeats(view)
    if len(view.nodes) <= COMFORTABLE:
        return view
    deepest = min(max((len(node.scope) for node in view.nodes), default=0), DEEPEST)
    best = view
    for level in range(deepest - 1, -1, -1):
        best = _collapse_repeats(_fold_scopes(view, level))
        if len(best.nodes) <= COMFORTABLE:
            break
    return best


def _fold_scopes(view: Picture, depth: int) -> Picture:
    """Make one node of each run of operations in the same scope below `depth`, with its leaves.

    A run is consecutive in the topological order, so that no circle can come of it.
    """
    group: dict[int, int] = {}
    paths: list[tuple[str, ...]] = []
    last: tuple[str, ...] | None = None
    for node in view.nodes:
        if KINDS[node.kind].is_source:
            continue
        path = node.scope[: depth + 1] if len(node.scope) > depth else None
        if path is None or KINDS[node.kind].is_end:
            last = None
            continue
        if path != last:
            paths.append(path)
            last = path
        group[node.id] = len(paths) - 1
    _take_sources(view, group)
    return _contracted(view, group, lambda number, members: _folded_node(paths[number], members))


def _take_sources(view: Picture, group: dict[int, int]) -> None:
    """Put leaves and constants that only one group uses into it."""
    users: dict[int, set[int | None]] = {}
    for edge in view.edges:
        users.setdefault(edge.source, set()).add(group.get(edge.target))
    for node in view.nodes:
        of = users.get(node.id, {None})
        if KINDS[node.kind].is_source and len(of) == 1 and None not in of:
            group[node.id] = next(iter(of))  # type: ignore[assignment]  # None was just excluded


def _folded_node(path: tuple[str, ...], members: Sequence[NodeView]) -> NodeView:
    last = members[-1]
    operations = sum(node.count for node in members if not KINDS[node.kind].is_source)
    return replace(
        last, op="scope", name=path[-1], kind="scope", scope=path[:-1], count=operations,
        detail="", words="", formula="", tex="", pulls=(), links=None, is_sum=False, commutes=True,
    )  # fmt: skip


def _contracted(
    view: Picture,
    group: dict[int, int],
    merge: Callable[[int, Sequence[NodeView]], NodeView],
) -> Picture:
    """Merge the nodes of each group into one, which stands where its last member stood."""
    members: dict[int, list[NodeView]] = {}
    for node in view.nodes:
        if node.id in group:
            members.setdefault(group[node.id], []).append(node)
    nodes: list[NodeView] = []
    ids: dict[int, int] = {}
    for node in view.nodes:
        number = group.get(node.id)
        if number is None:
            ids[node.id] = len(nodes)
            nodes.append(node)
        elif members[number][-1] is node:
            ids.update((one.id, len(nodes)) for one in members[number])
            nodes.append(merge(number, members[number]))
    return _renumbered(view, nodes, ids)


def _renumbered(view: Picture, nodes: Sequence[NodeView], ids: dict[int, int]) -> Picture:
    """Return the picture of `nodes`; an edge within one of them or backwards is dropped."""
    kept: dict[tuple[int, int, int], EdgeView] = {}
    merged = [node.kind == "scope" for node in nodes]
    for edge in view.edges:
        source, target = ids[edge.source], ids[edge.target]
        if source >= target:
            continue
        into_scope = merged[target]
        position = 0 if into_scope else edge.position
        if (source, target, position) not in kept:
            part = None if into_scope else edge.contribution
            argument = None if into_scope else edge.argument
            kept[source, target, position] = EdgeView(source, target, position, argument, part)
    edges = sorted(kept.values(), key=lambda edge: (edge.target, edge.position, edge.source))
    checks = tuple(
        CheckView(ids[one.node], one.differences, one.error)
        for one in view.checks
        if nodes[ids[one.node]].kind != "scope"
    )
    numbered = tuple(replace(node, id=place) for place, node in enumerate(nodes))
    return replace(view, nodes=numbered, edges=tuple(edges), checks=checks)


# Repeated blocks


def _collapse_repeats(view: Picture) -> Picture:
    """Draw a block of operations that repeats at least three times in a row once, with a count."""
    operations = [node for node in view.nodes if not KINDS[node.kind].is_source]
    found = list(_runs(_Signatures(view, operations)))
    if not found:
        return view
    first: dict[int, int] = {}  # node -> the node of the first repetition that stands for it
    count: dict[int, int] = {}
    for start, period, times in found:
        for place in range(start, start + period * times):
            own = operations[place].id
            stands = operations[start + (place - start) % period].id
            first[own] = stands
            count[stands] = count.get(stands, 0) + operations[place].count
    _repeated_sources(view, first, count)
    kept = [node for node in view.nodes if first.get(node.id, node.id) == node.id]
    places = {node.id: place for place, node in enumerate(kept)}
    ids = {node.id: places[first.get(node.id, node.id)] for node in view.nodes}
    nodes = [_counted(node, count.get(node.id, node.count)) for node in kept]
    return _renumbered(view, nodes, ids)


def _counted(node: NodeView, count: int) -> NodeView:
    if count == node.count:
        return node
    return replace(node, count=count, value=None, cotangent=None, statistics=None, links=None)


class _Signatures:
    """What makes two operations alike: operation, shape, kinds of leaves, and wiring.

    Wiring is alike where an argument was computed as many steps before, or is the very same node.
    """

    def __init__(self, view: Picture, operations: Sequence[NodeView]) -> None:
        place = {node.id: i for i, node in enumerate(operations)}
        leaves = {node.id: (node.kind, node.shape, node.dtype) for node in view.nodes}
        count = len(operations)
        self.back = np.zeros((WIRES, count), dtype=np.int64)  # steps back to each argument
        self.same = np.full((WIRES, count), -1, dtype=np.int64)  # or which it is
        rest: list[list[Any]] = [[] for _ in operations]
        for edge in view.edges:
            own, before = place.get(edge.target), place.get(edge.source)
            if own is None:
                continue
            if before is None:
                rest[own].append((edge.position, leaves[edge.source]))
            elif edge.position < WIRES:
                self.back[edge.position, own] = own - before
                self.same[edge.position, own] = before
            else:
                rest[own].append((edge.position, own - before))
        rows = [(node.op, node.kind, node.shape, node.dtype, node.detail) for node in operations]
        self.operation = _numbered(rows)
        self.kind = _numbered([(row, *wires) for row, wires in zip(rows, rest, strict=True)])

    def alike(self, period: int) -> np.ndarray[Any, Any]:
        """Return whether each operation is like the one `period` steps before it."""
        found: np.ndarray[Any, Any] = self.kind[period:] == self.kind[:-period]
        for back, same in zip(self.back, self.same, strict=True):
            wired = (back[period:] == back[:-period]) | (same[period:] == same[:-period])
            found &= wired
        return found


def _numbered(rows: Sequence[Any]) -> np.ndarray[Any, Any]:
    """Return a number for each row: the same for equal ones."""
    known: dict[Any, int] = {}
    return np.array([known.setdefault(row, len(known)) for row in rows], dtype=np.int64)


def _runs(signatures: _Signatures) -> Iterable[tuple[int, int, int]]:
    """Yield (start, period, times) of the repetitions, short periods first, none overlapping."""
    count = len(signatures.kind)
    taken = np.zeros(count, dtype=bool)
    for period in range(1, min(LONGEST_BLOCK, count // FEWEST) + 1):
        alike = signatures.alike(period) & ~taken[period:] & ~taken[:-period]
        steps = np.flatnonzero(np.diff(np.concatenate([[False], alike, [False]])))
        for begin, end in zip(steps[::2].tolist(), steps[1::2].tolist(), strict=True):
            # the first of them reads what was given, and not what the one before has computed
            alone = signatures.operation
            for _ in range(period - 1 if period > 1 else 1):
                if begin and alone[begin - 1] == alone[begin - 1 + period] and not taken[begin - 1]:
                    begin -= 1
            times = (end - begin) // period + 1
            span = slice(begin, begin + times * period)
            if times >= FEWEST and not taken[span].any():
                taken[span] = True
                yield begin, period, times


def _repeated_sources(view: Picture, first: dict[int, int], count: dict[int, int]) -> None:
    """Let the leaf of the first repetition stand for those that the others use in its place."""
    users: dict[int, list[EdgeView]] = {}
    for edge in view.edges:
        users.setdefault(edge.source, []).append(edge)
    standing: dict[tuple[int, int], int] = {}
    for node in view.nodes:
        edges = users.get(node.id, [])
        if not KINDS[node.kind].is_source or len(edges) != 1 or edges[0].target not in first:
            continue
        key = (first[edges[0].target], edges[0].position)
        stands = standing.setdefault(key, node.id)
        if stands != node.id:
            first[node.id] = stands
            count[stands] = count.get(stands, 1) + node.count
