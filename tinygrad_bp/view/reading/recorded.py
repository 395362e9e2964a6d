"""What the engine recorded, laid out for drawing: entries in topological order, values, cotangents.

The one place of this package that reads nodes and arrays.  Values that the graph kept for its own
derivatives are taken from there; the others are computed again from them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import prod
from typing import Any

import numpy as np

from tinygrad_bp.engine.broadcasting import unbroadcast
from tinygrad_bp.engine.changes import held_now
from tinygrad_bp.engine.nodes import Leaf, Node, ancestors
from tinygrad_bp.engine.tensor import Tensor, is_foreign
from tinygrad_bp.engine.walk import pull_back
from tinygrad_bp.programs.calling import quiet

UNKNOWN = object()  # the value of an argument that nothing kept
CHANGED, MAYBE = "has changed since", "may have changed since"
BETWEEN = "has changed between its uses"
Values = dict[Node, Any]


@dataclass
class Entry:
    """One node of the picture to be: a recorded node, or a constant (`node` is None).

    `arguments` are places of entries; the value of a constant that nothing kept is UNKNOWN.
    """

    node: Node | None
    value: Any = None
    arguments: list[int] = field(default_factory=list)

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the value."""
        if self.node is not None:
            return tuple(self.node.shape)
        return () if self.value is UNKNOWN else tuple(np.shape(self.value))

    @property
    def size(self) -> int:
        """How many elements it has."""
        return prod(self.shape)


@dataclass
class Recorded:
    """A recorded computation.

    Attributes
    ----------
    entries : list of Entry
        In topological order.
    places : dict of Node to int
        Where each node is in `entries`.
    roots : list of Node
        What was asked for.
    values, cotangents : dict of Node to array
        As far as known.
    missing : dict of Node to str
        Leaves whose value was looked for and is not known, with the reason.
    unproven : dict of Node to array
        Of leaves, what they hold now, where nothing that was kept tells what they held then.
    notes : list of str
        What is not known, and why.
    foreign : str or None
        The type of an array of another library (Dask, CuPy) in the graph: a picture computes and
        fetches nothing.
    """

    entries: list[Entry]
    places: dict[Node, int]
    roots: list[Node]
    values: Values = field(default_factory=dict)
    cotangents: Values = field(default_factory=dict)
    missing: dict[Node, str] = field(default_factory=dict)
    unproven: Values = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    foreign: str | None = None

    @property
    def nodes(self) -> list[Node]:
        """The recorded nodes, oldest first."""
        return [entry.node for entry in self.entries if entry.node is not None]

    def value(self, place: int) -> Any:
        """Return the array at a place, None if unknown."""
        return self.value_among(self.values, place)

    def value_among(self, values: Values, place: int) -> Any:
        """Return the array at a place where the nodes have these values, None if unknown."""
        entry = self.entries[place]
        if entry.node is not None:
            return values.get(entry.node)
        return None if entry.value is UNKNOWN else entry.value

    def arguments(self, entry: Entry) -> list[Any]:
        """Return the arrays that an entry was computed from, None where unknown."""
        return [self.value(place) for place in entry.arguments]


def read(roots: Sequence[Node]) -> Recorded:
    """Return the graph of `roots` with the constants in it; time linear but for a sort."""
    order = ancestors(*roots)
    order.reverse()  # creation order: each node after its parents
    entries: list[Entry] = []
    places: dict[Node, int] = {}
    constants: dict[int, int] = {}  # the same array twice is one constant
    for node in order:
        arguments: list[int] = []
        for position, parent in enumerate(node.parents):
            if parent is not None:
                arguments.append(places[parent])
                continue
            value = constant_of(node, position)
            place = constants.get(id(value)) if getattr(value, "ndim", 0) else None
            if place is None:
                place = len(entries)
                entries.append(Entry(None, value))
                constants[id(value)] = place
            arguments.append(place)
        places[node] = len(entries)
        entries.append(Entry(node, None, arguments))
    return Recorded(entries, places, list(roots))


