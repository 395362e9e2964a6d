"""What the rules of linear algebra share: adjoints, division by matrices, packed results.

Cotangents follow the convention of the package: the pull of a linear map is its transpose, without
conjugation, so the cotangent of ``B @ X @ C`` in X is ``B.T @ ct @ C.T``, complex or not.  Where a
function itself conjugates (the adjoint, an orthonormal factor) the derivative is real-linear only:
a ``ct`` of ``adjoint(X)`` comes back as ``adjoint(ct)``.

A factorisation gives several arrays and the graph has one result a node.  So its rule packs them
into one array, and slices, which have rules of their own, take it apart again: nothing is computed
twice, and second derivatives follow.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from math import prod
from typing import Any

import numpy as np

from tinygrad_bp.engine.arrays import Array, Cotangent
from tinygrad_bp.engine.constructors import arrayed
from tinygrad_bp.engine.rule import call
from tinygrad_bp.engine.shapes import Shape
from tinygrad_bp.engine.tensor import Tensor, unwrap
from tinygrad_bp.errors import GraphError
from tinygrad_bp.rules.linalg.products import transposed

# Calls for the generic tests of functions of square matrices.
SQUARE = (call((3, 3)), call((2, 3, 3)), call((1, 1)), call((0, 0)))


def as_arrays(*operands: Any) -> tuple[Any, ...]:
    """Return `operands` with lists and numbers as arrays."""
    return tuple(map(arrayed, operands))


def floating(x: Array) -> Array:
    """Return `x`, integers in double precision, as NumPy's linear algebra computes with them."""
    return x if x.dtype.kind in "fc" else x.astype(np.float64)


def conj(x: Array) -> Array:
    """Return the conjugate of `x`; `x` itself if it is real."""
    return np.conjugate(x) if x.dtype.kind == "c" else x


def real(x: Array) -> Array:
    """Return the real part of `x`; `x` itself if it is real."""
    return np.real(x) if x.dtype.kind == "c" else x


def matched(ct: Cotangent, x: Array) -> Array:
    """Return the cotangent of `x`: the real part of `ct` if `x` is real."""
    return ct if x.dtype.kind == "c" else real(ct)


def imaginary(x: Array) -> Array:
    """Return ``1j * imag(x)`` of a complex `x`."""
    return (x - np.conjugate(x)) * 0.5


def adjoint(x: Array) -> Array:
    """Return the conjugate transpose over the last two axes."""
    return conj(transposed(x))


def hermitian(x: Array) -> Array:
    """Return the Hermitian part: the cotangent where one triangle was read and stands for both."""
    return (x + adjoint(x)) * 0.5


def divided(x: Array, y: Array) -> Array:
    """Return ``x @ inv(y)``."""
    return transposed(np.linalg.solve(transposed(y), transposed(x)))


def diagonal_matrix(d: Any) -> Any:
    """Return matrices with the vectors `d` on their diagonals."""
    return np.expand_dims(d, -2) * np.eye(d.shape[-1], dtype=d.dtype)


def diagonal_of(x: Array) -> Array:
    """Return the diagonals over the last two axes."""
    return np.diagonal(x, 0, -2, -1)


def half_lower(x: Array) -> Array:
    """Return the lower triangle of `x` with half its diagonal: half of a Hermitian matrix."""
    n = x.shape[-1]
    return x * (np.tri(n, dtype=x.dtype) - np.eye(n, dtype=x.dtype) / 2)


@cache
def result_type(name: str) -> Any:
    """Return the named tuple of a function of `numpy.linalg`; not at import, LAPACK is slow."""
    return type(getattr(np.linalg, name)(np.eye(1)))


def packed(parts: Sequence[Any], core: Sequence[int]) -> Any:
    """Return `parts` as one array: the last axes, as many as `core` says, flattened and joined."""
    flat = []
    for part, ndim in zip(parts, core, strict=True):
        lead = part.shape[: part.ndim - ndim]
        flat.append(np.reshape(part, (*lead, prod(part.shape[part.ndim - ndim :]))))
    return np.concatenate(flat, axis=-1)


def part(whole: Any, shapes: Sequence[Shape], which: int) -> Any:
    """Return one of the arrays of these core shapes that `packed` joined."""
    start = sum(prod(shape) for shape in shapes[:which])
    shape = shapes[which]
    return np.reshape(whole[..., start : start + prod(shape)], (*whole.shape[:-1], *shape))


def parts(whole: Any, shapes: Sequence[Shape]) -> list[Any]:
    """Return all the arrays of these core shapes that `packed` joined."""
    return [part(whole, shapes, i) for i in range(len(shapes))]


def require_invariance(name: str, residue: Any, ct: Cotangent, of: Any, what: str) -> None:
    """Refuse a cotangent that asks how a result changes with what is arbitrary in it.

    Parameters
    ----------
    name : str
        The function that gave the result.
    residue : array
        The change of the loss with the arbitrary part; 0 for a loss that does not depend on it.
    ct : array
        The cotangent; rounding makes a residue in proportion to it.
    of : array
        What it is the cotangent of, in whose precision that rounding is.
    what : str
        What is arbitrary, and how to do without.

    Raises
    ------
    GraphError
        If the residue is more than rounding can make.
    """
    eps = np.finfo(of.dtype).eps
    # half the digits: what comes down a long graph has lost some of them
    bound = eps**0.5 * np.max(np.abs(unwrap(ct)), initial=0) + eps
    if np.max(np.abs(unwrap(residue)), initial=0) > bound:
        raise GraphError(f"{name}: the loss depends on {what}")


# Spectral factorisations.

# Calls for the generic tests of vectors: no more than two, since for three or more LAPACK's signs
# change with the last bit of the matrix, and difference quotients with them.
PAIRS = (call((2, 2)), call((3, 2, 2)), call((1, 1)), call((0, 0)))
PHASE = (
    "the phase of complex vectors, which is arbitrary; use what does not, like abs(v)**2 or the"
    " projector v @ v.conj().T of one vector"
)
OPEN = (
    "LAPACK leaves the basis of a null space and the phase of a vector open: the pull asks whether"
    " the loss depends on them"
)


class Known:
    """Values and vectors that a factorisation has found already, for the rule of its values alone.

    Raw arrays: a pull that is recorded factorises again, on the graph, where its vectors turn.
    """

    __slots__ = ("values", "vectors")

    def __init__(self, values: Array, *vectors: Any) -> None:
        self.values = values
        self.vectors = vectors


def vectors_of(known: Known | None, like: Any, factorised: Callable[[], Any]) -> Any:
    """Return the vectors that a rule of values reads: known ones, unless `like` is recorded."""
    return factorised() if known is None or isinstance(like, Tensor) else known.vectors


def used_columns(*cts: Any) -> Any:
    """Return which columns of any of the `cts` are not all 0."""
    used = np.any(unwrap(cts[0]) != 0, axis=-2)
    for ct in cts[1:]:
        used = used | np.any(unwrap(ct) != 0, axis=-2)
    return used


def over_gaps(x: Array, gaps: Any, used: Any) -> Array:
    """Return ``x / gaps`` off the diagonal; 0 for pairs of which neither is used.

    Where all seem unused their cotangents have cancelled, as in ``v @ f(w) @ inv(v)`` of a multiple
    of the identity: there equal values do leave the derivative undefined.
    """
    idle = ~used[..., :, None] & ~used[..., None, :] & np.any(used, axis=-1)[..., None, None]
    skip = idle | np.eye(x.shape[-1], dtype=bool)
    return np.where(skip, 0, x / np.where(skip, 1, gaps))
