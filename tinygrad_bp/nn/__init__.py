"""Layers, their initial weights, and losses: thin compositions of differentiable functions."""

from __future__ import annotations

from tinygrad_bp.deferred import deferred
from tinygrad_bp.nn.initializers import INITIALIZERS
from tinygrad_bp.nn.layers import Linear, ReLU, Sequential, Sigmoid, Tanh
from tinygrad_bp.nn.losses import bce_with_logits, binary_cross_entropy, cross_entropy, mse
from tinygrad_bp.nn.module import Module

__all__ = [
    "INITIALIZERS",
    "Linear",
    "Module",
    "ReLU",
    "Sequential",
    "Sigmoid",
    "Tanh",
    "bce_with_logits",
    "binary_cross_entropy",
    "cross_entropy",
    "mse",
]

__getattr__, __dir__ = deferred(__name__, {})  # says where missing names are
del deferred
