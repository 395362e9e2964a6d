"""The state of a step: what it reads and changes beside its arguments, where the user has it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain, count
from operator import call, setitem
from typing import Any, NamedTuple

import numpy as np

from tinygrad_bp.engine.changes import unseen
from tinygrad_bp.engine.nodes import Account
from tinygrad_bp.engine.tensor import Tensor, wrap
from tinygrad_bp.errors import TraceError
from tinygrad_bp.nn.module import Module
from tinygrad_bp.optim.optimizer import Optimizer

PLAIN = (bool, int, float, complex, str, type(None))


class Place(NamedTuple):
    """Where a part of the state is: what puts a value there, the owner, and the key.

    Attributes
    ----------
    put : callable
        `setattr` or `setitem`.
    owner, key
        Its arguments.
    name : str
        For people.
    kind : {"value", "grad", "buffer", "setting"}
    weak : bool
        Whether a step takes it as a number of Python's.
    """

    put: Any
    owner: Any
    key: Any
    name: str
    kind: str
    weak: bool = False

    def read(self) -> Any:
        """Return what is there: an array or a number; None for a gradient that is absent."""
        found = getattr(self.owner, self.key) if self.put is setattr else self.owner[self.key]
        if self.kind == "grad":
            return None if found is None else found._value
        return found


def put_all(places: Sequence[Place], values: Sequence[Any]) -> None:
    """Put every value in its place, all or none.

    The loop runs in C, between two bytecodes, so Ctrl-C comes before all of them or after all.
    """
    if places:
        puts, owners, keys, *_ = zip(*places, strict=True)
        any(map(call, puts, owners, keys, values))


class State:
    """All that the objects in ``state=`` hold.

    Attributes
    ----------
    places : list of Place
        In the order in which they were found.
    tensors : list of Tensor
    generators : list
        Of numpy.random.
    homes : list of (container, key, position in `generators`)
        Where these stand.
    watched : list of (container, set of keys)
        What the objects hold; under these keys are places, and what is of no matter.
    """

    def __init__(self, objects: Sequence[Any]) -> None:
        self.objects = list(objects)
        self.places: list[Place] = []
        self.tensors: list[Tensor] = []
        self.generators: list[np.random.Generator] = []
        self.homes: list[tuple[Any, Any, int]] = []
        self.watched: list[tuple[Any, frozenset[Any]]] = []
        self._seen: set[int] = set()
        for k, one in enumerate(self.objects):
            self._take(one, f"state{k}")
        # so that nothing that is known by its id makes room for another with that id
        self._held = [list(_others(*one)) for one in self.watched]

    # What is there

    def _add(self, place: Place) -> None:
        """Add a place, under a name of its own."""
        names = {one.name for one in self.places}
        name = next(x for x in chain([place.name], _more(place.name)) if x not in names)
        self.places.append(place._replace(name=name))

    def _take(self, one: Any, name: str) -> None:
        if id(one) in self._seen:
            return
        self._seen.add(id(one))
        if isinstance(one, Tensor):
            self._take_tensor(one, name if "." in name else one.name or name)
        elif isinstance(one, np.random.Generator):
            self.generators.append(one)
        elif isinstance(one, Optimizer):
            self._take_optimizer(one)
        elif isinstance(one, Module):
            self._take_inside(vars(one), "" if name.startswith("state") else name)
        elif isinstance(one, (dict, list, tuple)):
            self._take_inside(one, name)
        else:
            raise TypeError(
                f"compile: a {type(one).__name__} in state=; expected Tensors, modules, optimizers,"
                " numpy.random.Generators, and containers of them"
            )

    def _take_tensor(self, tensor: Tensor, name: str, *, weak: bool = False) -> None:
        if not tensor.is_leaf:
            raise TraceError(
                f"compile: {tensor.name or name} in state= was computed: pass its .detach(), or"
                " what it was computed from"
            )
        self._seen.add(id(tensor))
        self.tensors.append(tensor)
        self._add(Place(setattr, tensor, "_value", name, "value", weak))
        account = account_of(tensor)
        if account is not None:
            unseen(tensor)  # a step in machine code leaves no mark
            self._add(Place(setattr, account, "grad", f"{name}.grad", "grad"))

    def _take_optimizer(self, one: Optimizer) -> None:
        for i, param in enumerate(one.params):
            if id(param) not in self._seen:
                self._take_tensor(param, param.name or f"p{i}")
        kind = type(one).__name__.lower()
        for key, cell in one._cells.items():
            self._take_tensor(cell, f"{kind}.{key}", weak=any(cell is x for x in one._counted))
        fields = vars(one)
        settings = [key for key, value in fields.items() if _is_setting(key, value)]
        for key in settings:
            name = f"{kind}.{key.strip('_')}"
            self._add(Place(setitem, fields, key, name, "setting", weak=True))
        self.watched.append((fields, one._passing | {*settings}))

    def _take_inside(self, container: Any, path: str) -> None:
        """Take what a module or a container holds; arrays in it are buffers."""
        prefix = f"{path}." if path else ""
        slots = set()
        pairs = container.items() if isinstance(container, dict) else enumerate(container)
        for key, value in list(pairs):
            name = f"{prefix}{key}"
            if isinstance(value, (np.ndarray, np.generic)) and not isinstance(container, tuple):
                self._add(Place(setitem, container, key, name, "buffer"))
                slots.add(key)
            elif isinstance(value, np.random.Generator):
                if id(value) not in self._seen:
                    self._take(value, name)
                if not isinstance(container, tuple):
                    self.homes.append((container, key, _position(self.generators, value)))
            elif isinstance(value, Tensor) and not value.is_leaf:
                continue  # a result of an earlier call, which the next computes again
            elif isinstance(value, (Tensor, Module, Optimizer, dict, list, tuple)):
                self._take(value, name)
        self.watched.append((container, frozenset(slots)))

    # What a program is made for

    def signature(self) -> tuple[Any, ...]:
        """Return what a program depends on: all but the values of what it reads."""
        return (tuple(map(_described, self.places)), self.surroundings())

    def surroundings(self) -> tuple[Any, ...]:
        """Return what else the objects hold, by value or by identity."""
        return tuple(
            [
                (id(container), *[(key, _told(value)) for key, value in _others(container, slots)])
                for container, slots in self.watched
            ]
        )

    def views(self) -> list[Any]:
        """Return the containers as they are read, one element after the other.

        Of an optimizer, which has numbers that change, those that do not.
        """
        found: list[Any] = []
        for container, slots in self.watched:
            if isinstance(container, dict) and slots:
                found.append(Rest(container, [key for key in container if key not in slots]))
            else:
                found.append(container.values() if isinstance(container, dict) else container)
        return found

    def changed(self, before: tuple[Any, ...]) -> str | None:
        """Return the name of what is not what it was when `surroundings` said so, if anything."""
        for (container, slots), old in zip(self.watched, before, strict=True):
            now = {key: _told(value) for key, value in _others(container, slots)}
            then = dict(old[1:])
            for key in {*now, *then}:
                if now.get(key, self) != then.get(key, self):
                    return str(key)
        return None

    def copies(self) -> list[tuple[Any, Any]]:
        """Return every container, with a copy of what is in it."""
        kept = []
        for container, _ in self.watched:
            if not isinstance(container, tuple):
                kept.append((container, container.copy()))
        return kept


def _more(name: str) -> Iterator[str]:
    return (f"{name}_{k}" for k in count(2))


class Rest:
    """The values of a dict under some keys, and its length."""

    __slots__ = ("_container", "_keys")

    def __init__(self, container: dict[Any, Any], keys: list[Any]) -> None:
        self._container, self._keys = container, keys

    def __iter__(self) -> Iterator[Any]:
        container = self._container
        return chain(map(container.get, self._keys), (len(container),))


def restore(copies: list[tuple[Any, Any]]) -> None:
    """Put back what `State.copies` has kept."""
    for container, copy in copies:
        if isinstance(container, dict):
            for key in [key for key in container if key not in copy]:
                del container[key]
            container.update(copy)
        else:
            container[:] = copy


def account_of(tensor: Tensor) -> Account | None:
    """Return where the gradient of a leaf adds up; None of a Tensor that tracks nothing."""
    node: Any = tensor.node
    return None if node is None else node.account()


def value_for(place: Place, value: Any) -> Any:
    """Return what stands in a place for an array or a number."""
    if place.kind == "grad":
        return None if value is None else wrap(value)
    return value


def _position(found: Sequence[Any], one: Any) -> int:
    return next(k for k, other in enumerate(found) if other is one)


def _is_setting(key: str, value: Any) -> bool:
    """Whether an attribute of an optimizer is one of its numbers: the rate, a decay, a pair."""
    if key.startswith("_") and key != "_lr":
        return False
    parts = value if isinstance(value, tuple) and value else (value,)
    return all(type(one) is float for one in parts)


def _described(place: Place) -> Any:
    """Return of what is in a place all that a program depends on."""
    value = place.read()
    if place.kind == "setting":
        return tuple([one != 0.0 for one in (value if isinstance(value, tuple) else (value,))])
    if value is None:
        return None
    tracked = place.kind == "value" and place.owner.requires_grad
    return value.dtype, value.shape, tracked


def _others(container: Any, slots: frozenset[Any]) -> Iterator[tuple[Any, Any]]:
    """Yield what a container holds beside the places in it."""
    pairs = container.items() if isinstance(container, dict) else enumerate(container)
    return ((key, value) for key, value in pairs if key not in slots)


def _told(value: Any) -> Any:
    return (type(value), value) if type(value) in PLAIN else id(value)
