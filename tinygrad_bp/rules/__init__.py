"""The table of derivative rules, one module a family.  Importing this package fills the table."""

from __future__ import annotations

from tinygrad_bp.rules import (
    activations,
    arithmetic,
    elementary,
    indexing,
    joining,
    losses,
    products,
    reductions,
    selection,
    shaping,
)
from tinygrad_bp.rules.table import TABLE, Rule

__all__ = [
    "TABLE",
    "Rule",
    "activations",
    "arithmetic",
    "elementary",
    "indexing",
    "joining",
    "losses",
    "products",
    "reductions",
    "selection",
    "shaping",
]
