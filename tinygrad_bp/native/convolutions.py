"""Convolutions by products and machine code: what their rule runs in a program.

A sample after the other, its windows are laid out as the columns of a matrix, by code, and
multiplied; or columns are made by a product, and code adds them up.
"""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Callable, Sequence
from functools import cache, lru_cache, partial
from math import prod
from typing import Any

import numpy as np

from tinygrad_bp.engine.memory import empty
from tinygrad_bp.native.calls.code import Array, address
from tinygrad_bp.native.calls.products import REAL, Products
from tinygrad_bp.native.llvm import machine
from tinygrad_bp.native.llvm.cache import compiled
from tinygrad_bp.native.loops.windows import FOLD, LAY, text
from tinygrad_bp.rules.sequences.convolution import depth_of, grouped, matrices
from tinygrad_bp.rules.sequences.windows import Geometry, padded, view

KNOWN = 64  # layers whose windows are remembered


class _Own(threading.local):
    """What a thread has for itself: memory for the panels of products, which is dear to make."""

    def __init__(self) -> None:
        self.panels: dict[str, Any] = {}


_own = _Own()


def correlation(a: Array, b: Array, gives: str, where: Geometry, groups: int) -> Array:
    """Return what the rule of this name does, of raw arrays of one type."""
    a, b = np.ascontiguousarray(a), np.ascontiguousarray(b)
    return {"output": _output, "kernel": _kernel, "input": _input}[gives](a, b, where, groups)


def fits(a: Any, b: Any) -> bool:
    """Whether there is code for two arrays."""
    plain = type(a) is type(b) is np.ndarray and a.dtype == b.dtype and a.dtype.isnative
    return plain and a.dtype.char in REAL and a.size > 0 and b.size > 0


def _output(x: Array, w: Array, where: Geometry, groups: int) -> Array:
    wide, columns = padded(x, where), _columns(x, where, groups)
    out = empty((len(x), len(w), *where.places), x.dtype)
    products = _each(matrices(w, groups)[np.newaxis], columns, grouped(out, groups))
    for lay, product in zip(_moves(LAY, wide, columns, where), products, strict=True):
        lay()
        product()
    return out


def _kernel(x: Array, y: Array, where: Geometry, groups: int) -> Array:
    wide, columns = padded(x, where), _columns(x, where, groups)
    total = np.zeros((y.shape[1], x.shape[1] // groups, *where.kernel), x.dtype)
    sums = matrices(total, groups)[np.newaxis]
    products = _each(grouped(y, groups), columns.mT, sums, adds=True)
    for lay, product in zip(_moves(LAY, wide, columns, where), products, strict=True):
        lay()
        product()
    return total


def _input(y: Array, w: Array, where: Geometry, groups: int) -> Array:
    wide = empty((len(y), w.shape[1] * groups, *where.padded), y.dtype)
    wide.fill(0)
    columns = _columns(wide, where, groups)
    products = _each(matrices(w, groups).mT[np.newaxis], grouped(y, groups), columns)
    for product, fold in zip(products, _moves(FOLD, wide, columns, where), strict=True):
        product()
        fold()
    inside: Array = wide[where.inside]
    return inside


def _columns(x: Array, where: Geometry, groups: int) -> Array:
    """Return room for the windows of one sample, as matrices: (1, groups, depth, places)."""
    return empty((1, groups, depth_of(x, where, groups), prod(where.places)), x.dtype)


def _each(x: Array, y: Array, out: Array, *, adds: bool = False) -> Sequence[Callable[[], Any]]:
    """Return calls that multiply, one for each sample."""
    products = Products()
    if out.dtype.char not in _own.panels:
        _own.panels[out.dtype.char] = products.memory(out.dtype)
    return products.each(x, y, out, _own.panels[out.dtype.char], adds=adds)


def _moves(name: str, wide: Array, columns: Array, where: Geometry) -> list[Callable[[], None]]:
    """Return calls of code for the windows of each sample."""
    starts, function = _starts(where, wide.shape[1]), _functions(wide.dtype.char)[name]
    sizes = starts.size, where.places[-1], where.stride[-1]
    first, step = address(wide), wide.strides[0]
    held = wide, columns, starts  # calls have addresses alone
    return [
        partial(_move, function, first + n * step, address(columns), address(starts), sizes, held)
        for n in range(len(wide))
    ]


def _move(function: Any, image: int, columns: int, starts: int, sizes: Any, _held: Any) -> None:
    function(image, columns, starts, *sizes)


@lru_cache(KNOWN)
def _starts(where: Geometry, channels: int) -> Array:
    """Return where the first number of each run of the columns is in a padded sample."""
    size = channels, *where.padded
    return np.ascontiguousarray(view(np.arange(prod(size)).reshape(size), where)[..., 0])


@cache
def _functions(char: str) -> dict[str, Any]:
    code = compiled(text(REAL[char], machine.host().instructions), [LAY, FOLD])
    types = *[ctypes.c_void_p] * 3, *[ctypes.c_int64] * 3
    return {name: code.function(name, None, *types) for name in (LAY, FOLD)}
