"""Corners of the lowering: what moves where, what is kept apart, what loops may not share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from lowered import LOOPS, compare, interpreted, program_of, spoilt
from oracles import EXACT

import tinygrad_bp as tg
from tinygrad_bp import nn
from tinygrad_bp.native import Native, build
from tinygrad_bp.native.loops import body
from tinygrad_bp.native.lowering.cells import Cells
from tinygrad_bp.native.lowering.lowering import Lowering
from tinygrad_bp.programs.family import Family
from tinygrad_bp.programs.instructions import Ref

N = 20


def rows(*columns: int) -> Any:
    return np.random.default_rng(len(columns)).normal(size=(N, *columns))


def check(f: Callable[..., Any], args: list[Any], length: int | None = N, **options: Any) -> Native:
    program, inputs = program_of(f, args)
    native = Native(Family(program, length), **options)
    coarse = max(EXACT.get(x.dtype.char, 0.0) for x in inputs)
    wanted = interpreted(program, inputs)
    with np.errstate(all="ignore"):  # the calls that are left to NumPy
        found = native.at(program, length)(inputs, spoilt(wanted))
    compare(found, wanted, coarse)
    return native


def lanes(native: Native) -> list[str]:
    return [one.lane for one in native.segments]


X, W = rows(4), np.arange(1.0, 5.0)
CORNERS: dict[str, tuple[Callable[..., Any], list[Any]]] = {
    "a reshape in the order of columns": (
        lambda a: np.exp(np.reshape(a, (3, 2), order="F")) * 2.0,
        [np.arange(6.0).reshape(2, 3)],
    ),
    "a flat loop that needs a number of its own array": (
        lambda a: (np.exp(a), np.exp(a) * np.exp(a)[-1:], np.exp(a)[::-1] + a),
        [np.arange(40.0) / 40],
    ),
    "a sum that is compared with two numbers": (  # in which LLVM has lost a lane
        lambda x: (np.sum(-x) - np.sum(-x) ** 2, (np.sum(-x) >= -0.7) & (np.sum(-x) <= 0.8)),
        [rows()],
    ),
    "single columns side by side": (
        lambda x: np.tanh(np.concatenate([x[:, :1] * 2.0, x[:, 3:] + 1.0], axis=1)),
        [X],
    ),
    "columns with others around them": (
        lambda x: (
            np.exp(np.pad(x, ((0, 0), (1, 2)))),
            np.pad(np.exp(x), ((0, 0), (2, 0)), constant_values=-np.inf) * 2.0,
            np.pad(x * 2.0, ((0, 0), (2, 1)), mode="reflect") + np.real(x)[:, :1],
        ),
        [X],
    ),
    "columns reversed, and zeros between them": (
        lambda x: np.exp(np.concatenate([x[:, ::-1], np.zeros((N, 2)), x], axis=1)),
        [X],
    ),
    "truths multiplied as matrices": (
        lambda x: ((x > 0).T @ (x > 0), (x > 0) @ np.ones((4, 2), bool), (x > 1) @ np.ones((4, 2))),
        [X],
    ),
    "columns folded, not the last": (
        lambda x: (np.sum(x * 2.0, axis=1), np.max(x * 2.0, axis=2), np.sum(x + 1.0, axis=(0, 2))),
        [rows(3, 3)],
    ),
    "the batch is not the first axis": (
        lambda x: (np.exp(x.T).T * 2.0, np.sum(x.T, axis=1), x.T + np.arange(4.0)[:, None]),
        [X],
    ),
    "a stack of products, one for each row": (
        lambda x, y: np.tanh(x[:, None, :] @ y)[:, 0] * 2.0,
        [rows(3), rows(3, 2)],
    ),
    "a product from the left, and of vectors": (
        lambda x, w: (w @ (x * 1.5).T, (x * 2.0) @ w, np.exp(x)[:, 0] @ (x + 1.0)),
        [X, W],
    ),
    "a transposed matrix": (lambda x, w: np.tanh(x @ w.T) @ (w * 2.0), [X, rows(4)[:3]]),
    "sums that depend on sums": (
        lambda x: np.sum((x - np.mean(x, axis=0)) ** 2 * np.exp(np.min(x, axis=0)), axis=0) + 1.0,
        [X],
    ),
    "a result that is asked for twice, and an argument": (
        lambda x, w: (np.exp(x) + 1.0, np.exp(x) + 1.0, x, w, w.reshape(2, 2)),
        [X, W],
    ),
    "truths": (
        lambda x: (
            np.where((x > 0) & ~(x > 1), x, -1.0),
            np.all(x > -3.0, axis=1),
            (x[:, 0] < 1) | (x[:, 1] > 1),
        ),
        [X],
    ),
    "quotients of what is huge, tiny, or zero": (
        lambda x: (x / (x * 0.0), 1.0 / (x * 1e-310), x * 1e300 / (x * x * 1e-5), 2.0 / np.exp(x)),
        [X],
    ),
    "powers": (
        lambda x, w: (x**3, x**-2, (x + 5.0) ** 0, (x**2) ** 0.5, (x**2) ** 0.3, (x**2) ** w),
        [X, W],
    ),
    "sums that loops over the same arrays need": (
        lambda a, b: (a / np.sum(a * b), np.exp(a - np.max(a)) * np.mean(b), b - a @ b),
        [np.arange(40.0) / 40, np.arange(40.0) + 1],
    ),
    "many numbers of no batch": (
        lambda a, b: (np.sum(a * b), np.mean(np.tanh(a)), np.max(a - b), a * 2.0 + b, a.T @ a),
        [rows(30), rows(30)],
    ),
    "bounds that overlap": (lambda x: np.clip(np.clip(x, -1.0, None), 0.5, -0.5), [X]),
}


@pytest.mark.parametrize("corner", CORNERS)
def test_a_corner(corner: str) -> None:
    f, args = CORNERS[corner]
    check(f, args, None)
    for loops in LOOPS:
        check(f, args, N, **loops)


def test_zeros_of_two_signs_are_two_numbers() -> None:
    program, inputs = program_of(lambda x: (x * 0.0, x * -0.0, x * 0.0 * -1.0), [X])
    found = build(Family(program, N)).at(program, N)(inputs)
    for got, value in zip(found, interpreted(program, inputs), strict=True):
        np.testing.assert_array_equal(np.signbit(got), np.signbit(value))


def test_several_results_are_numpys() -> None:
    native = check(lambda x: np.linalg.svd(x, full_matrices=False)[1] * 2.0 + 1.0, [X], None)
    assert "several" in native.stages


def test_labels_are_integers() -> None:
    labels = np.random.default_rng(0).integers(0, 4, N)

    def f(x: Any, y: Any) -> Any:
        chosen = np.where(y[:, None] == np.arange(4), x, 0.0)
        return np.sum(chosen, axis=0), (y >= 2) & (y != 3), y.astype(float) * 2.0

    assert lanes(check(f, [X, labels])) == ["d"]
    huge = np.array([[2**60, 2**60 + 1]] * N)  # the same as doubles

    def g(x: Any, y: Any) -> Any:
        first = np.where(y == 2**60, x[:, :2], 0.0) * 2.0
        return first, np.exp(np.tanh(np.log1p(np.exp(x)))), y > 2**60  # several stages later

    check(g, [X, huge])


def test_a_view_for_numpy_is_made_by_numpy() -> None:
    """Not copied element by element, which would be code as long as the array."""
    w = rows(40)
    native = check(lambda w, x: np.sort(w.T * 1.0, axis=0) @ np.tanh(x * 2.0), [w, w], None)
    assert len(native.ir.splitlines()) < 1000


def test_a_large_view_that_is_asked_for_is_a_loop() -> None:
    native = check(lambda w: (np.tanh(w * 2.0).T, np.tanh(w * 2.0)[::-1, ::-1]), [rows(40)], None)
    assert lanes(native) == ["d"]
    assert len(native.ir.splitlines()) < 1000


@pytest.mark.parametrize("pool", [nn.AvgPool1d(3, stride=2), nn.MaxPool1d(3, stride=1)])
def test_windows_that_overlap_are_added_where_they_come_from(pool: Any) -> None:
    gradient = tg.grad(lambda x: np.sum(np.sin(pool(x))))
    native = check(gradient, [rows(2, 5)])
    assert "add.at" in native.stages
    assert "add.at" not in "".join(x for x in native.stages.splitlines() if "#" in x)
    check(gradient, [rows(2, 500)])  # NumPy's


@pytest.mark.parametrize("threads", [None, 2])
@pytest.mark.parametrize(("columns", "dtype"), [(130, "d"), (256, "f"), (129, "f")])
def test_between_large_products_each_row_is_a_loop(
    columns: int, dtype: str, threads: int | None
) -> None:
    def f(x: Any, w: Any, b: Any) -> Any:
        h = np.maximum(x @ w + b, 0)
        inside = (h > 0) & (h < 1)
        y = np.where(inside, np.tanh(h) * b[0], -h) * np.float32(0.5)
        z = (y + np.reshape(b, columns)) / (1 + np.exp(h @ np.outer(b, b)))
        return np.sum(y * inside, axis=0), z, h @ w.T, inside

    rng = np.random.default_rng(0)
    w, b = rng.normal(size=(140, columns)) / 10, rng.normal(size=columns)
    args = [x.astype(dtype) for x in (rows(140), w, b)]
    native = check(f, args, threads=threads)
    done = [line for line in native.stages.splitlines() if line.startswith("    ")]
    assert {"tanh", "maximum", "where"}.isdisjoint(x.split()[2] for x in done if "#" in x)


@pytest.mark.parametrize("threads", [None, 2])
@pytest.mark.parametrize("dtype", ["d", "f"])
@pytest.mark.parametrize("columns", [(9, 17), (2, 5, 33), (21, 64), (3, 300), (170, 1), (8, 21, 1)])
def test_arrays_of_many_columns_are_loops_over_their_rows(
    columns: tuple[int, ...], dtype: str, threads: int | None
) -> None:
    """Element by element, with a number for each row and a row for all; folded in three ways."""

    def f(x: Any, row: Any) -> Any:
        largest = np.max(x, axis=-1, keepdims=True)
        known = np.where(largest == -np.inf, 0, largest)
        grown = np.exp(x - known)
        shares = grown / np.sum(grown, axis=-1, keepdims=True)
        apart = np.clip(shares, 0.01, None) * row - np.mean(shares * row, axis=-1, keepdims=True)
        front = tuple(range(x.ndim - 1))
        across = np.sum(apart, axis=front), np.mean(x, axis=front), np.min(x * row, axis=front)
        everything = np.max(x), np.mean(apart * apart), np.sum(x > 0.5 * known, dtype=x.dtype)
        rows_alone = np.prod(1 + shares / 8, axis=-1), np.min(x, axis=-1) * 2
        return apart, shares * (x > known - 1), *across, *everything, *rows_alone

    rng = np.random.default_rng(0)
    args = [rng.normal(size=(N, *columns)).astype(dtype), rng.normal(size=columns[-1:])]
    args[1] = args[1].astype(dtype)
    native = check(f, args, threads=threads)
    left = [line for line in native.stages.splitlines() if "#" in line]
    assert len(left) < (3 if columns[-1] > 1 else 20), left
    for length in (1, 3, 50):  # the same code at other lengths
        other, inputs = program_of(f, [np.resize(args[0], (length, *columns)), args[1]])
        wanted = interpreted(other, inputs)
        found = native.at(other, length)(inputs, spoilt(wanted))
        compare(found, wanted, EXACT[dtype])


@pytest.mark.parametrize("dtype", ["d", "f"])
@pytest.mark.parametrize("sides", [(6, 9, 11), (3, 64), (2, 5, 4, 7), (30, 3)])
def test_rows_are_all_that_has_one_number(sides: tuple[int, ...], dtype: str) -> None:
    """A number for each channel: a row is all behind that axis; or for each sample."""

    def of_channels(x: Any, g: Any) -> Any:
        axes = (0, *range(2, x.ndim))
        wide = (len(g), *(1,) * (x.ndim - 2))
        mean = np.mean(x, axis=axes, keepdims=True)
        apart = x - mean
        z = apart / np.sqrt(np.mean(apart * apart, axis=axes, keepdims=True) + 1e-5)
        out = z * np.reshape(g, wide) + np.reshape(g * g, wide)
        return out * (out > np.reshape(g, wide)), np.max(out, axis=axes), np.sum(out, axis=axes)

    def of_samples(x: Any, g: Any) -> Any:
        axes = tuple(range(1, x.ndim))
        norm = np.sqrt(np.sum(x * x, axis=axes, keepdims=True))
        return x / norm * g[0], np.mean(x, axis=axes), np.sum(x / norm, axis=0)

    rng = np.random.default_rng(0)
    args = [rng.normal(size=(N, *sides)).astype(dtype), rng.normal(size=sides[0]).astype(dtype)]
    for f in (of_channels, of_samples):
        native = check(f, args)
        left = [line for line in native.stages.splitlines() if "#" in line]
        assert not left or sides == (30, 3), left
        check(f, args, wide=True, most_columns=1)


def test_one_loop_is_for_all_sums_over_the_batch() -> None:
    def f(x: Any, w: Any) -> list[Any]:
        return [np.sum(np.tanh(x * w + k), axis=0) for k in range(70)]

    native = check(f, [rows(4), np.arange(4.0)], wide=True)
    assert native.ir.count(" = phi ") < 60
    assert native.ir.count("call <8 x double> @tg.tanh") == 70


def test_every_instruction_is_somewhere_and_once_unless_it_is_a_view() -> None:
    program, _ = program_of(lambda x: np.sort(np.exp(x), axis=1) + np.tanh(x), [X])
    native = build(Family(program, N))
    names = [x.name for one in native.segments for x in one.instructions]
    assert sorted(names) == sorted(x.name for x in program.instructions)


def test_values_of_two_dtypes_are_in_code_of_their_own() -> None:
    def f(x: Any, y: Any) -> Any:
        return np.tanh(x * 2.0) * 3.0, np.exp(y * 2.0) * 3.0, np.tanh(x) + np.exp(y)

    native = check(f, [X, X.astype("float32")])
    assert lanes(native)[:2] == ["d", "f"]


def test_without_a_batch_of_that_length_nothing_is_shared_between_rows() -> None:
    """An axis that happens to be as long as the batch is one too many."""
    native = check(lambda x: np.exp(x) @ np.ones((N, N)), [np.eye(N)])
    assert "two axes" in native.stages


def test_what_is_unknown_is_named() -> None:
    program, _ = program_of(lambda x: np.sort(x, axis=0) * 2.0 + 1.0, [X])
    native = build(Family(program, N))
    assert "called whole" in native.stages
    assert Ref(program.instructions[-1].name) == program.outputs


def test_many_columns_are_one_piece_of_code() -> None:
    """Also where a matrix of parameters is changed by one number."""

    def step(x: Any, w: Any, v: Any, rate: Any) -> Any:
        h = np.tanh(x @ w + v)
        d = (1.0 - h * h) * x[:, :1]
        return np.sum(h), w - rate * (x.T @ d), v - rate * np.sum(d, axis=0)

    w, v = np.linspace(-1.0, 1.0, 4 * 100).reshape(4, 100), np.linspace(-1.0, 1.0, 100)
    assert lanes(check(step, [X, w, v, np.float64(0.1)])) == ["d"]


def test_loops_over_single_columns_would_make_nothing_shorter() -> None:
    def chain(x: Any, a: Any) -> Any:
        for _ in range(1100):
            x = x * a + 0.5
        return x

    program, _ = program_of(chain, [rows(3), 0.5 * rows(3)])
    assert Lowering(program, N, frozenset()).wide
    program, _ = program_of(chain, [rows(), 0.5 * rows()])
    assert not Lowering(program, N, frozenset()).wide


@pytest.mark.parametrize(("brief", "usual"), [(False, body.BUDGET), (True, body.BRIEF)])
def test_a_long_loop_has_longer_stages_and_not_many_more(brief: bool, usual: int) -> None:
    """LLVM takes time for each by the length of all of them."""
    cells = Cells(np.dtype(float))
    x = cells.leaf("row", "x", 0, "real", varies=True)
    one, counts = x, []
    for times in (20, 40, 2 * body.STAGES, 4 * body.STAGES):
        while len(cells.order) < times * usual:
            one = cells.make("add", one, x)
        found = body.stages(cells.order, set(), brief=brief)
        assert [item for stage in found for item in stage.items] == cells.order
        counts.append(len(found))
    short, double, long, longer = counts
    assert double >= 2 * short - 1
    assert long < 1.2 * body.STAGES
    assert longer > 1.5 * long  # what stages of any length would lose in speed


@pytest.mark.parametrize(
    "f",
    [
        lambda x: np.pad(2 * x, 3),
        lambda x: np.concatenate([2 * x, 3 * x]),
        lambda x: np.stack([x, x + 1], -1),
    ],
    ids=["pad", "concatenate", "stack"],
)
def test_many_elements_of_several_values_have_no_line_each(f: Any) -> None:
    x = np.random.default_rng(0).normal(size=(40, 50))
    program, inputs = program_of(f, [x])
    native = Native(Family(program))
    assert native.ir.count("\n") < 1000
    for got, wanted in zip(native.at(program)(inputs), interpreted(program, inputs), strict=True):
        np.testing.assert_array_equal(got, wanted)
