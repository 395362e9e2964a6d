"""Optimizers, bounds for gradients, and schedules for the learning rate."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinygrad_bp.deferred import deferred
from tinygrad_bp.optim import schedules
from tinygrad_bp.optim.adam import Adam, AdamW
from tinygrad_bp.optim.optimizer import Optimizer
from tinygrad_bp.optim.sgd import SGD

if TYPE_CHECKING:
    from tinygrad_bp.optim.adagrad import Adagrad
    from tinygrad_bp.optim.clipping import clip_grad_norm, clip_grad_value
    from tinygrad_bp.optim.rmsprop import RMSprop

__all__ = [
    "SGD",
    "Adagrad",
    "Adam",
    "AdamW",
    "Optimizer",
    "RMSprop",
    "clip_grad_norm",
    "clip_grad_value",
    "schedules",
]

__getattr__, __dir__ = deferred(
    __name__,
    {
        "Adagrad": "adagrad",
        "RMSprop": "rmsprop",
        "clip_grad_norm": "clipping",
        "clip_grad_value": "clipping",
    },
)
del deferred
