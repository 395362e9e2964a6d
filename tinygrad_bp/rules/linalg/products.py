"""Products of matrices and vectors: matmul, dot, einsum, and the affine map that a layer is."""

from __future__ import annotations

import operator
from math import prod
from typing import Any

import numpy as np
from numpy import add, matmul, ndarray

from tinygrad_bp.engine.arrays import Array, Cotangent
from tinygrad_bp.engine.broadcasting import sum_rows, unbroadcast
from tinygrad_bp.engine.constructors import arrayed, bilinear, composed, general, variadic
from tinygrad_bp.engine.memory import empty
from tinygrad_bp.engine.rule import Pulls, call
from tinygrad_bp.engine.shapes import Axis, normalize_axes
from tinygrad_bp.errors import ShapeError, UnsupportedFunctionError
from tinygrad_bp.rules import kernels
from tinygrad_bp.rules.kernels import product
from tinygrad_bp.rules.linalg.subscripts import Subscripts, parse


def transposed(x: Array) -> Array:
    """Swap the last two axes."""
    return x.T if x.ndim == 2 else np.swapaxes(x, -1, -2)


# A product of two matrices, either of them transposed: what the pulls of a product are, and again
# theirs.  Admitted as one record for speed (the Hessian-vector product of the benchmark).


def _product_left(ct: Cotangent, _out: Array, _x: Array, y: Array, turned: str) -> Array:
    match turned:
        case "NN":
            return product(ct, y, "NT")
        case "TN":
            return product(y, ct, "NT")
        case "NT":
            return product(ct, y, "NN")
        case _:
            return product(y, ct, "TT")


def _product_right(ct: Cotangent, _out: Array, x: Array, _y: Array, turned: str) -> Array:
    match turned:
        case "NN":
            return product(x, ct, "TN")
        case "TN":
            return product(x, ct, "NN")
        case "NT":
            return product(ct, x, "TN")
        case _:
            return product(ct, x, "TT")


bilinear(
    product,
    _product_left,
    _product_right,
    name="matrix_product",
    samples=(
        call((3, 4), (4, 2), "NN"),
        call((4, 3), (4, 2), "TN"),
        call((3, 4), (2, 4), "NT"),
        call((4, 3), (2, 4), "TT"),
        call((70, 2), (2, 3), "NN"),
        call((0, 4), (2, 4), "NT"),
    ),
)


def _matmul_left(ct: Cotangent, _out: Array, _x: Array, y: Array) -> Array:
    if _x.ndim == 2 and y.ndim == 2:
        return product(ct, y, "NT")
    if y.ndim == 1:
        return np.expand_dims(ct, -1) * y
    if _x.ndim == 1:
        return matmul(y, np.expand_dims(ct, -1))[..., 0]
    return matmul(ct, transposed(y))


def _matmul_right(ct: Cotangent, _out: Array, x: Array, _y: Array) -> Array:
    if x.ndim == 2 and _y.ndim == 2:
        return product(x, ct, "TN")
    if x.ndim == 1:
        return np.expand_dims(x, -1) * np.expand_dims(ct, -2) if _y.ndim > 1 else x * ct
    if _y.ndim == 1:
        return matmul(transposed(x), np.expand_dims(ct, -1))[..., 0]
    return matmul(transposed(x), ct)


bilinear(
    matmul,
    _matmul_left,
    _matmul_right,
    forward=operator.matmul,
    broadcasts=True,
    operators=("__matmul__",),
    reflected=("__rmatmul__",),
    remedy="; transpose one operand? (the inner axes must agree)",
    words="the product of two matrices",
    formula="{0} · {1}",
    tex=r"x\, y",
    samples=(
        call((3, 4), (4, 2)),
        call((4,), (4, 2)),
        call((3, 4), (4,)),
        call((4,), (4,)),
        call((2, 3, 4), (4, 2)),
        call((3, 4), (2, 4, 5)),
        call((5, 1, 3, 4), (2, 4, 2)),
        call((4,), (2, 4, 3)),
        call((2, 3, 4), (4,)),
        call((0, 4), (4, 2)),
        call((3, 0), (0, 2)),
    ),
)


@composed(np.dot, methods=("dot",))
def dot(a: Array, b: Array) -> Array:
    """`numpy.dot`: a product of scalars, vectors or matrices; over the last axis of `a` else."""
    a, b = arrayed(a), arrayed(b)
    if not (a.ndim and b.ndim):
        return a * b
    if b.ndim == 1 or (a.ndim <= 2 and b.ndim <= 2):
        return matmul(a, b)
    return np.tensordot(a, b, axes=((-1,), (-2,)))


@composed(np.inner)
def inner(a: Array, b: Array) -> Array:
    """`numpy.inner`: the sum over the last axes of both."""
    a, b = arrayed(a), arrayed(b)
    return np.tensordot(a, b, axes=((-1,), (-1,))) if a.ndim and b.ndim else a * b


