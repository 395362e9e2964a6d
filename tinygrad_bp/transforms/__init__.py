"""What users call to differentiate: Tensors by `backward` and `gradients`, functions by `grad`.

The functional transforms take arrays, Tensors and nested containers of them and give the same back.
They nest: where the result depends on a Tensor tracked outside, it is a tracked Tensor itself, so
nothing is detached silently.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from tinygrad_bp.transforms.reverse import backward, grad, gradients, value_and_grad, vjp

if TYPE_CHECKING:
    from tinygrad_bp.transforms.checkpointing import checkpoint
    from tinygrad_bp.transforms.custom import differentiable
    from tinygrad_bp.transforms.derivatives import hessian, hvp, jacobian
    from tinygrad_bp.transforms.forward import jvp
    from tinygrad_bp.transforms.mapping import vmap

__all__ = [
    "backward",
    "checkpoint",
    "differentiable",
    "grad",
    "gradients",
    "hessian",
    "hvp",
    "jacobian",
    "jvp",
    "value_and_grad",
    "vjp",
    "vmap",
]

# Loaded when first asked for: most programs take gradients alone.
LATER = {
    "checkpoint": "checkpointing",
    "differentiable": "custom",
    "hessian": "derivatives",
    "hvp": "derivatives",
    "jacobian": "derivatives",
    "jvp": "forward",
    "vmap": "mapping",
}


def __getattr__(name: str) -> Any:
    if name not in LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = getattr(import_module(f"{__name__}.{LATER[name]}"), name)
    globals()[name] = found
    return found
