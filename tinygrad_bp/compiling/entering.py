"""The shortest way through a call: CPython calls machine code, which looks itself at what matters.

It is there where the whole program is one kernel, and all that the program depends on can be looked
at in memory; else `Steady` goes the short way in Python.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from functools import partial
from types import CellType, FunctionType
from typing import Any

import numpy as np

from tinygrad_bp.compiling.adoption import Adoption
from tinygrad_bp.compiling.captured import Captured
from tinygrad_bp.compiling.drawing import Drawn
from tinygrad_bp.compiling.state import Place, State
from tinygrad_bp.compiling.steady import Steady
from tinygrad_bp.compiling.surroundings import Surroundings
from tinygrad_bp.compiling.tracing import Call
from tinygrad_bp.compiling.turns import FREE
from tinygrad_bp.compiling.version import Slot, Version
from tinygrad_bp.engine.modes import recording
from tinygrad_bp.engine.tensor import Tensor, wrap
from tinygrad_bp.native.calls import entry as entries
from tinygrad_bp.native.calls import guards
from tinygrad_bp.native.calls.objects import NUMBERS, data_of, unsupported
from tinygrad_bp.native.calls.unshared import Shared, alone, unchanged
from tinygrad_bp.programs.instructions import references
from tinygrad_bp.rules.loss_arguments import within_0_and_1

KEYS = (str, int, float, bool, type(None))
READ = (np.ndarray, *NUMBERS)  # what machine code reads where it is
WRITTEN = "dfl"  # kinds of single numbers in a state, as NumPy calls them


class Unsuited(Exception):  # noqa: N818  # an answer, no fault
    """There is no entry for a version."""


def entry_of(
    version: Version,
    call: Call,
    state: State,
    surroundings: Surroundings,
    steady: Steady,
    sign: dict[str, bool],
    slow: Callable[..., Any],
) -> tuple[Callable[..., Any], Adoption]:
    """Return an entry for calls like this one, and what takes new values of the state into it.

    Parameters
    ----------
    version, call, state, surroundings
        What `steady` was made of.
    steady : Steady
        The entry uses its arrays, and so it must not be used any more.
    sign : dict
        Of the `Turns`: no entry while another call is under way.
    slow : callable
        What is called where something is not as it was.

    Raises
    ------
    Unsuited
        If there can be none.
    """
    code = steady.whole()
    if code is None or unsupported() is not None:
        raise Unsuited
    places = {name: k for k, name in enumerate(code.kernel.inputs)}
    asked = [
        guards.item(sign, "free", FREE),
        *_of_arguments(version, call, steady, places),
        guards.context(recording, recording.get()),
        *_of_state(state, steady),
        *_of_settings(state, steady),
        *_of_containers(state, steady),
        *_of_surroundings(surroundings),
        *_of_captured(steady.captured),
    ]
    held = [_exchanged(*one) for one in steady.taken()]
    memory = code.memory(steady.rows)
    tables = [_table(version, code, steady, held, turn, memory) for turn in (0, 1)]
    drawn = steady.drawn
    if drawn:
        slow = _Drawing(version, drawn, slow)
    returned = _returned(version, code)
    finish = None if returned else partial(_finish, version, steady.results)
    found: Callable[..., Any] = entries.entry(
        code.of_table,
        steady.rows,
        tables,
        len(call.leaves),
        asked,
        held,
        slow,
        returned=returned,
        finish=finish,
        prepare=drawn or None,
        keep=[memory, steady.arrays(), [argument.array for argument in steady.arguments]],
    )
    if isinstance(slow, _Drawing):
        slow.was_prepared = entries.unprepared_by(found)
    return found, Adoption(held, entries.turn_of(found))


def _finish(version: Version, results: list[Callable[[], Any]]) -> Any:
    return version.traced.build([give() for give in results])


class _Drawing:
    """What is drawn before each run of an entry.

    If the entry does not run after all, since another thread has changed something meanwhile, what
    was drawn is for the long way, which the call then goes.
    """

    def __init__(self, version: Version, drawn: Drawn, slow: Callable[..., Any]) -> None:
        self._version, self._drawn, self._slow = version, drawn, slow
        self.was_prepared: Callable[[], bool] = bool

    def __call__(self, *args: Any) -> Any:
        if self.was_prepared():
            self._version.pending = self._drawn.arrays
        try:
            return self._slow(*args)
        finally:
            self._version.pending = None


# What is written


def _exchanged(place: Place, first: Any, second: Any) -> Any:
    """Return the two objects that the state has by turns: arrays, numbers of NumPy's, Tensors."""
    if not first.ndim:
        kind = first.dtype.type
        if first.dtype.char not in WRITTEN:
            raise Unsuited
        first, second = kind(first[()]), kind(0)
    if place.kind == "grad":
        first, second = wrap(first), wrap(second)
    place.put(place.owner, place.key, first)
    return entries.State(place.owner, place.key, first, second)


def _table(
    version: Version, code: Any, steady: Steady, held: list[Any], turn: int, memory: Any
) -> Any:
    """Return where the kernel finds its arrays while the state is the first or the second."""
    program = version.program
    names = list(references(program.outputs))
    arrays = {one.name: x for one, x in zip(program.inputs, steady.arrays(), strict=True)}
    made = dict(zip(names, steady.out, strict=False))
    for k, name, one in zip(steady.carried, names[len(steady.out) :], held, strict=True):
        now, new = (one.first, one.second) if not turn else (one.second, one.first)
        arrays[program.inputs[k].name], made[name] = now, new
    found = [arrays[name] for name in code.kernel.inputs]
    found += [made[name] for name in code.kernel.outputs]
    return code.table(*map(data_of, (*found, *memory)))


