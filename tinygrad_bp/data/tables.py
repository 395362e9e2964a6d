"""Tables of classes or numbers: from CSV files, and divided into a training and a held-out part."""

from __future__ import annotations

import math
import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tinygrad_bp.data.faults import FilePath, listing, shown
from tinygrad_bp.data.strict_csv import Dropped, parse_number, read_body
from tinygrad_bp.elsewhere.calls import answers
from tinygrad_bp.errors import DataError


@dataclass(frozen=True, eq=False)
class Table:
    """Samples of two classes or more, or with a number each.

    Attributes
    ----------
    X : ndarray of float64, shape (m, n)
        Features; samples are rows.
    y : ndarray of float64, shape (m,)
        Labels, 0 or 1 and so on; or numbers, if there are no classes.
    feature_names : tuple of n str
    class_names : tuple of str
        The names of the labels in order; none for numbers.
    name : str
        What the table is called in reports.
    dropped : tuple of Dropped
        Rows of the source that were left out.
    separator : str
        What separates the columns of the source: ``","``, ``";"`` or a tab.

    source : str
        The file that it was read from, if it was.
    target_name : str
        What the numbers are, if these are numbers.

    Raises
    ------
    DataError
        If the parts do not fit together.
    """

    X: NDArray[np.float64]
    y: NDArray[np.float64]
    feature_names: tuple[str, ...]
    class_names: tuple[str, ...]
    name: str
    dropped: tuple[Dropped, ...] = ()
    separator: str = ","
    source: str = ""
    target_name: str = ""

    def __post_init__(self) -> None:
        rows = self.y.shape[0] if self.y.ndim == 1 else -1
        expected = (rows, len(self.feature_names))
        if self.X.shape != expected or self.X.dtype != np.float64 or self.y.dtype != np.float64:
            raise DataError(
                f"Table: X is {self.X.dtype} {self.X.shape} and y is {self.y.dtype} {self.y.shape}"
                f" for {len(self.feature_names)} feature names; expected float64 (m, n), (m,), n"
            )
        labels = range(len(self.class_names))
        if self.class_names and (len(labels) < 2 or not np.isin(self.y, labels).all()):
            raise DataError(
                f"Table: y has values other than labels of {len(labels)} classes; expected two"
                " classes or more, and labels 0, 1 and so on"
            )

    @property
    def rows_used(self) -> int:
        """Number of samples in the table."""
        return len(self.X)

    @property
    def rows_dropped(self) -> int:
        """Number of rows of the source that were left out."""
        return len(self.dropped)


@answers
def read_csv(
    path: FilePath,
    features: Sequence[str],
    label: str | None = None,
    *,
    target: str | None = None,
    missing: Literal["error", "drop"] = "error",
) -> Table:
    """Read features, and a class label or a number, from a CSV file with a header line.

    The file is UTF-8, with or without a byte order mark. Numbers are plain decimals, with an
    exponent if need be; blanks around values and names, and blank lines at the end, do no harm.
    Columns are separated by commas; by semicolons or tabs where only these give the names that are
    asked for, and the table says so. Columns that are not asked for may hold any text.

    Parameters
    ----------
    path : str or path-like
    features : sequence of str
        The columns that become ``X``, in this order.
    label : str, optional
        The column that becomes ``y``. Its classes are sorted, as numbers if all are numbers; the
        second is label 1.
    target : str, optional
        The column that becomes ``y``, instead of a label: of numbers.
    missing : {"error", "drop"}
        What to do with a row where a column asked for is empty or ``NA``: report it as a fault,
        or leave it out and record it in ``dropped``. Any other fault stays an error.

    Returns
    -------
    Table
        ``X`` float64 (m, n), ``y`` float64 (m,).

    Raises
    ------
    DataError
        If anything in the file is not as expected. Every bad row is named by the line on which it
        starts and by its column.
    """
    if missing not in ("error", "drop"):
        raise DataError(f"{os.fspath(path)}: missing={missing!r}; expected 'error' or 'drop'")
    column = label if target is None else target
    if not isinstance(column, str) or (label is not None and target is not None):
        given = f"label={label!r}, target={target!r}"
        raise DataError(f"{os.fspath(path)}: {given}; expected the name of one column")
    listed = target is not None and not isinstance(features, str)  # a str is refused with a remedy
    names = [*features, column] if listed else features
    body = read_body(path, names, label, drop=missing == "drop")
    X = body.matrix()
    if target is None:
        class_names, y = _encode(path, column, body.labels)
    else:
        X, y, class_names = X[:, :-1], X[:, -1].copy(), ()
    return Table(
        X=np.ascontiguousarray(X),
        y=y,
        feature_names=tuple(features),
        class_names=class_names,
        name=Path(path).stem,
        dropped=tuple(body.dropped),
        separator=body.separator,
        source=os.fspath(path),
        target_name=target or "",
    )


