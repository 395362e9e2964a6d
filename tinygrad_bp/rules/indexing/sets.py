"""Sets of numbers and their distinct values: `numpy.unique`, `numpy.union1d` and their like.

Which elements NumPy keeps, and in which order, is said by their positions.  Of equal elements the
one that `numpy.unique` keeps, the first, takes the whole derivative.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_bp.engine.arrays import Array
from tinygrad_bp.engine.constructors import arrayed, composed, flat
from tinygrad_bp.engine.rule import call
from tinygrad_bp.engine.tensor import unwrap
from tinygrad_bp.rules.indexing.sorting import order_of

flat(*filter(None, (np.isin, getattr(np, "in1d", None))))  # in1d: until NumPy 2.4


def _arranged(a: Array, values: Array, *, equal_nan: bool) -> Array:
    """Return the elements of `a` that are the plain distinct `values`, in their order."""
    _, first = np.unique(unwrap(a), return_index=True, equal_nan=equal_nan)
    taken = np.ravel(a)[first]
    return taken[order_of(values, taken)]


@composed(np.unique, samples=(call((4,)), call((2, 3)), call((3, 2), axis=0), call((0,))))
def unique(ar: Any, *args: Any, **options: Any) -> Any:
    """`numpy.unique`: the values carry gradients, the rest is plain."""
    a = arrayed(ar)
    value = unwrap(a)
    found = np.unique(value, *args, **options)
    plain, *others = found if isinstance(found, tuple) else (found,)
    axis = args[3] if len(args) > 3 else options.get("axis")
    equal_nan = options.get("equal_nan", True)
    if axis is None:
        values = _arranged(a, plain, equal_nan=equal_nan)
    else:
        _, first = np.unique(value, return_index=True, axis=axis, equal_nan=equal_nan)
        values = np.take(a, first, axis=axis)
    return (values, *others) if others else values


def _named(function: Any) -> Any:
    """Return what `numpy.unique_all`, or another that answers with a named tuple, does."""

    def distinct(x: Array, /) -> Array:
        x = arrayed(x)
        found = function(unwrap(x))
        return found._replace(values=_arranged(x, found.values, equal_nan=False))

    return distinct


for _function in (np.unique_all, np.unique_counts, np.unique_inverse):
    composed(_function, samples=(call((4,)), call((2, 3)), call((0,))))(_named(_function))


@composed(  # complex values come in the order of their hashes
    np.unique_values, samples=(call((4,)), call((2, 3)), call((0,))), analytic=False
)
def unique_values(x: Array, /) -> Array:
    """`numpy.unique_values`."""
    x = arrayed(x)
    return _arranged(x, np.unique_values(unwrap(x)), equal_nan=False)


@composed(np.union1d, samples=(call((3,), (2,)), call((2, 2), ()), call((0,), (2,))))
def union1d(ar1: Any, ar2: Any) -> Any:
    """`numpy.union1d`."""
    return np.unique(np.concatenate([np.ravel(arrayed(ar1)), np.ravel(arrayed(ar2))]))


@composed(np.setdiff1d, samples=(call((3,), (2,)), call((2, 2), [9.0]), call((0,), (2,))))
def setdiff1d(ar1: Any, ar2: Any, assume_unique: bool = False) -> Any:
    """`numpy.setdiff1d`."""
    own, other = np.ravel(arrayed(ar1)), unwrap(arrayed(ar2))
    if not assume_unique:
        own, other = np.unique(own), np.unique(other)
    return own[np.isin(unwrap(own), other, assume_unique=True, invert=True)]


@composed(np.setxor1d, samples=(call((3,), (2,)), call((2, 2), [9.0]), call((0,), (2,))))
def setxor1d(ar1: Any, ar2: Any, assume_unique: bool = False) -> Any:
    """`numpy.setxor1d`: what is in one of the two alone."""
    one, other = np.ravel(arrayed(ar1)), np.ravel(arrayed(ar2))
    if not assume_unique:
        one, other = np.unique(one), np.unique(other)
    together = np.concatenate([one, other])
    plain = unwrap(together)
    order = np.argsort(plain, kind="stable")
    ordered = plain[order]
    differs = np.concatenate([[True], ordered[1:] != ordered[:-1], [True]])
    return together[order[differs[1:] & differs[:-1]]] if order.size else together
