"""`History`: the numbers of each epoch, by name."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from tinygrad_bp.errors import DataError
from tinygrad_bp.files.atomic import FilePath, atomic_write_text
from tinygrad_bp.nn.state import State


class History(Mapping[str, list[float]]):
    """The numbers of each epoch of a training: ``history["loss"]`` is a list of them.

    ``rows`` has a dict of them for each epoch, which is there with all of its numbers or not at
    all; ``stopped`` says why the training ended before its last epoch, if it did.

    Examples
    --------
    >>> history = History()
    >>> history.append({"loss": 0.7})
    >>> history.append({"loss": 0.5, "validation_loss": 0.6})
    >>> history["loss"], history["validation_loss"], history.best("loss")
    ([0.7, 0.5], [nan, 0.6], 2)
    >>> print(history.to_csv(), end="")
    epoch,loss,validation_loss
    1,0.7,
    2,0.5,0.6
    """

    def __init__(self) -> None:
        self.rows: list[dict[str, float]] = []
        self.stopped: str | None = None

    @property
    def epochs(self) -> int:
        """How many epochs there have been."""
        return len(self.rows)

    def append(self, row: Mapping[str, float]) -> None:
        """Add the numbers of an epoch.

        Parameters
        ----------
        row : mapping of str to float
        """
        self.rows.append({name: float(value) for name, value in row.items()})

    def best(self, name: str, *, highest: bool = False) -> int:
        """Return the epoch, counted from 1, in which a number was lowest; NaN is passed over.

        Parameters
        ----------
        name : str
        highest : bool, default False
            Where it was highest instead.

        Returns
        -------
        int

        Raises
        ------
        DataError
            If it was a number in no epoch.
        """
        values = np.array(self[name])
        if np.isnan(values).all():
            raise DataError(f"history: {name!r} is NaN in each of {len(values)} epochs")
        return int(np.nanargmax(values) if highest else np.nanargmin(values)) + 1

    def __getitem__(self, name: str) -> list[float]:
        if name not in self._names():
            raise KeyError(f"{name!r}: the history has {', '.join(self._names()) or 'no epoch'}")
        return [row.get(name, math.nan) for row in self.rows]

    def __iter__(self) -> Iterator[str]:
        return iter(self._names())

    def __len__(self) -> int:
        return len(self._names())

    def __repr__(self) -> str:
        last = ", ".join(f"{name}={value:.4g}" for name, value in (self.rows or [{}])[-1].items())
        return f"History({self.epochs} epochs{': ' if last else ''}{last})"

    def _names(self) -> dict[str, None]:
        return {name: None for row in self.rows for name in row}

    def to_csv(self, path: FilePath | None = None) -> str:
        """Return the numbers as CSV with a header line, and write them to a file if one is named.

        Parameters
        ----------
        path : str or path-like, optional
            Replaced whole or not at all.

        Returns
        -------
        str
            Floats with all their digits; nothing for NaN.
        """
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\n")
        names = list(self._names())
        writer.writerow(["epoch", *names])
        for number, row in enumerate(self.rows, 1):
            values = [row.get(name, math.nan) for name in names]
            writer.writerow([number, *("" if math.isnan(v) else repr(v) for v in values)])
        if path is not None:
            atomic_write_text(path, out.getvalue())
        return out.getvalue()

    def plot(self, path: FilePath | None = None, *, names: list[str] | None = None) -> Any:
        """Draw numbers by epoch; needs Matplotlib, of the extra ``[cli]``.

        Parameters
        ----------
        path : str or path-like, optional
            An SVG file to write; replaced whole or not at all.
        names : list of str, optional
            What to draw; all if not given.

        Returns
        -------
        matplotlib.figure.Figure
        """
        from tinygrad_bp.training.curves import drawn, svg_text

        chosen = list(self) if names is None else names
        figure = drawn({name: self[name] for name in chosen})
        if path is not None:
            atomic_write_text(path, svg_text(figure))
        return figure

    def state(self) -> State:
        """Return the numbers as arrays, as `load_state` takes them.

        Returns
        -------
        dict of str to array
        """
        return {name: np.array(self[name]) for name in self}

    def load_state(self, state: Mapping[str, Any]) -> None:
        """Take the numbers that `state` returned, in place of what there is.

        Parameters
        ----------
        state : mapping of str to array
        """
        columns = [np.asarray(values, float).tolist() for values in state.values()]
        self.rows = [
            {n: value for n, value in zip(state, values, strict=True) if not math.isnan(value)}
            for values in zip(*columns, strict=True)
        ]
