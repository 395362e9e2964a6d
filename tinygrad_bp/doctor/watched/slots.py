"""The places in which a script keeps arrays and numbers, and their contents put back."""

from __future__ import annotations

import random
import sys
import types
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tinygrad_bp.doctor.watched.recorder import is_array, is_number
from tinygrad_bp.doctor.watched.rewriting import HOOK

Path = tuple[Any, ...]  # scope, name, and then attributes ("attr", name) and keys ("key", key)
DEEPEST, LONGEST, MOST = 6, 80, 500
GENERATORS = (np.random.Generator, np.random.RandomState, random.Random)
HUGE = 4_000_000  # elements of an array that no iteration is expected to write into


@dataclass
class Names:
    """The names that a loop sees: the script's own, and those of the function it stands in."""

    module: dict[str, Any]
    local: dict[str, Any] = field(default_factory=dict)

    def scope(self, name: str) -> dict[str, Any]:
        """Return one of the two, or the names of another file of the script's."""
        if name.startswith("."):
            return vars(sys.modules[name[1:]])
        return self.local if name == "local" else self.module

    def others(self) -> list[str]:
        """Return the scopes that are the script's other files."""
        watched = [name for name, one in list(sys.modules.items()) if is_watched(one)]
        return [f".{name}" for name in watched if vars(sys.modules[name]) is not self.module]

    def get(self, path: Path) -> Any:
        """Return what stands at a path; KeyError, IndexError or AttributeError if nothing does."""
        value = self.scope(path[0])[path[1]]
        for kind, key in path[2:]:
            value = _step(value, kind, key)
        return value

    def put(self, path: Path, value: Any) -> None:
        """Write at a path: into the array that is there, so that its other holders see it too."""
        old = self.get(path)
        if isinstance(old, np.ndarray):
            old[...] = value
            return
        self.bind(path, np.array(value, float) if isinstance(old, list) else float(value))

    def exchange(self, old: Any, new: Any) -> None:
        """Let every name of a value stand for another."""
        for scope in (self.local, self.module):
            scope.update({name: new for name, value in scope.items() if value is old})

    def bind(self, path: Path, value: Any) -> None:
        """Let a path hold a value, whatever it held."""
        if len(path) == 2:
            self.scope(path[0])[path[1]] = value
            return
        holder = self.get(path[:-1])
        kind, key = path[-1]
        if kind == "attr":
            setattr(holder, key, value)
        elif kind == "cell":
            _cells(holder)[key].cell_contents = value
        else:
            holder[key] = value


def _step(value: Any, kind: str, key: Any) -> Any:
    if kind == "cell":
        return _cells(value)[key].cell_contents
    return getattr(value, key) if kind == "attr" else value[key]


def _cells(function: Any) -> dict[str, Any]:
    """Return what a function shares with the one that it was made in."""
    names = function.__code__.co_freevars
    return dict(zip(names, function.__closure__ or (), strict=True))


def shown(path: Path) -> str:
    """Return a path as the script writes it."""
    text = str(path[1])
    for kind, key in path[2:]:
        if kind == "cell":
            text = str(key)
            continue
        text += f".{key}" if kind == "attr" else f"[{key!r}]"
    return text


def is_own(value: Any) -> bool:
    """Tell whether a value is an object of the script's own classes."""
    kind = type(value)
    if kind.__module__ == "__main__" or kind is types.SimpleNamespace:
        return True
    return is_watched(sys.modules.get(kind.__module__))


def is_watched(module: Any) -> bool:
    """Tell whether a module is a file of the script's, rewritten."""
    return type(module) is types.ModuleType and HOOK in vars(module)


def _kept(generator: Any) -> tuple[Callable[[Any], Any], Any]:
    """Return how a generator of random numbers is set back, and its state."""
    if isinstance(generator, np.random.Generator):
        bits = generator.bit_generator
        return lambda state: setattr(bits, "state", state), bits.state
    if isinstance(generator, np.random.RandomState):
        return generator.set_state, generator.get_state()
    return generator.setstate, generator.getstate()


