"""The list, in docs/compile.md, of the layers that NumPy has a part in.

``python tests/support/layers_in_code.py`` prints it.
"""

from __future__ import annotations

import textwrap
from collections import Counter
from typing import Any

from layer_cases import CASES, LayerCase

import tinygrad_bp as tg
from tinygrad_bp.native.loops.schedule import NUMPY, segments
from tinygrad_bp.native.lowering.lowering import Lowering

COLUMNS = 110


def numpys(case: LayerCase) -> tuple[Counter[str], int]:
    """Return the calls of NumPy's in a training step of a layer, and how many calls there are."""
    state, step = case.training()
    fast: Any = tg.compile(step, state=state, backend="numpy")
    fast(case.x)
    family = fast._latest[1].family
    lowering = Lowering(family.program, family.length, family.irregular)
    found = segments(family.program, lowering)
    theirs = Counter(x.op for one in found if one.lane == NUMPY for x in one.instructions)
    return theirs, len(family.program.instructions)


def text() -> str:
    """Return the list."""
    rows, alone = [], []
    for case in CASES:
        theirs, count = numpys(case)
        if not theirs:
            alone.append(f"`{case.name}`")
            continue
        most = ", ".join(f"{k} {op}" for op, k in theirs.most_common(4))
        rows.append(f"| `{case.name}` | {count} | {sum(theirs.values())} | {most} |")
    head = "| layer | calls of a step | by NumPy | most of them |\n|---|---|---|---|\n"
    none = textwrap.fill(f"None in {', '.join(alone)}.", COLUMNS, break_on_hyphens=False)
    return f"{head}{chr(10).join(rows)}\n\n{none}\n"


if __name__ == "__main__":
    print(text(), end="")
