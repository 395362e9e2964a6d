"""What surrounds a model: files that are written whole or not at all, and read with suspicion."""

from __future__ import annotations

from tinygrad_bp.files.atomic import atomic_write_bytes, atomic_write_text
from tinygrad_bp.files.model_file import read_model, write_model

__all__ = ["atomic_write_bytes", "atomic_write_text", "read_model", "write_model"]
