"""The statements and blocks of a unit of code, and what is left of a name."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import Any


def stem(text: str) -> str:
    """Return what is left of a name without its number: `a` of `a1`."""
    return re.sub(r"[\d\[\]'\"_]+", "", text)


def statements(unit: Any) -> Iterator[Any]:
    """Yield the statements of a unit of code."""
    for one in ast.walk(unit):
        if one is not unit and isinstance(one, ast.Assign | ast.AugAssign | ast.Return | ast.Expr):
            yield one


def blocks(unit: Any) -> Iterator[list[Any]]:
    """Yield the blocks of a unit of code that have three statements or more."""
    for one in ast.walk(unit):
        body = getattr(one, "body", None)
        if isinstance(body, list) and len(body) > 2:
            yield body
