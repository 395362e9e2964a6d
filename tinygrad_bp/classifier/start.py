"""One start of a training: from fresh weights to the best that it found."""

from __future__ import annotations

import math

from tinygrad_bp.classifier.network import flat_layer
from tinygrad_bp.engine.tensor import Tensor
from tinygrad_bp.errors import warn_user
from tinygrad_bp.nn import Sequential
from tinygrad_bp.training import EarlyStopping, History


class Start:
    """A network on its way from fresh weights: its curves, and its best weights so far."""

    def __init__(self, network: Sequential, patience: int) -> None:
        self.network = network
        self.history = History()
        self.stopping = EarlyStopping(patience)

    @property
    def train_loss(self) -> float:
        """The loss of the best weights on the training part."""
        best = self.stopping.best_epoch
        return self.history["loss"][best - 1] if best else math.inf

    def restore(self) -> None:
        """Set the network to its best weights, and forget an epoch that was not looked at."""
        self.stopping.restore_best()
        self.history.cut(self.stopping.last_epoch)
        self.history.kept = self.stopping.best_epoch

    def warn_of_no_slope(self, X: Tensor, *, learned: bool, learning_rate: float) -> None:
        """Warn if the training ended where no gradient leads anywhere."""
        remedy = f"lower learning_rate ({learning_rate:g})"
        losses = self.history["loss"]
        epoch = next((i for i, one in enumerate(losses, 1) if not math.isfinite(one)), 0)
        if epoch:
            warn_user(
                f"fit: the loss is {losses[epoch - 1]} from epoch {epoch} on; kept are the"
                f" weights of epoch {self.stopping.best_epoch}: {remedy}"
            )
        if learned:  # and flat for that
            return
        place, slope = flat_layer(self.network, X)
        if place:
            warn_user(
                f"fit: hidden layer {place} is saturated, flat at every row (slopes of {slope:.0e}"
                f" at most): the weights beneath it cannot learn any more: {remedy}"
            )
