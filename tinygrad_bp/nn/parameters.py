"""How layers make their parameters: checked sizes, drawn arrays, names for drawings."""

from __future__ import annotations

import operator
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from tinygrad_bp.engine.arrays import Array
from tinygrad_bp.engine.tensor import Tensor, tensor
from tinygrad_bp.nn.initializers import Initializer, initializer

Seed = int | np.random.Generator | None


def size(layer: str, argument: str, value: int) -> int:
    """Return `value` if it is a size of an axis.

    Raises
    ------
    ValueError
        If it is no integer, or below 1.
    """
    try:
        number = operator.index(value)
    except TypeError:
        number = 0
    if isinstance(value, bool) or number < 1:
        raise ValueError(f"{layer}: {argument}={value!r}; expected an integer, 1 or more")
    return number


def share(layer: str, argument: str, value: float) -> float:
    """Return `value` as a float if it is a share of something that leaves some of it.

    Raises
    ------
    ValueError
        If it is not in [0, 1).
    """
    if isinstance(value, bool) or not (isinstance(value, Real) and 0.0 <= value < 1.0):
        raise ValueError(f"{layer}: {argument}={value!r}; expected a number from 0 to below 1")
    return float(value)


def drawn(layer: str, init: str | Initializer, rng: Any, n_in: int, n_out: int) -> Any:
    """Return the (n_in, n_out) array that an initialiser draws.

    Raises
    ------
    ValueError
        If it has another shape.
    """
    weights = initializer(init)(np.random.default_rng(rng), n_in, n_out)
    if np.shape(weights) != (n_in, n_out):
        raise ValueError(
            f"{layer}: init={init!r} gave shape {np.shape(weights)}, expected {(n_in, n_out)}"
        )
    return weights


def parameter(value: Array, letter: str, name: str | None, dtype: DTypeLike) -> Tensor:
    """Return a leaf that is called ``name.letter``, or its letter where the layer has no name."""
    label = f"{name}.{letter}" if name else letter
    return tensor(value, dtype=dtype, requires_grad=True, name=label)


def within(name: str | None, part: str) -> str | None:
    """Return the name of a part of a layer: none where the layer has none."""
    return f"{name}.{part}" if name else None
