"""The 2-5-5-1 network: sigmoid in every layer, binary cross entropy, scikit-learn's conventions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Self

import numpy as np

from tinygrad_bp.data import holdout_split
from tinygrad_bp.errors import DataError
from tinygrad_bp.graph import no_grad
from tinygrad_bp.nn import Linear, Sequential, Sigmoid, bce_with_logits
from tinygrad_bp.optim import Adam
from tinygrad_bp.rules.activations import sigmoid
from tinygrad_bp.tensor import tensor

# A start is stuck if training has not brought the log-loss clearly below that of the class shares.
STUCK = 0.8

OnEpoch = Callable[[int, float, float | None, "SigmoidClassifier"], None]


class SigmoidClassifier:
    """A fully connected network of sigmoids for two classes.

    Parameters
    ----------
    hidden : sequence of int, default (5, 5)
        Units of each hidden layer; none gives logistic regression.
    learning_rate : float, default 0.05
        Of Adam (Kingma & Ba 2015), on full batches.
    max_epochs : int, default 1500
    validation_fraction : float, default 0.2
        Share of the training samples that early stopping watches; 0 turns it off.
    patience : int, default 200
        Epochs without a better validation loss after which training stops.
    restarts : int, default 3
        How many stuck starts may be given up; judged on training data alone.
    random_state : int, optional
        The same seed gives the same bits.

    Attributes
    ----------
    classes_ : ndarray, shape (2,)
    network_ : Sequential
        Gives the logit of class 1.
    mean_, scale_ : ndarray, shape (n_features,)
        Standardisation of the inputs, learned on the training part.
    loss_curve_, validation_curve_ : list of float
        Log-loss by epoch, in nats.
    n_iter_, n_features_in_, restarts_ : int
    """

    def __init__(
        self,
        hidden: Sequence[int] = (5, 5),
        *,
        learning_rate: float = 0.05,
        max_epochs: int = 1500,
        validation_fraction: float = 0.2,
        patience: int = 200,
        restarts: int = 3,
        random_state: int | None = None,
    ) -> None:
        self.hidden = hidden
        self.learning_rate = learning_rate
        self.max_epochs = max_epochs
        self.validation_fraction = validation_fraction
        self.patience = patience
        self.restarts = restarts
        self.random_state = random_state

    def fit(self, X: Any, y: Any, *, on_epoch: OnEpoch | None = None) -> Self:
        """Train on samples `X` (m, n_features) with class labels `y` (m,).

        Parameters
        ----------
        X : array_like, shape (m, n_features)
        y : array_like, shape (m,)
            Two different labels.
        on_epoch : callable, optional
            Called as ``on_epoch(epoch, train_loss, validation_loss, self)``.

        Raises
        ------
        DataError
            If the samples are not finite, shapes differ, or there are not exactly two classes.
        KeyboardInterrupt
            Passed on; the best state so far is kept.
        """
        X, target = self._checked(X, y)
        rng = np.random.default_rng(self.random_state)
        train, held = np.arange(len(X)), np.arange(0)
        if self.validation_fraction and min(target.sum(), len(X) - target.sum()) >= 2:
            train, held = holdout_split(target[:, 0], self.validation_fraction, rng)
        self.mean_ = X[train].mean(axis=0)
        spread = X[train].std(axis=0)
        self.scale_ = np.where(spread > 0, spread, 1.0)
        Z = (X - self.mean_) / self.scale_
        share = target[train].mean()
        prior = -(share * np.log(share) + (1 - share) * np.log(1 - share))
        best: tuple[float, Any] | None = None
        for self.restarts_ in range(self.restarts + 1):  # noqa: B020
            loss = self._start(Z, target, train, held, rng, on_epoch)
            if best is None or loss < best[0]:
                kept = (self.network_, self.loss_curve_, self.validation_curve_)  # type: ignore[has-type]
                best = (loss, kept)
            if loss < STUCK * prior or not self.hidden:
                break
        if best is not None:
            self.network_, self.loss_curve_, self.validation_curve_ = best[1]
        self.n_iter_ = len(self.loss_curve_)
        return self

    def _start(
        self, Z: Any, target: Any, train: Any, held: Any, rng: Any, on_epoch: OnEpoch | None
    ) -> float:
        """Train from fresh weights, keep the best epoch's; return its training loss."""
        sizes = [Z.shape[1], *self.hidden, 1]
        layers: list[Any] = []
        for n_in, n_out in zip(sizes[:-1], sizes[1:], strict=True):  # noqa: RUF007
            layers += [Linear(n_in, n_out, rng=rng), Sigmoid()]
        self.network_ = network = Sequential(*layers[:-1])  # the last sigmoid is in the loss
        optimizer = Adam(network.parameters(), lr=self.learning_rate)
        X, y = tensor(Z[train]), tensor(target[train])
        self.loss_curve_: list[float] = []  # type: ignore[no-redef]
        self.validation_curve_: list[float] = []  # type: ignore[no-redef]
        best, best_epoch, best_state = np.inf, 0, network.state()
        try:
            for epoch in range(1, self.max_epochs + 1):
                loss = bce_with_logits(network(X), y)
                loss.backward(retain_graph=False)
                optimizer.step()
                optimizer.zero_grad()
                self.loss_curve_.append(loss.item())
                validation = None
                if len(held):
                    with no_grad():
                        validation = float(bce_with_logits(network(Z[held]), target[held]))
                    self.validation_curve_.append(validation)
                watched = loss.item() if validation is None else validation
                if watched < best:
                    best, best_epoch, best_state = watched, epoch, network.state()
                if on_epoch is not None:
                    on_epoch(epoch, loss.item(), validation, self)
                if epoch - best_epoch >= self.patience:
                    break
        finally:  # an interrupt too leaves the best state so far
            network.load_state(best_state)
            self.n_iter_ = len(self.loss_curve_)
        return float(min(self.loss_curve_))

    def decision_function(self, X: Any) -> Any:
        """Return the logit of class 1 for each row of `X`; shape (m,)."""
        Z = (np.asarray(X, dtype=float) - self.mean_) / self.scale_
        with no_grad():
            return np.asarray(self.network_(Z))[:, 0]

    def predict_proba(self, X: Any) -> Any:
        """Return the probability of each class for each row of `X`; shape (m, 2)."""
        logits = self.decision_function(X)
        return np.stack([sigmoid(-logits), sigmoid(logits)], axis=1)

    def predict(self, X: Any) -> Any:
        """Return the likelier class for each row of `X`; shape (m,)."""
        return self.classes_[(self.decision_function(X) >= 0).astype(int)]

    def score(self, X: Any, y: Any) -> float:
        """Return the share of rows whose class is predicted rightly."""
        return float(np.mean(self.predict(X) == np.asarray(y)))

    def _checked(self, X: Any, y: Any) -> tuple[Any, Any]:
        X, y = np.asarray(X, dtype=float), np.asarray(y)
        if X.ndim != 2 or y.shape != X.shape[:1]:
            raise DataError(
                f"fit: expected X (m, n_features) and y (m,), got {X.shape} and {y.shape}"
            )
        if not np.isfinite(X).all():
            raise DataError("fit: X holds NaN or infinity; drop or fill these rows first")
        self.classes_, codes = np.unique(y, return_inverse=True)
        if len(self.classes_) != 2:
            raise DataError(f"fit: expected two classes, got {len(self.classes_)}")
        self.n_features_in_ = X.shape[1]
        return X, codes.astype(float).reshape(-1, 1)
