"""`Loop`: epoch after epoch, what is called in between, and what an interrupt leaves."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from tinygrad_bp.nn import Module
from tinygrad_bp.training.generators import Generators
from tinygrad_bp.training.history import History
from tinygrad_bp.training.probe import Probe

HOOKS = ("before_fit", "after_step", "after_epoch", "after_fit")


def is_callback(one: Any) -> bool:
    """Tell whether a loop finds something to call."""
    return not isinstance(one, type) and (callable(one) or any(hasattr(one, h) for h in HOOKS))


class Loop:
    """A training under way: what callbacks are given.

    Parameters
    ----------
    model : Module
    train_epoch : callable
        Trains for one epoch, and returns its numbers by name.
    callbacks : iterable
        Each is a function of this loop, called after each epoch, or an object with methods that
        take it: ``before_fit``, ``after_step``, ``after_epoch``, ``after_fit``, the last one after
        an interrupt too.
    history : History, optional
        Of the epochs before, from which it goes on.
    watched : str, default "loss"
        The number that callbacks look at if they are not told of another; lower is better.
    optimizer : Optimizer, optional
    generators : Generators, optional
        Those of the model, if not given.
    probe : Probe, optional
        How `Observe` looks at some rows.
    writes : bool, default True
        Whether this process writes files: one of several that train together.

    Attributes
    ----------
    history : History
    epoch : int
        How many epochs there have been, with those before.
    epochs : int
        How many there are to be.
    """

    def __init__(
        self,
        model: Module,
        train_epoch: Callable[[], Mapping[str, float]],
        callbacks: Iterable[Any] = (),
        *,
        history: History | None = None,
        watched: str = "loss",
        optimizer: Any = None,
        generators: Generators | None = None,
        probe: Probe | None = None,
        writes: bool = True,
    ) -> None:
        self.model, self.optimizer, self.watched = model, optimizer, watched
        self.generators = Generators(model) if generators is None else generators
        self.writes = writes
        self.probe = probe
        self.epochs = 0
        self.history = History() if history is None else history
        # sorted stably: one that writes down what the others have come to is the last
        self.callbacks = sorted(callbacks, key=lambda one: int(getattr(one, "last", 0)))
        self._train_epoch = train_epoch
        self._hooks = {name: self._methods(name) for name in HOOKS}

    @property
    def epoch(self) -> int:
        """How many epochs there have been."""
        return self.history.epochs

    def stop(self, reason: str) -> None:
        """End the training after this epoch.

        Parameters
        ----------
        reason : str
            For the history.
        """
        self.history.stopped = reason

    def run(self, epochs: int) -> History:
        """Train until there have been so many epochs, or a callback says that it is enough.

        Parameters
        ----------
        epochs : int

        Returns
        -------
        History
        """
        self.epochs = epochs
        try:
            self.call("before_fit")
            while self.epoch < epochs and self.history.stopped is None:
                self.history.append(self._train_epoch())
                self.call("after_epoch")
        finally:
            self.call("after_fit")
        return self.history

    def call(self, hook: str) -> None:
        """Call what the callbacks have under this name.

        Parameters
        ----------
        hook : str
        """
        for method in self._hooks[hook]:
            method(self)

    def _methods(self, hook: str) -> list[Callable[[Loop], Any]]:
        named = [getattr(one, hook, None) for one in self.callbacks]
        if hook == "after_epoch":
            plain = (not any(hasattr(one, name) for name in HOOKS) for one in self.callbacks)
            pairs = zip(self.callbacks, named, plain, strict=True)
            named = [one if is_plain else method for one, method, is_plain in pairs]
        return [method for method in named if method is not None]
