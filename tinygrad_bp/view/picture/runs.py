"""Blocks of operations that are alike, one after the other: where they may be drawn once."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tinygrad_bp.view.picture.kinds import KINDS
from tinygrad_bp.view.picture.records import NUMBERED, NodeView, Picture

LONGEST_BLOCK = 48  # operations of a block whose repetitions are looked for
WIRES = 4  # arguments whose wiring may be alike in two ways; most operations have fewer
FEWEST = 3  # repetitions that are worth a count
NUMBER = re.compile(r"(\d+)")


@dataclass(frozen=True)
class Run:
    """A block of `period` operations from the one at `start` on, `times` times in a row."""

    start: int
    period: int
    times: int

    @property
    def saved(self) -> int:
        """How many operations fewer are drawn."""
        return self.period * (self.times - 1)


def runs_of(view: Picture, operations: Sequence[NodeView]) -> list[Run]:
    """Return the blocks that save most, none overlapping."""
    return _chosen(list(_candidates(_Signatures(view, operations))))


class _Signatures:
    """What makes two operations alike: operation, shape, kinds of leaves, and wiring.

    Wiring is alike where an argument was computed as many steps before, or is the very same node,
    or where it comes from one repetition after the other of a block before.
    A leaf that operations of one kind share is itself; one that each has of its own is of a kind.
    """

    def __init__(self, view: Picture, operations: Sequence[NodeView]) -> None:
        place = {node.id: i for i, node in enumerate(operations)}
        rows = [_row(node) for node in operations]
        count = len(operations)
        self.back = np.zeros((WIRES, count), dtype=np.int64)  # steps back to each argument
        self.same = np.full((WIRES, count), -1, dtype=np.int64)  # or which it is
        self.operation = _numbered(rows)
        shared = _shared(view, place, self.operation)
        rest: list[list[Any]] = [[] for _ in operations]
        for edge in view.edges:
            own, before = place.get(edge.target), place.get(edge.source)
            if own is None:
                continue
            if before is None:
                leaf = view.nodes[edge.source]
                told = edge.source if edge.source in shared else (leaf.kind, leaf.shape, leaf.dtype)
                rest[own].append((edge.position, told))
            elif edge.position < WIRES:
                self.back[edge.position, own] = own - before
                self.same[edge.position, own] = before
            else:
                rest[own].append((edge.position, own - before))
        self.kind = _numbered([(row, *wires) for row, wires in zip(rows, rest, strict=True)])

    def alike(self, period: int) -> np.ndarray[Any, Any]:
        """Return whether each operation is like the one `period` steps before it."""
        found: np.ndarray[Any, Any] = self.kind[period:] == self.kind[:-period]
        for back, same in zip(self.back, self.same, strict=True):
            wired = (back[period:] == back[:-period]) | (same[period:] == same[:-period])
            found &= wired | _is_steady(same, period)
        return found


def _is_steady(places: np.ndarray[Any, Any], period: int) -> np.ndarray[Any, Any]:
    """Return whether each place is as far behind the one `period` before as that, or the next."""
    apart = places[period:] - places[:-period]
    apart[(places[period:] < 0) | (places[:-period] < 0)] = 0
    again = (apart[period:] == apart[:-period]) & (apart[period:] > 0)
    steady = np.zeros(len(apart), dtype=bool)
    steady[period:] |= again
    steady[: len(again)] |= again
    return steady


def _row(node: NodeView) -> tuple[Any, ...]:
    detail = NUMBER.sub("…", node.detail) if node.detail.startswith("[") else node.detail
    part = (NUMBERED.sub("", node.name or ""), node.count) if KINDS[node.kind].holds else ()
    return node.op, node.kind, node.shape, node.dtype, detail, part


def _shared(view: Picture, place: dict[int, int], operation: Any) -> set[int]:
    """Return the leaves that several operations of one kind use as the same argument."""
    seen: set[tuple[int, int, int]] = set()
    shared = set()
    for edge in view.edges:
        if edge.target in place and edge.source not in place:
            use = (edge.source, int(operation[place[edge.target]]), edge.position)
            if use in seen:
                shared.add(edge.source)
            seen.add(use)
    return shared


def _numbered(rows: Sequence[Any]) -> np.ndarray[Any, Any]:
    """Return a number for each row: the same for equal ones."""
    known: dict[Any, int] = {}
    return np.array([known.setdefault(row, len(known)) for row in rows], dtype=np.int64)


def _candidates(signatures: _Signatures) -> Iterator[Run]:
    """Yield all repetitions, of every period, whether they overlap or not."""
    count = len(signatures.kind)
    alone = signatures.operation
    for period in range(1, min(LONGEST_BLOCK, count // FEWEST) + 1):
        alike = signatures.alike(period)
        steps = np.flatnonzero(np.diff(np.concatenate([[False], alike, [False]])))
        for begin, end in zip(steps[::2].tolist(), steps[1::2].tolist(), strict=True):
            # the first of them reads what was given, and not what the one before has computed
            for _ in range(period):
                if begin > 0 and alone[begin - 1] == alone[begin - 1 + period]:
                    begin -= 1
            times, beyond = divmod(end + period - begin, period)
            if times >= FEWEST:
                yield Run(begin + beyond, period, times)


def _chosen(candidates: Sequence[Run]) -> list[Run]:
    """Return those that save most, none overlapping."""
    taken: set[int] = set()
    found = []
    for run in sorted(candidates, key=lambda run: (-run.saved, run.period)):
        span = range(run.start, run.start + run.period * run.times)
        if taken.isdisjoint((span[0], span[-1])) and taken.isdisjoint(span):
            taken.update(span)
            found.append(run)
    return sorted(found, key=lambda run: run.start)
