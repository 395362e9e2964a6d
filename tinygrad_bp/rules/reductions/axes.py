"""What the reductions share: NumPy's signatures, the reduced axes, the calls for the tests."""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from operator import index
from typing import Any

import numpy as np

from tinygrad_bp.engine.arrays import Array, Cotangent
from tinygrad_bp.engine.constructors import arrayed
from tinygrad_bp.engine.dispatch import refuse_out
from tinygrad_bp.engine.recording import PLAIN, unary
from tinygrad_bp.engine.rule import Recorder, call
from tinygrad_bp.engine.shapes import Axis, Shape, kept_shape, normalize_axes, reduced_axes
from tinygrad_bp.engine.tensor import unwrap
from tinygrad_bp.errors import ShapeError, TrackedTensorError, UnsupportedFunctionError

AXES = (
    call((3, 4)),
    call((3, 4), axis=0),
    call((4,), axis=-1),
    call((3, 4), axis=-1, keepdims=True),
    call((2, 3, 4), axis=(0, 2)),
    call((2, 3), keepdims=True),
    call((2, 3), axis=()),
    call((0, 3), axis=1),
    call(()),
)
EMPTY = (call((0, 3), axis=0), call((0,)))


# Each of these makes the recorder of a reduction, with NumPy's signature.  A call that gives an
# axis and keepdims is a record; `whole` composes what else NumPy knows (where=, initial=, mean=).


def records_sum(whole: Recorder) -> Callable[[Any], Recorder]:
    """Return what records a rule of the parameters (axis, keepdims) as `numpy.sum`."""

    def make(rule: Any) -> Recorder:
        recorder = unary(rule)

        def record(
            a: Array,
            axis: Axis = None,
            dtype: Any = None,
            out: Array = None,
            keepdims: bool = False,
            initial: Any = None,
            where: Any = True,
        ) -> Array:
            if type(axis) not in PLAIN:
                axis = _fixed(axis)
            if dtype is None and out is None and initial is None and where is True:
                return recorder(a, axis, bool(keepdims))
            refuse_out(rule.name, out)
            if is_discrete(dtype):
                return plainly(
                    rule.function, a, axis, dtype, keepdims=keepdims, initial=initial, where=where
                )
            if dtype is not None:
                a = a.astype(dtype)
            return whole(rule.function, a, axis, bool(keepdims), initial, where)

        return record

    return make


def records_extremum(whole: Recorder) -> Callable[[Any], Recorder]:
    """Return what records a rule of the parameters (axis, keepdims) as `numpy.max`."""

    def make(rule: Any) -> Recorder:
        recorder = unary(rule)

        def record(
            a: Array,
            axis: Axis = None,
            out: Array = None,
            keepdims: bool = False,
            initial: Any = None,
            where: Any = True,
        ) -> Array:
            if type(axis) not in PLAIN:
                axis = _fixed(axis)
            if out is None and initial is None and where is True:
                return recorder(a, axis, bool(keepdims))
            refuse_out(rule.name, out)
            return whole(rule.function, a, axis, bool(keepdims), initial, where)

        return record

    return make


def records_mean(whole: Recorder) -> Callable[[Any], Recorder]:
    """Return what records a rule of the parameters (axis, keepdims) as `numpy.mean`."""

    def make(rule: Any) -> Recorder:
        recorder = unary(rule)

        def record(
            a: Array,
            axis: Axis = None,
            dtype: Any = None,
            out: Array = None,
            keepdims: bool = False,
            *,
            where: Any = True,
        ) -> Array:
            if type(axis) not in PLAIN:
                axis = _fixed(axis)
            if dtype is None and out is None and where is True:
                return recorder(a, axis, bool(keepdims))
            refuse_out(rule.name, out)
            if is_discrete(dtype):
                return plainly(rule.function, a, axis, dtype, keepdims=keepdims, where=where)
            if dtype is not None:
                a = a.astype(dtype)
            return whole(a, where, axis, bool(keepdims))

        return record

    return make


