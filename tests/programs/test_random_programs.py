"""Random programs over the rule table: as a program, as text, and as a NumPy module."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from traced import hold

import tinygrad_bp as tg
from tinygrad_bp.testing.graphs import Program, graphs

LINES, DEEP_LINES = 8, 20
BRIEF = settings(max_examples=12, derandomize=True)  # the gate gives the same answer every time
DEEP = settings(BRIEF, max_examples=1_000, derandomize=False, print_blob=True)


def value_and_gradients(drawn: Program) -> None:
    f = tg.value_and_grad(drawn.function(), range(len(drawn.inputs)))
    with np.errstate(all="ignore"):  # what NumPy warns of is the eager run's to say
        hold(f, drawn.inputs)


@BRIEF
@given(graphs(LINES, narrow=True))
def test_value_and_gradient_of_a_random_program(drawn: Program) -> None:
    value_and_gradients(drawn)


@pytest.mark.deep
@DEEP
@given(graphs(DEEP_LINES, min_ops=DEEP_LINES // 3, narrow=True))
def test_value_and_gradient_of_long_random_programs(drawn: Program) -> None:
    value_and_gradients(drawn)
