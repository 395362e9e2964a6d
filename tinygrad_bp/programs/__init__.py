"""Programs: what a function does with arrays, written down, to read, to run, and to write out."""

from __future__ import annotations

from tinygrad_bp.programs.from_function import program
from tinygrad_bp.programs.program import Program

__all__ = ["Program", "program"]
