"""A strict CSV reader: each bad row is named by the line on which it starts and by its column.

It never guesses. The header says what separates the columns: a comma, or else a semicolon or a tab
if that one alone gives the names that were asked for. A value is a plain decimal number or it is a
fault; all the faults of a file are named by line and column, so that one run shows what there is to
mend. Memory is bounded by the numbers read, whatever the file: a row has a cap, and a row that
breaks it ends the reading.
"""

from __future__ import annotations

import csv
import difflib
import math
import os
import re
from array import array
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

import numpy as np
from numpy.typing import NDArray

from tinygrad_bp.data.faults import Faults, FilePath, format_of, listing, remedy_for, shown
from tinygrad_bp.errors import DataError

ROW_LIMIT = 1 << 20  # characters of a row: bounds memory when a file has no line ends at all
SUGGESTION_LENGTH = 100  # longer names get no suggestion: matching takes quadratic time
SUGGESTION_POOL = 200  # columns that a suggestion is looked for in, for the same reason
MISSING = ("", "NA")
SEPARATOR_NAMES = {",": "','", ";": "';'", "\t": "tabs"}
SEPARATORS = tuple(SEPARATOR_NAMES)

# No part can match the same text in two ways, so a megabyte of digits costs linear time.
_NUMBER = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)
_FIELD = {
    mark: re.compile(rf'(?:"(?:[^"]|"")*+"|[^"{mark}\r\n][^{mark}\r\n]*+|)(?={mark}|[\r\n]|\Z)')
    for mark in SEPARATORS
}
_OPEN_QUOTE = re.compile(r'"(?:[^"]|"")*+')
_BAD_CHARACTER = re.compile("[\0\udc80-\udcff]")  # NUL, or a byte that surrogateescape let by


@dataclass(frozen=True)
class Dropped:
    """A row that was left out on purpose.

    Attributes
    ----------
    line : int
        Physical line of the file on which the row starts; the header is line 1.
    reason : str
        Why, with the name of each column concerned.
    """

    line: int
    reason: str


@dataclass
class Body:
    """The columns asked for, in the compact form in which they are read.

    Attributes
    ----------
    values : array of float
        The features, row after row.
    lines : array of int
        The line on which each row starts.
    labels : list of str
        The label of each row; empty when no label was asked for.
    dropped : list of Dropped
    separator : str
        What stands between the columns.
    """

    values: array[float] = field(default_factory=lambda: array("d"))
    lines: array[int] = field(default_factory=lambda: array("q"))
    labels: list[str] = field(default_factory=list)
    dropped: list[Dropped] = field(default_factory=list)
    separator: str = ","

    def matrix(self) -> NDArray[np.float64]:
        """Return the features as float64 of shape (rows, columns)."""
        return np.array(self.values, dtype=np.float64).reshape(len(self.lines), -1)


def read_body(path: FilePath, features: Sequence[str], label: str | None, *, drop: bool) -> Body:
    """Read the named columns of a CSV file with a header line.

    Parameters
    ----------
    path : str or path-like
    features : sequence of str
        Columns of numbers.
    label : str or None
        Column of text, if there is one.
    drop : bool
        Leave out rows with a missing value, and record them, rather than report them.

    Returns
    -------
    Body
        At least one row.

    Raises
    ------
    DataError
        If the file cannot be read or has any fault; it lists them by line and column.
    """
    try:
        _check_request(features, label)
    except DataError as error:
        raise DataError(f"{os.fspath(path)}: {error}") from None
    try:
        # surrogateescape: a bad byte is then a fault of one field, not the end of the reading
        with Path(path).open(encoding="utf-8-sig", errors="surrogateescape", newline="") as file:
            names = [*features, *([] if label is None else [label])]
            return _Reader(path, file, names).read(has_label=label is not None, drop=drop)
    except OSError as error:
        reason = error.strerror or str(error)
        raise DataError(f"{os.fspath(path)}: cannot read the CSV file: {reason}") from error
    except ValueError as error:
        if isinstance(error, DataError):
            raise
        raise DataError(f"{path!r}: not the path of a CSV file: {error}") from error


def _check_request(features: Sequence[str], label: str | None) -> None:
    if isinstance(features, str):
        raise DataError(f"features={features!r}: expected a list of column names: [{features!r}]")
    if not features:
        raise DataError("features: no column named; expected at least one")
    wrong = [name for name in (*features, label or "") if not isinstance(name, str)]
    if wrong:
        raise DataError(f"columns: {wrong[0]!r} is not a column name; expected text")
    repeated = [name for name, count in Counter(features).items() if count > 1]
    if repeated:
        raise DataError(f"features: {', '.join(map(shown, repeated))} named twice; name it once")
    if label is not None and label in features:
        raise DataError(f"label {shown(label)} is among the features; expected another column")


