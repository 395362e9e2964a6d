"""What runs programs: native code, or NumPy."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from tinygrad_bp.compiling.interpreter import Carry, Interpreter
from tinygrad_bp.programs.family import Family

BACKENDS = ("auto", "native", "numpy", "eager")


class Unavailable(Exception):  # noqa: N818  # an answer, no fault
    """There is no native code on this machine; the text says why."""


def engine_of(backend: str, family: Family, carry: Carry) -> Any:
    """Return what runs the programs of a family.

    Raises
    ------
    Unavailable
        If there is no native code on this machine.
    """
    if backend == "numpy":
        return Interpreter(family, carry)
    try:
        native = import_module("tinygrad_bp.native")
    except ModuleNotFoundError as error:
        raise Unavailable(str(error)) from error
    try:
        return native.build(family, carry)
    except native.NativeUnavailable as error:
        raise Unavailable(str(error)) from error
