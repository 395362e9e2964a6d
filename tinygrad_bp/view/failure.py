"""The graph of a computation that ended in an exception: what was recorded, and what failed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from types import FrameType
from typing import Any

import numpy as np

from tinygrad_bp.engine import dispatch, recording
from tinygrad_bp.engine.tensor import Tensor
from tinygrad_bp.errors import GraphError
from tinygrad_bp.view.building import pictured, sheet_of
from tinygrad_bp.view.graph_view import EdgeView, GraphView, NodeView
from tinygrad_bp.view.plain_arrays import numbers

ENGINE = (recording.__file__, dispatch.__file__)
CALLED = ("rule", "function", "ufunc")  # what the engine's frames call the operation


def failed(
    error: BaseException,
    parameters: Mapping[str, Tensor] | None = None,
    data: Mapping[str, Any] | None = None,
) -> GraphView:
    """Return what was recorded up to the operation that raised, with that operation marked.

    Parameters
    ----------
    error : exception
        Caught, so that it has a traceback, whose frames hold the operands.
    parameters, data
        As `graph` takes them.

    Raises
    ------
    GraphError
        If no Tensor of the frames was tracked.
    """
    frames = list(_frames(error))
    operation, operands = _failing(frames)
    tracked = [one for one in operands if isinstance(one, Tensor) and one.node is not None]
    if not tracked:
        tracked = list(_tensors_in(frames))
    if not tracked:
        raise GraphError(
            "graph: no tracked Tensor is in the traceback of this exception; pass the exception"
            " that was caught, before its traceback is cleared"
        )
    sheet = sheet_of(tracked, parameters, data)
    sheet.recorded.cotangents.clear()  # there is no result that they could be of
    sheet.recorded.notes.clear()
    sheet.kinds = ["op" if kind == "output" else kind for kind in sheet.kinds]
    view = pictured(sheet)
    return _marked(view, sheet.recorded.places, operation, operands, error)


def _frames(error: BaseException) -> Iterator[FrameType]:
    """Yield the frames of a traceback, innermost first, and those of what caused it before."""
    causes: list[BaseException] = []
    one: BaseException | None = error
    while one is not None and one not in causes:
        causes.append(one)
        one = one.__cause__
    for cause in reversed(causes):
        frames = []
        trace = cause.__traceback__
        while trace is not None:
            frames.append(trace.tb_frame)
            trace = trace.tb_next
        yield from reversed(frames)


def _failing(frames: list[FrameType]) -> tuple[str | None, list[Any]]:
    """Return the name of the operation that the engine was about to apply, and its operands."""
    for frame in frames:
        if frame.f_code.co_filename not in ENGINE:
            continue
        values = frame.f_locals
        called = next((values[name] for name in CALLED if name in values), None)
        if called is None:
            continue
        code = frame.f_code
        names = code.co_varnames[: code.co_argcount + bool(code.co_flags & 0x04)]
        given = [values[name] for name in names if values.get(name) is not called]
        if "inputs" in values:
            given = list(values["inputs"])
        elif "args" in values:
            given = list(values["args"])
        name = getattr(called, "name", None) or getattr(called, "__name__", None)
        operands = [one for value in given for one in _operands(value)]
        return str(name), operands
    return None, []


def _operands(value: Any) -> list[Any]:
    if isinstance(value, list | tuple) and any(isinstance(one, Tensor) for one in value):
        return list(value)
    return [value] if isinstance(value, Tensor | np.ndarray | int | float | complex) else []


def _tensors_in(frames: list[FrameType]) -> Iterator[Tensor]:
    """Yield the tracked Tensors of the innermost frame that has some."""
    for frame in frames:
        found = [one for one in frame.f_locals.values() if isinstance(one, Tensor) and one.node]
        if found:
            yield from found
            return


def _marked(
    view: GraphView,
    places: Mapping[Any, int],
    operation: str | None,
    operands: list[Any],
    error: BaseException,
) -> GraphView:
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
    nodes.append(NodeView(own, operation or "raised", None, (), "", "failed", note=note))
    edges += [EdgeView(source, own, position) for position, source in enumerate(sources)]
    told = f"{operation or 'the computation'} raised {note}"
    return replace(view, nodes=tuple(nodes), edges=tuple(edges), notes=(*view.notes, told))
