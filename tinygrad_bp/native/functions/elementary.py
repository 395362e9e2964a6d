"""Functions of reals, under NumPy's names: of vectors or scalars, written into a block.

Each gives the same bits on every processor and at every width, and is as near as
docs/native-math.md says.  Infinity, NaN, numbers that are not normal and the sign of zero are as
NumPy has them.
"""

from __future__ import annotations

from collections.abc import Callable

from tinygrad_bp.native.functions.circular import arccos, arcsin, arctan, cos, sin, tan
from tinygrad_bp.native.functions.exponentials import cosh, exp, exp2, expm1, sigmoid, sinh, tanh
from tinygrad_bp.native.functions.logarithms import log, log1p, log2, log10
from tinygrad_bp.native.functions.powers import power
from tinygrad_bp.native.llvm.ir import Block, Operand, Value

FUNCTIONS: dict[str, Callable[..., Value]] = {
    function.__name__: function
    for function in (
        *(arccos, arcsin, arctan, cos, cosh, exp, exp2, expm1),
        *(log, log10, log1p, log2, sigmoid, sin, sinh, tan, tanh),
    )
}
OF_TWO: dict[str, Callable[..., Value]] = {"power": power}
CALLS = 64  # in one loop; if there are more they are subroutines
_SUBROUTINES = {"cos", "sin", "tan"}  # they are, unless the angle is known to be moderate


def call(block: Block, name: str, *operands: Operand) -> Value:
    """Return a function's value by a subroutine, which a module has once.

    In place, by the function itself, it is faster, and the code longer.
    """
    if name in _SUBROUTINES:
        return FUNCTIONS[name](block, *operands)
    function = FUNCTIONS.get(name) or OF_TWO[name]
    return block.subroutine(name, function, *operands)
