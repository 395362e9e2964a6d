"""Derivatives of activations, as learners write them: how they look, and what to put instead."""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Iterator
from types import SimpleNamespace
from typing import Any

import numpy as np

from tinygrad_bp.doctor.slips.products import factors
from tinygrad_bp.doctor.watched.substitution import copied, expression, product

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
            or any(_is_slope(inlined(one, some)) for some in _returned(one))]  # fmt: skip


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
    of_input = [("sigmoid", f"{one}({x}) * (1 - {one}({x}))") for one in _squashers(tree)]
    of_input += [("sigmoid", f"np.exp(-{x}) / (1 + np.exp(-{x})) ** 2"),
                 ("tanh", f"1 - np.tanh({x}) ** 2")]  # fmt: skip
    of_result = [("sigmoid", f"{x} * (1 - {x})"), ("tanh", f"1 - {x} ** 2"), ("relu", f"({x} > 0)")]
    for one in _returned(function):
        yield from ((one, text, "wrong-gradient") for text in _other_way(one))
        if any(is_derivative(part) for part in ast.walk(inlined(function, one))):
            own, kind = slope_of(tree, function, one) or ("", "")
            others = [(of_result, "result"), (of_input, "input")]
            for some, by in others if kind == "input" else others[::-1]:
                for whose, new in some:
                    # of the other value, or else the slope of another function
                    same = whose == own and {kind, by} == {"input", "result"}
                    yield one, new, "derivative-on-z" if same else "wrong-gradient"


def slope_of(tree: ast.Module, function: Any, value: ast.expr) -> tuple[str, str] | None:
    """Tell whose slope a returned value is, and by what: by the ``input``, or by the ``result``.

    It is computed, however it is written: empty strings if it is no slope of a sigmoid, tanh or
    relu, and None if it could not be computed by itself.
    """
    x = np.linspace(-2, 2, 8).reshape(2, 4)
    squashers = dict.fromkeys(_squashers(tree), _sigmoid)
    known = {"np": np, "numpy": np, **squashers, "self": SimpleNamespace(**squashers)}
    arguments = [one.arg for one in function.args.args if one.arg != "self"]
    code = compile(ast.Expression(inlined(function, value)), "<slope>", "eval")
    try:
        with np.errstate(all="ignore"):
            found = np.asarray(eval(code, {**known, arguments[0]: x}), float)  # noqa: S307  # the script's own, which runs anyway
    except Exception:  # noqa: BLE001  # it needs more than its argument
        return None
    a = _sigmoid(x)
    known_slopes = {
        ("sigmoid", "input"): a * (1 - a), ("tanh", "input"): 1 - np.tanh(x) ** 2,
        ("sigmoid", "result"): x * (1 - x), ("tanh", "result"): 1 - x**2,
        ("relu", "either"): x > 0,
    }  # fmt: skip
    same = (
        kind
        for kind, one in known_slopes.items()
        if found.shape == x.shape and np.allclose(found, one)
    )
    return next(same, ("", ""))


def no_slopes(tree: ast.Module) -> set[str]:
    """Return the functions that are derivatives by their names, and by their values none."""
    found = [one for one in ast.walk(tree) if isinstance(one, ast.FunctionDef)
             and DERIVATIVES.search(one.name) and one.args.args]  # fmt: skip
    return {one.name for one in found
            if any(a.arg != "self" for a in one.args.args)
            and {slope_of(tree, one, value) for value in _returned(one)} == {("", "")}}  # fmt: skip


def inlined(function: Any, value: ast.expr) -> ast.expr:
    """Return an expression with the names that its function gives a value once written out."""
    stores = [one for one in ast.walk(function) if isinstance(one, ast.Assign)
              and len(one.targets) == 1 and isinstance(one.targets[0], ast.Name)]  # fmt: skip
    names = [one.targets[0].id for one in stores if isinstance(one.targets[0], ast.Name)]
    once = {name: one.value for name, one in zip(names, stores, strict=True)
            if names.count(name) == 1}  # fmt: skip
    found: ast.expr = copied(value)
    for _ in range(len(once)):
        found = _WrittenOut(once).visit(found)
    return ast.fix_missing_locations(found)


class _WrittenOut(ast.NodeTransformer):
    def __init__(self, once: dict[str, ast.expr]) -> None:
        self.once = once

    def visit_Name(self, node: ast.Name) -> Any:
        return copied(self.once[node.id]) if node.id in self.once else node


def _sigmoid(x: Any) -> Any:
    return 1 / (1 + np.exp(-x))


def of_others(tree: ast.Module, node: ast.BinOp) -> Iterator[ast.expr]:
    """Yield a product with a sigmoid's slope in it with that slope at the other value.

    What is x * (1 - x), by the result, may be meant of the input; or s(x) * (1 - s(x)) by it.
    """
    yield from _of_results(node)
    for one, rest in ((node.left, node.right), (node.right, node.left)):
        x = ast.unparse(one)
        less = is_derivative(rest) and ast.unparse(getattr(rest, "right", rest)) == x
        of = [*(f"{name}({x})" for name in _squashers(tree)), f"(1 / (1 + np.exp(-{x})))"]
        yield from (expression(f"{a} * (1 - {a})") for a in of if less)


def _of_results(node: ast.BinOp) -> Iterator[ast.expr]:
    parts = factors(node)
    for one in parts:
        if not isinstance(one, ast.Call) or len(one.args) != 1:
            continue
        less = [rest for rest in parts if ast.unparse(rest) == f"1 - {ast.unparse(one)}"]
        if less:
            new = product(one.args[0], ast.BinOp(ast.Constant(1), ast.Sub(), one.args[0]))
            for other in parts:
                new = new if other in {one, less[0]} else product(new, other)
            yield new


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
    kinds = np.unique(np.asarray(value)) if isinstance(value, np.ndarray) and value.ndim > 1 else ()
    return len(kinds) == 2 and 0 in kinds


def same_unit(one: Any, other: Any) -> bool:
    """Tell whether one value is an increasing function of another: an activation of its input."""
    if one is None or other is None or np.shape(one) != np.shape(other) or np.size(one) < 3:
        return False
    x, a = np.ravel(one), np.ravel(other)
    return _rises(x, a) or _rises(a, x)


def _rises(x: Any, a: Any) -> bool:
    return bool(np.all(np.diff(a[np.argsort(x, kind="stable")]) >= -1e-12))
