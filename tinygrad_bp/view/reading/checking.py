"""Gradients beside finite differences: the computation run again with one element moved."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_bp.engine.nodes import Leaf, Node
from tinygrad_bp.formulas.printing import shortened
from tinygrad_bp.programs.calling import quiet
from tinygrad_bp.view.picture.records import CheckView
from tinygrad_bp.view.reading.recorded import Recorded, Values, replay
from tinygrad_bp.view.reading.sheet import Sheet

BUDGET = 20_000  # operations that a check may run; beyond it there is none
WORK = 20_000_000  # elements that these operations may compute
ORDER = 1 / 3  # of a central difference: the step that balances truncation and rounding
NAMED = 3  # leaves that a note names


def checks(sheet: Sheet) -> tuple[CheckView, ...]:
    """Return a check of each leaf's gradient, of data's none; why there is none goes to the notes.

    Central differences of the recorded computation with the step ``cbrt(eps) max(1, |x|)``
    (Nocedal & Wright 2006, section 8.1); good to about ten digits in float64.  Of a result that is
    no scalar the elements are weighted by its cotangent, with which the walk began.
    """
    recorded = sheet.recorded
    if not recorded.cotangents:
        return ()  # a note says why
    found: list[CheckView] = []
    refused: dict[str, list[str]] = {}
    cost = _cost(sheet)
    with quiet():
        for place, leaf in _checked(sheet):
            name = shortened(sheet.names[place] or f"leaf {place}")
            answer = cost or _difficulty(recorded, leaf)
            answer = answer or _differences(recorded, leaf, np.asarray(recorded.values[leaf]))
            if isinstance(answer, str):
                refused.setdefault(answer, []).append(name)
                continue
            ct = np.ravel(recorded.cotangents[leaf])
            error = float(np.max(np.abs(answer - ct), initial=0.0))
            found.append(CheckView(place, tuple(answer.tolist()), error))
    for reason, names in refused.items():
        rest = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
        recorded.notes.append(
            f"no finite differences of {', '.join(names[:NAMED])}{rest}: {reason}"
        )
    return tuple(found)


def _checked(sheet: Sheet) -> list[tuple[int, Leaf]]:
    entries = enumerate(sheet.recorded.entries)
    return [
        (place, entry.node)
        for place, entry in entries
        if isinstance(entry.node, Leaf) and sheet.kinds[place] != "data"
    ]


def _cost(sheet: Sheet) -> str:
    """Return what is to be said where all checks together cost too much."""
    recorded = sheet.recorded
    runs = 2 * sum(leaf.size for _, leaf in _checked(sheet))
    if runs * len(recorded.entries) > BUDGET:
        return f"{runs * len(recorded.entries):,} operations are more than {BUDGET:,}"
    if runs * sum(node.size for node in recorded.nodes) > WORK:
        return f"the operations compute more than {WORK:,} elements"
    return ""


def _difficulty(recorded: Recorded, leaf: Leaf) -> str:
    """Return why there is nothing to compare, or nothing to compute it with."""
    if leaf not in recorded.cotangents:
        return "it has no gradient"
    if leaf.dtype.kind == "c":
        return "it is complex"
    if leaf.dtype != np.float64:
        return f"{leaf.dtype} has too few digits"
    if leaf not in recorded.values:
        return f"the value {recorded.missing.get(leaf, 'is not known')}"
    return ""


def _differences(recorded: Recorded, leaf: Leaf, value: Any) -> Any:
    """Return the central differences by the elements of a leaf, or a text that says why not."""
    found = np.empty(value.size)
    for i in range(value.size):
        one = _difference(recorded, leaf, value, i)
        if isinstance(one, str):
            return one
        found[i] = one
    return found


def _difference(recorded: Recorded, node: Node, value: Any, i: int) -> float | str:
    step = float(np.finfo(float).eps) ** ORDER * max(1.0, abs(float(value.flat[i])))
    ends = []
    for sign in (1, -1):
        moved = value.copy()
        moved.flat[i] += sign * step
        end = _weighted(recorded, replay(recorded, node, moved if moved.ndim else moved[()]))
        if isinstance(end, str):
            return end
        ends.append((end, float(moved.flat[i])))
    (above, right), (below, left) = ends
    return (above - below) / (right - left)


def difference(recorded: Recorded, node: Node, i: int) -> float | None:
    """Return the central difference by one element of a node, None where there is none.

    `i` is its place in the flat array.
    """
    if node not in recorded.values or node.dtype != np.float64:
        return None
    with quiet():
        found = _difference(recorded, node, np.asarray(recorded.values[node]), i)
    return None if isinstance(found, str) else found


def _weighted(recorded: Recorded, values: Values) -> float | str:
    """Return the results, weighted by what the walk began with, as one number."""
    total = 0.0
    for root in recorded.roots:
        ct = recorded.cotangents.get(root)
        if ct is None:  # of several results, one that the walk did not begin at
            continue
        if root not in values:
            return _why_unknown(recorded, values)
        if root.dtype.kind == "c":
            return "the result is complex"
        total += float(np.sum(np.asarray(ct) * np.asarray(values[root])))
    return total


def _why_unknown(recorded: Recorded, values: Values) -> str:
    unknown: Node = next(node for node in recorded.nodes if node not in values)
    if isinstance(unknown, Leaf):
        return f"the value of a leaf beside it {recorded.missing.get(unknown, 'is not known')}"
    return f"{unknown.rule.name} cannot be computed again"
