"""The pull of a rule as one line of text, with places for whatever the values are called."""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from tinygrad_bp.engine.nodes import Node
from tinygrad_bp.engine.shapes import Shape
from tinygrad_bp.formulas.boxes import Symbol, text
from tinygrad_bp.formulas.expressions import Call, Expression, Name, parts_of
from tinygrad_bp.formulas.rules import pull_formula
from tinygrad_bp.formulas.typesetting import ATOM, Typesetter
from tinygrad_bp.programs.calling import named
from tinygrad_bp.programs.formulas import FORMULA

LINE = 88  # characters; a longer formula says less than the name of the function
LIBRARY = re.compile(r"scipy\.special\.(_ufuncs\._)?")  # its functions go by their names alone


def pull_template(node: Node, position: int, ct: Any, out: Any, shape: Shape) -> str:
    """Return what one argument's part of the cotangent is: ``"{ct} ⊙ {out} ⊙ (1 − {out})"``.

    ``{0}``, ``{1}`` stand for the arguments, ``{out}`` and ``{ct}`` for the result and its
    cotangent.  It is empty where there is no formula, or none that is short.

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
    found = pull_formula(node, position, ct, out, shape)
    return "" if found is None else _line(found.expression)


def element_template(node: Node, position: int, ct: Any, out: Any) -> str:
    """Return the same for one element of the result, where each is computed like the others."""
    found = pull_formula(node, position, ct, out, node.shape)
    line = "" if found is None else _line(found.expression)
    return line.replace("⊙", "·") if found and line and _is_by_element(found.expression) else ""


def _line(one: Expression) -> str:
    rest, count = [one], 0
    while rest:  # each is a character at least; what is shared counts wherever it stands
        rest += parts_of(rest.pop())
        count += 1
        if count > LINE:
            return ""
    setter = Typesetter(_Places(), str)
    found = LIBRARY.sub("", text(setter.whole(one)[0]))
    return found if len(found) <= LINE and not setter.parts else ""


class _Places(dict[str, Any]):
    """A place for every name."""

    def __missing__(self, key: str) -> Any:
        return Symbol(f"{{{key}}}"), ATOM


def _is_by_element(one: Expression) -> bool:
    if type(one) is not Call:
        return one.shape == () or type(one) is Name
    if not (one.op.startswith(FORMULA) or one.op == "where"):
        function = named(one.op)
        if not isinstance(function, np.ufunc) or function.signature:  # a product of matrices, say
            return False
    return all(map(_is_by_element, parts_of(one)))
