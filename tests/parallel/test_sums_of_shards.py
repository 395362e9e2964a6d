"""The tree of sums: the same bits for any number of ranks, and what is no sum is said."""

from __future__ import annotations

import math
import pickle
import threading
from functools import partial
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from thread_ranks import on_ranks

import tinygrad_bp as tg
from tinygrad_bp.errors import DTypeError, ParallelError, ShapeError
from tinygrad_bp.parallel import Ranks, Shards
from tinygrad_bp.parallel.shards import additions, bounds
from tinygrad_bp.parallel.sums import Form, Sums

RNG = np.random.default_rng(0)
SOON = 0.3  # seconds to wait for what does not come: it decides when, and not whether
NEVER = 0.0


def bits(tree: Any) -> list[bytes]:
    return [np.asarray(one).tobytes() for one in tg.engine.containers.flatten(tree)[0]]


@given(rows=st.integers(0, 200), shards=st.integers(1, 40))
def test_shards_are_all_rows_in_their_order(rows: int, shards: int) -> None:
    places = bounds(rows, shards)
    assert len(places) == shards
    assert [row for start, end in places for row in range(start, end)] == [*range(rows)]
    sizes = [end - start for start, end in places]
    assert sizes == sorted(sizes, reverse=True)
    assert max(sizes) - min(sizes) <= 1


@given(st.integers(1, 70))
def test_every_shard_is_added_once_and_in_few_levels(shards: int) -> None:
    held = {number: {number} for number in range(shards)}
    for level, left, right in additions(shards):
        assert 0 <= level < math.ceil(math.log2(shards))
        held[left] |= held.pop(right)
    assert held == {0: {*range(shards)}}


def by_hand(terms: list[Any]) -> Any:
    """Add up neighbours until there is one: the tree, written as one thinks of it."""
    while len(terms) > 1:
        pairs = [terms[i : i + 2] for i in range(0, len(terms), 2)]
        terms = [pair[0] + pair[1] if len(pair) == 2 else pair[0] for pair in pairs]
    return terms[0]


@given(rows=st.integers(1, 60), shards=st.integers(1, 20), seed=st.integers(0, 2**32 - 1))
@settings(max_examples=30)
def test_the_sum_is_that_of_the_tree(rows: int, shards: int, seed: int) -> None:
    X = np.random.default_rng(seed).normal(size=(rows, 3)) ** 9
    parts = [X[start:end] for start, end in bounds(rows, shards) if start < end]
    wanted = by_hand([np.mean(part, axis=0) * len(part) for part in parts]) / rows
    found = Shards(shards).mean(lambda part: np.mean(part, axis=0), X)
    assert found.tobytes() == wanted.tobytes()
    np.testing.assert_allclose(found, np.mean(X, axis=0), rtol=1e-12, atol=1e-9)


def value(X: Any, n: Any) -> Any:
    return {
        "loss": float(np.mean(X**7)),
        "slopes": [np.mean(X, axis=0), np.mean(X[:, 0]).astype(np.float32)],
        "count": (np.mean(n) * 1j, len(n) > 3, np.int64(2)),
        "half": np.mean(X, axis=0).astype(np.float16),
    }


@given(data=st.data(), shards=st.integers(1, 12), seed=st.integers(0, 2**32 - 1))
@settings(max_examples=25)
def test_any_number_of_ranks_has_the_same_bits(data: Any, shards: int, seed: int) -> None:
    size = data.draw(st.integers(1, shards))
    batches = data.draw(st.lists(st.integers(1, 30), min_size=1, max_size=3))
    X = np.random.default_rng(seed).normal(size=(30, 4)) ** 3
    like = value(X, np.arange(3))

    def work(parallel: Any) -> list[bytes]:
        return [
            one for rows in batches
            for one in bits(parallel.mean(value, X[:rows], np.arange(rows), like=like))
        ]  # fmt: skip

    alone = work(Shards(shards))
    for found in on_ranks(size, lambda comm: work(Ranks(shards, comm=comm)), seed):
        assert found == alone


