"""Derivatives of activations, as learners write them: how they look, and what to put instead."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import Any

import numpy as np

DERIVATIVES = re.compile(r"deriv|prime|grad|_d$|^d_?(sig|tanh|relu|act)|dsig|dact", re.IGNORECASE)


def is_derivative(node: ast.AST) -> bool:
    """Tell whether an expression looks like an activation's derivative; it is only a name."""
    if isinstance(node, ast.Call):
        return is_derivative_call(node)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Sub):
        return isinstance(node.left, ast.Constant) and node.left.value == 1
    return isinstance(node, ast.Compare)


def is_derivative_call(node: ast.Call) -> bool:
    """Tell whether a call asks for a derivative, by the function's name or by a flag."""
    if not node.args:
        return False
    flags = [one for one in node.keywords if one.arg and DERIVATIVES.search(one.arg)]
    flagged = any(isinstance(one, ast.Constant) and one.value is True for one in node.args[1:])
    name = ast.unparse(node.func).split(".")[-1]
    return bool(flags) or flagged or (len(node.args) == 1 and bool(DERIVATIVES.search(name)))


def helpers_of(tree: ast.Module) -> list[str]:
    """Return the names of the functions that are derivatives by their names."""
    found = (one for one in ast.walk(tree) if isinstance(one, ast.FunctionDef))
    return [one.name for one in found if DERIVATIVES.search(one.name)]


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
    kinds = [{_written(one): one for one in some} for some in (of_input, of_result)]
    for one in _returned(function):
        yield from ((one, text, "wrong-gradient") for text in _other_way(one))
        if any(is_derivative(part) for part in ast.walk(one)):
            for kind, others in (kinds, reversed(kinds)):
                # of the other value, or else the slope of another function
                name = "derivative-on-z" if ast.unparse(one) in kind else "wrong-gradient"
                yield from ((one, new, name) for new in others.values())


def of_inputs(tree: ast.Module, node: ast.BinOp) -> Iterator[str]:
    """Yield a sigmoid's slope at `x`, where a product is that slope by its result: x * (1 - x)."""
    for one, rest in ((node.left, node.right), (node.right, node.left)):
        x = ast.unparse(one)
        less = is_derivative(rest) and ast.unparse(getattr(rest, "right", rest)) == x
        of = [*(f"{name}({x})" for name in _squashers(tree)), f"(1 / (1 + np.exp(-{x})))"]
        yield from (f"{a} * (1 - {a})" for a in of if less)


def _written(text: str) -> str:
    return ast.unparse(ast.parse(text, mode="eval").body)


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
