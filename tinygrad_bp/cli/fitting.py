"""One training: the split, the network epoch by epoch, and the two models it has to beat."""

from __future__ import annotations

import time
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinygrad_bp.classifier import SigmoidClassifier, SigmoidRegressor
from tinygrad_bp.cli.console import Console
from tinygrad_bp.cli.interrupts import Interrupts
from tinygrad_bp.cli.progress import Update, progress
from tinygrad_bp.cli.scores import ClassJudge, NumberJudge, Score, judge_of
from tinygrad_bp.data import Table, holdout_split
from tinygrad_bp.errors import DataError
from tinygrad_bp.training import Observe

HELDOUT = 0.25  # share of each class that training never sees
LEAST_HELD = 3  # rows; of fewer the score is chance, and all rows are to learn from
# The generators draw from the seed itself; the split must not repeat their numbers.
SPLIT_STREAM = 1

Rows = NDArray[np.int64]
Model = SigmoidClassifier | SigmoidRegressor


@dataclass(frozen=True)
class Epoch:
    """The loss after one epoch: of the training, the validation and the held-out part."""

    number: int
    train_loss: float
    validation_loss: float | None
    heldout_loss: float | None

    @property
    def watched_loss(self) -> float:
        """The loss whose lowest value chooses the weights."""
        return self.train_loss if self.validation_loss is None else self.validation_loss


@dataclass(frozen=True)
class Scores:
    """One model on both parts of the data; None where nothing is held out."""

    train: Score
    heldout: Score | None

    @property
    def best(self) -> Score:
        """The score that says most."""
        return self.train if self.heldout is None else self.heldout


@dataclass(frozen=True)
class Parts:
    """A table, and which of its rows are to train on, and which are held out."""

    table: Table
    train: Rows
    heldout: Rows

    def scores(self, outputs: Any) -> Scores:
        """Judge what a model says of all rows."""
        judge = judge_of(self.table)
        first, *second = (
            judge.score(outputs[rows], self.table.y[rows])
            for rows in (self.train, self.heldout)
            if len(rows)
        )
        return Scores(first, second[0] if second else None)


@dataclass(frozen=True)
class Run:
    """A finished or interrupted training, and all there is to say about it.

    Attributes
    ----------
    table : Table
    seed : int
    train_rows, heldout_rows : ndarray of int64
        Which samples of the table are in which part; early stopping divides the training part.
    model : SigmoidClassifier or SigmoidRegressor
        Fitted.
    judge : ClassJudge or NumberJudge
    epochs : tuple of Epoch
        Of the start that was kept.
    seconds : float
        Wall time of the training of the network, restarts included.
    network, simple, constant : Scores
        The network, the same without hidden layers, and what looks at no feature: the shares of the
        classes in the training part, or the mean.  `simple` is None where an interrupt left no time
        for it.
    confusion : ndarray of int64, shape (k, k), or None of numbers
        Held-out samples, or else the training samples, by true class (row) and predicted class
        (column).
    interrupted : bool
        Whether Ctrl-C ended a training.
    """

    table: Table
    seed: int
    train_rows: Rows
    heldout_rows: Rows
    model: Model
    judge: ClassJudge | NumberJudge
    epochs: tuple[Epoch, ...]
    seconds: float
    network: Scores
    simple: Scores | None
    constant: Scores
    confusion: NDArray[np.int64] | None
    interrupted: bool

    @property
    def sizes(self) -> tuple[int, ...]:
        """Units of each layer, inputs first: (2, 5, 5, 1)."""
        return sizes_of(self.table, self.model.hidden)

    @cached_property
    def best(self) -> Epoch:
        """The epoch whose weights were kept."""
        return min(self.epochs, key=lambda epoch: epoch.watched_loss)


class History:
    """Listens to a training: measures the held-out loss, and passes the losses on."""

    def __init__(
        self,
        judge: ClassJudge | NumberJudge,
        X: NDArray[np.float64],
        y: NDArray[np.float64],
        update: Update,
        interrupts: Interrupts,
    ) -> None:
        self._judge, self._X, self._y = judge, X, y
        self._update, self._interrupts = update, interrupts
        self._starts: dict[int, list[Epoch]] = {}

    def __call__(
        self, epoch: int, train_loss: float, validation_loss: float | None, model: Model
    ) -> None:
        """Take the news of one epoch, as `SigmoidClassifier.fit` gives them."""
        self._interrupts.at_once = False  # an epoch that has its weights has its news too
        news = self._epoch(epoch, train_loss, validation_loss, model)
        self._starts.setdefault(model.start_, []).append(news)
        self._update(epoch, news.train_loss, news.heldout_loss)
        self._interrupts.check()
        self._interrupts.at_once = True

    def of(self, model: Model) -> tuple[Epoch, ...]:
        """Return the epochs of the start that `model` kept, none if none was reported."""
        told = self._starts.get(model.start_, [])
        losses, validation = model.loss_curve_, model.validation_curve_
        watched = validation or losses
        # stopped between the best weights and their news: they are in force, and can be judged
        if len(told) < len(watched) and int(np.argmin(watched)) == len(told):
            loss = validation[-1] if validation else None
            told = [*told, self._epoch(len(told) + 1, losses[-1], loss, model)]
        return tuple(told)

    def _epoch(self, number: int, train: float, validation: float | None, model: Model) -> Epoch:
        judge, heldout = self._judge, None
        if len(self._X):
            heldout = judge.loss(judge.outputs(model, self._X), self._y)
        watched = None if validation is None else judge.of_curve(validation, model)
        return Epoch(number, judge.of_curve(train, model), watched, heldout)


