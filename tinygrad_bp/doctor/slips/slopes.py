"""Derivatives of activations, as learners write them: how they look, and what to put instead."""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Iterator
from typing import Any

import numpy as np

from tinygrad_bp.doctor.slips.products import factors
from tinygrad_bp.doctor.watched.substitution import expression, substituted

DERIVATIVES = re.compile(r"deriv|prime|grad|_d$|^d_?(sig|tanh|relu|act)|dsig|dact", re.IGNORECASE)


def is_derivative(node: ast.AST, known: Collection[str] = ()) -> bool:
    """Tell whether an expression looks like an activation's derivative, or calls one of `known`."""
    if isinstance(node, ast.Call):
        return _leaf(node) in known or is_derivative_call(node)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Sub):
        return isinstance(node.left, ast.Constant) and node.left.value == 1
    return isinstance(node, ast.Compare)


def is_derivative_call(node: ast.Call) -> bool:
    """Tell whether a call asks for a derivative, by the function's name or by a flag."""
    flags = [one for one in node.keywords if one.arg and DERIVATIVES.search(one.arg)]
    flagged = any(isinstance(one, ast.Constant) and one.value is True for one in node.args[1:])
    named = len(node.args) < 2 and bool(DERIVATIVES.search(_leaf(node)))
    return bool(flags) or flagged or named


def _leaf(node: ast.Call) -> str:
    return ast.unparse(node.func).rsplit(".", maxsplit=1)[-1]


def helpers_of(tree: ast.Module) -> list[str]:
    """Return the names of the functions that are derivatives, by what they return or by name."""
    return [name for name, one in _functions(tree) if DERIVATIVES.search(name)
            or any(_is_slope(_spelt_out(one, some)) for some in _returned(one))]  # fmt: skip


def _functions(tree: ast.Module) -> Iterator[tuple[str, Any]]:
    """Yield (name, function) of all functions, and of the lambdas that are given a name."""
    for one in ast.walk(tree):
        if isinstance(one, ast.FunctionDef):
            yield one.name, one
        elif isinstance(one, ast.Assign) and isinstance(one.value, ast.Lambda):
            yield ast.unparse(one.targets[0]), one.value


def _is_slope(value: ast.expr) -> bool:
    """Tell whether a function's answer is a derivative: a * (1 - a), 1 - a ** 2, a > 0."""
    if isinstance(value, ast.Call):
        of: Any = value.func
        return getattr(of, "attr", "") == "astype" and _is_slope(of.value)
    parts = factors(value)
    less = _subtracted(parts)
    if len(parts) > 1:
        whole = {ast.unparse(one) for one in parts}
        return any(ast.unparse(one) in whole for one in less)
    if isinstance(value, ast.Compare):  # with 0: what is above 0.5 is an answer
        return all(getattr(one, "value", None) == 0 for one in value.comparators)
    return any(_is_square(one) for one in less)


def _subtracted(parts: list[ast.expr]) -> list[Any]:
    """Return what those of the parts take from 1 that do so."""
    found = (one for one in parts if isinstance(one, ast.BinOp) and isinstance(one.op, ast.Sub))
    return [one.right for one in found if is_derivative(one)]


def _is_square(node: ast.expr) -> bool:
    if not isinstance(node, ast.BinOp):
        return False
    return isinstance(node.op, ast.Pow) or ast.unparse(node.left) == ast.unparse(node.right)


def slopes(text: str, helpers: list[str]) -> list[str]:
    """Return the derivatives by an activation's result, or what the script's own helpers take."""
    known = [f"{helper}({text})" for helper in helpers]
    return [*known, f"{text} * (1 - {text})", f"(1 - {text} ** 2)", f"({text} > 0)"]


