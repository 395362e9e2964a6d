"""A tree with some of its nodes replaced: the tree that is given is kept."""

from __future__ import annotations

import ast
from typing import Any

ALL = 10**6  # columns from here on are of nodes that an edit has brought in


def copied(node: Any) -> Any:
    """Return a copy of a tree: `copy.deepcopy` in a fifth of its time."""
    return substituted(node, {})


def substituted(node: Any, replaced: dict[int, Any], inside: frozenset[int] = frozenset()) -> Any:
    """Return a copy of a tree with nodes and lists replaced; the new ones may hold the old.

    The old ones that it is `inside` of are replaced no more.
    """
    if replaced and id(node) in replaced and id(node) not in inside:
        new = replaced[id(node)]
        made = substituted(new, replaced, inside | {id(node)})
        if isinstance(node, ast.AST) and isinstance(made, ast.AST):
            _place(made, node)
        return made
    if isinstance(node, ast.AST):
        parts = {
            name: substituted(getattr(node, name, None), replaced, inside) for name in node._fields
        }
        copy = type(node)(**parts)
        for name in node._attributes:
            if hasattr(node, name):
                setattr(copy, name, getattr(node, name))
        return copy
    return [substituted(one, replaced, inside) for one in node] if isinstance(node, list) else node


def _place(new: ast.AST, old: Any) -> None:
    """Give new nodes a line, and a column at which nothing of the script stands."""
    for one in ast.walk(new):
        if "lineno" in one._attributes and not hasattr(one, "lineno"):
            place(one, old)


def place(new: Any, old: Any) -> None:
    """Give a new node the line of an old one."""
    new.lineno = new.end_lineno = old.lineno
    new.col_offset = new.end_col_offset = old.col_offset + ALL


def product(left: ast.expr, right: ast.expr) -> ast.BinOp:
    """Return the element-wise product."""
    return ast.BinOp(left, ast.Mult(), right)


def expression(text: str) -> ast.expr:
    """Return the tree of an expression, without places."""
    node = ast.parse(text, mode="eval").body
    for one in ast.walk(node):
        for name in ("lineno", "col_offset", "end_lineno", "end_col_offset"):
            if hasattr(one, name):
                delattr(one, name)
    return node
