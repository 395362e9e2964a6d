"""Checks of values: made at once, or when a program that is being written has the values."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tinygrad_bp.engine.arrays import is_written_down
from tinygrad_bp.engine.tensor import SCALARS, Tensor


def guard(value: Any, check: Callable[[Any], None]) -> None:
    """Let `check` look at a value.

    Another library's array would have to be computed, and is not looked at.

    Parameters
    ----------
    value : array, Tensor or number
    check : callable
        Of an array; raises what is wrong with it.
    """
    if type(value) is Tensor:
        value = value._value
    if isinstance(value, (np.ndarray, np.generic, *SCALARS)):
        check(np.asarray(value))
    elif is_written_down(value):
        value.guard(check)
