"""The convolution of a layer: one trilinear form, each of whose parts is made of the two others.

With a window of every place p of each sample n, ``sum of x[n, c, p + k] w[o, c, k] y[n, o, p]``
over all indices is linear in x, w and y.  Without y it is the layer's output, without x the output
of a transposed layer, without w the gradient of the kernel.  So the pulls of each of the three are
the two others: one row, closed under differentiation, as the row of matrix products is.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_bp.elsewhere.calls import answers
from tinygrad_bp.engine.arrays import Array, Cotangent
from tinygrad_bp.engine.constructors import bilinear
from tinygrad_bp.engine.memory import empty
from tinygrad_bp.engine.rule import call
from tinygrad_bp.engine.shapes import Shape
from tinygrad_bp.errors import ShapeError
from tinygrad_bp.rules.sequences.windows import (
    FLAT,
    PLAIN,
    Geometry,
    geometry,
    overlap_add,
    padded,
    view,
    windows,
)

# Bytes of windows that are laid out before they are multiplied: all samples at once would take as
# many times the memory of the input as a kernel has elements, and more time where caches end.
BLOCK = 1 << 20


def depth_of(x: Array, where: Geometry, groups: int) -> int:
    """Return how many numbers an output is made of."""
    return int(np.prod((x.shape[1] // groups, *where.kernel), dtype=int))


def grouped(y: Array, groups: int) -> Array:
    """Return (m, groups, channels of a group, places) of an array of samples."""
    m, channels = y.shape[:2]
    places = int(np.prod(y.shape[2:], dtype=int))
    return np.reshape(y, (m, groups, channels // groups, places))


def matrices(w: Array, groups: int) -> Array:
    """Return (groups, outputs of a group, depth) of a kernel."""
    depth = int(np.prod(w.shape[1:], dtype=int))
    return np.reshape(w, (groups, w.shape[0] // groups, depth))


# As NumPy has it: what any array understands, and what the raw code below is compared with.


def _columns(x: Array, where: Geometry, groups: int) -> Array:
    """Return the windows as matrices: (m, groups, depth, places)."""
    places = int(np.prod(where.places, dtype=int))
    shape = (x.shape[0], groups, depth_of(x, where, groups), places)
    return np.reshape(windows(x, where), shape)


def composition(a: Array, b: Array, gives: str, where: Geometry, groups: int) -> Array:
    """Return `correlation` composed of windows and products of matrices."""
    if gives == "output":
        out = np.matmul(matrices(b, groups), _columns(a, where, groups))
        return np.reshape(out, (a.shape[0], b.shape[0], *where.places))
    if gives == "kernel":
        turned = np.swapaxes(_columns(a, where, groups), -1, -2)
        each = np.matmul(grouped(b, groups), turned)
        return np.reshape(np.sum(each, axis=0), (b.shape[1], a.shape[1] // groups, *where.kernel))
    columns = np.matmul(np.swapaxes(matrices(b, groups), -1, -2), grouped(a, groups))
    shape = (a.shape[0], b.shape[1] * groups, *where.kernel, *where.places)
    return overlap_add(np.reshape(columns, shape), where)


# The same on raw arrays, a block of samples after the other.


def _block(depth: int, places: int, dtype: Any) -> int:
    size: int = depth * places * dtype.itemsize
    return max(1, BLOCK // max(1, size))


def _output(x: Array, w: Array, where: Geometry, groups: int) -> Array:
    kind = np.result_type(x, w)
    out = empty((len(x), len(w), *where.places), kind)
    parts, kernel = grouped(out, groups), matrices(w, groups)
    for rows, columns in _laid_out(x, where, groups):
        np.matmul(kernel, columns, out=parts[rows])
    return out


def _kernel(x: Array, y: Array, where: Geometry, groups: int) -> Array:
    kernel = (y.shape[1], x.shape[1] // groups, *where.kernel)
    total = np.zeros(kernel, np.result_type(x, y))
    parts, sums = grouped(y, groups), matrices(total, groups)
    for rows, columns in _laid_out(x, where, groups):
        sums += np.add.reduce(np.matmul(parts[rows], np.swapaxes(columns, -1, -2)), 0)
    return total


def _input(y: Array, w: Array, where: Geometry, groups: int) -> Array:
    kind, m, channels = np.result_type(y, w), len(y), w.shape[1] * groups
    wide = empty((m, channels, *where.padded), kind)
    wide[...] = 0
    turned, given = np.swapaxes(matrices(w, groups), -1, -2), grouped(y, groups)
    places = given.shape[-1]
    step = min(_block(groups * turned.shape[1], places, kind), max(1, m))
    block = empty((step, groups, turned.shape[1], places), kind)
    between: tuple[Any, ...] = (slice(None),) * len(where.size)
    for start in range(0, m, step):
        rows = slice(start, start + step)
        part = given[rows]
        columns = np.matmul(turned, part, out=block[: len(part)])
        parts = np.reshape(columns, (len(columns), channels, *where.kernel, *where.places))
        into = wide[rows]
        for tap, index in where.taps:
            into[index] += parts[..., *tap, *between]
    return wide[where.inside]


def _laid_out(x: Array, where: Geometry, groups: int) -> Array:
    """Yield (rows, their windows as matrices) of a block of samples after the other."""
    found = view(padded(x, where), where)
    depth, places = depth_of(x, where, groups), int(np.prod(where.places, dtype=int))
    step = min(_block(groups * depth, places, x.dtype), max(1, len(x)))
    block = empty((step, *found.shape[1:]), x.dtype)
    for start in range(0, len(x), step):
        part = found[start : start + step]
        columns = block[: len(part)]
        columns[...] = part
        yield (
            slice(start, start + step),
            columns.reshape(len(part), groups, depth, places),
        )


RAW = {"output": _output, "kernel": _kernel, "input": _input}


def correlation(a: Array, b: Array, gives: str, where: Geometry, groups: int) -> Array:
    """Return the "output" of (input, kernel), "input" of (output, kernel) or "kernel" of the rest.

    The kernel's gradient comes from (input, output).
    """
    if type(a) is type(b) is np.ndarray:
        return RAW[gives](a, b, where, groups)
    return composition(a, b, gives, where, groups)


def pulled(i: int, ct: Cotangent, a: Array, b: Array, gives: str) -> tuple[Array, Array, str]:
    """Return of what the pull of an argument, a or b, is the correlation, and what that gives."""
    match gives:
        case "output":
            return (a, ct, "kernel") if i else (ct, b, "input")
        case "input":
            return (ct, a, "kernel") if i else (ct, b, "output")
        case _:
            return (a, ct, "output") if i else (b, ct, "input")


def _first(
    ct: Cotangent, _out: Array, a: Array, b: Array, gives: str, where: Geometry, groups: int
) -> Array:
    return correlation(*pulled(0, ct, a, b, gives), where, groups)


def _second(
    ct: Cotangent, _out: Array, a: Array, b: Array, gives: str, where: Geometry, groups: int
) -> Array:
    return correlation(*pulled(1, ct, a, b, gives), where, groups)


STRIDED = Geometry((3, 4), (2, 2), (2, 1), (1, 2), (1, 0))

correlation = bilinear(
    correlation,
    _first,
    _second,
    composition=composition,
    name="convolution",
    words="weights each window of the input by the kernel, and adds up",
    formula="{0} ⋆ {1}",
    tex=r"x \star w",
    samples=(
        call((2, 2, 4), (3, 2, 2), "output", PLAIN, 1),
        call((2, 2, 4), (2, 1, 2), "output", PLAIN, 2),
        call((1, 2, 3, 4), (2, 2, 2, 3), "output", FLAT, 1),
        call((2, 1, 3, 4), (2, 1, 2, 2), "output", STRIDED, 1),
        call((0, 2, 4), (3, 2, 2), "output", PLAIN, 1),
        call((2, 3, 3), (3, 2, 2), "input", PLAIN, 1),
        call((2, 2, *STRIDED.places), (2, 1, 2, 2), "input", STRIDED, 1),
        call((2, 2, 4), (2, 2, 3), "kernel", PLAIN, 2),
        call((2, 1, 3, 4), (2, 2, *STRIDED.places), "kernel", STRIDED, 1),
    ),
)


@answers
def convolution(
    x: Array, w: Array, stride: Any = 1, padding: Any = 0, dilation: Any = 1, groups: int = 1
) -> Array:
    """Compute ``out[n, o, p] = sum of x[n, c, s p + d k - padding] w[o, c, k]`` over c and k.

    The layers `tg.nn.Conv1d` and `tg.nn.Conv2d` without their bias, over any number of axes.  The
    kernel is not flipped: signal processing calls this a cross-correlation.

    Parameters
    ----------
    x : (m, n_in, ``*size``) array or Tensor
        Samples of channels.
    w : (n_out, n_in / groups, ``*kernel``) array or Tensor
        The kernel.
    stride : int or sequence of int
        Steps between two places of the kernel, s.
    padding : int, sequence of int, or "same"
        Zeros before and after each axis; "same" keeps the size, of an odd kernel and stride 1.
    dilation : int or sequence of int
        Steps between two elements of the kernel, d.
    groups : int
        Output channels see the input channels of their own group alone.

    Returns
    -------
    (m, n_out, ``*places``) array or Tensor
        Along each axis ``(size + 2 padding - d (kernel - 1) - 1) // s + 1`` places.

    Raises
    ------
    ShapeError
        If the shapes do not fit.

    Notes
    -----
    LeCun et al. (1998), "Gradient-based learning applied to document recognition", section II.
    Dumoulin & Visin (2016), "A guide to convolution arithmetic for deep learning", has the sizes.

    Examples
    --------
    >>> import numpy as np, tinygrad_bp as tg
    >>> tg.convolution(np.array([[[1.0, 2.0, 4.0, 8.0]]]), np.array([[[-1.0, 1.0]]]))
    array([[[1., 2., 4.]]])
    """
    x, w = (one if hasattr(one, "ndim") else np.asarray(one) for one in (x, w))
    _require_channels(x.shape, w.shape, groups)
    where = geometry(
        "convolution", x.shape[2:], w.shape[2:], stride=stride, padding=padding, dilation=dilation
    )
    return correlation(x, w, "output", where, groups)


def _require_channels(x: Shape, w: Shape, groups: int) -> None:
    if len(x) < 3 or len(x) != len(w):
        raise ShapeError(
            f"convolution: expected x (m, n_in, *size) and w (n_out, n_in / groups, *kernel), got"
            f" {x} and {w}; a kernel has as many axes as what it moves over, at least one"
        )
    if groups < 1 or x[1] != w[1] * groups or w[0] % groups:
        raise ShapeError(
            f"convolution: {x[1]} input and {w[0]} output channels in {groups} groups need a kernel"
            f" of shape (n_out, n_in / groups, *kernel), got {w}"
        )
