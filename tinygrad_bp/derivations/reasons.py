"""Why a formula of the backward pass is as it is: read off the formula itself."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tinygrad_bp.engine.shapes import Shape
from tinygrad_bp.formulas.expressions import Call, Expression, Name, Number, names_in
from tinygrad_bp.formulas.rules import CT

GUARDED = "What asks for ties, infinities or NaN is left out: there are none here."


@dataclass(frozen=True)
class Setting:
    """What a sentence needs to know of an equation.

    Attributes
    ----------
    kind : str
        Of the rule.
    names : dict of str to str
        What the formula calls each value.
    argument : str
        The value whose gradient it is.
    out, gradient : str
        The result of the operation, and the gradient by it.
    shape, wide : tuple of int
        Of the value and of the result.
    samples : str
        ``m samples``, where the rows of the result are those of a batch; else empty.
    guarded : bool
    """

    kind: str
    names: dict[str, str]
    argument: str
    out: str
    gradient: str
    shape: Shape
    wide: Shape
    samples: str
    guarded: bool


def reasons(one: Expression, at: Setting) -> tuple[str, ...]:
    """Return the sentences that say why an equation is as it is."""
    found = [*_of_product(one, at), *_of_sum(one, at), *_of_mean(one, at)]
    if not found:
        found = list(_of_elements(one, at))
    return (*found, GUARDED) if at.guarded else tuple(found)


def _stripped(one: Any) -> Any:
    while type(one) is Call and one.op == "negative":
        one = one.operands[0]
    return one


def _turned(one: Any) -> str | None:
    """Return the key of the argument of which an expression is the transpose."""
    if type(one) is not Call or one.op not in ("transpose", "swapaxes"):
        return None
    inner = one.operands[0]
    return inner.key if type(inner) is Name and inner.key.isdigit() else None


def _of_product(one: Expression, at: Setting) -> Iterator[str]:
    one = _stripped(one)
    if type(one) is not Call or one.op != "matmul":
        return
    left, right = one.operands
    first, second = _turned(left), _turned(right)
    if first is not None and _is_gradient(right):
        a = at.names[first]
        over = f"the {at.samples}" if at.samples else "the rows i"
        yield (
            f"{a} is transposed so that its rows meet those of {at.gradient}: {at.argument}[k, j]"
            f" worked on {a}[i, k] in every row i, so its gradient adds up"
            f" {a}[i, k] · {at.gradient}[i, j] over {over}."
        )
    elif second is not None and _is_gradient(left):
        w = at.names[second]
        yield (
            f"{w} is transposed to lead back: {at.argument}[i, k] reached {at.out}[i, j] through"
            f" {w}[k, j], so its gradient adds up {at.gradient}[i, j] · {w}[k, j] over j."
        )


def _is_gradient(one: Any) -> bool:
    return type(one) is Name and one.key == CT


def _of_sum(one: Expression, at: Setting) -> Iterator[str]:
    one = _stripped(one)
    if type(one) is not Call or one.op != "sum" or CT not in names_in(one):
        return
    if len(at.wide) == 2 and at.shape == at.wide[1:]:
        rows = f"the {at.samples}" if at.samples else f"the {at.wide[0]} rows"
        yield (
            f"{at.argument} is one row that was used for each of {rows} (broadcasting), so its"
            " gradient is the sum over them."
        )
    else:
        yield (
            f"{at.argument} was used many times along an axis (broadcasting), so its gradient is"
            " the sum over that axis."
        )


def _of_mean(one: Expression, at: Setting) -> Iterator[str]:
    if type(one) is Call and one.op == "broadcast_to":
        one = one.operands[0]
    if (
        type(one) is not Call
        or one.op != "divide"
        or at.wide
        or type(one.operands[1]) is not Number
    ):
        return
    size = math.prod(at.shape)
    if one.operands[1].value == size > 1:
        yield f"{at.out} is a mean of {size}: each of them counts for 1/{size}."


def _of_elements(one: Expression, at: Setting) -> Iterator[str]:
    if type(one) is Name and one.key == CT:
        yield f"The slope is 1: the gradient by {at.out} is passed on as it is."
    elif type(one) is Call and one.op == "negative" and type(one.operands[0]) is Name:
        yield "The slope is −1."
    elif type(one) is Call and one.op == "broadcast_to":
        yield (
            f"Every element of {at.argument} counts alike in {at.out}, so each gets the same"
            " gradient."
        )
    elif type(one) is Call and one.op == "into.add.at":
        yield "The gradient goes back to where the elements were taken from; the others get 0."
    elif at.kind == "elementwise" and at.shape == at.wide:
        yield (
            f"Element by element: each element of {at.argument} made one element of {at.out}, so"
            " its gradient is the one there times the slope; nothing is transposed or added up."
        )
