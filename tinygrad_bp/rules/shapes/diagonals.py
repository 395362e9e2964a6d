"""Diagonals and triangles: taking them out of matrices, and making matrices of them."""

from __future__ import annotations

import numpy as np

from tinygrad_bp.engine.arrays import Array, Cotangent
from tinygrad_bp.engine.constructors import composed, linear
from tinygrad_bp.engine.rule import call
from tinygrad_bp.engine.shapes import Shape
from tinygrad_bp.rules.indexing.indexing import scatter


def _place_diagonal(ct: Cotangent, shape: Shape, offset: int, axis1: int, axis2: int) -> Array:
    """Return zeros of `shape` with `ct` on a diagonal: the transpose of numpy.diagonal."""
    i = np.arange(ct.shape[-1])
    first, second = (i, i + offset) if offset >= 0 else (i - offset, i)
    rest = tuple(n for k, n in enumerate(shape) if k not in (axis1, axis2))
    placed = scatter(ct, (*rest, shape[axis1], shape[axis2]), (..., first, second))
    return np.moveaxis(placed, (-2, -1), (axis1, axis2))


def _diagonal_pull(
    ct: Cotangent, _out: Array, _x: Array, offset: int, axis1: int, axis2: int
) -> Array:
    return _place_diagonal(ct, _x.shape, offset, axis1 % _x.ndim, axis2 % _x.ndim)


diagonal = linear(
    np.diagonal,
    _diagonal_pull,
    forward=lambda a, offset=0, axis1=0, axis2=1: np.diagonal(a, offset, axis1, axis2),
    methods=("diagonal",),
    words="picks a diagonal",
    views=True,
    samples=(
        call((3, 3)),
        call((3, 4), 1),
        call((4, 3), offset=-1),
        call((2, 3, 4), axis1=2, axis2=0),
        call((0, 3)),
        call((3, 4), 9),
    ),
)


@composed(np.trace, methods=("trace",))
def trace(a: Array, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Array:
    """`numpy.trace`."""
    return np.sum(diagonal(a, offset, axis1, axis2), axis=-1)


linear(
    np.diag,
    lambda ct, _out, _x, k: (
        np.diagonal(ct, k) if _x.ndim == 1 else _place_diagonal(ct, _x.shape, k, 0, 1)
    ),
    forward=lambda v, k=0: np.diag(v, k),
    views=lambda out, _k: out.ndim == 1,
    samples=(call((3,)), call((3,), 1), call((3, 4), -1), call((3, 3)), call((0,), 1)),
)
linear(
    np.tril,
    lambda ct, _out, _x, k: np.tril(ct, k),
    forward=lambda m, k=0: np.tril(m, k),
    samples=(call((3, 4)), call((2, 3, 3), 1), call((0, 3))),
)
linear(
    np.triu,
    lambda ct, _out, _x, k: np.triu(ct, k),
    forward=lambda m, k=0: np.triu(m, k),
    samples=(call((3, 4)), call((3, 3), -1), call((0, 3))),
)
