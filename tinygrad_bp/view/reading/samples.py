"""Which arrays of a computation have a row a sample, and which numbers are taken over all."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tinygrad_bp.view.reading.element_links import Links
from tinygrad_bp.view.reading.sheet import Sheet


def rows_of(sheet: Sheet, sample: int = 0) -> dict[int, int]:
    """Return the entries that have one row for each sample, with the number of rows.

    The data say how many samples there are: those that the caller named, or else those that are
    matrices; of these, the first whose rows come out of an operation as rows again.  A result has
    rows where one argument's rows go into the same rows of it, and into no others: a square matrix
    that is transposed has none any more.  That is asked of the `sample` and of one more.
    """
    entries = sheet.recorded.entries
    shapes = [entry.shape for entry in entries]
    given = [place for place in range(len(entries)) if sheet.kinds[place] == "data"]
    named = [place for place in given if sheet.names[place]]
    given = named or [place for place in given if len(shapes[place]) > 1]
    lengths = {place: shapes[place][0] for place in given if shapes[place] and shapes[place][0] > 1}
    passed = {
        argument
        for place, entry in enumerate(entries)
        for position, argument in enumerate(entry.arguments)
        if argument in lengths and _keeps_rows(sheet, place, position, sample)
    }
    m = next((lengths[place] for place in given if place in passed), None)
    if m is None:
        return {}
    rows = {place: m for place, length in lengths.items() if length == m}
    for place, entry in enumerate(entries):
        if any(
            argument in rows and _keeps_rows(sheet, place, position, sample)
            for position, argument in enumerate(entry.arguments)
        ):
            rows[place] = m
    return rows


def _keeps_rows(sheet: Sheet, place: int, position: int, sample: int) -> bool:
    """Return whether each row of one argument goes into the same row of the result alone.

    Where nothing can be computed the lengths are all that is known.
    """
    recorded = sheet.recorded
    entry = recorded.entries[place]
    shape, before = entry.shape, recorded.entries[entry.arguments[position]].shape
    if entry.node is None or not shape or not before or shape[0] != before[0]:
        return False
    if entry.node.rule.kind == "elementwise":  # axes are matched from the last one on
        return len(shape) == len(before)
    links = Links(recorded, entry)
    for row in {min(sample, shape[0] - 1), shape[0] - 1 if sample == 0 else 0}:
        ct = np.zeros(shape, entry.node.dtype)
        ct[row] = np.linspace(1, 2, ct[row].size).reshape(shape[1:])
        part = links.pulled(position, ct, links.arguments)
        if part is not None and np.any(np.delete(part, row, axis=0)):
            return False
    return True


def over_samples(sheet: Sheet, rows: dict[int, int]) -> Sequence[tuple[int, int]]:
    """Return over how many samples the value and the cotangent of each entry are taken.

    A value that was computed from rows and has no rows is one of all samples, as is one of which
    an argument's rows are mixed; and so is the cotangent of what has no rows and goes into rows.
    """
    entries = sheet.recorded.entries
    values, cotangents = [1] * len(entries), [1] * len(entries)
    count = max(rows.values(), default=1)
    for place, entry in enumerate(entries):
        if place not in rows:
            is_of_all = any(a in rows or values[a] > 1 for a in entry.arguments)
        else:
            is_of_all = any(
                a in rows and not _keeps_rows(sheet, place, position, 0)
                for position, a in enumerate(entry.arguments)
            )
        if is_of_all:
            values[place] = count
    for place in range(len(entries) - 1, -1, -1):
        if place in rows or cotangents[place] > 1:
            for argument in entries[place].arguments:
                if argument not in rows:
                    cotangents[argument] = count
    return list(zip(values, cotangents, strict=True))
