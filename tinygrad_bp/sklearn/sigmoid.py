"""`SigmoidClassifier` and `SigmoidRegressor` as estimators of scikit-learn's."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Self

from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from tinygrad_bp import classifier


class SigmoidClassifier(
    ClassifierMixin,  # type: ignore[misc]  # scikit-learn has no types
    BaseEstimator,  # type: ignore[misc]  # the same
    classifier.SigmoidClassifier,
):
    """A fully connected network of sigmoids for classes, in pipelines and searches.

    Parameters, attributes and results are those of `tinygrad_bp.SigmoidClassifier`; `score` also
    takes sample weights, and ``feature_names_in_`` holds the columns of a data frame.

    Examples
    --------
    >>> from sklearn.model_selection import cross_val_score
    >>> from tinygrad_bp.data import moons
    >>> table = moons(200, seed=0)
    >>> scores = cross_val_score(SigmoidClassifier(random_state=0), table.X, table.y, cv=3)
    >>> bool(scores.min() > 0.85)
    True
    """

    def fit(
        self,
        X: Any,
        y: Any,
        *,
        on_epoch: classifier.OnEpoch | None = None,
        callbacks: Iterable[Any] = (),
    ) -> Self:
        """Train on samples `X` with class labels `y`, as `tinygrad_bp.SigmoidClassifier` does.

        Parameters
        ----------
        X : array_like or data frame of finite numbers, shape (m, n_features)
        y : array_like, shape (m,)
            Two different labels or more.
        on_epoch : callable, optional
            Called as ``on_epoch(epoch, train_loss, validation_loss, self)`` after each epoch.
        callbacks : iterable, optional
            Of the training loop, as those of `tg.training.fit`: `tg.training.Observe`, say.

        Raises
        ------
        ValueError
            If a setting is out of its range, or X or y cannot be used.
        """
        X, y = validate_data(self, X, y)
        check_classification_targets(y)
        return super().fit(X, y, on_epoch=on_epoch, callbacks=callbacks)

    def decision_function(self, X: Any) -> Any:
        """Return the logit of ``classes_[1]`` for each row of `X`, or the logits of all classes.

        Raises
        ------
        NotFittedError
            Before `fit`: scikit-learn's own.
        ValueError
            If X cannot be used.
        """
        check_is_fitted(self)
        return super().decision_function(validate_data(self, X, reset=False))

    get_params = BaseEstimator.get_params  # before that of the base, which names this class

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "network_")


class SigmoidRegressor(
    RegressorMixin,  # type: ignore[misc]  # the same
    BaseEstimator,  # type: ignore[misc]  # the same
    classifier.SigmoidRegressor,
):
    """A fully connected network of sigmoids for a number, in pipelines and searches.

    Parameters, attributes and results are those of `tinygrad_bp.classifier.SigmoidRegressor`.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.model_selection import cross_val_score
    >>> x = np.random.default_rng(0).uniform(-2.0, 2.0, 200)
    >>> scores = cross_val_score(SigmoidRegressor(random_state=0), x[:, None], np.sin(x), cv=3)
    >>> bool(scores.min() > 0.95)
    True
    """

    def fit(
        self,
        X: Any,
        y: Any,
        *,
        on_epoch: classifier.OnEpoch | None = None,
        callbacks: Iterable[Any] = (),
    ) -> Self:
        """Train on samples `X` with numbers `y`.

        Parameters
        ----------
        X : array_like or data frame of finite numbers, shape (m, n_features)
        y : array_like of finite numbers, shape (m,)
        on_epoch : callable, optional
            Called as ``on_epoch(epoch, train_loss, validation_loss, self)`` after each epoch.
        callbacks : iterable, optional
            Of the training loop, as those of `tg.training.fit`: `tg.training.Observe`, say.

        Raises
        ------
        ValueError
            If a setting is out of its range, or X or y cannot be used.
        """
        X, y = validate_data(self, X, y, y_numeric=True)
        return super().fit(X, y, on_epoch=on_epoch, callbacks=callbacks)

    def predict(self, X: Any) -> Any:
        """Return the number for each row of `X`; shape (m,).

        Raises
        ------
        NotFittedError
            Before `fit`: scikit-learn's own.
        ValueError
            If X cannot be used.
        """
        check_is_fitted(self)
        return super().predict(validate_data(self, X, reset=False))

    get_params = BaseEstimator.get_params  # before that of the base, which names this class

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "network_")

    def __sklearn_tags__(self) -> Any:
        return super().__sklearn_tags__()
