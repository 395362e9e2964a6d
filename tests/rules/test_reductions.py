"""Reductions, and running sums and products: every form of a call that NumPy knows."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from composition_checks import check_derivatives
from deeper import explored
from hypothesis import given, settings
from hypothesis import strategies as st
from leaves import leaf
from numpy_agreement import NAN, agree, masks, reductions, spaced
from oracles import same

import tinygrad_bp as tg

EXTREMA = {"max", "min", "nanmax", "nanmin"}
SPREADS = {"var", "std", "nanvar", "nanstd"}
MEANS = {"mean", "nanmean"}
REDUCTIONS = ["sum", "prod", "max", "min", "mean", "var", "std"]


@pytest.mark.parametrize("name", [*REDUCTIONS, *(f"nan{name}" for name in REDUCTIONS)])
@explored(12, 100, drawn=reductions(), data=st.data())
def test_every_argument_of_a_reduction(name: str, drawn: Any, data: Any) -> None:
    shape, seed, options = drawn
    function = getattr(np, name)
    if data.draw(st.booleans(), "where"):
        options["where"] = masks(shape, seed)
    if name not in MEANS | SPREADS and data.draw(st.booleans(), "initial"):
        options["initial"] = 0.37
    if name not in EXTREMA and data.draw(st.booleans(), "dtype"):
        options["dtype"] = data.draw(st.sampled_from([np.float64, np.float32, "float"]))
    if name in SPREADS:
        options |= data.draw(st.sampled_from([{}, {"ddof": 1}, {"correction": 1}, {"mean": 0.25}]))
    nan = data.draw(st.integers(0, 4), "nan") if name.startswith("nan") else 0
    x = spaced(shape, seed, nan)
    finite = agree(lambda x: function(x, **options), x)
    # NumPy rounds what is apart from the mean to single precision, and gives double
    rounded = name in {"nanvar", "nanstd"} and options.get("dtype") is not np.float32
    agree(lambda x: function(x, **options), x.astype(np.float32), factor=1e7 if rounded else 10)
    agree(lambda x: function(x, **options), (np.nan_to_num(x) * 10).astype(int))
    # NumPy's nanmax of a scalar is another than its nanmax of a 0-d array where all is hidden
    if finite and shape and not nan and options.get("dtype") is not np.float32:
        check_derivatives(lambda x: function(x, **options), [x])


@pytest.mark.parametrize("name", REDUCTIONS)
def test_nan_gets_no_gradient_and_counts_for_nothing(name: str) -> None:
    x = leaf([[1.0, NAN, 3.0, 2.5], [NAN, 0.5, 0.25, 4.0]])
    value = getattr(np, f"nan{name}")(x, axis=1)
    value.backward(np.array([2.0, -1.0]))
    for row, numbers, weight in ((0, [0, 2, 3], 2.0), (1, [1, 2, 3], -1.0)):
        alone = leaf(x.numpy()[row, numbers])
        same_value = getattr(np, name)(alone)
        same(value[row].detach().numpy(), same_value.detach().numpy())
        same_value.backward(weight)
        wanted = np.zeros(4)
        wanted[numbers] = alone.grad.numpy()
        same(x.grad.numpy()[row], wanted)


@pytest.mark.parametrize(
    "f",
    [
        np.nanmean,
        np.nanmax,
        np.nanmin,
        np.nanvar,
        np.nanstd,
        np.nanmedian,
        lambda x, axis: np.nanquantile(x, 0.3, axis=axis),
    ],
)
def test_a_slice_of_nan_alone_gets_no_gradient(f: Any) -> None:
    """And the walk back warns of nothing: warnings are errors here."""
    x = leaf([[NAN, NAN], [1.0, 2.5]])
    with pytest.warns(RuntimeWarning):
        value = f(x, axis=1)
    assert np.isnan(value.numpy()).tolist() == [True, False]
    value.backward(np.ones(2))
    assert x.grad.numpy()[0].tolist() == [0.0, 0.0]
    assert np.isfinite(x.grad.numpy()).all()


@pytest.mark.parametrize("count", [3, 4, 7])
def test_constants_have_a_deviation_of_derivative_0(count: int) -> None:
    """Also where the mean of equal numbers is rounded, as for three and for seven tenths."""
    constant = np.full((2, count), 0.1)
    rounded = (np.sum(constant, axis=1) / count != 0.1).all()
    assert rounded == (count != 4)
    for f, data in (
        (lambda x: np.std(x, axis=1, where=np.ones(count, bool)), constant),
        (lambda x: np.nanstd(x, axis=1), np.insert(constant, 1, NAN, axis=1)),
    ):
        x = leaf(data)
        f(x).backward(np.ones(2))
        np.testing.assert_allclose(x.grad.numpy(), 0, atol=1e-15)


def test_an_initial_value_and_a_mean_may_be_tracked() -> None:
    x = spaced((2, 3), 3)
    for f in (
        lambda x, c: np.sum(x, axis=0, initial=c),
        lambda x, c: np.prod(x, initial=c),
        lambda x, c: np.max(x, axis=1, initial=c),
        lambda x, c: np.var(x, axis=1, mean=c, ddof=1),
        lambda x, c: np.std(x, mean=c, where=x > -1.0),
    ):
        check_derivatives(f, [x, np.float64(0.4)])


@pytest.mark.parametrize("dtype", [int, np.int32, bool])
@pytest.mark.parametrize("name", ["sum", "prod", "mean", "var", "std", "cumsum", "nansum"])
def test_integers_as_dtype_give_plain_values(name: str, dtype: Any) -> None:
    function = getattr(np, name)
    options = {} if name == "cumsum" else {"where": np.array([True, False, True])}
    x = np.array([1.7, 2.6, 9.1])
    if (name, dtype) in {("var", bool), ("std", bool)}:  # NumPy has no answer
        agree(lambda x: function(x, dtype=dtype, **options), x)
        return
    got = function(leaf(x), dtype=dtype, **options)
    assert not isinstance(got, tg.Tensor)
    same(got, function(x, dtype=dtype, **options))


def test_a_float16_mean_adds_in_single_precision() -> None:
    x = np.full(5000, 100.0, np.float16)  # whose sum is infinite in half precision
    mask = np.arange(5000) % 2 == 0
    value = np.mean(tg.tensor(x), where=mask).numpy()
    assert value == np.mean(x, where=mask) == 100.0
    assert value.dtype == np.float16


@pytest.mark.parametrize("f", [np.nanmax, np.fmax.reduce])
def test_the_tied_share_evenly_where_nan_is_passed_over(f: Any) -> None:
    x = leaf([2.0, NAN, 2.0, 1.0])
    f(x).backward()
    assert x.grad.tolist() == [0.5, 0.0, 0.5, 0.0]


def test_hidden_elements_take_no_part_whatever_they_are() -> None:
    x = leaf([1.0, NAN, np.inf, 2.5])
    where = np.isfinite(x.numpy())
    for f in (np.sum, np.prod, np.mean, np.var, np.std):
        value = f(x, where=where)
        same(value.numpy(), f(x.numpy(), where=where))
        (grad,) = tg.gradients(value, [x])
        assert np.isfinite(grad.numpy()).all()
        assert grad.numpy()[~where].tolist() == [0.0, 0.0]


# Running sums and products


@st.composite
def running(draw: Any) -> tuple[Any, dict[str, Any]]:
    shape = tuple(draw(st.lists(st.integers(0, 4), max_size=2)))
    axes = st.none() | st.integers(-len(shape), len(shape) - 1) if shape else st.none()
    options = {"axis": draw(axes)}
    if draw(st.booleans()):
        options["dtype"] = draw(st.sampled_from([np.float32, np.float64]))
    return spaced(shape, draw(st.integers(0, 99))), options


@pytest.mark.parametrize("name", ["cumsum", "cumprod", "nancumsum", "nancumprod"])
@settings(max_examples=15)
@given(running(), st.integers(0, 2))
def test_running(name: str, drawn: Any, zeros: int) -> None:
    x, options = drawn
    x.ravel()[:zeros] = 0.0
    function = getattr(np, name)
    agree(lambda x: function(x, **options), x)
    agree(lambda x: function(x, **options), x.astype(np.float32))
    if options.get("dtype") is not np.float32:
        check_derivatives(lambda x: function(x, **options), [x])


@pytest.mark.parametrize("name", ["cumulative_sum", "cumulative_prod"])
@settings(max_examples=15)
@given(running(), st.booleans())
def test_cumulative(name: str, drawn: Any, include: bool) -> None:
    x, options = drawn
    function = getattr(np, name)
    if agree(lambda x: function(x, include_initial=include, **options), x):
        options.pop("dtype", None)
        check_derivatives(lambda x: function(x, include_initial=include, **options), [x])


def test_a_running_product_with_zeros_has_no_division() -> None:
    for row in ([2.0, 0.0, 3.0, 0.0, 5.0], [0.0, 0.0, 1.5]):
        check_derivatives(np.cumprod, [np.array(row)])
        check_derivatives(np.prod, [np.array(row)])


def test_running_products_without_nan() -> None:
    x = leaf([2.0, NAN, 3.0])
    value = np.nancumprod(x)
    assert value.tolist() == [2.0, 2.0, 6.0]
    value.backward(np.ones(3))
    assert x.grad.tolist() == [5.0, 0.0, 2.0]
