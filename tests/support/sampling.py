"""Calls for the generic tests, of every row of the rule table."""

from __future__ import annotations

from typing import Any

import pytest

import tinygrad_bp as tg
from tinygrad_bp.engine.rule import TABLE, Rule
from tinygrad_bp.testing.samples import (
    MARGIN,
    SHAPES,
    Case,
    broadcasting_cases,
    case,
    cases,
    default_samples,
    directions,
    drawn,
    like,
)

__all__ = [
    "CASES",
    "MARGIN",
    "ROWS",
    "SHAPES",
    "Case",
    "broadcasting_cases",
    "case",
    "cases",
    "default_samples",
    "directions",
    "drawn",
    "each",
    "like",
    "takes_complex",
    "tracked",
]


def tracked(arrays: list[Any]) -> list[tg.Tensor]:
    return [tg.tensor(x, requires_grad=True) for x in arrays]


def each(found: list[Case]) -> Any:
    """Parametrise a test by cases."""
    return pytest.mark.parametrize("one", found, ids=repr)


def takes_complex(rule: Rule) -> bool:
    """Whether the derivatives of a row at complex numbers are tested."""
    return rule.trial.analytic or rule.trial.takes_complex


CASES = cases()
# A concatenate of more arrays than any before adds a row while the tests run.
ROWS = tuple(name for name, rule in TABLE.items() if not rule.trial.elsewhere)