def answers(tree: ast.Module, function: Any) -> Iterator[tuple[ast.expr, str, str]]:
    """Yield (what a function returns, what to return instead, the slip) for derivatives.

    A function of one value that returns its derivative may take the activation's result where it is
    given the input, or the other way round.
    """
    arguments = [one.arg for one in function.args.args if one.arg != "self"]
    if not arguments:
        return
    x = arguments[0]
    of_input = [f"{one}({x}) * (1 - {one}({x}))" for one in _squashers(tree)]
    of_input += [f"np.exp(-{x}) / (1 + np.exp(-{x})) ** 2", f"1 - np.tanh({x}) ** 2"]
    of_result = [f"{x} * (1 - {x})", f"1 - {x} ** 2", f"({x} > 0)"]
    for one in _returned(function):
        yield from ((one, text, "wrong-gradient") for text in _other_way(one))
        if any(is_derivative(part) for part in ast.walk(one)):
            own = _form(_spelt_out(function, one), x)
            for new in (*of_result, *of_input) if own[1] else (*of_input, *of_result):
                kind, is_of_input = _form(expression(new), x)
                # of the other value, or else the slope of another function
                same = kind == own[0] and is_of_input != own[1]
                yield one, new, "derivative-on-z" if same else "wrong-gradient"


def _spelt_out(function: Any, value: ast.expr) -> ast.expr:
    """Return what a function answers, with its own names for values written out."""
    made = {ast.unparse(one.targets[0]): one.value for one in ast.walk(function)
            if isinstance(one, ast.Assign) and len(one.targets) == 1}  # fmt: skip
    names = (one for one in ast.walk(value) if isinstance(one, ast.Name))
    new: ast.expr = substituted(value, {id(one): made[one.id] for one in names if one.id in made})
    return new


def _form(value: ast.expr, x: str) -> tuple[str, bool]:
    """Return whose slope an expression is, if it is one, and whether it is that of an input."""
    if isinstance(value, ast.Compare):
        return "relu", False
    if isinstance(value, ast.BinOp) and isinstance(value.op, ast.Div):
        return "sigmoid", True
    parts = factors(value)
    less = _subtracted(parts)
    if not less:
        return "", False
    if len(parts) > 1:
        return "sigmoid", ast.unparse(less[0]) != x
    square = _is_square(less[0])
    return "tanh" if square else "", square and ast.unparse(less[0].left) != x


def of_inputs(tree: ast.Module, node: ast.BinOp) -> Iterator[str]:
    """Yield a sigmoid's slope at `x`, where a product is that slope by its result: x * (1 - x)."""
    for one, rest in ((node.left, node.right), (node.right, node.left)):
        x = ast.unparse(one)
        less = is_derivative(rest) and ast.unparse(getattr(rest, "right", rest)) == x
        of = [*(f"{name}({x})" for name in _squashers(tree)), f"(1 / (1 + np.exp(-{x})))"]
        yield from (f"{a} * (1 - {a})" for a in of if less)


def _other_way(value: ast.expr) -> Iterator[str]:
    """Yield a choice between two slopes with the two exchanged."""
    if isinstance(value, ast.Call) and len(value.args) == 3:
        if not ast.unparse(value.func).endswith("where"):
            return
        yield ast.unparse(ast.Call(value.func, [value.args[0], *value.args[:0:-1]], []))
    elif isinstance(value, ast.IfExp):
        yield ast.unparse(ast.IfExp(value.test, value.orelse, value.body))


def _squashers(tree: ast.Module) -> list[str]:
    """Return the names of functions that are sigmoids by their names."""
    found = (one for one in ast.walk(tree) if isinstance(one, ast.FunctionDef))
    return [
        one.name
        for one in found
        if re.search(r"sig|logistic|nonlin|act", one.name, re.IGNORECASE)
        and not DERIVATIVES.search(one.name)
        and one.args.args
        and one.args.args[0].arg != "self"
    ]


def _returned(function: Any) -> Iterator[ast.expr]:
    if isinstance(function, ast.Lambda):
        yield function.body
        return
    for one in ast.walk(function):
        if isinstance(one, ast.Return) and one.value is not None:
            yield one.value


def is_mask(value: Any) -> bool:
    """Tell what lets some values through and others not: zeros, and one other number."""
    kinds = np.unique(value) if isinstance(value, np.ndarray) and value.ndim > 1 else ()
    return len(kinds) == 2 and 0 in kinds


def same_unit(one: Any, other: Any) -> bool:
    """Tell whether one value is an increasing function of another: an activation of its input."""
    if one is None or other is None or np.shape(one) != np.shape(other) or np.size(one) < 3:
        return False
    x, a = np.ravel(one), np.ravel(other)
    return _rises(x, a) or _rises(a, x)


def _rises(x: Any, a: Any) -> bool:
    return bool(np.all(np.diff(a[np.argsort(x, kind="stable")]) >= -1e-12))
