"""Reads a formula that `tg.explain` prints, and computes it with NumPy: its own parser, no tree of
the package's."""

from __future__ import annotations

import ast
import operator
import re
from collections.abc import Mapping
from functools import lru_cache
from importlib import import_module
from typing import Any

import numpy as np

import tinygrad_bp as tg
from tinygrad_bp.derivations.explanation import Explanation
from tinygrad_bp.engine.rule import TABLE
from tinygrad_bp.formulas.boxes import text

BACK = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹", "0123456789")
PARTS = re.compile(r"⁽([⁰¹²³⁴⁵⁶⁷⁸⁹]+)⁾")
MARKS = {"ᵀ": ".mT", "²": "**2", " ^ ": "**", "−": "-", "⊙": "*", "·": "@", "σ(": "sigmoid("}
BINARY: dict[type, Any] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul,
    ast.Div: operator.truediv, ast.Pow: operator.pow, ast.BitAnd: operator.and_,
    ast.BitOr: operator.or_,
}  # fmt: skip
COMPARED: dict[type, Any] = {
    ast.Lt: operator.lt, ast.LtE: operator.le, ast.Gt: operator.gt, ast.GtE: operator.ge,
    ast.Eq: operator.eq, ast.NotEq: operator.ne,
}  # fmt: skip


def computed(formula: str, values: Mapping[str, Any]) -> Any:
    """Return what a formula is worth: ``a2ᵀ · dz3`` with the arrays of these names."""
    own = {_plain(name): value for name, value in values.items()}
    with np.errstate(all="ignore"):
        return _value(ast.parse(_plain(formula), mode="eval").body, own)


@lru_cache(4096)  # the names of an explanation, in each of its formulas
def _plain(told: str) -> str:
    told = PARTS.sub(lambda found: f"__{found[1].translate(BACK)}", told)
    for mark, python in MARKS.items():
        told = told.replace(mark, python)
    return told


def _value(node: Any, values: Mapping[str, Any]) -> Any:  # noqa: C901  # one line a form
    def of(one: Any) -> Any:
        return _value(one, values)

    match node:
        case ast.Constant(value=value):
            return value
        case ast.Name(id=name):
            return _named(name, values)
        case ast.UnaryOp(op=ast.USub(), operand=one):
            return -of(one)
        case ast.BinOp(left=left, op=ast.MatMult(), right=right):
            a, b = of(left), of(right)
            return a @ b if np.ndim(a) and np.ndim(b) else a * b
        case ast.BinOp(left=left, op=op, right=right):
            return BINARY[type(op)](of(left), of(right))
        case ast.Compare(left=left, ops=[op], comparators=[right]):
            return COMPARED[type(op)](of(left), of(right))
        case ast.Attribute(value=one, attr="mT"):
            return np.swapaxes(of(one), -1, -2)
        case ast.Subscript(value=ast.Name(id="index"), slice=index):
            return of(index)
        case ast.Subscript(value=one, slice=index):
            return of(one)[of(index)]
        case ast.Slice(lower=a, upper=b, step=c):
            return slice(*[None if one is None else of(one) for one in (a, b, c)])
        case ast.Tuple(elts=parts):
            return tuple(map(of, parts))
        case ast.List(elts=parts):
            return [of(one) for one in parts]
        case ast.Call(func=function, args=args, keywords=keywords):
            given = {one.arg: of(one.value) for one in keywords}
            return _function(ast.unparse(function))(*map(of, args), **given)
    raise ValueError(f"no part of a formula: {ast.dump(node)}")


class UnknownValueError(Exception):
    """A name that is neither a value nor NumPy's."""


def _named(name: str, values: Mapping[str, Any]) -> Any:
    if name in values:
        return values[name]
    if name == "index" or not hasattr(np, name):
        raise UnknownValueError(name)
    return getattr(np, name)


def _function(name: str) -> Any:
    if name in ("set_at", "add_at"):
        return _setting if name == "set_at" else _adding
    if name == "complex":
        return complex
    if name in TABLE and not hasattr(np, name):
        return TABLE[name].function
    home: Any = np if name != "softmax" else tg
    if name.startswith("scipy."):
        module, _, name = name.rpartition(".")
        home = import_module(module)
    found = operator.attrgetter(name)(home)
    if name in WRITERS or name.rpartition(".")[2] == "at":
        return lambda target, *rest, **options: _written(found, target, *rest, **options)
    return found


WRITERS = {"put_along_axis", "put", "place", "copyto", "fill_diagonal", "putmask"}


def _written(function: Any, target: Any, *rest: Any, **options: Any) -> Any:
    copy = np.array(target, np.result_type(target, float))  # as in `_setting`
    function(copy, *rest, **options)
    return copy


def _setting(target: Any, index: Any, value: Any) -> Any:
    copy = np.array(target, np.result_type(target, value))  # 0 is a number, no integer
    copy[index] = value
    return copy


def _adding(target: Any, index: Any, value: Any) -> Any:
    return _written(np.add.at, target, index, value)


def _right(equation: Any, values: Mapping[str, Any]) -> Any:
    """Compute the right side; of a long sum of parts, those as well that … stands for."""
    left, right = text(equation.left), text(equation.right)
    if " + … + " in right:
        parts = [one for name, one in values.items() if name.startswith(f"{left}⁽")]
        assert len(parts) == int(PARTS.findall(right)[-1].translate(BACK))
        return sum(parts)
    return computed(right, values)


def require(
    equation: Any, values: Mapping[str, Any], unknown: frozenset[str], tolerance: float
) -> bool:
    """Compute an equation and its parts, and compare; False where it has no formula.

    So it is where it reads a value that is `unknown`: of what a user's own function gave.
    """
    own = dict(values)
    for part in equation.parts:
        own[text(part.left)] = part.value if part.right is None else computed(text(part.right), own)
    if equation.right is None or text(equation.left) not in values:
        return False
    try:
        found = np.asarray(_right(equation, own))
    except UnknownValueError as error:
        assert str(error) in unknown, text(equation.right)  # noqa: PT017  # its message is the name
        return False
    wanted = values[text(equation.left)]
    told = f"{text(equation.left)} = {text(equation.right)}"
    assert found.shape == np.shape(wanted), told
    scale = float(np.max(np.abs(np.where(np.isfinite(wanted), wanted, 0)), initial=1.0))
    np.testing.assert_allclose(found, wanted, rtol=tolerance, atol=tolerance * scale, err_msg=told)
    return True


def require_all(found: Explanation, tolerance: float = 1e-9) -> int:
    """Compute every formula of an explanation; return how many there were."""
    own = found.derivation
    equations = [*own.forward, own.start]
    for step in own.steps:
        equations += [step.title, *(one.equation for one in (*step.reasons, *step.remarks))]
    unknown = frozenset(found._symbols) - found.values.keys()
    return sum(require(one, found.values, unknown, tolerance) for one in equations)
