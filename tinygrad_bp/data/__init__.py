"""Samples in batches and parts; tables read strictly from CSV files, bundled, or drawn."""

from __future__ import annotations

from tinygrad_bp.data.batching import batches, split
from tinygrad_bp.data.generators import GENERATORS, circles, generate, moons, spiral, xor
from tinygrad_bp.data.penguins import penguins
from tinygrad_bp.data.strict_csv import Dropped
from tinygrad_bp.data.tables import Table, holdout_split, read_csv, read_features
from tinygrad_bp.deferred import deferred

__all__ = [
    "GENERATORS",
    "Dropped",
    "Table",
    "batches",
    "circles",
    "generate",
    "holdout_split",
    "moons",
    "penguins",
    "read_csv",
    "read_features",
    "spiral",
    "split",
    "xor",
]

__getattr__, __dir__ = deferred(__name__, {})  # for the names that people know from elsewhere
del deferred
