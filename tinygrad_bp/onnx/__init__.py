"""Models for other programs: what a function computes, as an ONNX file; needs ``[onnx]``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinygrad_bp.deferred import deferred

if TYPE_CHECKING:
    from tinygrad_bp.onnx.exporting import export

__all__ = ["export"]

__getattr__, __dir__ = deferred(__name__, {"export": "exporting"})
del deferred
