"""The explorer: a computation as one offline page in which a person steps through it."""

from __future__ import annotations

from tinygrad_bp.view.explorer.page import page

__all__ = ["page"]
