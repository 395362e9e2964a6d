"""What of lists, dicts and records a backward pass could name: other fields, other layers."""

from __future__ import annotations

import ast
from typing import Any

LISTED = 12  # values of lists of layers whose slopes are tried


def names_of_fields(tree: ast.Module) -> tuple[list[str], list[str]]:
    """Return the keys, and the attributes of other objects than `self`, that a script stores."""
    keys: dict[str, None] = {}
    attributes: dict[str, None] = {}
    for one in ast.walk(tree):
        if not isinstance(getattr(one, "ctx", None), ast.Store):
            continue
        if isinstance(one, ast.Subscript) and isinstance(one.slice, ast.Constant):
            keys.update({one.slice.value: None} if isinstance(one.slice.value, str) else {})
        elif isinstance(one, ast.Attribute):
            attributes[one.attr] = None
    return [*keys][:LISTED], [*attributes][:LISTED]


def indexed(unit: Any) -> list[str]:
    """Return what a unit reads with an index that turns: the values of one layer of a list."""
    loops = [one for one in ast.walk(unit) if isinstance(one, ast.For) and one is not unit]
    inside = (part for one in loops for part in ast.walk(one.target))
    turning = {part.id for part in inside if isinstance(part, ast.Name)}
    found: dict[str, None] = {}
    for one in ast.walk(unit):
        if isinstance(one, ast.Subscript) and isinstance(one.ctx, ast.Load):
            used = {part.id for part in ast.walk(one) if isinstance(part, ast.Name)}
            if used & turning:
                found[ast.unparse(one)] = None
    single = [one for one in ast.walk(unit) if isinstance(one, ast.Subscript)
              and isinstance(one.slice, ast.Name) and one.slice.id in turning]  # fmt: skip
    near = [f"{ast.unparse(one.value)}[{ast.unparse(one.slice)} {side} 1]"
            for one in single if isinstance(one.ctx, ast.Load) for side in "+-"]  # fmt: skip
    return [*dict.fromkeys([*[*found][:LISTED], *near])][: 2 * LISTED]


def inside_indices(value: ast.expr) -> set[int]:
    """Return the operators of an expression that only count places: the sign in `x[::-1]`."""
    slices = [one.slice for one in ast.walk(value) if isinstance(one, ast.Subscript)]
    parts = (part for one in slices for part in ast.walk(one))
    return {id(part) for part in parts if isinstance(part, ast.UnaryOp | ast.BinOp)}
