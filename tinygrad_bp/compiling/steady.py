"""The short way through a call: where nothing but numbers has changed since the last one.

What runs is bound to arrays that stay: copies of the arguments, what is drawn, and two sets of
arrays for the state, of which a step reads one and writes the other.  What has to be the same is
compared by identity, in loops of C's; a set is written into only while nobody else holds an array
of it.  Anything else takes the long way, and binds anew.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import chain
from operator import attrgetter, call, eq, getitem, is_
from typing import Any

import numpy as np

from tinygrad_bp.compiling.captured import Captured
from tinygrad_bp.compiling.drawing import Drawn
from tinygrad_bp.compiling.state import Place, State, put_all
from tinygrad_bp.compiling.steady_values import LARGE, Argument, Unsteady, giver_of, maker_of, own
from tinygrad_bp.compiling.surroundings import Surroundings
from tinygrad_bp.compiling.tracing import STATE, Call
from tinygrad_bp.compiling.version import Slot, Version
from tinygrad_bp.engine.memory import REUSED
from tinygrad_bp.engine.modes import is_recording
from tinygrad_bp.programs.instructions import references

MISS: Any = object()  # a call must go the long way
KINDS = ("value", "grad", "buffer")  # of places that a step may change here
value_of = attrgetter("_value")
node_of = attrgetter("_node")
grad_of = attrgetter("grad")


class Steady:
    """A version of a compiled function, bound to arrays.

    Parameters
    ----------
    version : Version
    call : Call
        The latest, which has been run.
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
    drawn : Drawn
    carried : list of int
        The inputs that a step changes.
    out : list of array
        Those of what is returned, and behind them those that guards ask for.
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
        state: State,
        surroundings: Surroundings,
        captured: Captured,
    ) -> None:
        self._changed = version.traced.changed
        if not (REUSED and version.is_steady):
            raise Unsteady
        if any(place.kind not in KINDS for place in self._changed):
            raise Unsteady
        self._version, self.captured, self._surroundings = version, captured, surroundings
        self._mode = bool(is_recording())
        self._at = {one.path: k for k, one in enumerate(version.program.inputs)}
        generators = [x for _, x in call.leaves if isinstance(x, np.random.Generator)]
        types = {one.path: one.type for one in version.program.inputs}
        self.drawn = Drawn(version.traced.draws, [*state.generators, *generators], types)
        given = version.inputs(call, state, self.drawn.arrays)
        # of a buffer somebody may change the elements; what is a Tensor's stays as it is
        buffers = [(STATE, place.name) for place in state.places if place.kind == "buffer"]
        self._inputs: list[Any] = [
            np.asarray(value, order=None if one.path in buffers else "C")
            for one, value in zip(version.program.inputs, given, strict=True)
        ]
        self._take_arguments(call)
        self._take_settings(state)
        self._take_state(state)
        self._bind()
        self._views = [
            *state.views(),
            *chain.from_iterable(map(_views, surroundings.containers())),
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

    def _take_state(self, state: State) -> None:
        """Make the two sets of arrays; the state gets the first."""
        changed = self._changed
        try:
            self.carried = [self._at[STATE, place.name] for place in changed]
        except KeyError:
            raise Unsteady from None
        first = [own(self._inputs[k]) for k in self.carried]
        self._sets = [first, [np.empty_like(one) for one in first]]
        self._makes = [maker_of(place, one) for place, one in zip(changed, first, strict=True)]
        self._plain = all(make is None for make in self._makes)
        now = self._made(first)
        put_all(changed, now)  # the same numbers
        self._puts: list[Any] = [place.put for place in changed]
        self._owners = [place.owner for place in changed]
        self._names = [place.key for place in changed]
        self._turn = 0
        self.tensors, self._values = self._of(state, "value", now)
        for one in (*state.tensors, *self._surroundings.tensors()):
            if all(one is not other for other in self.tensors):
                self.tensors.append(one)
                self._values.append(one._value)
        self._nodes = list(map(node_of, self.tensors))
        self._accounts, self._grads = self._of(state, "grad", now)
        self._own_places = {
            kind: [k for k, place in enumerate(changed) if place.kind == kind] for kind in KINDS
        }
        buffers = [one for one in (*changed, *state.places) if one.kind == "buffer"]
        self._buffers = list({(id(one.owner), one.key): one for one in buffers}.values())
        self._contents = list(map(Place.read, self._buffers))
        self._sides = list(map(np.shape, self._contents))

    def _of(self, state: State, kind: str, now: list[Any]) -> tuple[list[Any], list[Any]]:
        """Return the owners of a kind of place, those first that a step changes, and the values."""
        pairs = zip(self._changed, now, strict=True)
        found = [(place.owner, value) for place, value in pairs if place.kind == kind]
        for place in state.places:
            if place.kind == kind and all(place.owner is not one for one, _ in found):
                found.append((place.owner, getattr(place.owner, place.key)))
        return [one for one, _ in found], [value for _, value in found]

    def _made(self, arrays: list[Any]) -> list[Any]:
        """Return what stands in the places of the state for arrays."""
        pairs = zip(self._makes, arrays, strict=True)
        return [one if make is None else make(one) for make, one in pairs]

    def _bind(self) -> None:
        version = self._version
        results, values, guards = version.slots
        types: Any = version.program.types
        names = list(references(version.program.outputs))
        if not all(type(one) is Slot for one in (*values, *guards)):
            raise Unsteady
        count = len(names) - len(values) - len(guards)
        kept = [*names[:count], *names[count + len(values) :]]
        self.out = [np.empty(types[one].shape, types[one].dtype) for one in kept]
        if any(one.nbytes > LARGE for one in self.out):
            raise Unsteady
        self.results = [
            giver_of(kind, self.out[slot.position] if type(slot) is Slot else None, slot)
            for slot, kind in zip(results, version.traced.kinds, strict=True)
        ]
        self._asked = list(zip(self.out[count:], version.traced.after, strict=True))
        out = [*self.out[:count], *self._sets[1], *self.out[count:]]
        self._calls = [self._bound_to(0, out)]
        out[count : count + len(values)] = self._sets[0]
        self._calls.append(self._bound_to(1, out))
        # without those of the state, which would count among the holders
        self._inputs = [None if k in self.carried else x for k, x in enumerate(self._inputs)]

    def _bound_to(self, turn: int, out: list[Any]) -> Any:
        """Return a call that reads one set of arrays of the state, and writes what is given."""
        for k, array in zip(self.carried, self._sets[turn], strict=True):
            self._inputs[k] = array
        bound = self._version.bound
        try:
            found = bound.fixed(self._inputs, out)
        except ValueError:
            raise Unsteady from None
        return found or partial(bound, list(self._inputs), list(out))

    # What an entry takes over

    def whole(self) -> Any:
        """Return the one piece of code that does it all; None if there is none, or guards ask."""
        if self._asked or type(self._calls[0]) is partial:  # two outputs are one array
            return None
        return getattr(self._version.bound, "whole", None)

    @property
    def rows(self) -> int:
        """The length of the batch."""
        rows: int = self._calls[0].rows
        return rows

    def arrays(self) -> list[Any]:
        """Return the arrays of the inputs; None for those of the state."""
        return self._inputs

    def taken(self) -> Iterator[tuple[Place, Any, Any]]:
        """Yield what a step changes: the place, and its arrays, those of now first."""
        now, other = self._sets[self._turn], self._sets[1 - self._turn]
        return zip(self._changed, now, other, strict=True)

    # A call

    def run(self, args: Sequence[Any]) -> Any:
        """Do what the function does, and return what it returns; or MISS, having done nothing.

        Parameters
        ----------
        args : sequence
            The values in the arguments of the call.
        """
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
        if self.drawn:
            self.drawn()
        self._calls[self._turn]()
        for array, check in self._asked:
            check(array)
        new = other if self._plain else self._made(other)
        self._turn = 1 - self._turn
        any(map(call, self._puts, self._owners, self._names, new))  # in C: all or none
        values, grads, buffers = self._own_places.values()
        self._values[: len(values)] = [new[k] for k in values]
        if grads:
            self._grads[: len(grads)] = [new[k] for k in grads]
        if buffers:
            self._contents[: len(buffers)] = [new[k] for k in buffers]
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
            and all(map(is_, map(Place.read, self._buffers), self._contents))
            and all(map(eq, map(np.shape, self._contents), self._sides))
            and self.captured.changed() is None
            and self._surroundings.arrays().changed() is None
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


def _views(container: Any) -> tuple[Any, ...]:
    return (container.keys(), container.values()) if isinstance(container, dict) else (container,)
