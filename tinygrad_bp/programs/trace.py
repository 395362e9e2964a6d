"""The trace: a function is run once on Symbols, and what it does is written down."""

from __future__ import annotations

import linecache
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from itertools import count
from pathlib import Path
from types import FrameType
from typing import Any
from weakref import ref

import numpy as np

from tinygrad_bp.engine.nodes import Leaf
from tinygrad_bp.engine.tensor import SCALARS, Tensor
from tinygrad_bp.errors import TraceError, users_frame
from tinygrad_bp.programs.formulas import called, formulas
from tinygrad_bp.programs.instructions import (
    NESTED,
    Input,
    Instruction,
    Operand,
    Ref,
    Type,
    Types,
    references,
    replaced,
)
from tinygrad_bp.programs.standins import forget, result_type, standin
from tinygrad_bp.programs.symbol import Symbol


class Trace:
    """A program in the making.

    Attributes
    ----------
    inputs, instructions : list
    types : dict
        Of every value.
    arrays : dict
        Those values that are constants.
    local_names : dict
        The user's names of values.
    line : str
        That of what is pulled back or pushed, while that is written down; empty otherwise.
    given : list of array
        What became a constant, as it came: the user's own arrays are among them.
    guards : list of (str, callable)
        What is to be asked of a value each time that the program runs.
    nonzero : set of str
        Inputs of which it is known that they are not 0.
    bare : bool
        Whether nobody asks for names and lines: the trace is compared with one that has them.
    named : bool
        Whether the user's variables give names: to look at them keeps what they hold alive.
    made : list of weakref, or None
        To every Symbol, if somebody asks whether one is left.
    """

    def __init__(self, *, bare: bool = False, named: bool = True) -> None:
        self.bare = bare
        self.named = named
        self.inputs: list[Input] = []
        self.instructions: list[Instruction] = []
        self.types: dict[str, Types] = {}
        self.arrays: dict[str, Any] = {}
        self.local_names: dict[str, str] = {}
        self.watch: Any = None  # a Watch, which is told of each instruction
        self.line = ""
        self.given: list[np.ndarray[Any, Any]] = []
        self.guards: list[tuple[str, Any]] = []
        self.nonzero: set[str] = set()
        self.made: list[ref[Symbol]] | None = None
        self._constants: dict[tuple[Any, ...], Ref] = {}
        self._read: set[str] = set()
        self._open = True
        self._lent: list[tuple[Tensor, Any, Any, Any]] = []
        self._number = count()
        self._formulas = formulas()
        self._calls: dict[FrameType, str] = {}  # of formulas

    # What Symbols ask for

    def record(self, op: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        """Write down a call, and return a Symbol for its result; several for several."""
        if not self._open:
            raise TraceError(
                f"{op}: a Symbol is left from a program that is finished; return values from the"
                " function instead of keeping them elsewhere"
            )
        operands = tuple([self.operand(one) for one in args])
        parameters = {
            key: self.operand(one) for key, one in kwargs.items() if one is not np._NoValue
        }
        try:
            found = result_type(op, operands, parameters, self.types, self.arrays)
        except TraceError as error:
            raise TraceError(
                f"{error}, at {self.where()}; keep the shape, for instance with np.where"
            ) from None
        self._note_read(operands[op.startswith("into.") :])
        if parameters:
            self._note_read(parameters.values())
        name = self._write(op, operands, tuple(parameters.items()), found)
        if isinstance(found, Type):
            return Symbol(self, name, found)
        parts = [self.record("part", (Ref(name), k), {}) for k in range(len(found))]
        return found._make(parts) if hasattr(found, "_make") else tuple(parts)

    def _note_read(self, operands: Iterable[Operand]) -> None:
        for one in operands:
            if type(one) is Ref:
                self._read.add(one.name)
            elif isinstance(one, NESTED):
                self._read.update(references(one))

    def constants_in(self, operands: Operand) -> tuple[Instruction, ...]:
        """Return those of the values in operands that are constants, by how they are made."""
        names = [name for name in references(operands) if name in self.arrays]
        return tuple(
            [Instruction(x, "constant", (self.arrays[x],), (), self.types[x]) for x in names]
        )

    def freeze(self, name: str) -> None:
        """Let nobody write into a value any more."""
        self._read.add(name)

    def is_read(self, name: str) -> bool:
        """Whether something refers to the value already, so that nobody may write into it."""
        return name in self._read

    def asked(self, function: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        """Return what a function gives that depends on shapes and dtypes alone."""
        operands = [self._stood_in(one) for one in args]
        return function(*operands, **{key: self._stood_in(one) for key, one in kwargs.items()})

    def _stood_in(self, value: Any) -> Any:
        operand = self.operand(value, constants=False)
        return replaced(operand, lambda ref: standin(self.types[ref.name], 0))

    def where(self) -> str:
        """Return the user's line, with its source."""
        frame = users_frame()
        file, number = frame.f_code.co_filename, frame.f_lineno
        source = linecache.getline(file, number).strip()
        return f"{file}:{number}: {source}" if source else f"{file}:{number}"

    def line_of_user(self) -> str:
        """Return the user's line as ``file:line``."""
        return _line(users_frame())

    def name_of(self, value: Any) -> str | None:
        """Return the name of a value, if it is one of this program's."""
        if type(value) is np.ndarray and value.ndim:
            value = self._constants.get(_content(value))
        if type(value) is Symbol and value._trace is not self:
            return None
        return value.name if type(value) in (Symbol, Ref) else None

    # What it is made of

    def input(self, name: str | None, type: Type, path: tuple[Any, ...]) -> Symbol:  # noqa: A002  # as in Input
        """Add an input, and return a Symbol for it."""
        own = f"v{next(self._number)}"
        self.inputs.append(Input(own, type, path))
        self.types[own] = type
        if name is not None:
            self.local_names[own] = name
        self._read.add(own)
        return Symbol(self, own, type)

    def lend(self, parameter: Tensor) -> None:
        """Remember the value and the gradient of a Tensor, which it gets back at the end."""
        account = parameter._node.account() if type(parameter._node) is Leaf else None
        self._lent.append((parameter, parameter._value, account, account and account.grad))

    def lends(self, account: Any) -> bool:
        """Whether a gradient that is found in an account goes when the trace ends."""
        return any(one is account for _, _, one, _ in self._lent)

    def operand(self, value: Any, *, constants: bool = True) -> Operand:
        """Return a value as an operand; an array becomes a constant, as it is now."""
        kind = type(value)
        if kind is Symbol:
            if value._trace is not self:
                raise TraceError(f"a Symbol of another program was used, at {self.where()}")
            return Ref(value.name)
        if kind is np.ndarray and constants:
            return self._constant(value)
        if kind is Ref:
            return value
        if kind in (list, tuple) or hasattr(value, "_fields"):
            parts = [self.operand(one, constants=constants) for one in value]
            return tuple(parts) if isinstance(value, tuple) else parts
        if isinstance(value, (type, np.dtype)):
            return np.dtype(value)
        if kind is Tensor and value.node is None:
            return self.operand(value._value, constants=constants)
        if value is None or value is Ellipsis or kind in (slice, str, *SCALARS):
            return value
        if isinstance(value, (np.generic, np.ndarray)):
            return value
        if isinstance(value, SCALARS):  # of a class of its own, as the size of a Tensor is
            bases: Iterator[Any] = (base for base in SCALARS if isinstance(value, base))
            return next(bases)(value)
        raise TraceError(
            f"a {kind.__name__} is no part of a program, at {self.where()}; expected arrays,"
            " numbers, strings"
        )

    def _constant(self, value: np.ndarray[Any, Any]) -> Operand:
        if not value.ndim:
            return value[()]
        if value.dtype.kind not in "biufc":
            raise TraceError(f"an array of {value.dtype} is no part of a program")
        self.given.append(value)
        kept = np.array(value, value.dtype.newbyteorder("="))
        key = _content(kept)
        if key not in self._constants:
            kept.flags.writeable = False
            name = self._write("constant", (kept,), (), Type(kept.dtype, kept.shape))
            self._constants[key] = Ref(name)
            self.arrays[name] = kept
            self._read.add(name)
        ref = self._constants[key]
        if not self.bare and self.named:
            self._name_constant(ref.name, value)
        return ref

    def _write(self, op: str, operands: tuple[Operand, ...], parameters: Any, found: Types) -> str:
        name = f"v{next(self._number)}"
        if self.bare:
            self.instructions.append(Instruction(name, op, operands, parameters, found))
            self.types[name] = found
            return name
        frame = users_frame()
        if self.named:
            self._name_locals(frame)
        line = self.line or _line(frame)
        one = Instruction(name, op, operands, parameters, found, line, self._formula(frame))
        self.instructions.append(one)
        self.types[name] = found
        if self.watch is not None:
            self.watch.written(one)
        return name

    def _formula(self, users: FrameType) -> str:
        """Return which call of a function that NumPy lacks is running, if one is."""
        frame: FrameType | None = sys._getframe(1)  # the standard library's own way to the caller
        found = ""
        while frame is not None and frame is not users:
            name = self._formulas.get(frame.f_code)
            if name is not None:
                if frame not in self._calls:
                    self._calls[frame] = called(name, len(self._calls) + 1, frame)
                found = self._calls[frame]
            frame = frame.f_back
        return found

    # What the user calls things

    def _name_locals(self, frame: FrameType) -> None:
        """Note what the user's own variables are that hold values of this program."""
        for name, value in frame.f_locals.items():
            held = value._value if type(value) is Tensor else value
            if type(held) is Symbol and held._trace is self:
                self.local_names.setdefault(held.name, name)

    def _name_constant(self, own: str, value: Any) -> None:
        if own in self.local_names:
            return
        frame = users_frame()
        for scope in (frame.f_locals, frame.f_globals):
            for name, held in scope.items():
                if held is value or (type(held) is Tensor and held._value is value):
                    tensors = held.name if type(held) is Tensor else None
                    self.local_names[own] = tensors or name
                    return

    @contextmanager
    def at(self, line: str) -> Iterator[None]:
        """Within it, instructions come from this line."""
        before, self.line = self.line, line
        try:
            yield
        finally:
            self.line = before

    def close(self) -> None:
        """End the trace: a Symbol that is left over is of no use to anybody."""
        self._open = False
        self._calls.clear()
        for parameter, value, account, grad in self._lent:
            parameter._value = value
            if account is not None:
                account.grad = grad
        forget()


def _line(frame: FrameType) -> str:
    return f"{_file(frame.f_code.co_filename)}:{frame.f_lineno}"


@cache
def _file(path: str) -> str:
    """Return the name of a file; a quote or a # in it would end the comment that it stands in."""
    return re.sub(r"['\"#\s]", "_", Path(path).name)


def _content(value: np.ndarray[Any, Any]) -> tuple[Any, ...]:
    return value.dtype.str, value.shape, value.tobytes()
