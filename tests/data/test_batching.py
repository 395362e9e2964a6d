"""Batches and parts: every sample once, by the seed, and no row read before its time."""

from __future__ import annotations

import numpy as np
import pytest
from extras import extra
from hypothesis import given
from hypothesis import strategies as st

from tinygrad_bp.data import batches, split
from tinygrad_bp.errors import DataError

X = np.arange(20.0).reshape(10, 2)
Y = np.arange(10)


class Counting:
    """An array on a disk, as it were: it counts the rows that are read, and wants them in order."""

    def __init__(self, array):
        self._array, self.shape, self.dtype, self.ndim = array, array.shape, array.dtype, array.ndim
        self.read = []

    def __len__(self):
        return len(self._array)

    def __getitem__(self, rows):
        places = np.arange(len(self))[rows]
        assert (np.diff(places) > 0).all()
        self.read.append(len(places))
        return self._array[rows]


@given(st.integers(1, 12), st.integers(1, 13), st.booleans(), st.booleans(), st.integers(0, 9))
def test_an_epoch_has_every_sample_once(rows, size, shuffle, drop_last, seed):
    data, target = X[:1].repeat(rows, 0) + np.arange(rows)[:, None], np.arange(rows)
    epoch = batches(data, target, size, rng=seed, shuffle=shuffle, drop_last=drop_last)
    found = list(epoch)
    assert len(found) == len(epoch)
    assert all(len(x) == size for x, _ in found[:-1])
    seen = [label for _, y in found for label in y.tolist()]
    left = rows % size if drop_last else 0
    assert len(seen) == len({*seen}) == rows - left
    if not shuffle:
        assert seen == list(range(rows - left))
    for x, y in found:
        np.testing.assert_array_equal(x, data[y])


def test_each_epoch_has_another_order_and_a_seed_the_same_orders():
    first, again = (batches(Y, size=10, rng=3, shuffle=True) for _ in range(2))
    orders = [next(iter(first)).tolist() for _ in range(3)]
    assert [next(iter(again)).tolist() for _ in range(3)] == orders
    assert orders[0] != orders[1] != orders[2]


@pytest.mark.parametrize("shuffle", [False, True])
def test_a_batch_reads_its_own_rows_and_no_others(shuffle):
    data, target = Counting(X), Counting(Y)
    epoch = iter(batches(data, target, 4, rng=0, shuffle=shuffle))
    assert (data.read, target.read) == ([], [])
    x, y = next(epoch)
    assert (data.read, target.read) == ([4], [4])
    np.testing.assert_array_equal(x, X[y])
    assert [len(x) for x, _ in epoch] == [4, 2]
    assert data.read == [4, 4, 2]


@pytest.mark.parametrize("shuffle", [False, True])
def test_a_part_of_what_is_not_in_memory_reads_when_it_is_asked(shuffle):
    data, target = Counting(X), Counting(Y)
    (train, labels), (held, held_labels) = split(data, target, 0.3, rng=0)
    assert (data.read, target.read) == ([], [])
    x, y = next(iter(batches(train, labels, 5, rng=1, shuffle=shuffle)))
    assert (data.read, target.read) == ([5], [5])
    np.testing.assert_array_equal(x, X[y])
    assert np.asarray(held).tolist() == X[np.asarray(held_labels)].tolist()
    assert sorted([*np.asarray(labels), *np.asarray(held_labels)]) == Y.tolist()


def test_of_an_unread_batch_any_slice_is_read():
    X = np.arange(20).reshape(10, 2)
    for seed in (None, 0):
        read = batches(X, size=4, rng=seed, shuffle=seed is not None)
        unread = batches(X, size=4, rng=seed, shuffle=seed is not None).unread()
        for whole, rows in zip(read, unread, strict=True):
            for place in (slice(None), slice(1, 3), slice(1, None, 2), slice(None, None, 3)):
                assert np.array_equal(rows[place], whole[place])


