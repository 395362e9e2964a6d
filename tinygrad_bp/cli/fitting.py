"""One training: the split, the network epoch by epoch, and the two models it has to beat."""

from __future__ import annotations

import time
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinygrad_bp.classifier import SigmoidClassifier
from tinygrad_bp.cli.console import Console
from tinygrad_bp.cli.interrupts import Interrupts
from tinygrad_bp.cli.progress import Update, progress
from tinygrad_bp.cli.scores import Score, confusion_matrix, constant_score, log_loss, score
from tinygrad_bp.data import Table, holdout_split
from tinygrad_bp.errors import DataError

HELDOUT = 0.25  # share of each class that training never sees
# The generators draw from the seed itself; the split must not repeat their numbers.
SPLIT_STREAM = 1

Rows = NDArray[np.int64]


@dataclass(frozen=True)
class Epoch:
    """Log-loss in nats after one epoch: of the training, the validation and the held-out part."""

    number: int
    train_loss: float
    validation_loss: float | None
    heldout_loss: float

    @property
    def watched_loss(self) -> float:
        """The loss whose lowest value chooses the weights."""
        return self.train_loss if self.validation_loss is None else self.validation_loss


@dataclass(frozen=True)
class Scores:
    """One model on both parts of the data."""

    train: Score
    heldout: Score


@dataclass(frozen=True)
class Run:
    """A finished or interrupted training, and all there is to say about it.

    Attributes
    ----------
    table : Table
    seed : int
    train_rows, heldout_rows : ndarray of int64
        Which samples of the table are in which part; early stopping divides the training part.
    classifier : SigmoidClassifier
        Fitted.
    epochs : tuple of Epoch
        Of the start that was kept.
    seconds : float
        Wall time of the training of the network, restarts included.
    network, logistic, majority : Scores
        The network, a logistic regression, and the share of each class in the training part;
        `logistic` is None where an interrupt left no time for it.
    confusion : ndarray of int64, shape (2, 2)
        Held-out samples by true class (row) and predicted class (column).
    interrupted : bool
        Whether Ctrl-C ended a training.
    """

    table: Table
    seed: int
    train_rows: Rows
    heldout_rows: Rows
    classifier: SigmoidClassifier
    epochs: tuple[Epoch, ...]
    seconds: float
    network: Scores
    logistic: Scores | None
    majority: Scores
    confusion: NDArray[np.int64]
    interrupted: bool

    @property
    def sizes(self) -> tuple[int, ...]:
        """Units of each layer, inputs first: (2, 5, 5, 1)."""
        return (self.table.X.shape[1], *self.classifier.hidden, 1)

    @cached_property
    def best(self) -> Epoch:
        """The epoch whose weights were kept."""
        return min(self.epochs, key=lambda epoch: epoch.watched_loss)


class History:
    """Listens to a training: measures the held-out loss, and passes the losses on."""

    def __init__(
        self,
        X: NDArray[np.float64],
        y: NDArray[np.float64],
        update: Update,
        interrupts: Interrupts,
    ) -> None:
        self._X, self._y, self._update, self._interrupts = X, y, update, interrupts
        self._starts: dict[int, list[Epoch]] = {}

    def __call__(
        self,
        epoch: int,
        train_loss: float,
        validation_loss: float | None,
        classifier: SigmoidClassifier,
    ) -> None:
        """Take the news of one epoch, as `SigmoidClassifier.fit` gives them."""
        self._interrupts.at_once = False  # an epoch that has its weights has its news too
        heldout_loss = log_loss(classifier.decision_function(self._X), self._y)
        start = self._starts.setdefault(classifier.start_, [])
        start.append(Epoch(epoch, train_loss, validation_loss, heldout_loss))
        self._update(epoch, train_loss, heldout_loss)
        self._interrupts.check()
        self._interrupts.at_once = True

    def of(self, classifier: SigmoidClassifier) -> tuple[Epoch, ...]:
        """Return the epochs of the start that `classifier` kept, none if none was reported."""
        told = self._starts.get(classifier.start_, [])
        losses, validation = classifier.loss_curve_, classifier.validation_curve_
        watched = validation or losses
        # stopped between the best weights and their news: they are in force, and can be judged
        if len(told) < len(watched) and int(np.argmin(watched)) == len(told):
            number, heldout = len(told) + 1, classifier.decision_function(self._X)
            loss = validation[-1] if validation else None
            told = [*told, Epoch(number, losses[-1], loss, log_loss(heldout, self._y))]
        return tuple(told)


