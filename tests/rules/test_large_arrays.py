"""The raw code for large arrays gives what the same rule gives of small ones: its composition."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from together import together

import tinygrad_bp as tg
from tinygrad_bp.engine.broadcasting import unbroadcast
from tinygrad_bp.engine.memory import LARGE
from tinygrad_bp.rules.elementwise.activations import GELU_CUBE, GELU_SLOPE
from tinygrad_bp.rules.elementwise.scaling import scaled
from tinygrad_bp.rules.indexing.adding import ALONG_ONE_AXIS, add_at
from tinygrad_bp.rules.reductions.normalizing import normalized

RNG = np.random.default_rng(0)
WIDE = (40, 6, 12, 6)
Function = Callable[..., Any]


def norm(axis: Any, wide: tuple[int, ...]) -> Function:
    def f(x: Any, g: Any, b: Any) -> Any:
        apart = x - np.mean(x, axis=axis, keepdims=True)
        scores = apart / np.sqrt(np.mean(apart * apart, axis=axis, keepdims=True) + 1e-5)
        return scores * np.reshape(g, wide) + np.reshape(b, wide)

    return f


def log_softmax(x: Any) -> Any:
    below = x - np.max(x.detach() if isinstance(x, tg.Tensor) else x, axis=-1, keepdims=True)
    return below - np.log(np.sum(np.exp(below), axis=-1, keepdims=True))


def gelu(x: Any) -> Any:
    return 0.5 * x * (1 + np.tanh(GELU_SLOPE / 2 * (x + GELU_CUBE * x**3)))


CASES: dict[str, tuple[Function, Function, list[tuple[int, ...]]]] = {
    "log-softmax": (tg.log_softmax, log_softmax, [WIDE]),
    "log-softmax, sure": (
        lambda x: tg.log_softmax(20 * x),
        lambda x: log_softmax(20 * x),
        [WIDE],
    ),
    "gelu": (tg.gelu, gelu, [WIDE]),
    "gelu in blocks": (tg.gelu, gelu, [(200, 401)]),
    "gelu of columns": (lambda x: tg.gelu(x.T), lambda x: gelu(x.T), [(200, 401)]),
    "affine of three axes": (tg.affine, lambda x, W, b: x @ W + b, [(70, 20, 8), (8, 9), (9,)]),
    "scaled, last axis": (scaled, lambda x, s, t: x * s + t, [WIDE, (6,), (6,)]),
    "scaled, channels": (scaled, lambda x, s, t: x * s + t, [WIDE, (6, 1, 1), (6, 1, 1)]),
    "scaled, more axes": (scaled, lambda x, s, t: x * s + t, [WIDE, (2, *WIDE), (2, *WIDE)]),
    "scaled, wider": (scaled, lambda x, s, t: x * s + t, [(1, *WIDE), (2, *WIDE), (2, *WIDE)]),
    "norm of samples": (normalized, norm(-1, (6,)), [WIDE, (6,), (6,)]),
    "norm of channels": (
        lambda x, g, b: normalized(x, g, b, "channels"),
        norm((0, 2, 3), (6, 1, 1)),
        [WIDE, (6,), (6,)],
    ),
    "norm of columns": (
        lambda x, g, b: normalized(x, g, b, "channels"),
        norm(0, (6,)),
        [(2000, 6), (6,), (6,)],
    ),
}


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("name", CASES)
def test_values_and_gradients_are_the_compositions(name: str, dtype: Any) -> None:
    function, composition, shapes = CASES[name]
    arrays = [RNG.normal(size=shape).astype(dtype) for shape in shapes]
    exact = [array.astype(float) for array in arrays]
    tolerance = 1e-11 if dtype is np.float64 else 2e-4
    out = function(*arrays)
    assert arrays[0].size >= LARGE
    assert out.dtype == dtype
    np.testing.assert_allclose(out, composition(*exact), rtol=tolerance, atol=tolerance)
    ct = RNG.normal(size=out.shape)
    found = tg.vjp(function, *arrays)[1](ct.astype(dtype))
    wanted = tg.vjp(composition, *exact)[1](ct)
    many = isinstance(found, tuple)
    for one, other in zip(found, wanted, strict=True) if many else [(found, wanted)]:
        assert one.dtype == dtype
        scale = np.abs(other).max()
        np.testing.assert_allclose(one, other, rtol=tolerance, atol=tolerance * scale)


NORMS = pytest.mark.parametrize("name", [name for name in CASES if name.startswith("norm")])


@NORMS
def test_a_norm_too_large_for_copies_is_the_same(name: str, monkeypatch: Any) -> None:
    function, _, shapes = CASES[name]
    arrays = [RNG.normal(size=shape) for shape in shapes]

    def found() -> list[Any]:
        out, pull = tg.vjp(function, *arrays)
        return [out, *pull(arrays[0])]

    copied = found()
    monkeypatch.setattr("tinygrad_bp.rules.reductions.normalizing.MAPPED", 0)
    for one, other in zip(found(), copied, strict=True):
        np.testing.assert_array_equal(one, other)


@NORMS
def test_a_norm_of_numbers_far_from_0_loses_no_more_than_two_passes_do(name: str) -> None:
    """The mean of the squares less the square of the mean would have nothing left."""
    function, composition, shapes = CASES[name]
    x, g, b = (RNG.normal(size=shape).astype(np.float32) for shape in shapes)
    x += 5000.0
    exact = composition(*(one.astype(float) for one in (x, g, b)))
    lost = np.abs(composition(x, g, b) - exact).max()
    assert np.abs(function(x, g, b) - exact).max() < 2 * lost + 1e-4


@together
@pytest.mark.parametrize(
    ("wide", "narrow"),
    [
        ((2, 3, 4), (4,)), ((2, 3, 4), (3, 4)), ((2, 3, 4, 5), (3, 1, 1)), ((2, 3, 4), (1, 4)),
        ((2, 3, 4), (2, 1, 4)), ((2, 3, 4), (2, 3, 1)), ((2, 3, 4), (1, 1, 1)), ((2, 3, 4), (1,)),
        ((2, 1, 4), (1, 4)), ((2, 3, 1), (3, 1)), ((5,), (1,)), ((0, 3), (3,)), ((2, 0), (2, 1)),
    ],
)  # fmt: skip
@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.float16, np.int64])
def test_what_was_broadcast_is_summed(wide: Any, narrow: Any, dtype: Any) -> None:
    ct = RNG.integers(-9, 10, wide).astype(dtype)  # whose sums are exact
    lead = len(wide) - len(narrow)
    total = ct.sum(axis=tuple(range(lead)))
    once = tuple(k for k, n in enumerate(narrow) if n == 1 != total.shape[k])
    got = unbroadcast(ct, narrow)
    np.testing.assert_array_equal(got, total.sum(axis=once, keepdims=True))
    assert got.shape == narrow
    assert got.dtype == dtype


def test_a_large_softmax_of_what_is_left_out() -> None:
    x = RNG.normal(size=WIDE)
    x[..., 2] = -np.inf
    x[0, 0, 0, 1:] = -np.inf
    ct = RNG.normal(size=WIDE)
    (found,) = tg.vjp(tg.log_softmax, x)[1](ct)
    (few,) = tg.vjp(tg.log_softmax, x[:1])[1](ct[:1])
    assert few.size < LARGE
    np.testing.assert_allclose(found[:1], few, atol=1e-14)
    assert np.all(np.isfinite(found))


def test_a_large_softmax_of_what_is_sure_keeps_the_digits_of_small_ones() -> None:
    x = 30 * RNG.normal(size=WIDE)
    ct = 1.0 * (x == np.max(x, axis=-1, keepdims=True))
    (found,) = tg.vjp(tg.log_softmax, x)[1](ct)
    (few,) = tg.vjp(tg.log_softmax, x[:1])[1](ct[:1])
    assert few.size < LARGE
    assert np.abs(few).min() < 1e-9
    np.testing.assert_allclose(found[:1], few, rtol=1e-11)


PLACES = RNG.integers(-5, 5, 60)


@together
@pytest.mark.parametrize(
    ("shape", "index"),
    [
        ((5, 9), (PLACES,)),
        ((5, 8), (PLACES,)),  # in pairs
        ((5, 5, 2, 3), (PLACES, PLACES[::-1])),
        ((5, 9), (PLACES.reshape(6, 10),)),
        ((5, 5, 9), (PLACES, PLACES[::-1])),
        ((9, 5), (slice(None), PLACES)),
        ((3, 5, 9), (2, PLACES)),
        ((5, 9, 2), (PLACES, ..., 1)),
        ((3, 5, 200), (np.array([True, False, True]), np.array([1, 1]))),
        ((5, 5, 60, 60), (np.eye(5, dtype=bool), PLACES[:5])),
        ((5, 99, 7), (PLACES, slice(1, 9), PLACES[::-1])),
        ((3, 9, 5), (..., PLACES)),
        ((400,), (RNG.integers(-400, 400, 500),)),
        ((800, 65), (RNG.integers(-800, 800, 700),)),  # rows at once, in turns
    ],
)
@pytest.mark.parametrize("dtype", [np.float64, np.float32, complex, int])
def test_a_scatter_adds_what_numpys_does_to_the_last_bit(
    shape: Any, index: Any, dtype: Any
) -> None:
    ours, wanted = np.zeros(shape, dtype), np.zeros(shape, dtype)
    values = (9 * RNG.normal(size=wanted[index].shape)).astype(dtype)
    assert values.size >= ALONG_ONE_AXIS
    for order in "CF":
        add_at(ours, index, np.asarray(values, order=order))
        np.add.at(wanted, index, values)
    np.testing.assert_array_equal(ours, wanted)
