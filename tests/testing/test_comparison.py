"""Whatever another library's gradient check catches, ours catches; see tests/benchmarks."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import Any

import pytest
from extras import extra
from planted_faults import FAULTS, Fault
from right_functions import RIGHT
from together import together

PATH = Path(__file__).parents[1] / "benchmarks" / "gradient_checkers.py"
PAGE = Path(__file__).parents[2] / "docs" / "testing.md"


def load() -> Any:
    spec = importlib.util.spec_from_file_location("gradient_checkers", PATH)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules["gradient_checkers"] = module
    spec.loader.exec_module(module)
    return module


CHECKERS = load()


@pytest.mark.oracle
@pytest.mark.parametrize("name", ["torch", "jax", "autograd"])
def test_ours_catches_what_another_catches(name: str) -> None:
    extra(name)
    ours, *others = CHECKERS.libraries()
    (other,) = (one for one in others if one.name == name)
    caught = [one for one in FAULTS if CHECKERS.judged(other, one).outcome == CHECKERS.CAUGHT]
    assert len(caught) > 60
    missed = [one for one in caught if CHECKERS.judged(ours, one).outcome != CHECKERS.CAUGHT]
    assert not missed


@together
@pytest.mark.parametrize("fault", FAULTS, ids=repr)
def test_the_faults_are_wrong_rules_and_not_broken_functions(fault: Fault) -> None:
    """The value is right and the rule runs: what is caught is what it returns."""
    ours = CHECKERS.Ours()
    ours.value(fault.build(ours), fault.args)


def test_the_table_of_the_page_counts_these_functions() -> None:
    text = PAGE.read_text(encoding="utf-8")
    for group, members in {**CHECKERS.groups_of_faults(), **CHECKERS.groups_of_right()}.items():
        row = next(line for line in text.splitlines() if line.startswith(f"| {group} "))
        first = "0 of" if group.startswith("false") else f"{len(members)} of"
        assert row.startswith(f"| {group} ({len(members)}) | {first} {len(members)} |")
    assert len(FAULTS) + len(RIGHT) > 260
