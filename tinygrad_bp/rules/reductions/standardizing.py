"""Numbers of mean 0 and variance 1 along axes, as one record: what norms of layers are made of.

Admitted for speed: composed, a layer norm of (32, 32, 64) takes four times as long.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy import multiply, ndarray, subtract

from tinygrad_bp.engine.arrays import Array, Cotangent
from tinygrad_bp.engine.broadcasting import sum_columns, sum_rows
from tinygrad_bp.engine.constructors import general
from tinygrad_bp.engine.memory import empty_like
from tinygrad_bp.engine.rule import call
from tinygrad_bp.engine.shapes import Shape
from tinygrad_bp.engine.tensor import unwrap
from tinygrad_bp.rules.kernels import same_dtype

Axes = tuple[int, ...]


def _layout(shape: Shape, axis: Axes) -> Shape | None:
    """Return the shape in which the axes are the last, or the first and the last, of three.

    So sums over them are products with ones, by BLAS; None where they are not.
    """
    rank = len(shape)
    apart = [one % rank for one in axis]
    if apart == [rank - 1]:
        return (math.prod(shape[:-1]), shape[-1])
    if rank > 1 and apart == [0, *range(2, rank)]:
        return (shape[0], shape[1], math.prod(shape[2:]))
    return None


def _mean(x: Array, axis: Axes) -> Array:
    """Return the mean along the axes, which are kept with length 1."""
    shape = x.shape
    layout = _layout(shape, axis) if type(x) is ndarray and x.dtype.char in "fd" else None
    if layout is None or not x.size:
        return np.mean(x, axis=axis, keepdims=True)
    wide = x.reshape(math.prod(layout[:-1]), layout[-1])
    if len(layout) == 2:
        total = sum_columns(wide)
    else:
        total = x.reshape(layout[:2]) if layout[2] == 1 else sum_columns(wide).reshape(layout[:2])
        total = sum_rows(total)
    axes = {one % len(shape) for one in axis}
    kept = [1 if k in axes else n for k, n in enumerate(shape)]
    return total.reshape(kept) / total.dtype.type(x.size // total.size)


def moments(x: Array, axis: Axes) -> tuple[Array, Array]:
    """Return the mean and the variance along the axes, which are kept with length 1.

    Parameters
    ----------
    x : array or Tensor
    axis : tuple of int

    Returns
    -------
    (array, array), or of Tensors
    """
    mean = _mean(x, axis)
    if type(x) is type(mean) is ndarray and x.dtype is mean.dtype:
        apart = subtract(x, mean, empty_like(x))
        return mean, _mean(multiply(apart, apart, apart), axis)
    apart = x - mean
    return mean, _mean(apart * apart, axis)


def standardized(x: Array, axis: Any = -1, eps: float = 1e-5, known: Any = None) -> Array:
    """Compute ``(x - mean) / sqrt(variance + eps)``, of the mean and variance along axes.

    Parameters
    ----------
    x : array or Tensor
    axis : int or tuple of int, default -1
    eps : float, default 1e-5
        Added to the variance: no division by 0.
    known : (array, array), optional
        The `moments` of `x` along the axes, if one has them.

    Returns
    -------
    array or Tensor of x's shape
    """
    (x,), params = _bind(x, axis, eps, known)
    return _forward(x, *params)


def _bind(
    x: Array, axis: Any = -1, eps: float = 1e-5, known: Any = None
) -> tuple[tuple[Any], tuple[Any, ...]]:
    axes = axis if isinstance(axis, tuple) else (axis,)
    mean, variance = moments(unwrap(x), axes) if known is None else map(unwrap, known)
    return (x,), (axes, eps, mean, 1.0 / np.sqrt(variance + eps))


def _forward(x: Array, _axis: Axes, _eps: float, mean: Array, scale: Array) -> Array:
    if not type(x) is type(mean) is ndarray or x.dtype is not scale.dtype:
        return (x - mean) * scale
    out = subtract(x, mean, empty_like(x))
    return multiply(out, scale, out)


def _scale(x: Array, axis: Axes, eps: float) -> Array:
    return 1.0 / np.sqrt(moments(x, axis)[1] + eps)


def _pull(
    ct: Cotangent, out: Array, x: Array, axis: Axes, eps: float, _middle: Array, scale: Array
) -> Array:
    if not type(ct) is type(out) is type(scale) is ndarray or not same_dtype(ct, out):
        scale = _scale(x, axis, eps)  # again: its own derivative counts in a recorded walk
        return scale * (ct - _mean(ct, axis) - out * _mean(ct * out, axis))
    along = multiply(ct, out, empty_like(out))
    along = multiply(out, _mean(along, axis), along)
    subtract(ct, along, along)
    subtract(along, _mean(ct, axis), along)
    return multiply(along, scale, along)


def _push(
    tangents: Any, out: Array, x: Array, axis: Axes, eps: float, _middle: Array, _spread: Array
) -> Array:
    (t,) = tangents
    return _scale(x, axis, eps) * (t - _mean(t, axis) - out * _mean(t * out, axis))


def _composition(x: Array, axis: Any = -1, eps: float = 1e-5, known: Any = None) -> Array:  # noqa: ARG001  # found anew
    apart = x - np.mean(x, axis=axis, keepdims=True)
    return apart / np.sqrt(np.mean(apart * apart, axis=axis, keepdims=True) + eps)


standardized = general(
    standardized,
    _pull,
    push=_push,
    forward=_forward,
    bind=_bind,
    composition=_composition,
    words="takes the mean away, and divides by the spread",
    formula="({0} − mean) / √(variance + ε)",
    tex=r"\frac{x - \mathrm{mean}(x)}{\sqrt{\mathrm{var}(x) + \varepsilon}}",
    samples=(
        call((3, 4)),
        call((2, 3, 2), axis=(0, 2)),
        call((4, 2), axis=(0,), eps=0.1),
        call((2, 3, 2), axis=(1,)),
        call((2, 3, 2), axis=(0, 2), eps=0.5),
        call((0, 3)),
    ),
)
