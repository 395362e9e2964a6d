"""Makes Hypothesis know the type Tensor: ``st.from_type(tg.Tensor)``."""

from __future__ import annotations

from importlib import import_module
from typing import Any


def register() -> None:
    """Tell Hypothesis how to draw a Tensor."""
    tensor = import_module("tinygrad_bp.engine.tensor").Tensor
    import_module("hypothesis.strategies").register_type_strategy(tensor, _tensors)


def _tensors(_type: Any) -> Any:
    return import_module("tinygrad_bp.testing.strategies").tensors()
