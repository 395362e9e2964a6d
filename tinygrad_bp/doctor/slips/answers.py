"""Answers with more columns than their labels have: each is compared with the same label."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Any

import numpy as np

from tinygrad_bp.doctor.findings.diagnosis import FAULT, NOTE, Finding
from tinygrad_bp.doctor.learning.losses import meetings
from tinygrad_bp.doctor.learning.pairs import Pair
from tinygrad_bp.doctor.learning.roles import Roles
from tinygrad_bp.doctor.slips.products import matrix_products
from tinygrad_bp.doctor.slips.repairs import Workshop
from tinygrad_bp.doctor.watched import patches
from tinygrad_bp.doctor.watched.replay import Replay


def widened(replay: Replay, roles: Roles, pair: Pair) -> list[Finding]:
    """Return why an output has several columns for each single label, if it has.

    A product that was meant to add up over the features is one reason: a matrix product in its
    place gives the label's shape.  Numbers of classes that are no rows of 0 and 1 are another.
    """
    outputs, labels = meetings(roles.base.recording, pair, roles.compared)
    if not outputs or not _is_wider(np.shape(outputs[0]), np.shape(labels[0])):
        return []
    o, y = np.shape(outputs[0]), np.shape(labels[0])
    text = f"the output has the shape {o}, the label {y}: {o[-1]} answers for one label"
    shop = Workshop(replay, roles)
    for unit, node, new in _elementwise(shop):
        iteration = shop.run({id(node): new}, [unit], None)
        met = meetings(iteration.recording, pair, roles.compared)[0] if iteration else []
        if met and np.size(met[0]) == np.size(labels[0]):
            text += f"; with a matrix product it has the shape {np.shape(met[0])}"
            found = Finding("elementwise-for-matmul", FAULT, text, node.lineno)
            if iteration is not None and iteration.error is None and np.shape(met[0]) == y:
                found.patch = patches.patch_of(replay.script, {id(node): new})
            return [found]
    classes = np.unique(np.concatenate([np.ravel(one) for one in labels]))
    numbered = bool(np.all(np.isin(classes, np.arange(o[-1])))) and len(classes) > 1
    severity = FAULT if numbered and o[-1] > 2 else NOTE
    return [Finding("label-broadcast", severity, text, pair.place[0], gain=1.0)]


def _is_wider(o: tuple[int, ...], y: tuple[int, ...]) -> bool:
    """Tell whether an output has a last axis, of which a column of labels has one element."""
    return len(o) == len(y) == 2 and o[0] == y[0] > 1 and o[1] > y[1] == 1


def _elementwise(shop: Workshop) -> Iterator[tuple[Any, Any, ast.expr]]:
    """Yield (what it stands in, an element-wise product, a matrix product to put there)."""
    for unit in shop.units():
        for one in ast.walk(unit):
            if isinstance(one, ast.BinOp) and isinstance(one.op, ast.Mult):
                pair = one.left, one.right
            elif isinstance(one, ast.Call) and ast.unparse(one.func).endswith("multiply"):
                pair = one.args[0], one.args[1]
            else:
                continue
            yield from ((unit, one, new) for new in matrix_products(*pair))
