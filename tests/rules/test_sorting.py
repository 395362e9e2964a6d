"""Sorting and quantiles: every form of a call that NumPy knows."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from composition_checks import check_derivatives
from deeper import IN_FULL, by_turns, explored
from hypothesis import given, settings
from hypothesis import strategies as st
from leaves import leaf
from numpy_agreement import NAN, agree, reductions, spaced

import tinygrad_bp as tg
from tinygrad_bp.errors import TrackedTensorError, UnsupportedFunctionError

# Sorting


@st.composite
def sortable(draw: Any) -> tuple[Any, Any]:
    shape = tuple(draw(st.lists(st.integers(1, 5), min_size=1, max_size=3)))
    axis = draw(st.none() | st.integers(-len(shape), len(shape) - 1))
    return spaced(shape, draw(st.integers(0, 99))), axis


@settings(max_examples=25)
@given(sortable(), st.sampled_from([{}, {"kind": "heapsort"}, {"stable": True}]), st.integers(0, 3))
def test_sort(drawn: Any, options: dict[str, Any], nan: int) -> None:
    x, axis = drawn
    check_derivatives(lambda x: np.sort(x, axis, **options), [x])
    x.ravel()[:nan] = NAN
    agree(lambda x: np.sort(x, axis=axis, **options), x)
    agree(lambda x: np.sort(x, axis=axis, **options), np.round(x).astype(np.float32))
    agree(lambda x: np.sort(x, axis=axis, **options), np.round(x) + 1j * x)


@settings(max_examples=25)
@given(sortable(), st.data())
def test_partition(drawn: Any, data: Any) -> None:
    x, axis = drawn
    size = x.size if axis is None else x.shape[axis]
    kth = data.draw(st.integers(-size, size - 1) | st.lists(st.integers(0, size - 1), min_size=1))
    check_derivatives(lambda x: np.partition(x, kth, axis), [x])
    agree(lambda x: np.partition(x, kth, axis=axis), x)
    x.ravel()[::3] = 0.5  # ties
    agree(lambda x: np.partition(x, kth, axis=axis), x)


def test_the_permutation_of_ties_is_the_stable_one() -> None:
    ties = np.tile([1.0, 0.0], 50)
    for f in (np.sort, lambda x: np.sort(x, kind="heapsort")):
        x = leaf(ties)
        f(x).backward(np.arange(100.0))
        assert x.grad.numpy()[1::2].tolist() == list(range(50))
        assert x.grad.numpy()[::2].tolist() == list(range(50, 100))


def test_wrong_arguments_of_sorting_are_numpys_errors() -> None:
    for f in (
        lambda x: np.sort(x, axis=2),
        lambda x: np.sort(x, kind="slow"),
        lambda x: np.sort(x, kind="stable", stable=True),
        lambda x: np.partition(x, 9),
        lambda x: np.sort(x[0]),
    ):
        agree(f, np.array([1.0, 2.0]))
    with pytest.raises(UnsupportedFunctionError, match=r"sort: order="):
        np.sort(leaf([1.0]), order="f")


@pytest.mark.parametrize("name", ["sort", "partition"])
def test_sorting_in_place_binds_to_a_new_value(name: str) -> None:
    x = leaf([3.0, 1.0, 2.0])
    y = x * 1
    before = np.sum(y * np.array([1.0, 10.0, 100.0]))
    getattr(y, name)(*([1] if name == "partition" else []))
    assert y.tolist() == [1.0, 2.0, 3.0]
    (before + np.sum(y * np.array([1.0, 2.0, 3.0]))).backward()
    assert x.grad.tolist() == [4.0, 11.0, 102.0]
    with pytest.raises(TrackedTensorError, match="leaf"):
        x.sort()
    with tg.no_grad():
        x.sort()
    assert x.tolist() == [1.0, 2.0, 3.0]


# Quantiles

METHODS = [
    "inverted_cdf",
    "averaged_inverted_cdf",
    "closest_observation",
    "interpolated_inverted_cdf",
    "hazen",
    "weibull",
    "linear",
    "median_unbiased",
    "normal_unbiased",
    "lower",
    "higher",
    "midpoint",
    "nearest",
]
QUANTILES = st.integers(0, 1) | st.floats(0, 1) | st.just(0.25) | st.lists(st.floats(0, 1))


@pytest.mark.parametrize("skipping", ["", "nan"])
@pytest.mark.parametrize("method", METHODS)
@explored(4, 20, drawn=reductions(), q=QUANTILES, nan=st.integers(0, 3))
def test_quantile(skipping: str, method: str, drawn: Any, q: Any, nan: int) -> None:
    shape, seed, options = drawn
    x = spaced(shape, seed, nan)
    quantile, percentile = getattr(np, f"{skipping}quantile"), getattr(np, f"{skipping}percentile")
    options["method"] = method
    for y in (x, x.astype(np.float32)):
        finite = agree(lambda y: quantile(y, q, **options), y)
        agree(lambda y: percentile(y, np.multiply(q, 100.0), **options), y)
    if finite and not nan:
        check_derivatives(lambda x: quantile(x, q, **options), [x])


@pytest.mark.parametrize("q", [np.float32([0.25, 0.7]), np.float32(0.3), np.float16([0.5])])
@pytest.mark.parametrize("method", METHODS)
def test_quantiles_at_a_q_of_lower_precision(method: str, q: Any) -> None:
    factor = 1e6 if np.lib.NumpyVersion(np.__version__) < "2.4.0" else 100  # it rounded as q does
    for x in (spaced((3, 5), 1), np.float32(spaced((3, 5), 2))):
        agree(lambda x, q: np.quantile(x, q, axis=1, method=method), x, q, factor=factor)
        agree(lambda x, q: np.nanpercentile(x, q * 100, method=method), x, q, factor=factor)


@IN_FULL
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", ["quantile", "percentile", "nanquantile"])
def test_quantile_in_q(name: str, method: str, in_full: bool) -> None:
    unit = 100 if name == "percentile" else 1
    every = (np.float64(0.37), np.array([[0.13, 0.61], [0.02, 0.97]]))
    for q in every if in_full else by_turns(1, every, len(name) + METHODS.index(method)):
        check_derivatives(
            lambda x, q: getattr(np, name)(x, q * unit, axis=1, method=method),
            [spaced((2, 5), 3), q],
        )


def test_quantile_in_q_at_the_ends_and_at_an_element() -> None:
    """At an element the step to the next one, at the last one the step to it."""
    x = np.array([1.0, 2.0, 4.0])
    for q, wanted in ((0.0, 2.0), (0.5, 4.0), (1.0, 4.0)):
        at = tg.tensor(q, requires_grad=True)
        np.quantile(x, at).backward()
        assert at.grad.item() == wanted


@settings(max_examples=30)
@given(st.data())
def test_weighted_quantile(data: Any) -> None:
    nan = data.draw(st.integers(0, 2))
    x = spaced((3, 4), data.draw(st.integers(0, 99)), nan)
    several = [(0, 1), (1, 0)] if np.lib.NumpyVersion(np.__version__) >= "2.4.0" else []
    axis = data.draw(st.sampled_from([None, 0, 1, *several]))  # it gave weights to other elements
    whole = data.draw(st.booleans()) or axis is None
    shape = x.shape if whole else tuple(x.shape[i] for i in np.atleast_1d(axis))
    size = int(np.prod(shape))
    weights = np.array(data.draw(st.lists(st.integers(0, 3), min_size=size, max_size=size)))
    q = data.draw(QUANTILES)
    options = {"axis": axis, "weights": weights.reshape(shape), "method": "inverted_cdf"}
    if agree(lambda x: np.quantile(x, q, **options), x) and not nan:
        check_derivatives(lambda x: np.quantile(x, q, **options), [x])
    if whole:
        agree(lambda x: np.nanquantile(x, q, **options), x)


def test_wrong_quantiles_are_numpys_errors() -> None:
    for f in (
        lambda x: np.quantile(x, 1.5),
        lambda x: np.percentile(x, -3),
        lambda x: np.quantile(x, 0.5, method="mean"),
        lambda x: np.quantile(x, 0.5, weights=np.ones(3)),
        lambda x: np.quantile(x, 0.5, weights=-np.ones(3), method="inverted_cdf"),
        lambda x: np.quantile(x, 0.5, weights=np.ones(2), method="inverted_cdf"),
        lambda x: np.quantile(x, np.zeros((1, 1, 1))),
        lambda x: np.quantile(x + 1j, 0.5),
    ):
        agree(f, np.array([1.0, 2.0, 4.0]))


@pytest.mark.parametrize("name", ["median", "nanmedian", "ptp"])
@settings(max_examples=25)
@given(reductions(), st.integers(0, 3))
def test_median_and_range(name: str, drawn: Any, nan: int) -> None:
    shape, seed, options = drawn
    x = spaced(shape, seed, nan)
    function = getattr(np, name)
    finite = agree(lambda x: function(x, **options), x)
    agree(lambda x: function(x, **options), x.astype(np.float32))
    if finite and not nan:
        check_derivatives(lambda x: function(x, **options), [x])


@pytest.mark.parametrize("f", [np.median, lambda x: np.quantile(x, 0.3), np.ptp])
def test_nan_that_counts_takes_the_gradient(f: Any) -> None:
    x = leaf([1.0, NAN, 3.0])
    f(x).backward()
    assert np.isnan(x.grad.numpy()).tolist() == [False, True, False]
    assert x.grad.numpy()[[0, 2]].tolist() == [0.0, 0.0]
