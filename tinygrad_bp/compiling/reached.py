"""What a function can reach without being given it: found by the names that its code has."""

from __future__ import annotations

import dis
import functools
import gc
import sys
from array import array
from collections import deque
from collections.abc import Collection, Iterator, Sequence
from types import CellType, CodeType, FunctionType, MemberDescriptorType, MethodType, ModuleType
from typing import Any, NamedTuple

import numpy as np

from tinygrad_bp.engine.containers import CONTAINERS
from tinygrad_bp.engine.tensor import Tensor
from tinygrad_bp.errors import TraceError
from tinygrad_bp.nn.module import Module

# Whose functions have no variables that a user changes, and whose objects no such attributes.
OURS = ("tinygrad_bp", "numpy", "scipy", "builtins")
COLLECTIONS = (*CONTAINERS, set, deque, bytearray, array)
MOST = 4096  # values in one container around a function; of objects in all, twice as many
UNNAMED = frozenset({"getattr", "vars", "attrgetter", "__dict__"})  # what finds any attribute
WRAPPERS = (functools.partial, property, staticmethod, classmethod, MethodType)
NOTHING: Any = object()  # what is where nothing is
PARTS = ("__code__", "__defaults__", "__kwdefaults__")  # of a function, which tools replace
CALLED = frozenset({"forward", "__call__", "__getitem__", "__iter__", "__len__", "__enter__"})


class Variable:
    """A place of a value: a cell of a closure, a key of a dict, a slot of an object, a part of it.

    Attributes
    ----------
    name : str
    home : cell, dict, function or object
    """

    __slots__ = ("home", "name")

    def __init__(self, name: str, home: Any) -> None:
        self.name, self.home = name, home

    def read(self) -> Any:
        """Return its value; NOTHING if it has none."""
        if isinstance(self.home, dict):
            return self.home.get(self.name, NOTHING)
        if not isinstance(self.home, CellType):
            return getattr(self.home, self.name, NOTHING)
        try:
            return self.home.cell_contents
        except ValueError:
            return NOTHING

    def write(self, value: Any) -> None:
        """Give it a value."""
        if isinstance(self.home, dict):
            self.home[self.name] = value
        elif isinstance(self.home, CellType):
            self.home.cell_contents = value
        else:
            setattr(self.home, self.name, value)


class Reached:
    """All that is found from some functions, and from the methods of the objects in a state.

    Parameters
    ----------
    roots : sequence
        Functions, and the objects of the state.
    watched : collection of int
        The ids of dicts and lists of the state, which others look at; they are gone through.

    Attributes
    ----------
    variables : list of Variable
    containers : list of list or dict
    tensors : list of Tensor
    arrays : list of array

    Raises
    ------
    TraceError
        If there is too much of it to be looked at before each call.
    """

    def __init__(self, roots: Sequence[Any], watched: Collection[int] = ()) -> None:
        self._watched = watched
        self._names: set[str] = set(CALLED)
        before = -1
        while len(self._names) > before:  # a method that is found names more
            before = len(self._names)
            self.variables: list[Variable] = []
            self.containers: list[Any] = []
            self.tensors: list[Tensor] = []
            self.arrays: list[Any] = []
            self._seen: dict[int, Any] = {}
            self._places: set[tuple[int, str]] = set()
            self._search(list(roots))

    def _search(self, waiting: list[Any]) -> None:
        while waiting:
            one = waiting.pop()
            if id(one) in self._seen or one is None or isinstance(one, (str, int, float, complex)):
                continue
            self._seen[id(one)] = one
            if isinstance(one, CONTAINERS) and len(one) > MOST:
                raise _too_much(f"is a {type(one).__name__} with more than {MOST} values")
            if len(self._seen) > 2 * MOST:
                raise _too_much(f"are more than {2 * MOST} objects")
            waiting += self._within(one)

    def _within(self, one: Any) -> Iterator[Any]:
        """Yield what can be reached from a value in one step."""
        if isinstance(one, Tensor):
            self.tensors.append(one)
        elif isinstance(one, np.ndarray):
            self.arrays.append(one)
        elif isinstance(one, COLLECTIONS):
            if id(one) not in self._watched and not isinstance(one, tuple):
                self.containers.append(one)
            yield from self._inside(one)
        elif isinstance(one, FunctionType):
            yield from self._around(one)
        elif isinstance(one, WRAPPERS):
            yield from _wrapped(one)
        elif isinstance(one, ModuleType):
            if not _is_installed(one.__name__.partition(".")[0]):
                yield from self._named(vars(one))
        elif isinstance(one, type):
            yield from self._of_class(one)
        elif "__wrapped__" in getattr(one, "__dict__", ()):  # compiled, or cached
            yield one.__wrapped__
        elif isinstance(one, Module) or type(one).__module__.partition(".")[0] not in OURS:
            yield from self._of_object(one)

    def _inside(self, container: Any) -> Iterator[Any]:
        """Yield what is in a container; of one of the state, neither arrays nor parameters."""
        values = container.values() if isinstance(container, dict) else container
        for one in values:
            if not (id(container) in self._watched and isinstance(one, (np.ndarray, Tensor))):
                yield one

    def _around(self, f: FunctionType) -> Iterator[Any]:
        """Yield what is around a function; of one of ours, in its closure alone."""
        for name, cell in zip(f.__code__.co_freevars, f.__closure__ or (), strict=True):
            yield self._variable(name, cell)
        yield from (f.__defaults__, f.__kwdefaults__)
        if hasattr(f, "__wrapped__"):
            yield f.__wrapped__
        if not _is_own(f):
            self.variables += [Variable(name, f) for name in PARTS]
            names, scope = _names(f.__code__), f.__globals__
            self._names |= names.attributes | names.variables & UNNAMED
            for name in sorted(names.variables & scope.keys()):
                yield self._variable(name, scope)

    def _named(self, scope: dict[str, Any], hidden: Collection[str] = ()) -> Iterator[Any]:
        """Yield the attributes with names that occur; those too that would hide others."""
        for name in sorted(self._names & {*scope, *hidden}):
            yield self._variable(name, scope)

    def _of_class(self, one: type) -> Iterator[Any]:
        hidden: set[str] = set()
        for base in reversed(one.__mro__):
            if not _is_own(base):
                own = [x for x in gc.get_referents(vars(base)) if isinstance(x, dict)]
                for scope in own[:1]:  # the dict of the class itself, of which `vars` is a view
                    yield from self._named(scope, hidden)
            hidden |= vars(base).keys()

    def _of_object(self, one: Any) -> Iterator[Any]:
        """Yield the attributes with names that occur, of a module all, and the class."""
        yield type(one)
        self.variables.append(Variable("__class__", one))
        fields = getattr(one, "__dict__", None)
        if isinstance(fields, dict) and id(fields) in self._watched:
            yield from self._inside(fields)
        elif isinstance(fields, dict):
            if isinstance(one, Module) or self._names & UNNAMED:
                yield from [self._variable(name, fields) for name in [*fields]]
            hidden = [name for name in self._names if _may_be_hidden(_of_type(one, name))]
            yield from self._named(fields, hidden)
        for name in sorted(self._names):
            if isinstance(_of_type(one, name), MemberDescriptorType):
                yield self._variable(name, one)

    def _variable(self, name: str, home: Any) -> Any:
        one = Variable(name, home)
        value = one.read()
        if (id(home), name) not in self._places and _matters(value):
            self._places.add((id(home), name))
            self.variables.append(one)
        return value


