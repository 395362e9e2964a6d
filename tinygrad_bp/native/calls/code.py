"""Kernels that can be called: of arrays, or with arrays that stay.

In comes the text of a kernel with its two functions, as ctypes has them; `Code` knows what memory a
call needs beside its arrays, and `Call` is the code with all of it in a table of addresses.
"""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

from tinygrad_bp.native.calls.crew import CREW
from tinygrad_bp.native.loops.kernel import HEAD, Kernel
from tinygrad_bp.native.loops.layout import SHARDS

Array = np.ndarray[Any, Any]
Function = Callable[[Any, int, int], None]
LINE = 64  # bytes of a line of the processor's cache
NOTHING = np.empty(1)
# Operations of a step, about, from which on it is worth waking threads, which takes some 60 µs.
LEAST = 1 << 23


class Code:
    """A kernel that can be called.

    Parameters
    ----------
    kernel : Kernel
    of_table, of_arrays : callable
        ``f(address, rows, steps)``: of a table of addresses, and of one of arrays.
    dtype : numpy.dtype
        Of its reals.
    width : int
        Lanes of its vectors.
    phases : sequence of callable
        ``f(address, rows, shard)``: those of a kernel in shards.
    threads : int
        That run them.
    """

    def __init__(
        self,
        kernel: Kernel,
        of_table: Function,
        of_arrays: Function,
        dtype: np.dtype[Any],
        width: int,
        phases: Sequence[Function] = (),
        threads: int = 1,
    ) -> None:
        self.kernel, self.dtype, self.width = kernel, dtype, width
        self._phases, self._threads = phases, threads
        self.of_table, self.of_arrays = of_table, of_arrays
        self.table = ctypes.c_void_p * (len(kernel.inputs) + len(kernel.outputs) + 2)

    def memory(self, rows: int) -> tuple[Array, Array]:
        """Return memory for a call."""
        kernel = self.kernel
        vectors = -(-rows // self.width) * kernel.columns
        return numbers(vectors * self.width, self.dtype), numbers(kernel.numbers, self.dtype)

    def is_shared(self, rows: int) -> bool:
        """Whether several threads run a step of so many rows."""
        return self._threads > 1 and rows * self.kernel.lines >= LEAST

    def side_by_side(self, table: int, rows: int, _steps: int = 1) -> None:
        """Run one step in several threads."""
        for function, shards in zip(self._phases, self.kernel.phases, strict=True):
            if shards:
                CREW.run(partial(function, table, rows), SHARDS, self._threads)
            else:
                function(table, rows, 0)

    def run(self, rows: int, arrays: Sequence[Array], steps: int = 1, memory: Any = None) -> None:
        """Run steps with these arrays, inputs and outputs, in the order of the kernel.

        One step, if several threads run it.
        """
        held = [*arrays, *(self.memory(rows) if memory is None else memory)]
        if self.is_shared(rows):
            table = self.table(*map(address, held))
            self.side_by_side(ctypes.addressof(table), rows)
        elif HEADS_ARE_KNOWN:
            self.of_arrays(self.table(*map(id, held)), rows, steps)
        else:
            self.of_table(self.table(*map(address, held)), rows, steps)


class Call:
    """Code with its arrays: the addresses are looked up once.

    Parameters
    ----------
    code : Code
    rows : int
    arrays : list of array
        Inputs and outputs, contiguous, of the right types, in the order of the kernel.
    memory : tuple of array, optional
        What `Code.memory` gives; calls that never run at the same time may share it.
    """

    __slots__ = ("_address", "_function", "_held", "rows", "table")

    def __init__(self, code: Code, rows: int, arrays: Sequence[Array], memory: Any = None) -> None:
        # the table has their addresses alone
        self._held = [*arrays, *(code.memory(rows) if memory is None else memory)]
        self.table = code.table(*map(address, self._held))
        self._function = code.side_by_side if code.is_shared(rows) else code.of_table
        self._address = ctypes.addressof(self.table)
        self.rows = rows

    def __call__(self) -> None:
        """Run a step."""
        self._function(self._address, self.rows, 1)


def numbers(count: int, dtype: np.dtype[Any]) -> Array:
    """Return memory for so many numbers, from the boundary of a cache line on."""
    if not count:
        return NOTHING
    memory = np.empty(count + LINE // dtype.itemsize, dtype)
    return memory[-address(memory) % LINE // dtype.itemsize :]


def address(array: Array) -> int:
    """Return where the elements of an array lie."""
    place: int = array.__array_interface__["data"][0]
    return place


def _heads_are_known() -> bool:
    """Whether an array has the address of its elements where `kernel_of_arrays` looks for it.

    It does in CPython; a build of another kind may put more before it.
    """
    if sys.implementation.name != "cpython":
        return False
    array = np.empty(3)
    return ctypes.c_void_p.from_address(id(array) + HEAD).value == address(array)


HEADS_ARE_KNOWN = _heads_are_known()