def parse_number(text: str) -> float:
    """Convert a plain decimal number; a ValueError says what is wrong with any other text."""
    if text in MISSING:
        raise ValueError(f"missing value ({text or 'empty'})")
    if not _NUMBER.fullmatch(text):
        number = "a plain decimal number such as -1.5 or 2e3"
        raise ValueError(f"{shown(text)} is not {number}{remedy_for(text)}")
    value = float(text)
    if math.isinf(value):
        raise ValueError(f"{shown(text)} is beyond the range of float64")
    return value


def _parse_label(text: str) -> str:
    if text in MISSING:
        raise ValueError(f"missing label ({text or 'empty'})")
    if text.lower() in ("nan", "+nan", "-nan"):  # what other programs write for a missing value
        raise ValueError(f"{shown(text)} is not a class label")
    return text


def _separator(header: str, names: Sequence[str]) -> str:
    """Return what separates the columns of a header line in which `names` are looked for."""
    columns: dict[str, list[str]] = {}
    for mark in SEPARATORS:
        try:
            row = next(csv.reader([header], delimiter=mark, strict=True), [])
        except csv.Error:  # quotes make no sense with this one, or the row goes on
            continue
        columns[mark] = [name.strip(" \t") for name in row]
        if set(names) <= set(columns[mark]):
            return mark
    several = {mark: len(row) for mark, row in columns.items() if len(row) > 1}
    if "," in several:
        return ","
    # a name is misspelt: the columns can be told all the same
    return max(several, key=several.__getitem__, default=",")


class _Lines:
    """Physical lines for `csv.reader`; keeps the text of the row under way and bounds it."""

    def __init__(self, file: TextIO, names: Sequence[str]) -> None:
        self._file = file
        self._first: str | None = file.readline(ROW_LIMIT + 1)
        self.foreign = _BAD_CHARACTER.search(self._first) and format_of(self._first)
        self.separator = _separator(self._first, names)
        self.begin_row()

    def begin_row(self) -> None:
        self._parts: list[str] = []
        self._room = ROW_LIMIT

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        part, self._first = self._first, None
        if part is None:
            part = self._file.readline(self._room + 1)
        if not part:
            raise StopIteration
        self._parts.append(part)
        self._room -= len(part)
        if self._room < 0:
            raise csv.Error(f"the row is longer than {ROW_LIMIT} characters; is a quote left open?")
        return part

    def diagnose(self, error: csv.Error) -> tuple[int, str, bool]:
        """Say which field broke the row, why, and whether the rows after it can be trusted."""
        text, position, column = "".join(self._parts), 0, 0
        limit, pattern = csv.field_size_limit(), _FIELD[self.separator]
        while self._room >= 0 and (match := pattern.match(text, position)):
            position = match.end()
            if len(match[0]) > limit:
                return column, f"the field is longer than {limit} characters", False
            if text[position : position + 1] != self.separator:
                return column, str(error), True
            position, column = position + 1, column + 1
        if self._room < 0:
            return text.count(self.separator), str(error), False
        if _OPEN_QUOTE.fullmatch(text, position):
            return column, "the quote that opens here is never closed", False
        return column, "text after a closing quote; a quote inside quotes is written twice", True


