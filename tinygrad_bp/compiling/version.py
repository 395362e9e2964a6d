"""One version of a compiled function: for one key of arguments and state, ready to run."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any

import numpy as np

from tinygrad_bp.compiling.drawing import DRAWN
from tinygrad_bp.compiling.state import Place, State, put_all, value_for
from tinygrad_bp.compiling.tracing import STATE, Call, Traced
from tinygrad_bp.engine.memory import is_alone
from tinygrad_bp.engine.tensor import Tensor, wrap
from tinygrad_bp.programs.family import BY_LENGTH, HELD
from tinygrad_bp.programs.instructions import Operand, replaced
from tinygrad_bp.programs.program import Program

WORTH = 20  # times what it took that a binding should last
CHUNK = 0.05  # seconds that native code runs at most before Ctrl-C is looked at
MOST = 1024  # calls to wait for another one


@dataclass(frozen=True, eq=False)
class Outcome:
    """What one run gives, before anything has been changed."""

    results: list[Any]
    values: list[Any]


class Bindings:
    """When to bind a version to arrays: not again and again for a single call.

    A binding that has lasted less than WORTH times as long as it took doubles the number of calls
    before the next one.
    """

    def __init__(self) -> None:
        self._begun = self._made = 0.0
        self._calls, self._patience = 0, 2

    def due(self) -> bool:
        """Count a call that went the long way, and say whether to bind after it."""
        self._calls += 1
        if self._calls < self._patience:
            return False
        self._calls, now = 0, time.perf_counter()
        lasted, took = now - self._made, self._made - self._begun
        self._patience = min(2 * self._patience, MOST) if lasted < WORTH * took else 1
        self._begun = now
        return True

    def done(self) -> None:
        """Note that it is bound."""
        self._made = time.perf_counter()

    def end(self) -> None:
        """Never bind again."""
        self._patience = sys.maxsize


class Version:
    """A program of one length, bound to what runs it, and the way from a call to it and back.

    Attributes
    ----------
    program : Program
        Of this length.
    traced : Traced
    bound : callable
        Of the values of the inputs; returns those of the outputs.
    numbers : dict
        What the length of the batch decides.
    carry : tuple of (int, int), or None
    slots : tuple of list
        Of the values in what is returned, the new state, and what guards ask for: each a `Slot`,
        or what it always is.
    repeats : bool
        Whether a step can follow another without anything in between.
    hands_on : bool
        Whether native code does that.
    is_steady : bool
        Whether it can be bound to arrays that stay.
    pending : list, optional
        What has been drawn for the next run already.
    pace : int
        How many steps to run at once.
    bindings : Bindings
        When to bind native code to arrays.
    """

    def __init__(
        self, traced: Traced, program: Program, numbers: dict[str, Any], bound: Any, carry: Any
    ) -> None:
        self.traced = traced
        self.program = program
        self.bound = bound
        self.numbers = numbers
        self.carry = carry
        self.slots = _numbered(program.outputs)
        self._results, self._values, guards = self.slots
        self._guards = list(zip(guards, traced.after, strict=True))
        self._puts = (*traced.changed, *traced.cleared)
        carried = {place for _, place in carry or ()}
        # whether native code may go on by itself: what guards ask for stays as it is
        self.repeats = carry is not None and not (
            traced.draws or traced.after or carried & {place for place, _ in traced.before}
        )
        self.is_steady = (
            carry is not None
            and not carried & {place for place, _ in traced.before}
            and hasattr(bound, "fixed")
        )
        self.hands_on = self.repeats and getattr(bound, "hands_on", False)
        self.pending: list[Any] | None = None
        self.pace = 1
        self.bindings = Bindings()

    def keep_pace(self, count: int, spent: float) -> None:
        """Note how long so many steps took, and how many may follow at once."""
        self.pace = max(1, min(2 * count + 1, int(count * CHUNK / max(spent, 1e-9))))

    # Inputs

    def inputs(self, call: Call, state: State, drawn: list[Any] | None = None) -> list[Any]:
        """Return the values of the program's inputs; what is to be drawn is, if it is not given."""
        leaves = dict(call.leaves)
        places = {one.name: one for one in state.places}
        if drawn is None:
            drawn, self.pending = self.pending or self._drawn(call, state), None
        found = [
            self._input(one.name, one.path, leaves, places, drawn) for one in self.program.inputs
        ]
        for place, check in self.traced.before:
            check(np.asarray(found[place]))
        return found

    def _drawn(self, call: Call, state: State) -> list[Any]:
        if not self.traced.draws:
            return []
        given = [x for _, x in call.leaves if isinstance(x, np.random.Generator)]
        generators = [*state.generators, *given]
        return [draw(generators) for draw in self.traced.draws]

    def _input(self, name: str, path: Any, leaves: Any, places: Any, drawn: Any) -> Any:
        home = path[0]
        if home == STATE:
            place = places[path[1]]
            value = place.read()
            if place.kind == "setting":
                return value[path[2]] if len(path) > 2 else value
            return value.item() if place.weak else value
        if home == DRAWN:
            return drawn[path[1]]
        if home in (BY_LENGTH, HELD):
            return self.numbers[name]
        return plain(leaves[path])

    # Outputs

    def outcome(self, inputs: Sequence[Any], found: Sequence[Any]) -> Outcome:
        """Return what the outputs are, once the guards have let them pass."""
        found = owned(found, inputs)
        for operand, check in self._guards:
            check(np.asarray(_filled(operand, found)))
        return Outcome(_filled(self._results, found), _filled(self._values, found))

    def commit(self, outcome: Outcome) -> None:
        """Put the new state in its places, all or nothing."""
        new: list[Any] = [
            value_for(place, settled(place, value))
            for place, value in zip(self.traced.changed, outcome.values, strict=True)
        ]
        put_all(self._puts, [*new, *[None] * len(self.traced.cleared)])

    def returned(self, outcome: Outcome) -> Any:
        """Return what the function returns."""
        pairs = zip(outcome.results, self.traced.kinds, strict=True)
        return self.traced.build([_as(kind, value) for value, kind in pairs])


