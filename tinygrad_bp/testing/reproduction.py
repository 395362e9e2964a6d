"""A script that raises the same mismatch, to be pasted into a file."""

from __future__ import annotations

import ast
import base64
import inspect
import sys
import textwrap
import zlib
from collections.abc import Mapping, Sequence
from functools import lru_cache
from importlib import import_module
from typing import Any

import numpy as np

from tinygrad_bp.engine.tensor import Tensor
from tinygrad_bp.nn import Module

IMPORTED = {"np": "numpy", "tg": "tinygrad_bp"}  # by every script that reads them
CHECKS = {"check_grads", "check_vjp"}
PLAIN = (np.ndarray, np.generic, Tensor, int, float, complex, str, bool, list, tuple, dict)
LITERAL = 200  # elements of an array that is written as numbers
LARGEST = 20_000  # elements of an array that is written at all


def script(check: str, functions: Mapping[str, Any], args: Sequence[Any], options: str) -> str:
    """Write a script that calls a check.

    Parameters
    ----------
    check : str
        Name of the check in `tinygrad_bp.testing`.
    functions : mapping of str to callable
        The functions that are its first arguments, by the names they get.
    args : sequence
        The arguments that follow.
    options : str
        Keywords, as source.

    Returns
    -------
    str
        Where the source of a function cannot be had, a comment says what to put there.
    """
    scope: dict[str, str] = {}
    bodies = [_defined(name, f, scope) for name, f in functions.items()]
    given = ", ".join([*functions, *map(literal, args), *([options] if options else [])])
    imports = ["import numpy as np"]
    text = "\n".join([*scope.values(), *bodies, given])
    if "zlib." in text:
        imports = ["import base64", "import zlib", "", *imports]
    if "tg." in text:
        imports.append("import tinygrad_bp as tg")
    imports.append(f"from tinygrad_bp.testing import {check}")
    lines = [*imports, "", *scope.values(), *bodies, f"{check}({given})"]
    return "\n".join(lines)


def _defined(name: str, f: Any, scope: dict[str, str]) -> str:
    """Return source that makes `name` the function."""
    for attribute in ("reproduction", "source"):
        text = getattr(f, attribute, None)
        if isinstance(text, str):
            return f"{text}\n{name} = {getattr(f, '__name__', name)}"
    own = getattr(f, "__name__", "")
    if getattr(np, own, None) is f:
        return f"{name} = np.{own}"
    module, qualified = getattr(f, "__module__", None), getattr(f, "__qualname__", "")
    if isinstance(f, Module):
        return (
            f"{name} = ...  # a {type(f).__module__}.{type(f).__qualname__}:\n"
            + textwrap.indent(repr(f), "# ")
        )
    if module and module not in {"__main__", "builtins"} and qualified.isidentifier():
        found = getattr(sys.modules.get(module), qualified, None)
        if found is f or getattr(found, "gradients_of", None) is f:
            of = "" if found is f else ".gradients_of"
            line = f"from {module} import {qualified}"
            return line if qualified == name and not of else f"{line}\n\n{name} = {qualified}{of}"
    definition = getattr(f, "definition", None)
    if definition is not None and definition.f is inspect.unwrap(f) and not _has_source(f):
        parts = {f"{name}_{of}": getattr(definition, of) for of in ("f", "vjp", "jvp")}
        bodies = [_defined(part, one, scope) for part, one in parts.items() if one is not None]
        jvp = f", jvp={name}_jvp" if definition.jvp is not None else ""
        own = f"{name} = tg.differentiable({name}_f, vjp={name}_vjp{jvp})"
        return "\n".join([*bodies, own])
    return _source(name, f, scope)


def _source(name: str, f: Any, scope: dict[str, str]) -> str:
    inner = inspect.unwrap(f)
    try:
        text = textwrap.dedent(inspect.getsource(inner))
        if inner.__name__ == "<lambda>":
            text = _lambda(inner) or ""
        tree = ast.parse(text)
        free = inspect.getclosurevars(inner)
    except (OSError, TypeError, ValueError, SyntaxError):
        return f"{name} = ...  # {f!r}: its source is not at hand"
    around = {**inner.__globals__, **free.nonlocals}
    read = {one.id for one in ast.walk(tree) if isinstance(one, ast.Name)}
    own = {inner.__name__, *inner.__code__.co_varnames, *scope, *CHECKS}
    for variable in sorted(read & around.keys() - own):
        if variable not in IMPORTED or around[variable] is not import_module(IMPORTED[variable]):
            scope[variable] = ""  # so that a function that calls itself ends
            scope[variable] = _variable(variable, around[variable], inner.__module__, scope)
    if not text:
        return f"{name} = ...  # {f!r}: its source is not at hand"
    if inner.__name__ == "<lambda>":
        return f"{name} = {text}"
    if "gradients_hold(" in text.partition("def ")[0]:
        return f"{text}\n\n{name} = {inner.__name__}.gradients_of"
    return f"{text.rstrip()}\n\n{name} = {inner.__name__}" if inner.__name__ != name else text


