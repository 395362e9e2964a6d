"""What a recorded graph shows: its leaves, sigmoids in a row, units asleep, labels out of reach."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from tinygrad_bp.doctor.findings.diagnosis import FAULT, NOTE, Finding
from tinygrad_bp.engine.nodes import Leaf, Node, ancestors
from tinygrad_bp.engine.tensor import Tensor
from tinygrad_bp.functional import softmax
from tinygrad_bp.rules.elementwise.activations import sigmoid

SIGMOIDS = {"sigmoid", "expit"}
BOUNDS = {"sigmoid": (0, 1), "expit": (0, 1), "tanh": (-1, 1), "relu": (0, np.inf)}
NEAR, MOSTLY = 0.01, 0.7  # of a bound; the share of a layer from which on it is worth a word
OF_LOGITS = {"bce_with_logits", "cross_entropy", "log_softmax"}
# What is 0 or more, and less where output and label are closer: losses, and even functions.
LOSSES = {
    *OF_LOGITS, "binary_cross_entropy", "huber", "multiply", "square", "power", "absolute",
}  # fmt: skip
PRODUCTS = {"affine", "matmul"}
WEIGHED = {*PRODUCTS, "dot", "einsum", "tensordot", "matvec", "vecdot", "convolve", "convolution"}
PASSING = {"mean", "sum", "reshape", "negative", "add", "subtract"}  # keep a sign, or turn it


def leaf_nodes(value: Any) -> set[Node]:
    """Return the leaves that a value depends on."""
    if not isinstance(value, Tensor) or value.node is None:
        return set()
    return {one for one in ancestors(value.node) if isinstance(one, Leaf)}


def constant_operands(loss: Tensor) -> Iterator[Any]:
    """Yield the matrices that layers are given and no gradient reaches: samples."""
    for node in ancestors(loss.node) if loss.node is not None else ():
        if node.rule.name in PRODUCTS and node.parents[0] is None:
            operand = _saved(node, 1)
            if isinstance(operand, np.ndarray) and operand.ndim == 2 and operand.size:
                yield operand


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
    """Note hidden layers of which most units are dead or saturated; `gain` is their share.

    No weights stand between the answer and the loss; a sure one is meant to be near a bound.
    """
    if not isinstance(loss, Tensor) or loss.node is None:
        return []
    found: dict[str, Finding] = {}
    weighed = [one for one in ancestors(loss.node) if one.rule.name in WEIGHED]
    hidden = {one for node in weighed for side in node.parents if side is not None
              for one in ancestors(side)}  # fmt: skip
    for node in ancestors(loss.node):
        out = node.saved[0] if node.saved else None
        counts = node.rule.name in BOUNDS and (node in hidden or node.rule.name == "relu")
        if not counts or not isinstance(out, np.ndarray) or out.ndim < 2:
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


class Met(NamedTuple):
    """What a loss compares: by the rule's name, an output with its labels.

    Attributes
    ----------
    rule : str
        What made the output, or the loss itself, if that squashes it.
    labels : array
    output : array or None
        As it is compared: logits, probabilities or numbers; None where the graph has not kept it.
    node : Node
        Of the output.
    rewards : bool
        Whether it is a likelihood: the larger, the closer they are.
    """

    rule: str
    labels: Any
    output: Any
    node: Node
    rewards: bool = False

    def sides(self) -> tuple[Any, Any] | None:
        """Return answers and labels of one shape; None where the answers are not known."""
        output, labels = self.output, self.labels
        if not isinstance(output, np.ndarray):
            return None
        if self.rule == "bce_with_logits":
            return sigmoid(output), labels
        if self.rule in OF_LOGITS and output.ndim > 1:
            output = softmax(output)
            if labels.ndim < output.ndim:
                labels = np.eye(output.shape[-1])[labels]
        return output, labels

    def layers(self) -> Iterator[str]:
        """Yield the names of the rules below what squashes the output, if anything does."""
        node = self.node
        while node.rule.name in BOUNDS and node.parents[0] is not None:
            node = node.parents[0]
        yield from (one.rule.name for one in ancestors(node) if not isinstance(one, Leaf))


def met(loss: Any) -> Met | None:
    """Return what a loss compares with its labels."""
    if not isinstance(loss, Tensor) or loss.node is None:
        return None
    for node in ancestors(loss.node):
        name, labels = node.rule.name, _saved(node, 2)
        below = next((one for one in node.parents if one is not None), None)
        whole = name in OF_LOGITS or name == "binary_cross_entropy"
        if whole and isinstance(labels, np.ndarray) and below is not None:
            rule = name if name in OF_LOGITS else below.rule.name
            return Met(rule, labels, _saved(node, 1), below)
        found = _difference(node) or _likelihood(node)
        if found is not None:
            return found
    return None


def _saved(node: Node, k: int) -> Any:
    """Return what a node has kept: of its result, k = 0, or of an argument; None if nothing."""
    kept = node.saved or ()
    return kept[k] if len(kept) > k else None


def _difference(node: Node) -> Met | None:
    """Return the sides of a difference that `node` takes further."""
    for k, parent in enumerate(node.parents, 1):
        if parent is None or parent.rule.name != "subtract":
            continue
        told = _saved(node, k)
        for side, sign in ((0, 1), (1, -1)):
            output, label = parent.parents[side], _saved(parent, 2 - side)
            if output is None or not isinstance(label, np.ndarray) or label.size < 2:
                continue
            value = _saved(output, 0)
            if not isinstance(value, np.ndarray) and isinstance(told, np.ndarray):
                value = label + sign * told
            return Met(output.rule.name, label, value, output)
    return None


def _likelihood(node: Node) -> Met | None:
    """Return the sides of ``labels * log(output)``."""
    if node.rule.name != "multiply":
        return None
    for logarithm, label in zip(node.parents, (_saved(node, 2), _saved(node, 1)), strict=False):
        if logarithm is None or logarithm.rule.name != "log" or logarithm.parents[0] is None:
            continue
        if isinstance(label, np.ndarray) and label.size > 1:
            below = logarithm.parents[0]
            return Met(below.rule.name, label, _saved(logarithm, 1), below, rewards=True)
    return None


def turned(loss: Any, compared: Met) -> bool:
    """Tell whether a loss falls where what it compares moves apart: it has the wrong sign.

    Followed down from the loss through what keeps or turns a sign, as far as something else.
    """
    node, sign = loss.node, 1
    while node is not compared.node:
        name, sides = node.rule.name, [one for one in node.parents if one is not None]
        inner = [one for one in sides if _reaches(one, compared.node)]
        factors = [one for one in node.saved or () if isinstance(one, int | float | np.generic)]
        if name not in PASSING and not (name in {"multiply", "divide"} and len(factors) == 1):
            break
        second = name == "subtract" and inner[0] is not node.parents[0]
        turns = name == "negative" or second or (name not in PASSING and float(factors[0].real) < 0)
        node, sign = inner[0], -sign if turns else sign
    if compared.rewards:
        return sign > 0 and node.rule.name == "multiply"
    return sign < 0 and node.rule.name in LOSSES


def _reaches(node: Node, wanted: Node) -> bool:
    return node is wanted or any(one is wanted for one in ancestors(node))


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
