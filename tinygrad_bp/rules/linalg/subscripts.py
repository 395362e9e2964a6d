"""The subscripts of einsum, made explicit.

No ellipsis, no implied result, no label twice in one operand.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tinygrad_bp.engine.arrays import Array
from tinygrad_bp.engine.constructors import arrayed
from tinygrad_bp.errors import ShapeError

LETTERS = dict(enumerate("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"))


class Subscripts:
    """The labels of each operand and of the result.

    Attributes
    ----------
    inputs : tuple of str
    output : str
    """

    def __init__(self, inputs: tuple[str, ...], output: str) -> None:
        self.inputs, self.output = inputs, output  # not to be changed

    def __eq__(self, other: object) -> bool:
        """Whether the other has the same labels."""
        return type(other) is Subscripts and self.equation == other.equation

    def __hash__(self) -> int:
        """Return a hash, equal for equal labels."""
        return hash(self.equation)

    def __repr__(self) -> str:
        return f"Subscripts({self.inputs!r}, {self.output!r})"

    @property
    def equation(self) -> str:
        """As `numpy.einsum` takes it."""
        return f"{','.join(self.inputs)}->{self.output}"

    def transpose(self, i: int) -> tuple[str, str]:
        """Return the labels that operand `i` shares, and the equation of its cotangent on those.

        The equation takes the result's cotangent first, then the other operands in order.
        """
        others = [labels for j, labels in enumerate(self.inputs) if j != i]
        target = "".join(
            c for c in self.inputs[i] if c in self.output or any(c in o for o in others)
        )
        return target, f"{','.join([self.output, *others])}->{target}"


def parse(*args: Any) -> tuple[tuple[Any, ...], Subscripts]:
    """Split a call of einsum into operands and explicit subscripts.

    Labels that occur twice in one operand are removed by taking the operand's diagonal, which
    records itself.

    Raises
    ------
    ShapeError
        If subscripts and operands do not fit.
    """
    if not args or not isinstance(args[0], str):
        args = _with_labels(args)
    equation = args[0].replace(" ", "")
    operands = [arrayed(x) for x in args[1:]]
    left, arrow, output = equation.partition("->")
    inputs = left.split(",")
    if len(inputs) != len(operands):
        raise ShapeError(f"einsum: {equation!r} names {len(inputs)} operands, got {len(operands)}")
    inputs, ellipsis = _expanded(inputs, operands, equation)
    if arrow:
        output = output.replace("...", ellipsis)
    else:
        labels = "".join(inputs)
        output = ellipsis + "".join(
            sorted(c for c in set(labels) - set(ellipsis) if labels.count(c) == 1)
        )
    for i, labels in enumerate(inputs):
        operands[i], inputs[i] = _diagonal(operands[i], labels)
    return tuple(operands), Subscripts(tuple(inputs), output)


def _with_labels(args: Sequence[Any]) -> tuple[Any, ...]:
    """Return a call with axis numbers, einsum(x, [0, 1], y, [1, 2], [0, 2]), as one with labels."""
    pairs = list(zip(args[::2], args[1::2], strict=False))
    inputs = ",".join(_labels(axes) for _, axes in pairs)
    arrow = f"->{_labels(args[-1])}" if len(args) % 2 else ""
    return inputs + arrow, *(x for x, _ in pairs)


def _labels(axes: Any) -> str:
    """Return a letter for each axis number; they sort as the numbers do."""
    try:
        return "".join("..." if n is Ellipsis else LETTERS[n] for n in axes)
    except (KeyError, TypeError) as error:
        raise ShapeError(
            f"einsum: {axes!r:.80}: expected one string of subscripts, then operands; or after each"
            " operand a list of axis numbers, 0 to 51"
        ) from error


def _expanded(inputs: list[str], operands: Sequence[Any], equation: str) -> tuple[list[str], str]:
    """Replace each ellipsis by labels of its own, aligned at the right; return them as well."""
    free = [c for c in LETTERS.values() if c not in equation]
    spans = [x.ndim - len(s.replace("...", "")) for s, x in zip(inputs, operands, strict=True)]
    for labels, span, x in zip(inputs, spans, operands, strict=True):
        if span < 0 or (span and "..." not in labels):
            raise ShapeError(
                f"einsum: {equation!r}: {labels!r} does not fit an operand of shape {x.shape}"
            )
    width = max((n for s, n in zip(inputs, spans, strict=True) if "..." in s), default=0)
    ellipsis = "".join(free[:width])
    expanded = [
        s.replace("...", ellipsis[width - n :] if n else "")
        for s, n in zip(inputs, spans, strict=True)
    ]
    return expanded, ellipsis


def _diagonal(x: Array, labels: str) -> tuple[Any, str]:
    for label in dict.fromkeys(labels):
        while labels.count(label) > 1:
            first = labels.index(label)
            second = labels.index(label, first + 1)
            if x.shape[first] != x.shape[second]:
                raise ShapeError(
                    f"einsum: axes {first} and {second} of shape {x.shape} differ in length and"
                    f" share the label {label!r}"
                )
            x = np.diagonal(x, axis1=first, axis2=second)  # moves the label to the end
            labels = labels[:first] + labels[first + 1 : second] + labels[second + 1 :] + label
    return x, labels