def owned(found: Sequence[Any], inputs: Sequence[Any]) -> list[Any]:
    """Return outputs that nobody else holds: copies of inputs, constants, views and twins."""
    given = {id(one) for one in inputs}
    result = []
    for one in found:
        if type(one) is np.ndarray and (
            not (one.base is None or is_alone(one)) or not one.flags.writeable or id(one) in given
        ):
            one = one.copy()
        given.add(id(one))
        result.append(one)
    return result


def plain(value: Any) -> Any:
    """Return an argument as an array in the machine's byte order, or as a number."""
    raw = value._value if type(value) is Tensor else value
    if isinstance(raw, np.ndarray) and not raw.dtype.isnative:
        return raw.astype(raw.dtype.newbyteorder("="))
    return raw


def settled(place: Place, value: Any) -> Any:
    """Return a value as the place has it: a 0-d array as a NumPy number."""
    if place.kind == "setting":
        return tuple(map(float, value)) if isinstance(value, tuple) else float(value)
    return value if type(value) is np.ndarray and value.ndim else np.asarray(value)[()]


def _as(kind: tuple[str, Any], value: Any) -> Any:
    name, held = kind
    if name == "same":
        return held
    if name == "number":
        return np.asarray(value).item()
    if name == "other":
        return value
    value = np.asarray(value)
    value = value if value.ndim else value[()]
    return wrap(value) if name == "tensor" else value


@dataclass(frozen=True, slots=True)
class Slot:
    """The position of an output."""

    position: int


def _numbered(tree: Operand) -> Operand:
    """Return outputs with their positions in place of their names."""
    number = count()
    return replaced(tree, lambda _ref: Slot(next(number)))


def _filled(tree: Operand, found: Sequence[Any]) -> Any:
    """Return what is returned, or a part of it, with the outputs in their positions."""
    if type(tree) is Slot:
        return found[tree.position]
    if type(tree) in (list, tuple):
        return type(tree)([_filled(one, found) for one in tree])
    return tree
