"""Large arrays from buffers that are used again.

The C library gives the memory of a large array back to the system when it is freed, and the next
array of that size pays for every page anew: in a training step on (100000, 5) that cost more than
the arithmetic.  The few hot rules therefore take large results from here.  A buffer is free again
as soon as no array refers to it, which its reference count tells exactly: every view holds its
base.  A Python that counts in another way is found out at the import, and every array is fresh.

A buffer begins with a cache line: NumPy's arrays begin where the C library pleases, and a result
that lies across two lines at each step takes up to twice as long to write.
"""

from __future__ import annotations

import os
import sys
from _thread import allocate_lock
from typing import Any

import numpy as np

from tinygrad_bp.engine.shapes import Shape

LARGE = 8192  # elements from which working in place, in arrays from here, is worth its overhead
# Bytes from which a result comes from here: an aligned one gains more than a buffer takes
# to find.  From twice as many on the C library asks the system for each array by itself.
LEAST = 1 << 16
MOST = 1 << 27  # bytes that are kept at most, in use or not
LINE = 64  # bytes of a cache line
FREE = 2  # references to an unused buffer: the list, getrefcount's argument

Buffer = np.ndarray[Any, Any]

_buffers: dict[int, list[Buffer]] = {}
_lock = allocate_lock()
_kept = 0


def _unused(kept: list[Buffer], start: int = 0) -> int:
    """Return the place of the first buffer, from `start` on, that is unused; -1 if none is."""
    for place in range(start, len(kept)):
        if sys.getrefcount(kept[place]) == FREE:
            return place
    return -1


def _aligned(size: int) -> Buffer:
    """Return a new buffer that begins with a cache line.

    Its base is no array, so that views of it hold the buffer itself.
    """
    room = np.empty(size + LINE, np.uint8)
    start = -room.__array_interface__["data"][0] % LINE
    return np.asarray(memoryview(room)[start : start + size])  # type: ignore[arg-type]  # NumPy takes any buffer


def _counts_tell() -> bool:
    """Whether a buffer is found unused when nothing refers to it, and only then."""
    kept = [_aligned(1)]
    if not hasattr(sys, "getrefcount") or _unused(kept) != 0:
        return False
    views = [np.ndarray((1,), np.int8, kept[0]), kept[0].reshape(1, 1).T]
    found = [_unused(kept)]
    while views:
        views.pop()
        found.append(_unused(kept))
    return found == [-1, -1, 0]


REUSED = _counts_tell()


def empty(shape: Shape, dtype: Any) -> Buffer:
    """Return an uninitialised C-ordered array, like `numpy.empty`."""
    size: int = dtype.itemsize
    for n in shape:
        size *= n
    if size < LEAST or not REUSED:
        return np.empty(shape, dtype)
    return np.ndarray(shape, dtype, _reused(size))


def is_alone(array: Buffer) -> bool:
    """Whether an array is the only one in a buffer from here: nobody else sees what it holds."""
    base: Any = array.base
    if not REUSED or type(base) is not np.ndarray or not isinstance(base.base, memoryview):
        return False
    pooled = any(base is one for one in _buffers.get(base.nbytes, ()))
    return sys.getrefcount(base) == FREE + 1 + pooled


def empty_like(x: Buffer) -> Buffer:
    """Return an uninitialised array like `x`: shape, dtype, and C or Fortran order."""
    if x.nbytes < LEAST:
        return np.empty_like(x)
    if x.flags.c_contiguous:
        return empty(x.shape, x.dtype)
    if x.flags.f_contiguous:
        return empty(x.shape[::-1], x.dtype).T
    return np.empty_like(x)


def read_only(value: Any) -> Any:
    """Return a raw array in a view that nobody can write into; another value as it is.

    A plain view could be unlocked again, and so could the array that it names as its base.  This
    one's base is no array.
    """
    if type(value) is not np.ndarray:
        return value
    return np.asarray(memoryview(value).toreadonly())  # type: ignore[arg-type]  # NumPy 2.0's stubs


def _reused(size: int) -> Buffer:
    """Return a buffer of `size` bytes that nothing else refers to."""
    global _kept  # noqa: PLW0603  # one pool a process
    with _lock:
        kept = _buffers.setdefault(size, [])
        if (place := _unused(kept)) >= 0:
            return kept[place]
        buffer = _aligned(size)
        if _kept + size > MOST:
            _drop_unused()
        if _kept + size <= MOST:
            _buffers.setdefault(size, []).append(buffer)
            _kept += size
        return buffer


def _drop_unused() -> None:
    global _kept  # noqa: PLW0603  # one pool a process
    for size, kept in list(_buffers.items()):
        place = 0
        while (place := _unused(kept, place)) >= 0:
            del kept[place]
            _kept -= size
        if not kept:
            del _buffers[size]


def _begin_anew() -> None:
    """Forget the pool in a forked child: a thread that is not there may have been at work in it."""
    global _lock, _kept  # noqa: PLW0603  # one pool a process
    _lock = allocate_lock()
    _buffers.clear()
    _kept = 0


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_begin_anew)
