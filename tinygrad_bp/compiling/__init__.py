"""`tg.compile`: a function is traced once, and its program runs from then on."""

from __future__ import annotations

from tinygrad_bp.compiling.face import compile  # noqa: A004  # the face's name

__all__ = ["compile"]
