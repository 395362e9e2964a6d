"""What of a long list the default run takes: every k-th; the rest is for ``-m deep``."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest


def one_in(k: int, values: Iterable[Any]) -> list[Any]:
    """Return `values` as parameters of a test, all but every k-th marked as deep."""
    return [
        pytest.param(one, marks=pytest.mark.deep if i % k else ()) for i, one in enumerate(values)
    ]
