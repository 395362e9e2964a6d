"""Whether inputs still meet the labels that they had before the first epoch."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from tinygrad_bp.doctor.findings.diagnosis import FAULT, Finding
from tinygrad_bp.doctor.learning.outcome import classes_of
from tinygrad_bp.doctor.learning.pairs import Pair
from tinygrad_bp.doctor.watched.recorder import is_array
from tinygrad_bp.doctor.watched.replay import Iteration
from tinygrad_bp.doctor.watched.slots import same

FEWEST, MOST = 6, 5000  # rows of a table that is followed
NOTHING: list[Any] = []


class Pairing:
    """Each sample's label at the head of the first epoch, and what it meets later."""

    def __init__(self, pair: Pair) -> None:
        self.pair = pair
        self.first: dict[Any, Any] = {}  # tables and labels, by their places
        self.labels: list[dict[bytes, Any]] = []
        self.strayed = self.seen = 0

    def begin(self, values: dict[Any, Any]) -> None:
        """Take the tables as they are before the first epoch."""
        self.first = values
        tables = [one for one in _tables(values.values()) if FEWEST <= len(one) <= MOST]
        for X in tables:
            for y in values.values():
                labels = _rows(y, len(X))
                if labels is not None and X is not y:
                    self.labels.append(_known(X, labels))

    def look(self, iteration: Iteration, values: dict[Any, Any]) -> None:
        """Compare the rows of one iteration with the labels that it compares them with."""
        met = [one for one in iteration.recording.comparisons if one.place == self.pair.place]
        if not met or not self.labels:
            return
        label = self.pair.label_of(met[-1])
        many, kept = _samples(label), iteration.recording
        stored = [value for _, value, _ in (*kept.stores, *kept.given) if np.ndim(value)]
        stored += [iteration.value(path) for path in values]  # no batch that is left from before
        if many < 2:
            self._count([*self._reordered(values, {*np.ravel(label)}, stored, np.ravel(label))])
            return
        labels = _rows(label, many)
        if labels is None:
            return
        shares = [
            share
            for X in _tables(stored)
            if len(X) == many
            for known in self.labels
            if (share := _strayed(X, labels, known)) is not None
        ]
        self._count(shares or [*self._reordered(values, {*np.ravel(label)})])

    def _count(self, shares: list[float]) -> None:
        if shares:
            self.seen += 1
            self.strayed += min(shares) > 0.2  # if any table fits, that is the one in use

    def _reordered(
        self, values: dict[Any, Any], wanted: set[float], used: list[Any] = NOTHING, label: Any = ()
    ) -> Iterator[float]:
        """Yield how tables of which the rows are in another order now stand to labels beside them.

        Of batches that are taken and named nowhere this is all there is to see.  Of single samples
        the row that is `used`, and its label, tell which tables these are.
        """
        rows_used = {np.asarray(one, float).tobytes() for one in used if np.size(one) > 1}
        for path, X in values.items():
            before: Any = self.first.get(path)
            if np.shape(before) != np.shape(X) or same(before, X):
                continue
            for then, rows in zip(_tables([before]), _tables([X]), strict=True):
                for place, y in values.items():
                    labels, old = _rows(y, len(rows)), _rows(self.first.get(place), len(rows))
                    if labels is None or old is None or not wanted <= {*np.ravel(labels)}:
                        continue
                    if used is not NOTHING and not any(
                        row.tobytes() in rows_used and np.array_equal(one, label)
                        for row, one in zip(rows, labels, strict=True)
                    ):
                        continue
                    share = _strayed(rows, labels, _known(then, old))
                    yield from [share] if share is not None else []

    def findings(self) -> list[Finding]:
        """Return what the looks found."""
        if self.seen < 3 or self.strayed < 0.6 * self.seen:
            return []
        text = (
            f"in {self.strayed} of {self.seen} iterations that were looked at, samples meet labels"
            " that are not those they had before the first epoch"
        )
        return [Finding("shuffled-without-labels", FAULT, text)]


def _samples(label: Any) -> int:
    """Return of how many samples these are the labels: one alone may be a column of classes."""
    classes = classes_of(label)
    return int(classes.size if classes.size < label.size else max(label.shape, default=1))


def _tables(values: Any) -> Iterator[Any]:
    """Yield arrays of two axes with samples as rows, those with samples as columns turned."""
    for one in values:
        if is_array(one) and one.ndim == 2 and min(one.shape) > 1:
            yield np.ascontiguousarray(one, float)
            yield np.ascontiguousarray(one.T, float)


def _known(X: Any, labels: Any) -> dict[bytes, Any]:
    """Return the label of each row; none for one that stands there twice, with two labels."""
    found: dict[bytes, Any] = {}
    for row, label in zip(X, labels, strict=True):
        key = row.tobytes()
        before = found.setdefault(key, label)
        if before is not None and np.any(before != label):
            found[key] = None
    return found


def _rows(value: Any, many: int) -> Any:
    """Return labels as one row a sample, or None if they are no labels of so many samples."""
    if not is_array(value) or value.ndim > 2 or value.ndim == 0:
        return None
    array = np.asarray(value, float)
    if array.ndim == 1:
        array = array[:, None]
    if array.shape[0] == many:
        return array
    return array.T if array.shape[1] == many and array.shape[0] == 1 else None


def _strayed(X: Any, labels: Any, known: dict[bytes, Any]) -> float | None:
    """Return the share of rows with another label; None if these are other rows, or labels."""
    keys = [row.tobytes() for row in X]
    if not {*keys} <= known.keys():
        return None
    pairs = [(known[key], label) for key, label in zip(keys, labels, strict=True)]
    pairs = [(before, label) for before, label in pairs if before is not None]
    if 2 * len(pairs) < len(keys) or any(one.shape != labels.shape[1:] for one, _ in pairs):
        return None
    values = {float(v) for one in known.values() if one is not None for v in one}
    if not {*np.ravel(labels)} <= values:
        return None
    met = {(before.tobytes(), label.tobytes()) for before, label in pairs}
    sides = [{one[k] for one in met} for k in (0, 1)]
    if len(met) == len(sides[0]) == len(sides[1]) < FEWEST:
        return 0.0  # every class by another number: 1 - y, say
    return float(np.mean([bool(np.any(a != b)) for a, b in pairs]))
