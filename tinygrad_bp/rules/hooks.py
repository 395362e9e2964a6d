"""Hooks: the identity, with a user's function on its cotangent."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tinygrad_bp.engine.arrays import Array, Cotangent
from tinygrad_bp.engine.constructors import linear
from tinygrad_bp.engine.rule import call
from tinygrad_bp.engine.tensor import Tensor, wrap
from tinygrad_bp.engine.walk import plain_answer
from tinygrad_bp.errors import ShapeError


def _seen(ct: Cotangent, _out: Array, _x: Array, f: Callable[[Tensor], Any]) -> Array:
    answer = f(ct if type(ct) is Tensor else wrap(ct))
    if answer is None:
        return ct
    if getattr(answer, "shape", None) != ct.shape:
        raise ShapeError(
            f"hook: the cotangent has shape {ct.shape}, what the hook returned"
            f" {getattr(answer, 'shape', type(answer).__name__)}; return an array of that shape, or"
            " None to leave it as it is"
        )
    if isinstance(answer, np.ndarray):
        answer = answer.copy()  # the user's to change
    answer = answer if answer.dtype == ct.dtype else answer.astype(ct.dtype)
    return answer if type(ct) is Tensor else plain_answer(answer, "hook: its function")


def hook(x: Any, f: Callable[[Tensor], Any]) -> Any:  # the pull calls it
    """Return `x`; whoever uses the result sends its cotangent through `f` on the way back.

    Parameters
    ----------
    x : array or Tensor
    f : callable
        Called once in each backward pass that comes by, with the complete cotangent, a Tensor of
        the shape of `x`.  Returns what goes on in its place, or None to leave it as it is.  With
        ``create_graph=True`` what it computes is recorded.

    Returns
    -------
    array or Tensor
        The value of `x`.

    Raises
    ------
    ShapeError
        In the backward pass, if `f` returns another shape.
    TrackedTensorError
        There, if `f` reads a tracked Tensor from around it and a transform would lose the
        derivative by that.

    Examples
    --------
    >>> import numpy as np, tinygrad_bp as tg
    >>> w = tg.tensor([3.0, 0.1], requires_grad=True)
    >>> clipped = tg.hook(w, lambda ct: np.clip(ct, -1.0, 1.0))
    >>> np.sum(clipped**2).backward()
    >>> w.grad
    Tensor([1. , 0.2])
    """
    if not callable(f):
        raise TypeError(f"hook: f={f!r:.60}; expected a function")
    return x


hook = linear(
    hook,
    _seen,
    samples=(
        call((2, 3), lambda _ct: None),
        call((0, 3), lambda ct: ct),
        call((), lambda ct: ct * 1.0),
    ),
)
