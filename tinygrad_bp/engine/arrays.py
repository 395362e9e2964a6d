"""Arrays: what annotations call them, what is asked of each, and which are of a program."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np

FLOAT64 = np.dtype(np.float64)  # what most are of, as NumPy has it: one object, to be told by `is`

# An ndarray, a NumPy scalar, a Tensor, or an array of another library: rules are written for all of
# them, and no type says so.
Array: TypeAlias = Any
# The same, of the shape of the result of a rule: the derivative of what is differentiated by it.
Cotangent: TypeAlias = Any


def is_written_down(value: Any) -> bool:
    """Whether `value` is an array of a program that is being written: its type says so.

    Such an array may be written into, as NumPy's may, and has no values to look at.
    """
    return getattr(type(value), "written_down", False)
