"""Optimizers, bounds for gradients, schedules for the rate, averages of weights, and minima."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinygrad_bp.deferred import deferred
from tinygrad_bp.optim import schedules
from tinygrad_bp.optim.adam import Adam, AdamW
from tinygrad_bp.optim.optimizer import Optimizer
from tinygrad_bp.optim.sgd import SGD

if TYPE_CHECKING:
    from tinygrad_bp.optim.adagrad import Adagrad
    from tinygrad_bp.optim.averages import EMA, SWA
    from tinygrad_bp.optim.clipping import clip_grad_norm, clip_grad_value
    from tinygrad_bp.optim.lion import Lion
    from tinygrad_bp.optim.minimization import Minimum, minimize
    from tinygrad_bp.optim.plateau import ReduceOnPlateau
    from tinygrad_bp.optim.rmsprop import RMSprop

__all__ = [
    "EMA",
    "SGD",
    "SWA",
    "Adagrad",
    "Adam",
    "AdamW",
    "Lion",
    "Minimum",
    "Optimizer",
    "RMSprop",
    "ReduceOnPlateau",
    "clip_grad_norm",
    "clip_grad_value",
    "minimize",
    "schedules",
]

__getattr__, __dir__ = deferred(
    __name__,
    {
        "Adagrad": "adagrad",
        "EMA": "averages",
        "Lion": "lion",
        "Minimum": "minimization",
        "RMSprop": "rmsprop",
        "ReduceOnPlateau": "plateau",
        "SWA": "averages",
        "clip_grad_norm": "clipping",
        "clip_grad_value": "clipping",
        "minimize": "minimization",
    },
)
del deferred
