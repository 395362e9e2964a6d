"""Derivations: `explain` says where the gradients of a recorded graph come from."""

from __future__ import annotations

from tinygrad_bp.derivations.explanation import Explanation, explain

__all__ = ["Explanation", "explain"]
