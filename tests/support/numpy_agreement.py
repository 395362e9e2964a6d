"""Calls of NumPy's functions on Tensors beside the same calls on arrays.

NumPy decides values, dtypes, errors and warnings.  Also what such calls are drawn from.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from hypothesis import strategies as st
from oracles import same

import tinygrad_bp as tg
from tinygrad_bp.engine.containers import flatten
from tinygrad_bp.errors import ShapeError

NAN = np.nan


def parts_of(value: Any) -> list[Any]:
    parts = flatten(list(value) if isinstance(value, tuple) else value)[0]
    return [part.numpy() if isinstance(part, tg.Tensor) else part for part in parts]


def outcome(call: Callable[[], Any]) -> tuple[Any, Any, set[str]]:
    """Return the parts of a value or None, the error or None, and the warnings."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            value = parts_of(call())
        except Exception as error:  # noqa: BLE001  # whatever NumPy raises
            return None, error, set()
    # of a 0-d array NumPy warns in other words
    return value, None, {str(one.message).rstrip(".").replace(" scalar", "") for one in caught}


def agree(f: Callable[..., Any], *arrays: Any, factor: float = 10) -> bool:
    """Compare a call on Tensors with NumPy's; say whether it warns of nothing and is finite."""
    wanted, error, said = outcome(lambda: f(*arrays))
    for tracked in (True, False):
        given = [
            tg.tensor(x, requires_grad=tracked and np.asarray(x).dtype.kind in "fc") for x in arrays
        ]
        got, raised, heard = outcome(lambda given=given: f(*given))
        if error is not None:
            kind = ValueError if isinstance(raised, ShapeError) else type(error)
            assert isinstance(error, kind), (error, raised)
            assert isinstance(raised, kind), (error, raised)
            return False
        assert raised is None, raised
        assert heard <= said
        assert said <= heard | {"invalid value encountered in divide"}
        assert len(got) == len(wanted)
        for one, right in zip(got, wanted, strict=True):
            same(one, right, factor)
    return not said and all(np.isfinite(one).all() for one in wanted)


def spaced(shape: tuple[int, ...], seed: int, nan: int = 0) -> Any:
    """Return numbers of which no two are equal or close, some of them NaN."""
    rng = np.random.default_rng(seed)
    count = int(np.prod(shape, dtype=int))
    x = rng.permutation(np.linspace(-1.5, 1.7, count + 2)[1:-1] + 0.01)
    x[rng.permutation(count)[:nan]] = NAN
    return x.reshape(shape)


@st.composite
def reductions(draw: Any) -> tuple[Any, Any, dict[str, Any]]:
    """Draw an array, an axis and keepdims."""
    shape = tuple(draw(st.lists(st.integers(0, 3), max_size=3)))
    axes = st.integers(-len(shape), len(shape) - 1) if shape else st.just(0)
    several = st.lists(axes, max_size=2, unique_by=lambda i: i % max(len(shape), 1)).map(tuple)
    axis = draw(st.none() | axes | several) if shape else None
    options = {"axis": axis} if axis is not None or draw(st.booleans()) else {}
    if draw(st.booleans()):
        options["keepdims"] = draw(st.booleans())
    return shape, draw(st.integers(0, 99)), options


def masks(shape: tuple[int, ...], seed: int) -> Any:
    rng = np.random.default_rng(seed)
    narrow = tuple(n if rng.random() < 0.7 else 1 for n in shape)
    return rng.random(narrow) < 0.7