def fit(
    table: Table,
    settings: Mapping[str, Any],
    seed: int,
    console: Console,
    interrupts: Interrupts | None = None,
) -> Run:
    """Train the network on three quarters of a table and judge it on the rest.

    Parameters
    ----------
    table : Table
    settings : mapping
        Arguments of `SigmoidClassifier`, over those of the command.
    seed : int
        Fixes the split and the training.
    console : Console
        Shows the progress.
    interrupts : Interrupts, optional
        Asked after each epoch whether to stop.

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
    _check_classes(table)
    interrupts = interrupts or Interrupts()
    settings = {**settings, "random_state": seed}
    train, heldout = holdout_split(table.y, HELDOUT, np.random.default_rng((seed, SPLIT_STREAM)))
    y, heldout_y = table.y[train], table.y[heldout]
    begin = time.perf_counter()
    classifier, epochs, interrupted = _network(table, train, heldout, settings, console, interrupts)
    seconds = time.perf_counter() - begin
    logistic = None
    if not interrupted:
        logistic = _logistic(table, train, heldout, settings, interrupts)
    share = float(np.mean(y))
    return Run(
        table=table,
        seed=seed,
        train_rows=train,
        heldout_rows=heldout,
        classifier=classifier,
        epochs=epochs,
        seconds=seconds,
        network=_scores(classifier, table, train, heldout),
        logistic=logistic,
        majority=Scores(constant_score(share, y), constant_score(share, heldout_y)),
        confusion=confusion_matrix(classifier.decision_function(table.X[heldout]), heldout_y),
        interrupted=logistic is None,
    )


def _network(
    table: Table,
    train: Rows,
    heldout: Rows,
    settings: Mapping[str, Any],
    console: Console,
    interrupts: Interrupts,
) -> tuple[SigmoidClassifier, tuple[Epoch, ...], bool]:
    """Train the network; tell its epochs, and whether it was interrupted."""
    classifier = SigmoidClassifier(**settings)
    interrupted = False
    with progress(console, classifier.max_epochs) as update, _told_by_the_report():
        history = History(table.X[heldout], table.y[heldout], update, interrupts)
        try:
            interrupts.at_once = True
            classifier.fit(table.X[train], table.y[train], on_epoch=history)
            interrupts.at_once = False
        except KeyboardInterrupt:
            interrupted = True
    epochs = history.of(classifier) if hasattr(classifier, "network_") else ()
    if not epochs:
        raise KeyboardInterrupt
    return classifier, epochs, interrupted


def _check_classes(table: Table) -> None:
    for label, name in enumerate(table.class_names):
        count = int(np.count_nonzero(table.y == label))
        if count < 2:
            rows = "1 row" if count == 1 else f"{count} rows"
            raise DataError(
                f"{table.source or table.name}: class {name!r:.60} has {rows};"
                " expected at least 2 of each class: one to train on and one to hold out"
            )


@contextmanager
def _told_by_the_report() -> Iterator[None]:
    """Keep quiet of what the report says in its place: no validation part, no native code."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="fit: .* too few to hold")
        warnings.filterwarnings("ignore", message="compile: .* no native code")
        yield


def _logistic(
    table: Table,
    train: Rows,
    heldout: Rows,
    settings: Mapping[str, Any],
    interrupts: Interrupts,
) -> Scores | None:
    """Train in the same way without hidden layers; None if interrupted."""
    classifier = SigmoidClassifier(**{**settings, "hidden": ()})
    try:
        with _told_by_the_report():
            interrupts.at_once = True
            classifier.fit(table.X[train], table.y[train], on_epoch=lambda *_: interrupts.check())
            interrupts.at_once = False
    except KeyboardInterrupt:
        return None
    return _scores(classifier, table, train, heldout)


def _scores(classifier: SigmoidClassifier, table: Table, train: Rows, heldout: Rows) -> Scores:
    logits = classifier.decision_function(table.X)
    return Scores(score(logits[train], table.y[train]), score(logits[heldout], table.y[heldout]))
