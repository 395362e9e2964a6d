"""The graph of a computation that ended in an exception: what was recorded, and what failed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from inspect import CO_VARARGS
from traceback import walk_tb
from types import FrameType, FunctionType
from typing import Any

import numpy as np

from tinygrad_bp.engine.failures import COTANGENT, Failure, failure_of
from tinygrad_bp.engine.nodes import Node
from tinygrad_bp.engine.rule import TABLE
from tinygrad_bp.engine.tensor import Tensor, is_foreign
from tinygrad_bp.errors import GraphError
from tinygrad_bp.view.picture.plain_arrays import NUMERIC, dtype_text, lengths, numbers
from tinygrad_bp.view.picture.records import EdgeView, NodeView, Picture
from tinygrad_bp.view.reading.building import pictured
from tinygrad_bp.view.reading.sheet import Sheet, number_names, sheet_of
from tinygrad_bp.view.reading.variables import is_module, of_modules
from tinygrad_bp.view.reading.words import argument_names

OWN = __name__.partition(".")[0]
Operand = tuple[str | None, Any]  # with what the operation calls it
WRITTEN = 40  # characters of an operand that is no number


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
    failure = failure or next((found for one in causes if (found := _called(one))), None)
    operands = _named(failure) if failure else []
    nodes = [one for _, one in operands if isinstance(one, Node)]
    tracked: list[Any] = [one for _, one in operands if _node_of(one) is not None]
    tracked = tracked or [*_tensors_in(causes), *nodes]
    if not tracked:
        raise GraphError(
            "graph: no tracked Tensor is in the traceback of this exception; pass the exception"
            " that was caught, before its traceback is cleared"
        )
    sheet = sheet_of(tracked, of_modules(tracked) if parameters is None else parameters, data)
    number_names(sheet)
    sheet.recorded.cotangents.clear()  # there is no result that they could be of
    sheet.recorded.notes.clear()
    sheet.kinds = ["op" if kind == "output" else kind for kind in sheet.kinds]
    operation = None if failure is None else failure.operation
    return _marked(pictured(sheet), sheet, operation, operands, error)


def _causes(error: BaseException | None) -> list[BaseException]:
    """Return an exception and what it was raised from, what came first at the front."""
    causes: list[BaseException] = []
    while error is not None and error not in causes:
        causes.insert(0, error)
        error = error.__cause__
    return causes


def _named(failure: Failure) -> list[Operand]:
    """Return what is drawn of the operands, with what the operation calls them."""
    given = len(failure.operands) - len(failure.keywords)
    drawn = [one for value in failure.operands[:given] for one in _drawn(value)]
    rule = TABLE.get(failure.operation)
    names = [] if rule is None else argument_names(rule)
    if len(names) != len(drawn):
        names = [None] * len(drawn)
    found = [*zip(names, drawn, strict=True)]
    for name, value in zip(failure.keywords, failure.operands[given:], strict=True):
        found += [(name, one) for one in _drawn(value)]
    return found


def _drawn(value: Any) -> list[Any]:
    """Return what is drawn of an operand: itself, or the members of a list with Tensors."""
    if isinstance(value, list | tuple) and any(isinstance(one, Tensor) for one in value):
        return list(value)
    return [value]


def _called(error: BaseException) -> Failure | None:
    """Return the function of this package that the user called last, if it was given a Tensor.

    So of what refuses its arguments before it records anything.
    """
    before, found = "", None
    told = str(error).partition(":")[0]
    for frame, _ in walk_tb(error.__traceback__):
        package = frame.f_globals.get("__name__", "").partition(".")[0]
        if package == OWN != before:
            found = None  # what was called earlier has returned, or is the caller's
        # the rule or layer that the message begins with is the innermost: a layer is not given its
        # kernel, and knows its own parameters
        name = _name_of(frame) if package == OWN else ""
        if name and (found is None or told in TABLE or told == name):
            given = _given(frame) + (_parameters_in(frame) if told == name else [])
            if any(isinstance(one, Tensor) and one.node is not None for _, one in given):
                names, operands = zip(*given, strict=True)
                rule = TABLE.get(told)
                names = names if rule is None or None in argument_names(rule) else ()
                found = Failure(told if rule else name, operands, names)
        before = package
    return found if before == OWN else None


def _given(frame: FrameType) -> list[Operand]:
    """Return the Tensors and arrays that a function was called with, and what it calls them."""
    code = frame.f_code
    count = code.co_argcount + code.co_kwonlyargcount
    values: list[Operand] = [(name, frame.f_locals.get(name)) for name in code.co_varnames[:count]]
    if code.co_flags & CO_VARARGS:
        values += [(None, one) for one in frame.f_locals.get(code.co_varnames[count], ())]
    return [(name, one) for name, one in values if isinstance(one, Tensor | np.ndarray)]


def _parameters_in(frame: FrameType) -> list[Operand]:
    """Return the parameters of a layer whose method a frame is."""
    owner: Any = frame.f_locals.get("self")
    return [*owner.named_parameters()] if is_module(owner) else []


def _name_of(frame: FrameType) -> str:
    """Return what was called: a function, also by what wraps it, or a layer."""
    owner = frame.f_locals.get("self")
    around, inside, _ = frame.f_code.co_qualname.partition(".<locals>")
    if inside:
        for name in frame.f_code.co_freevars:
            one: Any = frame.f_locals.get(name)
            if isinstance(one, FunctionType) and one.__module__.partition(".")[0] == OWN:
                around = one.__name__
    elif owner is not None and not isinstance(owner, Tensor):
        return type(owner).__name__
    return around.rpartition(".")[2].strip("_")


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
    sheet: Sheet,
    operation: str | None,
    operands: list[Operand],
    error: BaseException,
) -> Picture:
    nodes, edges = list(view.nodes), list(view.edges)
    ends: list[tuple[int, str | None]] = []
    for name, one in operands:
        source = sheet.recorded.places.get(one if isinstance(one, Node) else _node_of(one))
        if source is None:
            source = len(nodes)
            nodes.append(_operand(source, one, sheet, "cotangent" if name == COTANGENT else ""))
        ends.append((source, name))
    own = len(nodes)
    note = f"{type(error).__name__}: {error}"
    rule = TABLE.get(operation or "")
    commutes = rule is not None and rule.drawing.commutes and len(ends) == len(rule.pulls)
    op = operation or "raised"
    nodes.append(NodeView(own, op, None, (), "", "failed", note=note, commutes=commutes))
    edges += [EdgeView(source, own, place, name) for place, (source, name) in enumerate(ends)]
    told = f"{operation or 'the computation'} raised {note}"
    return replace(view, nodes=tuple(nodes), edges=tuple(edges), notes=(*view.notes, told))


def _node_of(one: Any) -> Any:
    return one.node if isinstance(one, Tensor) else None


def _operand(place: int, one: Any, sheet: Sheet, kind: str) -> NodeView:
    """Return the node of an operand that tracks nothing; what is no number is shown as written."""
    value = one._value if isinstance(one, Tensor) else one
    if not isinstance(value, np.ndarray) and not is_foreign(value):
        try:
            value = np.asarray(value)
        except Exception:  # noqa: BLE001  # a list that is no array, or what refuses to be one
            value = np.empty((), dtype=object)
    if value.dtype.kind not in NUMERIC:
        written = f"{one!r:.{WRITTEN}}"
        return NodeView(place, "constant", written, (), "", "constant")
    found = None if kind else sheet.given.array(value)
    kind = kind or ("data" if value.ndim else "constant")
    name, kind = found or (getattr(one, "name", None), kind)
    shape, dtype = lengths(value.shape), dtype_text(value.dtype)
    return NodeView(place, kind, name, shape, dtype, kind, value=numbers(value))
