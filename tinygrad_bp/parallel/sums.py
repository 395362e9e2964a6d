"""A sum of nested values over rows, in one buffer: what one rank sends to another."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from typing import Any, Self

import numpy as np

from tinygrad_bp.engine.containers import flatten
from tinygrad_bp.engine.tensor import Tensor
from tinygrad_bp.errors import DTypeError

HEAD = 8  # bytes before the numbers, for whoever sends them: what they are of


class Form:
    """Where the arrays of a nested value lie in a buffer: those of one dtype side by side.

    Parameters
    ----------
    value : array, number, Tensor, or nested dict, list or tuple of these

    Raises
    ------
    DTypeError
        If something in it is no number.
    """

    def __init__(self, value: Any) -> None:
        leaves, self.rebuild = flatten(value)
        arrays = [_array(leaf) for leaf in leaves]
        self.shapes = [one.shape for one in arrays]
        self.dtypes = [one.dtype for one in arrays]
        wide = [_wide(dtype) for dtype in self.dtypes]
        self.segments: list[tuple[int, int, np.dtype[Any]]] = []  # bytes from, to, and what of
        self.places: list[tuple[int, int, int]] = [(0, 0, 0)] * len(arrays)  # segment, from, to
        start = HEAD
        for number, dtype in enumerate(sorted({*wide}, key=lambda one: -one.itemsize)):
            length = 0
            for i, array in enumerate(arrays):
                if wide[i] == dtype:
                    self.places[i] = number, length, length + array.size
                    length += array.size
            self.segments.append((start, start + length * dtype.itemsize, dtype))
            start += length * dtype.itemsize
        self.size = start
        self.key = zlib.crc32(repr((self.shapes, self.dtypes)).encode())


class Sums:
    """A value times a number of rows, and the sum with others of its form.

    Parameters
    ----------
    form : Form
    buffer : array of uint8, optional
        Zeros, if not given.

    Attributes
    ----------
    parts : list of array
        What the buffer holds, an array for each dtype.
    """

    def __init__(self, form: Form, buffer: Any = None) -> None:
        self.form = form
        self.buffer = np.zeros(form.size, np.uint8) if buffer is None else buffer
        self.parts = [self.buffer[start:end].view(dtype) for start, end, dtype in form.segments]

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.form, self.buffer)

    @classmethod
    def of(cls, value: Any, rows: int) -> Self:
        """Return a value, the mean of so many rows, as their sum.

        Parameters
        ----------
        value : nested value
        rows : int

        Returns
        -------
        Sums
        """
        sums = cls(Form(value))
        leaves = flatten(value)[0]
        for leaf, (part, start, end) in zip(leaves, sums.form.places, strict=True):
            sums.parts[part][start:end] = _array(leaf).ravel()
        for one in sums.parts:
            one *= rows
        return sums

    def add(self, other: Sums) -> Self:
        """Add another to this one.

        Parameters
        ----------
        other : Sums

        Returns
        -------
        Sums
            This one.
        """
        for mine, theirs in zip(self.parts, other.parts, strict=True):
            mine += theirs
        return self

    def mean(self, rows: int) -> Any:
        """Return the mean over so many rows, nested as the values were.

        Parameters
        ----------
        rows : int

        Returns
        -------
        nested value
            Of arrays in the dtypes that there were; a mean of integers is a float64.
        """
        parts = [one / one.dtype.type(rows) for one in self.parts]
        form = self.form
        arrays: Sequence[Any] = [
            parts[part][start:end].reshape(shape).astype(_out(dtype), copy=False)[()]
            for (part, start, end), shape, dtype in zip(
                form.places, form.shapes, form.dtypes, strict=True
            )
        ]
        return form.rebuild(arrays)


def _array(leaf: Any) -> Any:
    array = np.asarray(leaf.detach().numpy() if isinstance(leaf, Tensor) else leaf)
    if array.dtype.kind not in "biufc":
        raise DTypeError(
            f"mean: {leaf!r:.60} is no number; expected arrays and numbers, in dicts, lists, tuples"
        )
    return array


def _out(dtype: np.dtype[Any]) -> np.dtype[Any]:
    return dtype if dtype.kind in "fc" else np.dtype(np.float64)


def _wide(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """Return the dtype that sums are made in: half precision has too few digits."""
    return np.result_type(_out(dtype), np.float32)
