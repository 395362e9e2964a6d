"""What a function reads that is no argument and no state: watched for a change.

That are the variables around it, around the functions that it calls, and around the methods of its
modules; the attributes of the objects among them that any of these names; and what is in lists,
tuples and dicts, however deep.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from tinygrad_bp.compiling.captured import Captured
from tinygrad_bp.compiling.reached import Reached, Variable
from tinygrad_bp.compiling.state import State
from tinygrad_bp.engine.tensor import Tensor

PLAIN = (bool, int, str, bytes, type(None))


class Surroundings:
    """What is around a function.

    Parameters
    ----------
    f : callable

    Attributes
    ----------
    variables : list of Variable
    """

    def __init__(self, f: Callable[..., Any]) -> None:
        self._roots: list[Any] = [f]
        self._inside: set[int] = set()
        self._reached = Reached([])  # until it is traced
        self._held: list[Any] = []
        self._contents: list[Any] = []
        self._tensors: list[Tensor] = []
        self._values: list[Any] = []
        self._arrays = Captured((), ())

    @property
    def variables(self) -> list[Variable]:
        """The variables that were found."""
        return self._reached.variables

    def remember(self, state: State, given: Sequence[Any] = ()) -> None:
        """Take everything as it is now for what a program was made with.

        Parameters
        ----------
        state : State
            Its attributes are looked at elsewhere; here it is what its methods read.
        given : sequence
            Functions among the arguments.
        """
        known = {id(one) for one in self._roots}
        self._roots += [one for one in given if id(one) not in known]
        self._inside = {id(one) for one in state.tensors}
        watched = {id(container) for container, _ in state.watched}
        self._reached = found = Reached([*self._roots, *state.objects], watched)
        self._held = [one.read() for one in found.variables]
        self._contents = [_contents(one) for one in found.containers]
        self._tensors = [one for one in found.tensors if id(one) not in self._inside]
        self._values = [one._value for one in self._tensors]
        self._arrays = Captured(found.arrays, found.arrays)

    def changed(self) -> str | None:
        """Return the name of what is not what it was, if something is."""
        for one, before in zip(self.variables, self._held, strict=True):
            if not _same(one.read(), before):
                return f"the variable {one.name}"
        for container, before in zip(self._reached.containers, self._contents, strict=True):
            now = _contents(container)
            if len(now) != len(before) or not all(map(_same, now, before)):
                return f"a {type(container).__name__} that the function reads"
        for tensor, value in zip(self._tensors, self._values, strict=True):
            if tensor._value is not value:
                return f"the variable {tensor.name or 'of a Tensor'}"
        return self._arrays.changed()

    def values(self) -> list[Any]:
        """Return the values of the variables as they are now."""
        return [one.read() for one in self.variables]

    def containers(self) -> list[Any]:
        """Return the lists and dicts of which the elements count."""
        return self._reached.containers

    def tensors(self) -> list[Tensor]:
        """Return the Tensors."""
        return self._reached.tensors

    def arrays(self) -> Captured:
        """Return the arrays, and what was in them."""
        return self._arrays

    @contextmanager
    def exchanged(self, exchange: Callable[[Any], Any]) -> Iterator[None]:
        """Within it, variables have what `exchange` gives for their values, where that is some."""
        before = []
        try:
            for one in self.variables:
                value = one.read()
                new = exchange(value)
                if new is not None:
                    before.append((one, value))
                    one.write(new)
            yield
        finally:
            for one, value in before:
                one.write(value)


def _contents(container: Any) -> list[Any]:
    """Return the elements of a container, with the keys of a dict."""
    return [*container, *container.values()] if isinstance(container, dict) else list(container)


def _same(now: Any, before: Any) -> bool:
    """Whether a value is the one before, or no program can tell it from that."""
    if now is before:
        return True
    kind = type(now)
    if kind is not type(before):
        return False
    if kind in PLAIN:
        return bool(now == before)
    if kind in (float, complex):  # -0 and 0 are two, and NaN is one
        return _bits(now) == _bits(before)
    if isinstance(now, np.generic):
        return bool(now.dtype == before.dtype and now.tobytes() == before.tobytes())
    return False


def _bits(number: complex) -> bytes:
    return struct.pack("dd", number.real, number.imag)
