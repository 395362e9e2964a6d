"""Nested dicts, lists and tuples of arrays: flattened, and built again around other values."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

Rebuild = Callable[[Sequence[Any]], Any]


def flatten(tree: Any) -> tuple[list[Any], Rebuild]:
    """Return the values of a nested dict, list or tuple, and what builds its like around others.

    A named tuple stays one; a dict keeps its order; anything else is a value.
    """
    if isinstance(tree, dict):
        keys = list(tree)
        values, build = flatten([tree[key] for key in keys])
        return values, lambda new: dict(zip(keys, build(new), strict=True))
    if not isinstance(tree, (list, tuple)):
        return [tree], lambda new: new[0]
    flat: list[Any] = []
    parts: list[tuple[int, int, Rebuild]] = []
    for one in tree:
        values, build = flatten(one)
        parts.append((len(flat), len(flat) + len(values), build))
        flat += values
    kind = type(tree)

    def rebuild(new: Sequence[Any]) -> Any:
        built = [build(new[start:end]) for start, end, build in parts]
        return kind(*built) if hasattr(kind, "_fields") else kind(built)

    return flat, rebuild
