"""Whether a step is the sum over the samples, with nothing that divides it."""

from __future__ import annotations

import ast
import re
from typing import Any

import numpy as np

from tinygrad_bp.doctor.learning.gradients import judge, steady
from tinygrad_bp.doctor.learning.judgement import Verdict
from tinygrad_bp.doctor.learning.own_losses import LOSS_NAMES
from tinygrad_bp.doctor.learning.pairs import Pair, are_shares
from tinygrad_bp.doctor.learning.roles import Roles
from tinygrad_bp.doctor.watched.replay import Replay
from tinygrad_bp.doctor.watched.slots import shown

FEWEST = 8  # samples by which a step is divided, for it to be no other number
EXACTLY = 1e-3  # share by which it may be off
REPORTS = (*LOSS_NAMES, "acc", "metric", "score")


def summed(replay: Replay, roles: Roles, pair: Pair) -> tuple[int, bool]:
    """Return how many samples an iteration compares, and whether their gradients are summed.

    They are averaged if the iteration divides by that number, or takes a mean on the way.
    """
    compared = roles.base.recording.comparisons
    met = [one for one in compared if one.place == pair.place]
    labels = [pair.label_of(one) for one in met]
    if not labels:
        return 1, False
    samples = max(sum(_many(pair.output_of(one), pair.label_of(one)) for one in met), 1)
    counts = {float(samples), float(np.prod(labels[0].shape))}
    divided = any(
        one.operation == "/" and one.right.size == 1 and float(one.right.ravel()[0]) in counts
        for one in compared
    )
    if samples < 2 or divided or _averages(replay):
        return samples, False
    return samples, not _divides(replay, roles, counts)


def divided_twice(verdict: Verdict, samples: int, rates: list[float]) -> str:
    """Return what shows that plain steps are the rate times a mean, divided by its number again.

    The sum of squares may have its half or not.
    """
    form = verdict.form
    if form is None or form[0].own or samples < FEWEST:
        return ""
    points = [one for one in verdict.points if form in one.slopes]
    rows = [judge(one, form, one.base.ended) for one in points]
    for path in steady(rows):
        ratio = rows[0][path].ratio or 0.0
        for rate in rates:
            times = ratio * samples * samples / rate
            if any(abs(times / known - 1) < EXACTLY for known in (1, 2)):
                return (
                    f"a step of {shown(path)} is the rate, {rate:g}, times the gradient of the mean"
                    f" over {samples} samples, divided by {samples} once more"
                )
    return ""


def _many(output: Any, label: Any) -> int:
    """Return how many samples a label is of: the classes of one are none."""
    single = np.size(output) == max(np.shape(output), default=1)
    return 1 if single and are_shares(output) else max(np.shape(label), default=1)


def _divides(replay: Replay, roles: Roles, counts: set[float]) -> bool:
    """Tell whether a line that is no report divides by the number of samples, however written."""
    known = {shown(path): value for path, value in replay.before.items()}
    known |= {text: value for text, value, _ in roles.base.recording.stores}
    for one in ast.walk(replay.script.tree):
        if not isinstance(one, ast.Assign | ast.AugAssign | ast.Return):
            continue
        divisors = [
            part.right for part in ast.walk(one)
            if isinstance(part, ast.BinOp) and isinstance(part.op, ast.Div)
        ]  # fmt: skip
        divisors += (
            [one.value] if isinstance(one, ast.AugAssign) and isinstance(one.op, ast.Div) else []
        )
        if any(_is_count(by, known, counts) for by in divisors) and not _is_report(
            ast.unparse(one)
        ):
            return True
    return False


def _is_count(node: ast.expr, known: dict[str, Any], counts: set[float]) -> bool:
    text = ast.unparse(node)
    value: Any = node.value if isinstance(node, ast.Constant) else known.get(text)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):  # 2 * m
        return any(_is_count(part, known, counts) for part in (node.left, node.right))
    if value is not None:
        return bool(np.size(value) == 1 and float(np.ravel(value)[0]) in counts)
    return bool(re.search(r"^len\(|\.shape\[|\.size$|^(m|n|N|M)$", text))


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
