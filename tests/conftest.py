"""Settings of the whole suite."""

from __future__ import annotations

from contextlib import suppress

from tinygrad_bp.rules import fill_table, fill_table_from_scipy

fill_table()  # before tests are drawn from it
with suppress(ImportError):  # the rows of SciPy's functions are tested where SciPy is installed
    import scipy.special  # noqa: F401  # with it, its functions are in the table
fill_table_from_scipy()
