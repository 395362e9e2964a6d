"""A function of `tinygrad_bp.native` as one of arrays: a loop over vectors, compiled."""

from __future__ import annotations

import ctypes
from collections.abc import Callable

import numpy as np

from tinygrad_bp.native.llvm import machine
from tinygrad_bp.native.llvm.ir import Block, Module, Value

DTYPES = {"double": np.float64, "float": np.float32}


def module_text(function: Callable, real: str, width: int, features=frozenset(), operands: int = 1):
    """Return the text of a loop that applies a function to arrays whose tails are masked."""
    module = Module(real, width, features)
    block = Block(module)
    count = Value("%n", "i64")
    pointers = [Value(f"%p{k}", "ptr") for k in range(operands + 1)]
    with block.loop(count, step=width) as i:
        mask = block.tail(block.sub(count, i))
        xs = [block.load(block.at(p, i), vector=True, mask=mask) for p in pointers[:-1]]
        block.store(block.splat(function(block, *xs)), block.at(pointers[-1], i), mask=mask)
    module.define("kernel", [*pointers, count], block)
    return module.text()


def vectorised(function, real="double", width=8, target=None, features=None, operands=1):
    """Return the function of arrays of the type."""
    features = machine.host().instructions if features is None else features
    text = module_text(function, real, width, features, operands)
    code = machine.Code(machine.compile_object(text, target), ["kernel"])
    kernel = code.function("kernel", None, *[ctypes.c_void_p] * (operands + 1), ctypes.c_int64)

    def apply(*arrays):
        arrays = [np.ascontiguousarray(a, DTYPES[real]) for a in arrays]
        out = np.empty_like(arrays[0])
        kernel(*[a.ctypes.data for a in arrays], out.ctypes.data, out.size)
        return out

    apply.kernel = kernel
    return apply
