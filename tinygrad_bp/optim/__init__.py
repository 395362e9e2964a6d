"""Optimizers, and schedules for their learning rate."""

from __future__ import annotations

from tinygrad_bp.deferred import deferred
from tinygrad_bp.optim import schedules
from tinygrad_bp.optim.adam import Adam, AdamW
from tinygrad_bp.optim.optimizer import Optimizer
from tinygrad_bp.optim.sgd import SGD

__all__ = ["SGD", "Adam", "AdamW", "Optimizer", "schedules"]

__getattr__, __dir__ = deferred(__name__, {})  # says where missing names are
del deferred
