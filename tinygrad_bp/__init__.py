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
from importlib import import_module
from typing import TYPE_CHECKING, Any

from tinygrad_bp import pickling as _pickling  # attaches what copy and pickle call
from tinygrad_bp.errors import TinygradError
from tinygrad_bp.functional import gelu, mse, silu, softmax
from tinygrad_bp.graph import enable_grad, no_grad
from tinygrad_bp.rules.activations import relu, sigmoid, softplus
from tinygrad_bp.rules.hooks import hook
from tinygrad_bp.rules.products import affine
from tinygrad_bp.rules.reductions import log_softmax, logsumexp
from tinygrad_bp.scopes import scope
from tinygrad_bp.tensor import Tensor, tensor
from tinygrad_bp.transforms import grad, gradients, value_and_grad, vjp

if TYPE_CHECKING:
    from tinygrad_bp import data, nn, optim, testing, training, view
    from tinygrad_bp.classifier import SigmoidClassifier
    from tinygrad_bp.debugging import debug
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

__version__ = "0.1.0"

__all__ = [
    "GraphView",
    "SigmoidClassifier",
    "Tensor",
    "TinygradError",
    "affine",
    "checkpoint",
    "data",
    "debug",
    "differentiable",
    "enable_grad",
    "gelu",
    "grad",
    "gradients",
    "graph",
    "hessian",
    "hook",
    "hvp",
    "jacobian",
    "jvp",
    "log_softmax",
    "logsumexp",
    "mse",
    "nn",
    "no_grad",
    "optim",
    "relu",
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

# Importing the module of this name has set the attribute: tg.graph is the function, loaded below.
globals().pop("graph", None)
del _pickling

# Loaded when first asked for, so that `import tinygrad_bp` costs little more than `import numpy`.
_LAZY = {
    "GraphView": "tinygrad_bp.view",
    "SigmoidClassifier": "tinygrad_bp.classifier",
    "graph": "tinygrad_bp.view",
    **dict.fromkeys(
        ("checkpoint", "differentiable", "hessian", "hvp", "jacobian", "jvp", "vmap"),
        "tinygrad_bp.transforms",
    ),
    "data": "",
    "debug": "tinygrad_bp.debugging",
    "nn": "",
    "optim": "",
    "testing": "",
    "training": "",
    "view": "",
}


def __getattr__(name: str) -> Any:
    home = _LAZY.get(name)
    if home is None:
        raise AttributeError(f"module 'tinygrad_bp' has no attribute {name!r}")
    found = getattr(import_module(home), name) if home else import_module(f"tinygrad_bp.{name}")
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted(__all__)


if "hypothesis.strategies" in sys.modules:  # else Hypothesis does it, by its entry point
    import_module("tinygrad_bp.testing.registration").register()
