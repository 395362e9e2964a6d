"""Averages, covariances, counts: every form of a call that NumPy knows; and what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from composition_checks import check_derivatives
from hypothesis import given, settings
from hypothesis import strategies as st
from leaves import leaf
from numpy_agreement import NAN, agree, spaced
from oracles import same

import tinygrad_bp as tg
from tinygrad_bp.errors import TrackedTensorError, UnsupportedFunctionError

# Averages, covariances


@settings(max_examples=25)
@given(st.data())
def test_average(data: Any) -> None:
    x = spaced((2, 3, 2), data.draw(st.integers(0, 99)))
    axis = data.draw(st.sampled_from([None, 0, -1, (0, 1), (2, 0)]))
    options: dict[str, Any] = {"axis": axis, "keepdims": data.draw(st.booleans())}
    kind = data.draw(st.sampled_from(["none", "whole", "axes", "wrong"]))
    shape = {"whole": x.shape, "wrong": (5,)}.get(kind)
    if kind == "axes":
        shape = x.shape if axis is None else tuple(x.shape[i] for i in np.atleast_1d(axis))
    returned = data.draw(st.booleans())
    if shape is None:
        f: Any = lambda x: np.average(x, returned=returned, **options)
        arrays = [x]
    else:
        f = lambda x, w: np.average(x, weights=w, returned=returned, **options)
        arrays = [x, np.arange(1.0, 1 + np.prod(shape)).reshape(shape)]
    if agree(f, *arrays):
        check_derivatives(f, arrays)
    agree(f, *[x.astype(np.float32) for x in arrays])


def test_weights_that_sum_to_zero() -> None:
    agree(lambda x: np.average(x, weights=[1.0, -1.0]), np.array([1.0, 2.0]))


OBSERVATIONS = st.sampled_from([((4,), None), ((4,), (4,)), ((2, 4), (3, 4)), ((1, 4), None)])


@settings(max_examples=60)
@given(OBSERVATIONS, st.data())
def test_cov(shapes: Any, data: Any) -> None:
    turned = data.draw(st.booleans())
    arrays = [spaced(s, i + 5) for i, s in enumerate(shapes) if s is not None]
    if turned:
        arrays = [x.T for x in arrays]
    options: dict[str, Any] = {"rowvar": not turned}
    options |= data.draw(st.sampled_from([{}, {"bias": True}, {"ddof": 0}, {"ddof": 2}]))
    if data.draw(st.booleans()):
        options["fweights"] = np.array([1, 0, 2, 3])
    if data.draw(st.booleans()):
        arrays.append(np.array([0.5, 1.5, 0.25, 1.0]))
        count = len(arrays) - 1
        f: Any = lambda *xs: np.cov(*xs[:count], aweights=xs[count], **options)
    else:
        f = lambda *xs: np.cov(*xs, **options)
    if agree(f, *arrays):
        check_derivatives(f, arrays)
    agree(f, *[x.astype(np.float32) for x in arrays])


def test_wrong_arguments_of_cov_are_numpys_errors() -> None:
    for f in (
        lambda x: np.cov(x, ddof=0.5),
        lambda x: np.cov(x[None, None]),
        lambda x: np.cov(x, np.ones((1, 1, 3))),
        lambda x: np.cov(x, fweights=[0.5, 1, 1]),
        lambda x: np.cov(x, fweights=[-1, 1, 1]),
        lambda x: np.cov(x, fweights=[[1, 1, 1]]),
        lambda x: np.cov(x, aweights=[1, 1]),
        lambda x: np.cov(x[:1]),
        lambda x: np.cov(x[:0]),
        lambda x: np.cov(np.reshape(x, (3, 1))[:, :0]),
        lambda x: np.cov(np.reshape(x, (3, 1))[:0]),
    ):
        with np.errstate(divide="ignore", invalid="ignore"):
            agree(f, np.array([1.0, 2.5, 4.0]))


@pytest.mark.parametrize(
    ("shapes", "options"),
    [(((3, 4),), {}), (((4,), (4,)), {}), (((4, 2),), {"rowvar": False}), (((4,),), {})],
)
def test_corrcoef(shapes: Any, options: dict[str, Any]) -> None:
    arrays = [spaced(s, 3 + i) for i, s in enumerate(shapes)]
    agree(lambda *xs: np.corrcoef(*xs, **options), *arrays)
    agree(lambda *xs: np.corrcoef(*xs, dtype=np.float32, **options), *arrays)
    check_derivatives(lambda *xs: np.corrcoef(*xs, **options), arrays)
    turned = [x + 1j * x[::-1] ** 2 for x in arrays]
    agree(lambda *xs: np.corrcoef(*xs, **options), *turned)
    check_derivatives(lambda *xs: np.corrcoef(*xs, **options), turned)


# Counts


def test_bincount() -> None:
    places = np.array([3, 0, 3, 1])
    for x in (places, tg.tensor(places)):
        agree(lambda w, x=x: np.bincount(np.asarray(x), weights=w, minlength=7), spaced((4,), 1))
        assert np.bincount(x, minlength=6).tolist() == [1, 1, 0, 2, 0, 0]
    check_derivatives(lambda w: np.bincount(places, weights=w), [spaced((4,), 1)])
    for wrong in ([-1, 0, 0, 0], [0.5, 0, 0, 0], [1]):
        agree(lambda w, wrong=wrong: np.bincount(wrong, weights=w), spaced((4,), 1))


DATA = np.array([0.05, 0.33, 0.41, 0.92, 0.77, 0.38, 0.6])


@pytest.mark.parametrize("density", [None, True])
@pytest.mark.parametrize("bins", [4, "sqrt", [0.0, 0.4, 0.5, 1.0], np.array([0.3, 0.9])])
@pytest.mark.parametrize("span", [None, (0.2, 0.95)])
def test_histogram(bins: Any, span: Any, density: Any) -> None:
    if isinstance(bins, str) and density:
        bins = "fd"
    for f in (
        lambda x: np.histogram(x, bins, span, density),
        lambda x: np.histogram_bin_edges(x, bins, span),
    ):
        agree(f, DATA)
        agree(f, DATA.astype(np.float32))
    if not isinstance(bins, str):
        f = lambda x, w: np.histogram(x, bins, span, density, w)
        agree(f, DATA, spaced((7,), 2) ** 2)
        # NumPy sums these in single precision, and in another order
        agree(f, np.float32(DATA), np.float32(spaced((7,), 2) ** 2), factor=1e7)
        check_derivatives(f, [DATA, spaced((7,), 2) ** 2])


def test_edges_may_be_tracked() -> None:
    edges = np.array([0.0, 0.35, 0.5, 1.0])
    check_derivatives(lambda x, e: np.histogram(x, e, density=True), [DATA, edges])
    check_derivatives(lambda x, e: np.histogram2d(x, DATA, [e, 2], density=True)[0], [DATA, edges])
    check_derivatives(lambda e: np.histogram(DATA, e), [edges])


@pytest.mark.parametrize("density", [None, True])
def test_histograms_in_more_dimensions(density: Any) -> None:
    y = DATA[::-1] ** 2
    sides = [0.0, 0.35, 1.0]
    weights = spaced((7,), 2) ** 2
    for bins in (3, [2, 3], [sides, 2], sides):
        f = lambda x, y, w, bins=bins: np.histogram2d(x, y, bins, None, density, w)
        agree(f, DATA, y, weights)
        check_derivatives(f, [DATA, y, weights])
    together = np.stack([DATA, y, DATA * y], axis=1)
    for bins in (2, (2, 1, 3)):
        g = lambda x, w, bins=bins: np.histogramdd(x, bins, [None, (0.1, 0.8), None], density, w)
        agree(g, together, weights)
        check_derivatives(g, [together, weights])
    agree(lambda x: np.histogramdd(x, 2), together)
    agree(lambda x: np.histogramdd(x, (2, 2)), together)
    agree(lambda x, y: np.histogram2d(x, y[:3]), DATA, y)


@settings(max_examples=25)
@given(st.lists(st.sampled_from([0.5, 1.5, -2.0, NAN]), max_size=6), st.data())
def test_unique(values: list[float], data: Any) -> None:
    x = np.array(values)
    flags = [data.draw(st.booleans()) for _ in range(3)]
    equal_nan = data.draw(st.booleans())
    agree(lambda x: np.unique(x, *flags, equal_nan=equal_nan), x)
    for f in (np.unique_values, np.unique_counts, np.unique_inverse, np.unique_all):
        agree(f, x)
    tracked = tg.tensor(x, requires_grad=True)
    found = np.unique(tracked)
    found.backward(np.arange(1.0, 1 + found.size))
    _, first = np.unique(x, return_index=True)
    wanted = np.zeros(x.size)
    wanted[first] = np.arange(1.0, 1 + found.size)
    assert tracked.grad.tolist() == wanted.tolist()


def test_distinct_values_stand_where_numpy_puts_them() -> None:
    """Complex ones come in the order of their hashes."""
    x = spaced((9,), 4) + 1j * spaced((9,), 5)
    agree(np.unique_values, x)
    agree(lambda x: np.unique(x, sorted=False), x)


def test_unique_rows() -> None:
    x = np.array([[1.0, 2.0], [0.5, 3.0], [1.0, 2.0]])
    agree(lambda x: np.unique(x, axis=0, return_counts=True), x)
    tracked = leaf(x)
    np.unique(tracked, axis=0).backward(np.array([[1.0, 2.0], [3.0, 4.0]]))
    assert tracked.grad.tolist() == [[3.0, 4.0], [1.0, 2.0], [0.0, 0.0]]


# What is refused


@pytest.mark.parametrize(
    "f",
    [
        lambda x: np.cumprod(x, out=np.empty(3)),
        lambda x: np.nansum(x, out=np.empty(())),
        lambda x: np.nanmean(x, out=np.empty(())),
        lambda x: np.nanvar(x, out=np.empty(())),
        lambda x: np.nanmax(x, out=np.empty(())),
        lambda x: np.median(x, out=np.empty(())),
        lambda x: np.quantile(x, 0.5, out=np.empty(())),
        lambda x: np.ptp(x, out=np.empty(())),
        lambda x: np.var(x, out=np.empty(())),
    ],
)
def test_out_is_refused(f: Any) -> None:
    with pytest.raises(UnsupportedFunctionError, match="out="):
        f(leaf([1.0, 2.0, 4.0]))


@pytest.mark.parametrize(
    "f",
    [
        lambda x: np.var(x, ddof=x[0]),
        lambda x: np.nanstd(x, correction=x[0]),
        lambda x: np.cov(x, fweights=x),
        lambda x: np.histogram(x, 2, (x[0], 9.0)),
        lambda x: np.histogramdd([x], 2, [(x[0], 9.0)]),
        lambda x: np.histogram_bin_edges(x, 2, (0.0, x[2])),
    ],
)
def test_what_has_no_derivative_may_not_be_tracked(f: Any) -> None:
    with pytest.raises(TrackedTensorError, match="no derivative"):
        f(leaf([1.0, 2.0, 4.0]))


def test_ddof_and_correction_exclude_each_other() -> None:
    for f in (np.var, np.std, np.nanvar, np.nanstd):
        agree(lambda x, f=f: f(x, ddof=1, correction=1), np.array([1.0, 2.0]))


def test_parameters_are_copied() -> None:
    """What is changed between the call and the walk reaches neither value nor gradient."""
    x = leaf([1.0, 2.5, 4.0])
    where, weights, bins = np.array([True, False, True]), np.ones(3), np.array([0, 2, 0])
    total = (
        np.sum(x, where=where)
        + np.var(x, where=where)
        + np.average(x, weights=weights)
        + np.quantile(x, weights[0] / 3, weights=weights, method="inverted_cdf")
        + np.sum(np.bincount(bins, x) * np.array([1.0, 2.0, 3.0]))
    )
    where[:], weights[:], bins[:] = False, 5.0, 1
    total.backward()
    want = leaf([1.0, 2.5, 4.0])
    chosen = want[np.array([0, 2])]
    (
        np.sum(chosen)
        + np.var(chosen)
        + np.mean(want)
        + want[0]
        + np.sum(want * np.array([1.0, 3.0, 1.0]))
    ).backward()
    same(x.grad.numpy(), want.grad.numpy())
