"""`Observe`: look at a training while it runs, for its report."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from tinygrad_bp.elsewhere.calls import answers
from tinygrad_bp.engine.tensor import Tensor
from tinygrad_bp.errors import NonFiniteError
from tinygrad_bp.nn.state import State
from tinygrad_bp.training.loop import Loop
from tinygrad_bp.training.measuring import (
    as_after_training,
    frame_of,
    layers_of,
    look,
    with_activations,
)
from tinygrad_bp.training.observed import Observed
from tinygrad_bp.training.plane import levels, plane_of
from tinygrad_bp.training.probe import Probe
from tinygrad_bp.training.steps import rows_of


class Observe:
    """Looks at gradients, steps, activations and weights; `History.report` shows them.

    It takes up to a hundred frames, each of an epoch, the further apart the later they are, however
    many epochs come: at each the loss of some rows is computed as after the training, and its
    gradients.  The training ends with the same bits as one that is not observed.  A `Checkpoint`
    keeps the frames, so that a training that goes on has the earlier ones too.

    Parameters
    ----------
    sample : (X, y), optional
        The rows to look at; if not given, at most 256 of the data, evenly taken, or of data that
        come in batches the first that is seen.

    Examples
    --------
    >>> import numpy as np
    >>> from tinygrad_bp import nn, optim, training
    >>> X = np.linspace(-1.0, 1.0, 64)[:, None]
    >>> net = nn.Sequential(nn.Linear(1, 4, rng=0), nn.Tanh(), nn.Linear(4, 1, rng=1))
    >>> history = training.fit(net, nn.mse, (X, np.sin(X)), optim.Adam(net.parameters(), 0.01),
    ...                        epochs=5, rng=0, progress=False, callbacks=[training.Observe()])
    >>> [frame.epoch for frame in history.observed.frames]
    [0, 1, 2, 3, 4, 5]
    >>> page = history.report()
    """

    last = 1  # of the callbacks but for `Checkpoint`: it sees what the others have come to

    @answers
    def __init__(self, sample: tuple[Any, Any] | None = None) -> None:
        self._given = sample
        self._sample = sample
        self._observed = Observed()
        self._parameters: list[Tensor] = []
        # the values before the last step, None before the first one, and those now
        self._earlier: list[Any] | None = None
        self._now: list[Any] = []

    def before_fit(self, loop: Loop) -> None:
        """Begin anew, or go on with what the history has; look at the start."""
        self._parameters = loop.model.parameters()
        names = [name for name, _ in loop.model.named_parameters()]
        known = loop.history.observed
        if known is None or known.parameters != names or not loop.epoch:
            known = Observed(names, layers_of(loop.model))
        self._observed = loop.history.observed = known
        self._observed.failure = ""
        self._sample, self._earlier = self._given, None
        self._now = [one._value for one in self._parameters]
        if not loop.epoch and self._rows(_probe(loop)) is not None:
            self._look(loop, 0)

    def after_step(self, loop: Loop) -> None:
        """Note the values, which costs a list of references, and the first batch."""
        self._rows(_probe(loop))
        now = [one._value for one in self._parameters]
        if any(a is not b for a, b in zip(now, self._now, strict=True)):
            self._earlier, self._now = self._now, now

    def after_epoch(self, loop: Loop) -> None:
        """Look, if it is time."""
        self.after_step(loop)
        ended = loop.epoch == loop.epochs or loop.history.stopped is not None
        if ended or self._observed.wants(loop.epoch):
            self._look(loop, loop.epoch)

    def after_fit(self, loop: Loop) -> None:
        """Look at the weights that were kept, or note why there are none."""
        error = sys.exception()
        if isinstance(error, NonFiniteError):
            self._observed.failure = str(error).partition(";")[0]
        kept = loop.history.kept
        seen = {frame.epoch for frame in self._observed.frames}
        if error is None and kept is not None and kept not in seen:
            self._earlier = None  # the step to these weights is not known any more
            self._now = [one._value for one in self._parameters]
            self._look(loop, kept)

    def _rows(self, probe: Probe) -> tuple[Any, Any] | None:
        if self._sample is None:
            self._sample = probe.sample()
        return self._sample

    def _look(self, loop: Loop, epoch: int) -> None:
        probe, found = _probe(loop), self._observed
        sample = self._rows(probe)
        if sample is None:
            return
        if not found.frames:
            found.begun = max(epoch - 1, 0)
        drawn = loop.generators.state()
        try:
            with as_after_training(loop.model):
                looked = look(probe, self._parameters, sample)
                found.layers, flat = with_activations(found.layers, self._parameters, looked)
                if not found.frames:
                    found.rows = rows_of(sample[1])
                    found.plane = plane_of(probe, sample, looked)
                dtype = self._parameters[0].dtype
                field: Any = np.zeros(0, np.uint8)
                if found.plane is not None:
                    field = levels(probe, found.plane, dtype)
                values = self._earlier, self._now
                found.add(frame_of(epoch, looked, found.layers, flat, values, field))
        finally:
            loop.generators.load_state(drawn)

    def state(self) -> State:
        """Return the frames, as `load_state` takes them.

        Returns
        -------
        dict of str to array
        """
        return self._observed.state()

    def load_state(self, state: Mapping[str, Any]) -> None:
        """Go on from what `state` returned; of a training that was not observed, from now on.

        Parameters
        ----------
        state : mapping of str to array
        """
        if state:
            self._observed.load_state(state)
        else:
            vars(self._observed).update(vars(replace(self._observed, frames=[])))
        self._earlier, self._now = None, [one._value for one in self._parameters]


def _probe(loop: Loop) -> Probe:
    if loop.probe is None:
        raise TypeError("Observe: this Loop has no probe; give it one: Loop(..., probe=Probe(...))")
    return loop.probe
