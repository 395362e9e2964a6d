"""Nested dicts, lists and tuples of arrays: flattened, and built again around other values."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import copy
from functools import partial
from operator import itemgetter
from typing import Any

Rebuild = Callable[[Sequence[Any]], Any]
CONTAINERS = (dict, list, tuple)


def flatten(tree: Any) -> tuple[list[Any], Rebuild]:
    """Return the values of a nested dict, list or tuple, and what builds its like around others.

    A named tuple stays one; a dict keeps its kind and order; anything else is a value.  What builds
    can be pickled if the containers can.
    """
    if isinstance(tree, dict):
        values, build = flatten(list(tree.values()))
        if type(tree) is dict:
            return values, partial(_as_dict, list(tree), build)
        empty = copy(tree)  # an OrderedDict, or one with a default
        empty.clear()
        return values, partial(_as_kind, empty, list(tree), build)
    if not isinstance(tree, (list, tuple)):
        return [tree], itemgetter(0)
    kind = type(tree)
    if _is_flat(tree):
        return list(tree), getattr(kind, "_make", kind)
    flat: list[Any] = []
    parts: list[tuple[int, int, Rebuild]] = []
    for one in tree:
        values, build = flatten(one)
        parts.append((len(flat), len(flat) + len(values), build))
        flat += values
    return flat, partial(_nested, kind, parts)


def _as_dict(keys: list[Any], build: Rebuild, values: Sequence[Any]) -> dict[Any, Any]:
    return dict(zip(keys, build(values), strict=True))


def _as_kind(empty: Any, keys: list[Any], build: Rebuild, values: Sequence[Any]) -> Any:
    built = copy(empty)
    for key, value in zip(keys, build(values), strict=True):
        built[key] = value
    return built


def _nested(kind: Any, parts: list[tuple[int, int, Rebuild]], values: Sequence[Any]) -> Any:
    built = [build(values[start:end]) for start, end, build in parts]
    return kind(*built) if hasattr(kind, "_fields") else kind(built)


def _is_flat(tree: Sequence[Any]) -> bool:
    for one in tree:  # noqa: SIM110  # all() of a generator takes three times as long
        if isinstance(one, CONTAINERS):
            return False
    return True


def flatten_like(tree: Any, like: Any, what: str, error: type[Exception]) -> list[Any]:
    """Return the values of `tree`, which is nested like `like`, in the order of `like`'s values.

    A list may stand for a tuple.  Where `like` has a value, all there is in `tree` is one value:
    a list of numbers stands for an array.  None stands for a container full of None.

    Raises
    ------
    error
        If `tree` is nested otherwise; the message names the place.
    """
    if isinstance(like, (list, tuple)):
        if isinstance(tree, (list, tuple)) and len(like) == len(tree) and _is_flat(like):
            return list(tree)
    elif not isinstance(like, dict):
        return [tree]
    flat: list[Any] = []
    _match(tree, like, (what, "", error), flat)
    return flat


def _match(
    tree: Any, like: Any, message: tuple[str, str, type[Exception]], flat: list[Any]
) -> None:
    what, place, error = message
    if isinstance(like, dict):
        if tree is not None and (not isinstance(tree, dict) or tree.keys() != like.keys()):
            wanted = f"a dict with the keys {', '.join(map(repr, like))}"
            raise error(f"{what}: expected {wanted}{_at(place)}, got {_described(tree)}")
        for key in like:
            part = None if tree is None else tree[key]
            _match(part, like[key], (what, f"{place}[{key!r}]", error), flat)
    elif isinstance(like, (list, tuple)):
        fits = isinstance(tree, (list, tuple)) and len(tree) == len(like)
        if tree is not None and not fits:
            wanted = f"a {type(like).__name__} of {len(like)}"
            raise error(f"{what}: expected {wanted}{_at(place)}, got {_described(tree)}")
        for i, one in enumerate(like):
            part = None if tree is None else tree[i]
            _match(part, one, (what, f"{place}[{i}]", error), flat)
    else:
        flat.append(tree)


def _at(place: str) -> str:
    return f" at {place}" if place else ""


def _described(tree: Any) -> str:
    if isinstance(tree, dict):
        return f"the keys {', '.join(map(repr, tree))}"
    if isinstance(tree, (list, tuple)):
        return f"a {type(tree).__name__} of {len(tree)}"
    return f"one {type(tree).__name__}"


def places(tree: Any, place: str = "") -> list[str]:
    """Return where each value of `tree` stands, as one writes it in Python: ``[0]['W']``."""
    if isinstance(tree, dict):
        return [one for key in tree for one in places(tree[key], f"{place}[{key!r}]")]
    if isinstance(tree, (list, tuple)):
        return [one for i, part in enumerate(tree) for one in places(part, f"{place}[{i}]")]
    return [place]
