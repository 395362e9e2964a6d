"""Random programs: gradients and second derivatives against what needs no engine.

The tangent that forward mode pushes is compared with the gradient.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import Phase, assume, given, settings
from sampling import directions, tracked

import tinygrad_bp as tg
from tinygrad_bp.testing.graphs import IN_PROGRAMS, Program
from tinygrad_bp.testing.graphs import graphs as programs
from tinygrad_bp.testing.oracles import STEP, Slope, complex_step, moved, pairing, richardson

LINES, DEEP_LINES = 12, 30
BRIEF = settings(
    max_examples=30,
    derandomize=True,  # the gate gives the same answer every time
)
DEEP = settings(BRIEF, max_examples=20_000, derandomize=False, print_blob=True)

# What a dozen functions, each with derivatives up to a hundred, make of a few ulp.
EXACT = 1e-9
SINGLE = 1e-2
# Where differences are worse than this something bends within their step: a tie, a corner.
BENT = 1e-5


def differences(f: Any, inputs: Any, tangents: Any) -> Slope:
    """Return the slope by differences of two sizes: one alone may converge to a wrong number."""
    wide, close = (richardson(f, inputs, tangents, start) for start in (0.005, 0.001))
    return Slope(close.value, close.error + abs(close.value - wide.value))


def first_order(program: Program) -> None:
    f = program.plain
    inputs = [x.astype(float) for x in program.inputs]
    value, grads = tg.value_and_grad(program.function(), range(len(inputs)))(*inputs)
    np.testing.assert_allclose(value, f(*inputs), rtol=EXACT, atol=EXACT)
    tangents = directions(inputs)
    slope = (complex_step if program.analytic else differences)(f, inputs, tangents)
    compare(grads, tangents, slope)
    _, pushed = tg.jvp(program.function(), inputs, tangents)
    terms = pairing([abs(g) for g in grads], [abs(t) for t in tangents])
    assert abs(pushed - pairing(grads, tangents)) <= EXACT * (1.0 + terms)


def compare(grads: Any, tangents: Any, slope: Slope) -> None:
    """Compare ``<grads, tangents>``; its terms may cancel, so they are what rounding counts by."""
    terms = 1.0 + float(pairing([abs(g) for g in grads], [abs(t) for t in tangents]))
    assume(slope.error < BENT * terms)
    assert [np.shape(g) for g in grads] == [np.shape(t) for t in tangents]
    assert abs(pairing(grads, tangents) - slope.value) <= 10 * slope.error + EXACT * terms


def second_order(program: Program) -> None:
    """The gradient of ``<grad f, e>``.

    Its slope comes from the gradient itself: along a complex step, on which the pulls run just as
    well, or by differences.
    """
    f = program.function()
    inputs = [x.astype(float) for x in program.inputs]
    e, tangents = directions(inputs, 3), directions(inputs, 4)

    def gradient(*xs: Any) -> Any:
        leaves = tracked(list(xs))
        found = tg.gradients(f(*leaves), leaves)
        return pairing([one.numpy() for one in found], e)

    def recorded(*xs: Any) -> Any:
        parts = tg.grad(f, range(len(xs)))(*xs)
        return sum(np.sum(part * d) for part, d in zip(parts, e, strict=True))

    if program.analytic:
        value = gradient(*moved(inputs, tangents, 1j * STEP)).imag / STEP
        slope = Slope(value, 1e-15 * abs(value))
    else:
        slope = differences(gradient, inputs, tangents)
    compare(tg.grad(recorded, range(len(inputs)))(*inputs), tangents, slope)


def mixed_precision(program: Program) -> None:
    """Each gradient in the dtype of its leaf, and near what float64 gives."""
    f = program.function()
    inputs = list(program.inputs)
    numbers = range(len(inputs))
    narrow = tg.grad(f, numbers)(*inputs)
    assert [g.dtype for g in narrow] == [x.dtype for x in inputs]
    wide = tg.grad(f, numbers)(*[x.astype(float) for x in inputs])
    size = 1.0 + max(float(np.max(np.abs(g), initial=0.0)) for g in wide)
    for g, exact in zip(narrow, wide, strict=True):
        np.testing.assert_allclose(g, exact, rtol=0, atol=SINGLE * size)


@BRIEF
@given(programs(LINES))
def test_gradient_of_a_random_program(program: Program) -> None:
    first_order(program)


@BRIEF
@given(programs(LINES))
def test_second_derivative_of_a_random_program(program: Program) -> None:
    second_order(program)


@BRIEF
@given(programs(LINES, narrow=True))
def test_dtypes_of_a_random_program(program: Program) -> None:
    mixed_precision(program)


@pytest.mark.deep
@DEEP
@given(programs(DEEP_LINES, min_ops=DEEP_LINES // 3, narrow=True))
def test_all_of_long_random_programs(program: Program) -> None:
    first_order(program)
    second_order(program)
    mixed_precision(program)


@pytest.mark.parametrize("row", IN_PROGRAMS)
def test_programs_of_one_row(row: str) -> None:
    """Each row is within reach of the programs, and is right when it calls itself."""
    found: set[str] = set()

    @settings(BRIEF, max_examples=4, phases=[Phase.generate])
    @given(programs(3, rows=(row,)))
    def run(program: Program) -> None:
        found.update(program.rows)
        first_order(program)

    run()
    assert found == {row}