@pytest.mark.parametrize(("size", "most"), [(1, 8), (2, 4), (3, 3), (4, 2), (8, 1)])
def test_the_shards_are_divided_evenly(size: int, most: int) -> None:
    def work(comm: Any) -> list[int]:
        rows: list[int] = []

        def mean(part: Any) -> Any:
            rows.append(int(part[0]))
            return np.mean(part)

        Ranks(8, comm=comm).mean(mean, np.arange(8.0))
        return rows

    found = on_ranks(size, work)
    assert [one for part in found for one in part] == [*range(8)]
    assert max(map(len, found)) == most


@pytest.mark.parametrize("size", [1, 2, 3, 4])
def test_compiled_steps_of_a_network_have_the_same_bits(size: int) -> None:
    X, y = RNG.normal(size=(50, 2)), (RNG.random((50, 1)) > 0.5).astype(float)
    start = [0.1 * np.arange(6.0).reshape(2, 3), 0.1 * np.arange(3.0).reshape(3, 1)]

    def loss(weights: Any, X: Any, y: Any) -> Any:
        return tg.nn.bce_with_logits(np.tanh(X @ weights[0]) @ weights[1], y)

    slopes = tg.value_and_grad(loss)
    compiled = tg.compile(slopes, backend="numpy")

    def train(parallel: Any, step: Any) -> list[bytes]:
        weights = [one.copy() for one in start]
        for _ in range(3):
            _, found = parallel.mean(partial(step, weights), X, y)
            weights = [w - 0.5 * g for w, g in zip(weights, found, strict=True)]
        return bits(weights)

    for step in (slopes, compiled):
        alone = train(Shards(4), step)
        lock = threading.Lock()  # what is compiled is one thread's at a time

        def locked(*arguments: Any, step: Any = step, lock: Any = lock) -> Any:
            with lock:
                return step(*arguments)

        assert on_ranks(size, lambda comm: train(Ranks(4, comm=comm), locked)) == [alone] * size


def test_the_layout_of_an_array_changes_no_bit() -> None:
    X = RNG.normal(size=(3000, 5))
    pickled = pickle.loads(pickle.dumps(X))
    layouts = [X, np.asfortranarray(X), np.repeat(X, 2, axis=1)[:, ::2], pickled]
    W = tg.tensor(RNG.normal(size=(5, 2)))

    def work(part: Any) -> Any:
        return np.mean(part @ W, axis=0), np.mean(np.tanh(part)), np.mean(part, axis=0)

    assert len({b"".join(bits(Shards(2).mean(work, one))) for one in layouts}) == 1


def test_dtypes_come_back_and_integers_have_a_mean() -> None:
    found = Shards(3).mean(value, np.ones((9, 2)), np.arange(9))
    kinds = [np.asarray(one).dtype for one in tg.engine.containers.flatten(found)[0]]
    assert [one.name for one in kinds] == [
        "float64", "float64", "float32", "complex128", "float64", "float64", "float16",
    ]  # fmt: skip
    assert found["count"] == (4j, 0.0, 2.0)


def test_half_precision_is_added_up_in_single() -> None:
    large = np.full((4, 1), 60_000.0, np.float16)
    assert Shards(4).mean(lambda part: part[0, 0], large) == 60_000.0


def test_tensors_are_taken_for_their_values() -> None:
    w = tg.tensor(2.0, requires_grad=True)
    assert Shards(2).mean(lambda part: np.mean(part * w), np.array([1.0, 3.0])) == 4.0


def test_sums_travel_as_pickles() -> None:
    sums = Sums.of({"a": np.arange(3.0), "b": [np.float32(1.5)]}, 4)
    again = pickle.loads(pickle.dumps(sums))
    assert bits(again.add(sums).mean(8)) == bits({"a": np.arange(3.0), "b": [np.float32(1.5)]})


def test_forms_differ_where_shapes_or_dtypes_do() -> None:
    forms = [np.zeros(3), np.zeros(3, np.float32), np.zeros((3, 1)), [np.zeros(3), 1.0]]
    assert len({Form(one).key for one in forms}) == len(forms)


# What ranks do when not all is well


