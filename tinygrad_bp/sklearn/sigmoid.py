"""`SigmoidClassifier` as a scikit-learn estimator."""

from __future__ import annotations

from typing import Any, Self

from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.multiclass import type_of_target
from sklearn.utils.validation import check_is_fitted, validate_data

from tinygrad_bp import classifier
from tinygrad_bp.errors import DataError


class SigmoidClassifier(
    ClassifierMixin,  # type: ignore[misc]  # scikit-learn has no types
    BaseEstimator,  # type: ignore[misc]  # the same
    classifier.SigmoidClassifier,
):
    """A fully connected network of sigmoids for two classes, in pipelines and searches.

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

    def fit(self, X: Any, y: Any, *, on_epoch: classifier.OnEpoch | None = None) -> Self:
        """Train on samples `X` with class labels `y`, as `tinygrad_bp.SigmoidClassifier` does.

        Parameters
        ----------
        X : array_like or data frame of finite numbers, shape (m, n_features)
        y : array_like, shape (m,)
            Two different labels.
        on_epoch : callable, optional
            Called as ``on_epoch(epoch, train_loss, validation_loss, self)`` after each epoch.

        Raises
        ------
        ValueError
            If a setting is out of its range, or X or y cannot be used.
        """
        X, y = validate_data(self, X, y)
        kind = type_of_target(y, input_name="y", raise_unknown=True)
        if kind != "binary":
            raise DataError(
                f"Only binary classification is supported. The type of the target is {kind}."
            )
        return super().fit(X, y, on_epoch=on_epoch)

    def decision_function(self, X: Any) -> Any:
        """Return the logit of ``classes_[1]`` for each row of `X`; shape (m,).

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

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_class = False
        return tags
