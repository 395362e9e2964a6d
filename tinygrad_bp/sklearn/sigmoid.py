"""`SigmoidClassifier` and `SigmoidRegressor` as estimators of scikit-learn's."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Self

from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from tinygrad_bp import classifier


class Validated(BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """What makes either a scikit-learn estimator: stands before the class of its network.

    What predicts raises scikit-learn's own NotFittedError before `fit`.
    """

    get_params = BaseEstimator.get_params  # before that of the network's class, which refuses

    def _outputs(self, X: Any) -> Any:
        check_is_fitted(self)
        return super()._outputs(validate_data(self, X, reset=False))

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "network_")


class SigmoidClassifier(
    ClassifierMixin,  # type: ignore[misc]  # the same
    Validated,
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


class SigmoidRegressor(
    RegressorMixin,  # type: ignore[misc]  # the same
    Validated,
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

    def __sklearn_tags__(self) -> Any:
        return super().__sklearn_tags__()
