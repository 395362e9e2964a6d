"""Random programs over the rule table, as machine code."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, seed, settings
from hypothesis import strategies as st
from lowered import hold, hold_one, interpreted, program_of, ways

import tinygrad_bp as tg
from tinygrad_bp.native.calls import code
from tinygrad_bp.native.llvm.cache import VARIABLE
from tinygrad_bp.testing.graphs import Program, graphs

LINES, DEEP_LINES = 6, 16
BRIEF = settings(max_examples=4, derandomize=True, deadline=None)
# Part k is the same programs each time, so that a long run can be done in pieces: -k "part-7-".
PARTS, PROGRAMS = 80, 250
DEEP = settings(max_examples=PROGRAMS, derandomize=False, print_blob=True, deadline=None)


def of(drawn: Program) -> Any:
    return tg.value_and_grad(drawn.function(), range(len(drawn.inputs)))


@BRIEF
@given(graphs(LINES, narrow=True))
def test_value_and_gradient_of_a_random_program(drawn: Program) -> None:
    with np.errstate(all="ignore"):
        hold(of(drawn), drawn.inputs)


@pytest.mark.deep
@pytest.mark.parametrize("part", range(PARTS), ids="part-{}-".format)
def test_value_and_gradient_of_long_random_programs(
    part: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, "off")  # nothing comes twice
    monkeypatch.setattr(code, "LEAST", 0)

    @seed(part)
    @DEEP
    @given(graphs(DEEP_LINES, min_ops=2, narrow=True), st.integers(0, 59))
    def hold_all(drawn: Program, choice: int) -> None:
        with np.errstate(all="ignore"):
            program, inputs = program_of(of(drawn), drawn.inputs)
        possible = ways(program)
        length, loops = possible[choice % len(possible)]
        wanted = interpreted(program, inputs)
        threads = (None, 1, 2)[choice // 20]
        hold_one(program, inputs, wanted, length, loops, stays=True, threads=threads)

    hold_all()
