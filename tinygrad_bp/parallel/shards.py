"""`Shards`: rows in a fixed number of parts, whose results are added up in a fixed tree."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from tinygrad_bp.elsewhere.calls import answers
from tinygrad_bp.errors import ShapeError
from tinygrad_bp.parallel.sums import Sums


def bounds(rows: int, shards: int) -> list[tuple[int, int]]:
    """Return where each shard begins and ends; the first ones have a row more than the last.

    Parameters
    ----------
    rows, shards : int

    Returns
    -------
    list of (int, int)
        Of fewer rows than shards, the first shards have one each, and the others none.
    """
    each, more = divmod(rows, shards)
    starts = [number * each + min(number, more) for number in range(shards + 1)]
    return list(pairwise(starts))


def additions(shards: int) -> Iterator[tuple[int, int, int]]:
    """Yield (level, left, right): right is added to left; in the end 0 has the sum of all.

    The pairs depend on the number of shards and on nothing else, and so do the bits of the sum:
    floating-point addition is not associative.

    Parameters
    ----------
    shards : int
    """
    level, stride = 0, 1
    while stride < shards:
        for left in range(0, shards - stride, 2 * stride):
            yield level, left, left + stride
        level, stride = level + 1, 2 * stride


class Shards:
    """Computes means over rows, shard after shard, in this process.

    `Ranks` and `Cluster` give the same bits, by more processes.

    Parameters
    ----------
    shards : int, default 8
        Into how many parts the rows of a batch are divided.  Another number gives other last bits.

    Attributes
    ----------
    first : bool
        Whether this process is the one that shows progress and writes files.
    size : int
        How many processes run this script together.
    place : str
        Where in its work it is, for messages.

    Examples
    --------
    >>> import numpy as np
    >>> from tinygrad_bp.parallel import Shards
    >>> X = np.arange(10.0)
    >>> Shards(4).mean(lambda part: {"x": np.mean(part), "square": np.mean(part**2)}, X)
    {'x': np.float64(4.5), 'square': np.float64(28.5)}
    """

    first, size = True, 1

    @answers
    def __init__(self, shards: int = 8) -> None:
        if not (isinstance(shards, int | np.integer) and shards >= 1):
            raise ValueError(
                f"{type(self).__name__}: shards={shards!r}; expected an integer of 1 or more"
            )
        self.shards = int(shards)
        self.place = self._stage = ""
        self._steps = self._calls = 0

    def mean(self, function: Callable[..., Any], *columns: Any, like: Any = None) -> Any:
        """Return the mean over the rows of what a function returns of parts of them.

        Parameters
        ----------
        function : callable
            Called with a shard of each of the columns; returns means over its rows: numbers and
            arrays, in dicts, lists and tuples.  For instance ``tg.value_and_grad`` of a loss, also
            compiled.
        *columns : array
            With the same number of rows each; also memory-mapped arrays and Dask arrays, of which a
            process reads its own shards.
        like : nested value, optional
            Of the form that the function returns: for ranks that have no row, where there are
            fewer rows than shards.

        Returns
        -------
        nested value
            Of arrays.

        Raises
        ------
        ShapeError
            If the columns differ in their rows, or have none.
        """
        rows = rows_of(columns)
        self._calls += 1
        self._steps += 1
        self._stand(f"{self._stage}step {self._steps}")
        places = bounds(rows, self.shards)
        total = self._total(function, columns, places, like)
        return total.mean(rows)

    def begin(self, stage: str) -> None:
        """Count steps anew, for messages.

        Parameters
        ----------
        stage : str
            What begins: an epoch.
        """
        self._stage, self._steps = f"{stage}, ", 0
        self._stand(stage)

    def agree(self, what: Mapping[str, bytes]) -> None:
        """Check that every rank has the same bytes; one process has.

        Parameters
        ----------
        what : mapping of str to bytes
            By a name for the message.
        """

    def note(self, error: BaseException) -> None:
        """Let an error say in which rank it was raised; there is one.

        Parameters
        ----------
        error : exception
        """

    def _stand(self, place: str) -> None:
        self.place = place

    def _total(
        self,
        function: Callable[..., Any],
        columns: Sequence[Any],
        places: Sequence[tuple[int, int]],
        like: Any,  # noqa: ARG002  # of a process that has no row
    ) -> Sums:
        sums = {
            number: shard(function, columns, place)
            for number, place in enumerate(places)
            if place[0] < place[1]
        }
        for _, left, right in additions(self.shards):
            if right in sums:
                sums[left].add(sums.pop(right))
        return sums[0]


def shard(function: Callable[..., Any], columns: Sequence[Any], place: tuple[int, int]) -> Sums:
    """Return what a function gives for the rows of a place, times their number.

    Parameters
    ----------
    function : callable
    columns : sequence of array
    place : (int, int)

    Returns
    -------
    Sums
    """
    start, end = place
    return computed(function, [column[start:end] for column in columns])


def computed(function: Callable[..., Any], parts: Sequence[Any]) -> Sums:
    """Return what a function gives for the parts of columns, times their rows.

    Parameters
    ----------
    function : callable
    parts : sequence of array
        Each is brought into NumPy's usual order: in another one, sums have other last bits.

    Returns
    -------
    Sums
    """
    arrays = [np.ascontiguousarray(part) for part in parts]
    return Sums.of(function(*arrays), len(arrays[0]))


def rows_of(columns: Sequence[Any]) -> int:
    """Return how many rows columns have.

    Parameters
    ----------
    columns : sequence of array

    Returns
    -------
    int

    Raises
    ------
    ShapeError
        If they differ, or there is none.
    """
    counts = {len(column) for column in columns}
    if len(counts) != 1 or 0 in counts:
        raise ShapeError(
            f"mean: columns of {', '.join(str(len(one)) for one in columns) or 'no'} rows; expected"
            " the same number in each, 1 or more"
        )
    return counts.pop()
