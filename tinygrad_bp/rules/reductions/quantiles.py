"""Median, percentiles and quantiles, also those that pass NaN over.

A quantile lies between two neighbours in the sorted data, and NumPy alone decides where: its own
function, called on the positions 0, 1, ... in place of the data, says so for each of its methods.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from tinygrad_bp.engine.arrays import Array
from tinygrad_bp.engine.constructors import arrayed, composed
from tinygrad_bp.engine.dispatch import refuse_out
from tinygrad_bp.engine.rule import call
from tinygrad_bp.engine.shapes import Axis, kept_shape, reduced_axes
from tinygrad_bp.engine.tensor import Tensor, unwrap
from tinygrad_bp.rules.indexing.sorting import stable_order
from tinygrad_bp.rules.indexing.ties import sharing
from tinygrad_bp.rules.reductions.axes import count, weights_over
from tinygrad_bp.rules.unread import may_hold, must_hold

# The methods that choose an element; the others interpolate.
DISCRETE = {"inverted_cdf", "closest_observation", "lower", "higher", "nearest"}
# The methods whose position moves with q: by the number of elements, plus this, for each unit of q
# (Hyndman & Fan 1996, "Sample quantiles in statistical packages", section 2).
MOVING = {
    "interpolated_inverted_cdf": 0.0,
    "hazen": 0.0,
    "weibull": 1.0,
    "linear": -1.0,
    "median_unbiased": 1 / 3,
    "normal_unbiased": 1 / 4,
}


@dataclass(frozen=True)
class _Sorted:
    """The data of a quantile.

    Attributes
    ----------
    rows : (..., n) array or Tensor
        The data, what is reduced as the last axis.
    order : (..., n) array of int
        What sorts each row.
    counts : (..., 1) array of int
        How many elements of each row count; they come first in its order.
    lost : (..., 1) array of bool
        The rows whose quantiles are NaN.
    """

    rows: Any
    order: Any
    counts: Any
    lost: Any

    def taken(self, places: Any) -> Any:
        """Return the elements of each row at these places of its order."""
        return np.take_along_axis(self.rows, np.take_along_axis(self.order, places, -1), -1)

    def between(self, positions: Any, method: str, precision: Any) -> Any:
        """Return what lies at fractional `positions`, of this dtype, of each row."""
        low = np.floor(positions).astype(np.intp)
        below = self.taken(low)
        if method in DISCRETE:
            return below
        part = (positions - low).astype(precision)
        above = self.taken(np.minimum(low + 1, np.maximum(self.counts - 1, 0)))
        step = above - below
        # from the nearer end: exact at both
        return np.where(part >= 0.5, above - step * (1 - part), below + step * part)

    def slope(self, positions: Any, method: str) -> Any:
        """Return the derivative in q: the step between neighbours, times how the position moves.

        At an element it is the step to the next one, at the last the step to it.
        """
        last = np.maximum(self.counts - 1, 0)
        low = np.clip(np.floor(positions), 0, np.maximum(last - 1, 0)).astype(np.intp)
        step = self.taken(np.minimum(low + 1, last)) - self.taken(low)
        # at the ends all methods but this one have stopped
        moves = (positions > 0) & (positions < last) | (method == "linear")
        return step * np.where(moves, self.counts + MOVING[method], 0)

    def with_nan(self, values: Array, *, skips_nan: bool) -> Array:
        """Return `values`, NaN for the lost rows.

        A NaN that was not skipped gets a gradient of NaN, as in a maximum.
        """
        if not may_hold(self.lost):
            return values
        nan = np.nan if skips_nan else np.max(self.rows, axis=-1, keepdims=True)
        return np.where(self.lost, nan, values)


def _sorted(a: Array, axis: Axis, *, skips_nan: bool) -> _Sorted:
    axes = reduced_axes(axis, a.ndim)
    rest = tuple(i for i in range(a.ndim) if i not in axes)
    n = count(a.shape, axis)
    rows = np.reshape(np.transpose(a, (*rest, *axes)), (*(a.shape[i] for i in rest), n))
    counts = n - np.sum(np.isnan(unwrap(rows)), axis=-1, keepdims=True)
    lost = counts == 0 if skips_nan else counts < n
    order = stable_order(rows)
    counts = counts if skips_nan else np.full(counts.shape, n, counts.dtype)
    return _Sorted(sharing(rows, order), order, counts, lost)


def _precision(q: Array, data: Any) -> Array:
    """Return the dtype of positions: a Python number as q, or one of floats, widens no others."""
    if type(q) in (int, float):
        return data if data.kind == "f" else np.float64
    kind = getattr(q, "dtype", None)
    return kind if kind is not None and kind.kind == "f" else np.float64


def _positions(numpys: Any, data: _Sorted, q: Array, method: str) -> Array:
    """Return where, in the order of each row, NumPy finds each of the quantiles `q`."""
    positions = np.zeros((*data.rows.shape[:-1], np.size(q)))
    for n in np.unique(data.counts):
        if n:
            here = np.ravel(numpys(np.arange(float(n)), q, method=method))
            positions = np.where(data.counts == n, here, positions)
    return positions


def _weighted_positions(numpys: Any, data: _Sorted, q: Array, weights: Any) -> Array:
    """Return the same of weighted elements."""
    n = data.rows.shape[-1]
    weights = np.take_along_axis(weights, data.order, -1)
    weights = np.where(data.lost | (np.arange(n) < data.counts), weights, 0)
    weights = np.where(data.lost, 1, weights)
    places = np.broadcast_to(np.arange(float(n)), weights.shape)
    found = numpys(places, q, axis=-1, weights=weights, method="inverted_cdf")
    return np.moveaxis(np.reshape(found, (np.size(q), *weights.shape[:-1])), 0, -1)


def _quantile(numpys: Any, unit: float, *, skips_nan: bool = False) -> Any:
    """Return what a function of the family of `numpy.quantile` does on Tensors.

    `unit` is what q is for all of the data.
    """

    def quantile(
        a: Array,
        q: Array,
        axis: Axis = None,
        out: Array = None,
        overwrite_input: bool = False,  # noqa: ARG001  # a Tensor's value is never overwritten
        method: str = "linear",
        keepdims: bool = False,
        *,
        weights: Any = None,
    ) -> Array:
        refuse_out(numpys.__name__, out)
        a, plain_q, weights = arrayed(a), unwrap(q), unwrap(weights)
        data = _sorted(a, axis, skips_nan=skips_nan)
        value = None
        if not a.size or a.dtype.kind == "c" or weights is not None or must_hold(data.lost):
            value = numpys(  # for its errors and warnings, and what dtype it gives a NaN
                unwrap(a), plain_q, axis, method=method, keepdims=keepdims, weights=weights
            )
            if not a.size:
                return np.sum(a) * 0 + value
        if weights is None:
            positions = _positions(numpys, data, plain_q, method)
        else:
            wide = np.broadcast_to(weights_over(weights, a, axis), a.shape)
            rows = _sorted(wide, axis, skips_nan=False).rows
            positions = _weighted_positions(numpys, data, plain_q, rows)
        values = data.between(positions, method, _precision(q, a.dtype))
        if isinstance(q, Tensor) and q.requires_grad and method in MOVING:
            # 0, with a derivative
            moved = data.slope(positions, method) * (np.ravel(q) - np.ravel(plain_q)) / unit
            values = values + moved.astype(values.dtype)
        values = data.with_nan(values, skips_nan=skips_nan)
        if value is not None and value.dtype != values.dtype:
            values = values.astype(value.dtype)
        rest = kept_shape(a.shape, axis) if keepdims else values.shape[:-1]
        return np.reshape(np.moveaxis(values, -1, 0), (*np.shape(plain_q), *rest))

    return quantile


QUANTILES = (
    call((5,), 0.3),
    call((3, 4), q=[0.1, 0.6], axis=1),
    call((2, 3, 4), 0.7, axis=(0, 2), keepdims=True),
    call((5,), 0.35, method="hazen"),
    call((5, 2), 0.35, axis=0, method="higher"),
    call((5,), q=[[0.2, 0.9]], method="median_unbiased"),
    call((3, 2), 0.4, axis=0, weights=np.arange(1.0, 7.0).reshape(3, 2), method="inverted_cdf"),
    call((1,), 0.5),
)
PERCENTILES = (
    call((5,), 30),
    call((3, 4), q=[10.0, 60.0], axis=1),
    call((4,), 33, method="weibull"),
)

LOOPS: dict[str, Any] = {"analytic": False, "by_value": "loops over how many numbers a row has"}
composed(np.quantile, samples=QUANTILES, analytic=False)(_quantile(np.quantile, 1))
composed(np.percentile, samples=PERCENTILES, analytic=False)(_quantile(np.percentile, 100))
composed(np.nanquantile, samples=QUANTILES, **LOOPS)(_quantile(np.nanquantile, 1, skips_nan=True))
composed(np.nanpercentile, samples=PERCENTILES, **LOOPS)(
    _quantile(np.nanpercentile, 100, skips_nan=True)
)


def _median(numpys: Any, *, skips_nan: bool = False) -> Any:
    """Return what `numpy.median`, or `numpy.nanmedian`, does on Tensors."""

    def median(
        a: Array,
        axis: Axis = None,
        out: Array = None,
        overwrite_input: bool = False,  # noqa: ARG001  # a Tensor's value is never overwritten
        keepdims: bool = False,
    ) -> Array:
        refuse_out(numpys.__name__, out)
        a = arrayed(a)
        data = _sorted(a, axis, skips_nan=skips_nan)
        if not a.size or (skips_nan and must_hold(data.lost)):
            value = numpys(unwrap(a), axis, keepdims=keepdims)  # for its warnings
            if not a.size:
                return np.sum(a) * 0 + value
        upper = data.counts // 2
        lower = np.maximum(data.counts - 1, 0) // 2
        same = not may_hold(lower != upper)
        middle = data.taken(upper if same else np.concatenate([lower, upper], axis=-1))
        values = data.with_nan(np.mean(middle, axis=-1, keepdims=True), skips_nan=skips_nan)
        return np.reshape(values, kept_shape(a.shape, axis) if keepdims else values.shape[:-1])

    return median


MEDIANS = (
    call((5,)),
    call((3, 4), axis=1),
    call((3, 4), axis=0, keepdims=True),
    call((2, 3, 4), axis=(0, 2)),
    call((2, 3)),
    call(()),
)
composed(np.median, samples=MEDIANS, analytic=False)(_median(np.median))
composed(np.nanmedian, samples=MEDIANS, analytic=False)(_median(np.nanmedian, skips_nan=True))
