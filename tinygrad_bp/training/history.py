"""`History`: the numbers of each epoch, by name."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import repeat
from typing import Any

import numpy as np

from tinygrad_bp.elsewhere.calls import answers
from tinygrad_bp.errors import DataError
from tinygrad_bp.files.atomic import FilePath, atomic_write_text
from tinygrad_bp.nn.state import State
from tinygrad_bp.training.observed import Observed


class History(Mapping[str, list[float]]):
    """The numbers of each epoch of a training: ``history["loss"]`` is a list of them.

    An epoch is there with all of its numbers or not at all, whenever Ctrl-C comes.  ``stopped``
    says why the training ended before its last epoch, if it did; ``kept`` is the epoch of the
    weights that the model was given back, None where these are the last; ``observed`` holds what
    `Observe` saw; ``backend`` is what ran the steps of the latest epoch, "eager" or "native".

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

    @answers
    def __init__(self) -> None:
        self._columns: dict[str, list[float]] = {}
        self.stopped: str | None = None
        self.kept: int | None = None
        self.observed: Observed | None = None
        self.backend = "eager"

    @property
    def epochs(self) -> int:
        """How many epochs there have been."""
        return len(next(iter(self._columns.values()), ()))

    def append(self, row: Mapping[str, float]) -> None:
        """Add the numbers of an epoch.

        Parameters
        ----------
        row : mapping of str to float
        """
        for name in row:
            if name not in self._columns:
                self._columns[name] = [math.nan] * self.epochs
        values = [float(row.get(name, math.nan)) for name in self._columns]
        self.kept = None  # the weights have moved on
        any(map(list.append, self._columns.values(), values))  # in C, between two bytecodes

    def cut(self, epochs: int) -> None:
        """Forget what came after the first epochs.

        Parameters
        ----------
        epochs : int
            How many to keep.
        """
        any(map(list.__delitem__, self._columns.values(), repeat(slice(epochs, None))))
        if self.observed is not None:
            self.observed.cut(epochs)

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
        if name not in self._columns:
            known = ", ".join(self._columns) or "no epoch"
            raise KeyError(f"{name!r}: the history has {known}")
        return self._columns[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._columns)

    def __len__(self) -> int:
        return len(self._columns)

    def __repr__(self) -> str:
        last = ", ".join(f"{name}={values[-1]:.4g}" for name, values in self._columns.items())
        return f"History({self.epochs} epochs{': ' if last else ''}{last})"

    def _repr_html_(self) -> str:
        from tinygrad_bp.view.formats.notebook import history_html  # which only a notebook needs

        stopped = f", stopped: {self.stopped}" if self.stopped else ""
        return history_html(self, f"History of {self.epochs} epochs{stopped}")

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
        writer.writerow(["epoch", *self])
        for number, values in enumerate(zip(*self.values(), strict=True), 1):
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

    def report(
        self,
        path: FilePath | None = None,
        *,
        title: str = "Training report",
        features: Sequence[str] = (),
        classes: Sequence[str] = (),
    ) -> str:
        """Return the training as one page to look at, and write it to a file if one is named.

        The page needs no network.  It shows the numbers of this history; gradients, steps,
        activations, weights, the boundary between two features and what is wrong with these are on
        it if the training was observed: ``fit(..., callbacks=[tg.training.Observe()])``.

        Parameters
        ----------
        path : str or path-like, optional
            An HTML file; replaced whole or not at all.
        title : str
        features : sequence of str, optional
            What the two inputs are called, where there are two.
        classes : sequence of str, optional
            What the classes are called, in the order of their numbers.

        Returns
        -------
        str
            At most 500 KB of HTML.

        Raises
        ------
        DataError
            If there has been no epoch.
        """
        from tinygrad_bp.training.report import page

        text = page(
            self,
            self.observed,
            kept=self.kept,
            stopped=self.stopped,
            title=title,
            features=features,
            classes=classes,
        )
        if path is not None:
            atomic_write_text(path, text)
        return text

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
        self._columns = {name: np.array(values, float).tolist() for name, values in state.items()}
