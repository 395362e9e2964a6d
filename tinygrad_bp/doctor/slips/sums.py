"""The sums over samples that the gradient of a bias may lack."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Any

from tinygrad_bp.doctor.slips.edits import Edit, Shapes
from tinygrad_bp.doctor.watched.slots import Path
from tinygrad_bp.doctor.watched.substitution import expression


def sums(units: list[Any], shapes: Shapes, wrong: list[Path]) -> list[Edit]:
    """Return the sums over samples that lines which store a wrong parameter may lack."""
    found: list[Edit] = []
    names = {_leaf(path) for path in wrong}
    names |= {one.value.id for unit in units for one in ast.walk(unit)
              if isinstance(one, ast.Assign) and isinstance(one.value, ast.Name)
              and ast.unparse(one.targets[0]).endswith(tuple(names))}  # fmt: skip
    for unit in units:
        for one in ast.walk(unit):
            if not isinstance(one, ast.Assign | ast.AugAssign):
                continue
            text = ast.unparse(one.targets[0] if isinstance(one, ast.Assign) else one.target)
            if not any(name in text for name in names):
                continue
            for value in _terms(one.value):
                rank = len(shapes.get(ast.unparse(value), (0, 0)))
                found += _summed(unit, value, rank)
    return found


def _leaf(path: Path) -> str:
    return next((str(key) for _, key in reversed(path[2:]) if isinstance(key, str)), str(path[1]))


def _terms(value: ast.expr) -> list[ast.expr]:
    """Return the parts of an update that may be the gradient: names, or the whole."""
    names: list[ast.expr] = [
        one for one in ast.walk(value) if isinstance(one, ast.Name | ast.Attribute | ast.Subscript)
    ]
    return names if isinstance(value, ast.Tuple) else [*names, value]


def _summed(unit: Any, value: ast.expr, rank: int) -> Iterator[Edit]:
    """Yield the sums over samples that the gradient of a bias may lack."""
    for axis in (0, 1) if rank > 1 else (0,):
        for keep in (True, False):
            tail = f", axis={axis}, keepdims=True" if keep else f", axis={axis}"
            new: Any = expression(f"np.sum(0{tail})")
            new.args[0] = value
            yield Edit("bias-axis", unit, value.lineno, {id(value): new})