def test_memory_mapped_arrays(tmp_path):
    path = tmp_path / "X.npy"
    np.save(path, X)
    mapped = np.load(path, mmap_mode="r")
    for shuffle in (False, True):
        for x, y in batches(mapped, Y, 3, rng=0, shuffle=shuffle):
            np.testing.assert_array_equal(x, X[y])
    part, _ = split(mapped, None, 0.5, rng=0)
    assert not isinstance(part, np.ndarray)
    assert part.shape == (5, 2)


@pytest.mark.parametrize("shuffle", [False, True])
def test_dask_arrays_compute_the_chunks_of_a_batch(shuffle):
    dask_array = extra("dask.array")
    loaded = []

    def load(block, block_info=None):
        loaded.append(block_info[0]["chunk-location"])
        return block

    data = dask_array.from_array(X, chunks=(5, 2)).map_blocks(load, dtype=float, meta=X[:0])
    target = dask_array.from_array(Y, chunks=5)
    epoch = iter(batches(data, target, 5, rng=0, shuffle=shuffle))
    assert loaded == []
    x, y = next(epoch)
    assert type(x) is np.ndarray
    np.testing.assert_array_equal(x, X[y])
    if not shuffle:
        assert loaded == [(0, 0)]
    _, (held, labels) = split(data, target, 0.4, rng=0)
    np.testing.assert_array_equal(held.compute(), X[labels.compute()])


def test_several_inputs_stay_a_tuple():
    (first, second), y = next(iter(batches((X, X[:, 0]), Y, 3)))
    assert (first.shape, second.shape, y.tolist()) == ((3, 2), (3,), [0, 1, 2])
    ((train, other), labels), _ = split((X, X[:, 0]), Y, rng=0)
    np.testing.assert_array_equal(train[:, 0], other)
    np.testing.assert_array_equal(train, X[labels])


def test_an_iterable_is_gathered_as_it_comes():
    taken = []

    def samples():
        for x, y in zip(X, Y, strict=True):
            taken.append(int(y))
            yield x, y

    epoch = iter(batches(samples(), size=4))
    x, _ = next(epoch)
    assert taken == [0, 1, 2, 3]
    np.testing.assert_array_equal(x, X[:4])
    assert [len(y) for _, y in epoch] == [4, 2]
    assert [len(x) for x in batches(iter(X), size=4, drop_last=True)] == [4, 4]
    assert [y.tolist() for _, y in batches(map(tuple, X), iter(Y), 6)] == [
        [*range(6)],
        [6, 7, 8, 9],
    ]


def test_an_iterator_that_is_used_up_is_said():
    once = batches(iter(X), size=4)
    list(once)
    with pytest.raises(DataError, match="used up"):
        list(once)


def test_lists_are_arrays():
    assert [x.tolist() for x in batches([1.0, 2.0, 3.0], size=2)] == [[1.0, 2.0], [3.0]]


@given(st.integers(2, 30), st.floats(0.01, 0.99), st.integers(0, 9))
def test_the_parts_are_all_the_rows_each_once_and_in_order(rows, fraction, seed):
    train, held = split(np.arange(rows), None, fraction, rng=seed)
    assert sorted([*train, *held]) == list(range(rows))
    assert len(held) == min(max(round(fraction * rows), 1), rows - 1)
    assert (np.diff(train) > 0).all()
    assert (np.diff(held) > 0).all()


def test_a_split_by_class_takes_its_share_of_each():
    labels = np.repeat(["a", "b", "c"], [20, 10, 5])
    _, (_, held) = split(np.arange(35), labels, 0.2, rng=0, by_class=True)
    assert [np.count_nonzero(held == name) for name in "abc"] == [4, 2, 1]


@pytest.mark.parametrize(
    "call",
    [
        lambda: batches(X, Y[:9]),
        lambda: batches(X[:0]),
        lambda: batches(np.float64(3.0)),
        lambda: batches((X, X)),
        lambda: batches(iter(X), shuffle=True),
        lambda: split(X[:1]),
        lambda: split(X, Y, 1.0),
    ],
)
def test_what_cannot_be_divided_is_refused(call):
    with pytest.raises(DataError):
        call()


@pytest.mark.parametrize("size", [0, 2.5, None])
def test_a_size_is_an_integer(size):
    with pytest.raises(ValueError, match="size"):
        batches(X, Y, size)
