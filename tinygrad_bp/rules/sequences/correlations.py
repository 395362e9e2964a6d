"""Convolution and correlation of sequences.

One bilinear rule: a correlation from any offset and of any length.  Its pulls are two more of the
same kind, and every mode of `numpy.convolve` and `numpy.correlate` is one choice of the two.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_bp.engine.arrays import Array
from tinygrad_bp.engine.constructors import bilinear, composed
from tinygrad_bp.engine.rule import call
from tinygrad_bp.errors import ShapeError
from tinygrad_bp.rules.linalg.matrices import as_arrays, conj

MODES: dict[Any, str] = {
    **{name: name for name in ("valid", "same", "full")},
    **dict(enumerate(("valid", "same", "full"))),
}


def _window(a: Array, start: int, length: int) -> Array:
    """Return ``a[start : start + length]`` with zeros where `a` has no elements."""
    first, last = max(start, 0), min(start + length, a.shape[0])
    if first >= last:
        return np.zeros(length, a.dtype, like=a)
    inner = a[first:last]
    if last - first == length:
        return inner
    before, after = first - start, start + length - last
    return np.concatenate([np.zeros(before, a.dtype), inner, np.zeros(after, a.dtype)])


def cross_correlation(a: Array, v: Array, start: int, length: int) -> Array:
    """Return ``sum(a[start + k + i] * v[i] over i)`` for k below `length`; 0 is outside `a`."""
    taps = v.shape[0]
    if not (length and taps):  # sums of nothing, which numpy.convolve refuses
        return np.broadcast_to(np.sum(a[:0]) * np.sum(v[:0]), (length,))
    return np.convolve(_window(a, start, length + taps - 1), v[::-1], "valid")


cross_correlation = bilinear(
    cross_correlation,
    lambda ct, _out, _a, v, start, _length: cross_correlation(
        ct, v[::-1], 1 - v.shape[0] - start, _a.shape[0]
    ),
    lambda ct, _out, a, _v, start, _length: cross_correlation(a, ct, start, _v.shape[0]),
    samples=(
        call((5,), (3,), 0, 3),
        call((4,), (3,), start=-2, length=6),
        call((2,), (4,), -1, 3),
        call((3,), (2,), 1, 5),
        call((3,), (2,), -9, 2),
        call((3,), (2,), 0, 0),
        call((0,), (2,), -1, 1),
        call((2,), (0,), 0, 2),
    ),
)


def _span(n: int, taps: int, mode: Any, *, name: str) -> tuple[int, int]:
    """Return the offset and the length that a mode means, for sequences of these lengths."""
    if mode not in MODES:
        raise ShapeError(f"{name}: mode {mode!r} is not one of 'valid', 'same', 'full'")
    if not (n and taps):
        raise ShapeError(f"{name}: lengths {n} and {taps}; neither sequence may be empty")
    long, short = max(n, taps), min(n, taps)
    start, length = {
        "full": (1 - taps, n + taps - 1),
        "same": (-(short // 2) if n >= taps else short // 2 - taps + 1, long),
        "valid": (min(n - taps, 0), long - short + 1),
    }[MODES[mode]]
    return start, length


@composed(
    np.correlate, samples=(call((5,), (3,)), call((2,), (4,), "same"), call((3,), (3,), "full"))
)
def correlate(a: Array, v: Array, mode: Any = "valid") -> Array:
    """`numpy.correlate`: the second sequence is conjugated."""
    a, v = as_arrays(a, v)
    if a.ndim != 1 or v.ndim != 1:
        raise ShapeError(f"correlate: expected two vectors, got shapes {a.shape} and {v.shape}")
    return cross_correlation(a, conj(v), *_span(len(a), len(v), mode, name="correlate"))


@composed(
    np.convolve, samples=(call((5,), (3,)), call((2,), (4,), "same"), call((3,), (), "valid"))
)
def convolve(a: Array, v: Array, mode: Any = "full") -> Array:
    """`numpy.convolve`."""
    a, v = np.atleast_1d(*as_arrays(a, v))
    if a.ndim != 1 or v.ndim != 1:
        raise ShapeError(f"convolve: expected two vectors, got shapes {a.shape} and {v.shape}")
    if len(v) > len(a):
        a, v = v, a
    return cross_correlation(a, v[::-1], *_span(len(a), len(v), mode, name="convolve"))
