"""Steps of a training as plain data, for the explorer's slider."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tinygrad_bp.errors import DataError
from tinygrad_bp.view.picture.records import Numbers

MOST = 100  # frames; more are not told apart on a slider


@dataclass(frozen=True)
class Frame:
    """One step.

    Attributes
    ----------
    epoch : int
    loss : float
        On the training part, in nats.
    heldout_loss : float or None
    parameters : mapping of str to tuple of float
        Their elements in C order, by name.
    field : tuple of float
        Probability of class 1 over `TrainingFrames.bounds`, row by row from the bottom left; empty
        if there is nothing to draw.
    """

    epoch: int
    loss: float
    heldout_loss: float | None
    parameters: Mapping[str, Numbers]
    field: Numbers = ()


@dataclass(frozen=True)
class TrainingFrames:
    """A training to look at: at most 100 frames, and the samples.

    Attributes
    ----------
    frames : tuple of Frame
    shapes : mapping of str to tuple of int
        Of the parameters.
    points : tuple of (float, float)
        Samples in the plane of two features.
    labels : tuple of int
        0 or 1 for each.
    bounds : tuple of four floats
        Left, right, bottom, top of the field.
    side : int
        Points of the field along each axis.
    features, classes : tuple of str

    Raises
    ------
    DataError
        If there are no frames or more than 100, or a field does not have side × side elements.
    """

    frames: tuple[Frame, ...]
    shapes: Mapping[str, tuple[int, ...]]
    points: tuple[tuple[float, float], ...] = ()
    labels: tuple[int, ...] = ()
    bounds: tuple[float, float, float, float] = (0.0, 1.0, 0.0, 1.0)
    side: int = 0
    features: tuple[str, ...] = ("x1", "x2")
    classes: tuple[str, ...] = ("0", "1")

    def __post_init__(self) -> None:
        if not 1 <= len(self.frames) <= MOST:
            raise DataError(f"TrainingFrames: {len(self.frames)} frames; expected 1 to {MOST}")
        if any(len(frame.field) not in (0, self.side**2) for frame in self.frames):
            raise DataError(f"TrainingFrames: a field has not {self.side}×{self.side} elements")
        if len(self.points) != len(self.labels):
            raise DataError(f"TrainingFrames: {len(self.points)} points, {len(self.labels)} labels")
