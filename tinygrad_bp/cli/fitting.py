"""One training: the split, the network epoch by epoch, and the two models it has to beat."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinygrad_bp.classifier import SigmoidClassifier
from tinygrad_bp.cli.console import Console
from tinygrad_bp.cli.progress import Update, progress
from tinygrad_bp.cli.scores import Score, confusion_matrix, constant_score, log_loss, score
from tinygrad_bp.data import Table, holdout_split
from tinygrad_bp.errors import DataError

HELDOUT = 0.25  # share of each class that training never sees
SPLIT_STREAM = (
    1  # the generators draw from the seed itself; the split must not repeat their numbers
)

Rows = NDArray[np.int64]


@dataclass(frozen=True)
class Epoch:
    """The losses after one epoch: log-loss in nats of the training, validation and held-out part."""

    number: int
    train_loss: float
    validation_loss: float | None
    heldout_loss: float


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
        The network, a logistic regression, and the share of each class in the training part; `logistic` is None where
        an interrupt left no time for it.
    confusion : ndarray of int64, shape (2, 2)
        Held-out samples by true class (row) and predicted class (column).
    interrupted : bool
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

    @property
    def best(self) -> Epoch:
        """The epoch whose weights were kept."""
        return min(
            self.epochs,
            key=lambda e: e.train_loss if e.validation_loss is None else e.validation_loss,
        )


class History:
    """Listens to a training: measures the held-out loss, and passes the losses on."""

    def __init__(self, X: NDArray[np.float64], y: NDArray[np.float64], update: Update) -> None:
        self._X, self._y, self._update = X, y, update
        self._starts: list[list[Epoch]] = []

    def __call__(
        self,
        epoch: int,
        train_loss: float,
        validation_loss: float | None,
        classifier: SigmoidClassifier,
    ) -> None:
        """Take the news of one epoch, as `SigmoidClassifier.fit` gives them."""
        heldout_loss = log_loss(classifier.decision_function(self._X), self._y)
        if epoch == 1:  # the first start, or a stuck one given up
            self._starts.append([])
        self._starts[-1].append(Epoch(epoch, train_loss, validation_loss, heldout_loss))
        self._update(epoch, train_loss, heldout_loss)

    def of(self, classifier: SigmoidClassifier) -> tuple[Epoch, ...]:
        """Return the epochs of the start that `classifier` kept."""
        curve = list(classifier.loss_curve_)
        for start in self._starts:
            if [epoch.train_loss for epoch in start[: len(curve)]] == curve:
                return tuple(start[: len(curve)])
        raise RuntimeError("the classifier kept a training that it never reported")


def fit(table: Table, settings: Mapping[str, Any], seed: int, console: Console) -> Run:
    """Train the network on three quarters of a table and judge it on the rest.

    Parameters
    ----------
    table : Table
    settings : mapping
        Arguments of `SigmoidClassifier`.
    seed : int
        Fixes the split and the training.
    console : Console
        Shows the progress.

    Returns
    -------
    Run

    Raises
    ------
    DataError
        If a class has too few rows, or the numbers are too large to compute with.
    KeyboardInterrupt
        If the user stops the training before there is a model.
    """
    split_rng = np.random.default_rng((seed, SPLIT_STREAM))
    train, heldout = holdout_split(table.y, HELDOUT, split_rng)
    X, y = table.X[train], table.y[train]
    classifier = SigmoidClassifier(**settings, random_state=seed)
    interrupted = False
    begin = time.perf_counter()
    with progress(console, classifier.max_epochs) as update:
        history = History(table.X[heldout], table.y[heldout], update)
        try:
            classifier.fit(X, y, on_epoch=history)
        except KeyboardInterrupt:
            if not hasattr(classifier, "network_"):
                raise
            interrupted = True
    seconds = time.perf_counter() - begin
    logistic = None
    if not interrupted:
        try:
            logistic = _scores(
                SigmoidClassifier(hidden=(), random_state=seed).fit(X, y), table, train, heldout
            )
        except KeyboardInterrupt:
            interrupted = True
    share = float(np.mean(y))
    return Run(
        table=table,
        seed=seed,
        train_rows=train,
        heldout_rows=heldout,
        classifier=classifier,
        epochs=history.of(classifier),
        seconds=seconds,
        network=_scores(classifier, table, train, heldout),
        logistic=logistic,
        majority=Scores(constant_score(share, y), constant_score(share, table.y[heldout])),
        confusion=confusion_matrix(
            classifier.decision_function(table.X[heldout]), table.y[heldout]
        ),
        interrupted=interrupted,
    )


def _scores(classifier: SigmoidClassifier, table: Table, train: Rows, heldout: Rows) -> Scores:
    logits = classifier.decision_function(table.X)
    if not np.isfinite(logits).all():
        raise DataError(
            f"{table.name}: the numbers are too large to compute with; scale the columns first"
        )
    return Scores(score(logits[train], table.y[train]), score(logits[heldout], table.y[heldout]))
