"""What the network's estimators share: settings, starts, and how a start is trained."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import KW_ONLY, dataclass
from operator import attrgetter
from typing import Any, Self

import numpy as np

from tinygrad_bp.classifier.epochs import CompiledEpochs, Task, eager_epochs
from tinygrad_bp.classifier.network import sigmoid_network
from tinygrad_bp.classifier.samples import features, mean_and_scale, standardized
from tinygrad_bp.classifier.settings import RandomState, check_settings, generator
from tinygrad_bp.classifier.start import Start
from tinygrad_bp.classifier.tasks import Part
from tinygrad_bp.elsewhere.attributes import OF_ESTIMATOR, answer
from tinygrad_bp.engine.modes import enable_grad, no_grad
from tinygrad_bp.engine.tensor import Tensor, wrap
from tinygrad_bp.errors import DataError, TinygradError, warn_user
from tinygrad_bp.nn import Sequential
from tinygrad_bp.optim import Adam
from tinygrad_bp.training import Loop, Probe
from tinygrad_bp.training.probe import ROWS, every

# Rows to watch; of fewer the lowest loss is chance.
LEAST_HELD = 3

OnEpoch = Callable[[int, float, float | None, Any], None]


class NotFittedError(TinygradError, ValueError, AttributeError):
    """An estimator was asked to predict before it was fitted."""


@dataclass(eq=False)
class SigmoidEstimator:
    """A network of sigmoids: base of `SigmoidClassifier` and `SigmoidRegressor`."""

    hidden: Sequence[int] = (5, 5)
    _: KW_ONLY
    learning_rate: float = 0.05
    max_epochs: int = 1500
    validation_fraction: float = 0.2
    # Over seeds 100 to 124 of the bundled and the generated sets, twice as many never helped the
    # held-out loss, and half as many gave up on some moons.
    patience: int = 100
    restarts: int = 3
    compile: bool = False
    random_state: RandomState = None

    def _fit(
        self,
        X: Any,
        y: Any,
        task_of: Callable[[Any], Task],
        on_epoch: OnEpoch | None,
        callbacks: Iterable[Any],
    ) -> Self:
        """Train on checked samples and targets; `task_of` takes the targets to train on."""
        rng = generator(self.random_state, type(self).__name__)
        share = self.validation_fraction
        train, held = self._split(y, share, rng) if share else (np.arange(len(y)), np.arange(0))
        vars(self).pop("network_", None)  # interrupted before the first epoch: not fitted
        self.n_features_in_ = X.shape[1]
        self.mean_, self.scale_ = mean_and_scale(X[train])
        Z = self.standardize(X)
        task = task_of(y[train])
        with enable_grad():  # whatever is in force around it
            self._start_until_one_learns(
                task,
                task.part(Z[train], y[train]),
                task.part(Z[held], y[held]) if len(held) else None,
                task.stuck * task.constant_loss(y[train]),
                rng,
                on_epoch,
                list(callbacks),
            )
        return self

    def _split(self, y: Any, share: float, rng: np.random.Generator) -> tuple[Any, Any]:
        """Return the rows to train on, and those that early stopping watches."""
        raise NotImplementedError

    def _checked(self, X: Any) -> Any:
        check_settings(self)
        return features("fit", X)

    def _too_few(self, rows: int, what: str) -> None:
        """Warn that nothing is held out."""
        warn_user(
            f"fit: {rows} rows{what}, are too few to hold {self.validation_fraction:.0%} out for"
            f" early stopping; trained on all {rows} rows (validation_fraction=0 says that this is"
            " meant)"
        )

    def get_params(self, deep: bool = True) -> dict[str, Any]:  # noqa: ARG002  # scikit-learn's
        """Raise TypeError: scikit-learn needs the estimator of `tinygrad_bp.sklearn`.

        Parameters
        ----------
        deep : bool
            As scikit-learn calls it.
        """
        name = type(self).__name__
        raise TypeError(
            f"{name}: for scikit-learn's pipelines, searches and scores take"
            f" tinygrad_bp.sklearn.{name}, which is the same network"
        )

    def __sklearn_tags__(self) -> Any:
        return self.get_params()  # raises

    def standardize(self, X: Any) -> Any:
        """Return `X` as the network takes it: less ``mean_``, divided by ``scale_``.

        Parameters
        ----------
        X : ndarray of float64, shape (m, n_features)
            Any finite values; what is farther than 1e100 from the mean counts as 1e100.

        Returns
        -------
        ndarray of float64, shape (m, n_features)
        """
        return standardized(X, self.mean_, self.scale_)

    def _outputs(self, X: Any) -> Any:
        """Return what the network gives for each row of `X`, of the shape (m, outputs).

        Raises
        ------
        NotFittedError
            Before `fit`.
        DataError
            If X cannot be used, or has another number of features than the samples of `fit`.
        """
        if not hasattr(self, "network_"):
            raise NotFittedError(f"{type(self).__name__}: not fitted yet; call fit(X, y) first")
        X = features("predict", X)
        if X.shape[1] != len(self.mean_):
            raise DataError(
                f"predict: X has {X.shape[1]} features, but the network was fitted with"
                f" {len(self.mean_)}; pass the same columns in the same order"
            )
        with no_grad():
            return np.array(self.network_(self.standardize(X)))

    def __getstate__(self) -> dict[str, Any]:
        """Return settings, numbers and arrays alone: no pickle depends on the engine's insides."""
        state = vars(self).copy()
        if "network_" in state:
            state["network_"] = self.network_.state()
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        if "network_" in state:
            weights = [array for array in state["network_"].values() if array.ndim == 2]
            sizes = (len(weights[0]), *(array.shape[1] for array in weights))
            self.network_ = sigmoid_network(sizes, rng=0)
            self.network_.load_state(state["network_"])

    def _start_until_one_learns(
        self,
        task: Task,
        train: Part,
        held: Part | None,
        limit: float,
        rng: np.random.Generator,
        on_epoch: OnEpoch | None,
        callbacks: Sequence[Any],
    ) -> None:
        """Train from fresh weights, anew while the loss is above `limit`; keep the best start."""
        sizes = (self.n_features_in_, *self.hidden, task.outputs)
        starts: list[Start] = []
        try:
            while len(starts) <= self.restarts:
                start = Start(sigmoid_network(sizes, rng), self.patience)
                starts.append(start)
                self.restarts_ = self.start_ = len(starts) - 1
                self._train(start, task, train, held, on_epoch, callbacks)
                if start.train_loss < limit or len(self.hidden) == 0:
                    break
        finally:  # an interrupt too leaves the best weights so far
            begun = [start for start in starts if start.stopping.last_epoch]
            if begun:
                kept = min(begun, key=attrgetter("train_loss"))
                kept.restore()
                self.start_ = starts.index(kept)
                self._show(kept)
        learned = kept.train_loss < limit
        kept.warn_of_no_slope(train.X, learned=learned, learning_rate=self.learning_rate)

    def _train(
        self,
        start: Start,
        task: Task,
        train: Part,
        held: Part | None,
        on_epoch: OnEpoch | None,
        callbacks: Sequence[Any],
    ) -> None:
        """Train one network until the watched loss has not fallen for `patience` epochs."""
        network = start.network
        optimizer = Adam(network.parameters(), lr=self.learning_rate)
        self.backend_ = "eager"
        if self.compile:
            compiled = CompiledEpochs(network, optimizer, task)
            losses = compiled.losses(train, held)
        else:
            losses = eager_epochs(network, optimizer, task, train, held)

        def epoch() -> dict[str, float]:
            loss, validation = next(losses)
            if self.compile:
                self.backend_ = compiled.backend
            return {"loss": loss} | ({} if validation is None else {"validation_loss": validation})

        def news(loop: Loop) -> None:
            self._show(start)
            if on_epoch is not None:
                validation = self.validation_curve_[-1] if held is not None else None
                on_epoch(loop.epoch, self.loss_curve_[-1], validation, self)

        loop = Loop(
            network,
            epoch,
            [start.stopping, *callbacks, news],
            history=start.history,
            watched="loss" if held is None else "validation_loss",
            optimizer=optimizer,
            probe=self._probe(network, task, train),
        )
        loop.run(self.max_epochs)

    def _probe(self, network: Sequential, task: Task, train: Part) -> Probe:
        """Return how some rows of the training part are looked at, in the features' own units."""
        chosen = every(len(train.y), ROWS)
        X = wrap(train.X._value[chosen])
        y = wrap(train.y._value[chosen]) if isinstance(train.y, Tensor) else train.y[chosen]
        weights = None if train.weights is None else train.weights[chosen]
        return Probe(
            network,
            lambda out, y: task.loss(out, Part(X, y, weights)),
            lambda: (X, y),
            self.mean_,
            self.scale_,
        )

    def _show(self, start: Start) -> None:
        curves = start.history
        self.network_ = start.network
        self.loss_curve_, self.validation_curve_ = curves["loss"], curves.get("validation_loss", [])
        self.n_iter_ = curves.epochs
        self.history_ = curves


answer(SigmoidEstimator, OF_ESTIMATOR)
