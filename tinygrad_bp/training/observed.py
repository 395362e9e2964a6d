"""What was seen of a training: frames of numbers, at most a hundred of them."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from operator import attrgetter
from typing import Any

import numpy as np

from tinygrad_bp.errors import ModelFileError
from tinygrad_bp.nn.state import State

MOST = 100  # frames; more are not told apart on a screen
BINS = 24  # of a histogram
SIDE = 40  # points of a field along each axis


@dataclass(frozen=True)
class Layer:
    """A module that holds parameters of its own.

    Attributes
    ----------
    name, kind : str
        Its place in the model, and what it is.
    parameters : tuple of int
        Places of its parameters among those of the model.
    activation : str
        What follows it and can be saturated, such as ``"sigmoid"``; empty if nothing does.
    units : int
        How many of these there are.
    """

    name: str
    kind: str
    parameters: tuple[int, ...]
    activation: str = ""
    units: int = 0


@dataclass(frozen=True)
class Plane:
    """Where two features are looked at, and the samples in it.

    Attributes
    ----------
    kind : "probability", "classes" or "number"
        What a level of a field is: 0 to 255 from the first class to the second; or the class times
        32 and how sure it is, to 31; or 0 to 255 from the lowest target to the highest.
    bounds : tuple of four floats
        Left, right, bottom, top.
    points : tuple of (float, float)
    labels : tuple of float
        Of the points: classes from 0, or numbers from 0 to 1.
    span : (float, float)
        The lowest and the highest target.
    """

    kind: str
    bounds: tuple[float, float, float, float]
    points: tuple[tuple[float, float], ...]
    labels: tuple[float, ...]
    span: tuple[float, float] = (0.0, 1.0)


@dataclass(frozen=True)
class Frame:
    """The numbers of one moment.

    Attributes
    ----------
    epoch : int
        After which it was; 0 is the start.
    loss : float
        Of the rows that are looked at, as after the training.
    gradients, sizes, steps : ndarray, shape (parameters,)
        Norms of the gradient of that loss, of the parameter, and of its last step; NaN before one.
    flat : ndarray, shape (layers,)
        Share of the units that are flat at every row; NaN where nothing can be.
    counts : ndarray, shape (layers, BINS)
        Histogram of the weights.
    ranges : ndarray, shape (layers, 2)
        Its ends.
    levels : ndarray of uint8, shape (SIDE * SIDE,) or (0,)
        The field of two features, row by row from the bottom left.
    """

    epoch: int
    loss: float
    gradients: Any
    sizes: Any
    steps: Any
    flat: Any
    counts: Any
    ranges: Any
    levels: Any


@dataclass
class Observed:
    """Frames of a training, further apart the longer it is.

    Attributes
    ----------
    parameters : list of str
    layers : list of Layer
    frames : list of Frame
        In the order of their epochs.
    rows : int
        How many rows are looked at.
    plane : Plane or None
    begun : int
        Epochs before the first that could be seen.
    failure : str
        How the training failed, if it did.
    """

    parameters: list[str] = field(default_factory=list)
    layers: list[Layer] = field(default_factory=list)
    frames: list[Frame] = field(default_factory=list)
    rows: int = 0
    plane: Plane | None = None
    begun: int = 0
    failure: str = ""
    spacing: float = 1.0 / MOST  # from a frame to the next, as a share of its epoch

    def wants(self, epoch: int) -> bool:
        """Return whether a frame of this epoch is due."""
        return not self.frames or epoch >= self._after(self.frames[-1].epoch)

    def add(self, frame: Frame) -> None:
        """Take a frame; where there are too many, the spacing is doubled until they fit."""
        others = [one for one in self.frames if one.epoch != frame.epoch]
        self.frames = sorted([*others, frame], key=attrgetter("epoch"))
        while len(self.frames) > MOST:
            self.spacing *= 2
            kept = self.frames[:1]
            for one in self.frames[1:]:
                if one is frame or one.epoch >= self._after(kept[-1].epoch):
                    kept.append(one)
            self.frames = kept

    def _after(self, epoch: int) -> int:
        return max(epoch + 1, math.ceil(epoch * (1.0 + self.spacing)))

    def cut(self, epochs: int) -> None:
        """Forget the frames after the first epochs."""
        self.frames = [one for one in self.frames if one.epoch <= epochs]

    def state(self) -> State:
        """Return everything as arrays, as `load_state` takes it."""
        plain = {
            "parameters": self.parameters,
            "layers": [asdict(one) for one in self.layers],
            "rows": self.rows,
            "plane": None if self.plane is None else asdict(self.plane),
            "begun": self.begun,
            "failure": self.failure,
            "spacing": self.spacing,
        }
        text = np.frombuffer(json.dumps(plain).encode(), np.uint8)
        columns = zip(*map(_shallow, self.frames), strict=True)
        names = (one.name for one in fields(Frame))
        return {"about": text, **{n: np.array(c) for n, c in zip(names, columns, strict=False)}}

    def load_state(self, state: Mapping[str, Any]) -> None:
        """Take what `state` returned.

        Raises
        ------
        ModelFileError
            If it is nothing of that.
        """
        names = [one.name for one in fields(Frame)]
        try:
            plain = json.loads(bytes(np.asarray(state["about"], np.uint8)))
            rows = zip(*(state[name] for name in names), strict=True) if len(state) > 1 else ()
            frames = [Frame(int(e), float(loss), *arrays) for e, loss, *arrays in rows]
            plane = plain.pop("plane")
            layers = [
                Layer(**{**one, "parameters": tuple(one["parameters"])})
                for one in plain.pop("layers")
            ]
            found = Observed(**plain, layers=layers, frames=frames, plane=plane and _plane(plane))
        except (TypeError, ValueError, LookupError) as error:
            raise ModelFileError(f"Observe: not what it has remembered: {error}") from error
        vars(self).update(vars(found))


def _plane(plain: dict[str, Any]) -> Plane:
    return Plane(
        plain["kind"],
        tuple(plain["bounds"]),
        tuple((x, y) for x, y in plain["points"]),
        tuple(plain["labels"]),
        tuple(plain["span"]),
    )


def _shallow(frame: Frame) -> tuple[Any, ...]:
    return tuple(getattr(frame, one.name) for one in fields(frame))
