"""Programs in machine code, made by LLVM."""

from __future__ import annotations

from tinygrad_bp.errors import NativeUnavailable
from tinygrad_bp.native.bound import Bound
from tinygrad_bp.native.native import Native, build

__all__ = ["Bound", "Native", "NativeUnavailable", "build"]
