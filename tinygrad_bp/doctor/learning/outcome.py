"""How a whole run went: the error and the right answers along it, and at its end."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from types import FrameType
from typing import Any

import numpy as np

from tinygrad_bp.doctor.learning.losses import fitting
from tinygrad_bp.doctor.learning.pairs import Pair
from tinygrad_bp.doctor.watched.recorder import Recorder
from tinygrad_bp.doctor.watched.rewriting import Loop, Place
from tinygrad_bp.doctor.watched.running import Ran
from tinygrad_bp.doctor.watched.slots import Names

SOLVED, LEARNED, SLIGHT = 0.5, 0.3, 0.1  # share of the labels' variance explained
IDLE = 0.02  # merit by which a run has to get on, to have learned anything
WINDOW, FEW = 64, 4  # meetings that are judged together; of one sample, in an epoch of its own


@dataclass
class Standing:
    """How far the answers are from the labels, over one epoch.

    Attributes
    ----------
    score : float
        1 for labels that are met, 0 for the best constant answer; -1 for what is no number.
    right : float or None
        The share of right classes, where the labels are classes.
    gain : float
        By how much of what it could be the share is above that of the commonest class.
    """

    score: float
    right: float | None = None
    gain: float = 0.0
    error: float = math.nan
    remembered: bool = False  # by parameters that have grown with the samples

    @property
    def is_solved(self) -> bool:
        """Whether the task is as good as done."""
        if self.remembered:
            return False
        return self.score >= SOLVED or (self.gain >= 0.75 and self.score >= SLIGHT)

    @property
    def is_open(self) -> bool:
        """Whether hardly anything has been learned.

        The first step from weights of 0 may turn every answer the right way, and be all there is.
        """
        return self.score < LEARNED and (self.gain < 0.5 or self.score < SLIGHT)

    def is_idle(self, first: Standing) -> bool:
        """Tell whether a run came no further than its first epoch, and not far at all."""
        return not self.is_solved and self.merit - first.merit < IDLE and not self.remembered

    @property
    def merit(self) -> float:
        """One number to compare runs by."""
        return self.score if self.right is None else (self.score + self.gain) / 2

    def __str__(self) -> str:
        if self.remembered:
            return f"remembered, not learned: {replace(self, remembered=False)}"
        if self.right is not None and self.score > -1:
            return f"{self.right:.0%} right, {max(self.score, -9.99):.2f} of the variance explained"
        return "not a number" if self.score <= -1 else f"{self.score:.2f} of the variance explained"


def standing(outputs: list[Any], labels: list[Any], weights: Any = None) -> Standing:
    """Return how outputs stand to labels, over all samples that were compared."""
    weights = fitting(weights, labels) if weights is not None else None
    pairs = [np.broadcast_arrays(o, y) for o, y in zip(outputs, labels, strict=True)]
    if not pairs:
        return Standing(-1.0)
    if not all(np.isfinite(o).all() for o, _ in pairs):
        return Standing(-1.0)
    o = np.concatenate([np.ravel(one) for one, _ in pairs]).astype(float)
    y = np.concatenate([np.ravel(one) for _, one in pairs]).astype(float)
    w = np.ones(y.shape)
    if weights is not None:
        w = np.ravel(np.broadcast_to(weights, pairs[0][1].shape))
    with np.errstate(all="ignore"):
        error = float(np.average((o - y) ** 2, weights=w))
    spread = float(np.average((y - np.average(y, weights=w)) ** 2, weights=w))
    score = max(1 - error / spread, -0.99) if spread > 0 else 0.0
    classes = [_classes(a, b) for a, b in pairs]
    right, gain = None, 0.0
    values = np.unique(y)
    if all(one is not None for one in classes):
        got = np.concatenate([one[0] for one in classes if one is not None])
        want = np.concatenate([one[1] for one in classes if one is not None])
        right, gain = _share(got == want, want)
    elif len(values) == 2:
        middle = values.mean()
        right, gain = _share((o > middle) == (y > middle), y > middle, w)
    return Standing(score, right, gain, error)


def _share(hits: Any, wanted: Any, weights: Any = None) -> tuple[float, float]:
    w = np.ones(np.shape(hits)) if weights is None else weights
    common = max(w[wanted == one].sum() for one in np.unique(wanted)) / w.sum()
    right = float(np.average(hits, weights=w))
    return right, float((right - common) / max(1 - common, 1e-9)) if common < 1 else 0.0


def classes_of(label: Any) -> Any:
    """Return labels as they are counted: one-hot ones as the numbers of their classes."""
    found = _classes(label, label)
    return np.ravel(label) if found is None else found[1]


def _classes(o: Any, y: Any) -> tuple[Any, Any] | None:
    """Return answered and wanted classes of one-hot labels, whichever axis the classes have."""
    if y.ndim == 0 or y.size < 2 or not np.all((y == 0) | (y == 1)):
        return None
    for axis in (y.ndim - 1, 0):
        if y.shape[axis] > 1 and np.all(y.sum(axis=axis) == 1):
            return np.ravel(o.argmax(axis=axis)), np.ravel(y.argmax(axis=axis))
    return None


@dataclass
class Outcome:
    """A whole run: its curve over the epochs, and where it ended."""

    ran: Ran
    curve: list[tuple[int, Standing]] = field(default_factory=list)
    epochs: int = 0
    steps: int = 0
    grown: bool = False  # a parameter has changed its shape
    labels: tuple[float, float] | None = None  # the least and the largest

    @property
    def is_open(self) -> bool:
        """Whether hardly anything was learned, or nothing that was not known at the start."""
        final = self.final
        return final.is_open or (len(self.curve) > 2 and final.is_idle(self.curve[0][1]))

    @property
    def final(self) -> Standing:
        """The last epoch's standing."""
        last = self.curve[-1][1] if self.curve else Standing(-1.0)
        return replace(last, remembered=True) if self.grown else last


