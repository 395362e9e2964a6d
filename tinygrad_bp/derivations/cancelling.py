"""Cross entropy of a sigmoid or a softmax: their slopes cancel, and the gradient is ``p - y``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from tinygrad_bp.derivations.records import Equation, Reason
from tinygrad_bp.formulas.boxes import Applied, Code, Digits, Fraction, Line, Row, Sign, Symbol
from tinygrad_bp.formulas.typesetting import number
from tinygrad_bp.functional import softmax
from tinygrad_bp.programs.calling import quiet
from tinygrad_bp.rules.elementwise.activations import sigmoid
from tinygrad_bp.view.reading.recorded import parameters_of

CLOSE = 1e-9  # of the largest element: what rounding leaves of a cancellation
SIGMOID, LOGITS, CLASSES = "sigmoid", "bce_with_logits", "cross_entropy"
OF_SIGMOID = (
    "The sigmoid cancels: the slope of the cross entropy by p is (p − y) / (p (1 − p)), that of"
    " the sigmoid is p (1 − p), and their product is p − y. However sure a unit is of a wrong"
    " answer, it keeps its gradient."
)


def cancelled(deriving: Any, place: int) -> Iterator[Reason]:
    """Yield the remark that what went into a sigmoid has the gradient ``p - y``, where it has.

    That is looked for in the numbers, whoever wrote the loss: for each array of labels in the
    graph, p - y is compared with the gradient.
    """
    recorded = deriving.recorded
    entry = recorded.entries[place]
    name = entry.node.rule.name
    if name not in (SIGMOID, LOGITS, CLASSES) or not entry.arguments:
        return
    logits = entry.arguments[0]
    z, dz = recorded.value(logits), recorded.cotangents.get(recorded.entries[logits].node)
    if z is None or dz is None or len(deriving.formulas.uses.get(logits, ())) != 1:
        return
    if name == CLASSES:
        yield from _of_classes(deriving, place, np.asarray(z), np.asarray(dz))
        return
    with quiet():
        p = sigmoid(np.asarray(z))
    for other, one in enumerate(recorded.entries):
        y = recorded.value(other)
        if one.node is not None or y is None or np.shape(y) != np.shape(z) or not np.size(y):
            continue
        share = _share(p - np.asarray(y), np.asarray(dz))
        if share:
            yield _remark(deriving, logits, place if name == SIGMOID else None, other, share)
            return


def _share(error: Any, dz: Any) -> int:
    """Return n if the gradient is the error divided by n, the elements or the rows; else 0."""
    largest = float(np.max(np.abs(dz)))
    for n in (1, error.size, len(error) if error.ndim else 1):
        if largest > 0 and float(np.max(np.abs(error / n - dz))) <= CLOSE * largest:
            return int(n)
    return 0


def _remark(deriving: Any, logits: int, unit: int | None, labels: int, share: int) -> Reason:
    z = deriving.placed(logits)[0]
    p: Any = Applied("σ", (z,)) if unit is None else deriving.placed(unit)[0]
    error = Row((p, Sign("−"), deriving.placed(labels)[0]))
    return Reason(Equation(deriving.gradient(logits), _shared(error, share)), (OF_SIGMOID,))


def _shared(error: Any, share: int) -> Any:
    bottom = Digits(number(share))
    return error if share == 1 else Fraction(error, bottom, top_binds=False, bottom_binds=True)


def _of_classes(deriving: Any, place: int, z: Any, dz: Any) -> Iterator[Reason]:
    """Yield the remark that the logits of classes have the gradient ``softmax(z) - y``."""
    (logits,) = deriving.recorded.entries[place].arguments
    labels, _ = parameters_of(deriving.recorded.entries[place].node)
    right = np.zeros(z.shape)
    right[np.arange(len(z)), labels] = 1.0
    with quiet():
        share = _share(softmax(z, axis=1) - right, dz) if z.size else 0
    if share:
        own = deriving.free("c")
        p = Applied("softmax", (deriving.placed(logits)[0], ("axis", Code("1"))))
        error = Row((p, Sign("−"), Symbol(own)))
        part = Line(Symbol(own), None, right.shape, right)
        equation = Equation(deriving.gradient(logits), _shared(error, share), (part,))
        why = (
            f"In short: the probability of each class, less 1 for the right one ({own} is 1 there,"
            " and 0 elsewhere). The logarithm has cancelled the slope of the softmax."
        )
        yield Reason(equation, (why,))
