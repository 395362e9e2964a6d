"""Statements made ready to be compiled, once: an edit makes only those anew that it is in."""

from __future__ import annotations

import ast
from typing import Any

from tinygrad_bp.doctor.watched.rewriting import instrumented
from tinygrad_bp.doctor.watched.substitution import substituted


class Prepared:
    """Instrumented statements by the statement of the script that they stand for."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[frozenset[int], list[Any]]] = {}

    def block(self, block: list[Any], replaced: dict[int, Any]) -> list[Any]:
        """Return the instrumented statements of a block with an edit in it."""
        found = []
        for one in replaced.get(id(block), block):
            found += self._statement(one, replaced)
        return found

    def _statement(self, one: Any, replaced: dict[int, Any]) -> list[Any]:
        known = self._known.get(id(one))
        if known is None:
            known = self._known[id(one)] = frozenset(_inside(one)), _ready(one)
        inside, made = known
        return made if inside.isdisjoint(replaced) else _ready(substituted(one, replaced))


def _ready(one: Any) -> list[Any]:
    module = instrumented(ast.Module([one], []))
    ast.fix_missing_locations(module)
    body: list[Any] = module.body
    return body


def _inside(node: Any) -> set[int]:
    """Return the identities of every node and list of a tree."""
    found = set()
    for one in ast.walk(node):
        found.add(id(one))
        found |= {id(value) for value in vars(one).values() if isinstance(value, list)}
    return found
