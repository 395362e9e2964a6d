"""What a loss of probabilities refuses, or warns of: labels of no class, and a second sigmoid."""

from __future__ import annotations

from functools import partial
from typing import Any
from weakref import WeakSet

import numpy as np

from tinygrad_bp.engine.guards import guard
from tinygrad_bp.engine.nodes import Account, Node, leaves
from tinygrad_bp.engine.tensor import Tensor
from tinygrad_bp.errors import DataError, warn_user

SIGMOIDS = frozenset({"sigmoid", "expit"})
ROUNDING = 1e-3  # by so much probabilities may miss [0, 1]
# What may stand between a sigmoid and the loss and changes no number.
RESHAPED = frozenset({"reshape", "getitem", "transpose", "cast"})
SUSPECT = SIGMOIDS | RESHAPED | {"divide", "reciprocal"}
SOFTENED = RESHAPED | {"exp"}  # of a log_softmax: that is what a softmax is
_WARNED: WeakSet[Account] = WeakSet()  # the parameters of each network that was warned of


def require_probabilities(name: str, targets: Any, predictions: Any) -> None:
    """Refuse labels outside of [0, 1]: the loss would have no bound below.

    Labels that are themselves differentiated are taken as they are beside predictions that are, and
    so are other libraries' arrays, which would have to be computed.

    Raises
    ------
    DataError
        If one is outside, or NaN.
    """
    moved = type(targets) is Tensor and targets._node is not None
    if not moved or getattr(predictions, "_node", None) is None:
        guard(targets, partial(within_0_and_1, name, swapped=moved))


def within_0_and_1(name: str, labels: Any, *, swapped: bool = False) -> None:
    """Refuse an array of labels that are no probabilities.

    Raises
    ------
    DataError
        If one is outside of [0, 1], or NaN.
    """
    if labels.dtype.kind not in "biuf" or not labels.size:
        return
    low, high = labels.min(), labels.max()
    if low >= 0 and high <= 1:
        return
    found = "hold NaN" if np.isnan(low) else f"run from {low:g} to {high:g}"
    raise DataError(
        f"{name}: targets {found}; expected probabilities of class 1, from 0 to 1: write"
        " (y == label) * 1.0 for a label that stands for class 1, or use cross_entropy for more"
        " than two classes" + "; the predictions come first, then the targets" * swapped
    )


def require_no_logits(probabilities: Any) -> None:
    """Refuse an array of predictions that are no probabilities.

    Raises
    ------
    DataError
        If one is outside of [0, 1] by more than rounding.
    """
    if probabilities.dtype.kind != "f" or not probabilities.size:
        return
    low, high = probabilities.min(), probabilities.max()
    if low < -ROUNDING or high > 1 + ROUNDING:
        raise DataError(
            f"binary_cross_entropy: predictions run from {low:g} to {high:g}; expected"
            " probabilities from 0 to 1: for logits call bce_with_logits"
        )


def warn_of_second_softmax(node: Node | None) -> None:
    """Warn, once for each network, where the logits of a loss are a softmax already."""
    node = _before_shapes(node)
    before = node and node.left
    if (
        node
        and node.rule.name == "exp"
        and before
        and before.rule.name == "log_softmax"
        and _is_news(node)
    ):
        warn_user(
            "cross_entropy: the logits come from a softmax, and the loss applies its own: such a"
            " network can hardly learn; pass what went into the softmax"
        )


def warn_of_second_sigmoid(node: Node | None) -> None:
    """Warn, once for each network, where the logits of a loss are probabilities already."""
    node = _before_shapes(node)
    if node and _is_sigmoid(node) and _is_news(node):
        warn_user(
            "bce_with_logits: the logits come from a sigmoid, and the loss applies its own: such a"
            " network can hardly learn; pass what went into the sigmoid, or use"
            " binary_cross_entropy"
        )


def _is_sigmoid(node: Node) -> bool:
    """Whether `node` is a sigmoid, also one written out as 1 / (1 + exp(-z))."""
    if node.rule.name in SIGMOIDS:
        return True
    if node.rule.name not in ("divide", "reciprocal"):
        return False
    below = node.parents[-1]
    if not _is_one_and_exponential(below):
        return False
    above = node.parents[0]
    return above is below or _name(above) == "exp" or (above is None and _has_one(node))


def _is_one_and_exponential(node: Node | None) -> bool:
    if node is None or node.rule.name != "add":
        return False
    return {_name(one) for one in node.parents} == {"", "exp"} and _has_one(node)


def _has_one(node: Node) -> bool:
    """Whether a constant 1 is among the operands: such a constant is kept."""
    operands = (node.saved or ())[1:]
    pairs = zip(operands, node.parents, strict=False)
    return any(parent is None and np.all(np.equal(one, 1)) for one, parent in pairs)


def _name(node: Node | None) -> str:
    return node.rule.name if node else ""


def _before_shapes(node: Node | None) -> Node | None:
    while node is not None and node.rule.name in RESHAPED:
        node = node.left
    return node


def _is_news(node: Node) -> bool:
    """Whether nothing was said yet of the network that a node belongs to."""
    accounts = [account for leaf in leaves(node) if (account := leaf.account()) is not None]
    if any(account in _WARNED for account in accounts):
        return False
    _WARNED.update(accounts)
    return True
