"""What a recorded graph shows: its leaves, sigmoids in a row, units asleep, labels out of reach."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_bp.doctor.findings.diagnosis import FAULT, NOTE, Finding
from tinygrad_bp.engine.nodes import Leaf, Node, ancestors
from tinygrad_bp.engine.tensor import Tensor

SIGMOIDS = {"sigmoid", "expit"}
BOUNDS = {"sigmoid": (0, 1), "expit": (0, 1), "tanh": (-1, 1), "relu": (0, np.inf)}
NEAR, MOSTLY = 0.01, 0.7  # of a bound; the share of a layer from which on it is worth a word
OF_LOGITS = {"bce_with_logits", "cross_entropy", "log_softmax"}


def leaf_nodes(value: Any) -> set[Node]:
    """Return the leaves that a value depends on."""
    if not isinstance(value, Tensor) or value.node is None:
        return set()
    return {one for one in ancestors(value.node) if isinstance(one, Leaf)}


def squashed_twice(loss: Any) -> list[Finding]:
    """Report a sigmoid, or a loss that applies its own, on top of a sigmoid."""
    if not isinstance(loss, Tensor) or loss.node is None:
        return []
    for node in ancestors(loss.node):
        name = node.rule.name
        below = node.parents[0] if node.parents else None
        squashes = name in SIGMOIDS or name == "bce_with_logits"
        if squashes and below is not None and below.rule.name in SIGMOIDS:
            text = f"{name} is applied to the result of a sigmoid"
            return [Finding("double-sigmoid", FAULT, text)]
    return []


def asleep(loss: Any) -> list[Finding]:
    """Note hidden layers of which most units are dead or saturated; `gain` is their share."""
    if not isinstance(loss, Tensor) or loss.node is None:
        return []
    found: dict[str, Finding] = {}
    for node in ancestors(loss.node):
        out = node.saved[0] if node.saved else None
        if node.rule.name not in BOUNDS or not isinstance(out, np.ndarray) or out.ndim < 2:
            continue
        if node.rule.name == "relu":
            share = float(np.mean(np.all(out <= 0, axis=tuple(range(out.ndim - 1)))))
            name, what = "dead-relu", "of the units answer 0 to every sample"
        else:
            low, high = BOUNDS[node.rule.name]
            share = float(np.mean((out < low + NEAR) | (out > high - NEAR)))
            name, what = "saturated", "of the values are within 0.01 of a bound"
        if share >= MOSTLY and out.size > 8 and share > getattr(found.get(name), "gain", 0.0):
            text = f"{node.rule.name} of the shape {out.shape}: {share:.0%} {what}"
            found[name] = Finding(name, NOTE, text, gain=share)
    return list(found.values())


def met(loss: Any) -> tuple[str, Any] | None:
    """Return what a loss compares with its labels, by the rule's name, and the labels."""
    if not isinstance(loss, Tensor) or loss.node is None:
        return None
    for node in ancestors(loss.node):
        saved, name = node.saved or (), node.rule.name
        if name in OF_LOGITS and len(saved) > 2 and isinstance(saved[2], np.ndarray):
            return name, saved[2]
        if name != "subtract" or len(saved) < 3:
            continue
        for parent, label in zip(node.parents, (saved[2], saved[1]), strict=True):
            if parent is not None and isinstance(label, np.ndarray) and label.size > 1:
                return parent.rule.name, label
    return None


def out_of_reach(name: str, labels: Any) -> list[Finding]:
    """Report labels that a squashed output cannot reach."""
    if name not in BOUNDS or name == "relu":
        return []
    (low, high), least, most = BOUNDS[name], float(labels.min()), float(labels.max())
    if least >= low - 1e-9 and most <= high + 1e-9:
        return []
    two = name in SIGMOIDS and len(np.unique(labels)) == 2
    text = (
        f"the output is a {name}, from {low} to {high}, the labels run from {least:g} to {most:g}"
    )
    return [Finding("labels-not-01" if two else "target-out-of-range", FAULT, text)]
