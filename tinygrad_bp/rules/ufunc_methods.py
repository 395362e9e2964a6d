"""The methods of ufuncs on Tensors: reduce, accumulate, reduceat, outer and at, of any ufunc.

A method is made of calls of the ufunc itself, so that whatever binary ufunc has a rule has these
too.  Where there is a row for the same thing (a sum is ``numpy.add.reduce``) that is taken.
NumPy's own method runs first on the plain values: its errors are NumPy's then.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from math import prod
from typing import Any

import numpy as np

from tinygrad_bp.engine.arrays import Array
from tinygrad_bp.engine.constructors import arrayed
from tinygrad_bp.engine.dispatch import UFUNC_METHODS, UFUNCS, refuse_out
from tinygrad_bp.engine.rule import FLAT
from tinygrad_bp.engine.shapes import Axis, Shape, normalize_axes, reduced_axes
from tinygrad_bp.engine.tensor import Tensor, unwrap
from tinygrad_bp.errors import DTypeError, TrackedTensorError, UnsupportedFunctionError
from tinygrad_bp.rules.indexing.indexing import canonical, scatter, setitem
from tinygrad_bp.rules.reductions.log_sums import LOG_SUMS, log_sum, logsumexp, running_log_sum
from tinygrad_bp.rules.reductions.nan import nanmax, nanmin

REDUCTIONS: dict[Any, Callable[..., Any]] = {
    np.add: np.sum,
    np.multiply: np.prod,
    np.maximum: np.max,
    np.minimum: np.min,
    np.logaddexp: logsumexp,
    np.fmax: nanmax,
    np.fmin: nanmin,
}
WHOLE = {np.add, np.multiply, np.maximum, np.minimum}  # these reductions know where= and initial=
ACCUMULATIONS: dict[Any, Callable[..., Any]] = {np.add: np.cumsum, np.multiply: np.cumprod}
# What may be accumulated in any grouping: by pairs, pairs of pairs, and so on.
ASSOCIATIVE = {np.maximum, np.minimum, np.fmax, np.fmin, np.logaddexp, np.logaddexp2, np.hypot}


def ufunc_method(method: Callable[..., Any]) -> Callable[..., Any]:
    """Decorate what a ufunc's method of the same name does on Tensors."""
    name = method.__name__

    def record(ufunc: Any, *args: Any, **kwargs: Any) -> Any:
        if ufunc in FLAT and name != "at":
            if any(type(one) is Tensor for one in kwargs.get("out", ())):
                refuse_out(f"{ufunc.__name__}.{name}", out=True)
            plain = {key: unwrap(value) for key, value in kwargs.items()}
            return getattr(ufunc, name)(*map(unwrap, args), **plain)
        if name != "at" and (ufunc.nin != 2 or ufunc.signature):
            _numpys(getattr(ufunc, name), *args, **kwargs)  # raises: it has no such method
        if ufunc not in UFUNCS or ufunc.nout != 1:
            raise UnsupportedFunctionError(
                f"numpy.{ufunc.__name__}.{name} has no derivative rule; compose it from functions"
                " that have one, or pass .detach() where no gradient is wanted"
            )
        return method(ufunc, *args, **kwargs)

    UFUNC_METHODS[name] = record
    return method


