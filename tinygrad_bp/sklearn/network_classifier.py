"""`NetworkClassifier`: any module as a classifier of scikit-learn's."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.utils.class_weight import compute_class_weight
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import validate_data

from tinygrad_bp.errors import DataError
from tinygrad_bp.functional import softmax
from tinygrad_bp.nn import cross_entropy
from tinygrad_bp.sklearn.network import NetworkEstimator


@dataclass(eq=False, repr=False, kw_only=True)
class NetworkClassifier(ClassifierMixin, NetworkEstimator):  # type: ignore[misc]  # the same
    """Any module as a classifier of any number of classes, by its softmax.

    Parameters
    ----------
    module : Module, or callable, optional
        Gives a logit for each class, (m, classes).  A module is copied by each `fit`, its weights
        as they are; a callable is called as ``module(features, classes, rng)`` and returns one.  A
        layer of 32 tanh units, if not given.
    optimizer : callable, default tg.optim.Adam
        Called as ``optimizer(parameters, lr=learning_rate)``.
    learning_rate : float, default 0.01
    epochs : int, default 100
    batch_size : int or None, default 32
        None for all rows at once.
    validation_fraction : float, default 0.2
        Share of the rows that is held out, if there is a `patience`.
    patience : int, optional
        Epochs without a better loss of the rows held out, after which training stops, and goes back
        to the best weights.
    class_weight : dict of label to float, or "balanced", optional
        What the samples of each class count.
    dtype : dtype, default float64
        What X is converted to: ``np.int64`` for symbols, ``np.float32`` for a module of that.
    random_state : int, Generator or RandomState, optional
        The same seed gives the same bits.
    progress : bool, default False
        Show the training.

    Attributes
    ----------
    classes_ : ndarray
        The labels in sorted order.
    network_ : Module
    history_ : History
    loss_curve_ : list of float
    n_iter_, n_features_in_ : int

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> X, y = load_iris(return_X_y=True)
    >>> model = NetworkClassifier(epochs=60, random_state=0).fit(X, y)
    >>> model.score(X, y) > 0.95
    True
    """

    class_weight: Any = None

    def fit(self, X: Any, y: Any) -> Self:
        """Train a fresh network.

        Parameters
        ----------
        X : array_like, shape (m, n_features, ...)
        y : array_like, shape (m,)
            Two labels or more.

        Raises
        ------
        ValueError
            If X or y cannot be used.
        """
        X, codes = self._checked(X, y, None, reset=True)
        self._begin(X, len(self.classes_))
        self._train(X, codes, self.epochs, stops=True)
        return self

    def partial_fit(self, X: Any, y: Any, classes: Any = None) -> Self:
        """Go on with one epoch over these samples.

        Parameters
        ----------
        X : array_like, shape (m, n_features, ...)
        y : array_like, shape (m,)
        classes : array_like, optional
            All labels that there will be, in the first call; those of `y` if not given.

        Raises
        ------
        ValueError
            If X or y cannot be used, or a label is none of the classes.
        """
        first = not hasattr(self, "network_")
        known = classes if first else self.classes_
        X, codes = self._checked(X, y, known, reset=first)
        if first:
            self._begin(X, len(self.classes_))
        self._train(X, codes, 1, stops=False)
        return self

    def predict_proba(self, X: Any) -> Any:
        """Return the probability of each class, of the shape (m, classes).

        Parameters
        ----------
        X : array_like

        Returns
        -------
        ndarray of float, shape (m, classes)
        """
        return np.array(softmax(self._logits(X)), np.float64)

    def predict(self, X: Any) -> Any:
        """Return the likeliest class of each row.

        Parameters
        ----------
        X : array_like

        Returns
        -------
        ndarray, shape (m,)
        """
        logits = self._logits(X)  # first: it refuses before `fit`
        return self.classes_[np.argmax(logits, axis=1)]

    def _logits(self, X: Any) -> Any:
        out = self._outputs(X)
        if out.shape != (len(out), len(self.classes_)):
            raise DataError(
                f"NetworkClassifier: the module gave {out.shape}; expected a logit for each of"
                f" {len(self.classes_)} classes"
            )
        return out

    def _checked(self, X: Any, y: Any, classes: Any, *, reset: bool) -> tuple[Any, Any]:
        """Return the samples, and their class numbers; set what the classes are."""
        X, y = validate_data(self, X, y, reset=reset, dtype=self.dtype, allow_nd=True)
        check_classification_targets(y)
        found = np.unique(y if classes is None else classes)
        if len(found) < 2:
            raise DataError(
                f"NetworkClassifier: expected 2 classes or more, got {len(found)} class"
            )
        codes = np.searchsorted(found, y)
        if not np.array_equal(found[np.minimum(codes, len(found) - 1)], y):
            raise DataError("NetworkClassifier: y has a label that is none of the classes")
        self.classes_ = found
        self._weights = None
        if self.class_weight is not None:
            self._weights = compute_class_weight(self.class_weight, classes=found, y=y)
        return X, codes

    def _loss(self) -> Callable[[Any, Any], Any]:
        return lambda logits, codes: cross_entropy(logits, codes, class_weights=self._weights)
