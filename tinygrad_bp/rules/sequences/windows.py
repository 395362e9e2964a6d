"""Sliding windows over the trailing axes, and their transpose: what convolution and pooling share.

Each is the pull of the other, so the two rows are closed under differentiation.  Samples and
channels come first: x is (m, c, *size), its windows are (m, c, *kernel, *places).
"""

from __future__ import annotations

import operator
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided

from tinygrad_bp.engine.arrays import Array, is_written_down
from tinygrad_bp.engine.constructors import linear
from tinygrad_bp.engine.memory import empty
from tinygrad_bp.engine.rule import call
from tinygrad_bp.engine.shapes import Shape
from tinygrad_bp.errors import ShapeError


@dataclass(frozen=True)
class Geometry:
    """Where windows lie; one number for each of the trailing axes.

    Attributes
    ----------
    size, kernel : tuple of int
        Lengths of the axes, and elements of a window along them.
    stride, dilation : tuple of int
        Steps from window to window, and from element to element within one.
    padding : tuple of int
        Zeros before and after each axis.
    """

    size: Shape
    kernel: Shape
    stride: Shape
    dilation: Shape
    padding: Shape

    @cached_property
    def padded(self) -> Shape:
        """The lengths with their padding."""
        return tuple(n + 2 * p for n, p in zip(self.size, self.padding, strict=True))

    @cached_property
    def places(self) -> Shape:
        """How many windows there are along each axis."""
        spans = (d * (k - 1) + 1 for d, k in zip(self.dilation, self.kernel, strict=True))
        steps = zip(self.padded, spans, self.stride, strict=True)
        return tuple((n - span) // s + 1 for n, span, s in steps)

    @cached_property
    def side_by_side(self) -> bool:
        """Whether each window begins where the one before it ends."""
        return self.stride == self.kernel and set(self.dilation) == {1}

    @cached_property
    def inside(self) -> tuple[Any, ...]:
        """The index that takes the padding away."""
        pairs = zip(self.padding, self.size, strict=True)
        return (..., *(slice(p, p + n) for p, n in pairs))

    @cached_property
    def taps(self) -> tuple[tuple[Shape, tuple[Any, ...]], ...]:
        """Each element of a window, and the index of all its places in the padded array."""
        return tuple((tap, self._places_of(tap)) for tap in np.ndindex(self.kernel))

    def _places_of(self, tap: Shape) -> tuple[Any, ...]:
        rows = zip(tap, self.dilation, self.stride, self.places, strict=True)
        return (..., *(slice(t * d, t * d + s * (n - 1) + 1, s) for t, d, s, n in rows))


def geometry(
    name: str, size: Shape, kernel: Shape, *, stride: Any, padding: Any, dilation: Any
) -> Geometry:
    """Return where windows lie, from what a user says: a number for every axis, or one for each.

    Raises
    ------
    ShapeError
        If a number is out of its range, or no window fits.
    """
    steps, gaps, zeros = spacing(name, kernel, stride=stride, padding=padding, dilation=dilation)
    found = Geometry(size, kernel, steps, gaps, zeros)
    if min(found.places, default=1) < 1:
        raise ShapeError(
            f"{name}: no window of {kernel} (dilation {gaps}) fits into {size} (padding {zeros})"
        )
    return found


def spacing(
    name: str, kernel: Shape, *, stride: Any, padding: Any, dilation: Any
) -> tuple[Shape, Shape, Shape]:
    """Return strides, dilations and paddings along each axis of a kernel.

    Raises
    ------
    ShapeError
        If a number is out of its range, or ``padding="same"`` cannot be.
    """
    count = len(kernel)
    steps, gaps = (
        per_axis(name, word, given, count)
        for word, given in (("stride", stride), ("dilation", dilation))
    )
    if not (isinstance(padding, str) and padding == "same"):
        return steps, gaps, per_axis(name, "padding", padding, count, least=0)
    spans = [d * (k - 1) for d, k in zip(gaps, kernel, strict=True)]
    if any(span % 2 for span in spans) or any(step != 1 for step in steps):
        raise ShapeError(
            f"{name}: padding='same' needs an odd kernel and stride 1, got kernel {kernel} and"
            f" stride {steps}"
        )
    return steps, gaps, tuple(span // 2 for span in spans)


def per_axis(name: str, word: str, given: Any, count: int, least: int = 1) -> Shape:
    """Return `count` integers: the one that is given for every axis, or one for each.

    Raises
    ------
    ShapeError
        If they are not so many, or one is no integer of at least `least`.
    """
    several = tuple(given) if isinstance(given, Sequence) else (given,) * count
    try:
        numbers = tuple(map(operator.index, several))
    except TypeError:
        numbers = ()
    if len(numbers) != count or min(numbers, default=least) < least:
        raise ShapeError(
            f"{name}: {word}={given!r}; expected an integer of at least {least}, or {count} of them"
        )
    return numbers


def padded(x: Array, where: Geometry) -> Array:
    """Return `x` with the zeros around it."""
    if not any(where.padding):
        return x
    lead = x.shape[: x.ndim - len(where.size)]
    if type(x) is not np.ndarray:
        return np.pad(x, [(0, 0)] * len(lead) + [(p, p) for p in where.padding])
    wide = empty((*lead, *where.padded), x.dtype)
    wide[...] = 0
    wide[where.inside] = x
    return wide


def view(wide: Any, where: Geometry) -> Any:
    """Return all windows of a raw padded array as a view, elements of a window before places."""
    lead = wide.ndim - len(where.size)
    lengths = wide.strides[lead:]
    within = (n * d for n, d in zip(lengths, where.dilation, strict=True))
    between = (n * s for n, s in zip(lengths, where.stride, strict=True))
    shape = (*wide.shape[:lead], *where.kernel, *where.places)
    return as_strided(wide, shape, (*wide.strides[:lead], *within, *between))


def _covered(where: Geometry) -> Shape:
    """Return how far windows that lie side by side reach along each axis."""
    return tuple(n * k for n, k in zip(where.places, where.kernel, strict=True))


def _cut(wide: Array, where: Geometry) -> Array:
    """Return windows that lie side by side: each axis becomes two, of places and of elements."""
    lead, covered = wide.shape[: wide.ndim - len(where.size)], _covered(where)
    if covered != where.padded:
        wide = wide[(..., *map(slice, covered))]
    wide = np.reshape(wide, (*lead, *chain(*zip(where.places, where.kernel, strict=True))))
    ends = range(len(lead), wide.ndim)
    return np.transpose(wide, (*range(len(lead)), *ends[1::2], *ends[::2]))


def _laid(parts: Array, where: Geometry) -> Array:
    """Return windows that lie side by side where they come from, and zeros beyond the last."""
    count, covered = len(where.size), _covered(where)
    lead = parts.ndim - 2 * count
    elements, places = range(lead, lead + count), range(lead + count, parts.ndim)
    pairs = chain(*zip(places, elements, strict=True))
    wide = np.reshape(np.transpose(parts, (*range(lead), *pairs)), (*parts.shape[:lead], *covered))
    if covered == where.padded:
        return wide
    rest = [(0, n - k) for n, k in zip(where.padded, covered, strict=True)]
    return np.pad(wide, [(0, 0)] * lead + rest)


def _spread(x: Array, index: Sequence[slice], shape: Shape) -> Array:
    """Return zeros of `shape` with `x` at `index`, without writing: not every array can be."""
    for axis, (where, n) in enumerate(zip(index, shape, strict=True), x.ndim - len(shape)):
        step, count = where.step, x.shape[axis]
        if step > 1:
            x = np.expand_dims(x, axis + 1)
            gaps = np.zeros((*x.shape[: axis + 1], step - 1, *x.shape[axis + 2 :]), x.dtype, like=x)
            x = np.concatenate([x, gaps], axis + 1)
            x = np.reshape(x, (*x.shape[:axis], count * step, *x.shape[axis + 2 :]))
            x = x[(slice(None),) * axis + (slice(0, (count - 1) * step + 1),)]
        sides = [(0, 0)] * x.ndim
        sides[axis] = (where.start, n - where.stop)
        x = np.pad(x, sides)
    return x


def windows(x: Array, where: Geometry) -> Array:
    """Return the windows of the trailing axes of `x`: (..., *kernel, *places)."""
    wide = padded(x, where)
    if type(x) is np.ndarray:
        found = view(wide, where)
        out = empty(found.shape, found.dtype)
        out[...] = found
        return out
    if where.side_by_side:
        return _cut(wide, where)
    lead = x.shape[: x.ndim - len(where.size)]
    each = [np.reshape(wide[index], (*lead, 1, *where.places)) for _, index in where.taps]
    return np.reshape(np.concatenate(each, len(lead)), (*lead, *where.kernel, *where.places))


def overlap_add(parts: Any, where: Geometry) -> Any:
    """Add windows up where they come from: the transpose of `windows`, (..., *size)."""
    lead = parts.shape[: parts.ndim - 2 * len(where.size)]
    between: tuple[Any, ...] = (slice(None),) * len(where.size)
    if type(parts) is np.ndarray:
        wide = empty((*lead, *where.padded), parts.dtype)
        wide[...] = 0
        for tap, index in where.taps:
            wide[index] += parts[..., *tap, *between]
        return wide[where.inside]
    if where.side_by_side:
        return _laid(parts, where)[where.inside]
    if is_written_down(parts):
        wide = np.zeros((*lead, *where.padded), parts.dtype, like=parts)
        for tap, index in where.taps:
            np.add.at(wide, index, parts[..., *tap, *between])
        return wide[where.inside]
    total: Any = 0
    for tap, index in where.taps:
        total = total + _spread(parts[..., *tap, *between], index[1:], where.padded)
    return total[where.inside]


PLAIN = Geometry((4,), (2,), (1,), (1,), (0,))
FLAT = Geometry((3, 4), (2, 3), (1, 1), (1, 1), (1, 0))
APART = Geometry((5, 4), (2, 2), (2, 3), (2, 1), (0, 1))
BESIDE = Geometry((5,), (2,), (3,), (1,), (0,))  # the last element is in no window

windows = linear(
    windows,
    lambda ct, _out, _x, where: overlap_add(ct, where),
    words="gathers what a window sees at each place",
    samples=(
        call((2, 4), PLAIN),
        call((1, 2, 3, 4), FLAT),
        call((2, 5, 4), APART),
        call((5,), BESIDE),
        call((0, 2, 4), PLAIN),
    ),
)

overlap_add = linear(
    overlap_add,
    lambda ct, _out, _parts, where: windows(ct, where),
    samples=tuple(
        call((*lead, *where.kernel, *where.places), where)
        for lead, where in (
            ((2,), PLAIN),
            ((1, 2), FLAT),
            ((2,), APART),
            ((), BESIDE),
            ((0,), PLAIN),
        )
    ),
    adds="terms",
)
