"""Calls of a convolution that fit, drawn at random."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

SMALL = st.integers(1, 3)


@st.composite
def calls(draw: st.DrawFn) -> tuple[Any, Any, dict[str, Any]]:
    """Draw an input, a kernel and the options of a call that fits."""
    axes = draw(st.integers(1, 2))
    groups = draw(st.integers(1, 2))
    m, n_in, n_out = draw(st.integers(0, 3)), groups * draw(SMALL), groups * draw(SMALL)
    kernel, stride, dilation = (
        tuple(draw(SMALL) for _ in range(axes)) for _ in ("kernel", "stride", "dilation")
    )
    padding = tuple(draw(st.integers(0, 2)) for _ in range(axes))
    size = tuple(
        max(1, d * (k - 1) + 1 - 2 * p) + draw(st.integers(0, 3))
        for k, d, p in zip(kernel, dilation, padding, strict=True)
    )
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    x, w = rng.normal(size=(m, n_in, *size)), rng.normal(size=(n_out, n_in // groups, *kernel))
    return x, w, {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
