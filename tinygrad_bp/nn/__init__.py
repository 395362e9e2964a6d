"""Layers, their initial weights, and losses: thin compositions of differentiable functions.

Linear maps, activations and losses are loaded with the package, the other layers
when they are asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinygrad_bp.deferred import deferred
from tinygrad_bp.nn.activations import (
    ELU,
    GELU,
    LeakyReLU,
    ReLU,
    Sigmoid,
    SiLU,
    Softmax,
    Softplus,
    Tanh,
)
from tinygrad_bp.nn.initializers import INITIALIZERS
from tinygrad_bp.nn.layers import Linear, Residual, Sequential
from tinygrad_bp.nn.losses import (
    bce_with_logits,
    binary_cross_entropy,
    cross_entropy,
    focal,
    hinge,
    huber,
    kl_divergence,
    mse,
    poisson,
)
from tinygrad_bp.nn.module import Module

if TYPE_CHECKING:
    from tinygrad_bp.nn.attention import MultiHeadAttention, TransformerBlock
    from tinygrad_bp.nn.cells import GRUCell, LSTMCell, RNNCell
    from tinygrad_bp.nn.convolutions import Conv1d, Conv2d
    from tinygrad_bp.nn.dropout import Dropout
    from tinygrad_bp.nn.embedding import Embedding
    from tinygrad_bp.nn.normalization import BatchNorm, LayerNorm, RMSNorm
    from tinygrad_bp.nn.pooling import AvgPool1d, AvgPool2d, Flatten, MaxPool1d, MaxPool2d
    from tinygrad_bp.nn.recurrent import GRU, LSTM, RNN
    from tinygrad_bp.nn.torch_states import load_torch

__all__ = [
    "ELU",
    "GELU",
    "GRU",
    "INITIALIZERS",
    "LSTM",
    "RNN",
    "AvgPool1d",
    "AvgPool2d",
    "BatchNorm",
    "Conv1d",
    "Conv2d",
    "Dropout",
    "Embedding",
    "Flatten",
    "GRUCell",
    "LSTMCell",
    "LayerNorm",
    "LeakyReLU",
    "Linear",
    "MaxPool1d",
    "MaxPool2d",
    "Module",
    "MultiHeadAttention",
    "RMSNorm",
    "RNNCell",
    "ReLU",
    "Residual",
    "Sequential",
    "SiLU",
    "Sigmoid",
    "Softmax",
    "Softplus",
    "Tanh",
    "TransformerBlock",
    "bce_with_logits",
    "binary_cross_entropy",
    "cross_entropy",
    "focal",
    "hinge",
    "huber",
    "kl_divergence",
    "load_torch",
    "mse",
    "poisson",
]

__getattr__, __dir__ = deferred(
    __name__,
    {
        "AvgPool1d": "pooling",
        "AvgPool2d": "pooling",
        "BatchNorm": "normalization",
        "Conv1d": "convolutions",
        "Conv2d": "convolutions",
        "Dropout": "dropout",
        "Embedding": "embedding",
        "Flatten": "pooling",
        "GRU": "recurrent",
        "GRUCell": "cells",
        "LSTM": "recurrent",
        "LSTMCell": "cells",
        "LayerNorm": "normalization",
        "MaxPool1d": "pooling",
        "MaxPool2d": "pooling",
        "MultiHeadAttention": "attention",
        "RMSNorm": "normalization",
        "RNN": "recurrent",
        "RNNCell": "cells",
        "TransformerBlock": "attention",
        "load_torch": "torch_states",
    },
)
del deferred
