"""A recorded computation with all that is known of it: what drawings are made from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tinygrad_bp.engine.array_names import name_of
from tinygrad_bp.engine.containers import flatten
from tinygrad_bp.engine.nodes import Leaf, Node
from tinygrad_bp.engine.rule import Rule
from tinygrad_bp.engine.tensor import Tensor, is_foreign
from tinygrad_bp.engine.walk import seed
from tinygrad_bp.errors import GraphError
from tinygrad_bp.view.picture.records import NUMBERED
from tinygrad_bp.view.reading.recorded import (
    UNKNOWN,
    Recorded,
    find_cotangents,
    find_values,
    foreign_in,
    held_values,
    read,
)
from tinygrad_bp.view.reading.recovered import recover
from tinygrad_bp.view.reading.scoping import Path, scopes_of
from tinygrad_bp.view.reading.words import explanation

VALUED = 1000  # nodes up to which values and cotangents are looked for unless they are asked for


@dataclass
class Sheet:
    """A recorded computation with all that the caller said about it, one entry a place."""

    recorded: Recorded
    names: list[str | None]
    kinds: list[str]
    scopes: list[Path]
    given: Given
    _explained: dict[Rule, dict[str, Any]] = field(default_factory=dict)

    def explanation(self, rule: Rule) -> dict[str, Any]:
        """Return what a rule says of its nodes; see `words.explanation`."""
        found = self._explained.get(rule)
        if found is None:
            found = self._explained[rule] = explanation(rule)
        return found


def sheet_of(
    out: Any,
    parameters: Mapping[str, Tensor] | None,
    data: Mapping[str, Any] | None,
    *,
    cotangent: Any = None,
    values: bool | None = None,
) -> Sheet:
    """Read the graph of `out`, with names, kinds, scopes, values and cotangents."""
    found = flatten(out)[0]
    tensors = [one for one in found if isinstance(one, Tensor) and one.node is not None]
    nodes = [one for one in found if isinstance(one, Node)]
    if not tensors and not nodes:
        raise GraphError(
            "graph: nothing is tracked, so there is no graph to show; compute it from a Tensor made"
            " with requires_grad=True, outside tg.no_grad()"
        )
    roots = list(dict.fromkeys([*(one.node for one in tensors if one.node is not None), *nodes]))
    recorded = read(roots)
    sheet = _described(recorded, parameters or {}, data or {})
    recorded.foreign = foreign_in(recorded, tensors)
    if recorded.foreign is not None:
        recorded.notes.append(f"no values: a picture computes and fetches no {recorded.foreign}")
    elif values or (values is None and len(recorded.entries) <= VALUED):
        known = held_values(tensors)
        find_values(recorded, known)
        for place, name in recover(recorded, data or {}, known).items():
            sheet.names[place], sheet.kinds[place] = name, "data"
        find_cotangents(recorded, _seeds(tensors, cotangent))
    elif values is None:
        recorded.notes.append(
            f"no values: {len(recorded.entries)} nodes are more than {VALUED};"
            " values=True looks for them"
        )
    return sheet


def _seeds(tensors: Sequence[Tensor], cotangent: Any) -> dict[Node, Any]:
    if cotangent is not None:
        node: Any = tensors[0].node
        start = seed(tensors[0], cotangent, "graph")
        return {node: start._value if isinstance(start, Tensor) else start}
    return {one.node: seed(one, None, "graph") for one in tensors if one.node and one.size == 1}


def _described(
    recorded: Recorded, parameters: Mapping[str, Tensor], data: Mapping[str, Any]
) -> Sheet:
    given = Given(parameters, data)
    names: list[str | None] = []
    kinds: list[str] = []
    for entry in recorded.entries:
        node = entry.node
        found = given.nodes.get(node) if node else given.array(entry.value)
        if node is None:
            is_array = getattr(entry.value, "ndim", 0) > 0
            name, kind = found or (name_of(entry.value), "data" if is_array else "constant")
        elif isinstance(node, Leaf):
            name, kind = found or (node.name, "leaf")
        else:
            name = found[0] if found else node.name
            kind = "output" if node in recorded.roots else "op"
        names.append(name)
        kinds.append(kind)
    return Sheet(recorded, names, kinds, scopes_of(recorded, names), given)


class Given:
    """What the caller said of Tensors and arrays: what they are called, and of which kind they are.

    Attributes
    ----------
    nodes : dict of Node to (name, kind)
        Of those that are tracked; the others are found by their value.
    """

    def __init__(self, parameters: Mapping[str, Tensor], data: Mapping[str, Any]) -> None:
        for key, one in parameters.items():
            if not isinstance(one, Tensor):
                found = type(one).__name__
                raise TypeError(
                    f"graph: parameters[{key!r}] is a {found}, no Tensor; pass it as data"
                )
        self.nodes: dict[Node | None, tuple[str, str]] = {}
        self._arrays: list[tuple[Any, tuple[str, str]]] = []
        for kind, mapping in (("data", data), ("parameter", parameters)):
            for name, one in mapping.items():
                node = getattr(one, "node", None)
                if node is None:
                    array = one._value if isinstance(one, Tensor) else one
                    self._arrays.append((array, (name, kind)))
                else:
                    self.nodes[node] = (name, kind)

    def array(self, value: Any) -> tuple[str, str] | None:
        """Return name and kind of what tracks nothing: of the same array, or else of an equal.

        Of two variables that hold nothing but zeros nobody can tell which it was: neither is it.
        """
        for array, told in self._arrays:
            if array is value:
                return told
        if value is UNKNOWN or is_foreign(value):  # to compare it would be to compute it
            return None
        own = [(one, told) for one, told in self._arrays if not is_foreign(one)]
        equal = [told for one, told in own if _equal(one, value)]
        if len(equal) > 1 and np.size(value) and np.all(value == np.ravel(value)[0]):
            return None
        if equal:
            return equal[0]
        parts = [(f"{told[0]}{text}", told[1]) for one, told in own for text in _parts(one, value)]
        return parts[0] if len(parts) == 1 else None

    def called(self, value: Any) -> str:
        """Return the name of what tracks nothing; "" where none is known."""
        return (self.array(value) or ("", ""))[0]


def _equal(one: Any, value: Any) -> bool:
    array = np.asarray(one)
    return array.shape == np.shape(value) and np.array_equal(array, value)


def _parts(one: Any, value: Any) -> Iterator[str]:
    """Yield how an array has a value: ``[:, 3]``, rows ``[8:16]``, ``[:, newaxis]``, ``.T``."""
    array, value = np.asarray(one), np.asarray(value)
    if not value.ndim or not value.size:
        return
    if array.T.shape == value.shape and np.array_equal(array.T, value):
        yield ".T"
    wider = _widened(array.shape, value.shape)
    if wider and np.array_equal(array.ravel(), value.ravel()):
        yield wider
    for axis in range(array.ndim):
        along = np.moveaxis(array, axis, 0)
        if along.shape[1:] == value.shape:
            first = along.reshape(len(along), -1)[:, 0] == value.flat[0]
            for i in np.flatnonzero(first):
                if np.array_equal(along[i], value):
                    yield f"[{':, ' * axis}{i}]"
        if array.ndim != value.ndim:
            continue
        part = np.moveaxis(value, axis, 0)
        if along.shape[1:] == part.shape[1:] and len(part) < len(along):
            first = along.reshape(len(along), -1)[:, 0] == value.flat[0]
            for i in np.flatnonzero(first[: len(along) - len(part) + 1]):
                if np.array_equal(along[i : i + len(part)], part):
                    yield f"[{':, ' * axis}{i}:{i + len(part)}]"


def _widened(lengths: Sequence[int], wanted: Sequence[int]) -> str:
    """Return the index that puts axes of length 1 between others; "" where there is none."""
    rest, index = [*lengths], []
    for length in wanted:
        index.append(":" if rest[:1] == [length] else "newaxis")
        if rest[:1] == [length]:
            del rest[0]
        elif length != 1:
            return ""
    return "" if rest or len(index) == len(lengths) else f"[{', '.join(index)}]"


def number_names(sheet: Sheet) -> None:
    """Give leaves that are called alike a number, as they were made: ``W (1)``, ``W (2)``."""
    given = sheet.given.nodes
    named = [
        place
        for place, entry in enumerate(sheet.recorded.entries)
        if isinstance(entry.node, Leaf) and entry.node not in given and sheet.names[place]
    ]
    counts = Counter(sheet.names[place] for place in named)
    taken = {*sheet.names}
    numbers: Counter[str | None] = Counter()
    for place in named:
        name = sheet.names[place]
        while counts[name] > 1 and sheet.names[place] in taken:
            numbers[name] += 1
            sheet.names[place] = f"{name} ({numbers[name]})"


def entry_at(sheet: Sheet, name: str) -> int:
    """Return the place of the entry with a name or id; the last, where several have the name.

    Raises
    ------
    GraphError
        If there is none; names those there are.
    """
    found = [place for place, own in enumerate(sheet.names) if own == name]
    if not found:
        found = [k for k, own in enumerate(sheet.names) if own and NUMBERED.sub("", own) == name]
    if not found and name.isascii() and name.isdigit() and int(name) < len(sheet.names):
        found = [int(name)]
    if not found:
        known = ", ".join(sorted({own for own in sheet.names if own})[:12]) or "none has a name"
        raise GraphError(
            f"graph: focus={name!r:.60} is no node of this graph; by name there are: {known}; any"
            f" node goes by its id, 0 to {len(sheet.names) - 1}"
        )
    return found[-1]
