"""Which part of the computation each entry belongs to: noted scopes, or the names of parameters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tinygrad_bp.engine.nodes import Leaf, Node
from tinygrad_bp.engine.scopes import Interval, intervals
from tinygrad_bp.view.reading.recorded import Recorded

Path = tuple[str, ...]


def scopes_of(recorded: Recorded, names: Sequence[str | None]) -> list[Path]:
    """Return the scope of every entry, outermost part first; () for none.

    An operation belongs to the innermost scope that was open when it was recorded, or else to the
    layer whose parameters it reads: what uses ``hidden2.W`` is in ``hidden2``, and so is what joins
    two values from one call of it and nothing else, or stands between operations from there alone.
    What it was given may go past some of these.  A leaf or constant belongs where all its users do,
    but one of another name is not a layer's.
    """
    operations = [node for node in recorded.nodes if not isinstance(node, Leaf)]
    noted = _noted(operations)
    inferred = _inferred(recorded, noted, names)
    scopes: list[Path | None] = [
        None
        if entry.node is None or isinstance(entry.node, Leaf)
        else noted.get(entry.node) or inferred[place]
        for place, entry in enumerate(recorded.entries)
    ]
    for place in range(len(scopes) - 1, -1, -1):
        own = scopes[place]
        for argument in recorded.entries[place].arguments:
            if not recorded.entries[argument].arguments:
                name = names[argument] if place in inferred else None
                held = own if own and (not name or name.startswith(f"{own[0]}.")) else ()
                _join(scopes, argument, held if place in inferred else own or ())
    return [scope or () for scope in scopes]


def _inferred(
    recorded: Recorded, noted: Mapping[Node, Path], names: Sequence[str | None]
) -> dict[int, Path]:
    """Return the layer of each operation outside of the noted scopes, by its place; () for none."""
    own: dict[int, Path] = {}
    came: dict[int, Path] = {}  # the one layer that it came from
    calls: dict[int, set[tuple[int, int]]] = {}  # the parameters it was made of, and by whom read
    fed: dict[Path, set[int]] = {}  # what each layer was given
    used: dict[int, list[int]] = {}
    for place, entry in enumerate(recorded.entries):
        if entry.node is None or isinstance(entry.node, Leaf) or entry.node in noted:
            continue
        read = {one for one in entry.arguments if recorded.entries[one].arguments}
        own[place] = _by_parameters(entry.arguments, names)
        before = {came.get(one, ()) for one in read}
        past = [
            layer for layer in before
            if all(came.get(one, ()) == layer or one in fed.get(layer, ()) for one in read)
        ]  # fmt: skip
        came[place] = own[place] or (past[0] if len(past) == 1 else ())
        made = set[tuple[int, int]]().union(*(calls.get(one, ()) for one in read))
        if own[place]:
            made = {(one, place) for one in entry.arguments if one not in read}
        elif (
            len(read) > 1
            and read == {*entry.arguments}
            and {own.get(one) for one in read} == {came[place]}
            and len(made) == len({one for one, _ in made})
        ):
            own[place] = came[place]
        if own[place]:
            calls[place] = made
            fed.setdefault(own[place], set()).update(read)
        for one in read:
            used.setdefault(one, []).append(place)
    goes: dict[int, Path] = {}  # the one layer that it goes to
    between: set[tuple[Path, str, tuple[str, ...]]] = set()
    for place in reversed(own):
        after = {goes.get(user, ()) for user in used.get(place, [])}
        goes[place] = own[place] or (after.pop() if len(after) == 1 else ())
        if came[place] and not own[place] and came[place] == goes[place]:
            own[place] = came[place]
            between.add(_done(recorded, place, came[place]))
    # the last of a chain goes elsewhere, and is no other operation for that
    for place in (place for place, layer in own.items() if came[place] and not layer):
        if _done(recorded, place, came[place]) in between:
            own[place] = came[place]
    return own


def _done(recorded: Recorded, place: int, layer: Path) -> tuple[Path, str, tuple[str, ...]]:
    """Return what an operation does, and to what."""
    nodes = (recorded.entries[one].node for one in (place, *recorded.entries[place].arguments))
    rules = ["" if node is None or isinstance(node, Leaf) else node.rule.name for node in nodes]
    return layer, rules[0], tuple(rules[1:])


def _noted(operations: Sequence[Node]) -> dict[Node, Path]:
    """Return the innermost noted scope of each operation that lies in one; they come by index."""
    if not operations:
        return {}
    waiting = intervals(operations[0].index, operations[-1].index)[::-1]
    around: list[tuple[Interval, Path]] = []
    calls: dict[Path, int] = {}
    found: dict[Node, Path] = {}
    for node in operations:
        while around and around[-1][0].end <= node.index:
            around.pop()
        while waiting and waiting[-1].begin <= node.index:
            one = waiting.pop()
            if one.end > node.index:
                outer = around[-1][1] if around else ()
                around.append((one, _numbered((*outer, one.path[-1]), calls)))
        if around:
            found[node] = around[-1][1]
    return found


def _numbered(path: Path, calls: dict[Path, int]) -> Path:
    """Return a path with the number of the call, from the second on: ``block (2)``."""
    calls[path] = count = calls.get(path, 0) + 1
    return path if count == 1 else (*path[:-1], f"{path[-1]} ({count})")


def _by_parameters(arguments: Sequence[int], names: Sequence[str | None]) -> Path:
    layers = {
        name.rpartition(".")[0]
        for place in arguments
        if (name := names[place]) and name.find(".") > 0
    }
    return (layers.pop(),) if len(layers) == 1 else ()


def _join(scopes: list[Path | None], place: int, user: Path) -> None:
    """Move a leaf to the innermost scope that holds all its users."""
    own = scopes[place]
    if own is None:
        scopes[place] = user
        return
    depth = 0
    for a, b in zip(own, user, strict=False):
        if a != b:
            break
        depth += 1
    scopes[place] = own[:depth]
