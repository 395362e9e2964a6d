"""Whether a step is the sum over the samples, with nothing that divides it."""

from __future__ import annotations

import ast
import re
from typing import Any

import numpy as np

from tinygrad_bp.doctor.replay import Replay
from tinygrad_bp.doctor.roles import Pair, Roles

REPORTS = ("loss", "acc", "err", "mse", "cost", "metric", "score")


def summed(replay: Replay, roles: Roles, pair: Pair) -> tuple[int, bool]:
    """Return how many samples an iteration compares, and whether their gradients are summed.

    They are averaged if the iteration divides by that number, or takes a mean on the way.
    """
    compared = roles.base.recording.comparisons
    labels = [pair.label_of(one) for one in compared if one.place == pair.place]
    if not labels:
        return 1, False
    samples = max(sum(max(one.shape, default=1) for one in labels), 1)
    counts = {float(samples), float(np.prod(labels[0].shape))}
    divided = any(
        one.operation == "/" and one.right.size == 1 and float(one.right.ravel()[0]) in counts
        for one in compared
    )
    written = re.search(rf"/ ?{samples}\b", replay.script.text) is not None
    return samples, samples > 1 and not (divided or written or _averages(replay))


def _averages(replay: Replay) -> bool:
    """Tell whether something on the way to the steps takes a mean."""
    called = {line for _, line in replay.functions()}
    nodes: list[Any] = [replay.loop.node]
    nodes += [
        one
        for one in ast.walk(replay.script.tree)
        if isinstance(one, ast.FunctionDef) and one.lineno in called
    ]
    lines = (one for node in nodes for one in ast.walk(node))
    texts = [ast.unparse(one) for one in lines
             if isinstance(one, ast.Assign | ast.AugAssign | ast.Return)]  # fmt: skip
    return any(("mean(" in one or "average(" in one) and not _is_report(one) for one in texts)


def _is_report(text: str) -> bool:
    """Tell whether a line only reports: what it stores is a loss or an accuracy."""
    target = text.split("=", maxsplit=1)[0].lower()
    return any(name in target for name in REPORTS)
