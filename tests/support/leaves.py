"""Tensors to differentiate by."""

from __future__ import annotations

from typing import Any

import numpy as np

import tinygrad_bp as tg


def leaf(data: Any = (1.0, 2.0, 3.0), **kwargs: Any) -> tg.Tensor:
    """Return a Tensor that requires gradients; whole numbers become floats."""
    array = np.asarray(data)
    return tg.tensor(array * 1.0 if array.dtype.kind == "i" else data, requires_grad=True, **kwargs)
