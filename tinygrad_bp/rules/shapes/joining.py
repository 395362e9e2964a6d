"""Joining and splitting arrays: concatenate has a rule, all else is composed of it and indexing."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate, pairwise
from typing import Any

import numpy as np

from tinygrad_bp.engine.arrays import Array, Cotangent
from tinygrad_bp.engine.constructors import arrayed, composed, variadic
from tinygrad_bp.engine.dispatch import refuse_out
from tinygrad_bp.engine.rule import Pulls, call
from tinygrad_bp.engine.shapes import normalize_axes
from tinygrad_bp.errors import DTypeError, ShapeError


def _bind(
    arrays: Any,
    axis: int | None = 0,
    out: Array = None,
    *,
    dtype: Any = None,
    casting: Any = "same_kind",
) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
    refuse_out("concatenate", out)
    operands = tuple(map(arrayed, arrays))
    if dtype is not None or casting != "same_kind":
        operands = _cast(operands, np.result_type(*operands) if dtype is None else dtype, casting)
    if axis is None:
        operands, axis = tuple(np.ravel(x) for x in operands), 0
    if any(not x.ndim for x in operands):
        raise ShapeError("concatenate: 0-d arrays cannot be joined; numpy.stack makes an axis")
    (axis,) = normalize_axes(axis, operands[0].ndim, "concatenate")
    ends = tuple(accumulate((x.shape[axis] for x in operands if x.ndim > axis), initial=0))
    return operands, (axis, ends)


def _cast(operands: tuple[Any, ...], dtype: Any, casting: Any) -> tuple[Any, ...]:
    wanted = np.dtype(dtype)
    for x in operands:
        if not np.can_cast(x.dtype, wanted, casting):
            raise DTypeError(f"concatenate: {x.dtype} is not cast to {wanted} by {casting!r}")
    return tuple(x if x.dtype == wanted else x.astype(wanted) for x in operands)


def _part(i: int, ct: Cotangent, saved: tuple[Any, ...]) -> Array:
    axis, ends = saved[-2:]
    return ct[(slice(None),) * axis + (slice(ends[i], ends[i + 1]),)]


def _keeps_nothing(count: int, _tracked: int) -> tuple[bool, ...]:
    return (False,) * (1 + count)


def _rule(arity: int) -> dict[str, Any]:
    shapes: dict[int, tuple[Any, ...]] = {
        1: (call([(2, 3)]), call([(0,)])),
        2: (
            call([(2, 3), (1, 3)]),
            call([(2, 3), (2, 0)], axis=1),
            call([(2,), (2, 2)], axis=None),
        ),
        3: (
            call([(2, 1), (2, 2), (2, 3)], axis=-1),
            call([(0, 1), (0, 2), (0, 0)], axis=1),
        ),
    }
    return {
        "forward": lambda *operands: np.concatenate(operands[:arity], operands[arity]),
        "pulls": Pulls(_part, _keeps_nothing, arity),
        "kind": "linear",
        "words": "joins arrays along an axis",
        "samples": shapes.get(arity, ()),
    }


concatenate = variadic(np.concatenate, "concatenate", _bind, _rule)


@composed(np.stack)
def stack(arrays: Any, axis: int = 0, out: Array = None, **casts: Any) -> Array:
    """`numpy.stack`."""
    refuse_out("stack", out)
    operands = [arrayed(x) for x in arrays]
    if len({x.shape for x in operands}) != 1:
        raise ShapeError(
            f"stack: expected arrays of one shape, got {', '.join(str(x.shape) for x in operands)}"
        )
    (axis,) = normalize_axes(axis, operands[0].ndim + 1, "stack")
    return np.concatenate([np.expand_dims(x, axis) for x in operands], axis=axis, **casts)


def _column(x: Array) -> Array:
    x = arrayed(x)
    return x if x.ndim > 1 else np.reshape(x, (-1, 1))


@composed(np.vstack)
def vstack(tup: Any, **casts: Any) -> Any:
    """`numpy.vstack`."""
    return np.concatenate([np.atleast_2d(x) for x in tup], axis=0, **casts)


@composed(np.hstack)
def hstack(tup: Any, **casts: Any) -> Any:
    """`numpy.hstack`."""
    operands = [np.atleast_1d(x) for x in tup]
    return np.concatenate(operands, axis=0 if operands[0].ndim == 1 else 1, **casts)


@composed(np.dstack)
def dstack(tup: Any) -> Any:
    """`numpy.dstack`."""
    return np.concatenate([np.atleast_3d(x) for x in tup], axis=2)


@composed(np.column_stack)
def column_stack(tup: Any) -> Any:
    """`numpy.column_stack`."""
    return np.concatenate([_column(x) for x in tup], axis=1)


def _ends(name: str, ary: Array, parts: Any, axis: int) -> tuple[int, list[int]]:
    """Return the axis, and where each part of it begins and the last one ends."""
    (axis,) = normalize_axes(axis, ary.ndim, name)
    length = ary.shape[axis]
    if isinstance(parts, Sequence) or np.ndim(parts):
        return axis, [0, *(int(i) for i in parts), length]
    parts = int(parts)
    if parts <= 0:
        raise ShapeError(f"{name}: {parts} parts of shape {ary.shape}; give a positive number")
    each, more = divmod(length, parts)
    sizes = [each + 1] * more + [each] * (parts - more)
    return axis, list(accumulate(sizes, initial=0))


def _parts(ary: Array, axis: int, ends: list[int]) -> list[Any]:
    lead = (slice(None),) * axis
    return [ary[(*lead, slice(start, end))] for start, end in pairwise(ends)]


@composed(np.array_split)
def array_split(ary: Array, indices_or_sections: Any, axis: int = 0) -> list[Any]:
    """`numpy.array_split`."""
    return _parts(ary, *_ends("array_split", ary, indices_or_sections, axis))


@composed(np.split)
def split(ary: Array, indices_or_sections: Any, axis: int = 0) -> list[Any]:
    """`numpy.split`: equal parts, or parts that begin at the given indices."""
    axis, ends = _ends("split", ary, indices_or_sections, axis)
    if np.ndim(indices_or_sections) == 0 and ary.shape[axis] % int(indices_or_sections):
        raise ShapeError(
            f"split: axis {axis} of shape {ary.shape} has no {indices_or_sections} equal parts;"
            " use numpy.array_split"
        )
    return _parts(ary, axis, ends)


@composed(np.vsplit)
def vsplit(ary: Array, indices_or_sections: Any) -> Array:
    """`numpy.vsplit`: split by rows."""
    return split(_at_least(ary, 2, "vsplit"), indices_or_sections, 0)


@composed(np.hsplit)
def hsplit(ary: Array, indices_or_sections: Any) -> Array:
    """`numpy.hsplit`: split by columns; a vector by its elements."""
    return split(_at_least(ary, 1, "hsplit"), indices_or_sections, min(ary.ndim - 1, 1))


@composed(np.dsplit)
def dsplit(ary: Array, indices_or_sections: Any) -> Array:
    """`numpy.dsplit`: split along the third axis."""
    return split(_at_least(ary, 3, "dsplit"), indices_or_sections, 2)


def _at_least(ary: Array, ndim: int, name: str) -> Array:
    if ary.ndim < ndim:
        raise ShapeError(f"{name}: shape {ary.shape} has {ary.ndim} dimensions, {ndim} are needed")
    return ary


@composed(np.append)
def append(arr: Array, values: Array, axis: int | None = None) -> Array:
    """`numpy.append`."""
    return np.concatenate([arr, values], axis=axis)
