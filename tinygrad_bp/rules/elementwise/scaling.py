"""``x * scale + shift`` as one record: the end of every norm, and half of its time if composed."""

from __future__ import annotations

from typing import Any

from numpy import add, multiply, ndarray

from tinygrad_bp.engine.arrays import Array
from tinygrad_bp.engine.constructors import elementwise
from tinygrad_bp.engine.memory import LARGE, empty


def _fits(narrow: int, wide: int) -> bool:
    return narrow in (1, wide)


def scaled(x: Array, scale: Any, shift: Any) -> Array:
    """Compute ``x * scale + shift`` of each element.

    Parameters
    ----------
    x, scale, shift : array or Tensor
        Of shapes that broadcast.

    Returns
    -------
    array or Tensor
    """
    plain = type(x) is type(scale) is type(shift) is ndarray and x.size >= LARGE
    if not (plain and x.dtype is scale.dtype is shift.dtype and scale.shape == shift.shape):
        return x * scale + shift
    if scale.ndim > x.ndim or not all(map(_fits, scale.shape[::-1], x.shape[::-1])):
        return x * scale + shift
    out = multiply(x, scale, empty(x.shape, x.dtype))
    return add(out, shift, out)


scaled = elementwise(
    scaled,
    lambda ct, _out, _x, scale, _shift: ct * scale,
    lambda ct, _out, x, _scale, _shift: ct * x,
    lambda ct, _out, _x, _scale, _shift: ct,
    composition=lambda x, scale, shift: x * scale + shift,
    words="multiplies and adds",
    formula="{0} ⊙ {1} + {2}",
)
