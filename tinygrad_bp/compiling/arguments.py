"""The arguments of a call: their values in a row, and what a program depends on of them."""

from __future__ import annotations

import inspect
import operator
from collections.abc import Callable, Iterable, Iterator, Sequence
from enum import Enum
from typing import Any

import numpy as np

from tinygrad_bp.compiling.tracing import Call
from tinygrad_bp.engine.containers import flatten
from tinygrad_bp.engine.tensor import Tensor, wrap
from tinygrad_bp.errors import TraceError
from tinygrad_bp.nn.module import Module
from tinygrad_bp.optim.optimizer import Optimizer
from tinygrad_bp.programs.from_function import parameters_of

STATEFUL = (Module, Optimizer)
# What an argument may be: arrays, what never changes, and what is looked at otherwise.
SEEN = (
    *(Tensor, np.ndarray, np.generic, np.random.Generator, np.dtype, *STATEFUL),
    *(float, complex, int, str, bytes, type(None), type(...), Enum, slice, range),
)
Key = tuple[Any, ...]


class Signature:
    """The parameters of a function, and which of them are static."""

    def __init__(self, f: Callable[..., Any], static: Iterable[int | str]) -> None:
        self._f = f
        try:
            names = list(inspect.signature(f).parameters)
        except (TypeError, ValueError):  # a ufunc says nothing
            names = []
        self.static = frozenset([one if isinstance(one, str) else names[one] for one in static])
        unknown = self.static - {*names}
        if unknown:
            raise TypeError(
                f"compile: static={sorted(unknown)} of a function of ({', '.join(names)})"
            )
        self._names: dict[int, tuple[str, ...]] = {}

    def call(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Call:
        """Return a call with its values in a row."""
        names = self._names.get(len(args))
        if names is None:
            names = self._names[len(args)] = parameters_of(self._f, len(args))
        names = (*names, *kwargs)
        given = [*args, *kwargs.values()]
        leaves: list[tuple[tuple[Any, ...], Any]] = []
        for name, one in zip(names, given, strict=True):
            if name in self.static:
                leaves.append(((name,), one))
            else:
                leaves += _leaves(one, (name,))
        build = _whole if not any(map(_nested, given)) else self._builder(names, given)
        return Call(self._f, names, leaves, build, tuple(kwargs), self.static)

    def _builder(self, names: Sequence[str], given: Sequence[Any]) -> Callable[..., Any]:
        parts: list[Any] = []
        for name, one in zip(names, given, strict=True):
            values, build = ([one], _first) if name in self.static else flatten(one)
            parts.append((len(values), build))

        def build_all(values: Sequence[Any]) -> list[Any]:
            rest = iter(values)
            return [build([next(rest) for _ in range(n)]) for n, build in parts]

        return build_all


def _whole(values: Sequence[Any]) -> list[Any]:
    return list(values)


def _first(values: Sequence[Any]) -> Any:
    return values[0]


def _nested(value: Any) -> bool:
    return isinstance(value, (dict, list, tuple))


def _leaves(tree: Any, path: tuple[Any, ...]) -> Iterator[tuple[tuple[Any, ...], Any]]:
    """Yield (path, value) of each value in an argument, in the order of `flatten`."""
    if isinstance(tree, (dict, list, tuple)):
        pairs = tree.items() if isinstance(tree, dict) else enumerate(tree)
        for key, one in pairs:
            yield from _leaves(one, (*path, key))
    else:
        yield path, tree


def key_of(call: Call, given: Sequence[Any]) -> Key:
    """Return what a program depends on of the arguments of a call.

    `given` are the arguments: their nesting counts.
    """
    return (
        call.names,
        tuple(map(_form, given)) if call.build is not _whole else None,
        tuple([_told(value, static=path[0] in call.static) for path, value in call.leaves]),
    )


def _form(tree: Any) -> Any:
    if isinstance(tree, dict):
        return dict, tuple([(key, _form(one)) for key, one in tree.items()])
    if isinstance(tree, (list, tuple)):
        return type(tree), tuple(map(_form, tree))
    return None


def _told(value: Any, *, static: bool) -> Any:
    kind = type(value)
    if static:
        try:
            hash(value)
        except TypeError:
            return "static", id(value)
        return "static", kind, value
    if kind is Tensor:
        raw = value._value
        tracked = id(value) if value._node is not None else None
        return Tensor, raw.dtype, raw.shape, tracked
    if isinstance(value, np.ndarray):
        return kind, value.dtype, value.shape
    if isinstance(value, np.generic):
        return kind
    if kind in (float, complex):
        return kind
    if kind in (int, bool, str, type(None)):
        return kind, value
    return kind if isinstance(value, np.random.Generator) else (kind, id(value))


def require_seen(call: Call) -> list[Any]:
    """Return the functions among the arguments, and what is static and known by its identity.

    Raises
    ------
    TraceError
        If an argument is an object that may change unseen.
    """
    kept = []
    for path, value in call.leaves:
        if path[0] in call.static or callable(value):
            kept.append(value)
        elif not isinstance(value, SEEN):
            raise TraceError(
                f"compile: the argument {'.'.join(map(str, path))} is a {type(value).__name__},"
                " and changes in it would go unseen; pass its arrays and numbers, or name it in"
                " static= if it stays as it is"
            )
    return kept


def stateful(call: Call) -> list[Any]:
    """Return the modules and optimizers among the arguments."""
    return [value for _, value in call.leaves if isinstance(value, STATEFUL)]


# Batches


def batches(call: Call) -> Iterator[tuple[int, frozenset[int]]]:
    """Yield what may be the batch: a length, and the leaves whose first axis it is.

    The arrays that come last are data more often than those before; what belongs to one argument
    belongs together.
    """
    found: dict[int, list[tuple[str, list[int]]]] = {}
    for name in reversed(call.names):
        own = [k for k, (path, _) in enumerate(call.leaves) if path[0] == name]
        sides = {k: shape for k in own if (shape := batchable(call, k))}
        lengths = {shape[0] for shape in sides.values()}
        if len(lengths) == 1:
            found.setdefault(lengths.pop(), []).append((name, list(sides)))
    for length, arguments in found.items():
        for count in range(len(arguments), 0, -1):
            yield length, frozenset([k for _, own in arguments[:count] for k in own])


def batchable(call: Call, k: int) -> tuple[int, ...] | None:
    """Return the shape of a leaf that could be of another length; None of any other."""
    path, value = call.leaves[k]
    raw = value._value if type(value) is Tensor and value._node is None else value
    if path[0] in call.static or not isinstance(raw, np.ndarray) or not raw.ndim:
        return None
    shape: tuple[int, ...] = raw.shape
    return shape


def of_length(call: Call, batch: frozenset[int], length: int) -> Call:
    """Return a call with arrays of another length in place of the batch, without values."""
    leaves = [
        (path, _stand_in(value, length) if k in batch else value)
        for k, (path, value) in enumerate(call.leaves)
    ]
    return Call(call.f, call.names, leaves, call.build, call.keywords, call.static)


def _stand_in(value: Any, length: int) -> Any:
    raw = value._value if type(value) is Tensor else value
    array = np.broadcast_to(np.zeros((), raw.dtype), (length, *raw.shape[1:]))
    if type(value) is not Tensor:
        return array
    tensor = wrap(array)
    if value.name is not None:
        tensor.name = value.name
    return tensor


def count_of(name: str, value: Any, least: int) -> int:
    """Return how often, or how many, as a number of Python's; `name` is for the message."""
    try:
        number = least - 1 if isinstance(value, bool) else operator.index(value)
    except TypeError:
        number = least - 1
    if number < least:
        raise ValueError(f"{name}={value!r:.60}; expected a whole number from {least} on")
    return number
