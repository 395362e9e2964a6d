"""Gradients beside finite differences: the computation run again with one element moved."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_bp.engine.nodes import Leaf
from tinygrad_bp.view.recorded import Recorded, quiet, replay
from tinygrad_bp.view.records import CheckView
from tinygrad_bp.view.sheet import Sheet

BUDGET = 20_000  # operations that a check may run; beyond it there is none
WORK = 20_000_000  # elements that these operations may compute
ORDER = 1 / 3  # of a central difference: the step that balances truncation and rounding


def checks(sheet: Sheet) -> tuple[CheckView, ...]:
    """Return a check of each leaf's gradient, of data's none; nothing where they cost too much.

    Central differences of the recorded computation with the step ``cbrt(eps) max(1, |x|)``
    (Nocedal & Wright 2006, section 8.1); good to about ten digits in float64.
    """
    recorded = sheet.recorded
    leaves = [
        (place, entry.node)
        for place, entry in enumerate(recorded.entries)
        if isinstance(entry.node, Leaf) and sheet.kinds[place] != "data"
    ]
    size = sum(leaf.size for _, leaf in leaves)
    if len(recorded.roots) > 1 or 2 * size * len(recorded.entries) > BUDGET:
        return ()
    if 2 * size * sum(node.size for node in recorded.nodes) > WORK:
        return ()
    found = []
    with quiet():
        for place, leaf in leaves:
            ct, value = recorded.cotangents.get(leaf), recorded.values.get(leaf)
            if ct is None or value is None or leaf.dtype != np.float64:
                continue
            differences = _differences(recorded, leaf, np.asarray(value))
            if differences is not None:
                error = float(np.max(np.abs(differences - np.ravel(ct)), initial=0.0))
                found.append(CheckView(place, tuple(differences.tolist()), error))
    return tuple(found)


def _differences(recorded: Recorded, leaf: Leaf, value: Any) -> Any:
    found = np.empty(value.size)
    for i in range(value.size):
        step = float(np.finfo(float).eps) ** ORDER * max(1.0, abs(float(value.flat[i])))
        ends = []
        for sign in (1, -1):
            moved = value.copy()
            moved.flat[i] += sign * step
            end = replay(recorded, leaf, moved if moved.ndim else moved[()])
            if end is None or np.size(end) != 1:
                return None
            ends.append((float(np.ravel(end)[0]), float(moved.flat[i])))
        (above, right), (below, left) = ends
        found[i] = (above - below) / (right - left)
    return found