def _variable(name: str, value: Any, reader: str, scope: dict[str, str]) -> str:
    """Return source for what a function of the module `reader` reads from around it."""
    if inspect.ismodule(value):
        return f"import {value.__name__} as {name}"
    if isinstance(value, PLAIN):
        return f"{name} = {literal(value)}"
    home, named = getattr(value, "__module__", None), str(getattr(value, "__name__", name))
    for module, called in ((home, named), (reader, name)):
        found = getattr(sys.modules.get(module or ""), called, None)
        if module != "__main__" and found is value:
            renamed = "" if called == name else f" as {name}"
            return f"from {module} import {called}{renamed}"
    return _defined(name, value, scope) if callable(value) else f"{name} = ...  # {value!r:.200}"


def _has_source(value: Any) -> bool:
    """Whether the text of a function shows that it has a rule of its own: as a decorator."""
    try:
        text = inspect.getsource(value)
    except (OSError, TypeError):
        return False
    return "differentiable" in text.partition("def ")[0] and "def " in text


def _lambda(f: Any) -> str | None:
    """Return the text of a lambda; None for other functions, and where it cannot be told."""
    if f.__name__ != "<lambda>":
        return None
    try:
        lines = inspect.findsource(f)[0]
        lambdas = _lambdas("".join(lines))
    except (OSError, TypeError):
        return None
    except SyntaxError:  # a page, or a notebook: there is only the statement that it is part of
        return _only_lambda(f)
    code = f.__code__
    inside = [(p[0], p[2]) for p in code.co_positions() if p[0] and p[2]]
    found = [
        node
        for node in lambdas
        if inside
        and (node.lineno, node.col_offset) <= min(inside)
        and max(inside) <= (node.end_lineno or 0, node.end_col_offset or 0)
        and [a.arg for a in node.args.args] == list(code.co_varnames[: code.co_argcount])
    ]
    # those around it begin before it
    chosen = max(found, key=lambda node: (node.lineno, node.col_offset), default=None)
    if chosen is None:
        return None
    # the positions count bytes; ast's own function would split the whole source once more
    whole = "".join(lines[chosen.lineno - 1 : chosen.end_lineno]).encode()
    after = len(lines[(chosen.end_lineno or 0) - 1].encode()) - (chosen.end_col_offset or 0)
    text = whole[chosen.col_offset : len(whole) - after].decode()
    return f"({text})" if "\n" in text else text


def _only_lambda(f: Any) -> str | None:
    try:
        text = textwrap.dedent(inspect.getsource(f))
        tree = ast.parse(text)
    except SyntaxError:
        return None
    found = [one for one in ast.walk(tree) if isinstance(one, ast.Lambda)]
    return ast.get_source_segment(text, found[0]) if len(found) == 1 else None


@lru_cache(maxsize=8)
def _lambdas(source: str) -> list[ast.Lambda]:
    return [one for one in ast.walk(ast.parse(source)) if isinstance(one, ast.Lambda)]


def literal(value: Any) -> str:
    """Return source that makes `value`, to the bit."""
    if isinstance(value, Tensor):
        inside = literal(value.detach().numpy()[()])
        return f"tg.tensor({inside}{', requires_grad=True' if value.requires_grad else ''})"
    if isinstance(value, np.generic):
        return f"np.{value.dtype.name}({value.item()!r})"
    if isinstance(value, np.ndarray):
        return _array(value)
    if isinstance(value, dict):
        return "{" + ", ".join(f"{k!r}: {literal(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return f"[{', '.join(map(literal, value))}]"
    if isinstance(value, tuple):
        return f"({''.join(literal(one) + ', ' for one in value)})"
    if isinstance(value, type) and issubclass(value, np.generic):
        return f"np.{value.__name__}"
    return repr(value)


def _array(value: Any) -> str:
    shape = "" if value.ndim == 1 else f".reshape({value.shape})"
    if value.size <= LITERAL:
        numbers = repr(value.ravel().tolist()).replace("nan", "np.nan").replace("inf", "np.inf")
        return f"np.array({numbers}, {value.dtype.name!r}){shape}"
    if value.size > LARGEST:
        return f"...  # an array of shape {value.shape}, too large to be shown\n"
    packed = base64.b64encode(zlib.compress(np.ascontiguousarray(value).tobytes(), 9)).decode()
    bytes_ = f"zlib.decompress(base64.b64decode({packed!r}))"
    return f"np.frombuffer({bytes_}, {value.dtype.name!r}){shape}"
