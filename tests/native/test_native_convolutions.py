"""Convolutions by machine code against what NumPy composes them of."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from convolution_calls import calls
from extras import extra
from hypothesis import given
from hypothesis import strategies as st

from tinygrad_bp.native import convolutions
from tinygrad_bp.native.calls.products import Products
from tinygrad_bp.rules.sequences import convolution as row
from tinygrad_bp.rules.sequences.windows import geometry


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("own", [True, False], ids=["code multiplies", "NumPy multiplies"])
@given(call=calls(), of=st.sampled_from(["output", "kernel", "input"]), wide=st.integers(0, 30))
def test_code_gives_what_the_composition_does(
    own: bool, dtype: str, call: Any, of: str, wide: int
) -> None:
    extra("llvmlite")
    x, w, options = call
    x = np.pad(x, [(0, 0)] * (x.ndim - 1) + [(0, wide)], "wrap") if x.size else x
    groups = options.pop("groups")
    where = geometry("convolution", x.shape[2:], w.shape[2:], **options)
    y = np.random.default_rng(wide).normal(size=(len(x), len(w), *where.places))
    a, b = {"output": (x, w), "kernel": (x, y), "input": (y, w)}[of]
    a, b = a.astype(dtype), np.asfortranarray(b.astype(dtype))
    if not convolutions.fits(a, b):
        assert not x.size
        return
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Products, "_own", own)
        found = convolutions.correlation(a, b, of, where, groups)
    wanted = row.composition(a, b, of, where, groups)
    assert found.dtype == dtype
    tolerance = 500 * np.finfo(dtype).eps
    np.testing.assert_allclose(found, wanted, rtol=tolerance, atol=tolerance * 10)


def test_large_ones_by_code(monkeypatch: pytest.MonkeyPatch) -> None:
    extra("llvmlite")
    monkeypatch.setattr(Products, "_own", True)
    rng = np.random.default_rng(0)
    x, w = rng.normal(size=(3, 8, 20, 21)), rng.normal(size=(24, 4, 3, 3))
    where = geometry("convolution", (20, 21), (3, 3), stride=1, padding="same", dilation=1)
    y = rng.normal(size=(3, 24, 20, 21))
    for a, b, of in ((x, w, "output"), (x, y, "kernel"), (y, w, "input")):
        found = convolutions.correlation(a, b, of, where, 2)
        np.testing.assert_allclose(
            found, row.composition(a, b, of, where, 2), rtol=1e-10, atol=1e-10
        )
