"""`graph`: take a picture of a recorded computation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from importlib import import_module
from typing import Any

import numpy as np

from tinygrad_bp.engine.containers import flatten
from tinygrad_bp.engine.nodes import Leaf, Node
from tinygrad_bp.engine.tensor import Tensor, is_foreign
from tinygrad_bp.engine.walk import seed
from tinygrad_bp.errors import GraphError
from tinygrad_bp.view.checking import checks
from tinygrad_bp.view.element_links import is_sum, written
from tinygrad_bp.view.graph_view import EdgeView, GraphView, Kind, NodeView
from tinygrad_bp.view.plain_arrays import dtype_text, lengths, numbers, statistics
from tinygrad_bp.view.recorded import (
    Recorded,
    contribution,
    find_cotangents,
    find_values,
    foreign_in,
    held_values,
    parameters_of,
    read,
)
from tinygrad_bp.view.scoping import Path, scopes_of
from tinygrad_bp.view.words import (
    argument_names,
    detail_of,
    formula_of,
    pulls_of,
    tex_of,
    words_of,
)

VALUED = 1000  # nodes up to which values and cotangents are looked for unless they are asked for
TRACED = 600  # elements up to which it is traced what each is made of


@dataclass
class Sheet:
    """A recorded computation with all that the caller said about it, one entry a place."""

    recorded: Recorded
    names: list[str | None]
    kinds: list[Kind]
    scopes: list[Path]


def graph(
    out: Any,
    *,
    parameters: Mapping[str, Tensor] | None = None,
    data: Mapping[str, Any] | None = None,
    level: str = "tensor",
    focus: str | int | None = None,
    sample: int | None = 0,
    phase: str = "forward",
    cotangent: Any = None,
    values: bool | None = None,
) -> GraphView:
    """Take a picture of the graph that `out` was computed by.

    Parameters
    ----------
    out : Tensor, nested container of Tensors, or exception
        Tracks gradients.  Of an exception: what was recorded up to the operation that raised it.
    parameters : mapping of str to Tensor, optional
        The leaves that are trained, and what to call them; ``dict(model.named_parameters())``.
    data : mapping of str to array or Tensor, optional
        What was given, and what to call it; found among constants by its value.
    level : {"tensor", "scalar"}
        At the scalar level each element is a node.
    focus : str or int, optional
        A node by its name or id, ``"hidden2"``: drawn element by element among whole tensors; at
        the scalar level only what it depends on and what depends on it.  One element,
        ``"W3[0,2]"``, is looked at at the scalar level.
    sample : int or None, default 0
        The row of the data that the scalar level shows; None for all.
    phase : {"forward", "backward", "both"}
        Whether to draw the computation, the walk back through it, with cotangents for nodes, or
        both.
    cotangent : array, optional
        What the walk begins with at `out`; 1 for a scalar.
    values : bool, optional
        Whether to look for values, cotangents and statistics; by default up to 1000 nodes.

    Returns
    -------
    GraphView

    Raises
    ------
    GraphError
        If `out` tracks nothing, so that there is no graph, or `focus` names nothing in it.
    ValueError
        If these options do not go together: of the backward phase, and of an exception, there is
        the tensor level alone.

    Notes
    -----
    Time O(n log n) in the number of nodes, whatever the depth.  Values and cotangents cost about as
    much as the computation and a backward pass; ``values=False`` leaves them out.  Running the same
    program again gives the same ids.

    Examples
    --------
    >>> import numpy as np, tinygrad_bp as tg
    >>> x = tg.tensor([1.0, 2.0], requires_grad=True, name="x")
    >>> [node.op for node in tg.graph(np.sum(np.sin(x))).nodes]
    ['leaf', 'sin', 'sum']
    """
    if isinstance(out, BaseException):
        if (level, focus, phase) != ("tensor", None, "forward"):
            raise ValueError(
                "graph: of an exception the forward phase at the tensor level is drawn"
            )
        return import_module("tinygrad_bp.view.failure").failed(out, parameters, data)  # type: ignore[no-any-return]
    sheet = sheet_of(out, parameters, data, cotangent=cotangent, values=values)
    if phase not in ("forward", "backward", "both") or level not in ("tensor", "scalar"):
        raise ValueError(
            f"graph: level={level!r}, phase={phase!r}; expected level 'tensor' or 'scalar', phase"
            " 'forward', 'backward' or 'both'"
        )
    if level == "scalar" or focus is not None:
        if phase != "forward":
            raise ValueError(f"graph: phase={phase!r} is drawn at the tensor level, without focus")
        scalars = import_module("tinygrad_bp.view.scalar_level")
        named = None if focus is None else str(focus)
        return scalars.expanded(sheet, level, named, sample)  # type: ignore[no-any-return]
    view = pictured(sheet)
    if phase != "forward":
        back = import_module("tinygrad_bp.view.backward_phase")
        view = back.with_cotangents(view, sheet, alone=phase == "backward")
    return view


def sheet_of(
    out: Any,
    parameters: Mapping[str, Tensor] | None,
    data: Mapping[str, Any] | None,
    *,
    cotangent: Any = None,
    values: bool | None = None,
) -> Sheet:
    """Read the graph of `out`, with names, kinds, scopes, values and cotangents."""
    tensors = [one for one in flatten(out)[0] if isinstance(one, Tensor) and one.node is not None]
    if not tensors:
        raise GraphError(
            "graph: nothing is tracked, so there is no graph to show; compute it from a Tensor made"
            " with requires_grad=True, outside tg.no_grad()"
        )
    roots = list(dict.fromkeys([one.node for one in tensors if one.node is not None]))
    recorded = read(roots)
    sheet = _described(recorded, parameters or {}, data or {})
    recorded.foreign = foreign_in(recorded, tensors)
    if recorded.foreign is not None:
        recorded.notes.append(f"no values: a picture computes and fetches no {recorded.foreign}")
    elif values or (values is None and len(recorded.entries) <= VALUED):
        find_values(recorded, held_values(tensors))
        find_cotangents(recorded, _seeds(tensors, cotangent))
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
    for key, one in parameters.items():
        if not isinstance(one, Tensor):
            found = type(one).__name__
            raise TypeError(f"graph: parameters[{key!r}] is a {found}, no Tensor; pass it as data")
    trained = {tensor.node: name for name, tensor in parameters.items()}
    given = {one.node: name for name, one in data.items() if isinstance(one, Tensor) and one.node}
    arrays = [(name, one) for name, one in data.items() if getattr(one, "node", None) is None]
    names: list[str | None] = []
    kinds: list[Kind] = []
    for entry in recorded.entries:
        node = entry.node
        if node is None:
            name = _among(arrays, entry.value)
            names.append(name)
            kinds.append("constant" if name is None else "data")
            continue
        names.append(trained.get(node) or given.get(node) or node.name)
        if isinstance(node, Leaf):
            kinds.append("parameter" if node in trained else "data" if node in given else "leaf")
        else:
            kinds.append("output" if node in recorded.roots else "op")
    return Sheet(recorded, names, kinds, scopes_of(recorded, names))


def _among(arrays: Sequence[tuple[str, Any]], value: Any) -> str | None:
    if is_foreign(value):  # to compare it would be to compute it
        return next((name for name, one in arrays if one is value), None)
    for name, one in arrays:
        array = one._value if isinstance(one, Tensor) else np.asarray(one)
        if np.shape(array) == np.shape(value) and np.array_equal(array, value):
            return name
    return None


def pictured(sheet: Sheet) -> GraphView:
    """Return the picture of a sheet at the tensor level."""
    recorded = sheet.recorded
    nodes = tuple(node_view(sheet, place) for place in range(len(recorded.entries)))
    traced = sum(node.size for node in recorded.nodes) <= TRACED and bool(recorded.values)
    if traced:
        nodes = tuple(replace(node, links=written(recorded, node.id)) for node in nodes)
    uses: dict[int, int] = {}
    for entry in recorded.entries:
        for place in entry.arguments:
            if place is not None:
                uses[place] = uses.get(place, 0) + 1
    names: dict[str, Sequence[str | None]] = {}
    edges = []
    for target, entry in enumerate(recorded.entries):
        if entry.node is None or not entry.arguments:
            continue
        rule = entry.node.rule
        called = names.get(rule.name)
        if called is None:
            called = names[rule.name] = argument_names(rule)
        for position, source in enumerate(entry.arguments):
            if source is None:
                continue
            part = None
            if uses[source] > 1 and recorded.cotangents and nodes[source].cotangent is not None:
                part = numbers(contribution(recorded, entry.node, position))
            edges.append(EdgeView(source, target, position, called[position], part))
    return GraphView(nodes, tuple(edges), notes=tuple(recorded.notes), checks=checks(sheet))


def node_view(sheet: Sheet, place: int) -> NodeView:
    """Return the picture of one entry."""
    recorded = sheet.recorded
    entry = recorded.entries[place]
    value = recorded.value(place)
    name, kind, scope = sheet.names[place], sheet.kinds[place], sheet.scopes[place]
    node = entry.node
    if node is None:
        array = value if is_foreign(value) else np.asarray(value)
        return NodeView(
            place, "constant", name, lengths(array.shape), dtype_text(array.dtype), kind, scope,
            value=numbers(value), statistics=statistics(value),
        )  # fmt: skip
    shape = lengths(node.shape)
    rule = node.rule
    if value is None and kind == "leaf":  # nothing else to tell: the commonest in large graphs
        return NodeView(place, rule.name, name, shape, dtype_text(node.dtype), kind, scope)
    ct = recorded.cotangents.get(node)
    words, formula, tex, pulls, adds = _NOTHING if isinstance(node, Leaf) else _explained(rule)
    return NodeView(
        place, rule.name, name, shape, dtype_text(node.dtype), kind, scope,
        value=numbers(value),
        cotangent=numbers(ct),
        statistics=statistics(value),
        detail=detail_of(rule, parameters_of(node)) if node.saved else "",
        words=words,
        formula=formula,
        tex=tex,
        pulls=pulls,
        is_sum=adds,
    )  # fmt: skip


_Explained = tuple[str, str, str, tuple[str, ...], bool]
_EXPLAINED: dict[Any, _Explained] = {}
_NOTHING: _Explained = ("", "", "", (), False)


def _explained(rule: Any) -> _Explained:
    found = _EXPLAINED.get(rule)
    if found is None:
        found = (words_of(rule), formula_of(rule), tex_of(rule), pulls_of(rule), is_sum(rule))
        _EXPLAINED[rule] = found
    return found


def entry_at(sheet: Sheet, name: str) -> int:
    """Return the place of the entry with a name or id; the last, where several have the name.

    Raises
    ------
    GraphError
        If there is none; names those there are.
    """
    found = [place for place, own in enumerate(sheet.names) if own == name]
    if not found and name.isascii() and name.isdigit() and int(name) < len(sheet.names):
        found = [int(name)]
    if not found:
        known = ", ".join(sorted({own for own in sheet.names if own})[:12]) or "none has a name"
        raise GraphError(
            f"graph: focus={name!r:.60} is no node of this graph; by name there are: {known}; any"
            f" node goes by its id, 0 to {len(sheet.names) - 1}"
        )
    return found[-1]
