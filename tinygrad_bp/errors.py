"""The exceptions of the package; each message names what, where, what was expected and the remedy.

Every class also is the built-in exception that a NumPy user would catch.
"""

from __future__ import annotations

import sys
from functools import cache
from types import FrameType
from typing import Any
from warnings import warn_explicit

_OWN = __file__.removesuffix("errors.py")  # with the separator: not a longer name


class TinygradError(Exception):
    """Base of everything that this package raises on purpose."""


class UnsupportedFunctionError(TinygradError, TypeError):
    """A NumPy function, or a form of it, that has no derivative rule."""


class TrackedTensorError(TinygradError, TypeError):
    """A tracked Tensor was about to lose its place in the graph silently."""


class ShapeError(TinygradError, ValueError):
    """Shapes that do not fit the operation."""


class DTypeError(TinygradError, TypeError):
    """A dtype that cannot carry gradients, or is not a number."""


class DeferredError(DTypeError):
    """An operand that wants to answer an operator itself (NEP 13); recorders catch it."""


class GraphError(TinygradError, RuntimeError):
    """A backward pass that cannot run: nothing tracked, or residuals already freed."""


class ViewError(TinygradError, TypeError):
    """A write into a Tensor that stands for a view of another, which would not change."""


class NonFiniteError(TinygradError, FloatingPointError):
    """NaN or infinity under `tg.debug`."""


class TraceError(TinygradError, TypeError):
    """A function of which no program can be written: it reads a value, or decides by one."""


class ProgramError(TinygradError, ValueError):
    """A program that is not well formed, or arrays that it was not made for."""


class NativeUnavailable(TinygradError, RuntimeError):  # noqa: N818  # a state, not a mistake
    """No machine code can be made here: llvmlite is not installed, or the processor is too old."""


class ParallelError(TinygradError, RuntimeError):
    """A rank that does not answer, or does something else than the others."""


class DataError(TinygradError, ValueError):
    """Input data that cannot be used; the message names each bad line and column."""


class ModelFileError(TinygradError, ValueError):
    """A model file that is not exactly what its reader expects."""


def users_frame() -> FrameType:
    """Return the innermost frame that is neither ours nor NumPy's."""
    frame = sys._getframe(1)  # the standard library's own way to the caller
    while frame.f_back is not None and _is_within(frame.f_code.co_filename):
        frame = frame.f_back
    return frame


@cache
def _is_within(file: str) -> bool:
    """Whether a file is ours or NumPy's."""
    numpy = (sys.modules["numpy"].__file__ or "").removesuffix("__init__.py")
    return file.startswith((_OWN, numpy))


def warn_user(message: str) -> None:
    """Warn of something at the user's line, in the words of the function that they called."""
    where = users_frame()
    registry = where.f_globals.setdefault("__warningregistry__", {})
    warn_at(message, (where.f_code.co_filename, where.f_lineno, registry))


def warn_at(message: str, place: tuple[str, int, dict[Any, Any]]) -> None:
    """Warn of something at a line: its file, its number, and the registry of its module."""
    file, line, registry = place
    warn_explicit(message, UserWarning, file, line, registry=registry)
