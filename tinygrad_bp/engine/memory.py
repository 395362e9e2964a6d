"""Large arrays from buffers that are used again.

The C library gives the memory of a large array back to the system when it is freed, and the next
array of that size pays for every page anew: in a training step on (100000, 5) that cost more than
the arithmetic.  The few hot rules therefore take large results from here.  A buffer is free again
as soon as no array refers to it, which its reference count tells exactly: every view holds its
base.
"""

from __future__ import annotations

import sys
import threading
from typing import Any

import numpy as np

from tinygrad_bp.engine.shapes import Shape

LARGE = 8192  # elements from which working in place, in arrays from here, is worth its overhead
LEAST = 1 << 17  # bytes; from here on the C library asks the system for each array by itself
MOST = 1 << 27  # bytes that are kept at most, in use or not
FREE = 3  # references to an unused buffer: the list, the loop's name, getrefcount's argument

_buffers: dict[int, list[np.ndarray[Any, Any]]] = {}
_lock = threading.Lock()
_kept = 0


def empty(shape: Shape, dtype: Any) -> np.ndarray[Any, Any]:
    """Return an uninitialised C-ordered array, like `numpy.empty`."""
    size: int = dtype.itemsize
    for n in shape:
        size *= n
    return np.empty(shape, dtype) if size < LEAST else _reused(size).view(dtype).reshape(shape)


def empty_like(x: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Return an uninitialised array like `x`: shape, dtype, and C or Fortran order."""
    if x.nbytes < LEAST:
        return np.empty_like(x)
    if x.flags.c_contiguous:
        return empty(x.shape, x.dtype)
    if x.flags.f_contiguous:
        return empty(x.shape[::-1], x.dtype).T
    return np.empty_like(x)


def _reused(size: int) -> np.ndarray[Any, Any]:
    """Return a view of a buffer of `size` bytes that nothing else refers to."""
    global _kept  # noqa: PLW0603  # one pool a process
    with _lock:
        kept = _buffers.setdefault(size, [])
        for buffer in kept:
            if sys.getrefcount(buffer) == FREE:
                buffer.flags.writeable = True  # a Tensor that was looked at has locked it
                return buffer[:]
        buffer = np.empty(size, np.uint8)
        if _kept + size > MOST:
            _drop_unused()
        if _kept + size <= MOST:
            _buffers.setdefault(size, []).append(buffer)
            _kept += size
        return buffer[:]


def _drop_unused() -> None:
    global _kept  # noqa: PLW0603  # one pool a process
    for size, kept in list(_buffers.items()):
        used = [buffer for buffer in kept if sys.getrefcount(buffer) > FREE]
        _kept -= size * (len(kept) - len(used))
        if used:
            _buffers[size] = used
        else:
            del _buffers[size]
