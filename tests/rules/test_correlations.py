"""Convolution and correlation: every mode and both orders of length, real and complex."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest
from composition_checks import (
    check_derivatives,
    check_float32,
    check_mutation,
    check_value,
    complex_drawn,
    drawn,
)
from hypothesis import given
from hypothesis import strategies as st
from oracles import same

import tinygrad_bp as tg
from tinygrad_bp.errors import ShapeError
from tinygrad_bp.rules.sequences.correlations import cross_correlation

FUNCTIONS = (np.convolve, np.correlate)
MODES = ("full", "same", "valid")
LENGTHS = ((1, 1), (5, 1), (1, 4), (5, 2), (5, 3), (2, 5), (3, 5), (4, 4), (6, 4), (4, 6))
CALLS = [
    pytest.param(function, n, taps, mode, id=f"{function.__name__}-{n}-{taps}-{mode}")
    for function, (n, taps), mode in product(FUNCTIONS, LENGTHS, MODES)
]


@pytest.mark.parametrize(("function", "n", "taps", "mode"), CALLS)
def test_values_and_derivatives(function: Any, n: int, taps: int, mode: str) -> None:
    def f(a: Any, v: Any) -> Any:
        return function(a, v, mode)

    for arrays in (drawn((n,), (taps,)), complex_drawn((n,), (taps,))):
        check_value(f, arrays)
        check_derivatives(f, arrays)
    check_float32(f, drawn((n,), (taps,)))
    check_mutation(f, drawn((n,), (taps,)))


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda f: f.__name__)
def test_one_sequence_is_complex(function: Any) -> None:
    (a,), (v,) = drawn((4,)), complex_drawn((3,))
    for arrays in ([a, v], [v, a]):
        for mode in MODES:
            check_value(lambda x, y, mode=mode: function(x, y, mode), arrays)
            check_derivatives(lambda x, y, mode=mode: function(x, y, mode), arrays)


NUMBERS = st.lists(st.integers(-9, 9), min_size=1, max_size=8)
DTYPES = st.sampled_from([np.int64, np.uint8, np.float32, np.float64, np.complex64, np.bool])


@given(NUMBERS, DTYPES, NUMBERS, DTYPES, st.sampled_from([*MODES, 0, 1, 2]), st.booleans())
def test_values_and_dtypes_are_numpys(
    a: list[int], kind: Any, v: list[int], other: Any, mode: Any, tensors: bool
) -> None:
    x, y = np.array(a).astype(kind), np.array(v).astype(other)
    for function in FUNCTIONS:
        got = function(tg.tensor(x), tg.tensor(y) if tensors else y.tolist(), mode)
        same(got.numpy(), function(x, y if tensors else y.tolist(), mode))


@given(
    st.integers(0, 5), st.integers(0, 5), st.integers(-8, 8), st.integers(0, 8), st.integers(0, 99)
)
def test_the_row_is_its_definition(n: int, taps: int, start: int, length: int, seed: int) -> None:
    a, v = drawn((n,), (taps,), seed=seed)
    wanted = np.zeros(length)
    for k, i in product(range(length), range(taps)):
        if 0 <= start + k + i < n:
            wanted[k] += a[start + k + i] * v[i]
    same(cross_correlation(a, v, start, length), wanted)


def test_numbers_are_sequences_of_one() -> None:
    same(np.convolve(tg.tensor(2.0), [1.0, 3.0]).numpy(), np.array([2.0, 6.0]))
    check_derivatives(lambda a, v: np.convolve(a, v), drawn((), (3,)))


def test_the_gradient_of_a_convolution_is_a_correlation() -> None:
    a, v, w = drawn((6,), (3,), (8,))
    of_a, of_v = tg.vjp(np.convolve, a, v)[1](w)
    np.testing.assert_allclose(of_a, np.correlate(w, v, "valid"), rtol=1e-14)
    np.testing.assert_allclose(of_v, np.correlate(w, a, "valid"), rtol=1e-14)


def test_arguments_are_checked() -> None:
    x, empty = tg.tensor([1.0, 2.0], requires_grad=True), np.zeros(0)
    for match, call in (
        (r"convolve: mode 'ful'", lambda: np.convolve(x, x, "ful")),
        (r"correlate: mode 3", lambda: np.correlate(x, x, 3)),
        (r"convolve: lengths 2 and 0", lambda: np.convolve(x, empty)),
        (r"correlate: lengths 0 and 2", lambda: np.correlate(empty, x)),
        (
            r"convolve: expected two vectors, got shapes \(2, 1\)",
            lambda: np.convolve(x[:, None], x),
        ),
        (r"correlate: .* got shapes \(2,\) and \(\)", lambda: np.correlate(x, x[0])),
    ):
        with pytest.raises(ShapeError, match=match):
            call()
