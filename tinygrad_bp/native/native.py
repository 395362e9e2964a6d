"""A family of programs as machine code, and by NumPy where there is none.

In comes a family; `Native.at` gives what is called with batches of one length.
"""

from __future__ import annotations

import ctypes
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from tinygrad_bp.native.calls.bound import Bound
from tinygrad_bp.native.calls.code import Code
from tinygrad_bp.native.llvm import machine
from tinygrad_bp.native.llvm.cache import compiled, load, name_of
from tinygrad_bp.native.loops.kernel import NAME, OF_ARRAYS, PHASE, Kernel, Writer
from tinygrad_bp.native.loops.layout import LANES
from tinygrad_bp.native.loops.schedule import NUMPY, Segment, segments
from tinygrad_bp.native.loops.tiles import TILE
from tinygrad_bp.native.lowering.lowering import Lowering
from tinygrad_bp.programs.family import Family
from tinygrad_bp.programs.instructions import Instruction, Type, Types, references
from tinygrad_bp.programs.program import Program
from tinygrad_bp.programs.wholes import taken


class Native:
    """The programs of a family, compiled.

    Results differ from NumPy's by rounding alone.  Sums and products of matrices run in an order of
    their own, the same on every processor and in every tile; functions are as near as
    docs/native-math.md says.  The tests hold values, gradients and second derivatives to 2e-12 of
    NumPy's (float32: 2e-4), relative and absolute.

    Parameters
    ----------
    family : Family
    carry : sequence of (int, int), optional
        Positions of outputs, and of the inputs that they are in the next step of `Bound.repeat`.
    tile : int, optional
        Vectors of a tile, which no result depends on.
    refused : frozenset of str, optional
        Values that are left to NumPy.
    wide : bool, optional
        Whether the code loops over the columns of a batch; by default their number decides.
    most_columns : int, optional
        Above which it loops over the rows of arrays instead; by default the program decides.
    target : machine.Target, optional
        The processor to make code for, by default this one; no result depends on it.
    threads : int, optional
        How many may run a step.  Sums over the batch are then those of shards, whose number does
        not depend on it; by default there are no shards.
    """

    def __init__(
        self,
        family: Family,
        carry: Sequence[tuple[int, int]] = (),
        *,
        tile: int = TILE,
        refused: frozenset[str] = frozenset(),
        wide: bool | None = None,
        most_columns: int | None = None,
        target: machine.Target | None = None,
        threads: int | None = None,
    ) -> None:
        self._threads = threads
        self.carry, self._target = tuple(carry), target
        self._tile, self._refused = tile, refused
        self._wide, self._most_columns = wide, most_columns
        self._others: dict[frozenset[str], Native] = {}
        self._rows = 1  # of a batch, if nobody says so
        lowering, self.segments = self._lowered(family)
        rows = _rows(family.program) if family.length is None and len(self.segments) > 1 else None
        if rows is not None:
            along = replace(family, length=rows)
            other, found = self._lowered(along)
            if _by_numpy(found) < _by_numpy(self.segments):
                self._rows, family, lowering, self.segments = rows, along, other, found
        wholes = family.program.wholes
        self._wholes = wholes if lowering.wide or len(self.segments) > 1 else ()
        if self._wholes:
            family = replace(family, program=taken(family.program, self._wholes))
            lowering, self.segments = self._lowered(family)
        self.family = family
        self._codes = [self._code(one, lowering) for one in self.segments]

    def at(self, program: Program, rows: int | None = None) -> Bound:
        """Return what is called with batches of one length.

        Parameters
        ----------
        program : Program
            Of the family, at that length.
        rows : int, optional
            The length.
        """
        program = taken(program, self._wholes)
        return self._at(program, self._rows if rows is None else rows)

    def _at(self, program: Program, rows: int) -> Bound:
        if rows == 0:  # of no rows there is no greatest
            names = [one.name for one in program.instructions]
            return Bound(program, [(None, names)], rows, self.carry, self._threads)
        odd = self._odd(program, rows)
        if odd:
            return self._without(odd)._at(program, rows)
        parts = [
            (code, [one.name for one in segment.instructions])
            for code, segment in zip(self._codes, self.segments, strict=True)
        ]
        return Bound(program, parts, rows, self.carry, self._threads)

    @property
    def stages(self) -> str:
        """What runs in turn, one line an instruction."""
        lines = []
        for one in self.segments:
            lines.append("NumPy" if one.lane == NUMPY else f"machine code, {np.dtype(one.lane)}")
            for x in one.instructions:
                why = one.why.get(x.name)
                lines.append(f"    {x.name} = {x.op}" + (f"  # {why}" if why else ""))
        return "\n".join(lines)

    @property
    def texts(self) -> list[str]:
        """What machine code was made of, piece by piece."""
        return [code.kernel.text for code in self._codes if code is not None]

    @property
    def ir(self) -> str:
        """The same in one text."""
        return "\n".join(self.texts)

    def _lowered(self, family: Family) -> tuple[Lowering, list[Segment]]:
        """Return what is known of a program, and the segments that it is cut into."""
        program = family.program
        refused = self._refused | family.irregular
        lowering = Lowering(program, family.length, refused, self._wide, self._most_columns)
        return lowering, segments(program, lowering)

    def _code(self, segment: Segment, lowering: Lowering) -> Code | None:
        if segment.lane == NUMPY:
            return None
        features = (self._target or machine.host()).instructions
        carry = self._carried(segment) if len(self.segments) == 1 else []
        sharded = self._threads is not None
        writer = Writer(segment, lowering, carry, features, self._tile, sharded=sharded)
        kernel = writer.written()
        names = _functions(kernel)
        if self._target is None:
            made = compiled(kernel.text, names)
        else:
            made = machine.Code(machine.compile_object(kernel.text, self._target), names)
        return _code_of(kernel, made, segment.lane, self._threads or 1)

    def _carried(self, segment: Segment) -> list[tuple[str, str]]:
        """Return the names of what is carried by a segment that is the whole program."""
        outputs = list(references(self.family.program.outputs))
        inputs = [one.name for one in self.family.program.inputs]
        pairs = [(outputs[given], inputs[taken]) for given, taken in self.carry]
        return [
            (given, taken)
            for given, taken in pairs
            if given in segment.outputs and taken in segment.inputs
        ]

    def _odd(self, program: Program, rows: int) -> frozenset[str]:
        """Return what has code that does not fit a program: the length decides more about it."""
        sides = {self.family.length: rows}
        types = self.family.program.types
        others = program.types
        found = set()
        theirs = {one.name: one for one in program.instructions}
        for code, segment in zip(self._codes, self.segments, strict=True):
            if code is None:
                continue
            for one in segment.instructions:
                other = theirs[one.name]
                names = [one.name, *one.refs]
                if not _same_call(one, other, sides) or any(
                    not _same_type(types[name], others[name], sides) for name in names
                ):
                    found.add(one.name)
        return frozenset(found)

    def _without(self, odd: frozenset[str]) -> Native:
        if odd not in self._others:
            self._others[odd] = Native(
                self.family.with_wholes(()),
                self.carry,
                tile=self._tile,
                refused=self._refused | odd,
                wide=self._wide,
                most_columns=self._most_columns,
                target=self._target,
                threads=self._threads,
            )
        return self._others[odd]


