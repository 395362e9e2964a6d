"""Programs that are machine code and NumPy's calls by turns, on arrays that stay."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from lowered import program_of, spoilt
from test_native import Step, mixed

import tinygrad_bp as tg
from tinygrad_bp.native import Native, build
from tinygrad_bp.native.calls.chained import Chain
from tinygrad_bp.programs.family import Family

RNG = np.random.default_rng(0)
X, W = RNG.normal(size=(20, 3)), np.array([1.0, 2.0, 3.0])


def views_of_what_is_made_anew(x: Any, w: Any) -> Any:
    """A sorted array that nobody else reads, and views of it that are read much later."""
    first = np.sort(x * w, axis=0)[::-1]
    second = np.sort(x + w, axis=0)
    third = np.cumsum(np.sort(second, axis=0), axis=0)
    return np.tanh(first + third) * w, first[:2], np.transpose(second)


def numbers_of_python(x: Any, w: Any) -> Any:
    y = np.cumsum(x, axis=0) ** 2 + 0.5
    return np.sum(np.sqrt(np.sort(y, axis=0)), axis=0) * float(3), y @ np.outer(w, w), w


def truths(x: Any, w: Any) -> Any:
    y = np.sort(x, axis=0)
    return np.where(y > w, y, w), np.logical_and(y > 0, np.cumsum(x, axis=0) < 1), np.clip(y, 0, 1)


def views_of_constants(x: Any, w: Any) -> Any:
    y = np.cumsum(x, axis=0) + np.expand_dims(np.float64(0.5), 0)
    return np.sort(y * np.reshape(np.arange(3.0), (1, 3)), axis=0) + w, np.transpose(np.eye(3))


def single_numbers_made_anew(x: Any, w: Any) -> Any:
    y = np.einsum("ij,j->", x, w)
    return np.exp(y * 1e-3) + w * y, np.broadcast_to(np.expand_dims(y, 0), (3,)) * np.cumsum(w)


def choices_by_numpy(x: Any, w: Any) -> Any:
    """Of other kinds of conditions, with numbers, broadcast, and of what is read again."""
    y = np.sort(x, axis=0)
    ranks = np.argsort(x, axis=0)
    chosen = np.where(ranks, y, 0.0)
    again = np.where(np.isnan(np.sort(np.sqrt(chosen), axis=0)), w, chosen)
    whole = np.where(ranks > 3, ranks, 1)
    return np.cumsum(again, axis=0), np.where(y[:1] > 0, 2, np.sort(whole, axis=0)), chosen


def writes_into_what_is_read_and_what_is_not(x: Any, w: Any) -> Any:
    y = np.cumsum(x, axis=0)
    grown = np.zeros((21, 3), like=y)
    for part in (slice(0, 20), slice(1, 21), slice(0, 20)):
        np.add.at(grown, (part, Ellipsis), np.sort(y, axis=0))
    changed = y.copy()
    changed[2:5] = w
    changed[7] = 2.0 * w
    again = np.sort(changed, axis=0)
    ranks = np.argsort(y[:, 0])
    counted = np.zeros((20, 3), like=y)
    np.add.at(counted, (ranks // 2,), y[::-1])
    return grown, np.cumsum(again, axis=0), y * 1.5, changed, np.sort(counted, axis=0)


PROGRAMS: dict[str, Callable[..., Any]] = {
    one.__name__: one
    for one in (
        mixed,
        views_of_what_is_made_anew,
        numbers_of_python,
        truths,
        views_of_constants,
        single_numbers_made_anew,
        choices_by_numpy,
        writes_into_what_is_read_and_what_is_not,
    )
}


def held(family: Family, program: Any, inputs: list[Any], rows: int | None) -> Any:
    """Check that calls with arrays that stay give the bits of any other call."""
    bound = build(family).at(program, rows)
    outs = [spoilt(bound(inputs)) for _ in range(2)]
    calls = [bound.fixed(inputs, out) for out in outs]
    for scale in (1.0, -0.5, 3.0):
        for x in inputs:
            x[...] *= scale
        wanted = bound(inputs)
        for call, out in zip(calls, outs, strict=True):
            call()
            for got, value in zip(out, wanted, strict=True):
                np.testing.assert_array_equal(got, value)
    return calls[0]


@pytest.mark.parametrize("name", PROGRAMS)
@pytest.mark.parametrize("rows", [20, None])
def test_a_chain_gives_the_bits_of_a_call(name: str, rows: int | None) -> None:
    program, inputs = program_of(PROGRAMS[name], [X.copy(), W.copy()])
    chain = held(Family(program, rows), program, inputs, rows)
    assert not chain._values.fresh  # nothing is held from one call to the next


def test_a_view_that_code_has_read_from_a_copy_is_a_view_for_numpy() -> None:
    """Which adds in another order where it lies in a row."""

    def f(x: Any, y: Any, z: Any) -> Any:
        wide = np.broadcast_to(x, (2, 3))
        out = np.einsum("ij,jk,kl->il", wide, y, z)
        weights = np.cos(np.arange(1.0, 9.0)).reshape(2, 4)
        return np.sum(out * weights) + 0.5 * np.sum(wide, keepdims=True)[0, 0]

    rng = np.random.default_rng(0)
    args = [rng.normal(size=side) for side in ((3,), (3, 2), (2, 4))]
    program, inputs = program_of(tg.value_and_grad(f, (0, 1, 2)), args)
    bound = Native(Family(program, 2), wide=True).at(program, 2)
    for _ in range(20):
        inputs = [rng.normal(size=x.shape) for x in inputs]
        wanted = bound(inputs)
        out = spoilt(wanted)
        call = bound.fixed(inputs, out)
        assert call is not None
        call()
        for got, value in zip(out, wanted, strict=True):
            np.testing.assert_array_equal(got, value)


def test_calls_share_memory_that_goes_with_them() -> None:
    program, inputs = program_of(mixed, [X.copy(), W.copy()])
    bound = build(Family(program, 20)).at(program, 20)
    first, second = (bound.fixed(inputs, spoilt(bound(inputs))) for _ in range(2))
    assert isinstance(first, Chain)
    assert isinstance(second, Chain)
    assert first._pool is second._pool
    pool = weakref.ref(first._pool)
    del first, second
    assert pool() is None


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_large_products_write_where_the_update_is_to_be(dtype: str) -> None:
    step = Step((150, 130, 1), dtype)
    program, inputs = step.at(40)
    native = build(step.family, step.carry)
    assert {one.lane for one in native.segments} == {"numpy", np.dtype(dtype).char}
    assert any(code.kernel.over for code in native._codes if code is not None)
    held(step.family, program, inputs, 40)


A, B = np.arange(1.0, 81.0) / 40, np.arange(80.0, 0.0, -1) / 40  # several tiles


def read_in_a_later_stage(a: Any, b: Any) -> Any:
    big = np.cbrt(a)
    first, z = big * 2.0 + b, big
    for _ in range(6):
        z = np.sin(np.exp(-z * z) + b)
    return first, z + big


def read_as_a_number(a: Any, b: Any) -> Any:
    big = np.cbrt(a)
    return np.exp(big) * b, np.exp(big) * big[1:2] + b


def read_in_a_later_loop(a: Any, b: Any) -> Any:
    big = np.cbrt(a)
    first = big * 2.0 + b
    return first, np.sum((big - np.sum(first * b)) ** 2)


def read_after_the_code(a: Any, b: Any) -> Any:
    big = np.cbrt(a)
    first = np.exp(big) * b + 1.0
    return first, np.hypot(big, first)


def read_as_an_output(a: Any, b: Any) -> Any:
    big = np.cbrt(a)
    return big, np.exp(big) * b, np.reshape(big, (8, 10))


def parts_of_what_nobody_else_reads(a: Any, b: Any) -> Any:
    one, two = np.split(np.cbrt(a), 2)
    other = np.hypot(np.cbrt(b), 1.0)
    return np.hypot(one, two) + other[:40], np.cbrt(other)


def written_over(a: Any, b: Any) -> Any:
    big = np.cbrt(a)
    return np.exp(big) * b + big, np.cbrt(b)


@pytest.mark.parametrize(
    "f",
    [
        read_in_a_later_stage,
        read_as_a_number,
        read_in_a_later_loop,
        read_after_the_code,
        read_as_an_output,
        parts_of_what_nobody_else_reads,
        written_over,
    ],
)
def test_what_is_read_again_is_not_written_over(f: Callable[..., Any]) -> None:
    program, inputs = program_of(f, [A.copy(), B.copy()])
    chain = held(Family(program, None), program, inputs, None)
    assert chain._overlaid or f is not written_over


def test_an_error_leaves_the_state_before_a_step_and_nothing_held(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made, make = [], Chain.__init__

    def counted(self: Any, *args: Any) -> None:
        made.append(self)
        make(self, *args)

    monkeypatch.setattr(Chain, "__init__", counted)
    W = tg.tensor(np.eye(3) + 0.1, requires_grad=True, name="W")
    own = tg.optim.SGD([W], lr=0.1)

    @tg.compile(state=(W, own), backend="native")
    def step(x: Any) -> Any:
        loss = np.sum(np.linalg.inv(x @ W) ** 2)
        loss.backward()
        own.step()
        own.zero_grad()
        return loss

    for _ in range(4):
        step(np.eye(3) * 2.0)
    before, count = W.numpy().copy(), len(made)
    assert count
    with pytest.raises(np.linalg.LinAlgError):
        step(np.zeros((3, 3)))
    np.testing.assert_array_equal(W.numpy(), before)
    step(np.eye(3) * 2.0)
    assert not np.array_equal(W.numpy(), before)
    assert len(made) == count  # no array counts as held by somebody
