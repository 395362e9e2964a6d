"""What the estimators of any module share: how it is built, trained, and asked."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from dataclasses import KW_ONLY, dataclass
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted, validate_data

from tinygrad_bp.classifier.settings import RandomState, generator
from tinygrad_bp.engine.modes import no_grad
from tinygrad_bp.errors import DataError
from tinygrad_bp.nn import Linear, Module, Sequential, Tanh
from tinygrad_bp.nn.parameters import size
from tinygrad_bp.optim import Adam
from tinygrad_bp.training import EarlyStopping, History, fit

HIDDEN = 32  # units of the network that is built where none is given


@dataclass(eq=False, repr=False)
class NetworkEstimator(BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """What both estimators share: the module, and how it is trained."""

    module: Any = None
    _: KW_ONLY
    optimizer: Callable[..., Any] = Adam
    learning_rate: float = 0.01
    epochs: int = 100
    batch_size: int | None = 32
    validation_fraction: float = 0.2
    patience: int | None = None
    dtype: Any = np.float64
    random_state: RandomState = None
    progress: bool = False

    def _begin(self, X: Any, outputs: int) -> None:
        """Build the network and what trains it, anew."""
        self._rng = generator(self.random_state, type(self).__name__)
        self.network_ = self._built(X, outputs)
        self.optimizer_ = self.optimizer(self.network_.parameters(), lr=self.learning_rate)
        self.history_ = History()

    def _built(self, X: Any, outputs: int) -> Module:
        if isinstance(self.module, Module):
            return deepcopy(self.module)
        build = _network if self.module is None else self.module
        if isinstance(build, type) or not callable(build):
            raise TypeError(
                f"{type(self).__name__}: module={build!r:.60}; expected a tg.nn.Module, or a"
                " function of (features, outputs, rng) that makes one"
            )
        network: Module = build(X.shape[1], outputs, self._rng)
        return network

    def _train(self, X: Any, target: Any, epochs: int, *, stops: bool) -> None:
        held = self.validation_fraction if stops and self.patience is not None else None
        callbacks = [] if held is None else [EarlyStopping(self.patience or 1)]
        fit(
            self.network_,
            self._loss(),
            (X, target),
            self.optimizer_,
            epochs=self.history_.epochs + size(type(self).__name__, "epochs", epochs),
            batch_size=self.batch_size,
            validation=held,
            callbacks=callbacks,
            history=self.history_,
            rng=self._rng,
            progress=self.progress,
        )
        self.network_.eval()
        self.n_iter_, self.loss_curve_ = self.history_.epochs, self.history_["loss"]

    def _loss(self) -> Callable[[Any, Any], Any]:
        raise NotImplementedError

    def _samples(self, X: Any, *, reset: bool) -> Any:
        return validate_data(self, X, reset=reset, dtype=self.dtype, allow_nd=True)

    def _outputs(self, X: Any) -> Any:
        """Return what the network gives for each row."""
        check_is_fitted(self, "network_")
        X = self._samples(X, reset=False)
        with no_grad():
            out = np.array(self.network_(X))
        if out.ndim not in (1, 2) or len(out) != len(X):
            raise DataError(
                f"{type(self).__name__}: the module gave {out.shape} for {len(X)} rows; expected"
                " (rows, outputs)"
            )
        return out


def _network(features: int, outputs: int, rng: np.random.Generator) -> Module:
    return Sequential(Linear(features, HIDDEN, rng=rng), Tanh(), Linear(HIDDEN, outputs, rng=rng))
