"""`SigmoidRegressor`: the same network for a number."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any, Self

import numpy as np

from tinygrad_bp.classifier.base import LEAST_HELD, OnEpoch, SigmoidEstimator
from tinygrad_bp.classifier.samples import mean_and_scale, numbers
from tinygrad_bp.classifier.tasks import Numbers
from tinygrad_bp.elsewhere.calls import answers
from tinygrad_bp.errors import DataError


@partial(answers, lenient=True)
@dataclass(eq=False)
class SigmoidRegressor(SigmoidEstimator):
    """A fully connected network of sigmoids for a number; the last layer is linear.

    Parameters
    ----------
    hidden : sequence of int, default (5, 5)
        Units of each hidden layer; none gives linear regression.
    learning_rate, max_epochs
        As in `SigmoidClassifier`.
    validation_fraction : float, default 0.2
        Share of the rows that early stopping watches and training does not see.
    patience, restarts, compile, random_state
        As in `SigmoidClassifier`.

    Attributes
    ----------
    network_ : Sequential
        Gives how many deviations above its mean the target is.
    mean_, scale_ : ndarray of float64, shape (n_features,)
    target_mean_, target_scale_ : float
        Standardisation of the target, learned on the training part.
    loss_curve_, validation_curve_ : list of float
        Mean squared error, in squared deviations, after each epoch of the start that was kept.
    n_iter_, n_features_in_, restarts_, start_ : int

    Examples
    --------
    >>> import numpy as np
    >>> x = np.linspace(-2.0, 2.0, 200)
    >>> model = SigmoidRegressor(max_epochs=500, random_state=0).fit(x[:, None], np.sin(x))
    >>> model.score(x[:, None], np.sin(x)) > 0.98
    True
    """

    @answers
    def fit(
        self,
        X: Any,
        y: Any,
        *,
        on_epoch: OnEpoch | None = None,
        callbacks: Iterable[Any] = (),
    ) -> Self:
        """Train on samples `X` with numbers `y`.

        Parameters
        ----------
        X : array_like of finite numbers, shape (m, n_features)
        y : array_like of finite numbers, shape (m,)
        on_epoch : callable, optional
            As in `SigmoidClassifier.fit`.
        callbacks : iterable, optional
            Of the training loop, as those of `tg.training.fit`: `tg.training.Observe`, say.

        Returns
        -------
        SigmoidRegressor
            Itself.

        Raises
        ------
        ValueError
            If a setting is out of its range.
        DataError
            If X or y cannot be used.  What an earlier fit learned is still there.
        KeyboardInterrupt
            As in `SigmoidClassifier.fit`.
        """
        X = self._checked(X)
        target = numbers(y, len(X))

        def task_of(train: np.ndarray[Any, Any]) -> Numbers:
            (mean,), (scale,) = mean_and_scale(train[:, None])
            self.target_mean_, self.target_scale_ = float(mean), float(scale)
            return Numbers(self.target_mean_, self.target_scale_)

        return self._fit(X, target, task_of, on_epoch, callbacks)

    def predict(self, X: Any) -> Any:
        """Return the number for each row of `X`.

        Parameters
        ----------
        X : array_like of finite numbers, shape (m, n_features)

        Returns
        -------
        ndarray of float64, shape (m,)

        Raises
        ------
        NotFittedError
            Before `fit`.
        DataError
            If X cannot be used, or has another number of features than the samples of `fit`.
        """
        return self._outputs(X)[:, 0] * self.target_scale_ + self.target_mean_

    def score(self, X: Any, y: Any) -> float:
        """Return the share of the variance of `y` that is predicted: R squared.

        Parameters
        ----------
        X : array_like, shape (m, n_features)
        y : array_like, shape (m,)

        Returns
        -------
        float
            1 at best; 0 for the mean of `y`; 1 or 0 for numbers that are all the same.

        Raises
        ------
        NotFittedError, DataError
            As `predict` does; also if there are no rows, or `y` is not one number a row.
        """
        predicted, y = self.predict(X), np.asarray(y, float)
        if not len(predicted) or y.shape != predicted.shape:
            raise DataError(
                f"score: expected one number for each of {len(predicted)} rows (1 or more), got y"
                f" of shape {y.shape}"
            )
        error, spread = np.sum((y - predicted) ** 2), np.sum((y - y.mean()) ** 2)
        return float(1.0 - error / spread) if spread else float(error == 0.0)

    def _split(self, y: Any, share: float, rng: np.random.Generator) -> tuple[Any, Any]:
        rows = len(y)
        if share * rows < LEAST_HELD:
            self._too_few(rows, "")
            return np.arange(rows), np.arange(0)
        held = min(round(share * rows), rows - 1)
        order = rng.permutation(rows)
        return np.sort(order[held:]), np.sort(order[:held])
