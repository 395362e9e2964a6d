"""Recurrent sequences as one record against their steps, whatever is asked of them."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest

import tinygrad_bp as tg
from tinygrad_bp.engine.rule import TABLE
from tinygrad_bp.errors import NonFiniteError, ShapeError
from tinygrad_bp.rules.sequences.recurrence import GRURun, LSTMRun, RNNRun, Run

KINDS: list[type[Run]] = [RNNRun, GRURun, LSTMRun]
M, TIME, K, N = 5, 7, 3, 4
COUNTS = np.array([[7], [0], [3], [1], [6]])

each_kind = pytest.mark.parametrize("raw", KINDS, ids=lambda raw: raw.__name__)
lengths = pytest.mark.parametrize("counts", [None, COUNTS], ids=["whole", "lengths"])


def row(raw: type[Run]) -> Any:
    return TABLE[raw.__name__.removesuffix("Run").lower()]


def arguments(raw: type[Run], dtype: Any = float, scale: float = 1.0) -> list[Any]:
    rng, width = np.random.default_rng(0), raw.gates * N
    shapes = [(M, TIME, K), (K, width), (N, width), (width,), (raw.parts, M, N)]
    shapes += [(N,)] * (len(row(raw).pulls) - len(shapes))
    return [scale * rng.normal(size=shape).astype(dtype) for shape in shapes]


def both(raw: type[Run], counts: Any) -> tuple[Any, Any]:
    """Return the record and its composition, as functions of arrays."""
    one = row(raw)
    return (
        lambda *x: one.function(*x, counts=counts),
        lambda *x: one.trial.composition(*x, counts=counts),
    )


@each_kind
@lengths
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_values_and_gradients_are_the_compositions(raw: Any, counts: Any, dtype: Any) -> None:
    record, composition = both(raw, counts)
    arrays = arguments(raw, dtype)
    exact = [one.astype(float) for one in arrays]
    tolerance = 1e-12 if dtype is np.float64 else 2e-5
    out, pull = tg.vjp(record, *arrays)
    wanted, exact_pull = tg.vjp(composition, *exact)
    assert out.dtype == dtype
    np.testing.assert_allclose(out, wanted, rtol=tolerance, atol=tolerance)
    ct = np.random.default_rng(1).normal(size=out.shape)
    for one, other in zip(pull(ct.astype(dtype)), exact_pull(ct), strict=True):
        assert one.dtype == dtype
        np.testing.assert_allclose(one, other, atol=tolerance * max(1.0, np.abs(other).max()))


@pytest.mark.parametrize("raw", [GRURun, LSTMRun])
def test_the_slope_of_an_open_gate_keeps_its_digits(raw: Any) -> None:
    """Where a gate is 1 - 1e-9, one less it has seven digits left."""
    record, composition = both(raw, None)
    arrays = arguments(raw, scale=0.1)
    arrays[3][:N] = 20.0  # the first gate
    for place in (1, 3):
        found, wanted = (
            tg.grad(lambda *x, f=f: np.sum(f(*x)), argnums=place)(*arrays)
            for f in (record, composition)
        )
        np.testing.assert_allclose(found, wanted, rtol=1e-12)


@each_kind
@lengths
def test_forward_mode_and_second_derivatives(raw: Any, counts: Any) -> None:
    record, composition = both(raw, counts)
    arrays, tangents = arguments(raw), arguments(raw, scale=0.5)

    def bent(f: Any) -> Any:
        return lambda *x: np.sum(np.sin(f(*x)))

    pairs = (
        (tg.jvp(record, arrays, tangents)[1], tg.jvp(composition, arrays, tangents)[1]),
        *zip(
            tg.hvp(bent(record), arrays, tangents),
            tg.hvp(bent(composition), arrays, tangents),
            strict=True,
        ),
    )
    for found, wanted in pairs:
        np.testing.assert_allclose(found, wanted, atol=1e-12 * np.abs(wanted).max())


@each_kind
def test_only_what_moves_is_pushed(raw: Any) -> None:
    record, composition = both(raw, None)
    arrays = arguments(raw)
    for place, one in enumerate(arrays):
        others = [*arrays[:place], *arrays[place + 1 :]]

        def moved(x: Any, f: Any, k: int = place, rest: Any = others) -> Any:
            return f(*rest[:k], x, *rest[k:])

        found, wanted = (
            tg.jvp(lambda x, f=f: moved(x, f), (one,), (np.cos(one),))[1]
            for f in (record, composition)
        )
        np.testing.assert_allclose(found, wanted, atol=1e-13)


@each_kind
def test_a_walk_leaves_what_the_next_one_reads(raw: Any) -> None:
    tensors = [tg.tensor(one, requires_grad=True) for one in arguments(raw)]
    loss = np.sum(np.sin(row(raw).function(*tensors, counts=COUNTS)))
    first, second = (tg.gradients(loss, tensors) for _ in range(2))
    again = pickle.loads(pickle.dumps((loss, tensors)))
    third = tg.gradients(again[0], again[1])
    for one, *others in zip(first, second, third, strict=True):
        assert [one.numpy().tobytes()] * 2 == [other.numpy().tobytes() for other in others]


@each_kind
def test_plain_arrays_are_copied_and_run_as_fast(raw: Any, monkeypatch: Any) -> None:
    """Only one argument tracks; the others are the user's, who changes them at once."""
    arrays = arguments(raw)
    wanted = tg.grad(lambda U: np.sum(row(raw).function(*arrays[:2], U, *arrays[3:])))(arrays[2])
    leaf = tg.tensor(arrays[2], requires_grad=True)
    out = row(raw).function(*arrays[:2], leaf, *arrays[3:])
    for one in arrays:
        one[...] = np.nan
    composed = "tinygrad_bp.rules.sequences.recurrence.pull_composed"
    monkeypatch.setattr(composed, None)  # the raw code is what runs
    np.testing.assert_array_equal(tg.gradients(out.sum(), [leaf])[0].numpy(), wanted)


