"""Repetition found in the structure itself: a block of operations that runs n times, drawn once.

What is drawn says all that was there: every edge of the folded picture stands for edges of the
graph by a rule (the same repetition, the next one, the first, the last, each), and a block whose
edges follow no such rule is not folded.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from tinygrad_bp.view.picture.kinds import KINDS
from tinygrad_bp.view.picture.records import NUMBERED, EdgeView, NodeView, Picture, renumbered
from tinygrad_bp.view.picture.runs import FEWEST, NUMBER, Run, runs_of

SINGLES = 3  # edges to repetitions here and there that are drawn one by one
REPEATED = "repeated ×"  # begins the title of the box around a block

Ends = tuple[int, int]  # repetitions of source and target; 0 outside of blocks
Key = tuple[int, int, int]  # the nodes drawn for source and target, position


def collapsed(view: Picture, opened: frozenset[str] = frozenset()) -> Picture:
    """Draw a block of operations that repeats at least three times in a row once, with a count.

    Blocks whose title is in `opened` are drawn repetition by repetition.
    """
    if any(node.times > 1 for node in view.nodes):
        return view
    operations = [node for node in view.nodes if not KINDS[node.kind].is_source]
    folding = _regular(view, operations, runs_of(view, operations))
    if folding is None:
        return view
    left = [run for run, title in folding.titles.items() if title not in opened]
    if len(left) < len(folding.titles):
        titles = folding.titles
        folding = _regular(view, operations, left)
        if folding is None:
            return view
        folding.titles |= {run: titles[run] for run in folding.titles if run in titles}
    return folding.picture()


def _regular(view: Picture, operations: Sequence[NodeView], runs: Sequence[Run]) -> _Folding | None:
    """Return the folding of those runs of which it can say all; None if there are none."""
    while runs:
        folding = _Folding(view, operations, runs)
        if not folding.irregular:
            return folding
        runs = [
            shorter
            for run in runs
            if (shorter := _shortened(run) if run in folding.irregular else run) is not None
        ]
    return None


def repetitions(view: Picture) -> Iterator[tuple[list[int], int, int]]:
    """Yield the blocks that repeat: ids of all operations, how many make one, and how often."""
    operations = [node for node in view.nodes if not KINDS[node.kind].is_source]
    for run in runs_of(view, operations):
        whole = operations[run.start : run.start + run.period * run.times]
        yield [node.id for node in whole], run.period, run.times


def _shortened(run: Run) -> Run | None:
    """Return a run without its first block, which may read what the others do not; or None."""
    if run.times <= FEWEST:
        return None
    return Run(run.start + run.period, run.period, run.times - 1)


def block_of(node: NodeView) -> str | None:
    """Return the title of the repeated block that a node belongs to, None if it is in none."""
    if node.times == 1:
        return None
    return next(one for one in node.scope if one.startswith(REPEATED))


class _Folding:
    """A picture with each run drawn once, and those runs of which it could not say all.

    Attributes
    ----------
    irregular : set of Run
        Whose edges follow no rule.
    titles : dict of Run to str
        What the box around each is called: no two the same.
    """

    def __init__(self, view: Picture, operations: Sequence[NodeView], runs: Sequence[Run]) -> None:
        self.view = view
        self.run: dict[int, Run] = {}  # of each node in one
        self.turn: dict[int, int] = {}  # the repetition that it belongs to
        self.stands: dict[int, int] = {}  # the node that is drawn for it
        for run in runs:
            for i in range(run.period * run.times):
                own = operations[run.start + i].id
                self.run[own], self.turn[own] = run, i // run.period
                self.stands[own] = operations[run.start + i % run.period].id
        self._take_sources()
        self.irregular: set[Run] = set()
        self.edges: list[EdgeView] = []
        for key, edges in self._merged().items():
            found = self._ruled(key, edges)
            if found is None:
                self.irregular |= {self.run[k] for k in key[:2] if k in self.run}
            else:
                self.edges += found
        self.titles = self._titles()

    def _take_sources(self) -> None:
        """Let one leaf stand for those that each repetition has of its own."""
        uses: dict[int, list[EdgeView]] = {}
        for edge in self.view.edges:
            if KINDS[self.view.nodes[edge.source].kind].is_source:
                uses.setdefault(edge.source, []).append(edge)
        groups: dict[Any, list[int]] = {}
        for leaf, edges in uses.items():
            if all(edge.target in self.run for edge in edges):
                turns = {(self.run[e.target], self.turn[e.target]) for e in edges}
                where = frozenset((self.stands[e.target], e.position) for e in edges)
                look = self.view.nodes[leaf]
                if len({turn for _, turn in turns}) == 1:
                    key = (where, look.kind, look.shape, look.dtype)
                    groups.setdefault(key, []).append(leaf)
        for (where, *_), leaves in groups.items():
            run = self.run[min(where)[0]]
            turns_of = [self.turn[uses[leaf][0].target] for leaf in leaves]
            if sorted(turns_of) == list(range(run.times)):
                stands = leaves[turns_of.index(0)]
                for leaf, turn in zip(leaves, turns_of, strict=True):
                    self.run[leaf], self.turn[leaf], self.stands[leaf] = run, turn, stands

    def _merged(self) -> dict[Key, list[EdgeView]]:
        """Return the edges by what is drawn for their ends."""
        found: dict[Key, list[EdgeView]] = {}
        collected: dict[tuple[int, int], int] = {}
        for edge in self.view.edges:
            source = self.stands.get(edge.source, edge.source)
            target = self.stands.get(edge.target, edge.target)
            position = edge.position
            if source in self.run and target not in self.run:  # one array put together from all
                position = collected.setdefault((source, target), position)
            found.setdefault((source, target, position), []).append(edge)
        return found

    def _ruled(self, key: Key, edges: Sequence[EdgeView]) -> list[EdgeView] | None:
        """Return the edges that say what these are, None if they follow no rule."""
        source, target, position = key
        one = replace(edges[0], source=source, target=target, position=position)
        before, after = self.run.get(source), self.run.get(target)
        if before is after is None:
            return [one]
        one = replace(one, contribution=None)
        ends = [(self.turn.get(e.source, 0), self.turn.get(e.target, 0)) for e in edges]
        if before is not None and after is not None and before.times == after.times:
            lags = {j - i for i, j in ends}
            lag = min(lags)
            if len(lags) == 1 and len(ends) == before.times - lag:
                if before is after and lag >= 0:
                    return [replace(one, loop=lag)]
                if lag == 0:
                    return [one]
            if before is after:
                return None
        return self._told(one, ends, edges)

    def _told(
        self, one: EdgeView, ends: Sequence[Ends], edges: Sequence[EdgeView]
    ) -> list[EdgeView] | None:
        """Return edges that name the repetitions at their ends."""
        before, after = self.run.get(one.source), self.run.get(one.target)
        sources, targets = sorted({i for i, _ in ends}), sorted({j for _, j in ends})
        n, m = before.times if before else 1, after.times if after else 1
        if len(ends) == len(sources) * len(targets):  # all these with all those
            to_each = after is not None and len(targets) == m
            of_each = before is not None and len(sources) == n
            if (to_each or len(targets) == 1) and (of_each or len(sources) == 1):
                of = "" if before is None else "each" if of_each else _ordinal(sources[0], n)
                to = "" if after is None else "each" if to_each else _ordinal(targets[0], m)
                return [replace(one, of=of, to=to)]
        if len(ends) <= SINGLES:
            return [
                replace(
                    one,
                    position=edge.position,
                    argument=edge.argument,
                    of="" if before is None else _ordinal(i, n),
                    to="" if after is None else _ordinal(j, m),
                )
                for (i, j), edge in zip(ends, edges, strict=True)
            ]
        return None

    def picture(self) -> Picture:
        """Return the picture."""
        members: dict[int, list[NodeView]] = {}
        around: dict[Run, tuple[str, ...]] = {}  # the scopes that all of a block is in
        for node in self.view.nodes:
            members.setdefault(self.stands.get(node.id, node.id), []).append(node)
            run = self.run.get(node.id)
            if run is not None:
                around[run] = tuple(_same([around.get(run, node.scope), node.scope]))
        for of_one in members.values():  # leaves may have been made in another order
            of_one.sort(key=lambda one: self.turn.get(one.id, 0))
        nodes = [
            _counted(members[node.id], self.run.get(node.id), self.titles, around)
            for node in self.view.nodes
            if self.stands.get(node.id, node.id) == node.id
        ]
        return renumbered(self.view, nodes, self.edges)

    def _titles(self) -> dict[Run, str]:
        seen: dict[str, int] = {}
        titles = {}
        for run in dict.fromkeys(self.run.values()):
            title = f"{REPEATED}{run.times}"
            seen[title] = number = seen.get(title, 0) + 1
            titles[run] = title if number == 1 else f"{title} ({number})"
        return titles


def _counted(
    members: Sequence[NodeView],
    run: Run | None,
    titles: dict[Run, str],
    around: dict[Run, tuple[str, ...]],
) -> NodeView:
    """Return the node that stands for all repetitions of one, with what they have in common."""
    node = members[0]
    if run is None:
        return node
    same_value = all(other.value == node.value for other in members)
    is_value = KINDS[node.kind].is_its_value and same_value
    return replace(
        node,
        name=_common([other.name for other in members]),
        detail=_common([other.detail for other in members]) or "",
        scope=(*around[run], titles[run], *_inside(members, len(around[run]))),
        times=run.times,
        count=sum(other.count for other in members),
        value=node.value if is_value else None,
        statistics=node.statistics if is_value else None,
        cotangent=None,
        links=None,
    )


def _same(scopes: Sequence[tuple[str, ...]]) -> Iterator[str]:
    """Yield the names of the scopes that all are in."""
    for names in zip(*scopes, strict=False):
        if len({*names}) > 1:
            return
        yield names[0]


def _inside(members: Sequence[NodeView], depth: int) -> Iterator[str]:
    """Yield what the scopes of all repetitions below a depth are called."""
    for names in zip(*(other.scope[depth:] for other in members), strict=False):
        yield _common(names) or names[0]


def _common(texts: Sequence[str | None]) -> str | None:
    """Return what texts have in common: one itself, or with … for those numbers that differ."""
    known = [text for text in texts if text is not None]
    if len(known) < len(texts):
        return None
    plain = [NUMBERED.sub("", text) for text in known]
    for one in (known, plain) if len({*plain}) > 1 or len({*known}) == 1 else (plain,):
        pieces = [NUMBER.split(text) for text in one]
        if all(words[::2] == pieces[0][::2] for words in pieces):
            same = [len({*column}) == 1 for column in zip(*pieces, strict=True)]
            told = "".join(p if alike else "…" for p, alike in zip(pieces[0], same, strict=True))
            return told.replace(".….", "…")  # blocks…W, which is no row of five dots
    return None


def _ordinal(turn: int, times: int) -> str:
    """Return which repetition it is: ``first``, ``last``, ``no. 3``."""
    return "first" if turn == 0 else "last" if turn == times - 1 else f"no. {turn + 1}"
