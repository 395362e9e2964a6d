"""Tables of two classes: read strictly from CSV files, bundled, or drawn from a seed."""

from __future__ import annotations

from tinygrad_bp.data.generators import GENERATORS, circles, generate, moons, spiral, xor
from tinygrad_bp.data.penguins import penguins
from tinygrad_bp.data.strict_csv import Dropped
from tinygrad_bp.data.tables import Table, holdout_split, read_csv, read_features

__all__ = [
    "GENERATORS",
    "Dropped",
    "Table",
    "circles",
    "generate",
    "holdout_split",
    "moons",
    "penguins",
    "read_csv",
    "read_features",
    "spiral",
    "xor",
]