def _numpys(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Return what NumPy makes of the plain values; the recorded calls do the warning."""
    with np.errstate(all="ignore"):
        return function(*map(unwrap, args), **{key: unwrap(one) for key, one in kwargs.items()})


@ufunc_method
def reduce(
    ufunc: Any,
    array: Array,
    axis: Axis = 0,
    dtype: Any = None,
    out: Array = None,
    keepdims: bool = False,
    initial: Any = None,
    where: Any = True,
) -> Array:
    """``ufunc.reduce``: by its row, or else one element after another."""
    refuse_out(f"{ufunc.__name__}.reduce", out)
    array = arrayed(array)
    options = {"axis": axis, "dtype": dtype, "keepdims": keepdims, "where": where}
    given = options if initial is None else options | {"initial": initial}
    if ufunc is np.logaddexp and dtype is None and array.dtype.kind in "bui":
        dtype = _numpys(ufunc.reduce, array, **given).dtype
    if ufunc in REDUCTIONS and where is True and initial is None:
        array = array if dtype is None else array.astype(dtype)
        return REDUCTIONS[ufunc](array, axis=axis, keepdims=keepdims)
    if ufunc in WHOLE:
        array = array if dtype is None else array.astype(dtype)
        return REDUCTIONS[ufunc](array, axis=axis, keepdims=keepdims, initial=initial, where=where)
    value = _numpys(ufunc.reduce, array, **given)
    axes = reduced_axes(axis, array.ndim)
    fold = _folded
    if ufunc in LOG_SUMS and value.dtype.kind == "f" and value.size and np.all(np.isfinite(value)):
        fold = _logarithms_added
    reduced = fold(ufunc, array.astype(value.dtype), axes, initial, where)
    return np.reshape(reduced, value.shape)


def _folded(ufunc: Any, array: Array, axes: Shape, initial: Any, where: Any) -> Array:
    """Return the elements along `axes` put together from first to last."""
    rows = _rows(array, axes)
    chosen = _rows(np.broadcast_to(unwrap(where), array.shape), axes)
    if initial is None and where is True and len(rows) and ufunc.identity is None:
        total, rows, chosen = rows[0], rows[1:], chosen[1:]
    else:  # sums of nothing have the shape and the dtype, and pass no gradient
        start = ufunc.identity if initial is None else arrayed(initial).astype(array.dtype)
        total = np.sum(rows[:0], axis=0) + start
    for row, choice in zip(rows, chosen, strict=True):
        step = ufunc(total, row)
        total = step if choice.all() else np.where(choice, step, total)
    return total


def _logarithms_added(ufunc: Any, array: Array, axes: Shape, initial: Any, where: Any) -> Array:
    """Return the same of logarithms, whose intermediate sums would be rounded as large numbers."""
    rows = _rows(array, axes)
    if where is not True:
        chosen = np.broadcast_to(unwrap(where), array.shape)
        rows = np.where(_rows(chosen, axes), rows, -np.inf)
    if initial is not None:
        start = arrayed(initial).astype(array.dtype)
        rows = np.concatenate([rows, np.broadcast_to(start, (1, *rows.shape[1:]))])
    return log_sum(ufunc, rows)


def _rows(array: Array, axes: Shape) -> Array:
    """Return `array` with `axes` put together as the first."""
    rest = tuple(i for i in range(array.ndim) if i not in axes)
    shape = tuple(array.shape[i] for i in rest)
    count = prod(array.shape[i] for i in axes)
    return np.reshape(np.transpose(array, (*axes, *rest)), (count, *shape))


@ufunc_method
def accumulate(
    ufunc: Any, array: Array, axis: int = 0, dtype: Any = None, out: Array = None
) -> Array:
    """``ufunc.accumulate``: by its row, by doubling, or else one element after another."""
    refuse_out(f"{ufunc.__name__}.accumulate", out)
    array = arrayed(array)
    value = _numpys(ufunc.accumulate, array, axis, dtype)
    array = array.astype(value.dtype)
    if ufunc in ACCUMULATIONS:
        return ACCUMULATIONS[ufunc](array, axis=axis)
    if not array.size:
        return array
    (axis,) = normalize_axes(axis, array.ndim, f"{ufunc.__name__}.accumulate")
    rows = np.moveaxis(array, axis, 0)
    scan = _doubled if ufunc in ASSOCIATIVE else _scanned
    if ufunc in LOG_SUMS and array.dtype.kind == "f" and np.all(np.isfinite(unwrap(array))):
        scan = running_log_sum
    return np.moveaxis(scan(ufunc, rows), 0, axis)


def _scanned(ufunc: Any, rows: Any) -> Any:
    totals = [rows[0]]
    for row in rows[1:]:
        totals.append(ufunc(totals[-1], row))
    return np.stack(totals)


def _doubled(ufunc: Any, rows: Any) -> Any:
    """Return the running results, in log2(n) steps.

    Hillis & Steele 1986, "Data parallel algorithms".
    """
    step = 1
    while step < len(rows):  # each holds the result of the last `step` rows up to its own
        rows = np.concatenate([rows[:step], ufunc(rows[:-step], rows[step:])])
        step *= 2
    return rows


@ufunc_method
def reduceat(
    ufunc: Any, array: Array, indices: Any, axis: int = 0, dtype: Any = None, out: Array = None
) -> Array:
    """``ufunc.reduceat``: the reduction of each slice ``indices[i]:indices[i + 1]``.

    Where that is empty it is the element at ``indices[i]``.
    """
    refuse_out(f"{ufunc.__name__}.reduceat", out)
    array = arrayed(array)
    value = _numpys(ufunc.reduceat, array, indices, axis, dtype)
    array = array.astype(value.dtype)
    if not value.size:
        return np.sum(array) * 0 + value
    (axis,) = normalize_axes(axis, array.ndim, f"{ufunc.__name__}.reduceat")
    starts = np.asarray(unwrap(indices)).tolist()
    lead = (slice(None),) * axis
    ends = [max(end, start + 1) for start, end in pairwise([*starts, array.shape[axis]])]
    if ufunc is np.add:  # one gather and one scatter for all slices
        index = np.concatenate([np.arange(*one) for one in zip(starts, ends, strict=True)])
        segment = np.repeat(np.arange(len(starts)), np.subtract(ends, starts))
        return scatter(array[(*lead, index)], value.shape, (*lead, segment))
    slices = [array[(*lead, slice(*one))] for one in zip(starts, ends, strict=True)]
    parts = [
        one if one.shape[axis] == 1 else ufunc.reduce(one, axis=axis, keepdims=True)
        for one in slices
    ]
    return np.concatenate(parts, axis)


@ufunc_method
def outer(ufunc: Any, a: Array, b: Array, **options: Any) -> Array:
    """``ufunc.outer``: the ufunc of each element of `a` with each of `b`."""
    a, b = arrayed(a), arrayed(b)
    return ufunc(np.reshape(a, (*a.shape, *(1,) * b.ndim)), b, **options)


@ufunc_method
def at(ufunc: Any, array: Array, indices: Any, *values: Array) -> None:
    """``add.at`` and ``subtract.at``: `array`, a Tensor, is bound to a new value.

    An element that the indices name twice gets both values; what was computed before keeps the old.
    """
    if type(array) is not Tensor:
        if any(getattr(value, "requires_grad", False) for value in values):
            raise TrackedTensorError(
                f"numpy.{ufunc.__name__}.at: a plain array cannot hold values that track gradients;"
                " make it a Tensor first, tg.tensor(array)"
            )
        ufunc.at(array, unwrap(indices), *map(unwrap, values))
        return
    if ufunc not in {np.add, np.subtract}:
        raise UnsupportedFunctionError(
            f"numpy.{ufunc.__name__}.at is not supported on Tensors; write x[i] ="
            f" numpy.{ufunc.__name__}(x[i], v) where i names no element twice"
        )
    (value,) = map(arrayed, values)
    index = canonical(indices)
    if not np.can_cast(np.result_type(array.dtype, value.dtype), array.dtype, "same_kind"):
        raise DTypeError(
            f"numpy.{ufunc.__name__}.at: {value.dtype} is not cast to {array.dtype}; use .astype"
        )
    wide = np.broadcast_to(value, unwrap(array)[index].shape)
    setitem(array, ..., ufunc(array, scatter(wide, array.shape, index)))