def foreign_in(recorded: Recorded, tensors: Sequence[Tensor]) -> str | None:
    """Return the type of the first array that is of another library; None if there is none."""
    held = [one._value for one in tensors]
    kept = (value for node in recorded.nodes for value in node.saved or ())
    for value in (*held, *kept):
        if is_foreign(value):
            return f"{type(value).__module__.partition('.')[0]} {type(value).__name__}"
    return None


def constant_of(node: Node, position: int) -> Any:
    """Return an argument that tracks nothing, or UNKNOWN where no derivative reads it."""
    if node.saved is None:
        return UNKNOWN
    value = node.saved[1 + position]
    return UNKNOWN if value is None or isinstance(value, Node) else value


def kept_of(node: Node, position: int) -> Any:
    """Return the tracked argument at a position as the record has kept it, or None."""
    value = node.saved[1 + position] if node.saved else None
    return None if isinstance(value, Node) else value


def parameters_of(node: Node) -> tuple[Any, ...]:
    """Return the settings that the rule was applied with, such as axes."""
    return () if node.saved is None else node.saved[1 + len(node.rule.pulls) :]


def find_values(recorded: Recorded, tensors: Mapping[Node, Any]) -> None:
    """Fill in the values: those kept for derivatives, those given, and what follows from them.

    What a leaf holds now is what it held then if it was given nothing since its oldest use.  If it
    was, or if nobody knows, it is a guess: it counts where a known value comes out of it again.  So
    does what one use has kept for the uses that have not.

    `tensors` are values of Tensors that the caller holds: certain for results.
    """
    known: Values = dict(tensors)
    users: dict[Node, Node] = {}  # of each leaf the oldest
    unkept, mixed = set[Node](), set[Node]()
    for node in recorded.nodes:
        if node.saved and node.saved[0] is not None:
            known[node] = node.saved[0]
        for position, parent in enumerate(node.parents):
            if parent is None:
                continue
            users.setdefault(parent, node)
            value = kept_of(node, position)
            if value is None:
                unkept.add(parent)
            elif isinstance(parent, Leaf) and not _is_still(value, known.get(parent)):
                mixed.add(parent)
            else:
                known[parent] = value
    leaves = [(leaf, *held_now(leaf)) for leaf in recorded.nodes if isinstance(leaf, Leaf)]
    sure = {leaf for leaf, _, since in leaves if leaf not in users or since < users[leaf].index}
    for leaf in mixed:
        del known[leaf]
    guesses: Values = {n: known.pop(n) for n in unkept - sure if n in known and isinstance(n, Leaf)}
    guesses |= {
        n: v for n, v, _ in leaves if not (v is None or n in known or n in {*guesses, *mixed})
    }
    with quiet():
        values, trials = computed(recorded, known, guesses)
        right = sure.union(recorded.roots, *(doubt for doubt, same in trials if same))
        wrong = frozenset[Node]().union(*(d - right or d for d, same in trials if not same))
        kept = {n: value for n, value in guesses.items() if n in right - wrong}
        if len(kept) < len(guesses):
            values, _ = computed(recorded, known, kept)
    recorded.values = values
    recorded.unproven = {n: value for n, value in guesses.items() if n not in wrong | {*kept}}
    recorded.missing = {
        leaf: BETWEEN if leaf in mixed
        else CHANGED if leaf in wrong
        else MAYBE if leaf in guesses
        else "was not kept"
        for leaf, *_ in leaves if leaf not in values
    }  # fmt: skip


def _is_still(value: Any, kept: Any) -> bool:
    return kept is None or value is kept or np.array_equal(value, kept, equal_nan=True)


