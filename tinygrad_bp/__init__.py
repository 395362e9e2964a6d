"""tinygrad_bp: write NumPy; get gradients, and a graph you can look at.

>>> import numpy as np, tinygrad_bp as tg
>>> w = tg.tensor([0.5, -1.0], requires_grad=True)
>>> loss = np.sum(np.tanh(w) ** 2)
>>> loss.backward()
>>> w.grad.shape
(2,)
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from tinygrad_bp.deferred import deferred, later
from tinygrad_bp.engine import pickling as _pickling  # attaches what copy and pickle call
from tinygrad_bp.engine.modes import enable_grad, no_grad
from tinygrad_bp.engine.scopes import scope
from tinygrad_bp.engine.tensor import Tensor, method, tensor
from tinygrad_bp.errors import TinygradError
from tinygrad_bp.functional import silu, softmax
from tinygrad_bp.rules.elementwise.activations import gelu, relu, sigmoid, softplus
from tinygrad_bp.rules.hooks import hook
from tinygrad_bp.rules.linalg.products import affine
from tinygrad_bp.rules.reductions.aggregates import log_softmax, logsumexp
from tinygrad_bp.transforms import grad, gradients, value_and_grad, vjp
from tinygrad_bp.version import __version__ as __version__  # re-exported

if TYPE_CHECKING:
    from tinygrad_bp import data, doctor, files, nn, onnx, optim, parallel, testing, training, view
    from tinygrad_bp.classifier import SigmoidClassifier
    from tinygrad_bp.compiling import compile  # noqa: A004  # what the field calls it
    from tinygrad_bp.derivations import Explanation, explain
    from tinygrad_bp.engine.debugging import debug
    from tinygrad_bp.programs import program
    from tinygrad_bp.rules.sequences.convolution import convolution
    from tinygrad_bp.training.saved import load, save
    from tinygrad_bp.transforms import (
        checkpoint,
        differentiable,
        hessian,
        hvp,
        jacobian,
        jvp,
        vmap,
    )
    from tinygrad_bp.view import GraphView, graph

__all__ = [
    "Explanation",
    "GraphView",
    "SigmoidClassifier",
    "Tensor",
    "TinygradError",
    "affine",
    "checkpoint",
    "compile",
    "convolution",
    "data",
    "debug",
    "differentiable",
    "doctor",
    "enable_grad",
    "explain",
    "files",
    "gelu",
    "grad",
    "gradients",
    "graph",
    "hessian",
    "hook",
    "hvp",
    "jacobian",
    "jvp",
    "load",
    "log_softmax",
    "logsumexp",
    "nn",
    "no_grad",
    "onnx",
    "optim",
    "parallel",
    "program",
    "relu",
    "save",
    "scope",
    "sigmoid",
    "silu",
    "softmax",
    "softplus",
    "tensor",
    "testing",
    "training",
    "value_and_grad",
    "view",
    "vjp",
    "vmap",
]

__getattr__, __dir__ = deferred(
    __name__,
    {
        "Explanation": "derivations",
        "GraphView": "view",
        "SigmoidClassifier": "classifier",
        "checkpoint": "transforms",
        "compile": "compiling",
        "convolution": "rules.sequences.convolution",
        "data": "data",
        "debug": "engine.debugging",
        "differentiable": "transforms",
        "doctor": "doctor",
        "explain": "derivations",
        "files": "files",
        "graph": "view",
        "hessian": "transforms",
        "hvp": "transforms",
        "jacobian": "transforms",
        "jvp": "transforms",
        "load": "training.saved",
        "nn": "nn",
        "onnx": "onnx",
        "optim": "optim",
        "parallel": "parallel",
        "program": "programs",
        "save": "training.saved",
        "testing": "testing",
        "training": "training",
        "view": "view",
        "vmap": "transforms",
    },
)

method("_repr_html_", later("tinygrad_bp.view.formats.notebook", "tensor_html"))

if "hypothesis.strategies" in sys.modules:  # else Hypothesis does it, by its entry point
    from tinygrad_bp.testing.registration import register

    register()
    del register
del _pickling, deferred, later, method, sys
