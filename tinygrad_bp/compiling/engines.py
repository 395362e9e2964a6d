"""What runs programs: native code, or NumPy."""

from __future__ import annotations

from typing import Any

from tinygrad_bp import native
from tinygrad_bp.compiling.interpreter import Carry, Interpreter
from tinygrad_bp.programs.family import Family

BACKENDS = ("auto", "native", "numpy", "eager")


def engine_of(backend: str, family: Family, carry: Carry, threads: int | None = None) -> Any:
    """Return what runs the programs of a family.

    Raises
    ------
    NativeUnavailable
        If there is no native code on this machine.
    """
    if backend == "numpy":
        return Interpreter(family, carry)
    return native.build(family, carry, threads)
