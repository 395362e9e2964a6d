"""The arrays that a step is bound to: of its arguments, its state, and what it returns."""

from __future__ import annotations

from collections.abc import Callable
from operator import itemgetter
from typing import Any
from weakref import ref

import numpy as np

from tinygrad_bp.compiling.state import Place
from tinygrad_bp.engine.tensor import Tensor, wrap

LARGE = 1 << 22  # bytes from which an array is not copied into one that stays
MANY = 10_000  # arrays of labels that are remembered


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


def maker_of(place: Place, array: Any) -> Callable[[Any], Any] | None:
    """Return what makes of an array what stands in a place; None if that is the array."""
    if place.kind == "grad":
        return wrap if array.ndim else (lambda one: wrap(one[()]))
    return None if array.ndim else itemgetter(())


def own(array: Any) -> Any:
    """Return an array whose memory nobody else has."""
    whole = array.base is None and array.flags.c_contiguous and array.flags.writeable
    return array if whole and array.ndim else np.array(array, order="C")


def giver_of(kind: tuple[str, Any], array: Any, literal: Any) -> Callable[[], Any]:
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