def records_spread(whole: Recorder) -> Callable[[Any], Recorder]:
    """Return what records a rule of the parameters (axis, keepdims, ddof) as `numpy.var`."""

    def make(rule: Any) -> Recorder:
        recorder = unary(rule)

        def record(
            a: Array,
            axis: Axis = None,
            dtype: Any = None,
            out: Array = None,
            ddof: float = 0,
            keepdims: bool = False,
            *,
            where: Any = True,
            mean: Any = None,
            correction: float | None = None,
        ) -> Array:
            if type(axis) not in PLAIN:
                axis = _fixed(axis)
            if correction is not None or type(ddof) not in PLAIN:
                ddof = freedom_lost(rule.name, ddof, correction)
            if dtype is None and out is None and where is True and mean is None:
                return recorder(a, axis, bool(keepdims), ddof)
            refuse_out(rule.name, out)
            if is_discrete(dtype):
                options = {"ddof": ddof, "keepdims": keepdims, "where": where, "mean": mean}
                return plainly(rule.function, a, axis, dtype, **options)
            return whole(a, where, axis, bool(keepdims), dtype, ddof, mean)

        return record

    return make


def over_axes(x: Array, axis: Axis = None, keepdims: bool = False) -> Any:
    """Bind a call of a function of our own that reduces."""
    return (x,), (tuple(axis) if type(axis) is list else axis, bool(keepdims))


def is_discrete(dtype: Any) -> bool:
    """Whether a result of this dtype has no derivative."""
    return dtype is not None and np.dtype(dtype).kind not in "fc"


def plainly(function: Recorder, *args: Any, **options: Any) -> Any:
    """Return what NumPy makes of the plain values, where its answer has no derivative."""
    given = {key: unwrap(value) for key, value in options.items() if value is not None}
    return function(*map(unwrap, args), **given)


def freedom_lost(name: str, ddof: Any, correction: Any) -> Any:
    """Return the ``ddof`` of a variance, which may be given as ``correction``."""
    refuse_tracked(name, ddof=ddof, correction=correction)
    if correction is None:
        return unwrap(ddof)
    if ddof:
        raise ValueError(f"{name}: ddof and correction are the same; give one")
    return unwrap(correction)


def _fixed(axis: Any) -> Axis:
    """Return `axis` as an int or a tuple of them, which nobody can change."""
    return tuple(map(index, axis)) if isinstance(axis, (tuple, list)) else index(axis)


def count(shape: Shape, axis: Axis) -> int:
    """Return how many elements a reduction over `axis` makes one."""
    return prod(shape[i] for i in reduced_axes(axis, len(shape)))


def widened(ct: Cotangent, shape: Shape, axis: Axis, keepdims: bool) -> Array:
    """Return the result's `ct` with the reduced axes back at length 1, to broadcast to `shape`."""
    return ct if keepdims or axis is None else np.reshape(ct, kept_shape(shape, axis))


def refuse(name: str, **arguments: Any) -> None:
    """Raise for the arguments that are given (not None) and have no derivative rule.

    Raises
    ------
    UnsupportedFunctionError
        Naming them.
    """
    given = ", ".join(f"{one}=" for one, value in arguments.items() if value is not None)
    if given:
        raise UnsupportedFunctionError(
            f"{name}: {given} is not supported on Tensors; compose it, or pass .detach()"
        )


def refuse_tracked(name: str, **arguments: Any) -> None:
    """Raise for the arguments that are tracked, or hold what is, where there is no derivative.

    Raises
    ------
    TrackedTensorError
        Naming them.
    """
    for one, value in arguments.items():
        if _is_tracked(value):
            raise TrackedTensorError(f"{name}: {one} has no derivative; pass its .detach()")


def _is_tracked(value: Array) -> bool:
    if isinstance(value, (tuple, list)):
        return any(map(_is_tracked, value))
    return bool(getattr(value, "requires_grad", False))


def weights_over(weights: Any, a: Array, axis: Axis) -> Array:
    """Return the weights of a mean over `axis` of `a` so that they broadcast with `a`."""
    weights = arrayed(weights)
    if weights.shape == a.shape:
        return weights
    if axis is None:
        raise TypeError(
            f"weights of shape {weights.shape} for an array of shape {a.shape}: name the axis"
        )
    axes = normalize_axes(axis, a.ndim, "weights")
    if weights.shape != tuple(a.shape[i] for i in axes):
        raise ShapeError(
            f"weights of shape {weights.shape} do not fit axes {axes} of shape {a.shape}"
        )
    ordered = np.transpose(weights, np.argsort(axes).tolist())
    return np.reshape(ordered, tuple(n if i in axes else 1 for i, n in enumerate(a.shape)))
