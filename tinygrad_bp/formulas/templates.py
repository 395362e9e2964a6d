"""The pull of a rule as one line of text, with places for whatever the values are called."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import count
from typing import Any

import numpy as np

from tinygrad_bp.engine.nodes import Node
from tinygrad_bp.engine.shapes import Shape
from tinygrad_bp.formulas.boxes import Symbol, text
from tinygrad_bp.formulas.expressions import (
    Call,
    Expression,
    Name,
    Number,
    each_in,
    names_in,
    parts_of,
    substituted,
)
from tinygrad_bp.formulas.rules import CT, pull_formula
from tinygrad_bp.formulas.typesetting import ATOM, Typesetter
from tinygrad_bp.programs.calling import INTO, named
from tinygrad_bp.programs.formulas import FORMULA

LINE = 88  # characters; parts of a longer formula get names
LINES = 4  # which it may have with them; a longer one says less than the name of the function
DIGITS = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")
LIBRARY = re.compile(r"scipy\.special\.(_ufuncs\._)?")  # its functions go by their names alone


def pull_template(node: Node, position: int, ct: Any, out: Any, shape: Shape) -> str:
    """Return what one argument's part of the cotangent is: ``"{ct} ⊙ {out} ⊙ (1 − {out})"``.

    ``{0}``, ``{1}`` stand for the arguments, ``{out}`` and ``{ct}`` for the result and its
    cotangent.  Parts of a long formula of elements follow: ``"{ct} ⊙ t₁; t₁ = …"``.  It is empty
    where there is no formula, or none that is short.

    Parameters
    ----------
    node : Node
    position : int
        Of the argument.
    ct, out : array
        The cotangent and the value of the node.
    shape : tuple of int
        Of the argument.
    """
    for textbook in (False, True):
        found = pull_formula(node, position, ct, out, shape, textbook=textbook)
        line = "" if found is None else _line(found.expression)
        if line:
            return line
    return ""


def element_template(node: Node, position: int, ct: Any, out: Any) -> str:
    """Return the same for one element of the result, where each is computed like the others."""
    found = pull_formula(node, position, ct, out, node.shape)
    line = "" if found is None else _line(found.expression)
    return line.replace("⊙", "·") if found and line and _is_by_element(found.expression) else ""


def _line(one: Expression) -> str:
    if _is_within(LINE, one):  # each is a character at least; what is shared counts where it stands
        setter = Typesetter(_Places(), str)
        found = LIBRARY.sub("", text(setter.whole(one)[0]))
        if len(found) <= LINE and not setter.parts:
            return found
    if not _is_within(LINES * LINE, one):
        return ""
    if type(one) is Call and one.op == "sum":  # of what broadcasting repeated
        terms = _narrow(one.operands[0])
        one = replace(one, operands=(terms, *one.operands[1:]))
    else:
        one = terms = _narrow(one)
    return _lines(one) if _is_by_element(terms) else ""


def _narrow(one: Any) -> Any:
    """Return what the cotangent is multiplied by as it is before broadcasting: that brings it."""
    if CT not in names_in(one):
        return one
    new: dict[int, Any] = {}
    for part in each_in(one):  # those that another is made of before it
        whole = substituted(part, new)
        if type(part) is Call and part.op == "broadcast_to":
            whole = whole.operands[0]
        if type(part) is Number and part.shape:
            whole = Number(part.value)
        if whole is not part:
            new[id(part)] = whole
    return new.get(id(one), one)


def _is_within(most: int, one: Expression) -> bool:
    rest = [one]
    while rest and most:
        rest += parts_of(rest.pop())
        most -= 1
    return not rest


def _lines(one: Expression) -> str:
    """Return a formula and those of its parts that have names; nothing if that is long too."""
    numbers = count(1)
    setter = Typesetter(_Places(), lambda first: f"{first}{next(numbers)}".translate(DIGITS))
    (box, _), parts = setter.formula(one)
    if any(part.right is None for part in parts):  # a constant that is too large to write out
        return ""
    named_parts = (f"{text(part.left)} = {text(part.right)}" for part in parts)
    found = LIBRARY.sub("", "; ".join([text(box), *named_parts]))
    return found if len(found) <= LINES * LINE else ""


class _Places(dict[str, Any]):
    """A place for every name."""

    def __missing__(self, key: str) -> Any:
        return Symbol(f"{{{key}}}"), ATOM


def _is_by_element(one: Expression) -> bool:
    if type(one) is not Call:
        return one.shape == () or type(one) is Name
    if one.op.startswith(INTO):
        return False
    if not (one.op.startswith(FORMULA) or one.op in ("where", "clip")):
        function = named(one.op)
        if not isinstance(function, np.ufunc) or function.signature:  # a product of matrices, say
            return False
    return all(map(_is_by_element, parts_of(one)))