@each_kind
def test_the_debug_mode_names_the_sequence(raw: Any) -> None:
    tensors = [tg.tensor(one, requires_grad=True) for one in arguments(raw)]
    name = row(raw).name
    with tg.debug():
        out = row(raw).function(*tensors)
        with pytest.raises(NonFiniteError, match=f"backward.*{name}"):
            tg.gradients(out, tensors, np.full(out.shape, np.nan))
    tensors[0] = tg.tensor(np.full((M, TIME, K), np.nan), requires_grad=True)
    with tg.debug(), pytest.raises(NonFiniteError, match=name):
        row(raw).function(*tensors)


@each_kind
def test_numbers_of_another_kind_are_composed(raw: Any) -> None:
    record, composition = both(raw, None)
    for dtype in (np.float16, complex):
        arrays = arguments(raw, dtype)
        np.testing.assert_array_equal(record(*arrays), composition(*arrays))
        assert record(*arrays).dtype == dtype
    mixed = [one.astype(np.float32) if k == 1 else one for k, one in enumerate(arguments(raw))]
    np.testing.assert_array_equal(record(*mixed), composition(*mixed))


@pytest.mark.parametrize(
    ("place", "shape", "match"),
    [
        (0, (M, K), r"expected x \(m, time, 3\) .* got \(5, 3\)"),
        (0, (M, 0, K), "at least one step"),
        (1, (K, 3), r"expected W \(n_in, 4 n\)"),
        (2, (N, N), r"U \(n, 4 n\)"),
        (3, (1,), r"b \(4 n,\)"),
        (4, (1, M, N), r"expected a state \(2, 5, 4\), got \(1, 5, 4\)"),
    ],
)
def test_what_does_not_fit_is_named(place: int, shape: Any, match: str) -> None:
    arrays = arguments(LSTMRun)
    arrays[place] = np.ones(shape)
    with pytest.raises(ShapeError, match=f"lstm: .*{match}"):
        row(LSTMRun).function(*map(tg.tensor, arrays))


def test_counts_are_one_a_sample() -> None:
    with pytest.raises(ShapeError, match=r"one count a sample, \(5, 1\), got \(5,\)"):
        row(RNNRun).function(*arguments(RNNRun), counts=np.ones(M, int))