@answers
def read_features(
    path: FilePath, features: Sequence[str]
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Read features alone, as strictly as `read_csv`, from a file that need not have labels.

    Parameters
    ----------
    path : str or path-like
    features : sequence of str
        The columns that become ``X``, in this order.

    Returns
    -------
    X : ndarray of float64, shape (m, n)
    lines : ndarray of int64, shape (m,)
        The line of the file on which each row starts.

    Raises
    ------
    DataError
        As `read_csv` does; a missing value always is a fault.
    """
    body = read_body(path, features, None, drop=False)
    return body.matrix(), np.array(body.lines, dtype=np.int64)


@answers
def holdout_split(
    y: ArrayLike, fraction: float, rng: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Divide samples at random into a training and a held-out part, class by class.

    Each class gives ``fraction`` of its rows, rounded half up, to the held-out part, but keeps at
    least one row on either side.

    Parameters
    ----------
    y : array_like, shape (m,)
        Labels; any number of classes.
    fraction : float
        Share to hold out, above 0 and below 1.
    rng : numpy.random.Generator

    Returns
    -------
    train_index, heldout_index : ndarray of int64
        Row numbers in ascending order; together they are each row exactly once.

    Raises
    ------
    DataError
        If a class has a single row, or an argument is out of its range.
    """
    labels = np.asarray(y)
    if labels.ndim != 1 or labels.size == 0:
        raise DataError(f"holdout_split: y has shape {labels.shape}; expected (m,) with m > 0")
    if not 0.0 < fraction < 1.0:
        raise DataError(f"holdout_split: fraction={fraction!r}; expected above 0 and below 1")
    if not isinstance(rng, np.random.Generator):
        raise DataError(f"holdout_split: rng={rng!r}; expected numpy.random.default_rng(seed)")
    classes, codes, counts = np.unique(labels, return_inverse=True, return_counts=True)
    heldout = np.zeros(labels.size, dtype=np.bool_)
    for code, count in enumerate(counts.tolist()):
        if count < 2:
            raise DataError(
                f"holdout_split: class {classes[code].item()!r} has 1 row; expected at least 2 in"
                " each class: one to train on and one to hold out"
            )
        size = min(max(math.floor(fraction * count + 0.5), 1), count - 1)
        heldout[rng.permutation(np.flatnonzero(codes == code))[:size]] = True
    return np.flatnonzero(~heldout), np.flatnonzero(heldout)


def _encode(
    path: FilePath, column: str, labels: list[str]
) -> tuple[tuple[str, ...], NDArray[np.float64]]:
    """Name the classes in order, and turn each label into 0.0, 1.0 and so on."""
    where = f"{os.fspath(path)}: column {shown(column)}"
    counts = Counter(labels)
    if len(counts) < 2:
        sizes = (f"{shown(name)} ({count} rows)" for name, count in counts.most_common())
        raise DataError(
            f"{where}: expected 2 classes or more, found {len(counts)}:"
            f" {listing(sizes, len(counts))}"
        )
    names = sorted(counts)
    try:
        numbers = {name: parse_number(name) for name in names}
    except ValueError:  # not all numbers: the order of the texts stands
        pass
    else:
        names.sort(key=numbers.__getitem__)
        for first, second in pairwise(names):
            if numbers[first] == numbers[second]:
                raise DataError(
                    f"{where}: {shown(first)} and {shown(second)} are the same number; write each"
                    " class in one way"
                )
    codes = {name: float(code) for code, name in enumerate(names)}
    return tuple(names), np.array([codes[label] for label in labels])
