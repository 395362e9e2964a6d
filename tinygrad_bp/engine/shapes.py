"""Pure arithmetic on shapes and axes; knows neither arrays nor Tensors."""

from __future__ import annotations

from collections.abc import Sequence
from operator import index

from tinygrad_bp.errors import ShapeError

Shape = tuple[int, ...]
Axis = int | Sequence[int] | None


def normalize_axes(axis: Axis, ndim: int, name: str = "axis") -> Shape:
    """Return `axis` as a tuple of distinct non-negative ints; None means every axis.

    Raises
    ------
    ShapeError
        If an axis is out of range for `ndim` dimensions or occurs twice.
    """
    if axis is None:
        return tuple(range(ndim))
    wanted = (axis,) if not isinstance(axis, Sequence) else tuple(axis)
    found = []
    for one in wanted:
        try:
            position = index(one)
        except TypeError:
            raise ShapeError(f"{name}: axis {one!r}; expected an integer") from None
        if not -ndim <= position < ndim:
            raise ShapeError(
                f"{name}: {position} is out of range for an array of {ndim} dimensions"
            )
        found.append(position % ndim)
    if len(set(found)) != len(found):
        raise ShapeError(f"{name}: {axis} names one axis twice")
    return tuple(found)


def reduced_axes(axis: Axis, ndim: int) -> Shape:
    """Return the axes that a reduction over `axis` removes; of a 0-d array there are none.

    NumPy takes axis 0 and -1 of a 0-d array, as if it were a sum of one element.
    """
    return normalize_axes(axis, ndim) if ndim else ()


def kept_shape(shape: Shape, axis: Axis) -> Shape:
    """Return the shape that a reduction over `axis` with ``keepdims=True`` gives."""
    axes = reduced_axes(axis, len(shape))
    return tuple(1 if i in axes else n for i, n in enumerate(shape))


def broadcast_axes(shape: Shape, wide: Shape) -> tuple[int, Shape]:
    """Return (number of leading axes, axes of size 1) that broadcasting `shape` to `wide` added.

    The second part counts axes after the leading ones are gone, so it indexes `shape`.
    """
    lead = len(wide) - len(shape)
    stretched = tuple(
        i for i, (n, m) in enumerate(zip(shape, wide[lead:], strict=True)) if n == 1 and m != 1
    )
    return lead, stretched


def inverse_permutation(axes: Sequence[int]) -> Shape:
    """Return the permutation that undoes `axes`."""
    inverse = [0] * len(axes)
    for position, axis in enumerate(axes):
        inverse[axis % len(axes)] = position
    return tuple(inverse)
