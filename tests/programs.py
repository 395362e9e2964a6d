"""Random programs, as the tests call them."""

from __future__ import annotations

from tinygrad_bp.testing.graphs import IN_PROGRAMS, Program
from tinygrad_bp.testing.graphs import graphs as programs

__all__ = ["IN_PROGRAMS", "Program", "programs"]
