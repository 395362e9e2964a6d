"""Distinct values: `numpy.unique` and its like.

Of equal elements the first is kept and takes the whole derivative.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_bp.rules.sorting import order_of
from tinygrad_bp.rules.table import arrayed, call, composed
from tinygrad_bp.tensor import unwrap


def _arranged(a: Any, values: Any, *, equal_nan: bool) -> Any:
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

    def distinct(x: Any, /) -> Any:
        x = arrayed(x)
        found = function(unwrap(x))
        return found._replace(values=_arranged(x, found.values, equal_nan=False))

    return distinct


for _function in (np.unique_all, np.unique_counts, np.unique_inverse):
    composed(_function, samples=(call((4,)), call((2, 3)), call((0,))))(_named(_function))


@composed(  # complex values come in the order of their hashes
    np.unique_values, samples=(call((4,)), call((2, 3)), call((0,))), analytic=False
)
def unique_values(x: Any, /) -> Any:
    """`numpy.unique_values`."""
    x = arrayed(x)
    return _arranged(x, np.unique_values(unwrap(x)), equal_nan=False)
