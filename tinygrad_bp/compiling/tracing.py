"""One trace of a step: its state is lent to the trace, and given back as it was."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from tinygrad_bp.compiling.drawing import DRAWN, Draw, Drawing
from tinygrad_bp.compiling.state import (
    Place,
    State,
    put_all,
    restore,
    value_for,
)
from tinygrad_bp.compiling.surroundings import Surroundings
from tinygrad_bp.engine.containers import Rebuild, flatten
from tinygrad_bp.engine.modes import watch as watching
from tinygrad_bp.engine.tensor import Tensor
from tinygrad_bp.errors import TraceError
from tinygrad_bp.native.fused import FUSED
from tinygrad_bp.programs.from_function import closing, finished, name_of, symbolic
from tinygrad_bp.programs.instructions import Ref, Type
from tinygrad_bp.programs.program import Program
from tinygrad_bp.programs.symbol import Symbol
from tinygrad_bp.programs.trace import Trace
from tinygrad_bp.programs.watch import Watch

STATE = "_state"  # the parameter of a program in which the state stands


@dataclass(frozen=True, eq=False)
class Traced:
    """A program of a step, and what its inputs and outputs are.

    Attributes
    ----------
    program : Program
        As it was written down.  Its outputs are the values in what is returned, those of the
        changed places, and those that guards ask for.
    kinds : tuple of (str, object)
        Of each value in what is returned: "tensor", "array", "number" or "other"; or "same", with
        the object of the state that it is.
    build : callable
        Makes what is returned of its values.
    changed : tuple of Place
        The parts of the state that the step changes.
    cleared : tuple of Place
        The gradients that the step forgets.
    draws : tuple of Draw
    before : tuple of (int, callable)
        What is asked of inputs, by their position.
    after : tuple of callable
        What is asked of the last outputs.
    arrays : tuple of array
        What became a constant, as it came.
    """

    program: Program
    kinds: tuple[tuple[str, Any], ...]
    build: Rebuild
    changed: tuple[Place, ...]
    cleared: tuple[Place, ...]
    draws: tuple[Draw, ...]
    before: tuple[tuple[int, Callable[[Any], None]], ...]
    after: tuple[Callable[[Any], None], ...]
    arrays: tuple[np.ndarray[Any, Any], ...]


@dataclass(frozen=True, eq=False)
class Call:
    """A call to be traced.

    Attributes
    ----------
    f : callable
    names : tuple of str
        Of its arguments, positional ones first.
    leaves : list of (path, value)
        The values in its arguments.
    build : callable
        Makes the list of the arguments of their values.
    keywords : tuple of str
        Of the last arguments.
    static : frozenset of str
        The arguments that are parts of the program as they are.
    """

    f: Callable[..., Any]
    names: tuple[str, ...]
    leaves: list[tuple[tuple[Any, ...], Any]]
    build: Rebuild
    keywords: tuple[str, ...]
    static: frozenset[str]

    def run(self, values: Sequence[Any]) -> Any:
        """Call the function with other values."""
        arguments = self.build(values)
        count = len(arguments) - len(self.keywords)
        return self.f(
            *arguments[:count], **dict(zip(self.keywords, arguments[count:], strict=True))
        )


def traced(call: Call, state: State, surroundings: Surroundings, *, bare: bool = False) -> Traced:
    """Return the program of a call, which changes nothing.

    A bare one has neither names nor lines, and takes less time.

    Raises
    ------
    TraceError
        If there is none: a value is read, a leaf is used that is not in the state, or something is
        changed or kept that is no part of a program.
    """
    if watching() is not None:
        raise TraceError("compile: tg.debug looks at values; call the function itself under it")
    trace = Trace(bare=bare)
    trace.made = []
    watch = Watch(trace)
    watch.remedy = "list it in state="
    watch.fused = FUSED
    try:
        with closing(trace):
            found = _run(trace, watch, call, state, surroundings)
    finally:
        watch.forget()
    _refuse_survivors(trace)
    _refuse_changes_around(surroundings)
    return found


def _run(
    trace: Trace, watch: Watch, call: Call, state: State, surroundings: Surroundings
) -> Traced:
    """Run the call, and collect what it has made."""
    drawing = Drawing(trace)
    before = state.surroundings()
    symbols: list[Any] = []
    with _lent(trace, state, symbols):
        with _exchanged(drawing, state, surroundings):
            values = list(_arguments(trace, drawing, state, call))
            with watch.watched():
                result = call.run(values)
        _refuse_strangers(watch)
        _refuse_changes(state, before)
        results, build = flatten(result)
        kinds = tuple([_kind(one, state) for one in results])
        returned = [
            trace.operand(getattr(one, "_value", one) if kind != "same" else None)
            for one, (kind, _) in zip(results, kinds, strict=True)
        ]
        changed, cleared, values = _changes(trace, state, symbols)
    given = [one.name for one in trace.inputs]
    inner = [(name, check) for name, check in trace.guards if name not in given]
    read = {one.path[0] for one in trace.inputs}
    own = tuple([one for one in (STATE, DRAWN) if one in read])
    outputs = (returned, values, [Ref(name) for name, _ in inner])
    return Traced(
        finished(trace, watch, name_of(call.f), (*call.names, *own), outputs),
        kinds,
        build,
        changed,
        cleared,
        tuple(drawing.draws),
        tuple([(given.index(name), check) for name, check in trace.guards if name in given]),
        tuple([check for _, check in inner]),
        tuple(trace.given),
    )


def _kind(value: Any, state: State) -> tuple[str, Any]:
    """Return what a value in what is returned is; with the object itself if it is in the state."""
    for one in (*state.tensors, *state.objects):
        if value is one:
            return "same", value
    if type(value) is Tensor:
        return "tensor", None
    if type(value) is Symbol:
        return "number" if value.weak else "array", None
    return "array" if isinstance(value, (np.ndarray, np.generic)) else "other", None


def _changes(trace: Trace, state: State, symbols: list[Any]) -> Any:
    """Return the places with new values, the gradients that are gone, and the new values."""
    changed: list[Place] = []
    cleared: list[Place] = []
    values: list[Any] = []
    for place, before in zip(state.places, symbols, strict=True):
        value = place.read()
        if value is before or (type(value) is type(before) is Symbol and value.name == before.name):
            continue
        if value is None:
            cleared.append(place)
        else:
            changed.append(place)
            values.append(trace.operand(value))
    return tuple(changed), tuple(cleared), values


def _refuse_strangers(watch: Watch) -> None:
    if watch.differentiated:
        raise TraceError(
            "compile: the step reads what tg.grad, or another transform around it, differentiates"
            " by, and results of a compiled function track nothing: compile the gradient itself,"
            " tg.compile(tg.grad(f))"
        )
    for leaf in watch.strangers():
        raise TraceError(
            f"compile: the step reads {leaf}, a parameter that is not in state=: a change of it"
            " would go unseen; list it, or the module that holds it, there"
        )


def _refuse_changes(state: State, before: tuple[Any, ...]) -> None:
    name = state.changed(before)
    if name is not None:
        raise TraceError(
            f"compile: the step changes the attribute {name!r} of what is in state=, and Python"
            " code runs only when a step is traced; hold a number that changes in an array, return"
            " other results, and change settings between steps"
        )


def _refuse_changes_around(surroundings: Surroundings) -> None:
    name = surroundings.changed()
    if name is not None:
        raise TraceError(
            f"compile: the step changes {name}, and Python code runs only when a step is traced; a"
            " number that changes is an argument and a result"
        )


def _refuse_survivors(trace: Trace) -> None:
    """Refuse a step that has put a value without numbers where it outlives the trace."""
    if all(one() is None for one in trace.made or ()):
        return
    gc.collect()
    for one in trace.made or ():
        symbol = one()
        if symbol is not None:
            name = trace.local_names.get(symbol.name, "a value")
            raise TraceError(
                f"compile: the step keeps {name}, an array of {symbol.type}, outside of itself (in"
                " a list, an attribute, a global variable); return it instead"
            )


def _arguments(trace: Trace, drawing: Drawing, state: State, call: Call) -> Iterator[Any]:
    """Yield the values in the arguments, with Symbols for arrays and floats."""
    generators = len(state.generators)
    for path, value in call.leaves:
        if path[0] in call.static:
            yield value
        elif isinstance(value, np.random.Generator):
            yield drawing.tracer(value, generators)
            generators += 1
        elif type(value) is Tensor and value.node is not None:
            if not any(value is one for one in state.tensors):
                raise TraceError(
                    f"compile: the argument {value.name or path[0]} is a tracked Tensor, and"
                    " results of a compiled function track nothing: list it in state=, or pass its"
                    " .detach()"
                )
            yield value
        else:
            yield symbolic(trace, value, path)


@contextmanager
def _lent(trace: Trace, state: State, symbols: list[Any]) -> Iterator[None]:
    """Within it, the places of the state hold Symbols, which are added to `symbols`."""
    copies = state.copies()
    values = [(place, getattr(place.owner, place.key, None)) for place in _of_tensors(state)]
    try:
        for tensor in state.tensors:
            trace.lend(tensor)
        symbols += [_lend(trace, place) for place in state.places]
        yield
    finally:
        restore(copies)
        put_all([place for place, _ in values], [value for _, value in values])


def _of_tensors(state: State) -> list[Place]:
    return [place for place in state.places if place.put is setattr]


def _lend(trace: Trace, place: Place) -> Any:
    """Put a Symbol in a place, and return it; None for a gradient that is absent."""
    value = place.read()
    if value is None:
        return None
    if place.kind == "setting":
        parts = value if isinstance(value, tuple) else (value,)
        found = [
            _setting(trace, one, place, i if isinstance(value, tuple) else None)
            for i, one in enumerate(parts)
        ]
        symbol: Any = tuple(found) if isinstance(value, tuple) else found[0]
    else:
        kind = Type(value.dtype, value.shape, place.weak)
        symbol = trace.input(place.name, kind, (STATE, place.name))
    put_all([place], [value_for(place, symbol)])
    return symbol


def _setting(trace: Trace, value: float, place: Place, part: int | None) -> Any:
    """Return a Symbol for a number of an optimizer; 0, which turns something off, stays."""
    if value == 0.0:
        return value
    path = (STATE, place.name) if part is None else (STATE, place.name, part)
    symbol = trace.input(place.name, Type(np.dtype(float), (), weak=True), path)
    trace.nonzero.add(symbol.name)
    return symbol


@contextmanager
def _exchanged(drawing: Drawing, state: State, surroundings: Surroundings) -> Iterator[None]:
    """Within it, tracers stand where the generators of the state do."""
    tracers = [drawing.tracer(one, k) for k, one in enumerate(state.generators)]

    def exchange(value: Any) -> Any:
        if not isinstance(value, np.random.Generator):
            return None
        return next(
            (t for t, one in zip(tracers, state.generators, strict=True) if one is value), None
        )

    try:
        for container, key, place in state.homes:
            container[key] = tracers[place]
        with surroundings.exchanged(exchange):
            yield
    finally:
        for container, key, place in state.homes:
            container[key] = state.generators[place]
