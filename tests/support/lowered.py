"""A program as machine code, against the interpreter."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from extras import extra
from oracles import EXACT

from tinygrad_bp.native.native import Native
from tinygrad_bp.programs import Program
from tinygrad_bp.programs.calling import run
from tinygrad_bp.programs.family import Family
from tinygrad_bp.programs.from_function import traced
from tinygrad_bp.programs.instructions import references

extra("llvmlite")

ROUNDING = 10.0  # times what one rule may lose: sums are in another order, and functions others


def program_of(f: Callable[..., Any], args: Sequence[Any]) -> tuple[Program, list[Any]]:
    """Return the simplified program of a call, and its inputs in order."""
    program = traced(f, *args).simplified()
    raw = [getattr(one, "_value", one) for one in args]
    given = dict(zip(program.parameters, raw, strict=True))
    inputs = []
    for one in program.inputs:
        value = given[one.path[0]]
        for key in one.path[1:]:
            value = value[key]
        inputs.append(np.asarray(value, one.type.dtype))
    return program, inputs


def interpreted(program: Program, inputs: Sequence[Any]) -> list[Any]:
    """Return the outputs, one instruction after the other."""
    values: dict[str, Any] = {}
    for one, value in zip(program.inputs, inputs, strict=True):
        values[one.name] = value.item() if one.type.weak else value[()]
    with np.errstate(all="ignore"):
        for instruction in program.instructions:
            values[instruction.name] = run(instruction, values)
    return [np.asarray(values[name]) for name in references(program.outputs)]


def lengths(program: Program) -> Iterator[int | None]:
    """Yield None, and every side of an input, as the length of the batch."""
    yield None
    yield from sorted({n for one in program.inputs for n in one.type.shape if n > 1})


def compare(found: Sequence[Any], wanted: Sequence[Any], coarse: float) -> None:
    """Compare outputs; what is small next to the others of an array may be lost to rounding."""
    for got, value in zip(found, wanted, strict=True):
        assert (got.shape, got.dtype) == (value.shape, value.dtype)
        exact = EXACT.get(value.dtype.char.lower(), 0.0)
        tolerance = ROUNDING * (max(exact, coarse) if exact else 0.0)
        np.testing.assert_allclose(got, value, rtol=tolerance, atol=tolerance)


def spoilt(arrays: Sequence[Any]) -> list[Any]:
    """Return arrays for results in which what is not written, or read too early, is seen."""
    return [np.full_like(x, np.nan if x.dtype.kind in "fc" else 1, order="C") for x in arrays]


def hold(f: Callable[..., Any], args: Sequence[Any]) -> None:
    """Check that a call gives the same as machine code.

    Whichever side is that of the batch, and whether columns have lines of their own, or are loops,
    or rows are.
    """
    program, inputs = program_of(f, args)
    wanted = interpreted(program, inputs)
    for length, loops in ways(program):
        hold_one(program, inputs, wanted, length, loops)


LOOPS: list[dict[str, Any]] = [{"wide": False}, {"wide": True}, {"wide": True, "most_columns": 1}]


def ways(program: Program) -> list[tuple[int | None, dict[str, Any]]]:
    """Return the lengths of a batch, each without and with loops over columns, and over rows."""
    return [(length, loops) for length in lengths(program) for loops in LOOPS[: 3 if length else 1]]


def hold_one(
    program: Program,
    inputs: Sequence[Any],
    wanted: Sequence[Any],
    length: int | None,
    loops: dict[str, Any],
    *,
    stays: bool = False,
    threads: int | None = None,
) -> None:
    """Check one way to make machine code; if `stays`, also that arrays that stay give the bits."""
    coarse = max([EXACT.get(x.dtype.char.lower(), 0.0) for x in inputs], default=0.0)
    native = Native(Family(program, length), **loops, threads=threads)
    bound = native.at(program, length)
    with np.errstate(all="ignore"):
        found = bound(inputs, spoilt(wanted))
        compare(found, wanted, coarse)
        own = [np.array(x, order="C") for x in inputs]
        out = spoilt(found)
        call = bound.fixed(own, out) if stays else None
        for _ in range(2 if call else 0):
            call()
            for got, value in zip(out, found, strict=True):
                np.testing.assert_array_equal(got, value)