def _by_numpy(found: Sequence[Segment]) -> int:
    """Return how many instructions NumPy is called for."""
    return sum(len(one.instructions) for one in found if one.lane == NUMPY)


def _rows(program: Program) -> int | None:
    """Return the side along which a program of one length has most to do: that of its data."""
    work: Counter[int] = Counter()
    for one in program.instructions:
        shape = one.shape if isinstance(one.type, Type) else ()
        if len(shape) > 1 and shape[0] > 1 and shape.count(shape[0]) == 1:
            work[shape[0]] += math.prod(shape)
    return max(work, key=lambda n: (work[n], n), default=None)


def _functions(kernel: Kernel) -> list[str]:
    return [NAME, OF_ARRAYS, *[f"{PHASE}{k}" for k in range(len(kernel.phases))]]


def _code_of(kernel: Kernel, code: machine.Code, lane: str, threads: int = 1) -> Code:
    types = ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64
    found = [code.function(name, None, *types) for name in _functions(kernel)]
    of_table, of_arrays, *phases = found
    return Code(kernel, of_table, of_arrays, np.dtype(lane), LANES[lane], phases, threads)


def _same_type(one: Types, other: Types, sides: dict[Any, int]) -> bool:
    if not isinstance(one, Type) or not isinstance(other, Type):
        return False
    shape = tuple([sides.get(n, n) for n in one.shape])
    return (one.dtype, shape, one.weak) == (other.dtype, other.shape, other.weak)


