"""Statements in another order: updates last, and a loop over samples that adds up."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Any

from tinygrad_bp.doctor.watched.substitution import expression


def handed_on_last(
    block: list[Any], others: list[Any], updates: list[Any]
) -> tuple[list[Any], list[Any]]:
    """Return both with what is returned, or what updates read is changed to, computed first."""
    last = others[-1]
    before = [one for one in updates if block.index(one) < block.index(last)]
    inner = last.body[0] if isinstance(last, ast.If) and len(last.body) == 1 else last
    if isinstance(last, ast.Return) and last.value is not None:
        value: Any = last.value
        end: Any = ast.Return(ast.Name("downstream", ast.Load()))
    elif isinstance(inner, ast.Assign) and _is_read(inner.targets, before):
        value = inner.value
        if inner is not last:
            value = ast.IfExp(last.test, value, expression(ast.unparse(inner.targets[0])))
        end = ast.Assign(inner.targets, ast.Name("downstream", ast.Load()))
    else:
        return others, updates
    kept: Any = ast.Assign([ast.Name("downstream", ast.Store())], value)
    for one in (kept, kept.targets[0], value, end, end.value):
        ast.copy_location(one, last)
    return [*others[:-1], kept], [*updates, end]


def _is_read(targets: list[ast.expr], updates: list[Any]) -> bool:
    """Tell whether updates read the one name that is assigned to."""
    names = {part.id for one in updates for part in ast.walk(one) if isinstance(part, ast.Name)}
    return len(targets) == 1 and getattr(targets[0], "id", None) in names


def is_update(node: Any) -> bool:
    """Tell whether a statement changes a value by a multiple of another, or hands it to itself."""
    if isinstance(node, ast.AugAssign):
        return isinstance(node.op, ast.Add | ast.Sub)
    if not isinstance(node, ast.Assign) or not isinstance(node.value, ast.BinOp | ast.Tuple):
        return False
    targets = node.targets[0]
    pairs = (
        zip(targets.elts, node.value.elts, strict=False)
        if isinstance(targets, ast.Tuple) and isinstance(node.value, ast.Tuple)
        else [(targets, node.value)]
    )
    return all(
        isinstance(value, ast.BinOp)
        and isinstance(value.op, ast.Add | ast.Sub)
        and ast.unparse(target) in {ast.unparse(value.left), ast.unparse(value.right)}
        for target, value in pairs
    )


def added_up(block: list[Any]) -> Iterator[tuple[int, dict[int, Any]]]:
    """Yield (line, edit) for inner loops that overwrite what is read after them: they add it up."""
    for k, loop in enumerate(block):
        if not isinstance(loop, ast.For):
            continue
        later = {ast.unparse(part) for one in block[k + 1 :] for part in ast.walk(one)
                 if isinstance(getattr(part, "ctx", None), ast.Load)}  # fmt: skip
        stores: list[Any] = [one for one in loop.body if isinstance(one, ast.Assign)]
        kept = [(one, one.targets[0]) for one in stores if ast.unparse(one.targets[0]) in later]
        if not kept:
            continue
        starts = [_placed(ast.Assign([target], ast.Constant(0.0)), loop) for _, target in kept]
        edit: dict[int, Any] = {
            id(one): ast.AugAssign(target, ast.Add(), one.value) for one, target in kept
        }
        yield kept[0][0].lineno, {id(block): [*block[:k], *starts, *block[k:]], **edit}


def _placed(node: Any, other: Any) -> Any:
    for one in ast.walk(node):
        ast.copy_location(one, other)
    return node
