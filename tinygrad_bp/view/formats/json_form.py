"""A `Picture` as JSON has it, and back; `docs/graphs.md` describes the form."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from tinygrad_bp.view.picture.records import CheckView, EdgeView, NodeView, Picture, Statistics

FORMAT = "tinygrad_bp.graph"
VERSION = 2  # raised when a reader of this version could misread the JSON; new keys alone do not
NUMBERS = {"value", "cotangent", "contribution", "differences", "error"}  # fields that hold some


def written(view: Picture) -> dict[str, Any]:
    """Return a picture as dicts, lists, texts and numbers alone."""
    return {
        "format": FORMAT,
        "version": VERSION,
        "level": view.level,
        "notes": list(view.notes),
        "unfold": list(view.unfold),
        "is_folded": view.is_folded,
        "nodes": [_plain(node) for node in view.nodes],
        "edges": [_plain(edge) for edge in view.edges],
        "checks": [_plain(check) for check in view.checks],
    }


def read(found: Mapping[str, Any]) -> Picture:
    """Return the picture that `written` gave.

    Raises
    ------
    ValueError
        If the format or its version is another one.
    """
    if (found.get("format"), found.get("version")) != (FORMAT, VERSION):
        raise ValueError(f"GraphView: expected {FORMAT!r} of version {VERSION}")
    return Picture(
        tuple(NodeView(**_read(node)) for node in found["nodes"]),
        tuple(EdgeView(**_read(edge)) for edge in found["edges"]),
        found["level"],
        tuple(found["notes"]),
        tuple(CheckView(**_read(check)) for check in found["checks"]),
        tuple(found.get("unfold", ())),  # which this version wrote not from its beginning
        found.get("is_folded", False),
    )


def _plain(record: Any) -> dict[str, Any]:
    return {name: _plainly(getattr(record, name)) for name in record.__slots__}


def _plainly(value: Any) -> Any:
    """Return a field as JSON has it."""
    if isinstance(value, tuple):
        return [_plainly(one) for one in value]
    if hasattr(value, "__slots__"):
        return _plain(value)
    if isinstance(value, complex) or (isinstance(value, float) and not math.isfinite(value)):
        return str(value)
    return value


def _read(found: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of a record from their JSON."""
    fields: dict[str, Any] = {}
    for name, value in found.items():
        if name == "statistics" and value is not None:
            fields[name] = Statistics(**{key: _number(one) for key, one in value.items()})
        elif name in NUMBERS and value is not None:
            fields[name] = tuple(map(_number, value)) if isinstance(value, list) else _number(value)
        elif name == "links":
            fields[name] = _tuples(value, _number)
        else:
            fields[name] = _tuples(value, lambda one: one)
    return fields


def _tuples(value: Any, convert: Callable[[Any], Any]) -> Any:
    if isinstance(value, list):
        return tuple(_tuples(one, convert) for one in value)
    return convert(value)


def _number(found: Any) -> Any:
    if isinstance(found, str):  # one that JSON lacks
        return complex(found) if found.endswith(("j", "j)")) else float(found)
    return found
