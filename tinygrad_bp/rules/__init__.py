"""The table of derivative rules, one module a family.

Importing the package fills the table with what most programs use.  The families in `FURTHER` are
loaded when NumPy first calls for a function that is not in the table: they cost a tenth of the
import of NumPy itself.
"""

from __future__ import annotations

import sys
from importlib import import_module

from tinygrad_bp.dispatch import on_unknown_function
from tinygrad_bp.rules import (
    activations,
    arithmetic,
    diagonals,
    elementary,
    hooks,
    indexing,
    joining,
    losses,
    products,
    reductions,
    running,
    selection,
    shaping,
    sorting,
)
from tinygrad_bp.rules.table import TABLE, Rule

FURTHER = (
    "assembling",
    "bessel",
    "calculus",
    "choosing",
    "convolutions",
    "creation",
    "decompositions",
    "description",
    "determinants",
    "distinct",
    "eigen",
    "fft",
    "histograms",
    "interpolation",
    "linalg",
    "matrix_products",
    "nan_reductions",
    "norms",
    "number_parts",
    "padding",
    "phases",
    "placing",
    "polynomials",
    "quantiles",
    "refused",
    "scimath",
    "sets",
    "sinc",
    "singular",
    "statistics",
    "surfaces",
    "ufunc_methods",
)

__all__ = [
    "FURTHER",
    "TABLE",
    "Rule",
    "activations",
    "arithmetic",
    "diagonals",
    "elementary",
    "fill_table",
    "fill_table_from_scipy",
    "hooks",
    "indexing",
    "joining",
    "losses",
    "products",
    "reductions",
    "running",
    "selection",
    "shaping",
    "sorting",
]


def fill_table() -> bool:
    """Load every family of NumPy's functions, so that the table is whole."""
    for family in FURTHER:
        import_module(f"{__name__}.{family}")
    return True


def fill_table_from_scipy() -> bool:
    """Load the families of SciPy's special functions, where the program has imported those.

    Nothing else can have called for one of them.
    """
    if sys.modules.get("scipy.special") is None:
        return False
    import_module(f"{__name__}.special")
    return True


on_unknown_function += [fill_table, fill_table_from_scipy]
