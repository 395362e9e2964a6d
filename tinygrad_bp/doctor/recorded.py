"""What a recorded graph shows: leaves that the loss reaches, and sigmoids in a row."""

from __future__ import annotations

from typing import Any

from tinygrad_bp.doctor.diagnosis import FAULT, Finding
from tinygrad_bp.engine.nodes import Leaf, Node, ancestors
from tinygrad_bp.engine.tensor import Tensor

SIGMOIDS = {"sigmoid", "expit"}
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