class _Reader:
    """One pass over one file."""

    def __init__(self, path: FilePath, file: TextIO, names: Sequence[str]) -> None:
        self._lines = _Lines(file, names)
        if self._lines.foreign:
            raise DataError(
                f"{os.fspath(path)}: the file is {self._lines.foreign}; expected UTF-8 text, a"
                " header line and rows"
            )
        separator = self._lines.separator
        self._path = os.fspath(path)
        if separator != ",":
            self._path += f" (columns separated by {SEPARATOR_NAMES[separator]})"
        self._faults = Faults(self._path)
        self._header: list[str] = []
        self._body = Body(separator=separator)
        self._names = names

    def read(self, *, has_label: bool, drop: bool) -> Body:
        rows = self._rows()
        self._read_header(rows)
        wanted = self._locate(self._names)
        blank = array("q")
        for line, row in rows:
            if not row:  # harmless at the end of the file, so wait for what follows
                blank.append(line)
                continue
            for blank_line in blank:
                self._faults.add(blank_line, None, "blank line between rows; remove it")
            del blank[:]
            if self._is_sound(line, row):
                self._take(line, row, wanted, has_label=has_label, drop=drop)
        if self._faults.total:
            self._faults.fail()
        if not self._body.lines:
            dropped = len(self._body.dropped)
            found = f"all {dropped} rows have missing values" if dropped else "only a header line"
            raise DataError(f"{self._path}: {found}; expected rows of data below the header")
        return self._body

    def _rows(self) -> Iterator[tuple[int, list[str]]]:
        """Yield each row with the line on which it starts; a broken one becomes a fault."""
        reader = csv.reader(self._lines, delimiter=self._lines.separator, strict=True)
        while True:
            self._lines.begin_row()
            line = reader.line_num + 1
            try:
                row = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                column, reason, goes_on = self._lines.diagnose(error)
                name = self._header[column] if column < len(self._header) else None
                self._faults.add(line, name, reason)
                if not goes_on:
                    return
                continue
            yield line, [value.strip(" \t") for value in row]

    def _read_header(self, rows: Iterator[tuple[int, list[str]]]) -> None:
        line, header = next(rows, (1, None))
        if self._faults.total:
            self._faults.fail()
        if header is None:
            raise DataError(f"{self._path}: the file is empty; expected a header line and rows")
        if not header:
            raise DataError(
                f"{self._path}: line {line} is blank; expected the names of the columns"
            )
        self._header = header
        self._is_sound(line, header)
        seen: set[str] = set()
        for name in header:
            if name in seen:
                self._faults.add(line, name, "the name stands twice in the header; rename one")
            seen.add(name)
        if self._faults.total:
            self._faults.fail()

    def _locate(self, names: Sequence[str]) -> list[tuple[int, str]]:
        places = {name: place for place, name in enumerate(self._header)}
        unknown = [name for name in names if name not in places]
        if not unknown:
            return [(places[name], name) for name in names]
        pool = [name for name in self._header if len(name) <= SUGGESTION_LENGTH][:SUGGESTION_POOL]
        spellings = {name.casefold(): name for name in pool}
        wishes = []
        for name in unknown:
            near = difflib.get_close_matches(name[:SUGGESTION_LENGTH].casefold(), spellings, n=1)
            hint = f" (did you mean {shown(spellings[near[0]])}?)" if near else ""
            wishes.append(shown(name) + hint)
        columns = listing(map(shown, self._header), len(self._header))
        hint = ""
        if len(self._header) == 1:  # a file of one column has no separator, or another one
            hint = f" ({', '.join(SEPARATOR_NAMES.values())} separate columns, and nothing else)"
        raise DataError(
            f"{self._path}: line 1: no column {listing(wishes, len(wishes))};"
            f" the columns are {columns}{hint}"
        )

    def _is_sound(self, line: int, row: list[str]) -> bool:
        """Report what is wrong with a row whatever its columns mean."""
        before = self._faults.total
        header = self._header
        if _BAD_CHARACTER.search("".join(row)):
            for place, value in enumerate(row):
                if match := _BAD_CHARACTER.search(value):
                    found = f"byte 0x{ord(match[0]) & 0xFF:02x}"
                    reason = "a NUL byte" if match[0] == "\0" else f"{found} is not UTF-8"
                    name = header[place] if place < len(header) else None
                    self._faults.add(line, name, f"{reason}; save the file as UTF-8 text")
        if len(row) < len(header):
            reason = f"no value: the row has {len(row)} fields, the header has {len(header)}"
            self._faults.add(line, header[len(row)], reason)
        elif len(row) > len(header):
            reason = f"the row has {len(row)} fields, the header has {len(header)}"
            self._faults.add(line, header[-1], f"more values follow it: {reason}")
        return self._faults.total == before

    def _take(
        self,
        line: int,
        row: list[str],
        wanted: list[tuple[int, str]],
        *,
        has_label: bool,
        drop: bool,
    ) -> None:
        """Convert the wanted values of a sound row; keep it, drop it or report its faults."""
        body, before = self._body, self._faults.total
        absent = [name for place, name in wanted if row[place] in MISSING] if drop else []
        values: list[float] = []
        label = ""
        for order, (place, name) in enumerate(wanted):
            if name in absent:
                continue
            try:
                if has_label and order == len(wanted) - 1:
                    label = _parse_label(row[place])
                else:
                    values.append(parse_number(row[place]))
            except ValueError as error:
                self._faults.add(line, name, str(error))
        if absent:
            names = ", ".join(map(shown, absent))
            body.dropped.append(Dropped(line, f"missing value in column {names}"))
        elif self._faults.total == before:
            body.values.extend(values)
            body.lines.append(line)
            if has_label:
                body.labels.append(label)
