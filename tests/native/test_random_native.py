"""Random programs over the rule table, as machine code."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from lowered import hold

import tinygrad_bp as tg
from tinygrad_bp.testing.graphs import Program, graphs

LINES, DEEP_LINES = 6, 20
BRIEF = settings(max_examples=4, derandomize=True, deadline=None)
DEEP = settings(max_examples=20_000, derandomize=False, print_blob=True, deadline=None)


def value_and_gradients(drawn: Program) -> None:
    f: Any = tg.value_and_grad(drawn.function(), range(len(drawn.inputs)))
    with np.errstate(all="ignore"):
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
