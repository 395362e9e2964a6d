"""The losses, gathered: the fused ones that stay exact where a network is most wrong, and `mse`."""

from __future__ import annotations

from tinygrad_bp.functional import mse
from tinygrad_bp.rules.losses import bce_with_logits, binary_cross_entropy, cross_entropy

__all__ = ["bce_with_logits", "binary_cross_entropy", "cross_entropy", "mse"]
