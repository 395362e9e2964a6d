"""`numpy.pad`: every mode, axis after axis as NumPy does it, of the functions that have rules."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from tinygrad_bp.engine.arrays import Array
from tinygrad_bp.engine.constructors import arrayed, composed
from tinygrad_bp.engine.rule import call
from tinygrad_bp.engine.shapes import normalize_axes
from tinygrad_bp.engine.tensor import Tensor, tensor, unwrap
from tinygrad_bp.errors import DTypeError, UnsupportedFunctionError
from tinygrad_bp.rules.indexing.indexing import rearranged, slab

# Modes whose padding consists of elements of the array.
MOVED = ("edge", "reflect", "symmetric", "wrap")
# Modes whose padding is a statistic of the elements next to it.
STATISTICS: dict[str, Callable[..., Any]] = {
    "maximum": np.max,
    "mean": np.mean,
    "median": np.median,
    "minimum": np.min,
}


@composed(
    np.pad,
    samples=(
        call((3,), 2),
        call((2, 3), 1, mode="edge"),
        call((4,), 6, mode="reflect"),
        call((2, 3), 2, mode="symmetric"),
        call((3,), 4, mode="wrap"),
        call((4,), 5, mode="reflect", reflect_type="odd"),
        call((2, 3), 1, mode="linear_ramp"),
        call((2, 3), 1, mode="mean"),
        call((2, 4), 2, mode="maximum", stat_length=2),
        call((2, 3), 0),
        call((0, 2), 1),
    ),
)
def pad(array: Array, pad_width: Any, mode: Any = "constant", **options: Any) -> Array:
    """`numpy.pad`; the values of "constant" and "linear_ramp" may be tracked."""
    array = arrayed(array)
    if callable(mode):
        raise UnsupportedFunctionError(
            "pad: a function as mode= changes arrays in place; concatenate what it makes instead"
        )
    pad_width = unwrap(pad_width)
    # NumPy finds what is wrong with the arguments
    np.pad(np.broadcast_to(np.int8(), array.shape), pad_width, mode, **_shapes_only(options))
    if array.dtype.kind not in "fc":
        if any(isinstance(one, Tensor) and one.requires_grad for one in options.values()):
            raise DTypeError(
                f"pad: an array of {array.dtype} cannot hold values that track gradients; use"
                " .astype(float)"
            )
        plain = {name: unwrap(one) for name, one in options.items()}
        return tensor(np.pad(unwrap(array), pad_width, mode, **plain))
    pairs = _pairs(pad_width, array.ndim, int)
    if mode in MOVED and options.get("reflect_type") != "odd":
        return rearranged(lambda places: np.pad(places, pad_width, mode, **options), array)
    if mode == "empty":
        mode = "constant"  # what stands there is nobody's
    padded = array
    for axis, (before, after) in enumerate(pairs):
        padded = _padded(padded, axis, before, after, mode, options)
    return np.copy(array) if padded is array else padded


def _shapes_only(options: dict[str, Any]) -> dict[str, Any]:
    """Return the options of a call that only checks: a tracked value is none of its business."""
    return {k: 0 if k in ("constant_values", "end_values") else v for k, v in options.items()}


def _pairs(given: Any, ndim: int, kind: Callable[[Any], Any]) -> list[tuple[Any, Any]]:
    """Return (before, after) for each axis from one of the forms that NumPy takes."""
    if isinstance(given, Mapping):
        pairs = [(0, 0)] * ndim
        for axis, width in given.items():
            (place,) = normalize_axes(axis, ndim, "pad")
            pairs[place] = tuple(width) if np.ndim(width) else (width, width)
        return pairs
    both = np.broadcast_to(given, (ndim, 2))
    return [(kind(both[i, 0]), kind(both[i, 1])) for i in range(ndim)]


def _padded(
    x: Array, axis: int, before: int, after: int, mode: str, options: dict[str, Any]
) -> Array:
    if not before and not after:
        return x
    if mode in MOVED:
        return _mirrored(x, axis, before, after, symmetric=mode == "symmetric")
    left: Any
    right: Any
    if mode == "constant" or mode == "linear_ramp":
        name = "constant_values" if mode == "constant" else "end_values"
        values = arrayed(options.get(name, 0))
        left, right = _pairs(values, x.ndim, lambda one: one)[axis]
        if mode == "linear_ramp":
            left = _ramp(left, slab(x, axis, 0, 1), axis, before)
            right = np.flip(_ramp(right, slab(x, axis, -1, None), axis, after), axis)
    else:
        length = options.get("stat_length")
        left, right = (None, None) if length is None else _pairs(length, x.ndim, int)[axis]
        statistic, n = STATISTICS[mode], x.shape[axis]
        left = statistic(slab(x, axis, 0, left), axis=axis, keepdims=True)
        start = 0 if right is None or right >= n else n - right
        right = statistic(slab(x, axis, start, None), axis=axis, keepdims=True)
    return np.concatenate([_filled(left, x, axis, before), x, _filled(right, x, axis, after)], axis)


def _filled(value: Array, x: Array, axis: int, width: int) -> Array:
    """Return `value`, in the dtype of `x`, as a slab of `width` to be set beside it."""
    value = arrayed(value)
    if value.dtype != x.dtype:
        value = value.astype(x.dtype)
    return np.broadcast_to(value, (*x.shape[:axis], width, *x.shape[axis + 1 :]))


def _ramp(end: Any, edge: Any, axis: int, width: int) -> Any:
    """Return `width` steps from `end` towards `edge`, which comes after the last of them."""
    steps = np.arange(width).astype(edge.dtype)
    weights = np.reshape(steps / max(width, 1), [-1 if i == axis else 1 for i in range(edge.ndim)])
    return end + (edge - end) * weights


def _mirrored(x: Array, axis: int, before: int, after: int, *, symmetric: bool) -> Array:
    """Pad by mirror images that are turned upside down about the edge, as often as it takes."""
    period = x.shape[axis] - (not symmetric)
    skipped = 0 if symmetric else 1
    if not period:  # of a single element there is no slope
        edges = [_filled(x, x, axis, width) for width in (before, after)]
        return np.concatenate([edges[0], x, edges[1]], axis)
    while before or after:
        n = x.shape[axis]
        left, right = min(before, period), min(after, period)
        image = np.flip(slab(x, axis, skipped, skipped + left), axis)
        head = 2 * slab(x, axis, 0, 1) - image
        image = np.flip(slab(x, axis, n - skipped - right, n - skipped), axis)
        tail = 2 * slab(x, axis, n - 1, n) - image
        x = np.concatenate([head, x, tail], axis)
        before, after = before - left, after - right
    return x
