"""Questions about values that cannot always be read: another library's arrays would be computed."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_bp.engine.tensor import is_foreign, unwrap


def may_hold(condition: Any) -> bool:
    """Whether any element of a condition may be true; of an array that is not NumPy's, it may."""
    plain = unwrap(condition)
    return is_foreign(plain) or bool(np.any(plain))


def must_hold(condition: Any) -> bool:
    """Whether any element is known to be true; of an array that is not NumPy's, none is."""
    plain = unwrap(condition)
    return not is_foreign(plain) and bool(np.any(plain))
