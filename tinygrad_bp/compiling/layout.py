"""How the arguments of a call are nested, and a quick way to the values in them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tinygrad_bp.engine.containers import CONTAINERS

VALUE: Any = None  # in place of the layout of a container: it is a value


class Layout:
    """The nesting of one call: by it the next is recognised.

    Parameters
    ----------
    args, kwargs
        Of the call.
    names : sequence of str
        Of all arguments.
    static : frozenset of str
        Those that are values whatever they are.
    """

    __slots__ = ("_keywords", "_tree", "is_plain")

    def __init__(
        self,
        args: tuple[Any, ...],
        kwargs: Mapping[str, Any],
        names: Sequence[str],
        static: frozenset[str],
    ) -> None:
        given = [*args, *kwargs.values()]
        parts = [
            VALUE if name in static else _form(one) for name, one in zip(names, given, strict=True)
        ]
        self._tree = (tuple, None, parts, not any(parts))
        self._keywords = list(kwargs)
        self.is_plain = not kwargs and not any(parts)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Layout) and (self._tree, self._keywords) == (
            other._tree,
            other._keywords,
        )

    def __hash__(self) -> int:
        return hash(tuple(self._keywords))

    def values(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> list[Any] | None:
        """Return the values of a call, or None if it is nested otherwise."""
        if kwargs or self._keywords:
            if [*kwargs] != self._keywords:
                return None
            args = (*args, *kwargs.values())
        found: list[Any] = []
        return found if _taken(self._tree, args, found) else None


def _form(tree: Any) -> Any:
    """Return the type of a container, its keys, the forms in it, and whether these are values."""
    if not isinstance(tree, CONTAINERS):
        return VALUE
    keys = list(tree) if isinstance(tree, dict) else None
    parts = [_form(one) for one in (tree.values() if isinstance(tree, dict) else tree)]
    return type(tree), keys, parts, not any(parts)


def _taken(form: Any, tree: Any, found: list[Any]) -> bool:
    """Add the values of a container to `found`, and say whether it has this form."""
    kind, keys, parts, flat = form
    if type(tree) is not kind or len(tree) != len(parts):
        return False
    if keys is not None:
        if [*tree] != keys:
            return False
        tree = tree.values()
    if flat:
        before = len(found)
        found += tree
        return not any(isinstance(one, CONTAINERS) for one in found[before:])
    for part, one in zip(parts, tree, strict=True):
        if part is not VALUE:
            if not _taken(part, one, found):
                return False
        elif isinstance(one, CONTAINERS):
            return False
        else:
            found.append(one)
    return True
