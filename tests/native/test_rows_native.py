"""Rows of the rule table as machine code: value, gradient, second order."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from lowered import hold
from sampling import CASES, Case, each
from traced import derivatives, pulled

from tinygrad_bp.engine.rule import COMPOSED
from tinygrad_bp.errors import TraceError

COMPOSITIONS = [Case(one, sample) for one in COMPOSED.values() for sample in one.trial.samples]
EVERY = 61  # so many calls of one that the brief test takes


def check(one: Case, made: Any) -> None:
    f, inputs = made(one)
    with suppress(TraceError):  # which calls have no program, other tests say
        hold(f, inputs)


@each(CASES[::EVERY])
def test_some_calls_of_the_rows(one: Case) -> None:
    check(one, derivatives)


@pytest.mark.deep
@each(CASES)
def test_every_call_of_every_row(one: Case) -> None:
    check(one, derivatives)


@pytest.mark.deep
@each(COMPOSITIONS)
def test_every_call_of_every_composition(one: Case) -> None:
    check(one, pulled)
