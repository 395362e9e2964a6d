"""The picture of a sheet at the tensor level: a node for each entry, an edge for each argument."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tinygrad_bp.engine.nodes import Leaf
from tinygrad_bp.engine.tensor import is_foreign
from tinygrad_bp.view.picture.plain_arrays import dtype_text, lengths, numbers, statistics
from tinygrad_bp.view.picture.records import EdgeView, NodeView, Picture
from tinygrad_bp.view.reading.checking import checks
from tinygrad_bp.view.reading.element_links import traced
from tinygrad_bp.view.reading.recorded import contribution, parameters_of
from tinygrad_bp.view.reading.sheet import Sheet
from tinygrad_bp.view.reading.words import argument_names, detail_of, pulls_of

TRACED = 600  # elements up to which it is traced what each is made of


def pictured(sheet: Sheet) -> Picture:
    """Return the picture of a sheet at the tensor level."""
    recorded = sheet.recorded
    nodes = tuple(node_view(sheet, place) for place in range(len(recorded.entries)))
    if recorded.values and sum(node.size for node in recorded.nodes) <= TRACED:
        nodes = tuple(traced(node, recorded) for node in nodes)
    uses: dict[int, int] = {}
    for entry in recorded.entries:
        for place in entry.arguments:
            uses[place] = uses.get(place, 0) + 1
    names: dict[Any, Sequence[str | None]] = {}
    edges = []
    for target, entry in enumerate(recorded.entries):
        if entry.node is None or not entry.arguments:
            continue
        rule = entry.node.rule
        called = names.get(rule)
        if called is None:
            called = names[rule] = argument_names(rule)
        for position, source in enumerate(entry.arguments):
            part = None
            if uses[source] > 1 and recorded.cotangents and nodes[source].cotangent is not None:
                part = numbers(contribution(recorded, entry.node, position))
            edges.append(EdgeView(source, target, position, called[position], part))
    checked = checks(sheet)
    return Picture(nodes, tuple(edges), notes=tuple(recorded.notes), checks=checked)


def node_view(sheet: Sheet, place: int) -> NodeView:
    """Return the picture of one entry."""
    recorded = sheet.recorded
    entry = recorded.entries[place]
    value = recorded.value(place)
    name, kind, scope = sheet.names[place], sheet.kinds[place], sheet.scopes[place]
    node = entry.node
    if node is None and value is None:  # large, and no derivative reads it
        return NodeView(place, kind, name, (), "", kind, scope, note="was not kept")
    if node is None:
        array = value if is_foreign(value) else np.asarray(value)
        return NodeView(
            place, kind, name, lengths(array.shape), dtype_text(array.dtype), kind, scope,
            value=numbers(value), statistics=statistics(value),
        )  # fmt: skip
    shape = lengths(node.shape)
    rule = node.rule
    if value is None and kind == "leaf":  # nothing else to tell: the commonest in large graphs
        note = recorded.missing.get(node, "")
        dtype = dtype_text(node.dtype)
        return NodeView(place, rule.name, name, shape, dtype, kind, scope, note=note)
    ct = recorded.cotangents.get(node)
    told: dict[str, Any] = {}
    if not isinstance(node, Leaf):
        arguments = [recorded.entries[argument] for argument in entry.arguments]
        told = {**sheet.explanation(rule), "pulls": pulls_of(node, ct, value, arguments)}
    return NodeView(
        place, rule.name, name, shape, dtype_text(node.dtype), kind, scope,
        value=numbers(value),
        cotangent=numbers(ct),
        statistics=statistics(value),
        detail=detail_of(rule, parameters_of(node), sheet.given.called) if node.saved else "",
        note=recorded.missing.get(node, ""),
        **told,
    )  # fmt: skip
