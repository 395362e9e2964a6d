"""`Lowering`: the stages of a compilation, to be read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tinygrad_bp.programs.family import Family
from tinygrad_bp.programs.program import Program


@dataclass(frozen=True, eq=False)
class Lowering:
    """From a function to what runs.

    Attributes
    ----------
    trace : Program
        As it was written down.
    family : Family
        The program for batches of every length.
    program : Program
        The one for the length that was asked for.
    engine : object
        What runs it; `stages` tells how, and `ir` is LLVM's text if it is native code.
    """

    trace: Program
    family: Family
    program: Program
    engine: Any

    @property
    def stages(self) -> str:
        """What becomes of each instruction."""
        return str(self.engine.stages)

    @property
    def ir(self) -> str:
        """The text that LLVM is given; empty if NumPy runs the program."""
        return str(self.engine.ir)

    def __str__(self) -> str:
        length = self.family.length
        whose = "of this shape alone" if length is None else f"of a batch of {length}, for any"
        parts = [
            ("as it was written down", self.trace),
            (f"after the passes, {whose}", self.family.program),
            ("what runs", self.stages),
        ]
        return "\n\n".join(f"-- {title} --\n{text}" for title, text in parts)
