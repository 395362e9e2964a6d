"""Ties: elements that equal a value picked by its rank share its cotangent evenly."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from tinygrad_bp.engine.arrays import Array
from tinygrad_bp.engine.constructors import general, linear
from tinygrad_bp.engine.rule import call
from tinygrad_bp.engine.tensor import is_foreign, unwrap


class Groups(NamedTuple):
    """Equal elements in the rows of an array.

    Attributes
    ----------
    order : (size,) array of int
        Flat positions, those of a row together and sorted by their values.
    starts, lengths : arrays of int
        Where in that order each group begins, and how many elements it has.
    """

    order: Any
    starts: Any
    lengths: Any


PAIR = Groups(np.array([4, 1, 0, 2, 3]), np.array([0, 1, 3]), np.array([1, 2, 2]))
NONE = Groups(*[np.zeros(0, int)] * 3)
APART = Groups(np.arange(5), np.arange(5), np.ones(5, int))


def averaged(x: Array, groups: Any) -> Array:
    """Return `x` with each element replaced by the mean of its group: its own transpose."""
    order, starts, lengths = groups
    if not x.size:
        return x
    exact = np.result_type(x.dtype, np.float32)  # many halves do not fit into float16
    ordered = np.ravel(x)[order]
    if is_foreign(x):  # few libraries have reduceat
        ends = starts + lengths
        sums = np.stack([np.sum(ordered[i:j]) for i, j in zip(starts, ends, strict=True)])
    else:
        sums = np.add.reduceat(ordered, starts, dtype=exact)
    means = sums / lengths
    back = np.empty(x.size, int)
    back[order] = np.arange(x.size)
    return np.reshape(np.repeat(means, lengths)[back].astype(x.dtype), x.shape)


averaged = linear(
    averaged,
    lambda ct, _out, _x, groups: averaged(ct, groups),
    bind=lambda x, groups: ((x,), (tuple(groups),)),
    samples=(call((5,), PAIR), call((5,), APART), call((1, 5), PAIR), call((0,), NONE)),
)


def evenly(x: Array, groups: Any) -> Array:  # noqa: ARG001  # which only the derivative reads
    """Return `x`, whose equal elements, in these groups, move and are pulled as their mean does."""
    return x


evenly = general(
    evenly,
    lambda ct, _out, _x, groups: averaged(ct, groups),
    push=lambda tangents, _out, _x, groups: averaged(tangents[0], groups),
    bind=lambda x, groups: ((x,), (tuple(groups),)),
    # nothing else has a slope to compare with
    samples=(call((5,), APART), call((1, 5), APART), call((0,), NONE)),
    analytic=False,
)


def sharing(x: Array, order: Any, axis: int = -1) -> Array:
    """Return `x` so that what is picked out of it is shared by what equals it.

    `order` sorts `x` along `axis`.  Another library's array would have to be computed to be
    compared: there each value keeps its place in that order.
    """
    value = unwrap(x)
    if is_foreign(value):
        return x
    ordered = np.moveaxis(np.take_along_axis(value, order, axis), axis, -1)
    first = np.ones(ordered.shape, bool)
    first[..., 1:] = ordered[..., 1:] != ordered[..., :-1]
    if first.all():
        return x
    places = np.take_along_axis(np.arange(x.size).reshape(x.shape), order, axis)
    starts = np.flatnonzero(first)
    lengths = np.diff(starts, append=x.size)
    return evenly(x, Groups(np.moveaxis(places, axis, -1).ravel(), starts, lengths))
