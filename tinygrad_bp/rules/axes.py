"""What the reductions share: NumPy's signatures, the reduced axes, the calls for the tests."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tinygrad_bp.errors import UnsupportedFunctionError
from tinygrad_bp.rules.table import call
from tinygrad_bp.shapes import Axis, Shape, kept_shape, reduced_axes

AXES = (
    call((3, 4)),
    call((3, 4), axis=0),
    call((3, 4), axis=-1, keepdims=True),
    call((2, 3, 4), axis=(0, 2)),
    call((2, 3), keepdims=True),
    call((2, 3), axis=()),
    call((0, 3), axis=1),
    call(()),
)
EMPTY = (call((0, 3), axis=0), call((0,)))

Bound = tuple[tuple[Any, ...], tuple[Any, ...]]


def refuse(name: str, **arguments: Any) -> None:
    """Raise for the arguments of a reduction that are given (not None) and have no derivative rule.

    Raises
    ------
    UnsupportedFunctionError
        Naming them.
    """
    given = ", ".join(f"{one}=" for one, value in arguments.items() if value is not None)
    if given:
        raise UnsupportedFunctionError(
            f"{name}: {given} is not supported on Tensors; use .astype for dtype=, numpy.where"
            " for where=, and compose the rest"
        )


def binds(name: str) -> Callable[..., Bound]:
    """Return what binds NumPy's signature of a reduction; parameters are (axis, keepdims)."""

    def bind(
        a: Any,
        axis: Axis = None,
        dtype: Any = None,
        out: Any = None,
        keepdims: bool = False,
        *more: Any,
        **other: Any,
    ) -> Bound:
        if dtype is not None or out is not None or more or other:
            positional = dict(zip(("initial", "where"), more, strict=False))
            refuse(name, dtype=dtype, out=out, **positional, **other)
        return (a,), (tuple(axis) if type(axis) is list else axis, bool(keepdims))

    return bind


def binds_extremum(name: str) -> Callable[..., Bound]:
    """Return what binds the signature of `numpy.max`, which has no dtype."""
    bind = binds(name)
    return lambda a, axis=None, out=None, keepdims=False, *more, **other: bind(
        a, axis, None, out, keepdims, *more, **other
    )


def binds_spread(name: str) -> Callable[..., Bound]:
    """Return what binds the signature of `numpy.var`; parameters are (axis, keepdims, ddof)."""
    bind = binds(name)

    def bind_with_ddof(
        a: Any,
        axis: Axis = None,
        dtype: Any = None,
        out: Any = None,
        ddof: float = 0,
        keepdims: bool = False,
        **other: Any,
    ) -> Bound:
        arguments, params = bind(a, axis, dtype, out, keepdims, **other)
        return arguments, (*params, ddof)

    return bind_with_ddof


def count(shape: Shape, axis: Axis) -> int:
    """Return how many elements a reduction over `axis` makes one."""
    n = 1
    for i in reduced_axes(axis, len(shape)):
        n *= shape[i]
    return n


def widened(ct: Any, shape: Shape, axis: Axis, keepdims: bool) -> Any:
    """Return the result's `ct` with the reduced axes back at length 1, to broadcast to `shape`."""
    return ct if keepdims or axis is None else np.reshape(ct, kept_shape(shape, axis))
