"""The variables of whoever asks for a graph: what they call its Tensors and arrays."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from inspect import CO_OPTIMIZED
from typing import Any

import numpy as np

from tinygrad_bp.engine.containers import flatten
from tinygrad_bp.engine.nodes import Node, ancestors
from tinygrad_bp.engine.tensor import Tensor
from tinygrad_bp.errors import users_frame


def of_caller() -> list[dict[str, Any]]:
    """Return the variables of whoever calls, the nearest first."""
    frame = users_frame()
    shown = frame.f_locals
    own = dict(shown)
    if frame.f_code.co_flags & CO_OPTIMIZED and type(shown) is dict:
        # up to Python 3.12 a copy that the function keeps: no graph shall live as long
        for name, one in own.items():
            if isinstance(one, Tensor) and not one.is_leaf:
                del shown[name]
    return [own, frame.f_globals]


def of_modules(out: Any) -> dict[str, Tensor]:
    """Return the parameters of a graph that a module among the caller's variables has, by name.

    A name that a parameter was given stays: the others' is what their layer calls them.
    """
    scopes = [{k: one for k, one in list(s.items()) if _has_modules(one)} for s in of_caller()]
    roots = [one.node for one in flatten(out)[0] if isinstance(one, Tensor) and one.node]
    return {
        name: one
        for name, one in variables(scopes, roots).items()
        if one.node is not None and one.name in (None, name.rpartition(".")[2])
    }


def variables(scopes: Iterable[Mapping[str, Any]], roots: Iterable[Node]) -> dict[str, Any]:
    """Return the Tensors of a graph and the arrays that are called by a variable, by its name.

    Dicts, lists and modules are looked into.  The first name that is found stays, but of two
    modules whose parameters are called alike each goes by its variable: ``G.layers.0.W``.

    Parameters
    ----------
    scopes : iterable of mapping
        The caller's variables, the nearest first.
    roots : iterable of Node
        Of the graph.
    """
    nodes = set(ancestors(*roots))
    found: dict[str, Any] = {}
    known: set[int] = set()
    listed: list[tuple[str, str, Any]] = []
    owners: dict[str, list[str]] = {}  # the modules that call a parameter so
    for scope in scopes:
        for name, value in list(scope.items()):
            if name.startswith("_"):
                continue
            for called, one in _held(name, value):
                held = one.node if isinstance(one, Tensor) else one
                if held is None:
                    held = one._value
                wanted = held in nodes if isinstance(held, Node) else is_array(held)
                if wanted and id(held) not in known:
                    known.add(id(held))
                    listed.append((name, called, one))
                    if is_module(value):
                        owners.setdefault(called, []).append(name)
    alike = {name for names in owners.values() if len({*names}) > 1 for name in names}
    for name, called, one in listed:
        path = f"{name}.{called}"
        called = path if called in owners and name in alike else called
        if called in found:
            called = path
        found.setdefault(called, one)
    return found


def _held(name: str, value: Any) -> Iterable[tuple[str, Any]]:
    if isinstance(value, (Tensor, np.ndarray)):
        return [(name, value)]
    if is_module(value):
        return list(value.named_parameters())
    if not isinstance(value, (dict, list, tuple)):
        return []
    found: list[tuple[str, Any]] = []
    for key, one in _items(value):
        if is_module(one):
            found += [(f"{name}.{key}.{called}", v) for called, v in one.named_parameters()]
        elif _is_value(one) and not isinstance(value, dict):
            found.append((f"{name}[{key}]", one))
        elif _is_value(one) and isinstance(key, str):
            found.append((key, one))
    return found


def _items(value: Any) -> Iterable[tuple[Any, Any]]:
    return value.items() if isinstance(value, dict) else enumerate(value)


def _has_modules(value: Any) -> bool:
    if isinstance(value, (dict, list, tuple)):
        return any(is_module(one) for _, one in _items(value))
    return is_module(value)


def is_module(value: Any) -> bool:
    """Whether something has named parameters."""
    return not isinstance(value, type) and hasattr(value, "named_parameters")


def _is_value(value: Any) -> bool:
    return isinstance(value, (Tensor, np.ndarray))


def is_array(value: Any) -> bool:
    """Whether something is an array of numbers, and no single one."""
    return isinstance(value, np.ndarray) and value.ndim > 0 and value.dtype.kind in "biufc"
