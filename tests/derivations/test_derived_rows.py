"""Every row of the rule table: explained, and every formula of it computed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from formula_reader import require_all
from latex_reader import TEX, require_compiled, require_sound
from sampling import CASES, Case, each, like, tracked

import tinygrad_bp as tg
from tinygrad_bp.engine.containers import flatten

ROUNDING = 1e-8  # a rule may be written to lose fewer digits than its formula


def first_of_each(cases: list[Case]) -> list[Case]:
    """Return the first case of each row."""
    first: dict[str, Case] = {}
    for one in cases:
        first.setdefault(one.rule.name, one)
    return [*first.values()]


def explained(one: Case) -> tuple[tg.Explanation, int]:
    leaves = tracked(one.arrays)
    total: Any = 0.0
    for k, out in enumerate(flatten(one(*leaves))[0]):
        if isinstance(out, tg.Tensor) and out.requires_grad:
            total = total + np.real(np.sum(out * like(out._value, k)))
    found = tg.explain(total, names={})
    return found, require_all(found, ROUNDING)


@each(first_of_each(CASES))
def test_every_row_is_explained(one: Case) -> None:
    found, count = explained(one)
    assert count > 1
    assert found.derivation.steps
    require_sound(found.to_latex())


@pytest.mark.deep
@each(CASES)
def test_every_call_of_every_row_is_explained(one: Case) -> None:
    found, _ = explained(one)
    for form in (str, tg.Explanation.to_markdown, tg.Explanation.to_latex, tg.Explanation.to_html):
        assert form(found)
    require_sound(found.to_latex())


@pytest.mark.deep
@pytest.mark.skipif(TEX is None, reason="no pdflatex")
@each(first_of_each(CASES))
def test_the_latex_of_every_row_compiles(one: Case, tmp_path: Path) -> None:
    require_compiled(explained(one)[0].to_latex(), tmp_path)
