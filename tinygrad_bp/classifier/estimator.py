"""`SigmoidClassifier`: the network behind scikit-learn's conventions, without scikit-learn."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Self

import numpy as np

from tinygrad_bp.classifier.base import LEAST_HELD, OnEpoch, SigmoidEstimator
from tinygrad_bp.classifier.samples import class_codes, refuse_mask
from tinygrad_bp.classifier.tasks import Classes, class_weights
from tinygrad_bp.data import holdout_split
from tinygrad_bp.elsewhere.calls import answers
from tinygrad_bp.errors import DataError
from tinygrad_bp.functional import softmax
from tinygrad_bp.rules.elementwise.activations import sigmoid


@partial(answers, lenient=True)
@dataclass(eq=False, kw_only=True)
class SigmoidClassifier(SigmoidEstimator):
    """A fully connected network of sigmoids for two classes or more.

    Parameters
    ----------
    hidden : sequence of int, default (5, 5)
        Units of each hidden layer; none gives logistic regression.
    learning_rate : float, default 0.05
        Of Adam (Kingma & Ba 2015), on full batches.
    max_epochs : int, default 1500
    validation_fraction : float, default 0.2
        Share of each class that early stopping watches and training does not see; 0 turns it off,
        and so does, with a warning, that it would be less than three rows, or that a class has a
        single one: then the training loss is watched.
    patience : int, default 100
        Epochs without a better watched loss after which training stops.
    restarts : int, default 3
        How often training may begin anew where the loss on the training part stays so high that
        the start may be stuck; the start with the lowest is kept.
    compile : bool, default False
        Whether to make native code of an epoch, which pays for long trainings: `tg.compile`.  The
        last digits may then be other ones.
    random_state : int, Generator or RandomState, optional
        The same seed gives the same bits; a generator moves on with each fit.
    class_weight : dict of label to float, or "balanced", optional
        What the samples of each class count; balanced classes count the same together.

    Attributes
    ----------
    classes_ : ndarray, shape (k,)
        The labels in sorted order.
    network_ : Sequential
        Gives the logit of ``classes_[1]``, or of more than two classes one for each; its weights
        are those of the lowest watched loss.
    mean_, scale_ : ndarray of float64, shape (n_features,)
        Standardisation of the inputs, learned on the training part.
    loss_curve_, validation_curve_ : list of float
        Log-loss in nats after each epoch of the start that was kept; the second is empty without
        a validation part.
    n_iter_, n_features_in_, restarts_, start_ : int
        Epochs of that start, features, how often training began anew, and which start was kept,
        counted from 0.
    history_ : History
        The numbers of that start; ``history_.report(path)`` writes a page.
    backend_ : str
        What ran: "eager", or "native" with `compile`, where there is native code.

    Examples
    --------
    >>> from tinygrad_bp.data import xor
    >>> table = xor(400, seed=0)
    >>> SigmoidClassifier(random_state=0).fit(table.X, table.y).score(table.X, table.y) > 0.95
    True
    """

    class_weight: Mapping[Any, float] | str | None = None

    @answers
    def fit(
        self,
        X: Any,
        y: Any,
        *,
        on_epoch: OnEpoch | None = None,
        callbacks: Iterable[Any] = (),
    ) -> Self:
        """Train on samples `X` with class labels `y`.

        Parameters
        ----------
        X : array_like of finite numbers, shape (m, n_features)
        y : array_like, shape (m,)
            Two different labels or more, of any sortable type.
        on_epoch : callable, optional
            Called as ``on_epoch(epoch, train_loss, validation_loss, self)`` after each epoch; the
            losses and ``network_`` are those of the epoch.  Training that begins anew counts from
            epoch 1 again.
        callbacks : iterable, optional
            Of the training loop, as those of `tg.training.fit`: `tg.training.Observe`, say.

        Returns
        -------
        SigmoidClassifier
            Itself.

        Raises
        ------
        ValueError
            If a setting is out of its range.
        DataError
            If X or y cannot be used.  What an earlier fit learned is still there.
        KeyboardInterrupt
            Passed on.  After at least one epoch the best weights so far are kept; else the
            classifier is not fitted.
        """
        X = self._checked(X)
        classes, codes = class_codes(y, len(X))
        weights = class_weights(self.class_weight, classes, codes)  # may be refused

        def task_of(train: Any) -> Classes:
            self.classes_ = classes
            balanced = isinstance(self.class_weight, str)
            own = class_weights(self.class_weight, classes, train) if balanced else weights
            return Classes(len(classes), own)

        return self._fit(X, codes, task_of, on_epoch, callbacks)

    def decision_function(self, X: Any) -> Any:
        """Return the logit of ``classes_[1]`` for each row of `X`, or the logits of all classes.

        Parameters
        ----------
        X : array_like of finite numbers, shape (m, n_features)

        Returns
        -------
        ndarray of float64, shape (m,), or (m, k) for more than two classes

        Raises
        ------
        NotFittedError
            Before `fit`.
        DataError
            If X cannot be used, or has another number of features than the samples of `fit`.
        """
        logits = self._outputs(X)
        return logits if logits.shape[1] > 1 else logits[:, 0]

    def predict_proba(self, X: Any) -> Any:
        """Return the probability of each class for each row of `X`.

        Parameters
        ----------
        X : array_like, shape (m, n_features)
            As in `decision_function`.

        Returns
        -------
        ndarray of float64, shape (m, k)

        Raises
        ------
        NotFittedError, DataError
            As `decision_function` does.
        """
        logits = self.decision_function(X)
        if logits.ndim == 2:
            return np.array(softmax(logits))
        return np.stack([sigmoid(-logits), sigmoid(logits)], axis=1)

    def predict(self, X: Any) -> Any:
        """Return the likeliest class for each row of `X`.

        Parameters
        ----------
        X : array_like, shape (m, n_features)
            As in `decision_function`.

        Returns
        -------
        ndarray of the labels' dtype, shape (m,)

        Raises
        ------
        NotFittedError, DataError
            As `decision_function` does.
        """
        logits = self.decision_function(X)  # first: it refuses before `fit`
        codes = np.argmax(logits, axis=1) if logits.ndim == 2 else (logits >= 0).astype(int)
        return self.classes_[codes]

    def score(self, X: Any, y: Any) -> float:
        """Return the share of the rows of `X` whose class in `y` is predicted.

        Parameters
        ----------
        X : array_like, shape (m, n_features)
            As in `decision_function`.
        y : array_like, shape (m,)

        Returns
        -------
        float
            From 0 to 1.

        Raises
        ------
        NotFittedError, DataError
            As `decision_function` does; also if there are no rows, or `y` is not one label a row.
        """
        refuse_mask("score", "y", y)
        predicted, y = self.predict(X), np.asarray(y)
        if not len(predicted) or y.shape != predicted.shape:
            raise DataError(
                f"score: expected one label for each of {len(predicted)} rows (1 or more), got y of"
                f" shape {y.shape}"
            )
        return float(np.mean(predicted == y))

    def _split(self, codes: Any, share: float, rng: np.random.Generator) -> tuple[Any, Any]:
        rows, least = len(codes), int(np.bincount(codes).min())
        if share * rows >= LEAST_HELD and least > 1:
            return holdout_split(codes, share, rng)
        self._too_few(rows, f", {least} of one class")
        return np.arange(rows), np.arange(0)
