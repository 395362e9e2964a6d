"""Every row of the rule table and every composition, as a program.

What is refused, and what is called whole, is what the page says.
"""

from __future__ import annotations

import importlib.util
import re
import sys
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from extras import extra
from sampling import CASES, ROWS, Case, each
from traced import derivatives, hold, pulled

from tinygrad_bp.engine.rule import COMPOSED
from tinygrad_bp.errors import TraceError
from tinygrad_bp.programs.calling import is_opaque

SCRIPT = Path(__file__).parents[2] / "docs" / "examples" / "programs.py"
spec = importlib.util.spec_from_file_location("programs_page", SCRIPT)
assert spec is not None
assert spec.loader is not None
script = importlib.util.module_from_spec(spec)
sys.modules[spec.name] = script
spec.loader.exec_module(script)

COMPOSITIONS = [Case(one, sample) for one in COMPOSED.values() for sample in one.trial.samples]
WHOLE, REFUSED = (
    {*re.findall(r"`([\w.]+)`", part)}
    for part in script.PAGE.read_text("utf-8").split(script.BEGIN)[1].split("**Refused**")
)


def first_of_each(cases: list[Case]) -> list[Case]:
    """Return the first case of each row."""
    first: dict[str, Case] = {}
    for one in cases:
        first.setdefault(one.rule.name, one)
    return [*first.values()]


def traces(one: Case, made: Any) -> None:
    """Check a case; what the page says is refused may be refused, by name."""
    f, inputs = made(one)
    if script.shown(one) in REFUSED:
        try:
            program = hold(f, inputs)
        except TraceError as error:
            assert re.match(r"[\w.]+: .*\bat .*\.py:\d+", str(error))  # noqa: PT017  # may be
            return
    else:
        program = hold(f, inputs)
    whole = {instruction.op for instruction in program.instructions if is_opaque(instruction.op)}
    assert {op.removeprefix("scipy.special.").removeprefix("_ufuncs.") for op in whole} <= WHOLE


@each(first_of_each(CASES))
def test_every_row_is_a_program(one: Case) -> None:
    """Second derivatives of every other row; SciPy's are long, and for the deep test."""
    order = 2 if ".special." not in one.rule.family and ROWS.index(one.rule.name) % 2 else 1
    traces(one, partial(derivatives, order=order))


@each(first_of_each(COMPOSITIONS))
def test_every_composition_is_a_program(one: Case) -> None:
    traces(one, pulled)


@pytest.mark.deep
@each(CASES)
def test_every_call_of_every_row_is_a_program(one: Case) -> None:
    traces(one, derivatives)


@pytest.mark.deep
@each(COMPOSITIONS)
def test_every_call_of_every_composition_is_a_program(one: Case) -> None:
    traces(one, pulled)


@pytest.mark.deep
def test_the_lists_of_the_page_are_what_their_script_writes() -> None:
    extra("scipy")
    assert script.lists() in script.PAGE.read_text("utf-8")