def _same_call(one: Instruction, other: Instruction, sides: dict[Any, int]) -> bool:
    """Whether a call is the same but for the length of the batch."""
    return one.op == other.op and _same(
        (one.operands, one.parameters), (other.operands, other.parameters), sides
    )


def _same(x: Any, y: Any, sides: dict[Any, int]) -> bool:
    if isinstance(x, (list, tuple)):
        alike = type(x) is type(y) and len(x) == len(y)
        return alike and all(_same(a, b, sides) for a, b in zip(x, y, strict=True))
    if isinstance(x, slice):
        return isinstance(y, slice) and _same(
            (x.start, x.stop, x.step), (y.start, y.stop, y.step), sides
        )
    if isinstance(x, np.ndarray):
        return isinstance(y, np.ndarray) and x.shape == y.shape and x.tobytes() == y.tobytes()
    if type(x) is int and x in sides:
        return bool(y == sides[x])  # else it is a number that happens to be the stand-in's
    return x is y or (type(x) is type(y) and (x == y or (x != x and y != y)))


def build(
    family: Family, carry: Sequence[tuple[int, int]] = (), threads: int | None = None
) -> Native:
    """Return a family of programs as machine code.

    Parameters
    ----------
    family : Family
    carry : sequence of (int, int), optional
        Positions of outputs, and of the inputs that they are in the next step of `Bound.repeat`.
    threads : int, optional
        As of `Native`.

    Returns
    -------
    Native

    Raises
    ------
    NativeUnavailable
        If this machine has no way to make code, or to run it.
    """
    machine.host()  # also where NumPy would do everything
    return Native(family, carry, threads=threads)


def described(bound: Bound) -> dict[str, Any] | None:
    """Return in plain data what `found` needs to make a program callable again.

    None if it is not one piece of code, or one in shards.
    """
    code = bound.whole
    if code is None or code.kernel.phases:
        return None
    kernel = code.kernel
    return {
        "object": name_of(kernel.text),
        "inputs": kernel.inputs,
        "outputs": kernel.outputs,
        "columns": kernel.columns,
        "numbers": kernel.numbers,
        "over": dict(kernel.over),
        "lines": kernel.lines,
        "lane": code.dtype.char,
        "rows": bound.rows,
        "carry": bound.carry,
    }


def found(program: Program, told: dict[str, Any]) -> Bound | None:
    """Return a program that was described, with its code from the disk; None if that is gone.

    Parameters
    ----------
    program : Program
        Its inputs, outputs and their types; the instructions are not looked at.
    told : dict
        What `described` gave.
    """
    data = load(told["object"])
    if data is None:
        return None
    fields = ("inputs", "outputs", "columns", "numbers", "over", "lines")
    kernel = Kernel("", **{name: told[name] for name in fields})
    code = _code_of(kernel, machine.Code(data, _functions(kernel)), told["lane"])
    return Bound(program, [(code, [])], told["rows"], told["carry"])