@composed(np.vdot, analytic=False)
def vdot(a: Array, b: Array) -> Array:
    """`numpy.vdot`: the inner product of the flattened arrays, the first one conjugated."""
    a, b = arrayed(a), arrayed(b)
    return matmul(np.conjugate(np.ravel(a)) if a.dtype.kind == "c" else np.ravel(a), np.ravel(b))


@composed(np.outer)
def outer(a: Array, b: Array) -> Array:
    """`numpy.outer`: all products of the elements of the flattened arrays."""
    a, b = arrayed(a), arrayed(b)
    return np.expand_dims(np.ravel(a), 1) * np.ravel(b)


@composed(np.tensordot)
def tensordot(a: Array, b: Array, axes: Any = 2) -> Array:
    """`numpy.tensordot`: the sum of products over the given axes of both."""
    a, b = arrayed(a), arrayed(b)
    if isinstance(axes, int):
        left, right = tuple(range(a.ndim - axes, a.ndim)), tuple(range(axes))
    else:
        left, right = (_axes(one, x.ndim) for one, x in zip(axes, (a, b), strict=True))
    if [a.shape[i] for i in left] != [b.shape[i] for i in right]:
        raise ShapeError(
            f"tensordot: axes {left} of shape {a.shape} and {right} of {b.shape} differ in length"
        )
    free = [i for i in range(a.ndim) if i not in left]
    other = [i for i in range(b.ndim) if i not in right]
    rows, columns = tuple(a.shape[i] for i in free), tuple(b.shape[i] for i in other)
    depth = int(np.prod([a.shape[i] for i in left], dtype=int))
    flat_a = np.reshape(np.transpose(a, (*free, *left)), (int(np.prod(rows, dtype=int)), depth))
    flat_b = np.reshape(
        np.transpose(b, (*right, *other)), (depth, int(np.prod(columns, dtype=int)))
    )
    return np.reshape(matmul(flat_a, flat_b), rows + columns)


def _axes(axes: Axis, ndim: int) -> tuple[int, ...]:
    return normalize_axes(axes, ndim, "tensordot")


# einsum: after `parse` no label occurs twice in one operand, so every pull is again an einsum.


def _einsum_bind(*args: Any, **kwargs: Any) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
    optimize = kwargs.pop("optimize", False)
    if kwargs:
        raise UnsupportedFunctionError(f"einsum: {', '.join(kwargs)} is not supported on Tensors")
    operands, subscripts = parse(*args)
    return operands, (subscripts, optimize)


def _einsum_part(i: int, ct: Cotangent, saved: tuple[Any, ...]) -> Array:
    _, *operands, subscripts, optimize = saved
    shape = operands.pop(i).shape
    target, others = subscripts.transpose(i)
    part = np.einsum(others, ct, *operands, optimize=optimize)
    missing = [axis for axis, label in enumerate(subscripts.inputs[i]) if label not in target]
    # a label that only this operand has: its elements were summed, each gets the sum's cotangent
    if missing:
        part = np.expand_dims(part, missing)
    wide = tuple(max(n, m) if n and m else 0 for n, m in zip(part.shape, shape, strict=True))
    part = part if part.shape == wide else np.broadcast_to(part, wide)
    # here, not in the walk: the result may have the operand's shape and the part another
    return unbroadcast(part, shape)


def _einsum_keeps(count: int, tracked: int) -> tuple[bool, ...]:
    """Keep what the pull of another operand reads."""
    several = tracked & (tracked - 1) != 0
    return (False, *(several or not tracked >> j & 1 for j in range(count)))


def _sums_nothing(_out: Array, subscripts: Subscripts, _optimize: Any) -> bool:
    """Whether NumPy gives a view of the only operand: its labels in another order."""
    return len(subscripts.inputs[0]) == len(subscripts.output)


def _einsum_rule(arity: int) -> dict[str, Any]:
    specs = {
        1: (
            call("ij->ji", (2, 3)),
            call("ii->i", (3, 3)),
            call("ij->", (2, 3)),
            call("ii", (3, 3)),
            call("ij->i", (2, 0)),
        ),
        2: (
            call("ij,jk->ik", (2, 3), (3, 4)),
            call("ij,ij", (2, 3), (2, 3)),
            call("...i,i->...", (2, 3, 4), (4,)),
            call("i,j->ij", (3,), (2,)),
            call("bij,bjk", (2, 3, 2), (2, 2, 4)),
            call("...ij,...jk->...ik", (1, 2, 3), (4, 3, 2)),
            call("ik,j->i", (2, 3), (4,)),
            call("ij,ik->kj", (1, 3), (2, 1)),
            call("ij,jk->ik", (2, 0), (0, 3)),
        ),
        3: (
            call("ij,jk,kl->il", (2, 3), (3, 2), (2, 4)),
            call("i,ij,j", (2,), (2, 3), (3,)),
            call("...i,...i,i->...", (2, 3), (1, 3), (3,)),
            call("i,ij,j", (0,), (0, 3), (3,)),
        ),
    }
    return {
        "forward": lambda *operands: np.einsum(
            operands[arity].equation, *operands[:arity], optimize=operands[arity + 1]
        ),
        "pulls": Pulls(_einsum_part, _einsum_keeps, arity),
        "views": arity == 1 and _sums_nothing,
        "kind": "bilinear",
        "samples": specs.get(arity, ()),
    }


