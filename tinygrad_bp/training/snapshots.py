"""The weights and buffers of a model at a moment, to come back to."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_bp.engine.changes import assign
from tinygrad_bp.nn import Module
from tinygrad_bp.nn.state import State


class Snapshots:
    """Takes snapshots of a model, and gives it back what is in one.

    Of a model that has parameters alone they cost no copy: an optimizer makes new values, and never
    writes into one that is there.
    """

    def __init__(self, model: Module) -> None:
        self._model, self._parameters = model, model.parameters()
        self.names = list(model.state())
        self._plain = len(self.names) == len(self._parameters)

    def take(self) -> list[Any]:
        """Return the arrays in the order of `names`, not to be written to."""
        if self._plain:
            return [parameter._value for parameter in self._parameters]
        return list(self._model.state().values())

    def give_back(self, arrays: list[Any]) -> None:
        """Set the model to what `take` returned."""
        if self._plain:
            assign(self._parameters, arrays)
        else:
            self._model.load_state(self.named(arrays))

    def named(self, arrays: list[Any]) -> State:
        """Return copies of the arrays of a snapshot by name."""
        return {name: np.array(one) for name, one in zip(self.names, arrays, strict=True)}