class Reached:
    """Everything that can be reached from the names, as it is now.

    Attributes
    ----------
    values : dict
        Path to the array or the number that stands there, each array once.
    aliases : list of pairs of paths
        That hold the same array; `shared` has those that hold the same list or dictionary.
    """

    def __init__(self, names: Names) -> None:
        self.values: dict[Path, Any] = {}
        self.dicts: list[tuple[dict[Any, Any], dict[Any, Any]]] = []
        self.lists: list[tuple[list[Any], list[Any]]] = []
        self.arrays: list[tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]] = []
        self.generators: list[
            tuple[Any, Callable[[Any], Any], Any]
        ] = []  # how to set back, to what
        self.cells: list[tuple[Any, Any]] = []
        self.aliases: list[tuple[Path, Path]] = []
        self.shared: list[tuple[Path, Path]] = []
        self._seen: set[int] = set()
        self._first: dict[int, Path] = {}
        for scope in ("local", "module", *names.others()):
            found = names.scope(scope)
            self.dicts.append((found, dict(found)))
            for name, value in list(found.items()):
                if not name.startswith("_doctor_") and not name.startswith("__"):
                    self._visit((scope, name), value, 0)
        self.legacy = np.random.get_state()  # noqa: NPY002  # the script's, whichever it uses
        self.plain = random.getstate()

    def draw(self, many: int) -> None:
        """Let all generators of random numbers go on, as if others had been drawn."""
        np.random.random(many)  # noqa: NPY002  # the script's, whichever it uses
        for one in (random, *(generator for generator, _, _ in self.generators)):
            for _ in range(many):
                one.random()

    def restore(self) -> None:
        """Put everything back as it was."""
        for one, saved in self.dicts:
            one.clear()
            one.update(saved)
        for items, before in self.lists:
            items[:] = before
        for cell, content in self.cells:
            cell.cell_contents = content
        for array, copy in self.arrays:
            np.copyto(array, copy)
        for _, put_back, state in self.generators:
            put_back(state)
        np.random.set_state(self.legacy)  # noqa: NPY002
        random.setstate(self.plain)

    def _visit(self, path: Path, value: Any, depth: int) -> None:
        if isinstance(value, np.ndarray):
            self._array(path, value)
        elif is_number(value):
            if len(self.values) < MOST:
                self.values[path] = value
        elif isinstance(value, GENERATORS):
            self.generators.append((value, *_kept(value)))
        elif id(value) in self._first:
            self.shared.append((self._first[id(value)], path))
        elif depth < DEEPEST and id(value) not in self._seen:
            self._seen.add(id(value))
            if isinstance(value, dict | list):
                self._first[id(value)] = path
            self._container(path, value, depth + 1)

    def _array(self, path: Path, value: np.ndarray[Any, Any]) -> None:
        if id(value) in self._seen:
            self.aliases.append((self._first[id(value)], path))
            return
        self._seen.add(id(value))
        self._first[id(value)] = path
        if value.dtype.kind in "fiub" and value.flags.writeable and value.size <= HUGE:
            self.arrays.append((value, value.copy()))
        if is_array(value) and value.dtype.kind != "b" and len(self.values) < MOST:
            self.values[path] = value

    def _container(self, path: Path, value: Any, depth: int) -> None:
        if isinstance(value, types.FunctionType | types.MethodType):
            self._closure(path, value, depth)
            return
        if isinstance(value, dict):
            self.dicts.append((value, dict(value)))
            for key in list(value)[:LONGEST]:
                self._visit((*path, ("key", key)), value[key], depth)
        elif isinstance(value, list | tuple):
            if isinstance(value, list):
                self.lists.append((value, list(value)))
            if len(value) <= LONGEST:
                for index, one in enumerate(value):
                    self._visit((*path, ("key", index)), one, depth)
        elif is_own(value) and hasattr(value, "__dict__"):
            self.dicts.append((value.__dict__, dict(value.__dict__)))
            for name, one in list(value.__dict__.items())[:LONGEST]:
                self._visit((*path, ("attr", name)), one, depth)

    def _closure(self, path: Path, value: Any, depth: int) -> None:
        if isinstance(value, types.MethodType):
            self._visit((*path, ("attr", "__self__")), value.__self__, depth)
            return
        for name, cell in _cells(value).items():
            try:
                content = cell.cell_contents
            except ValueError:  # not yet bound
                continue
            self.cells.append((cell, content))
            self._visit((*path, ("cell", name)), content, depth)


def taken(values: dict[Path, Any]) -> dict[Path, Any]:
    """Return copies of values that may be written into."""
    return {path: np.array(one) if is_array(one) else one for path, one in values.items()}


def same(one: Any, other: Any) -> bool:
    """Tell whether two values are equal in shape and in every element; NaN equals NaN."""
    if np.shape(one) != np.shape(other):
        return False
    try:
        return bool(np.array_equal(one, other, equal_nan=True))
    except TypeError:
        return one is other
