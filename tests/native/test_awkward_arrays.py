"""Arrays as they may come: any dtype, length, order in memory and value, against NumPy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from extras import extra
from hypothesis import given, settings
from hypothesis import strategies as st

import tinygrad_bp as tg
from tinygrad_bp.native.llvm.cache import VARIABLE

extra("llvmlite")

BRIEF = settings(max_examples=12, derandomize=True, deadline=None)
DEEP = settings(max_examples=3_000, derandomize=False, print_blob=True, deadline=None)
DTYPES = ("f8", "f8", "f4", ">f8", ">f4", "i8", "i4", "u1", "?", "f2", "c16")
LONGEST = 70  # rows: several tiles of either width, and what is left over
WIDTH = 3
SPECIAL = (0.0, -0.0, np.nan, np.inf, -np.inf, 5e-324, 1e-310, 1e-40, 1e15, -1e15)


def sums(x: Any, w: Any) -> Any:
    return np.sum(x * w), np.max(x + w, axis=-1), np.mean(x, axis=0), np.min(x * 2, axis=0)


def products(x: Any, w: Any) -> Any:
    y = x @ np.outer(w, w)
    return y, x.T @ y, np.tanh(y) * 0.5 + w


def choices(x: Any, w: Any) -> Any:
    above = x > w
    return np.where(above, x, w), np.logical_and(above, x != 0), np.maximum(x, w) - np.minimum(x, 1)


def moves(x: Any, w: Any) -> Any:
    return np.concatenate([x[:, ::-1], x + w], axis=1), np.transpose(x)[1:], x[1:] * x[:-1]


def functions(x: Any, w: Any) -> Any:
    z = np.exp(-np.abs(x * w)) / (1 + w * w)
    return np.sqrt(np.abs(x)) + z, np.log1p(z), np.sin(z), np.sum(z, axis=0) + np.sign(x)


def places(x: Any, w: Any) -> Any:
    return np.cumsum(x, axis=0) * 2, np.sort(x, axis=0) + w, np.argmax(x, axis=-1), x[[0, -1]]


FUNCTIONS: dict[str, Callable[..., Any]] = {
    f.__name__: f for f in (sums, products, choices, moves, functions, places)
}
ORDERS: dict[str, Callable[[Any], Any]] = {
    "C": np.ascontiguousarray,
    "F": np.asfortranarray,
    "reversed": lambda x: x[::-1].copy()[::-1],
    "every other": lambda x: np.repeat(x, 2, axis=-1)[..., ::2],
    "turned": lambda x: np.ascontiguousarray(x.T).T,
    "broadcast": lambda x: np.broadcast_to(x[..., :1], x.shape),
}


@st.composite
def arrays(draw: Any, shape: tuple[int, ...], dtype: str) -> Any:
    """Draw an array; few numbers are special, or nothing but NaN would be compared."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    value: Any = rng.normal(size=shape) * 2
    if draw(st.booleans()) and value.size:
        for _ in range(draw(st.integers(1, 3))):
            value.flat[rng.integers(value.size)] = draw(st.sampled_from(SPECIAL))
    with np.errstate(all="ignore"):
        if np.dtype(dtype).kind in "iu":
            value = np.nan_to_num(np.clip(value, -9, 9))
            value = np.abs(value) if dtype == "u1" else value
        value = value.astype(dtype)
    value = draw(st.sampled_from(sorted(ORDERS)).map(ORDERS.get))(value)
    if draw(st.booleans()):
        value.flags.writeable = False
    return value


@st.composite
def cases(draw: Any) -> tuple[str, list[list[Any]]]:
    """Draw a function, and calls of one dtype and several lengths, each twice or more."""
    name = draw(st.sampled_from(sorted(FUNCTIONS)))
    kinds = draw(st.sampled_from(DTYPES)), draw(st.sampled_from(DTYPES))
    calls = []
    for _ in range(draw(st.integers(1, 2))):
        n = draw(
            st.sampled_from((0, 1, 2, 7, 8, 9, 15, 16, 17, 63, 64, 65)) | st.integers(1, LONGEST)
        )
        for _ in range(draw(st.integers(1, 4))):
            pair = draw(arrays((n, WIDTH), kinds[0])), draw(arrays((WIDTH,), kinds[1]))
            calls.append(list(pair))
    return name, calls


def outcome(f: Callable[..., Any], args: list[Any]) -> Any:
    """Return what a call gives, or the kind of error that it is."""
    try:
        return f(*args)
    except (TypeError, ValueError, IndexError) as error:
        return type(error)


def same(name: str, calls: list[list[Any]]) -> None:
    f = FUNCTIONS[name]
    fast = tg.compile(f, backend="native")
    with np.errstate(all="ignore"):
        for args in calls:
            wanted = outcome(f, args)
            if isinstance(wanted, type):
                with pytest.raises(Exception):  # noqa: B017, PT011  # of the trace, of many kinds
                    fast(*args)
                return
            for got, value in zip(fast(*args), wanted, strict=True):
                assert np.shape(got) == np.shape(value)
                kind = np.result_type(value)
                assert np.result_type(got) == kind.newbyteorder("=")
                close(got, value, args)


def close(got: Any, value: Any, args: list[Any]) -> None:
    """Compare; a sum may lose what is small beside its largest term."""
    kind = np.result_type(value).newbyteorder("=")
    if kind.kind not in "fc":
        np.testing.assert_array_equal(got, value)
        return
    eps = max(np.finfo(x.dtype).eps for x in (*args, np.empty(0, kind)) if x.dtype.kind in "fc")
    finite = [float(np.abs(x[np.isfinite(x)]).max(initial=0)) for x in args]
    scale = max(1.0, *finite) ** 4  # of the largest products
    np.testing.assert_allclose(got, value, rtol=50 * eps, atol=50 * eps * scale)


@pytest.mark.filterwarnings("ignore:Mean of empty slice")
@BRIEF
@given(cases())
def test_arrays_of_any_kind(case: tuple[str, list[list[Any]]]) -> None:
    same(*case)


@pytest.mark.deep
@pytest.mark.filterwarnings("ignore:Mean of empty slice")
def test_very_many_arrays_of_any_kind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "off")

    @DEEP
    @given(cases())
    def hold_all(case: tuple[str, list[list[Any]]]) -> None:
        same(*case)

    hold_all()