class Follower:
    """Takes down the comparisons of a run, epoch by epoch; most epochs it only counts."""

    def __init__(
        self, recorder: Recorder, loop: Loop, epoch: Place, pair: Pair, weights: Any = None
    ) -> None:
        self.recorder, self.loop, self.epoch, self.pair = recorder, loop, epoch, pair
        self.weights = weights  # of the samples, where the loss has any
        self.outputs: list[Any] = []
        self.labels: list[Any] = []
        self.curve: list[tuple[int, Standing]] = []
        self.epochs = self.steps = self.fresh = 0
        self.next = 1.0
        self.last: list[list[Any]] | None = None  # outputs and labels of an epoch
        self.range: tuple[float, float] | None = None
        self.always: set[tuple[float, float]] | None = None  # answer and label, in each epoch

    def head(self, place: Place, _frame: FrameType) -> None:
        """Begin an iteration of any loop."""
        if place == self.loop.place:
            self.steps += 1
        if place == self.epoch:
            self.close(last=False)
            self.epochs, self.fresh = self.epochs + 1, 0

    def met(self, left: Any, right: Any) -> None:
        """Take one comparison."""
        if len(self.outputs) < 5000:
            output, label = self.pair.sides(left, right)
            copy = self.pair.operation == "-" and isinstance(output, np.ndarray)
            self.outputs.append(output.copy() if copy else output)
            self.labels.append(label)
            self.fresh += 1

    def close(self, *, last: bool) -> None:
        """End an epoch."""
        if self.outputs and (last or self.epochs >= self.next):
            self.curve.append((self.epochs, standing(self.outputs, self.labels, self.weights)))
            self.last = [[np.asarray(one) for one in some] for some in (self.outputs, self.labels)]
            every = [value for one in self.labels for value in (np.min(one), np.max(one))]
            every += [*self.range] if self.range is not None else []
            self.range = float(min(every)), float(max(every))
            self.next = self.epochs * 1.15 + 1
            if self.always is None or self.always:
                sides = [np.concatenate([np.ravel(o) for o in some]) for some in self.last]
                pairs = {*zip(*(one.tolist() for one in sides), strict=False)}
                self.always = pairs if self.always is None else self.always & pairs
        if not last:  # an epoch of one sample is judged with those before it
            kept = WINDOW if self._is_alone() else 0
            self.outputs = self.outputs[len(self.outputs) - min(kept, len(self.outputs)) :]
            self.labels = self.labels[len(self.labels) - min(kept, len(self.labels)) :]

    def _is_alone(self) -> bool:
        """Tell whether this epoch has met one number as its label, and no other."""
        some = self.labels[-self.fresh :] if 0 < self.fresh <= FEW else []
        plain = bool(some) and all(np.size(one) == 1 for one in some)
        return plain and len({float(np.sum(one)) for one in some}) == 1


def first_rise(curve: list[tuple[int, Standing]]) -> int | None:
    """Return the epoch from which on answers were no numbers."""
    return next((epoch for epoch, one in curve if one.score <= -1), None)


def names_at(frame: FrameType) -> Names:
    """Return the names at a head, as they are: writing local numbers needs `write_back`."""
    local = frame.f_locals if frame.f_locals is not frame.f_globals else {}
    return Names(frame.f_globals, local)
