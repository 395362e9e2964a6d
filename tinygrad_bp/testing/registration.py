"""Makes Hypothesis know the type Tensor: ``st.from_type(tg.Tensor)``."""

from __future__ import annotations

from typing import Any

from tinygrad_bp.engine.tensor import Tensor


def register() -> None:
    """Tell Hypothesis how to draw a Tensor."""
    from hypothesis.strategies import register_type_strategy

    register_type_strategy(Tensor, _tensors)


def _tensors(_type: Any) -> Any:
    from tinygrad_bp.testing.strategies import tensors  # when the first is drawn

    return tensors()
