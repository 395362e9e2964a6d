"""What users call to differentiate: Tensors by `backward` and `gradients`, functions by `grad`.

The functional transforms take arrays, Tensors and nested containers of them and give the same back.
They nest: where the result depends on a Tensor tracked outside, it is a tracked Tensor itself, so
nothing is detached silently.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinygrad_bp.deferred import deferred
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

# Most programs take gradients alone.
__getattr__, __dir__ = deferred(
    __name__,
    {
        "checkpoint": "checkpointing",
        "differentiable": "custom",
        "hessian": "derivatives",
        "hvp": "derivatives",
        "jacobian": "derivatives",
        "jvp": "forward",
        "vmap": "mapping",
    },
)
del deferred
