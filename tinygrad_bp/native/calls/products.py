"""Large products of matrices, by code of their own where that is faster than NumPy's library.

In come two arrays, or where they lie and where the product goes; out come products.  A stack of
matrices is a list of tasks, and a large matrix one for each of some blocks of its rows if several
threads are to share it: they have the bits of one task.
"""

from __future__ import annotations

import ctypes
import math
from collections.abc import Callable, Sequence
from functools import cache, cached_property, partial
from typing import Any

import numpy as np

from tinygrad_bp.native.calls.code import Array, address, numbers
from tinygrad_bp.native.calls.crew import CREW
from tinygrad_bp.native.llvm import machine
from tinygrad_bp.native.llvm.cache import compiled
from tinygrad_bp.native.loops.dense import HIGH, LANES, NAME, SIDE, WORDS, room, text

REAL = {"d": "double", "f": "float"}
SHARED = 1 << 23  # multiplications from which on it is worth waking threads
PARTS = 2  # for each thread: whoever is free takes the next one
# How libraries of products say how many threads they use.
COUNTS = (
    "scipy_openblas_get_num_threads64_",
    "scipy_openblas_get_num_threads",
    "openblas_get_num_threads64_",
    "openblas_get_num_threads",
    "bli_thread_get_num_threads",
    "MKL_Get_Max_Threads",
)


Memory = list[Array]
Task = tuple[int, int, int]  # for the code: tasks, how many, and memory


