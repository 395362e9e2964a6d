"""Operands that a line of a backward pass may have meant: of another layer, or computed unused."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import Any

from tinygrad_bp.doctor.watched.substitution import expression


def neighbours(node: ast.AST) -> Iterator[ast.expr]:
    """Yield the elements of a list one before and one behind that which is read."""
    if not isinstance(node, ast.Subscript) or not isinstance(node.ctx, ast.Load):
        return
    base, index = ast.unparse(node.value), ast.unparse(node.slice)
    shifted = re.fullmatch(r"(\w+) [+-] 1", index)
    if base.endswith(".shape"):
        return
    if isinstance(node.slice, ast.Name):
        yield from (expression(f"{base}[{index} {side} 1]") for side in "-+")
    elif shifted:
        yield expression(f"{base}[{shifted[1]}]")


def unused(unit: Any) -> Iterator[tuple[Any, str]]:
    """Yield (statement, name) of what a unit computes and nothing in it reads."""
    if not isinstance(unit, ast.FunctionDef):
        return  # what a loop at the top level leaves may be read behind it
    read = {one.id for one in ast.walk(unit)
            if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Load)}  # fmt: skip
    for one in ast.walk(unit):
        if isinstance(one, ast.Assign) and len(one.targets) == 1:
            name = getattr(one.targets[0], "id", "")
            if name and name not in read:
                yield one, name


def in_its_place(unit: Any, made: ast.Assign, name: str) -> Iterator[tuple[int, int, ast.expr]]:
    """Yield (line, node, name) of later reads of what an unused value is made from."""
    sources = {ast.unparse(one) for one in ast.walk(made.value)
               if isinstance(one, ast.Name | ast.Attribute)}  # fmt: skip
    nodes: list[Any] = list(ast.walk(unit))
    for one in nodes:
        is_read = isinstance(getattr(one, "ctx", None), ast.Load)
        if is_read and one.lineno > (made.end_lineno or 0) and ast.unparse(one) in sources:
            yield one.lineno, id(one), expression(name)


def errors(unit: Any, early: set[int], texts: Any) -> Iterator[tuple[str, list[ast.BinOp]]]:
    """Yield (answer, every place) of differences of an answer that stand there more than once."""
    found: dict[str, list[ast.BinOp]] = {}
    for one in ast.walk(unit):
        if isinstance(one, ast.BinOp) and isinstance(one.op, ast.Sub) and one.lineno not in early:
            found.setdefault(ast.unparse(one), []).append(one)
    for nodes in found.values():
        sides = (ast.unparse(nodes[0].left), ast.unparse(nodes[0].right))
        yield from ((side, nodes) for side in sides if len(nodes) > 1 and side in texts)
