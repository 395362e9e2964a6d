"""Weights that a script keeps because they were the best so far: copies, or the arrays themselves.

``if loss < best: best, kept = loss, weights`` keeps a name for arrays that later steps change.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from types import FrameType
from typing import Any, NamedTuple

import numpy as np

from tinygrad_bp.doctor.findings.diagnosis import FAULT, Finding
from tinygrad_bp.doctor.learning.outcome import names_at
from tinygrad_bp.doctor.watched.rewriting import Place, Script, place_of
from tinygrad_bp.doctor.watched.slots import DEEPEST, Names, is_own

ORDERS = ast.Lt | ast.LtE | ast.Gt | ast.GtE
PLACES = ast.Name | ast.Attribute | ast.Subscript


class Store(NamedTuple):
    """What is stored under a name, and in which class's method, if in one."""

    text: str
    line: int
    owner: str


class Keeping:
    """What is stored beside a record, looked at where an epoch begins."""

    def __init__(self, script: Script, epoch: Place) -> None:
        self.script = script
        self.stores = [*_beside_records(script, epoch)]
        self.before: dict[Store, list[tuple[Any, Any]]] = {}  # arrays, with copies of them
        self.older: dict[Store, list[Any]] = {}  # those that were there before the first epoch
        self.changed: list[Store] = []

    def look(self, frame: FrameType) -> None:
        """Compare the arrays that are kept with what they were when the epoch before began."""
        for store in self.stores:
            arrays = [*_inside(_held(names_at(frame), store))]
            older = self.older.setdefault(store, arrays)
            moved = any(one is old and not np.array_equal(one, copy, equal_nan=True)
                        for one in arrays if not any(one is first for first in older)
                        for old, copy in self.before.get(store, ()))  # fmt: skip
            if moved and store not in self.changed:
                self.changed.append(store)
            self.before[store] = [(one, one.copy()) for one in arrays]

    def findings(self) -> list[Finding]:
        """Return what is kept and changes all the same."""
        if not self.changed:
            return []
        told, line = ", ".join(store.text for store in self.changed), self.changed[0].line
        text = (
            f"{self.script.at(line)} keeps {told} beside a record, and later epochs change the"
            " arrays in it: they are the ones that are trained"
        )
        return [Finding("aliased-buffer", FAULT, text, line, parameter=told)]


def _beside_records(script: Script, epoch: Place) -> Iterator[Store]:
    """Yield what an ``if`` stores that also stores one side of the order which it asks for."""
    methods = {one: script.owners.get(place_of(one), "") for one in ast.walk(script.tree)
               if isinstance(one, ast.FunctionDef) and one.name != "__init__"}  # fmt: skip
    for around, owner in [(script.loops[epoch].node, ""), *methods.items()]:
        for one in ast.walk(around):
            if not isinstance(one, ast.If):
                continue
            sides = {
                ast.unparse(side)
                for part in ast.walk(one.test) if isinstance(part, ast.Compare)
                if any(isinstance(op, ORDERS) for op in part.ops)
                for whole in (part.left, *part.comparators) for side in ast.walk(whole)
                if isinstance(side, PLACES)
            }  # fmt: skip
            stores = {
                ast.unparse(part): part.lineno
                for statement in one.body for part in ast.walk(statement)
                if isinstance(part, PLACES) and isinstance(part.ctx, ast.Store)
            }  # fmt: skip
            if sides & {*stores}:
                yield from (Store(*item, owner) for item in stores.items() if item[0] not in sides)


def _held(names: Names, store: Store) -> Any:
    """Return what stands behind a store; None where nothing does, or it is a part of an array."""
    known = {**names.module, **names.local}
    if store.owner and type(known.get("self")).__name__ != store.owner:
        known["self"] = next((o for o in known.values() if type(o).__name__ == store.owner), None)

    def value(node: Any) -> Any:
        if isinstance(node, ast.Name):
            return known[node.id]
        holder = value(node.value)
        if isinstance(node, ast.Attribute):
            return getattr(holder, node.attr)
        return None if isinstance(holder, np.ndarray) else holder[ast.literal_eval(node.slice)]

    try:
        return value(ast.parse(store.text, mode="eval").body)
    except (KeyError, IndexError, AttributeError, TypeError, ValueError):
        return None


def _inside(value: Any, depth: int = 0) -> Iterator[Any]:
    """Yield the arrays of more than one number in what is kept."""
    if isinstance(value, np.ndarray):
        yield from [value] if value.size > 1 else []
        return
    parts: Any = value if isinstance(value, list | tuple) else ()
    parts = value.values() if isinstance(value, dict) else parts
    for one in vars(value).values() if is_own(value) and hasattr(value, "__dict__") else parts:
        yield from _inside(one, depth + 1) if depth < DEEPEST else ()
