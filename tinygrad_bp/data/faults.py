"""What a message says of a bad file: each line and column, in full or in ranges, never endless."""

from __future__ import annotations

import os
import re
from array import array
from collections.abc import Iterable, Sequence
from itertools import islice
from typing import NoReturn

from tinygrad_bp.errors import DataError

LISTING_LIMIT = 20  # entries of a list in a message: a screenful
RANGE_LIMIT = 1000  # ranges of lines in a message: about 10 kB, which a terminal can still scroll
SHOWN_LENGTH = 40  # characters of a value in a message

# The first bytes of what is no table of text, and what to do with it
_FORMATS = {
    b"\x1f\x8b": "compressed by gzip; unpack it",
    b"\xfd7zXZ": "compressed by xz; unpack it",
    b"\x28\xb5\x2f\xfd": "compressed by Zstandard; unpack it",
    b"BZh": "compressed by bzip2; unpack it",
    b"PK\x03\x04": "an Excel workbook or a zip archive; save its table as CSV",
    b"\xd0\xcf\x11\xe0": "an Excel workbook; save its table as CSV",
    b"PAR1": "a Parquet file; save its table as CSV",
    b"\x89HDF": "an HDF5 file; save its table as CSV",
    b"\x93NUMPY": "a NumPy array; read it with numpy.load",
    b"SQLite format 3": "a database; save its table as CSV",
    b"\xff\xfe": "UTF-16 or UTF-32 text; save it as UTF-8",
    b"\xfe\xff": "UTF-16 text; save it as UTF-8",
}
_MISSING = {"nan", "na", "n/a", "#n/a", "null", "none", "nil", "?", "-", ".", "missing"}
_DECIMAL_COMMA = re.compile(r"[+-]?(?:\d+|\d{1,3}(?:\.\d{3})+),\d+", re.ASCII)
_THOUSANDS = re.compile(r"[+-]?[1-9]\d{0,2}(?:,\d{3})+(?:\.\d*)?", re.ASCII)

FilePath = str | os.PathLike[str]


def format_of(line: str) -> str | None:
    """Say what a file is, and what to do, whose first line is no UTF-8 text.

    Parameters
    ----------
    line : str
        Bytes that are not UTF-8 as surrogates.
    """
    head = line[:16].encode("utf-8", "surrogateescape")
    if head[:2].count(0) == 1:  # ASCII in UTF-16 without a mark
        return "UTF-16 text; save it as UTF-8"
    return next((said for start, said in _FORMATS.items() if head.startswith(start)), None)


def remedy_for(text: str) -> str:
    """Say in parentheses what to write instead of `text`, which is no number, if that is plain."""
    if text.casefold() in _MISSING:
        return " (leave the field empty where a value is missing)"
    if len(text) > SHOWN_LENGTH:
        return ""
    point = text.replace(".", "").replace(",", ".")
    if _THOUSANDS.fullmatch(text):
        whole = text.replace(",", "")
        if text.count(",") > 1 or "." in text:
            return f" (write {whole})"
        return f" (write {whole} if the comma groups thousands, {point} if it is a decimal point)"
    return f" (write {point})" if _DECIMAL_COMMA.fullmatch(text) else ""


def shown(text: str) -> str:
    """Quote a text from a file for a message: control characters escaped, the length capped."""
    return repr(text) if len(text) <= SHOWN_LENGTH else f"{text[:SHOWN_LENGTH]!r}..."


def listing(names: Iterable[str], total: int) -> str:
    """Join the first of ``total`` names for a message."""
    listed = list(islice(names, LISTING_LIMIT))
    hidden = total - len(listed)
    return ", ".join(listed) + (f", ... and {hidden} more" if hidden else "")


def line_ranges(lines: Sequence[int]) -> str:
    """Name lines of a file in few words.

    Parameters
    ----------
    lines : sequence of int
        Ascending; a repeated line counts once.

    Returns
    -------
    str
        ``"line 5"``, or ``"lines 5, 9, 12-14"``; what does not fit is counted.

    Examples
    --------
    >>> line_ranges([5, 9, 12, 13, 14])
    'lines 5, 9, 12-14'
    """
    runs: list[list[int]] = []
    for line in lines:
        if runs and line <= runs[-1][1] + 1:
            runs[-1][1] = line
        else:
            runs.append([line, line])
    named = [f"{low}" if low == high else f"{low}-{high}" for low, high in runs[:RANGE_LIMIT]]
    hidden = sum(high - low + 1 for low, high in runs[RANGE_LIMIT:])
    noun = "line" if len(runs) == 1 and runs[0][0] == runs[0][1] else "lines"
    return f"{noun} {', '.join(named)}" + (f" and {hidden} more" if hidden else "")


class Faults:
    """The faults of one file: the first few are told in full, of the others line and column.

    Parameters
    ----------
    path : str or path-like
        What the file is called in the message.
    """

    def __init__(self, path: FilePath) -> None:
        self._path = os.fspath(path)
        self._listed: list[str] = []
        self._others: dict[str | None, array[int]] = {}  # a header may repeat: at most one a column
        self.total = 0

    def add(self, line: int, column: str | None, reason: str) -> None:
        """Count a fault; `column` is None for one of the row as a whole."""
        self.total += 1
        if self.total > LISTING_LIMIT:
            self._others.setdefault(column, array("q")).append(line)
        else:
            where = f"line {line}" if column is None else f"line {line}, column {shown(column)}"
            self._listed.append(f"{where}: {reason}")

    def fail(self) -> NoReturn:
        """Raise the DataError that names them all."""
        count = f"{self.total} fault{'s' if self.total > 1 else ''}; expected none"
        hidden = self.total - len(self._listed)
        more = [f"... and {hidden} more:"] if hidden else []
        for column, lines in islice(self._others.items(), RANGE_LIMIT):
            where = "rows" if column is None else f"column {shown(column)}"
            more.append(f"  {where}: {line_ranges(lines)}")
        if len(self._others) > RANGE_LIMIT:
            more.append(f"  and {len(self._others) - RANGE_LIMIT} more columns")
        raise DataError("\n  ".join([f"{self._path}: {count}", *self._listed, *more]))