def _returned(version: Version, code: Any) -> entries.Returned | None:
    """Return what makes a result; None if one can only be made after each run."""
    types: Any = version.program.types
    names = list(references(version.program.outputs))
    slots, kinds = version.slots[0], version.traced.kinds
    written = [names[slot.position] for slot in slots if type(slot) is Slot]
    if any(not types[one].shape and types[one].dtype.char not in "df" for one in written):
        return None

    build = version.traced.build

    def make() -> tuple[Any, list[Any]]:
        objects = [
            _made(kind, types[names[slot.position]])
            for slot, (kind, _) in zip(slots, kinds, strict=True)
            if type(slot) is Slot
        ]
        rest = iter(objects)
        literals = [
            held if kind == "same" else slot
            for slot, (kind, held) in zip(slots, kinds, strict=True)
        ]
        return build([next(rest) if type(one) is Slot else one for one in literals]), objects

    outputs = len(code.kernel.inputs)
    places = [outputs + code.kernel.outputs.index(name) for name in written]
    try:
        made, objects = make()
        list(alone(made, {*map(id, objects)}))
    except Shared:
        return None
    return entries.Returned(make, places)


def _made(kind: str, found: Any) -> Any:
    """Return an object of a kind, of which there is no other reference, to be written into."""
    if kind == "number":
        return struct.unpack("d", bytes(8))[0]
    value = np.empty(found.shape, found.dtype) if found.shape else found.dtype.type(0)
    return wrap(value) if kind == "tensor" else value


# What must be as it was


def _of_arguments(
    version: Version, call: Call, steady: Steady, places: dict[str, int]
) -> Iterator[Any]:
    names = {one.path: one.name for one in version.program.inputs}
    checks: dict[Any, list[Any]] = {}
    for k, check in version.traced.before:
        checks.setdefault(version.program.inputs[k].path, []).append(check)
    if checks.keys() - dict(call.leaves).keys():
        raise Unsuited
    for position, (path, value) in enumerate(call.leaves):
        place = places.get(names.get(path, ""))
        raw = value._value if type(value) is Tensor else value
        if isinstance(raw, np.ndarray) and not raw.dtype.isnative:
            raise Unsuited
        if type(raw) in READ and place is not None:
            yield guards.array(position, value, place)
        elif type(raw) is float and place is not None:
            raw = steady.arguments[position].array
            yield guards.real(position, raw)
        elif isinstance(value, (Tensor, np.ndarray, np.generic, float)) or checks.get(path):
            raise Unsuited
        else:
            yield guards.same(position, value)
        for check in checks.get(path, []):
            asks = getattr(check, "func", None)
            if asks is not within_0_and_1 or place is None or raw.dtype.char not in "df":
                raise Unsuited
            yield guards.probabilities(raw, place)


def _of_state(state: State, steady: Steady) -> Iterator[Any]:
    changed = _changed(steady)
    for tensor in steady.tensors:
        yield guards.slot(tensor, "_node", tensor._node)
        if (id(tensor), "_value") not in changed:
            yield guards.slot(tensor, "_value", tensor._value)
    for place in state.places:
        if place.kind == "grad" and (id(place.owner), place.key) not in changed:
            yield guards.slot(place.owner, "grad", place.owner.grad)


def _of_settings(state: State, steady: Steady) -> Iterator[Any]:
    settings = [place for place in state.places if place.kind == "setting"]
    for place, arrays in zip(settings, steady.numbers, strict=True):
        value = place.read()
        if type(value) is float and arrays[0] is not None:
            yield guards.number(place.owner, place.key, arrays[0])
        else:
            yield guards.item(place.owner, place.key, value)


def _of_containers(state: State, steady: Steady) -> Iterator[Any]:
    for container, slots in state.watched:
        yield from _items(container, slots)
    changed = _changed(steady)
    for place in state.places:
        if place.kind == "buffer" and (id(place.owner), place.key) not in changed:
            value = place.read()
            yield guards.item(place.owner, place.key, value)
            if isinstance(value, np.ndarray):  # the user may change its shape
                yield from guards.words(unchanged(value), value)


def _changed(steady: Steady) -> set[tuple[int, Any]]:
    """Return the places that a step changes: other guards look at these."""
    return {(id(place.owner), place.key) for place, *_ in steady.taken()}


def _items(container: Any, slots: frozenset[Any] = frozenset()) -> Iterator[Any]:
    if isinstance(container, dict):
        yield guards.size(container)
        for key, value in container.items():
            if type(key) not in KEYS:
                raise Unsuited  # to compare it might run Python
            if key not in slots:
                yield guards.item(container, key, value)
    elif isinstance(container, list):
        if slots:  # arrays in a list
            raise Unsuited
        yield from guards.items(container)
    elif not isinstance(container, tuple):
        raise Unsuited


def _of_surroundings(surroundings: Surroundings) -> Iterator[Any]:
    for one in surroundings.variables:
        value = one.read()
        if isinstance(one.home, dict):
            there = one.name in one.home
            yield guards.item(one.home, one.name, value) if there else guards.size(one.home)
        elif isinstance(one.home, CellType):
            yield guards.cell(one.home, value)
        elif one.name == "__class__" or isinstance(one.home, FunctionType):
            yield guards.part(one.home, one.name)
        else:
            yield guards.slot(one.home, one.name, value)
    for container in surroundings.containers():
        yield from _items(container)
    yield from _of_captured(surroundings.arrays())


def _of_captured(captured: Captured) -> Iterator[Any]:
    """Demand of arrays around a function what is in them."""
    for array in captured.arrays():
        if not isinstance(array, np.ndarray) or not array.flags.c_contiguous:
            raise Unsuited
        yield from guards.words(unchanged(array), array)
        yield guards.content(array)
