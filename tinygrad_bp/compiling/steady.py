"""The short way through a call: where nothing but numbers has changed since the last one.

Native code is bound to arrays that stay: copies of the arguments, and two sets of arrays for the
state, of which a step reads one and writes the other.  What has to be the same is compared by
identity, in loops of C's; a set is written into only while nobody else holds an array of it.
Anything else takes the long way, and binds anew.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from itertools import chain
from operator import attrgetter, eq, getitem, is_, itemgetter
from typing import Any
from weakref import ref

import numpy as np

from tinygrad_bp.compiling.captured import Captured
from tinygrad_bp.compiling.state import Place, State
from tinygrad_bp.compiling.surroundings import Surroundings
from tinygrad_bp.compiling.tracing import STATE, Call
from tinygrad_bp.compiling.version import Slot, Version
from tinygrad_bp.engine.memory import REUSED
from tinygrad_bp.engine.modes import is_recording
from tinygrad_bp.engine.tensor import Tensor, wrap
from tinygrad_bp.programs.instructions import references

MISS: Any = object()  # a call must go the long way
LARGE = 1 << 22  # bytes from which an array is not copied into one that stays
MANY = 10_000  # arrays of labels that are remembered
value_of = attrgetter("_value")
node_of = attrgetter("_node")
grad_of = attrgetter("grad")


class Unsteady(Exception):  # noqa: N818  # an answer, no fault
    """There is no short way for a version."""


class Argument:
    """An argument of a call, and the array that native code reads for it.

    Attributes
    ----------
    array : array or None
        None for what is no array and no float.
    """

    __slots__ = ("_checks", "_dtype", "_kind", "_known", "_seen", "_shape", "array")

    def __init__(self, value: Any, array: Any, checks: list[Callable[[Any], None]]) -> None:
        raw = value._value if type(value) is Tensor else value
        self._kind, self._checks, self._seen = type(value), checks, raw
        self._known: dict[int, Any] = {}  # values of Tensors, which nobody changes, that passed
        self.array = array
        if array is not None and array.nbytes <= LARGE:
            self.array = np.array(array, order="C")
        elif array is not None and type(value) is not Tensor:
            raise Unsteady  # it may be written into
        self._shape, self._dtype = np.shape(raw), getattr(raw, "dtype", None)

    def take(self, value: Any) -> bool:
        """Take another value, and say whether it is one of the same kind."""
        if type(value) is not self._kind:
            return False
        if self._kind is Tensor:
            if value._node is not None:
                return False
            value = value._value
            if value is self._seen:
                return True
        elif self.array is None:
            return value is self._seen
        if getattr(value, "dtype", None) != self._dtype or np.shape(value) != self._shape:
            return False
        if self.array is None or self.array.nbytes > LARGE:
            return False
        if self._checks and not self._has_passed(value):
            for check in self._checks:
                check(np.asarray(value))
        np.copyto(self.array, value)
        self._seen = value
        return True

    def _has_passed(self, value: Any) -> bool:
        """Whether the value of a Tensor has been checked; it is checked then, if it has not."""
        if self._kind is not Tensor or type(value) is not np.ndarray:
            return False
        known = self._known
        found = known.get(id(value))
        if found is not None and found() is value:
            return True
        for check in self._checks:
            check(value)
        if len(known) == MANY:
            known.clear()
        known[id(value)] = ref(value)
        return True


class Steady:
    """A version of a compiled function, bound to arrays.

    Parameters
    ----------
    version : Version
    call : Call
        The latest, which has been run.
    args : tuple
        Its arguments.
    state : State
    surroundings : Surroundings
    captured : Captured

    Attributes
    ----------
    arguments : list of Argument
    tensors : list of Tensor
        Of which the values count; those that a step changes first.
    numbers : list of list
        Of each setting, the arrays of its numbers; None for 0.
    carried : list of int
        The inputs that a step changes.
    out : list of array
        Those of what is returned.
    results : list of callable
        Each gives a value in what is returned.

    Raises
    ------
    Unsteady
        If there is no short way.
    """

    def __init__(
        self,
        version: Version,
        call: Call,
        args: tuple[Any, ...],
        state: State,
        surroundings: Surroundings,
        captured: Captured,
    ) -> None:
        changed = version.traced.changed
        self._nested = any(isinstance(one, tuple) for one in args)
        plain = not call.keywords and len(_flat(args)) == len(call.leaves)
        if not (REUSED and plain and version.repeats and hasattr(version.bound, "fixed")):
            raise Unsteady
        if any(place.kind not in ("value", "grad") for place in changed):
            raise Unsteady
        self._version, self._captured, self._surroundings = version, captured, surroundings
        self._mode = bool(is_recording())
        self._inputs: list[Any] = [np.asarray(one) for one in version.inputs(call, state)]
        self._at = {one.path: k for k, one in enumerate(version.program.inputs)}
        self._take_arguments(call)
        self._take_settings(state)
        self._take_state(changed, state)
        self._bind()
        self._views = [
            *state.views(),
            *map(_view, surroundings.containers()),
            (MISS,),
        ]  # the end tells the length
        self._held = list(chain.from_iterable(self._views))
        self._around = surroundings.values()
        self._free = list(map(sys.getrefcount, self._sets[1]))

    # What it is bound to

    def _take_arguments(self, call: Call) -> None:
        self.arguments = []
        for path, value in call.leaves:
            k = self._at.get(path)
            checks = [check for place, check in self._version.traced.before if place == k]
            self.arguments.append(Argument(value, None if k is None else self._inputs[k], checks))
            if k is not None:
                self._inputs[k] = self.arguments[-1].array

    def _take_settings(self, state: State) -> None:
        """Note where the numbers of optimizers are, and the arrays for them."""
        settings = [place for place in state.places if place.kind == "setting"]
        self._fields = [place.owner for place in settings]
        self._keys = [place.key for place in settings]
        self._set = [place.read() for place in settings]
        self.numbers: list[list[Any]] = []
        for place, value in zip(settings, self._set, strict=True):
            own = (STATE, place.name)
            paths = [(*own, i) for i in range(len(value))] if isinstance(value, tuple) else [own]
            places = [self._at.get(path) for path in paths]
            for k in places:
                if k is not None:
                    self._inputs[k] = np.array(self._inputs[k])
            self.numbers.append([None if k is None else self._inputs[k] for k in places])

    def _take_state(self, changed: tuple[Place, ...], state: State) -> None:
        """Make the two sets of arrays; the Tensors get the first."""
        try:
            self.carried = [self._at[STATE, place.name] for place in changed]
        except KeyError:
            raise Unsteady from None
        first = [_own(self._inputs[k]) for k in self.carried]
        self._sets = [first, [np.empty_like(one) for one in first]]
        self._owners = [place.owner for place in changed]
        self._names = [place.key for place in changed]
        self._makes = [_maker(place, one) for place, one in zip(changed, first, strict=True)]
        self._plain = all(make is None for make in self._makes)
        any(map(setattr, self._owners, self._names, self._made(first)))  # the same numbers
        self._turn = 0
        kinds = [place.kind for place in changed]
        self.tensors = self._of(state, "value", kinds)
        for one in (*state.tensors, *self._surroundings.tensors()):
            if all(one is not other for other in self.tensors):
                self.tensors.append(one)
        self._accounts = self._of(state, "grad", kinds)
        self._own = [k for k, kind in enumerate(kinds) if kind == "value"]
        self._own_grads = [k for k, kind in enumerate(kinds) if kind == "grad"]
        self._values = list(map(value_of, self.tensors))
        self._nodes = list(map(node_of, self.tensors))
        self._grads = list(map(grad_of, self._accounts))

    def _of(self, state: State, kind: str, kinds: list[str]) -> list[Any]:
        """Return the owners of a kind of place, those first that a step changes."""
        found = [one for one, own in zip(self._owners, kinds, strict=True) if own == kind]
        for place in state.places:
            if place.kind == kind and all(place.owner is not one for one in found):
                found.append(place.owner)
        return found

    def _made(self, arrays: list[Any]) -> list[Any]:
        """Return what stands in the places of the state for arrays."""
        pairs = zip(self._makes, arrays, strict=True)
        return [one if make is None else make(one) for make, one in pairs]

    def _bind(self) -> None:
        version = self._version
        results, values, _ = version.slots
        types: Any = version.program.types
        names = list(references(version.program.outputs))
        count = len(names) - len(self.carried)
        if not all(type(one) is Slot for one in values):
            raise Unsteady
        out = [np.empty(types[one].shape, types[one].dtype) for one in names[:count]]
        if any(one.nbytes > LARGE for one in out):
            raise Unsteady
        self.results = [
            _giver(kind, out[slot.position] if type(slot) is Slot else None, slot)
            for slot, kind in zip(results, version.traced.kinds, strict=True)
        ]
        self._calls = []
        for turn in (0, 1):
            for k, array in zip(self.carried, self._sets[turn], strict=True):
                self._inputs[k] = array
            try:
                found = version.bound.fixed(self._inputs, [*out, *self._sets[1 - turn]])
            except ValueError:
                found = None
            if found is None:
                raise Unsteady
            self._calls.append(found)
        self.out = out
        # without those of the state, which would count among the holders
        self._inputs = [None if k in self.carried else x for k, x in enumerate(self._inputs)]

    # What an entry takes over

    @property
    def is_open(self) -> bool:
        """Whether all that has to be the same is in objects that can be looked at."""
        return not (self._nested or len(self._captured))

    @property
    def rows(self) -> int:
        """The length of the batch."""
        rows: int = self._calls[0].rows
        return rows

    def arrays(self) -> list[Any]:
        """Return the arrays of the inputs; None for those of the state."""
        return self._inputs

    def taken(self) -> Iterator[tuple[Any, Any, Any]]:
        """Yield what a step changes: the owner, and its arrays, those of now first."""
        now, other = self._sets[self._turn], self._sets[1 - self._turn]
        return zip(self._owners, now, other, strict=True)

    # A call

    def run(self, args: tuple[Any, ...]) -> Any:
        """Do what the function does, and return what it returns; or MISS, having done nothing.

        Parameters
        ----------
        args : tuple
            Of the call.
        """
        if self._nested:
            args = tuple(_flat(args))
        if len(args) != len(self.arguments):
            return MISS
        for argument, value in zip(self.arguments, args, strict=True):
            if not argument.take(value):
                return MISS
        if bool(is_recording()) is not self._mode or not self._is_same():
            return MISS
        other = self._sets[1 - self._turn]
        if not all(map(eq, map(sys.getrefcount, other), self._free)):
            return MISS
        self._calls[self._turn]()
        new = other if self._plain else self._made(other)
        self._turn = 1 - self._turn
        any(map(setattr, self._owners, self._names, new))  # in C: all or none
        if self._own_grads:
            self._grads[: len(self._own_grads)] = [new[k] for k in self._own_grads]
            self._values[: len(self._own)] = [new[k] for k in self._own]
        else:
            self._values[: len(new)] = new
        return self._version.traced.build([give() for give in self.results])

    def _is_same(self) -> bool:
        """Whether all that the program depends on is what it was."""
        return (
            all(map(is_, map(value_of, self.tensors), self._values))
            and all(map(is_, map(node_of, self.tensors), self._nodes))
            and all(map(is_, map(grad_of, self._accounts), self._grads))
            and (all(map(is_, map(getitem, self._fields, self._keys), self._set)) or self._reset())
            and all(map(is_, chain.from_iterable(self._views), self._held))
            and all(map(is_, self._surroundings.values(), self._around))
            and self._captured.changed() is None
        )

    def _reset(self) -> bool:
        """Take new numbers of the optimizers, if what is off stays off."""
        now = list(map(getitem, self._fields, self._keys))
        pairs = []
        for value, before, arrays in zip(now, self._set, self.numbers, strict=True):
            new = value if isinstance(before, tuple) else (value,)
            if not isinstance(new, tuple) or len(new) != len(arrays):
                return False
            for one, array in zip(new, arrays, strict=True):
                if type(one) is not float or (one == 0.0) != (array is None):
                    return False
                pairs.append((array, one))
        for array, one in pairs:
            if array is not None:
                array[...] = one
        self._set = now
        return True


def _view(container: Any) -> Any:
    return container.values() if isinstance(container, dict) else container


def _flat(args: tuple[Any, ...]) -> list[Any]:
    """Return the values in tuples, which nobody changes; lists and dicts stay as they are."""
    found: list[Any] = []
    for one in args:
        if type(one) is tuple or hasattr(one, "_fields"):
            found += _flat(one)
        else:
            found.append(one)
    return found


def _maker(place: Place, array: Any) -> Callable[[Any], Any] | None:
    """Return what makes of an array what stands in a place; None if that is the array."""
    if place.kind == "grad":
        return wrap if array.ndim else (lambda one: wrap(one[()]))
    return None if array.ndim else itemgetter(())


def _own(array: Any) -> Any:
    """Return an array whose memory nobody else has."""
    whole = array.base is None and array.flags.c_contiguous and array.flags.writeable
    return array if whole and array.ndim else np.array(array, order="C")


def _giver(kind: tuple[str, Any], array: Any, literal: Any) -> Callable[[], Any]:
    """Return what gives a value in what is returned, out of the array that it is in."""
    name, held = kind
    if name == "same":
        return lambda: held
    if name == "other":
        return lambda: literal
    if name == "number":
        return lambda: array.item()
    if array is None:
        raise Unsteady
    if name == "tensor":
        return (lambda: wrap(array.copy())) if array.ndim else (lambda: wrap(array[()]))
    return array.copy if array.ndim else (lambda: array[()])
