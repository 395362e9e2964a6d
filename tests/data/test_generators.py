"""Synthetic data: shapes of the point clouds, balance, seeds and refused arguments."""

from __future__ import annotations

import numpy as np
import pytest
from extras import extra
from hypothesis import given, settings
from hypothesis import strategies as st

from tinygrad_bp import data
from tinygrad_bp.errors import DataError

names = st.sampled_from(sorted(data.GENERATORS))


@settings(max_examples=60)
@given(name=names, n=st.integers(2, 301), seed=st.integers(0, 2**64))
def test_balanced_finite_and_fixed_by_the_seed(name, n, seed):
    table = data.generate(name, n, seed)
    assert table.X.shape == (n, 2)
    assert np.isfinite(table.X).all()
    assert np.bincount(table.y.astype(int)).tolist() == [n // 2, n - n // 2]
    assert table.feature_names == ("x1", "x2")
    assert table.name == name
    again = data.generate(name, n, seed)
    assert again.X.tobytes() == table.X.tobytes()
    assert again.y.tobytes() == table.y.tobytes()


@pytest.mark.parametrize("name", sorted(data.GENERATORS))
def test_seeds_differ_and_rows_are_shuffled(name):
    first, second = data.generate(name, 100, 0), data.generate(name, 100, 1)
    assert first.X.tobytes() != second.X.tobytes()
    assert 20 < np.count_nonzero(np.diff(first.y)) < 80  # sorted labels would change once


def test_xor_is_uniform_on_the_square_and_labelled_by_sign():
    table = data.xor(20_000, seed=3)
    np.testing.assert_array_equal(table.y, np.prod(table.X, axis=1) < 0)
    assert np.abs(table.X).max() <= 1.0
    assert (table.X != 0.0).all()
    counts = np.histogram2d(*table.X.T, bins=4, range=[(-1, 1), (-1, 1)])[0]
    # 1250 expected in each cell; the deviation is 5.5 standard deviations of a binomial
    np.testing.assert_allclose(counts, 1250, atol=190)


def test_moons_lie_on_two_half_circles():
    table = data.moons(101, noise=0.0, seed=0)
    upper, lower = table.X[table.y == 0], table.X[table.y == 1]
    np.testing.assert_allclose(np.hypot(*upper.T), 1.0, rtol=1e-14)
    np.testing.assert_allclose(np.hypot(*(lower - (1.0, 0.5)).T), 1.0, rtol=1e-14)
    assert upper[:, 1].min() >= 0.0
    assert lower[:, 1].max() <= 0.5


def test_circles_have_their_radii():
    table = data.circles(101, noise=0.0, factor=0.25, seed=0)
    np.testing.assert_allclose(np.hypot(*table.X.T), np.where(table.y == 1, 0.25, 1.0), rtol=1e-14)
    for label, size in ((0, 50), (1, 51)):
        x, y = table.X[table.y == label].T
        steps = np.sort(np.arctan2(y, x) % (2.0 * np.pi)) / (2.0 * np.pi / size)
        np.testing.assert_allclose(steps, np.arange(size), atol=1e-9)


def test_spiral_arms_are_half_a_turn_apart():
    table = data.spiral(100, noise=0.0, turns=2.0, seed=0)
    radius = np.hypot(*table.X.T)
    assert (radius.min(), radius.max()) == pytest.approx((0.15, 1.0))
    angle = 2.0 * np.pi * 2.0 * radius + np.pi * table.y
    expected = radius[:, np.newaxis] * np.stack((np.cos(angle), np.sin(angle)), axis=1)
    np.testing.assert_allclose(table.X, expected, atol=1e-13)


@pytest.mark.parametrize("name", sorted(data.GENERATORS))
def test_noise_is_a_standard_deviation(name):
    generator = data.GENERATORS[name]
    exact, noisy = generator(20_000, noise=0.0, seed=5), generator(20_000, noise=0.3, seed=5)
    np.testing.assert_array_equal(exact.y, noisy.y)
    # a standard deviation from 20,000 normal values has a relative error of 0.5 %
    np.testing.assert_allclose((noisy.X - exact.X).std(axis=0), 0.3, rtol=0.025)
    np.testing.assert_allclose((noisy.X - exact.X).mean(axis=0), 0.0, atol=0.01)


@pytest.mark.oracle
@pytest.mark.parametrize("n", [2, 51, 100])
def test_same_points_as_scikit_learn(n):
    datasets = extra("sklearn.datasets")

    def rows(X, y):
        return np.array(sorted(np.column_stack((y, X)).round(12).tolist()))

    ours = [data.moons(n, noise=0.0, seed=0), data.circles(n, noise=0.0, factor=0.3, seed=0)]
    theirs = [datasets.make_moons(n), datasets.make_circles(n, factor=0.3)]
    for table, (X, y) in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(rows(table.X, table.y), rows(X, y), atol=1e-11)


@pytest.mark.parametrize("name", sorted(data.GENERATORS))
@pytest.mark.parametrize(
    ("n", "options", "part"),
    [
        (1, {}, "n=1; expected an integer, from 2 to"),
        (-5, {}, "n=-5"),
        (2.0, {}, "n=2.0"),
        ("9", {}, "n='9'"),
        (True, {}, "n=True"),
        (10**30, {}, "n=1000000000000000000000000000000"),
        (10, {"seed": -1}, "seed=-1; expected an integer, 0 or more"),
        (10, {"seed": None}, "seed=None"),
        (10, {"seed": True}, "seed=True"),
        (10, {"seed": 1.5}, "seed=1.5"),
        (10, {"noise": -0.1}, "noise=-0.1"),
        (10, {"noise": float("nan")}, "noise=nan"),
        (10, {"noise": float("inf")}, "noise=inf"),
    ],
)
def test_refused_arguments(name, n, options, part):
    with pytest.raises(DataError) as caught:
        data.GENERATORS[name](n, **{"seed": 0, **options})
    assert str(caught.value).startswith(f"{name}: {part}")


@pytest.mark.parametrize("factor", [-0.1, 1.0, float("nan")])
def test_circles_refuse_factor(factor):
    with pytest.raises(DataError, match="circles: factor="):
        data.circles(10, factor=factor, seed=0)


@pytest.mark.parametrize("turns", [0.0, -1.0, float("nan"), float("inf")])
def test_spiral_refuses_turns(turns):
    with pytest.raises(DataError, match="spiral: turns="):
        data.spiral(10, turns=turns, seed=0)


def test_unknown_generator_lists_the_known_ones():
    with pytest.raises(DataError, match="circles, moons, spiral, xor; did you mean 'moons'"):
        data.generate("mons", 10, 0)


def test_numpy_integers_are_integers():
    assert data.generate("xor", np.int64(4), np.uint32(1)).rows_used == 4
