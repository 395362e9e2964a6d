"""The table of derivative rules, one module a family.  Importing this package fills the table."""

from __future__ import annotations

from tinygrad_bp.rules import (
    activations,
    arithmetic,
    decompositions,
    determinants,
    eigen,
    elementary,
    fft,
    indexing,
    joining,
    linalg,
    losses,
    matrix_products,
    norms,
    products,
    reductions,
    selection,
    shaping,
    singular,
)
from tinygrad_bp.rules.table import TABLE, Rule

__all__ = [
    "TABLE",
    "Rule",
    "activations",
    "arithmetic",
    "decompositions",
    "determinants",
    "eigen",
    "elementary",
    "fft",
    "indexing",
    "joining",
    "linalg",
    "losses",
    "matrix_products",
    "norms",
    "products",
    "reductions",
    "selection",
    "shaping",
    "singular",
]