def _too_much(what: str) -> TraceError:
    return TraceError(
        f"compile: around the function {what}, too many to be looked at before each call; pass what"
        " it needs as arguments, or hold it in an array"
    )


def _matters(value: Any) -> bool:
    """Whether a variable is watched: not for what is imported or defined once and for all."""
    return not isinstance(value, (ModuleType, type)) and not (
        callable(value) and _is_own(value) and not hasattr(value, "__closure__")
    )


def _wrapped(one: Any) -> Iterator[Any]:
    """Yield what is inside of what calls a function."""
    if isinstance(one, functools.partial):
        yield from (one.func, one.args, one.keywords)
    elif isinstance(one, property):
        yield one.fget
    else:
        yield from (one.__func__, getattr(one, "__self__", None))


def _of_type(one: Any, name: str) -> Any:
    return next((vars(base)[name] for base in type(one).__mro__ if name in vars(base)), None)


def _may_be_hidden(value: Any) -> bool:
    """Whether an attribute of a class is not read once an object has one of that name."""
    return value is not None and not hasattr(type(value), "__set__")


def _is_own(value: Any) -> bool:
    """Whether something was installed, or came with Python: no user changes its variables."""
    return _is_installed((getattr(value, "__module__", None) or "").partition(".")[0])


@functools.cache
def _is_installed(package: str) -> bool:
    if package in OURS or package in sys.stdlib_module_names - {"__main__"}:
        return True
    file = getattr(sys.modules.get(package), "__file__", None) or ""
    return "site-packages" in file or "dist-packages" in file


class Names(NamedTuple):
    """The names in a function, and in those that it defines."""

    variables: frozenset[str]
    attributes: frozenset[str]


@functools.cache
def _names(code: CodeType) -> Names:
    """Return the names that a function looks up, in its module and in objects."""
    variables, attributes = set(), set()
    for one in dis.get_instructions(code):
        if one.opname in ("LOAD_GLOBAL", "LOAD_NAME", "LOAD_FROM_DICT_OR_GLOBALS"):
            variables.add(one.argval)
        elif one.opname in ("LOAD_ATTR", "LOAD_METHOD", "LOAD_SUPER_ATTR"):
            attributes.add(one.argval)
    inner = [_names(one) for one in code.co_consts if isinstance(one, CodeType)]
    return Names(
        frozenset(variables).union(*[one.variables for one in inner]),
        frozenset(attributes).union(*[one.attributes for one in inner]),
    )
