"""Discrete Fourier transforms: all of `numpy.fft`.

Four rules, everything else is composed of them.  The matrix of a discrete Fourier transform is
symmetric, so `fft` and `ifft` are their own transposes; the pull of `rfft` is an `irfft` and the
other way round, because a real transform reads or gives half of a spectrum whose other half is its
conjugate.  Cutting and zero-filling to ``n`` points are each other's transposes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tinygrad_bp.engine.arrays import Array, Cotangent
from tinygrad_bp.engine.constructors import composed, linear
from tinygrad_bp.engine.rule import call
from tinygrad_bp.errors import ShapeError
from tinygrad_bp.rules.linalg.matrices import matched, real

# The norm whose inverse transform has the factor of this norm's forward transform, and back.
SWAPPED: dict[Any, Any] = {
    None: "forward",
    "backward": "forward",
    "ortho": "ortho",
    "forward": "backward",
}


def fitted(x: Array, length: int, axis: int) -> Array:
    """Return `x` cut or filled with zeros at the end of `axis` to `length`."""
    here = x.shape[axis]
    if here == length:
        return x
    lead = (slice(None),) * (axis % x.ndim)
    if here > length:
        return x[(*lead, slice(length))]
    shape = list(x.shape)
    shape[axis] = length - here
    return np.concatenate([x, np.zeros(shape, x.dtype)], axis=axis)


def _weights(count: int, n: int, once: float, twice: float, x: Array, axis: int) -> Array:
    """Return how often each of `count` points of half a spectrum of `n` stands in the whole.

    Shaped for `axis` of `x`.  The first point, and the last for even `n`, are their own conjugates:
    they stand there once.
    """
    weights = np.full(count, twice, x.dtype)
    weights[:1] = once
    if n % 2 == 0:
        weights[n // 2 : n // 2 + 1] = once
    return weights.reshape([-1 if i == axis % x.ndim else 1 for i in range(x.ndim)])


def _rfft_pull(ct: Cotangent, _out: Array, _a: Array, n: int | None, axis: int, norm: Any) -> Array:
    """Sum ``ct[k] exp(-2 pi i j k / n)`` over half the spectrum.

    That is an irfft of the conjugate, which counts all points but two twice.
    """
    length = _a.shape[axis] if n is None else n
    half = np.conjugate(ct) * _weights(ct.shape[axis], length, 1.0, 0.5, ct, axis)
    return fitted(np.fft.irfft(half, length, axis, SWAPPED[norm]), _a.shape[axis], axis)


def _irfft_pull(
    ct: Cotangent, _out: Array, _a: Array, _n: int | None, axis: int, norm: Any
) -> Array:
    length = ct.shape[axis]
    whole = np.conjugate(np.fft.rfft(real(ct), None, axis, SWAPPED[norm]))
    whole = whole * _weights(whole.shape[axis], length, 1.0, 2.0, whole, axis)
    return matched(fitted(whole, _a.shape[axis], axis), _a)


SAMPLES = (
    call((2, 4)),
    call((5,), norm="forward"),
    call((2, 3, 4), None, 1),
    call((5, 2), 3, axis=0),
    call((2, 4), n=7, norm="ortho"),
    call((2,)),
    call((0, 4)),
)


def _own_transpose(transform: Callable[..., Any]) -> None:
    """Add a transform whose matrix is symmetric."""
    linear(
        transform,
        lambda ct, _out, _a, _n, axis, norm: matched(
            fitted(transform(ct, None, axis, norm), _a.shape[axis], axis), _a
        ),
        forward=lambda a, n=None, axis=-1, norm=None: transform(a, n, axis, norm),
        samples=SAMPLES,
        analytic=False,
        takes_complex=True,
    )


_own_transpose(np.fft.fft)
_own_transpose(np.fft.ifft)
linear(
    np.fft.rfft,
    _rfft_pull,
    forward=lambda a, n=None, axis=-1, norm=None: np.fft.rfft(a, n, axis, norm),
    samples=(*SAMPLES, call((1,)), call((3,), 1)),
    analytic=False,
)
linear(
    np.fft.irfft,
    _irfft_pull,
    forward=lambda a, n=None, axis=-1, norm=None: np.fft.irfft(a, n, axis, norm),
    samples=(*SAMPLES, call((3,), 1)),
    analytic=False,
)


@composed(np.fft.hfft, analytic=False)
def hfft(a: Array, n: int | None = None, axis: int = -1, norm: Any = None) -> Array:
    """`numpy.fft.hfft`: the real spectrum of a signal whose other half is the conjugate of this."""
    return np.fft.irfft(np.conjugate(a), n, axis, _swapped(norm))


@composed(np.fft.ihfft, analytic=False)
def ihfft(a: Array, n: int | None = None, axis: int = -1, norm: Any = None) -> Array:
    """`numpy.fft.ihfft`: the inverse of `hfft`."""
    return np.conjugate(np.fft.rfft(a, n, axis, _swapped(norm)))


def _swapped(norm: Any) -> Any:
    if norm not in SWAPPED:
        raise ShapeError(f"fft: norm {norm!r} is not one of 'backward', 'ortho', 'forward'")
    return SWAPPED[norm]


# More dimensions: one transform an axis, the last axis first, as NumPy does it.


def _lengths(
    a: Array, s: Array, axes: Any, *, half: bool = False
) -> tuple[list[int | None], list[int]]:
    """Return the number of points of each transform and its axis.

    With `half`, the last axis holds half a spectrum.
    """
    if axes is None:
        axes = range(-len(s) if s is not None else -a.ndim, 0)
    axes = list(axes)
    if s is None:
        lengths: list[int | None] = [a.shape[axis] for axis in axes]
        if half:
            lengths[-1] = None  # irfft's own default: twice the half, less two
        return lengths, axes
    if len(s) != len(axes):
        raise ShapeError(f"fft: {len(s)} lengths s={tuple(s)} for {len(axes)} axes {tuple(axes)}")
    return [a.shape[i] if n == -1 else n for n, i in zip(s, axes, strict=True)], axes


def _along(
    transform: Callable[..., Any],
    a: Array,
    lengths: Sequence[int | None],
    axes: Sequence[int],
    norm: Any,
) -> Array:
    for n, axis in zip(reversed(lengths), reversed(axes), strict=True):
        a = transform(a, n, axis, norm)
    return a


@composed(np.fft.fftn)
def fftn(a: Array, s: Array = None, axes: Any = None, norm: Any = None) -> Array:
    """`numpy.fft.fftn`."""
    return _along(np.fft.fft, a, *_lengths(a, s, axes), norm)


@composed(np.fft.ifftn)
def ifftn(a: Array, s: Array = None, axes: Any = None, norm: Any = None) -> Array:
    """`numpy.fft.ifftn`."""
    return _along(np.fft.ifft, a, *_lengths(a, s, axes), norm)


@composed(np.fft.rfftn, analytic=False)
def rfftn(a: Array, s: Array = None, axes: Any = None, norm: Any = None) -> Array:
    """`numpy.fft.rfftn`."""
    lengths, axes = _lengths(a, s, axes)
    half = np.fft.rfft(a, lengths[-1], axes[-1], norm)
    return _along(np.fft.fft, half, lengths[:-1], axes[:-1], norm)


@composed(np.fft.irfftn, analytic=False)
def irfftn(a: Array, s: Array = None, axes: Any = None, norm: Any = None) -> Array:
    """`numpy.fft.irfftn`."""
    lengths, axes = _lengths(a, s, axes, half=True)
    for n, axis in zip(lengths[:-1], axes[:-1], strict=True):  # the order of numpy.fft.irfftn
        a = np.fft.ifft(a, n, axis, norm)
    return np.fft.irfft(a, lengths[-1], axes[-1], norm)


composed(np.fft.fft2)(lambda a, s=None, axes=(-2, -1), norm=None: fftn(a, s, axes, norm))
composed(np.fft.ifft2)(lambda a, s=None, axes=(-2, -1), norm=None: ifftn(a, s, axes, norm))
composed(np.fft.rfft2, analytic=False)(
    lambda a, s=None, axes=(-2, -1), norm=None: rfftn(a, s, axes, norm)
)
composed(np.fft.irfft2, analytic=False)(
    lambda a, s=None, axes=(-2, -1), norm=None: irfftn(a, s, axes, norm)
)


def _rolled(x: Array, axes: Any, sign: int) -> Array:
    if axes is None:
        axes = tuple(range(x.ndim))
    elif not isinstance(axes, Sequence):
        axes = (axes,)
    # down to the middle and back: for an odd length the two differ by one
    shift = tuple(x.shape[i] // 2 if sign > 0 else -(x.shape[i] // 2) for i in axes)
    return np.roll(x, shift, tuple(axes))


composed(np.fft.fftshift)(lambda x, axes=None: _rolled(x, axes, 1))
composed(np.fft.ifftshift)(lambda x, axes=None: _rolled(x, axes, -1))
