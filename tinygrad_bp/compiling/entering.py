"""The shortest way through a call: CPython calls machine code, which looks itself at what matters.

It is there where the whole program is one kernel, and all that the program depends on can be looked
at in memory; else `Steady` goes the short way in Python.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np

from tinygrad_bp.compiling.state import State
from tinygrad_bp.compiling.steady import Steady
from tinygrad_bp.compiling.surroundings import Surroundings
from tinygrad_bp.compiling.tracing import Call
from tinygrad_bp.compiling.turns import FREE
from tinygrad_bp.compiling.version import Version
from tinygrad_bp.engine.modes import recording
from tinygrad_bp.engine.tensor import Tensor
from tinygrad_bp.native import entry as entries
from tinygrad_bp.programs.instructions import references
from tinygrad_bp.rules.loss_arguments import within_0_and_1


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
) -> Callable[..., Any]:
    """Return an entry for calls like this one.

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
    code = getattr(version.bound, "whole", None)
    kinds = {place.kind for place in version.traced.changed}
    if code is None or entries.unsupported() is not None or not steady.is_open or kinds - {"value"}:
        raise Unsuited
    places = {name: k for k, name in enumerate(code.kernel.inputs)}
    guards = [
        entries.item(sign, "free", FREE),
        *_of_arguments(version, call, steady, places),
        entries.context(recording, recording.get()),
        *_of_state(state, steady),
        *_of_settings(state, steady),
        *_of_containers(state),
        *_of_surroundings(surroundings),
    ]
    held = [_exchanged(owner, *pair) for owner, *pair in steady.taken()]
    memory = code.memory(steady.rows)
    tables = [_table(version, code, steady, held, turn, memory) for turn in (0, 1)]
    keep = [memory, steady.arrays(), [argument.array for argument in steady.arguments]]
    finish = partial(_finish, version, steady.results)
    found: Callable[..., Any] = entries.entry(
        code.of_table, steady.rows, tables, len(call.leaves), guards, held, slow, finish, keep
    )
    return found


def _finish(version: Version, results: list[Callable[[], Any]]) -> Any:
    return version.traced.build([give() for give in results])


def _exchanged(owner: Any, first: Any, second: Any) -> Any:
    """Return the two objects that a Tensor has by turns: arrays, or new numbers of NumPy's."""
    if not first.ndim:
        kind = first.dtype.type
        first, second = kind(first[()]), kind(0)
        owner._value = first
    return entries.State(owner, "_value", first, second)


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
    return code.table(*map(entries.data_of, (*found, *memory)))


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
        if type(raw) is np.ndarray and raw.ndim and place is not None:
            yield entries.array(position, value, place)
        elif type(raw) is float and place is not None:
            yield entries.real(position, steady.arguments[position].array)
        elif isinstance(value, (Tensor, np.ndarray, np.generic, float)) or checks.get(path):
            raise Unsuited
        else:
            yield entries.same(position, value)
        for check in checks.get(path, []):
            asks = getattr(check, "func", None)
            if asks is not within_0_and_1 or place is None or raw.dtype.char not in "df":
                raise Unsuited
            yield entries.probabilities(raw, place)


def _of_state(state: State, steady: Steady) -> Iterator[Any]:
    changed = {id(owner) for owner, *_ in steady.taken()}
    for tensor in steady.tensors:
        yield entries.slot(tensor, "_node", tensor._node)
        if id(tensor) not in changed:
            yield entries.slot(tensor, "_value", tensor._value)
    for place in state.places:
        if place.kind == "grad":
            yield entries.slot(place.owner, "grad", place.owner.grad)


def _of_settings(state: State, steady: Steady) -> Iterator[Any]:
    settings = [place for place in state.places if place.kind == "setting"]
    for place, arrays in zip(settings, steady.numbers, strict=True):
        value = place.read()
        if type(value) is float and arrays[0] is not None:
            yield entries.number(place.owner, place.key, arrays[0])
        else:
            yield entries.item(place.owner, place.key, value)


def _of_containers(state: State) -> Iterator[Any]:
    for container, slots in state.watched:
        yield from _items(container, slots)
    for place in state.places:
        if place.kind == "buffer":
            yield entries.item(place.owner, place.key, place.read())


def _items(container: Any, slots: frozenset[Any] = frozenset()) -> Iterator[Any]:
    if isinstance(container, dict):
        yield entries.size(container)
        for key, value in container.items():
            if key not in slots:
                yield entries.item(container, key, value)
    elif isinstance(container, list):
        if slots:  # arrays in a list
            raise Unsuited
        yield from entries.items(container)


def _of_surroundings(surroundings: Surroundings) -> Iterator[Any]:
    for one in surroundings.variables:
        value = one.read()
        if isinstance(value, np.ndarray) and not value.ndim:
            raise Unsuited
        if one.cell is not None:
            yield entries.cell(one.cell, value)
        else:
            yield entries.item(one.scope, one.name, value)
    for container in surroundings.containers():
        yield from _items(container)
