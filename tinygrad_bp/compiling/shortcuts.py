"""The short ways of a compiled function: which there are, and which the next call goes."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

from tinygrad_bp.compiling.captured import Captured
from tinygrad_bp.compiling.entering import Unsuited, entry_of
from tinygrad_bp.compiling.layout import Layout
from tinygrad_bp.compiling.state import State
from tinygrad_bp.compiling.steady import MISS, Steady
from tinygrad_bp.compiling.steady_values import Unsteady
from tinygrad_bp.compiling.surroundings import Surroundings
from tinygrad_bp.compiling.tracing import Call
from tinygrad_bp.compiling.turns import Turns
from tinygrad_bp.compiling.version import Version
from tinygrad_bp.engine.containers import Rebuild
from tinygrad_bp.native.calls.entry import several

BOUND = 4  # versions whose entries are kept; each holds the state twice
Args = tuple[Any, ...]
Kwargs = Mapping[str, Any]


class Binding(NamedTuple):
    """The entry of a version.

    Attributes
    ----------
    version : Version
    entry : callable
    adopt : callable
        Takes new values of the state into it.
    layout : Layout or None
        Of arguments that are nested, or given by name.
    shapes : list
        Of the values in the arguments.
    """

    version: Version
    entry: Callable[..., Any]
    adopt: Callable[[], bool]
    layout: Layout | None
    shapes: list[Any]


class Shortcuts:
    """Entries of machine code, one of which is the present one, or a step bound to arrays.

    Parameters
    ----------
    surroundings : Surroundings
    turns : Turns
    long : callable
        Does a call that no entry does.

    Attributes
    ----------
    entry : callable or None
        The present one.
    layout : Layout or None
        Of its arguments, or of the bound step's; None where they are plain.
    """

    def __init__(self, surroundings: Surroundings, turns: Turns, long: Callable[..., Any]) -> None:
        self._surroundings, self._turns, self._long = surroundings, turns, long
        self._bindings: dict[Version, Binding] = {}
        self._last: Version | None = None  # what took the long way
        self.forget()

    def forget(self) -> None:
        """Have none."""
        self._bindings.clear()
        self._last = None
        self._close()

    def _close(self) -> None:
        self.entry: Callable[..., Any] | None = None
        self.layout: Layout | None = None
        self.steady: Steady | None = None
        self._present: Binding | None = None

    def values(self, args: Args, kwargs: Kwargs) -> Sequence[Any] | None:
        """Return the values in arguments that are nested as before; None of others."""
        if self.layout is not None:
            return self.layout.values(args, kwargs)
        return None if kwargs else args

    # Calls

    def other(self, args: Args, kwargs: Kwargs) -> Any:
        """Do a call that the present entry has not done by one, or return MISS.

        Either the state has new values, or the arguments have other shapes.
        """
        present = self._present
        if present is None:
            return MISS
        values = self.values(args, kwargs)
        if values is None:
            return MISS
        if present.adopt():
            result = several(present.entry, 1, values)
            if result is not NotImplemented:
                return result
        shapes = _shapes(values)
        for binding in [*self._bindings.values()]:
            if binding is present or binding.layout is not self.layout or binding.shapes != shapes:
                continue
            binding.adopt()
            result = several(binding.entry, 1, values)
            if result is not NotImplemented:
                self._go(binding)
                return result
        return MISS

    def run(self, args: Args, kwargs: Kwargs) -> Any:
        """Do a call by the bound step, or return MISS."""
        steady = self.steady
        values = None if steady is None else self.values(args, kwargs)
        return MISS if steady is None or values is None else steady.run(values)

    def repeated(self, most: int, args: Args, kwargs: Kwargs) -> tuple[int, Any] | None:
        """Let the entry run up to `most` steps, and return how many; None if it cannot."""
        present = self._present
        values = None if present is None else self.values(args, kwargs)
        if present is None or values is None or not present.version.hands_on:
            return None
        count = min(most, present.version.pace)
        count -= 1 - count % 2
        begin = time.perf_counter()
        result = several(present.entry, count, values)
        if result is NotImplemented:
            return None
        present.version.keep_pace(count, time.perf_counter() - begin)
        return count, result

    # Which there are

    def _go(self, binding: Binding) -> None:
        self.steady, self._present, self._last = None, binding, binding.version
        self.layout, self.entry = binding.layout, binding.entry

    def settle(
        self,
        version: Version,
        call: Call,
        given: tuple[Args, Kwargs],
        state: State,
        captured: Captured,
    ) -> None:
        """Go the short way from now on, if this version has come twice."""
        before, self._last = self._last, version
        self._close()
        self._bindings.pop(version, None)  # it would have done the call
        if version.bindings.due() and (before is version or len(self._bindings) < BOUND):
            self._bind(version, call, Layout(*given, call.names, call.static), state, captured)
            version.bindings.done()

    def _bind(
        self, version: Version, call: Call, layout: Layout, state: State, captured: Captured
    ) -> None:
        around, plain, slow = self._surroundings, layout.is_plain, self._long
        if not plain:
            slow = partial(_again, slow, call.build, call.keywords)
            known = [one.layout for one in self._bindings.values()]
            layout = next((one for one in known if one is not None and one == layout), layout)
        try:
            steady = Steady(version, call, state, around, captured)
        except Unsteady:
            version.bindings.end()
            return
        self.layout = None if plain else layout
        try:
            pair = entry_of(version, call, state, around, steady, self._turns.sign, slow)
        except Unsuited:
            self.steady = steady
            return
        shapes = _shapes([value for _, value in call.leaves])
        self._bindings[version] = Binding(version, *pair, self.layout, shapes)
        if len(self._bindings) > BOUND:
            del self._bindings[next(iter(self._bindings))]
        self._go(self._bindings[version])


def _shapes(values: Sequence[Any]) -> list[Any]:
    return [getattr(one, "shape", None) for one in values]


def _again(
    long: Callable[..., Any], build: Rebuild, keywords: tuple[str, ...], *values: Any
) -> Any:
    """Do a call whose arguments were taken out of their containers."""
    args = build(values)
    count = len(args) - len(keywords)
    return long(*args[:count], **dict(zip(keywords, args[count:], strict=True)))