def sizes_of(table: Table, hidden: Sequence[int]) -> tuple[int, ...]:
    """Return the units of each layer of the network for a table, inputs first."""
    classes = len(table.class_names)
    return (table.X.shape[1], *hidden, classes if classes > 2 else 1)


def divided(table: Table, seed: int) -> tuple[Rows, Rows]:
    """Return the rows to train on and those to hold out, which are none of a table too small.

    Raises
    ------
    DataError
        If a class has too few rows to be on both sides.
    """
    rows, rng = len(table.y), np.random.default_rng((seed, SPLIT_STREAM))
    if HELDOUT * rows < LEAST_HELD:
        return np.arange(rows), np.arange(0)
    if table.class_names:
        _check_classes(table)
        return holdout_split(table.y, HELDOUT, rng)
    order = rng.permutation(rows)
    held = round(HELDOUT * rows)
    return np.sort(order[held:]), np.sort(order[:held])


def fit(
    table: Table,
    settings: Mapping[str, Any],
    seed: int,
    console: Console,
    interrupts: Interrupts | None = None,
    *,
    observed: bool = False,
) -> Run:
    """Train the network on three quarters of a table and judge it on the rest.

    Parameters
    ----------
    table : Table
    settings : mapping
        Arguments of `SigmoidClassifier` or `SigmoidRegressor`.
    seed : int
        Fixes the split and the training.
    console : Console
        Shows the progress.
    interrupts : Interrupts, optional
        Asked after each epoch whether to stop.
    observed : bool, default False
        Whether to look at the training for its report.

    Returns
    -------
    Run

    Raises
    ------
    DataError
        If a class has too few rows.
    KeyboardInterrupt
        If the user stops the training before there is a model.
    """
    interrupts = interrupts or Interrupts()
    settings = {**settings, "random_state": seed}
    train, heldout = divided(table, seed)
    parts, judge = Parts(table, train, heldout), judge_of(table)
    begin = time.perf_counter()
    watching = [Observe()] if observed else []
    model, epochs, interrupted = _network(parts, settings, console, interrupts, watching)
    seconds = time.perf_counter() - begin
    simple = None if interrupted else _simple(parts, settings, interrupts)
    judged = heldout if len(heldout) else train
    confusion = None
    if isinstance(judge, ClassJudge):
        confusion = judge.confusion(judge.outputs(model, table.X[judged]), table.y[judged])
    return Run(
        table=table,
        seed=seed,
        train_rows=train,
        heldout_rows=heldout,
        model=model,
        judge=judge,
        epochs=epochs,
        seconds=seconds,
        network=parts.scores(judge.outputs(model, table.X)),
        simple=simple,
        constant=parts.scores(judge.constant_outputs(table.y[train], len(table.y))),
        confusion=confusion,
        interrupted=simple is None,
    )


def new_model(table: Table, settings: Mapping[str, Any]) -> Model:
    """Return the unfitted model for a table's targets."""
    return SigmoidClassifier(**settings) if table.class_names else SigmoidRegressor(**settings)


def _network(
    parts: Parts,
    settings: Mapping[str, Any],
    console: Console,
    interrupts: Interrupts,
    watching: Sequence[Observe],
) -> tuple[Model, tuple[Epoch, ...], bool]:
    """Train the network; tell its epochs, and whether it was interrupted."""
    table, train, heldout = parts.table, parts.train, parts.heldout
    model = new_model(table, settings)
    interrupted = False
    with progress(console, model.max_epochs) as update, _told_by_the_report():
        history = History(judge_of(table), table.X[heldout], table.y[heldout], update, interrupts)
        try:
            interrupts.at_once = True
            model.fit(table.X[train], table.y[train], on_epoch=history, callbacks=watching)
            interrupts.at_once = False
        except KeyboardInterrupt:
            interrupted = True
    epochs = history.of(model) if hasattr(model, "network_") else ()
    if not epochs:
        raise KeyboardInterrupt
    return model, epochs, interrupted


def _check_classes(table: Table) -> None:
    for label, name in enumerate(table.class_names):
        count = int(np.count_nonzero(table.y == label))
        if count < 2:
            rows = "1 row" if count == 1 else f"{count} rows"
            raise DataError(
                f"{table.source or table.name}: class {name!r:.60} has {rows};"
                " expected at least 2 of each class: one to train on and one to hold out"
                " (--target, not --label, is for a column of numbers to predict)"
            )


@contextmanager
def _told_by_the_report() -> Iterator[None]:
    """Keep quiet of what the report says in its place: no validation part, no native code."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="fit: .* too few to hold")
        warnings.filterwarnings("ignore", message="compile: .* no native code")
        yield


def _simple(parts: Parts, settings: Mapping[str, Any], interrupts: Interrupts) -> Scores | None:
    """Train in the same way without hidden layers; None if interrupted."""
    table, train = parts.table, parts.train
    model = new_model(table, {**settings, "hidden": ()})
    try:
        with _told_by_the_report():
            interrupts.at_once = True
            model.fit(table.X[train], table.y[train], on_epoch=lambda *_: interrupts.check())
            interrupts.at_once = False
    except KeyboardInterrupt:
        return None
    return parts.scores(judge_of(table).outputs(model, table.X))
