"""The table of derivative rules, one module a family.

Importing the package fills the table with what most programs use.  The families in `FURTHER` are
loaded when NumPy first calls for a function that is not in the table: they cost a tenth of the
import of NumPy itself.
"""

from __future__ import annotations

from importlib import import_module

from tinygrad_bp.dispatch import on_unknown_function
from tinygrad_bp.rules import (
    activations,
    arithmetic,
    elementary,
    hooks,
    indexing,
    joining,
    losses,
    products,
    reductions,
    selection,
    shaping,
)
from tinygrad_bp.rules.table import TABLE, Rule

FURTHER = (
    "decompositions",
    "determinants",
    "eigen",
    "fft",
    "linalg",
    "matrix_products",
    "norms",
    "singular",
)

__all__ = [
    "FURTHER",
    "TABLE",
    "Rule",
    "activations",
    "arithmetic",
    "elementary",
    "fill_table",
    "hooks",
    "indexing",
    "joining",
    "losses",
    "products",
    "reductions",
    "selection",
    "shaping",
]


def fill_table() -> None:
    """Load every family, so that the table is whole."""
    for family in FURTHER:
        import_module(f"{__name__}.{family}")


on_unknown_function.append(fill_table)
