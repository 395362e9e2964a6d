"""Counts: bincount and histograms.

How many elements fall where is constant almost everywhere.  What does change carries gradients:
sums of weights, and the edges that lie between the least and the greatest element.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tinygrad_bp.engine.constructors import arrayed, composed
from tinygrad_bp.engine.rule import call
from tinygrad_bp.engine.tensor import Tensor, unwrap
from tinygrad_bp.rules.indexing.indexing import scatter
from tinygrad_bp.rules.reductions.axes import refuse_tracked

EDGES = "reads the edges of the bins"


@composed(
    np.bincount,
    samples=(call(np.array([2, 0, 2]), (3,)), call(np.array([1]), (1,), 4)),
    analytic=False,
)
def bincount(x: Any, /, weights: Any = None, minlength: int = 0) -> Any:
    """`numpy.bincount`: linear in the weights; without them plain counts."""
    x = unwrap(x)
    counts = np.bincount(x, unwrap(weights), minlength)
    if weights is None:
        return counts
    return scatter(arrayed(weights).astype(float), counts.shape, (np.asarray(x, np.intp),))


def _edges(edges: Any, values: Any, bins: Any, span: Any) -> Any:
    """Return bin edges with the derivatives of those that NumPy spaced over `values`.

    Those that the user gave are a Tensor if they were.
    """
    if isinstance(bins, Tensor) and bins.ndim:
        return bins
    if span is not None or not isinstance(values, Tensor) or not values.size:
        return edges
    if not isinstance(bins, str) and np.ndim(bins):
        return edges  # the user's own
    part = (edges - edges[0]) / (edges[-1] - edges[0])
    low, high = np.min(values), np.max(values)
    moved = (low - unwrap(low)) * (1 - part) + (high - unwrap(high)) * part
    return (edges + moved).astype(edges.dtype)


def _bin(values: Any, edges: Any) -> Any:
    """Return the number of each value's bin, -1 outside; the last bin holds its right edge."""
    found = np.searchsorted(edges, values, side="right") - 1
    last = len(edges) - 2
    found[values == edges[-1]] = last
    return np.where((found < 0) | (found > last), -1, found)


def _sums(columns: Sequence[Any], edges: Sequence[Any], weights: Any, counts: Any) -> Any:
    """Return the plain `counts` with the derivatives of those that sum weights, a Tensor."""
    if not isinstance(weights, Tensor):
        return counts
    places = [_bin(np.asarray(x), e) for x, e in zip(columns, edges, strict=True)]
    inside = np.all([place >= 0 for place in places], axis=0)
    index = tuple(place[inside] for place in places)
    return scatter(np.ravel(weights)[inside], counts.shape, index).astype(counts.dtype)


def _density(counts: Any, edges: Sequence[Any]) -> Any:
    """Return the share of each bin by its volume."""
    for i, one in enumerate(edges):
        shape = [-1 if k == i else 1 for k in range(len(edges))]
        # NumPy divides by double precision
        counts = counts / np.reshape(np.diff(one).astype(float), shape)
    return counts


@composed(
    np.histogram_bin_edges,
    samples=(call((6,)), call((2, 3), 4), call((5,), bins="sturges")),
    analytic=False,
)
def histogram_bin_edges(a: Any, bins: Any = 10, range: Any = None, weights: Any = None) -> Any:  # noqa: A002
    """`numpy.histogram_bin_edges`."""
    refuse_tracked("histogram_bin_edges", range=range)
    edges = np.histogram_bin_edges(unwrap(a), unwrap(bins), range, unwrap(weights))
    return _edges(edges, a, bins, range)


@composed(
    np.histogram,
    samples=(
        call(np.array([0.1, 0.4, 0.9, 0.3]), [0.0, 0.35, 1.0], None, None, (4,)),
        call(np.array([[0.1, 0.4], [0.9, 7.0]]), 3, [0.0, 1.0], None, (2, 2)),
        call((2, 3), 2, density=True),
        call((5,), 3),
    ),
    analytic=False,
    by_value=EDGES,
)
def histogram(
    a: Any,
    bins: Any = 10,
    range: Any = None,  # noqa: A002  # NumPy's name
    density: bool | None = None,
    weights: Any = None,
) -> tuple[Any, Any]:
    """`numpy.histogram`: plain counts; sums of weights, densities and edges carry gradients."""
    refuse_tracked("histogram", range=range)
    counts, edges = np.histogram(unwrap(a), unwrap(bins), range, None, unwrap(weights))
    counts = _sums([np.ravel(unwrap(arrayed(a)))], [edges], weights, counts)
    moving = _edges(edges, a, bins, range)
    return _density(counts, [moving]) / np.sum(counts) if density else counts, moving


@composed(
    np.histogramdd,
    samples=(
        call((5, 2), [2, 3]),
        call((4, 2), 2, density=True),
        call(
            np.array([[0.1, 0.4], [0.9, 7.0], [0.2, 0.6]]),
            [[0.0, 0.5, 1.0], [0.0, 1.0]],
            None,
            None,
            (3,),
        ),
    ),
    analytic=False,
    by_value=EDGES,
)
def histogramdd(
    sample: Any,
    bins: Any = 10,
    range: Any = None,  # noqa: A002  # NumPy's name
    density: bool | None = None,
    weights: Any = None,
) -> tuple[Any, Any]:
    """`numpy.histogramdd`: what carries gradients is as in `numpy.histogram`."""
    refuse_tracked("histogramdd", range=range)
    counts, edges = np.histogramdd(unwrap(sample), unwrap(bins), range, None, unwrap(weights))
    if hasattr(sample, "ndim"):
        columns = list(np.reshape(sample, (len(sample), -1)).T)
    else:
        columns = list(sample)
    each_bins = bins if hasattr(bins, "__len__") else [bins] * len(columns)
    spans = [None] * len(columns) if range is None else range
    counts = _sums([unwrap(x) for x in columns], edges, weights, counts)
    moving = list(map(_edges, edges, columns, each_bins, spans))
    counts = _density(counts, moving) / np.sum(counts) if density else counts
    return counts, type(edges)(moving)


@composed(
    np.histogram2d,
    samples=(call((5,), (5,), 2), call((4,), (4,), [2, 3], density=True)),
    analytic=False,
)
def histogram2d(
    x: Any,
    y: Any,
    bins: Any = 10,
    range: Any = None,  # noqa: A002  # NumPy's name
    density: bool | None = None,
    weights: Any = None,
) -> tuple[Any, Any, Any]:
    """`numpy.histogram2d`: what carries gradients is as in `numpy.histogram`."""
    if len(x) != len(y):
        raise ValueError(f"histogram2d: {len(x)} values of x, {len(y)} of y")
    if hasattr(bins, "__len__") and len(bins) not in (1, 2):
        bins = [bins, bins]  # the edges of both
    counts, edges = histogramdd([x, y], bins, range, density, weights)
    return counts, edges[0], edges[1]
