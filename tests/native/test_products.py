"""Large products by code of their own: sums in one order, whoever computes them and how."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from extras import extra
from lowered import program_of

from tinygrad_bp.native import Native
from tinygrad_bp.native.calls import products
from tinygrad_bp.native.calls.crew import CREW
from tinygrad_bp.native.calls.products import Products
from tinygrad_bp.native.llvm import machine
from tinygrad_bp.native.loops import dense
from tinygrad_bp.programs.family import Family

# Rows, columns, terms: less than a tile, one of it and more, several blocks and panels.
SIZES = ((8, 9, 8), (9, 33, 17), (130, 70, 300), (17, 530, 520), (784, 48, 31))
STACKS = (((), ()), ((3,), (3,)), ((2, 1, 3), (4, 1)), ((5,), ()))


@pytest.fixture(autouse=True)
def _own(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let code multiply on any processor, and end the threads: other tests fork."""
    extra("llvmlite")
    monkeypatch.setattr(Products, "_own", True)
    monkeypatch.setattr(products, "SHARED", 0)
    yield
    CREW.end()


def matrices(
    sizes: tuple[int, int, int],
    dtype: str,
    stacks: Any = ((), ()),
) -> Iterator[tuple[Any, Any]]:
    """Yield pairs of arrays that lie in memory in several ways."""
    rng, (m, n, k) = np.random.default_rng(sum(sizes)), sizes
    x, y = (
        rng.normal(size=(*stack, *two)).astype(dtype)
        for stack, two in zip(stacks, ((m, k), (k, n)), strict=True)
    )
    turned_x, turned_y = (np.swapaxes(np.swapaxes(a, -1, -2).copy(), -1, -2) for a in (x, y))
    yield x, y
    yield turned_x, y
    yield x, turned_y
    yield turned_x, turned_y
    yield x[..., ::-1, ::-1], np.repeat(y, 2, -1)[..., ::2]
    field = np.zeros(x.shape, [("before", "i1"), ("x", dtype)])["x"]  # on no boundaries
    field[...] = x
    yield field, y


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("sizes", SIZES)
def test_products_are_sums_in_one_order(sizes: tuple[int, int, int], dtype: str) -> None:
    own, eps = Products(1), np.finfo(dtype).eps
    bits: dict[bytes, bytes] = {}
    for x, y in matrices(sizes, dtype):
        assert own.fits(x, y)
        got = own(x, y)
        exact = x.astype(np.longdouble) @ y.astype(np.longdouble)
        room = np.abs(x).astype(np.longdouble) @ np.abs(y)
        # of blocks, each a chain of so many roundings, and of the sum of these
        roundings = min(sizes[2], dense.DEPTH) + sizes[2] // dense.DEPTH
        assert got.dtype == dtype
        assert np.all(np.abs(got - exact) <= roundings * eps * room)
        for threads in (2, 3):
            np.testing.assert_array_equal(Products(threads)(x, y), got)
        key = np.ascontiguousarray(x).tobytes() + np.ascontiguousarray(y).tobytes()
        assert bits.setdefault(key, got.tobytes()) == got.tobytes()


@pytest.mark.parametrize("code", [True, False])
@pytest.mark.parametrize("stacked", [True, False])
@pytest.mark.parametrize("terms", [9, dense.DEPTH + 9])
def test_products_are_added(code: bool, stacked: bool, terms: int) -> None:
    own = Products(1)
    own._own = code
    rng = np.random.default_rng(terms)
    x, y = rng.normal(size=(3, 9, terms)), rng.normal(size=(3, 11, terms)).swapaxes(1, 2)
    before = rng.normal(size=(3, 9, 20) if stacked else (9, 20))[..., 5:16]
    out = before.copy()
    call = own.placed(x, y, out, own.memory(out.dtype), adds=True)
    call()
    wanted = before + (np.matmul(x, y) if stacked else np.matmul(x, y).sum(0))
    np.testing.assert_allclose(out, wanted, rtol=1e-12, atol=1e-12)
    call()
    np.testing.assert_allclose(out, 2 * wanted - before, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("stacks", STACKS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_stack_has_the_products_of_its_matrices(stacks: Any, dtype: str) -> None:
    for x, y in matrices((9, 17, 12), dtype, stacks):
        for threads in (1, 2):
            got = Products(threads)(x, y)
            stack = got.shape[:-2]
            assert stack == np.broadcast_shapes(*stacks)
            left, right = (np.broadcast_to(a, (*stack, *a.shape[-2:])) for a in (x, y))
            for place in np.ndindex(stack):
                np.testing.assert_array_equal(got[place], Products(1)(left[place], right[place]))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_what_is_no_number_stays_in_its_row_and_column(dtype: str) -> None:
    x, y = np.ones((9, 10), dtype), np.ones((10, 19), dtype)
    x[2, 3], y[4, 5], x[7] = np.nan, np.inf, -0.0
    wanted = np.full((9, 19), 10.0, dtype)
    wanted[7], wanted[:, 5], wanted[7, 5], wanted[2] = 0, np.inf, np.nan, np.nan
    np.testing.assert_array_equal(Products(1)(x, y), wanted)


def test_the_bits_depend_on_no_processor() -> None:
    here = machine.host()
    if not here.triple.startswith("x86_64"):
        pytest.skip("the processors are those of x86-64")
    x, y = next(matrices((33, 40, 300), "float32"))
    wanted = Products(1)(x, y)
    known = {"haswell": (), "x86-64-v3": (), "skylake-avx512": ("avx512f", "avx512vl")}
    for cpu, needed in known.items():
        if not here.instructions.issuperset(needed):
            continue
        target = machine.Target(here.triple, cpu, "", frozenset(needed))
        code = machine.Code(
            machine.compile_object(dense.text("float", target.instructions), target), [dense.NAME]
        )
        function = code.function(dense.NAME, None, ctypes.c_void_p, ctypes.c_int64, ctypes.c_void_p)
        out = np.full_like(wanted, np.nan)
        tasks = products._tasks(x, y, out, 1)
        (memory,) = Products(1).memory(out.dtype)
        function(products.address(tasks), len(tasks), products.address(memory))
        np.testing.assert_array_equal(out, wanted, err_msg=cpu)


def test_few_numbers_and_other_types_are_left_to_numpy() -> None:
    x = np.ones((16, 16))
    own = Products(1)
    assert own.fits(x, x)
    others: list[Any] = [
        x[:7], x[0], x.astype(">f8"), x.astype(complex), x.astype(int), x.astype("f4"), 1.0
    ]  # fmt: skip
    assert not any(own.fits(one, x) for one in others)
    assert not own.fits(x, x[:, :4])
    assert not own.fits(x[:, :7], x[:7])


def test_a_program_has_the_same_bits_however_it_is_called() -> None:
    def f(x: Any, w: Any) -> Any:
        return (x @ w).T @ x

    rng = np.random.default_rng(1)
    inputs = [rng.normal(size=(40, 200)), rng.normal(size=(200, 150))]
    program, _ = program_of(f, inputs)
    native = Native(Family(program, None))
    assert any(one.lane == "numpy" for one in native.segments)
    bound = native.at(program)
    (wanted,) = bound(inputs)
    out = np.empty_like(wanted)
    call = bound.fixed(inputs, [out])
    assert call is not None
    call()
    np.testing.assert_array_equal(out, wanted)
    np.testing.assert_array_equal(wanted, Products(1)(Products(1)(*inputs).T, inputs[0]))
