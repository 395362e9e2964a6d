"""What a function reads that is no argument: the variables around it, watched for a change."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import CellType, FunctionType, MethodType, ModuleType
from typing import Any

import numpy as np

from tinygrad_bp.engine.tensor import Tensor

OWN = ("tinygrad_bp", "numpy", "scipy")  # whose functions have no variables that a user changes
PLAIN = (bool, int, float, complex, str, bytes, type(None))
FEW = 32  # elements of a list, tuple or dict that are looked at one by one


class Variable:
    """A variable around a function: in a cell of its closure, or a global one.

    Attributes
    ----------
    name : str
    """

    __slots__ = ("cell", "name", "scope")

    def __init__(self, name: str, cell: CellType | None, scope: dict[str, Any]) -> None:
        self.name = name
        self.cell = cell
        self.scope = scope

    def read(self) -> Any:
        """Return its value; None if it has none."""
        if self.cell is None:
            return self.scope.get(self.name)
        try:
            return self.cell.cell_contents
        except ValueError:
            return None

    def write(self, value: Any) -> None:
        """Give it a value."""
        if self.cell is None:
            self.scope[self.name] = value
        else:
            self.cell.cell_contents = value


class Surroundings:
    """The variables that a function names, and those of the functions among them."""

    def __init__(self, f: Callable[..., Any]) -> None:
        found = {(id(one.cell or one.scope), one.name): one for one in _variables(f, set())}
        self.variables = [one for one in found.values() if _matters(one.read())]
        self._held: list[Any] = []

    def remember(self, inside: Sequence[Tensor]) -> None:
        """Take the values as they are now for what a program was made with.

        Those of the Tensors in `inside` may change.
        """
        self._inside = {id(one) for one in inside}
        self._held = [one.read() for one in self.variables]  # so that no id is used again
        self._held += [one._value for one in self._held if type(one) is Tensor]
        self._told = [self._describe(one.read()) for one in self.variables]

    def changed(self) -> str | None:
        """Return the name of a variable that has another value than it had, if there is one."""
        for one, told in zip(self.variables, self._told, strict=True):
            if self._describe(one.read()) != told:
                return one.name
        return None

    def _describe(self, value: Any) -> Any:
        kind = type(value)
        if kind in PLAIN:
            return kind, value
        if kind is Tensor and id(value) not in self._inside:
            return id(value), id(value._value)
        if isinstance(value, np.generic) or (kind is np.ndarray and not value.ndim):
            return value.dtype.str, value.tobytes()
        if kind in (list, tuple) and len(value) <= FEW:
            return kind, [one if type(one) in PLAIN else id(one) for one in value]
        if kind is dict and len(value) <= FEW:
            return kind, [
                (key, one if type(one) in PLAIN else id(one)) for key, one in value.items()
            ]
        return id(value)

    def values(self) -> list[Any]:
        """Return the values of the variables as they are now."""
        return [one.read() for one in self.variables]

    def containers(self) -> list[Any]:
        """Return the small containers among them, of which the elements count."""
        found = [one for one in self.values() if isinstance(one, (list, dict))]
        return [one for one in found if len(one) <= FEW]

    def tensors(self) -> list[Tensor]:
        """Return the Tensors among them."""
        return [one for one in self.values() if type(one) is Tensor]

    @contextmanager
    def exchanged(self, exchange: Callable[[Any], Any]) -> Iterator[None]:
        """Within it, variables have what `exchange` gives for their values, where that is some."""
        before = []
        try:
            for one in self.variables:
                value = one.read()
                new = exchange(value)
                if new is not None:
                    before.append((one, value))
                    one.write(new)
            yield
        finally:
            for one, value in before:
                one.write(value)


def _matters(value: Any) -> bool:
    """Whether a variable is watched: not for what is imported or defined once and for all."""
    return not isinstance(value, (ModuleType, type)) and not (
        callable(value) and _is_own(value) and not hasattr(value, "__closure__")
    )


def _is_own(value: Any) -> bool:
    home = getattr(value, "__module__", None) or ""
    return home.partition(".")[0] in OWN or home == "builtins"


def _variables(f: Any, seen: set[int]) -> Iterator[Variable]:
    if id(f) in seen:
        return
    seen.add(id(f))
    if isinstance(f, functools.partial):
        for one in (f.func, *f.args, *f.keywords.values()):
            yield from _variables(one, seen)
    elif isinstance(f, MethodType):
        yield from _variables(f.__func__, seen)
    elif isinstance(f, FunctionType):
        found = [
            Variable(name, cell, {})
            for name, cell in zip(f.__code__.co_freevars, f.__closure__ or (), strict=True)
        ]
        if not _is_own(f):
            scope = f.__globals__
            found += [Variable(name, None, scope) for name in _names(f.__code__) if name in scope]
        for one in found:
            yield one
            yield from _variables(one.read(), seen)


def _names(code: Any) -> Iterator[str]:
    """Yield the names that a function, and those that it defines, look up."""
    yield from code.co_names
    for one in code.co_consts:
        if hasattr(one, "co_names"):
            yield from _names(one)
