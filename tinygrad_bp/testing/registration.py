"""Makes Hypothesis know the type Tensor: ``st.from_type(tg.Tensor)``.

Installed, this file also is the module `_tinygrad_bp_hypothesis` beside the package: Hypothesis
imports it into every project that uses it, and nothing else is imported until a Tensor is drawn.
"""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Any


def hypothesis_is_imported() -> None:
    """Register the type, if the package has been imported; if not, it does so when it is."""
    if "tinygrad_bp.tensor" in sys.modules:
        register()


def register() -> None:
    """Tell Hypothesis how to draw a Tensor."""
    tensor = import_module("tinygrad_bp.tensor").Tensor
    import_module("hypothesis.strategies").register_type_strategy(tensor, _tensors)


def _tensors(_type: Any) -> Any:
    return import_module("tinygrad_bp.testing.strategies").tensors()