class Products:
    """Products in the threads of a compiled step.

    Parameters
    ----------
    threads : int, optional
        That may share one.  By default there is one, and products are left to NumPy if that has
        more.
    """

    def __init__(self, threads: int | None = None) -> None:
        self._given, self._threads = threads, threads or 1

    @cached_property
    def _own(self) -> bool:
        """Whether there is code of its own."""
        alone = self._given is not None or threads_of_numpy() == 1
        return alone and "avx512f" in machine.host().instructions

    def fits(self, x: Any, y: Any) -> bool:
        """Whether code multiplies two arrays: their shapes and types decide."""
        if not self._own or type(x) is not np.ndarray or type(y) is not np.ndarray:
            return False
        if x.ndim < 2 or y.ndim < 2:
            return False
        (rows, terms), columns = x.shape[-2:], y.shape[-1]
        return (
            x.dtype == y.dtype
            and x.dtype.char in REAL
            and x.dtype.isnative
            and min(rows, terms) >= SIDE
            and columns > LANES[REAL[x.dtype.char]] // 2  # else lanes would do nothing
        )

    def __call__(self, x: Any, y: Any) -> Any:
        """Return a product as NumPy does."""
        if not self.fits(x, y):
            return np.matmul(x, y)
        stack = np.broadcast_shapes(x.shape[:-2], y.shape[:-2])
        out = np.empty((*stack, x.shape[-2], y.shape[-1]), x.dtype)
        x, y = (np.require(one, requirements="A") for one in (x, y))
        self.fixed(x, y, out, self.memory(out.dtype))()
        return out

    def memory(self, dtype: np.dtype[Any]) -> Memory:
        """Return the memory for panels, which calls that never run at the same time may share."""
        parts = 1 if self._threads == 1 else PARTS * self._threads
        found = [numbers(room(REAL[dtype.char]), dtype) for _ in range(parts)]
        for one in found:
            one.fill(0)
        return found

    def placed(
        self, x: Array, y: Array, out: Array, memory: Memory, *, adds: bool = False
    ) -> Callable[[], Any]:
        """Return a call that multiplies arrays that stay, by whoever is faster.

        Parameters
        ----------
        x, y, out : array
        memory : list of array
            As `memory` gives it.
        adds : bool
            Whether it adds to what is there; of a stack the products are all added, if `out` is
            none.
        """
        if self.fits(x, y):
            return self.fixed(x, y, out, memory, adds=adds)
        if not adds:
            return partial(np.matmul, x, y, out=out)
        stack = np.broadcast_shapes(x.shape[:-2], y.shape[:-2])
        return partial(_added, x, y, out, np.empty((*stack, *out.shape[-2:]), out.dtype))

    def each(
        self, x: Array, y: Array, out: Array, memory: Memory, *, adds: bool = False
    ) -> list[Callable[[], Any]]:
        """Return calls that multiply, one for each element along the first axis.

        Parameters
        ----------
        x, y, out : array, of as many axes
            Of one element, or of all.
        memory, adds :
            As of `placed`.
        """
        count = max(map(len, (x, y, out)))
        if not self.fits(x, y):
            several = ([one[k if len(one) > 1 else 0] for k in range(count)] for one in (x, y, out))
            every = zip(*several, strict=True)
            return [self.placed(a, b, place, memory, adds=adds) for a, b, place in every]
        tasks = _tasks(np.broadcast_to(x, (count, *x.shape[1:])), y, out, 1, adds=adds)
        size, held = len(tasks) // count, (tasks, memory, x, y, out)
        function, panels = _function(REAL[out.dtype.char]), address(memory[0])
        starts = range(address(tasks), address(tasks) + tasks.nbytes, size * tasks.strides[0])
        return [partial(_one, function, (start, size, panels), held) for start in starts]

    def fixed(
        self, x: Array, y: Array, out: Array, memory: Memory, *, adds: bool = False
    ) -> Callable[[], None]:
        """Return a call of code that multiplies arrays that stay, into rows that do.

        As `placed`, for arrays that fit.
        """
        parts = 1 if adds or x.shape[-1] * out.size < SHARED else len(memory)
        tasks = _tasks(x, y, out, parts, adds=adds)
        parts = min(parts, len(tasks))
        starts = [len(tasks) * k // parts for k in range(parts + 1)]
        calls = [
            (address(tasks[first:]), last - first, address(panels))
            for first, last, panels in zip(starts, starts[1:], memory, strict=False)
        ]
        held = tasks, memory, x, y, out  # calls have addresses alone
        function = _function(REAL[out.dtype.char])
        if parts == 1:
            return partial(_one, function, calls[0], held)
        return partial(_shared, function, calls, held, self._threads)


def _one(function: Any, task: Task, _held: Any) -> None:
    function(*task)


def _added(x: Array, y: Array, out: Array, room: Array) -> None:
    np.matmul(x, y, out=room)
    np.add(out, room if room.ndim == out.ndim else np.add.reduce(room, 0), out)


def _shared(function: Any, tasks: Sequence[Task], _held: Any, threads: int) -> None:
    CREW.run(lambda k: function(*tasks[k]), len(tasks), threads)


@cache
def _function(real: str) -> Any:
    code = compiled(text(real, machine.host().instructions), [NAME])
    return code.function(NAME, None, ctypes.c_void_p, ctypes.c_int64, ctypes.c_void_p)


def _tasks(x: Array, y: Array, out: Array, parts: int, *, adds: bool = False) -> Array:
    """Return what the code is to do: a task for each matrix, or for each of some parts of it."""
    stack, (rows, columns) = np.broadcast_shapes(x.shape[:-2], y.shape[:-2]), out.shape[-2:]
    down = rows >= columns  # which is cut
    side = max(rows, columns) if math.prod(stack) >= parts else _part(max(rows, columns), parts)
    blocks = []
    for first in range(0, max(rows, columns), side):
        cut = slice(first, first + side)
        left, right = (x[..., cut, :], y) if down else (x, y[..., cut])
        result = out[..., cut, :] if down else out[..., cut]
        block = np.empty((math.prod(stack), WORDS), np.int64)
        block[:, :3] = *result.shape[-2:], x.shape[-1]
        for k, one in ((3, left), (6, right), (9, result)):
            wide = np.broadcast_to(one, (*stack, *one.shape[-2:]))
            block[:, k] = _addresses(wide)
            steps = [step // one.itemsize for step in wide.strides[-2:]]
            block[:, k + 1 : k + 3] = steps
        block[:, -1] = adds  # in place of the step along the result's rows, which is 1
        blocks.append(block)
    return np.concatenate(blocks)


def _part(count: int, parts: int) -> int:
    """Return of how many rows, or columns, a part is."""
    return -(-count // parts // HIGH) * HIGH


def _addresses(stack: Array) -> Array:
    """Return where the matrices of a stack begin."""
    found = np.array([address(stack)], np.int64)
    for count, step in zip(stack.shape[:-2], stack.strides, strict=False):
        found = np.add.outer(found, np.arange(count) * step).reshape(-1)
    return found


def threads_of_numpy() -> int | None:
    """Return how many threads NumPy's library of products uses; None if it is not known."""
    count = _counter()
    return None if count is None else int(count())


@cache
def _counter() -> Any:
    """Return the function of that library that says so; None if it is not known."""
    try:
        library = ctypes.CDLL(np.linalg._umath_linalg.__file__)
    except (AttributeError, OSError):
        return None
    return next((found for name in COUNTS if (found := getattr(library, name, None))), None)
