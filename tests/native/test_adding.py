"""Rows that are added to a table by code: the bits of NumPy's, whatever names them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from extras import extra

from tinygrad_bp.native.calls.adding import add_at

RNG = np.random.default_rng(0)
PLACES = {
    "often": RNG.integers(0, 3, (5, 4)),
    "from the end": RNG.integers(-7, 7, 40),
    "in turns": np.arange(7)[::-1],
    "none": np.empty(0, int),
    "small": np.array([6, 0], np.int8),
    "flags": np.arange(7) % 2 == 0,
}


@pytest.mark.parametrize("dtype", ["float32", "float64", "complex128"])
@pytest.mark.parametrize("name", PLACES)
@pytest.mark.parametrize("shape", [(7, 1), (7, 3, 11), (7, 16)], ids=str)
def test_they_are_added_in_order(name: str, shape: tuple[int, ...], dtype: str) -> None:
    extra("llvmlite")
    places = PLACES[name]
    table = RNG.normal(size=shape).astype(dtype)
    rows = RNG.normal(size=table[places].shape).astype(dtype)
    for given in (rows, np.asfortranarray(rows), np.ones((), dtype)):
        wanted, found = table.copy(), table.copy()
        np.add.at(wanted, (places,), given)
        add_at(found, (places,), given)
        np.testing.assert_array_equal(found, wanted)


@pytest.mark.parametrize("places", [[7], [-8], [0, 9]], ids=str)
def test_what_is_not_there_is_refused(places: Any) -> None:
    extra("llvmlite")
    table = np.zeros((7, 3))
    with pytest.raises(IndexError, match="out of bounds"):
        add_at(table, (np.array(places),), np.ones((len(places), 3)))