def gave_up(found: list[Any], *words: str) -> None:
    texts = [str(one) for one in found if isinstance(one, ParallelError)]
    assert any(all(word in text for word in words) for text in texts), found


@pytest.mark.parametrize("lost", [0, 1, 2, 3, 4])
def test_a_rank_that_says_nothing_is_named(lost: int) -> None:
    def work(comm: Any) -> Any:
        Ranks(8, comm=comm).mean(np.mean, np.arange(20.0))  # all are there
        if comm.rank == lost:
            return "gone"
        Ranks(8, deadline=SOON, comm=comm).mean(np.mean, np.arange(20.0))
        return "done"

    found = on_ranks(5, work, abort=False)
    gave_up(found, f"no word from rank {lost} for", "step 1", f"deadline={SOON}")


def test_a_rank_that_adds_something_else_is_named() -> None:
    def work(comm: Any) -> Any:
        ranks = Ranks(4, comm=comm)
        X = np.ones((8, 2 if comm.rank == 1 else 3))
        return ranks.mean(lambda part: np.mean(part, axis=0), X)

    gave_up(on_ranks(2, work), "rank 0, step 1: rank 1 adds numbers", "same calls")


def test_a_rank_that_adds_more_is_named() -> None:
    def work(comm: Any) -> Any:
        ranks = Ranks(4, comm=comm)
        X = np.ones((8, 9 if comm.rank == 1 else 3))
        return ranks.mean(lambda part: np.mean(part, axis=0), X)

    gave_up(on_ranks(2, work), "the message of rank 1", "truncated")


def test_a_rank_that_left_out_a_step_is_named() -> None:
    def work(comm: Any) -> Any:
        ranks = Ranks(4, comm=comm)
        if comm.rank == 0:
            ranks._calls += 1
        return ranks.mean(np.mean, np.ones(8))

    gave_up(on_ranks(2, work), "rank 1 adds numbers of another step")


def test_ranks_agree_or_all_hear_who_does_not() -> None:
    def work(comm: Any) -> Any:
        ranks = Ranks(4, comm=comm)
        ranks.agree({"weights": b"same", "data": b"same"})
        ranks.agree({"weights": b"same", "data": b"other" if comm.rank == 2 else b"mine"})

    found = on_ranks(3, work, abort=False)
    assert [str(one)[:40] for one in found] == ["data: rank 2 has another than rank 0; gi"] * 3


def test_a_rank_without_rows_needs_a_form() -> None:
    def work(comm: Any) -> Any:
        return Ranks(4, deadline=SOON, comm=comm).mean(np.mean, np.ones(1))

    assert isinstance(on_ranks(2, work, abort=False)[1], ShapeError)


@pytest.mark.parametrize(
    ("make", "kind", "words"),
    [
        (lambda: Shards(0), ValueError, "shards=0; expected an integer"),
        (lambda: Shards(2.5), ValueError, "shards=2.5"),
        (lambda: Shards().mean(np.mean), ShapeError, "columns of no rows"),
        (lambda: Shards().mean(np.mean, []), ShapeError, "columns of 0 rows"),
        (lambda: Shards().mean(np.mean, [1.0], [1.0, 2.0]), ShapeError, "1, 2 rows|2, 1 rows"),
        (lambda: Shards().mean(lambda x: "text", [1.0]), DTypeError, "'text' is no number"),
        (lambda: Shards().mean(lambda x: None, [1.0]), DTypeError, "None is no number"),
    ],
)
def test_what_cannot_be_divided_is_said(make: Any, kind: Any, words: str) -> None:
    with pytest.raises(kind, match=words):
        make()


def test_ranks_are_refused_that_would_have_no_shard() -> None:
    (error, *_) = on_ranks(3, lambda comm: Ranks(2, comm=comm))
    assert isinstance(error, ValueError)
    assert "shards=2 for 3 ranks" in str(error)


def test_a_deadline_is_a_time() -> None:
    (error,) = on_ranks(1, lambda comm: Ranks(2, deadline=NEVER, comm=comm))
    assert f"deadline={NEVER}; expected seconds" in str(error)
