"""Functions with a user's own derivative: one rule for all their arguments and results together.

The graph packs several arguments into one node and picks several results from one.  An explanation
shows neither: it has the function, what goes in, and what comes out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tinygrad_bp.engine.containers import flatten
from tinygrad_bp.engine.nodes import Node
from tinygrad_bp.errors import GraphError
from tinygrad_bp.formulas.rules import CT, OUT, Formula, formula_of
from tinygrad_bp.transforms.applied import Applied
from tinygrad_bp.transforms.joint import Bundle
from tinygrad_bp.view.reading.recorded import Recorded, parameters_of

PACK, PICK = "pack", "pick"


@dataclass(frozen=True)
class JointCall:
    """One call of such a function.

    Attributes
    ----------
    place : int
        Of its node.
    taken : int
        The place whose arguments are those of the call: of what packs them, or of the node.
    results : tuple of int
        The places of its results.
    hidden : tuple of int
        Places that an explanation does not show.
    """

    place: int
    taken: int
    results: tuple[int, ...]
    hidden: tuple[int, ...]


def joint_calls(recorded: Recorded) -> list[JointCall]:
    """Return the calls in a graph, of functions with one derivative for all arguments."""
    picks: dict[int, list[int]] = {}
    found: list[int] = []
    for place, entry in enumerate(recorded.entries):
        if entry.node is None or not entry.arguments:
            continue
        if _is(entry.node, PICK):
            picks.setdefault(entry.arguments[0], []).append(place)
        elif call_of(entry.node) is not None:
            found.append(place)
    calls = []
    for place in found:
        (argument,) = recorded.entries[place].arguments
        node = recorded.entries[argument].node
        packed = node is not None and _is(node, PACK)
        results = tuple(picks.get(place, ())) if place in picks else (place,)
        hidden = (*([argument] if packed else []), *(results if place in picks else ()))
        calls.append(JointCall(place, argument if packed else place, results, hidden))
    return calls


def _is(node: Node, name: str) -> bool:
    return node.rule.name == name and node.rule.function is Bundle


def call_of(node: Node) -> Any:
    """Return the call that a node keeps, None if it is no such function's."""
    parameters = parameters_of(node)
    one = parameters[0] if len(parameters) == 1 else None
    return one if hasattr(one, "pull") and hasattr(one, "push") else None


def joint_formula(
    recorded: Recorded, call: JointCall, position: int, cts: Mapping[int, Any]
) -> Formula | None:
    """Return what one argument gets back; `cts` are arrays like the cotangents of the results."""
    node: Any = recorded.entries[call.place].node
    own = call_of(node)
    if own is None or node.saved is None:
        return None
    kept_outs, kept = _several(node.saved[0]), _several(node.saved[1])
    places = [_which(recorded, one) for one in call.results]
    given: dict[str, Any] = {}
    for place, k in zip(call.results, places, strict=True):
        given[f"{CT}{k}"] = cts[place]
        if kept_outs[k] is not None:
            given[f"{OUT}{k}"] = kept_outs[k]
    for i, one in enumerate(kept):
        if not isinstance(one, Node):
            given[str(i)] = one

    def part(known: Mapping[str, Any]) -> Any:
        moves = [known.get(f"{CT}{k}") for k in range(len(kept_outs))]
        outs = [known.get(f"{OUT}{k}", one) for k, one in enumerate(kept_outs)]
        arguments = [known.get(str(i), one) for i, one in enumerate(kept)]
        return own.pull(moves, outs, arguments)[position]

    return formula_of(part, given)


def names_of(recorded: Recorded, call: JointCall) -> list[tuple[int, int]]:
    """Return the results with their numbers among all results of the function."""
    return [(place, _which(recorded, place)) for place in call.results]


def _which(recorded: Recorded, place: int) -> int:
    node: Any = recorded.entries[place].node
    return int(parameters_of(node)[0]) if _is(node, PICK) else 0


def _several(value: Any) -> list[Any]:
    return list(value.parts) if isinstance(value, Bundle) else [value]


def called_again(node: Node, arguments: list[Any]) -> Any:
    """Return what a node of this kind gives for its arguments: an array, or a list of several.

    Raises
    ------
    GraphError
        If the function is not known, or what it was called with.
    """
    if _is(node, PACK):
        return list(arguments)
    if _is(node, PICK):
        return arguments[0][parameters_of(node)[0]]
    own = call_of(node)
    if not isinstance(own, Applied) or any(isinstance(x, Node) for x in own.arguments.still):
        raise GraphError(
            f"explain: {node.rule.name} cannot be written in NumPy: the graph does not keep all"
            " that it was called with"
        )
    given = arguments[0] if isinstance(arguments[0], list) else arguments
    result = own.own.wrapper(*own.arguments.filled(given), **own.options)
    flat = flatten(result)[0]
    moving = [flat[k] for k in own.results.moving]
    return moving[0] if len(moving) == 1 else moving


def is_joint(node: Node) -> bool:
    """Whether a node belongs to such a call."""
    return _is(node, PACK) or _is(node, PICK) or call_of(node) is not None
