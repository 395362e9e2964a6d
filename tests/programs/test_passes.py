"""Each pass by itself, on programs written as text, and that all of them leave every bit alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tinygrad_bp as tg
from tinygrad_bp.programs import Program
from tinygrad_bp.programs.from_function import traced
from tinygrad_bp.programs.passes import PASSES, canonicalise, drop, share, simplify

X = "x: float64[3]"
LINE = "float64[3]"
# What a pass makes of the lines of a program with the input x; the last value is the result.
CASES: list[tuple[Callable[[Any], Any], str, str]] = [
    (canonicalise, f"a: {LINE} = multiply(x, float64(2.0))", f"a: {LINE} = multiply(x, 2.0)"),
    (
        canonicalise,
        "a: float32[3] = astype(x, float32); b: float64[3] = multiply(a, float64(2.0))",
        "a: float32[3] = astype(x, float32); b: float64[3] = multiply(a, float64(2.0))",
    ),
    (  # Python's number would be compared in single precision
        canonicalise,
        "a: float32[3] = astype(x, float32); b: bool[3] = less(a, float64(0.1))",
        "a: float32[3] = astype(x, float32); b: bool[3] = less(a, float64(0.1))",
    ),
    (
        canonicalise,
        "a: float32[3] = astype(x, float32); b: bool[3] = less(a, float32(0.5))",
        "a: float32[3] = astype(x, float32); b: bool[3] = less(a, 0.5)",
    ),
    (simplify, f"a: {LINE} = real(x); b: {LINE} = add(a, 1.0)", f"b: {LINE} = add(x, 1.0)"),
    (
        simplify,
        (
            "a: float64[3] = broadcast_to(0.1, (3,)); b: float32[3] = astype(x, float32);"
            " c: bool[3] = less(b, a)"
        ),
        (
            "a: float64[3] = broadcast_to(0.1, (3,)); b: float32[3] = astype(x, float32);"
            " c: bool[3] = less(b, a)"
        ),
    ),
    (canonicalise, "a: float64 = add.reduce(x)", "a: float64 = sum(x, axis=0)"),
    (canonicalise, "a: float64 = add.reduce(x, None)", "a: float64 = sum(x)"),
    (canonicalise, "a: float64 = maximum.reduce(x, axis=(0,))", "a: float64 = max(x, axis=0)"),
    (
        canonicalise,
        "a: float64[1] = add.reduce(x, axis=0, keepdims=True)",
        "a: float64[1] = sum(x, axis=0, keepdims=True)",
    ),
    (canonicalise, "a: float64 = mean(x, axis=None, keepdims=False)", "a: float64 = mean(x)"),
    (simplify, f"a: {LINE} = sin(x); b: {LINE} = multiply(a, 1.0)", f"a: {LINE} = sin(x)"),
    (simplify, f"a: {LINE} = sin(x); b: {LINE} = multiply(1, a)", f"a: {LINE} = sin(x)"),
    (simplify, f"a: {LINE} = sin(x); b: {LINE} = divide(a, 1.0)", f"a: {LINE} = sin(x)"),
    (simplify, f"a: {LINE} = sin(x); b: {LINE} = astype(a, float64)", f"a: {LINE} = sin(x)"),
    (simplify, f"a: {LINE} = sin(x); b: {LINE} = reshape(a, (3,))", f"a: {LINE} = sin(x)"),
    (simplify, f"a: {LINE} = sin(x); b: {LINE} = broadcast_to(a, (3,))", f"a: {LINE} = sin(x)"),
    (
        simplify,  # -0.0 + 0.0 is 0.0: no identity
        f"a: {LINE} = add(x, 0.0)",
        f"a: {LINE} = add(x, 0.0)",
    ),
    (
        simplify,  # the result has another dtype
        "a: float64[3] = sin(x); b: complex128[3] = multiply(a, complex(1.0, 0.0))",
        "a: float64[3] = sin(x); b: complex128[3] = multiply(a, complex(1.0, 0.0))",
    ),
    (
        simplify,
        (
            "a: float64[3, 1] = reshape(x, (3, 1)); b: float64[1, 3] = transpose(a);"
            " c: float64[3, 1] = transpose(b); d: float64[3, 1] = sin(c)"
        ),
        (
            "a: float64[3, 1] = reshape(x, (3, 1)); b: float64[1, 3] = transpose(a);"
            " d: float64[3, 1] = sin(a)"
        ),
    ),
    (
        simplify,
        "a: float64 = ones_like(2.0); b: float64 = divide(a, 4.0); c: float64[3] = multiply(x, b)",
        "c: float64[3] = multiply(x, float64(0.25))",
    ),
    (
        simplify,
        (
            "a: float64[3] = broadcast_to(float64(0.5), (3,)); b: float64[3] = multiply(a, 2.0);"
            " c: float64[3] = multiply(b, x)"
        ),
        (
            "a: float64[3] = broadcast_to(float64(0.5), (3,));"
            " b: float64[3] = broadcast_to(float64(1.0), (3,));"
            " c: float64[3] = multiply(float64(1.0), x)"
        ),
    ),
    (
        share,
        f"a: {LINE} = sin(x); b: {LINE} = sin(x); c: {LINE} = add(a, b)",
        f"a: {LINE} = sin(x); c: {LINE} = add(a, a)",
    ),
    (
        share,  # other keywords: another call
        f"a: {LINE} = roll(x, shift=1); b: {LINE} = roll(x, shift=2); c: {LINE} = add(a, b)",
        f"a: {LINE} = roll(x, shift=1); b: {LINE} = roll(x, shift=2); c: {LINE} = add(a, b)",
    ),
    (drop, f"a: {LINE} = sin(x); b: {LINE} = cos(x)", f"b: {LINE} = cos(x)"),
]


def program(lines: str, result: str) -> Program:
    body = "".join(f"    {line.strip()}\n" for line in lines.split(";"))
    return Program.parse(f"def f({X}):\n{body}    return {result}\n").check()


def last(lines: str) -> str:
    return lines.rsplit(";", maxsplit=1)[-1].partition(":")[0].strip()


@pytest.mark.parametrize(("one", "before", "after"), CASES)
def test_a_pass(one: Callable[[Any], Any], before: str, after: str) -> None:
    given = program(before, last(before))
    found = one(given).check()
    assert found == program(after, last(after))
    x = np.array([0.3, -0.0, np.inf])
    with np.errstate(all="ignore"):
        np.testing.assert_array_equal(found(x), given(x), strict=True)
        assert found(x).tobytes() == given(x).tobytes()


def test_every_pass_leaves_every_bit_alone_and_is_done_at_once() -> None:
    def f(x: Any, w: Any) -> Any:
        return np.mean(tg.softmax(tg.gelu(x @ w)) ** 2) + np.sum(np.abs(w)) / w.size

    rng = np.random.default_rng(0)
    given = rng.normal(size=(4, 3)), rng.normal(size=(3, 2))
    one = traced(tg.value_and_grad(f, (0, 1)), *given)
    wanted = one(*given)
    for step in PASSES:
        one = step(one).check()
        for got, value in zip(
            [one(*given)[0], *one(*given)[1]], [wanted[0], *wanted[1]], strict=True
        ):
            np.testing.assert_array_equal(got, value, strict=True)
    assert one.simplified() == one
    assert len(one.instructions) < len(traced(tg.value_and_grad(f, (0, 1)), *given).instructions)
