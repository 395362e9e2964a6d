"""Batches and parts of samples, which are read from where they lie when they are due."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from copy import copy
from importlib import import_module
from itertools import islice
from typing import Any

import numpy as np

from tinygrad_bp.data.tables import holdout_split
from tinygrad_bp.elsewhere.calls import answers
from tinygrad_bp.errors import DataError

Seed = int | np.random.Generator | None


class Batches:
    """What `batches` returns: each iteration over it is an epoch.

    Attributes
    ----------
    size : int
        Samples of a batch.
    rng : numpy.random.Generator or None
        Where the order of the next epoch is drawn from.
    """

    _read = True

    def __init__(
        self, columns: Sequence[Any], form: type | None, size: int, rng: Any, *, drop_last: bool
    ) -> None:
        self._columns, self._form, self._drop_last = columns, form, drop_last
        self.size, self.rng = size, rng

    def unread(self) -> Batches:
        """Return the same batches, whose arrays read those rows alone that are asked for."""
        other = copy(self)
        other._read = False
        return other

    @property
    def rows(self) -> int:
        """How many samples there are."""
        return len(self._columns[0])

    def __len__(self) -> int:
        whole, rest = divmod(self.rows, self.size)
        return whole + (rest > 0 and not self._drop_last)

    def __iter__(self) -> Iterator[Any]:
        order = None if self.rng is None else self.rng.permutation(self.rows)
        for number in range(len(self)):
            place = slice(number * self.size, min((number + 1) * self.size, self.rows))
            rows = place if order is None else order[place]
            if self._read:
                yield self._built(_loaded([_taken(column, rows) for column in self._columns]))
            else:
                places = range(self.rows)[place] if order is None else rows
                yield self._built([Rows(column, places) for column in self._columns])

    def _built(self, parts: list[Any]) -> Any:
        """Return the parts of a batch as X, or as (X, y), of which X may be a tuple."""
        if self._form is None:
            return parts[0]
        *inputs, target = parts
        return (tuple(inputs) if self._form is tuple else inputs[0]), target

    def __repr__(self) -> str:
        order = "in order" if self.rng is None else "shuffled"
        return f"Batches({self.rows} samples, {len(self)} batches of {self.size}, {order})"


class Stream:
    """What `batches` returns of an iterable: samples are gathered as they come."""

    rng = None

    def __init__(self, samples: Iterable[Any], size: int, *, drop_last: bool) -> None:
        self._samples, self._drop_last, self._begun = samples, drop_last, False
        self.size = size

    def __iter__(self) -> Iterator[Any]:
        samples = iter(self._samples)
        if self._begun and samples is self._samples:
            raise DataError(
                "batches: the iterator is used up; for a second epoch pass what can be iterated"
                " anew: a list, or an object whose __iter__ opens the source"
            )
        self._begun = True
        while gathered := list(islice(samples, self.size)):
            if len(gathered) < self.size and self._drop_last:
                return
            if isinstance(gathered[0], tuple):
                yield tuple(np.stack(column) for column in zip(*gathered, strict=True))
            else:
                yield np.stack(gathered)


@answers
def batches(
    X: Any,
    y: Any = None,
    size: int = 32,
    *,
    rng: Seed = None,
    shuffle: bool = False,
    drop_last: bool = False,
) -> Batches | Stream:
    """Return samples in batches; iterate over it once for each epoch.

    Parameters
    ----------
    X : array, tuple of arrays, or iterable of samples
        Anything with a shape whose rows can be sliced and indexed: NumPy arrays, memory-mapped
        arrays, Dask arrays, HDF5 datasets; of these a batch reads its own rows and no others.  A
        tuple holds the arrays of several inputs.  Of an iterable, samples are gathered as they
        come; each may be a pair (x, y).
    y : array, optional
        Targets, a row for each of X.
    size : int, default 32
        Samples of a batch; the last one may have fewer.
    rng : numpy.random.Generator or int, optional
        Where the order comes from; it moves on with each epoch.
    shuffle : bool, default False
        Draw a new order for each epoch; not of an iterable, which has but one.
    drop_last : bool, default False
        Leave out a last batch that has fewer samples.

    Returns
    -------
    iterable of array, or of (X, y)
        NumPy arrays.  It has a length, the number of batches, where that is known.

    Raises
    ------
    DataError
        If there is no sample, X and y have not the same number, or an iterable is to be shuffled.

    Examples
    --------
    >>> import numpy as np
    >>> from tinygrad_bp.data import batches
    >>> [(X.shape, y.tolist()) for X, y in batches(np.ones((5, 2)), np.arange(5), 2)]
    [((2, 2), [0, 1]), ((2, 2), [2, 3]), ((1, 2), [4])]
    """
    if not (isinstance(size, int | np.integer) and size >= 1):
        raise ValueError(f"batches: size={size!r}; expected an integer of 1 or more")
    generator = np.random.default_rng(rng) if shuffle else None
    if not _is_array(X) and not isinstance(X, (list, tuple)):
        if shuffle:
            raise DataError("batches: an iterable has one order; shuffle=True needs arrays")
        samples = X if y is None else _Pairs(X, y)
        return Stream(samples, int(size), drop_last=drop_last)
    columns, form = columns_of("batches", X, y)
    return Batches(columns, form, int(size), generator, drop_last=drop_last)


@answers
def split(
    X: Any, y: Any = None, fraction: float = 0.2, *, rng: Seed = None, by_class: bool = False
) -> tuple[Any, Any]:
    """Divide samples at random into two parts: to train on, and to hold out.

    Parameters
    ----------
    X : array, or tuple of arrays
        As `batches` takes them.  What is not a plain array in memory is not read: a part of it
        knows its rows, and reads them when it is asked for them.
    y : array, optional
        Targets, a row for each of X.
    fraction : float, default 0.2
        Share to hold out, above 0 and below 1; at least one row is on either side.
    rng : numpy.random.Generator or int, optional
    by_class : bool, default False
        Hold out the same share of each class in `y`.

    Returns
    -------
    train, held : array, or (X, y)
        In the order in which they were.

    Raises
    ------
    DataError
        If there are fewer than two rows, X and y have not the same number, or a class has but one.

    Examples
    --------
    >>> import numpy as np
    >>> from tinygrad_bp.data import split
    >>> (X, y), (X_held, y_held) = split(np.arange(10.0)[:, None], np.arange(10), 0.3, rng=0)
    >>> y.tolist(), y_held.tolist()
    ([0, 1, 3, 5, 7, 8, 9], [2, 4, 6])
    """
    columns, form = columns_of("split", X, y)
    rows = len(columns[0])
    if rows < 2 or not 0.0 < fraction < 1.0:
        raise DataError(
            f"split: {rows} rows, fraction={fraction!r}; expected 2 rows or more, and a fraction"
            " above 0 and below 1"
        )
    generator = np.random.default_rng(rng)
    if by_class:
        parts = holdout_split(np.asarray(y), fraction, generator)
    else:
        held = min(max(round(fraction * rows), 1), rows - 1)
        order = generator.permutation(rows)
        parts = np.sort(order[held:]), np.sort(order[:held])
    whole = Batches(columns, form, rows, None, drop_last=False)
    train, kept_back = (whole._built([_part(column, part) for column in columns]) for part in parts)
    return train, kept_back


def columns_of(caller: str, X: Any, y: Any) -> tuple[list[Any], type | None]:
    """Return the arrays of samples, the targets last, and the type of X; None if it is alone.

    Raises
    ------
    DataError
        If there is no row, or not the same number in each.
    """
    if isinstance(X, tuple) and y is None:
        raise DataError(f"{caller}: several inputs need a target: pass y")
    inputs = list(X) if isinstance(X, tuple) else [X]
    columns = [
        one if _is_array(one) else np.asarray(one)
        for one in (inputs if y is None else [*inputs, y])
    ]
    counts = [column.shape[0] if column.ndim else -1 for column in columns]
    if len(set(counts)) > 1 or counts[0] < 1:
        shapes = ", ".join(str(tuple(column.shape)) for column in columns)
        raise DataError(f"{caller}: shapes {shapes}; expected the same number of rows, 1 or more")
    return columns, None if y is None else type(X)


class _Pairs:
    """Samples and targets of two iterables, side by side."""

    def __init__(self, X: Iterable[Any], y: Iterable[Any]) -> None:
        self._X, self._y = X, y

    def __iter__(self) -> Iterator[Any]:
        return zip(self._X, self._y, strict=True)


class Rows:
    """Some rows of an array that is not in memory; it reads those that are asked for."""

    def __init__(self, source: Any, places: Any) -> None:
        self._source, self._places = source, places
        self.shape, self.dtype = (len(places), *source.shape[1:]), source.dtype
        self.ndim = len(self.shape)

    def __len__(self) -> int:
        return len(self._places)

    def __getitem__(self, rows: Any) -> Any:
        places = self._places[rows]
        if isinstance(places, range):
            places = slice(places.start, places.stop, places.step)
        return _taken(self._source, places)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        return np.array(self[:], dtype=dtype, copy=copy)


def _is_array(X: Any) -> bool:
    return hasattr(X, "shape") and hasattr(X, "__getitem__")


def _is_plain(column: Any) -> bool:
    return isinstance(column, np.ndarray) and not isinstance(column, np.memmap)


def _part(column: Any, places: Any) -> Any:
    lazy = hasattr(column, "__dask_graph__")
    return column[places] if lazy or _is_plain(column) else Rows(column, places)


def _taken(column: Any, rows: Any) -> Any:
    """Return rows of an array, of one on a disk in the order in which they lie there."""
    if isinstance(rows, slice) or _is_plain(column) or np.ndim(rows) != 1:
        return column[rows]
    order = np.argsort(rows, kind="stable")
    back = np.empty_like(order)
    back[order] = np.arange(len(order))
    return column[rows[order]][back]


def _loaded(parts: list[Any]) -> list[Any]:
    """Return the parts of a batch as NumPy arrays; what is lazy is computed together."""
    if any(hasattr(part, "__dask_graph__") for part in parts):
        parts = list(import_module("dask").compute(*parts))  # there: it has made these arrays
    return [np.asarray(part) for part in parts]
