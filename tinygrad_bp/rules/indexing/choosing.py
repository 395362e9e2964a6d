"""Choosing arrays and elements by conditions and numbers: select, choose, compress, extract."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tinygrad_bp.engine.arrays import Array
from tinygrad_bp.engine.constructors import arrayed, composed
from tinygrad_bp.engine.dispatch import refuse_out
from tinygrad_bp.engine.rule import call
from tinygrad_bp.engine.tensor import SCALARS, unwrap
from tinygrad_bp.errors import DTypeError, ShapeError
from tinygrad_bp.rules.indexing.indexing import rearranged

_CONDITIONS = [np.array([True, False, False]), np.array([[True], [True], [False]])]


@composed(
    np.select,
    samples=(
        call(_CONDITIONS, [(3,), (3, 3)]),
        call(_CONDITIONS, [(3, 1), ()], (1, 3)),
        call(_CONDITIONS[:1], [(3,)], 1.5),
        call([np.array([True])], [(0, 1)], ()),
    ),
)
def select(condlist: Sequence[Any], choicelist: Sequence[Any], default: Any = 0) -> Any:
    """`numpy.select`: the choice of the first condition that holds."""
    conditions = [np.asarray(unwrap(one)) for one in condlist]
    if len(conditions) != len(choicelist):
        raise ShapeError(
            f"select: {len(conditions)} conditions, {len(choicelist)} choices; each has one"
        )
    if not conditions:
        raise ShapeError("select: no condition is given")
    if any(one.dtype != bool for one in conditions):
        raise DTypeError("select: conditions are boolean arrays")
    chosen = default if type(default) in SCALARS else arrayed(default)
    for condition, choice in zip(conditions[::-1], list(choicelist)[::-1], strict=True):
        chosen = np.where(condition, choice if type(choice) in SCALARS else arrayed(choice), chosen)
    return chosen


@composed(
    np.choose,
    samples=(
        call([1, 0, 1], [(3,), (3,)]),
        call(np.array([[0], [2]]), [(3,), (2, 1), ()]),
        call([3, -1], [(2,), (2,)], mode="wrap"),
        call(1, [(2, 3), (3,)]),
        call(np.zeros((0, 2), int), [(2,), ()]),
    ),
)
def choose(a: Array, choices: Any, out: Array = None, mode: Any = "raise") -> Array:
    """`numpy.choose`: the numbers `a` say from which choice each element comes."""
    refuse_out("choose", out)
    numbers = unwrap(a)
    arrays = [arrayed(one) for one in choices]
    return rearranged(lambda *places: np.choose(numbers, places, mode=mode), *arrays)


@composed(
    np.compress,
    samples=(
        call([True, False, True], (3,)),
        call([False, True], (2, 3), axis=0),
        call([True], (2, 3), axis=-1),
        call([True, True, False, True], (2, 3)),
        call([True], (0, 3), axis=1),
    ),
)
def compress(condition: Any, a: Array, axis: int | None = None, out: Array = None) -> Array:
    """`numpy.compress`: the slices whose condition holds."""
    refuse_out("compress", out)
    condition = unwrap(condition)
    return rearranged(lambda places: np.compress(condition, places, axis), arrayed(a))


@composed(
    np.extract,
    samples=(
        call(np.array([[True, False], [True, True]]), (2, 2)),
        call([0, 1, 2], (3,)),
        call([], (0,)),
    ),
)
def extract(condition: Any, arr: Array) -> Array:
    """`numpy.extract`: the elements whose condition holds."""
    condition = unwrap(condition)
    return rearranged(lambda places: np.extract(condition, places), arrayed(arr))