variadic(np.einsum, "einsum", _einsum_bind, _einsum_rule)


# The map of a layer: admitted as one record for speed (the 2-5-5-1 step of the benchmark).


def affine_composed(x: Array, W: Any, b: Array) -> Array:
    """Return ``x @ W + b`` as the composition that `affine` fuses."""
    return matmul(x, W) + b


def _affine_inputs(ct: Cotangent, _out: Array, _x: Array, W: Any, _b: Array) -> Array:
    if ct.ndim == 2:
        if type(ct) is type(W) is ndarray and len(ct) < kernels.SHORT:
            return ct.dot(W.T)  # `product` of few rows, spelt out
        return product(ct, W, "NT")
    if ct.ndim == 1:
        return matmul(ct, W.T)
    return np.reshape(product(_rows(ct), W, "NT"), (*ct.shape[:-1], W.shape[0]))


def _rows(x: Array) -> Array:
    """Return a matrix of all rows: one product of it takes BLAS less than many small ones."""
    width = x.shape[-1]
    return np.reshape(x, (-1 if width else prod(x.shape[:-1]), width))


def _rows_product(x: Array, W: Any) -> Array:
    """Return the product of all rows of raw `x` with `W`."""
    rows = _rows(x)
    if not kernels.same_dtype(x, W):
        return rows.dot(W)
    return rows.dot(W, empty((len(rows), W.shape[1]), W.dtype))


def _affine_weights(ct: Cotangent, _out: Array, x: Array, _W: Any, _b: Array) -> Array:
    if x.ndim != 2:
        if x.ndim == 1:
            return np.expand_dims(x, 1) * ct
        x, ct = _rows(x), _rows(ct)
    if type(x) is type(ct) is ndarray and x.shape[1] < kernels.SHORT:
        return x.T.dot(ct)  # likewise
    return product(x, ct, "TN")


def _affine_bias(ct: Cotangent, _out: Array, _x: Array, _W: Any, _b: Array) -> Array:
    if type(ct) is ndarray and ct.ndim > 1:  # the commonest case, spelt out
        return sum_rows(ct if ct.ndim == 2 else _rows(ct))
    return unbroadcast(ct, _b.shape)


def _affine_push(tangents: Any, _out: Array, x: Array, W: Any, _b: Array) -> Array:
    tx, tW, tb = tangents
    parts = [] if tx is None else [matmul(tx, W)]
    if tW is not None:
        parts.append(matmul(x, tW))
    if tb is not None:
        parts.append(tb)
    return sum(parts[1:], parts[0])


def affine(x: Array, W: Any, b: Array) -> Array:
    """Compute ``x @ W + b``, the map of a fully connected layer, as one record.

    Parameters
    ----------
    x : (..., n_in) array or Tensor
        Samples are rows.
    W : (n_in, n_out) array or Tensor
        Weights.
    b : (n_out,) array or Tensor
        Bias.

    Returns
    -------
    (..., n_out) array or Tensor
        A Tensor if an argument is one.

    Raises
    ------
    ShapeError
        If the shapes do not fit.
    """
    wide = b.shape
    if len(wide) != 1 or W.shape[1:] != wide:
        raise ShapeError(
            f"affine: expected W (n_in, n_out) and b (n_out,), got {W.shape} and {b.shape}"
        )
    raw = type(x) is type(W) is ndarray
    if raw and x.ndim > 2:  # BLAS takes matrices alone: dot would do without it
        out = _rows_product(x, W).reshape(*x.shape[:-1], *wide)
    else:
        out = x.dot(W) if raw and len(x) < kernels.SHORT else product(x, W, "NN")
    if type(out) is type(b) is ndarray and out.dtype is b.dtype:
        return add(out, b, out)  # out is ours: no second array
    return out + b


affine = general(
    affine,
    _affine_inputs,
    _affine_weights,
    _affine_bias,
    push=_affine_push,
    composition=affine_composed,
    remedy="; samples are rows: x (m, n_in), W (n_in, n_out), b (n_out,)",
    words="weights the inputs of each sample and adds the bias",
    formula="{0} · {1} + {2}",
    tex=r"z = x W + b",
    adds="products",
    samples=(
        call((4, 2), (2, 5), (5,)),
        call((2,), (2, 3), (3,)),
        call((2, 3, 4), (4, 2), (2,)),
        call((0, 2), (2, 3), (3,)),
        call((70, 2), (2, 3), (3,)),
        call((2, 3, 0), (0, 2), (2,)),
    ),
)
