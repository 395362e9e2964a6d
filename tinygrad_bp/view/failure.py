"""The graph of a computation that ended in an exception: what was recorded, and what failed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from traceback import walk_tb
from typing import Any

import numpy as np

from tinygrad_bp.engine.failures import failure_of
from tinygrad_bp.engine.rule import TABLE
from tinygrad_bp.engine.tensor import Tensor
from tinygrad_bp.errors import GraphError
from tinygrad_bp.view.building import pictured
from tinygrad_bp.view.plain_arrays import numbers
from tinygrad_bp.view.records import EdgeView, NodeView, Picture
from tinygrad_bp.view.sheet import sheet_of


def failed(
    error: BaseException,
    parameters: Mapping[str, Tensor] | None = None,
    data: Mapping[str, Any] | None = None,
) -> Picture:
    """Return what was recorded up to the operation that raised, with that operation marked.

    Parameters
    ----------
    error : exception
        With what the engine noted on it, or else with the traceback that it was caught with.
    parameters, data
        As `graph` takes them.

    Raises
    ------
    GraphError
        If neither holds a tracked Tensor.
    """
    causes = _causes(error)
    failure = next((found for one in causes if (found := failure_of(one))), None)
    operands = [one for value in failure.operands for one in _drawn(value)] if failure else []
    tracked = [one for one in operands if isinstance(one, Tensor) and one.node is not None]
    tracked = tracked or _tensors_in(causes)
    if not tracked:
        raise GraphError(
            "graph: no tracked Tensor is in the traceback of this exception; pass the exception"
            " that was caught, before its traceback is cleared"
        )
    sheet = sheet_of(tracked, parameters, data)
    sheet.recorded.cotangents.clear()  # there is no result that they could be of
    sheet.recorded.notes.clear()
    sheet.kinds = ["op" if kind == "output" else kind for kind in sheet.kinds]
    operation = None if failure is None else failure.operation
    return _marked(pictured(sheet), sheet.recorded.places, operation, operands, error)


def _causes(error: BaseException | None) -> list[BaseException]:
    """Return an exception and what it was raised from, what came first at the front."""
    causes: list[BaseException] = []
    while error is not None and error not in causes:
        causes.insert(0, error)
        error = error.__cause__
    return causes


def _drawn(value: Any) -> list[Any]:
    """Return what is drawn of an operand: arrays, numbers, and what a list with Tensors holds."""
    if isinstance(value, list | tuple) and any(isinstance(one, Tensor) for one in value):
        return list(value)
    return [value] if isinstance(value, Tensor | np.ndarray | int | float | complex) else []


def _tensors_in(causes: Sequence[BaseException]) -> list[Tensor]:
    """Return the tracked Tensors of the innermost frame that has some."""
    for error in causes:
        for frame, _ in reversed(list(walk_tb(error.__traceback__))):
            values = frame.f_locals.values()
            if found := [one for one in values if isinstance(one, Tensor) and one.node is not None]:
                return found
    return []


def _marked(
    view: Picture,
    places: Mapping[Any, int],
    operation: str | None,
    operands: list[Any],
    error: BaseException,
) -> Picture:
    nodes, edges = list(view.nodes), list(view.edges)
    sources = []
    for one in operands:
        node = getattr(one, "node", None)
        if node is not None:
            sources.append(places[node])
            continue
        array = np.asarray(one._value if isinstance(one, Tensor) else one)
        sources.append(len(nodes))
        name, dtype = getattr(one, "name", None), str(array.dtype)
        place = len(nodes)
        value = numbers(array)
        nodes.append(NodeView(place, "constant", name, array.shape, dtype, "constant", value=value))
    own = len(nodes)
    note = f"{type(error).__name__}: {error}"
    rule = TABLE.get(operation or "")
    commutes = rule is not None and rule.drawing.commutes
    op = operation or "raised"
    nodes.append(NodeView(own, op, None, (), "", "failed", note=note, commutes=commutes))
    edges += [EdgeView(source, own, position) for position, source in enumerate(sources)]
    told = f"{operation or 'the computation'} raised {note}"
    return replace(view, nodes=tuple(nodes), edges=tuple(edges), notes=(*view.notes, told))
