"""Settings of the whole suite."""

from __future__ import annotations

from tinygrad_bp.rules import fill_table

fill_table()  # before tests are drawn from it
