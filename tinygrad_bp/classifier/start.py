"""One start of a training: from fresh weights to the best that it found."""

from __future__ import annotations

import math

from tinygrad_bp.classifier.network import flat_layer
from tinygrad_bp.engine.tensor import Tensor
from tinygrad_bp.errors import warn_user
from tinygrad_bp.nn import Sequential
from tinygrad_bp.nn.state import assign


class Start:
    """A network on its way from fresh weights: its curves, and its best weights so far."""

    def __init__(self, network: Sequential) -> None:
        self.network = network
        self.parameters = network.parameters()
        self.losses: list[float] = []
        self.validation_losses: list[float] = []
        # of the best weights: the watched loss, that of the training part, and when they were found
        self.best_loss, self.train_loss, self.best_epoch = math.inf, math.inf, 0
        self.best_weights = [parameter.detach() for parameter in self.parameters]

    def record(self, loss: float, validation: float | None) -> None:
        """Take down an epoch; keep its weights if the watched loss is the lowest so far."""
        watched = loss if validation is None else validation
        if watched < self.best_loss:
            # no copies: the optimizer makes new values, it never writes into one
            self.best_weights = [parameter.detach() for parameter in self.parameters]
            self.best_loss, self.train_loss = watched, loss
            self.best_epoch = len(self.losses) + 1
        if validation is not None:
            self.validation_losses.append(validation)
        self.losses.append(loss)  # last: an epoch counts once its weights are safe

    def restore(self) -> None:
        """Set the network to its best weights."""
        assign(self.parameters, [weights._value for weights in self.best_weights])
        del self.validation_losses[len(self.losses) :]  # of an epoch interrupted halfway

    def warn_of_no_slope(self, X: Tensor, *, learned: bool, learning_rate: float) -> None:
        """Warn if the training ended where no gradient leads anywhere."""
        remedy = f"lower learning_rate ({learning_rate:g})"
        epoch = next((i for i, one in enumerate(self.losses, 1) if not math.isfinite(one)), 0)
        if epoch:
            warn_user(
                f"fit: the loss is {self.losses[epoch - 1]} from epoch {epoch} on; kept are the"
                f" weights of epoch {self.best_epoch}: {remedy}"
            )
        if learned:  # and flat for that
            return
        place, slope = flat_layer(self.network, X)
        if place:
            warn_user(
                f"fit: hidden layer {place} is saturated, flat at every row (slopes of {slope:.0e}"
                f" at most): the weights beneath it cannot learn any more: {remedy}"
            )
