"""Large pictures made small: parts folded into one node; `repeats` draws repeated blocks once.

Everything here takes a `Picture` and gives another; time is linear in the nodes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import partial

from tinygrad_bp.errors import TinygradError
from tinygrad_bp.formulas.printing import shortened
from tinygrad_bp.view.picture.kinds import KINDS
from tinygrad_bp.view.picture.records import EdgeView, NodeView, Numbers, Picture, renumbered
from tinygrad_bp.view.picture.repeats import block_of, collapsed

COMFORTABLE = 40  # nodes that one can read; more are folded
ELEMENTS = 150  # at the scalar level, where whoever asks wants to see the numbers
LARGEST = 1000  # nodes that are drawn without `force`
NOTED = 3  # of what was folded, that a note lists
LISTED = 12  # and an error
CALL = "tg.graph(..., unfold={0})"
UNFOLD = CALL + " opens {1}"
CALLED = 60  # characters of what opens one
DEEPEST = 12  # nesting of scopes that automatic folding looks into


Fold = Callable[[frozenset[str]], Picture]


class GraphTooLargeError(TinygradError, ValueError):
    """A graph with more nodes than anybody could read; the message says how to fold it."""


def drawable(view: Picture, *, force: bool = False) -> Picture:
    """Return what to draw of a picture: all of it, or folded where it has more than 40 nodes.

    At the scalar level it is 150.  What `folded` has made is drawn as it is.

    Raises
    ------
    GraphTooLargeError
        If more than 1000 nodes are left and `force` is false.
    """
    if force:
        return view
    fits = view.is_folded or len(view.nodes) <= comfortable(view)
    drawn = view if fits else folded(view, None, view.unfold)
    if len(drawn.nodes) > LARGEST:
        raise GraphTooLargeError(
            f"graph: {len(drawn.nodes)} nodes to draw (of {len(view.nodes)}) is more than"
            f" {LARGEST}, which nobody could read; name parts with tg.scope and fold them"
            " (.folded(0)), look at one node with focus=, or pass force=True"
        )
    return drawn


def comfortable(view: Picture) -> int:
    """Return how many nodes of such a picture are drawn as they are."""
    return COMFORTABLE if view.level == "tensor" else ELEMENTS


def folded(view: Picture, depth: int | None = None, unfold: Iterable[str] = ()) -> Picture:
    """Fold scopes deeper than `depth`; by default repetitions, and as few scopes as leave 40 nodes.

    What is called in `unfold` is left open, see `opened`.  A note says what was folded and how to
    see it.
    """
    if depth is None:
        small, _ = opened(view, *foldable(view), unfold)
        small = noted(view, small, f"{UNFOLD}, force=True draws all")
    else:
        fold = partial(_fold_scopes, view, depth)
        small, _ = opened(view, fold(), fold, unfold)
        small = noted(view, small, f"folded({depth}, unfold={{}}) opens {{}}")
    return replace(small, is_folded=True, unfold=())


def checked(view: Picture, unfold: Iterable[str]) -> Picture:
    """Return a picture of which drawings also leave open what is called in `unfold`."""
    names = (unfold,) if isinstance(unfold, str) else tuple(unfold)
    if names:
        opened(view, *foldable(view), names)
    return replace(view, unfold=(*view.unfold, *names))


def opened(
    view: Picture, small: Picture, fold: Fold, unfold: Iterable[str]
) -> tuple[Picture, frozenset[str]]:
    """Return a picture with some of what is folded left open; and the keys of that.

    Scopes are called by their name, or by their path with slashes, and repeated blocks by the title
    of their box; around what is open all is open.

    Parameters
    ----------
    view, small : Picture
        Before and after folding.
    fold : callable
        Folds `view` but for what it is given the keys of.
    unfold : iterable of str

    Raises
    ------
    ValueError
        If nothing is called so; says what is folded.
    """
    found: frozenset[str] = frozenset()
    for name in (unfold,) if isinstance(unfold, str) else unfold:
        scopes = _called(view, name)
        keys = {key for key in blocks_of(small) if _is_called(key, name)}
        if not keys and not scopes and name not in found:
            raise ValueError(f"unfold={name!r:.60}: no part is called so; {_foldable_text(small)}")
        keys |= {"/".join(scope[:k]) for scope in scopes for k in range(1, len(scope) + 1)}
        if not keys <= found:
            found |= keys
            small = fold(found)
        for scope in scopes:  # that a repeated block may hold, with others
            for title in () if _is_seen(small, scope) else blocks_of(small):
                wider = fold(found | {title})
                if _is_seen(wider, scope):
                    found, small = found | {title}, wider
                    break
    return small, found


def _is_called(key: str, name: str) -> bool:
    """Return whether a key is meant; whoever types has no ×."""
    return name in (key, key.rpartition("/")[2], key.replace("×", "x"))


def _called(view: Picture, name: str) -> list[tuple[str, ...]]:
    """Return the scopes that are called so, by their name or path."""
    scopes = (node.scope[:k] for node in view.nodes for k in range(1, len(node.scope) + 1))
    return [one for one in dict.fromkeys(scopes) if name in (one[-1], "/".join(one))]


def _is_seen(small: Picture, scope: tuple[str, ...]) -> bool:
    return any(node.scope[: len(scope)] == scope for node in small.nodes)


def _foldable_text(small: Picture) -> str:
    keys = blocks_of(small)
    if not keys:
        return f"nothing is folded here: all {len(small.nodes)} nodes are drawn"
    rest = f" and {len(keys) - LISTED} more" if len(keys) > LISTED else ""
    return f"folded are {', '.join(shortened(repr(key), CALLED) for key in keys[:LISTED])}{rest}"


def foldable(view: Picture) -> tuple[Picture, Fold]:
    """Return a picture folded by itself, and what folds it so but for what is opened."""
    depth, small = comfortably(view)
    return small, partial(at_depth, view, depth)


def comfortably(view: Picture) -> tuple[int | None, Picture]:
    """Return how deep scopes stay open to leave 40 nodes, None for all of them; and the picture."""
    depth, best = None, collapsed(view)
    deepest = min(max((len(node.scope) for node in view.nodes), default=0), DEEPEST)
    for level in range(deepest - 1, -1, -1):
        if len(best.nodes) <= comfortable(view):
            break
        closer = at_depth(view, level)
        if len(closer.nodes) < len(best.nodes):
            depth, best = level, closer
    return depth, best


def at_depth(view: Picture, depth: int | None, opened: frozenset[str] = frozenset()) -> Picture:
    """Fold repetitions, and scopes deeper than `depth`, but for those that are `opened`."""
    return collapsed(view if depth is None else _fold_scopes(view, depth, opened), opened)


def blocks_of(small: Picture) -> list[str]:
    """Return the keys of what is folded in a picture and may be left open.

    That is the path of a scope, or the title of the box around a repeated block.
    """
    found: dict[str, None] = {}
    for node in small.nodes:
        title = block_of(node)
        if title is not None:
            found[title] = None
        elif KINDS[node.kind].holds and node.name is not None:
            found["/".join((*node.scope, node.name))] = None
    return list(found)


def noted(view: Picture, small: Picture, how: str) -> Picture:
    """Return the folded picture with a note of what was folded, if anything was.

    `how` says how to open it, with places for the names and for ``it`` or ``them``.
    """
    if len(small.nodes) == len(view.nodes):
        return small
    blocks = {block: node.times for node in small.nodes if (block := block_of(node))}
    parts = sum(KINDS[node.kind].holds != "" for node in small.nodes)
    told = [f"{parts} part{'s' if parts > 1 else ''}"] if parts else []
    told += [f"a block that repeats {times} times" for times in blocks.values()]
    listed = ", ".join(told[:NOTED]) + (f" and {len(told) - NOTED} more" if told[NOTED:] else "")
    keys = [shortened(repr(key), CALLED) for key in blocks_of(small)]
    names = keys[0] if len(keys) == 1 else f"[{', '.join(keys[:NOTED])}]"
    what = "it" if len(keys) == 1 else "some" if keys[NOTED:] else "them"
    opens = how.format(names, what)
    note = f"{len(view.nodes)} nodes are folded into {len(small.nodes)}: {listed}; {opens}"
    return replace(small, notes=(*small.notes, note))


def _fold_scopes(view: Picture, depth: int, opened: frozenset[str] = frozenset()) -> Picture:
    """Make one node of each run of operations in the same scope below `depth`, with its leaves.

    Scopes that are `opened`, by their paths with slashes, stay open.

    A run is consecutive in the topological order, so that no circle can come of it.
    """
    group: dict[int, int] = {}
    paths: list[tuple[str, ...]] = []
    last: tuple[str, ...] | None = None
    for node in view.nodes:
        if KINDS[node.kind].is_source:
            continue
        paths_here = (node.scope[:k] for k in range(depth + 1, len(node.scope) + 1))
        path = next((one for one in paths_here if "/".join(one) not in opened), None)
        if path is None or KINDS[node.kind].is_end:
            last = None
            continue
        if path != last:
            paths.append(path)
            last = path
        group[node.id] = len(paths) - 1
    _take_sources(view, group, paths)
    leaving = {
        edge.source for edge in view.edges if group.get(edge.source) != group.get(edge.target)
    }
    return _contracted(
        view, group, lambda number, members: _folded_node(paths[number], members, leaving)
    )


def _take_sources(view: Picture, group: dict[int, int], paths: Sequence[tuple[str, ...]]) -> None:
    """Put leaves and constants that only one group uses into it, if they are of its scope."""
    users: dict[int, set[int | None]] = {}
    for edge in view.edges:
        users.setdefault(edge.source, set()).add(group.get(edge.target))
    for node in view.nodes:
        of = users.get(node.id, {None})
        number = of.pop() if len(of) == 1 else None
        path = None if number is None else paths[number]
        if KINDS[node.kind].is_source and path and node.scope[: len(path)] == path:
            group[node.id] = number  # type: ignore[assignment]  # None has no path


def _folded_node(path: tuple[str, ...], members: Sequence[NodeView], leaving: set[int]) -> NodeView:
    """Return the node of a part; it shows the value that leaves it, if there is but one."""
    results = [node for node in members if node.id in leaving]
    shown = results[0] if len(results) == 1 else members[-1]
    if len(results) > 1:
        shown = replace(shown, shape=(), dtype="", value=None, cotangent=None, statistics=None)
    operations = sum(node.count for node in members if not KINDS[node.kind].is_source)
    return replace(
        shown, id=members[-1].id, op="scope", name=path[-1], kind="scope", scope=path[:-1],
        count=operations, detail="", words="a part that is folded", formula="", tex="", pulls=(),
        links=None, is_sum=False, commutes=True,
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
    """Return the picture of `nodes`, to which `ids` leads; an edge within one of them is dropped.

    Edges that become one add up what they contribute to one value; to several it is no number.
    """
    kept: dict[tuple[int, int, int], EdgeView] = {}
    sources: dict[tuple[int, int, int], int] = {}  # what they come from, before
    of = {place: node.id for place, node in enumerate(nodes)}
    for edge in view.edges:
        source, target = ids[edge.source], ids[edge.target]
        if source == target:
            continue
        one = replace(edge, source=of[source], target=of[target])
        if KINDS[nodes[target].kind].holds:
            one = replace(one, position=0, argument=None)
        key = (one.source, one.target, one.position)
        other = kept.get(key)
        if other is not None:
            alike = sources[key] == edge.source
            total = _total(one.contribution, other.contribution) if alike else None
            one = replace(one, contribution=total)
        kept[key], sources[key] = one, edge.source
    return renumbered(view, nodes, kept.values())


def _total(part: Numbers | None, other: Numbers | None) -> Numbers | None:
    if part is None or other is None:
        return None
    return tuple(a + b for a, b in zip(part, other, strict=True))
