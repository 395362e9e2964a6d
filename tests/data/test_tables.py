"""The table, the hold-out split and the bundled penguins."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinygrad_bp import data
from tinygrad_bp.errors import DataError


def test_table_checks_its_parts():
    X, y = np.zeros((2, 1)), np.array([0.0, 1.0])
    table = data.Table(X, y, ("x",), ("a", "b"), "t")
    with pytest.raises(AttributeError):
        table.name = "other"
    for wrong in [(X[:1], y, ("x",)), (X, y, ("x", "z")), (X.astype(np.float32), y, ("x",))]:
        with pytest.raises(DataError, match="Table: X is"):
            data.Table(*wrong, ("a", "b"), "t")
    with pytest.raises(DataError, match="labels 0, 1 and so on"):
        data.Table(X, y + 1, ("x",), ("a", "b"), "t")


def test_penguins():
    table = data.penguins()
    assert (table.rows_used, table.rows_dropped, table.name) == (219, 1, "penguins")
    assert table.class_names == ("Adelie", "Chinstrap")
    assert table.feature_names == ("bill_length_mm", "bill_depth_mm")
    assert table.dropped[0].line == 5
    assert "'bill_length_mm', 'bill_depth_mm'" in table.dropped[0].reason
    assert np.bincount(table.y.astype(int)).tolist() == [151, 68]
    assert table.X[0].tolist() == [39.1, 18.7]
    # computed from the file of the palmerpenguins 0.1.6 package without this reader
    means = [table.X[table.y == label].mean(axis=0) for label in (0, 1)]
    np.testing.assert_allclose(means, [[38.79, 18.35], [48.83, 18.42]], atol=0.01)


@settings(max_examples=60)
@given(
    counts=st.lists(st.integers(2, 30), min_size=1, max_size=4),
    fraction=st.floats(0.001, 0.999),
    seed=st.integers(0, 99),
)
def test_holdout_split_is_a_stratified_partition(counts, fraction, seed):
    y = np.random.default_rng(seed).permutation(np.repeat(np.arange(len(counts)), counts))
    train, heldout = data.holdout_split(y, fraction, np.random.default_rng(seed))
    assert sorted([*train, *heldout]) == list(range(len(y)))
    assert (np.diff(train) > 0).all()
    assert (np.diff(heldout) > 0).all()
    for label, count in enumerate(counts):
        size = np.count_nonzero(y[heldout] == label)
        assert 1 <= size <= count - 1
        assert abs(size - fraction * count) <= 1
    again = data.holdout_split(y, fraction, np.random.default_rng(seed))
    np.testing.assert_array_equal(again[1], heldout)


def test_holdout_split_depends_on_the_stream():
    y = np.repeat((0.0, 1.0), 50)
    draws = {tuple(data.holdout_split(y, 0.3, np.random.default_rng(seed))[1]) for seed in range(5)}
    assert len(draws) == 5


@pytest.mark.parametrize(
    ("y", "fraction", "rng", "part"),
    [
        ([0, 0, 1], 0.5, None, "class 1 has 1 row"),
        ([], 0.5, None, "shape (0,)"),
        ([[0, 1]], 0.5, None, "shape (1, 2)"),
        ([0, 0, 1, 1], 0.0, None, "fraction=0.0"),
        ([0, 0, 1, 1], 1.0, None, "fraction=1.0"),
        ([0, 0, 1, 1], float("nan"), None, "fraction=nan"),
        ([0, 0, 1, 1], 0.5, 7, "rng=7"),
    ],
)
def test_holdout_split_refuses(y, fraction, rng, part):
    with pytest.raises(DataError) as caught:
        data.holdout_split(y, fraction, np.random.default_rng(0) if rng is None else rng)
    assert part in str(caught.value)
