"""Sets of numbers: which elements NumPy keeps, and in which order, is said by their positions.

Of equal elements the one that `numpy.unique` keeps takes the whole derivative.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_bp.rules.table import arrayed, call, composed, flat
from tinygrad_bp.tensor import unwrap

flat(*filter(None, (np.isin, getattr(np, "in1d", None))))  # in1d: until NumPy 2.4


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