def computed(
    recorded: Recorded, known: Values, guesses: Values
) -> tuple[Values, list[tuple[frozenset[Node], bool]]]:
    """Return `known`, `guesses` and what follows; and how the guesses agree with the known.

    For each known value that follows from guesses: from which, and whether it comes out again.
    """
    values = {**guesses, **known}
    doubts: dict[Node | None, frozenset[Node]] = {node: frozenset([node]) for node in guesses}
    trials = []
    for entry in recorded.entries:
        node = entry.node
        if node is None or isinstance(node, Leaf):
            continue
        doubt = frozenset[Node]().union(*(doubts.get(parent, ()) for parent in node.parents))
        if node in known and not doubt:
            continue
        out = _applied(recorded, entry, values)
        if node not in known:
            if out is not None:
                values[node] = out
            if doubt:
                doubts[node] = doubt
        elif out is not None:
            trials.append((doubt, same_values(out, known[node])))
    return values, trials


def _applied(recorded: Recorded, entry: Entry, values: Values) -> Any:
    """Compute an entry from its arguments; None if one is unknown or the rule refuses."""
    node = entry.node
    if node is None or node.saved is None:
        return None
    arguments = [recorded.value_among(values, place) for place in entry.arguments]
    for k, parent in enumerate(node.parents):
        if arguments[k] is None and isinstance(parent, Leaf):
            arguments[k] = kept_of(node, k)  # by this use, beside others that have not
    if any(value is None for value in arguments):
        return None
    try:
        return node.rule.forward(*arguments, *parameters_of(node))
    except Exception:  # noqa: BLE001  # a user's own rule may do anything; a picture goes on
        return None


def same_values(value: Any, kept: Any) -> bool:
    """Return whether two arrays differ by rounding at most: the order of a sum may differ."""
    if np.shape(value) != np.shape(kept) or kept.dtype.kind not in "fc":
        return np.array_equal(value, kept)
    tolerance = 16 * float(np.finfo(kept.dtype).eps)
    return bool(np.allclose(value, kept, rtol=tolerance, atol=0, equal_nan=True))


def replay(recorded: Recorded, leaf: Node, value: Any) -> Values:
    """Return all values where `leaf` has another one, without those that cannot be told.

    It may be any node: what it was computed from stays as it is.
    """
    values: Values = {n: v for n, v in recorded.values.items() if isinstance(n, Leaf)}
    values[leaf] = value
    changed = {leaf}
    for entry in recorded.entries:
        node = entry.node
        if node is None or node is leaf or isinstance(node, Leaf):
            continue
        if changed.isdisjoint(node.parents):
            out = recorded.values.get(node)
        else:
            changed.add(node)
            out = _applied(recorded, entry, values)
        if out is not None:
            values[node] = out
    return values


def find_cotangents(recorded: Recorded, seeds: Mapping[Node, Any]) -> None:
    """Fill in the cotangent of every node by one walk from `seeds`; what fails is noted."""
    if not seeds:
        recorded.notes.append("no cotangents: the result is no scalar, and none was given")
        return
    try:
        with quiet():
            recorded.cotangents = pull_back(seeds, targets=recorded.nodes)
    except Exception as error:  # noqa: BLE001  # freed residuals, or a user's rule: a picture goes on
        recorded.notes.append(f"no cotangents: {error}")


def contribution(recorded: Recorded, node: Node, position: int) -> Any:
    """Return what one use of a value adds to its cotangent, in the value's shape; None if unknown.

    The value is the argument of `node` at `position`.
    """
    ct, parent, pull = recorded.cotangents.get(node), node.parents[position], None
    if position < len(node.rule.pulls):
        pull = node.rule.pulls[position]
    if ct is None or parent is None or pull is None or node.saved is None:
        return None
    try:
        with quiet():
            part = pull(ct, *node.saved)
            return unbroadcast(part, parent.shape) if node.rule.broadcasts else part
    except Exception:  # noqa: BLE001  # as above
        return None


def held_values(tensors: Sequence[Tensor]) -> Values:
    """Return the values of results by their nodes; a leaf's may have changed since."""
    return {
        one.node: one._value
        for one in tensors
        if one.node is not None and not isinstance(one.node, Leaf)
    }
