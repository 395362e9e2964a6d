"""Arrays read backwards: the kernel of a convolution is turned round on one of its two ways."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Any

from tinygrad_bp.doctor.watched.substitution import expression

FLIPS = {"flip", "flipud", "fliplr", "rot90"}
TURNED = ("[::-1]", "[::-1, ::-1]")


def reversals_in(tree: ast.AST) -> bool:
    """Tell whether a script turns any array round, or calls for a convolution."""
    calls = (one.func for one in ast.walk(tree) if isinstance(one, ast.Call))
    names = {ast.unparse(one).rsplit(".", maxsplit=1)[-1] for one in calls}
    known = FLIPS | {"convolve", "convolve2d", "correlate", "correlate2d"}
    return bool(names & known) or any(is_turned(one) for one in ast.walk(tree))


def is_turned(node: ast.AST) -> bool:
    """Tell an array that is read backwards along every axis that it is indexed by."""
    if isinstance(node, ast.Call):
        name = ast.unparse(node.func).rsplit(".", maxsplit=1)[-1]
        return name in FLIPS and len(node.args) > 0
    if not isinstance(node, ast.Subscript):
        return False
    parts = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
    steps = [one.step for one in parts if isinstance(one, ast.Slice) and one.step is not None]
    return bool(steps) and all(ast.unparse(one) == "-1" for one in steps)


def turned_round(value: ast.expr) -> Iterator[tuple[ast.expr, ast.expr, str]]:
    """Yield (what stands in a line, the same the other way round, the slip)."""
    inner = {id(one.value) for one in ast.walk(value) if isinstance(one, ast.Attribute)}
    inner |= {id(one.value) for one in ast.walk(value) if isinstance(one, ast.Subscript)}
    nodes: list[Any] = list(ast.walk(value))
    for one in nodes:
        if is_turned(one):
            yield one, one.args[0] if isinstance(one, ast.Call) else one.value, "wrong-operand"
        elif isinstance(one, ast.Name | ast.Attribute | ast.Subscript) and id(one) not in inner:
            text = ast.unparse(one)
            yield from ((one, expression(f"{text}{tail}"), "wrong-gradient") for tail in TURNED)
