"""The training report: a training as one offline page."""

from __future__ import annotations

from tinygrad_bp.training.report.page import page

__all__ = ["page"]
