"""Arrays as plain data: elements, statistics, shapes and the names of dtypes."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np

from tinygrad_bp.engine.tensor import is_foreign
from tinygrad_bp.view.picture.records import Numbers, Statistics

NUMERIC = "biufc"  # kinds of dtypes; a rule of a user's own may pass on other things
PLAIN = {"f": "float64", "c": "complex128"}
ELEMENTS = 4096  # of one value; a larger one is told by its statistics alone


def numbers(value: Any) -> Numbers | None:
    """Return the elements of an array, None if it is unknown, no numbers, or more than 4096."""
    array = None if value is None or is_foreign(value) else np.asarray(value)
    if array is None or array.size > ELEMENTS or array.dtype.kind not in NUMERIC:
        return None
    if array.dtype.itemsize > np.dtype(PLAIN.get(array.dtype.kind, array.dtype)).itemsize:
        array = array.astype(PLAIN[array.dtype.kind])  # a longdouble is no number of Python
    return tuple(array.ravel().tolist())


def statistics(value: Any) -> Statistics | None:
    """Return what `Statistics` tells of an array; None if it is unknown or has no elements."""
    array = None if value is None or is_foreign(value) else np.asarray(value)
    if array is None or array.size < 2 or array.dtype.kind not in NUMERIC:
        return None
    array = np.abs(array) if array.dtype.kind == "c" else array.astype(float)
    finite = array[np.isfinite(array)]
    if not finite.size:
        return Statistics(0.0, 0.0, 0.0, 0.0, array.size)
    with np.errstate(over="ignore"):
        return Statistics(
            float(finite.min()), float(finite.max()), float(finite.mean()), float(finite.std()),
            int(array.size - finite.size),
        )  # fmt: skip


def lengths(shape: Sequence[Any]) -> tuple[int, ...]:
    """Return a shape in plain integers; -1 for a length that Dask has not computed yet."""
    return tuple(int(n) if n == n else -1 for n in shape)


@cache
def dtype_text(dtype: Any) -> str:
    """Return the name of a dtype; NumPy takes longer to spell it than all else of a node."""
    return str(dtype)
