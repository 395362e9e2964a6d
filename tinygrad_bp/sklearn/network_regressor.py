"""`NetworkRegressor`: any module as a regressor of scikit-learn's."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from sklearn.base import RegressorMixin
from sklearn.utils.validation import validate_data

from tinygrad_bp.nn import mse
from tinygrad_bp.sklearn.network import NetworkEstimator


@dataclass(eq=False, repr=False, kw_only=True)
class NetworkRegressor(RegressorMixin, NetworkEstimator):  # type: ignore[misc]  # the same
    """Any module as a regressor, of one target or several.

    Parameters
    ----------
    module : Module, or callable, optional
        Gives a number for each target, (m, targets), or (m,); as in `NetworkClassifier`.
    loss : callable, default tg.nn.mse
        ``loss(prediction, target)``, both (m, targets).
    optimizer : callable, default tg.optim.Adam
        Called as ``optimizer(parameters, lr=learning_rate)``.
    learning_rate : float, default 0.01
    epochs : int, default 100
    batch_size : int or None, default 32
        None for all rows at once.
    validation_fraction : float, default 0.2
        Share of the rows that is held out, if there is a `patience`.
    patience : int, optional
        As in `NetworkClassifier`.
    dtype : dtype, default float64
        What X is converted to.
    random_state : int, Generator or RandomState, optional
        The same seed gives the same bits.
    progress : bool, default False
        Show the training.

    Attributes
    ----------
    network_ : Module
    history_ : History
    loss_curve_ : list of float
    n_iter_, n_features_in_ : int

    Notes
    -----
    Targets are taken as they are; scikit-learn's ``TransformedTargetRegressor`` scales them.

    Examples
    --------
    >>> import numpy as np
    >>> x = np.linspace(-1.0, 1.0, 80)
    >>> model = NetworkRegressor(epochs=200, random_state=0).fit(x[:, None], x**2)
    >>> model.score(x[:, None], x**2) > 0.9
    True
    """

    loss: Callable[[Any, Any], Any] | None = None

    def fit(self, X: Any, y: Any) -> Self:
        """Train a fresh network.

        Parameters
        ----------
        X : array_like, shape (m, n_features, ...)
        y : array_like, shape (m,) or (m, targets)

        Raises
        ------
        ValueError
            If X or y cannot be used.
        """
        X, target = self._checked(X, y, reset=True)
        self._begin(X, target.shape[1])
        self._train(X, target, self.epochs, stops=True)
        return self

    def partial_fit(self, X: Any, y: Any) -> Self:
        """Go on with one epoch over these samples.

        Parameters
        ----------
        X : array_like, shape (m, n_features, ...)
        y : array_like, shape (m,) or (m, targets)

        Raises
        ------
        ValueError
            If X or y cannot be used.
        """
        first = not hasattr(self, "network_")
        X, target = self._checked(X, y, reset=first)
        if first:
            self._begin(X, target.shape[1])
        self._train(X, target, 1, stops=False)
        return self

    def predict(self, X: Any) -> Any:
        """Return the prediction for each row.

        Parameters
        ----------
        X : array_like

        Returns
        -------
        ndarray of float, of the shape of the targets
        """
        out = self._outputs(X)
        return out.reshape(len(out)) if self._flat else out

    def _checked(self, X: Any, y: Any, *, reset: bool) -> tuple[Any, Any]:
        X, y = validate_data(
            self,
            X,
            y,
            reset=reset,
            dtype=self.dtype,
            allow_nd=True,
            multi_output=True,
            y_numeric=True,
        )
        target = np.asarray(y, X.dtype if X.dtype.kind == "f" else np.float64)
        self._flat = target.ndim == 1
        return X, target.reshape(len(target), -1)

    def _loss(self) -> Callable[[Any, Any], Any]:
        loss = self.loss or mse
        return lambda out, target: loss(out[:, None] if out.ndim == 1 else out, target)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags
