"""The table of derivative rules, in folders as NumPy's own library is cut; one module a family.

Importing the package fills the table with what most programs use.  The other families are loaded
when NumPy first calls for a function that is not in the table: they cost a tenth of the import of
NumPy itself.  A family is found by listing the folders; nothing else names it.
"""

from __future__ import annotations

import sys
from importlib import import_module

from tinygrad_bp.engine.rule import TABLE, Rule, on_unknown
from tinygrad_bp.rules import hooks
from tinygrad_bp.rules.elementwise import activations, arithmetic, elementary, selection
from tinygrad_bp.rules.indexing import indexing, sorting
from tinygrad_bp.rules.linalg import products
from tinygrad_bp.rules.reductions import aggregates, running
from tinygrad_bp.rules.shapes import diagonals, joining, shaping

__all__ = ["COMMON", "TABLE", "Rule", "fill_table", "fill_table_from_scipy"]

COMMON = (
    activations,
    aggregates,
    arithmetic,
    diagonals,
    elementary,
    hooks,
    indexing,
    joining,
    products,
    running,
    selection,
    shaping,
    sorting,
)
SPECIAL = f"{__name__}.special."


def _load(*, special: bool) -> bool:
    from pkgutil import walk_packages  # which most programs do without

    for family in walk_packages(__path__, f"{__name__}."):
        if family.name.startswith(SPECIAL) == special:
            import_module(family.name)
    return True


def fill_table() -> bool:
    """Load every family of NumPy's functions, so that the table is whole."""
    return _load(special=False)


def fill_table_from_scipy() -> bool:
    """Load the families of SciPy's special functions, where the program has imported those.

    Nothing else can have called for one of them.
    """
    if sys.modules.get("scipy.special") is None:
        return False
    return _load(special=True)


on_unknown += [fill_table, fill_table_from_scipy]
