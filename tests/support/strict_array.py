"""An array that is no `numpy.ndarray`: what the engine may ask of the arrays inside its Tensors.

`StrictArray` has what a duck array must have and nothing more, so that a rule which leans on
anything else fails on it:

- the two protocols, ``__array_ufunc__`` with the methods ``__call__``, ``reduce`` and ``at`` and
  without ``out=``, and ``__array_function__``, also for ``numpy.zeros(..., like=x)`` and its kin;
- Python's operators, of which ``x += y`` makes a new array; ``x[index]``, ``x[index] = value``;
- ``shape``, ``ndim``, ``size``, ``dtype``, ``T``, ``astype(dtype)``.

It refuses what would take a value out of it unasked: ``__array__``, ``bool``, ``float``, iteration.
A reduction to one number is a 0-d array of this kind, as in Dask and CuPy.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

METHODS = ("__call__", "reduce", "at")


class StrictArray:
    """Holds a NumPy array and shows nothing of it but what the head of this module lists."""

    __slots__ = ("_hidden",)

    def __init__(self, value: Any) -> None:
        assert not isinstance(value, StrictArray)
        self._hidden = np.asarray(value)

    @property
    def shape(self) -> tuple[int, ...]:
        return self._hidden.shape

    @property
    def ndim(self) -> int:
        return self._hidden.ndim

    @property
    def size(self) -> int:
        return self._hidden.size

    @property
    def dtype(self) -> np.dtype[Any]:
        return self._hidden.dtype

    @property
    def T(self) -> StrictArray:  # noqa: N802  # NumPy's name
        return type(self)(self._hidden.T)

    def astype(self, dtype: Any) -> StrictArray:
        return type(self)(self._hidden.astype(dtype))

    def __getitem__(self, index: Any) -> StrictArray:
        return type(self)(self._hidden[inside(index)])

    def __setitem__(self, index: Any, value: Any) -> None:
        self._hidden[inside(index)] = inside(value)

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        if not all(map(known, map(type, inputs))) or method not in METHODS or "out" in kwargs:
            return NotImplemented
        return self._like(getattr(ufunc, method)(*inside(inputs), **inside(kwargs)))

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        if not all(map(known, types)):
            return NotImplemented
        return self._like(function(*inside(args), **inside(kwargs)))

    def _like(self, value: Any) -> Any:
        """Return an array of this kind for each of NumPy's; named tuples stay what they are."""
        if isinstance(value, (np.ndarray, np.generic)):
            return type(self)(value)
        if isinstance(value, (list, tuple)):
            parts = list(map(self._like, value))
            return type(value)(*parts) if hasattr(value, "_fields") else type(value)(parts)
        return value

    def __array__(self, *_: Any, **__: Any) -> Any:
        raise AssertionError("a StrictArray was turned into a NumPy array")

    def __bool__(self) -> bool:
        raise AssertionError("the truth of a StrictArray was asked for")

    def __float__(self) -> float:
        raise AssertionError("a StrictArray was turned into a number")

    def __iter__(self) -> Any:
        raise AssertionError("a StrictArray was iterated over")

    def __len__(self) -> int:
        raise AssertionError("the length of a StrictArray was asked for: it has a shape")

    def __repr__(self) -> str:
        return f"StrictArray({self._hidden!r})"


OPERATORS = {
    name: operator for name, operator in vars(NDArrayOperatorsMixin).items() if callable(operator)
}
for name, operator in OPERATORS.items():
    if not (name.startswith("__i") and f"__{name[3:]}" in OPERATORS):
        setattr(StrictArray, name, operator)


def known(kind: type) -> bool:
    """Whether values of this type may stand beside a StrictArray: so a Tensor's answer is heard."""
    return issubclass(kind, (StrictArray, np.ndarray, np.generic, float, int, complex, list, tuple))


def inside(value: Any) -> Any:
    """Return the NumPy array in a StrictArray; containers element by element."""
    if isinstance(value, StrictArray):
        return value._hidden
    if isinstance(value, dict):
        return {key: inside(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return list(map(inside, value)) if type(value) is list else tuple(map(inside, value))
    return value
