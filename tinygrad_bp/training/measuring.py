"""The numbers of one moment of a training: gradients, steps, flat units, weights."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

import numpy as np

from tinygrad_bp.engine.modes import enable_grad
from tinygrad_bp.engine.nodes import Node, ancestors
from tinygrad_bp.engine.tensor import Tensor
from tinygrad_bp.nn import Module
from tinygrad_bp.nn.summary import modes_restored
from tinygrad_bp.optim.clipping import norm_of
from tinygrad_bp.training.observed import BINS, Frame, Layer
from tinygrad_bp.training.probe import Probe, every
from tinygrad_bp.transforms import gradients

FLAT = 0.01  # of the steepest slope; a sigmoid within 0.0025 of its ends
NEAR = 16  # nodes above a sigmoid among which its own argument is looked for
WEIGHTS = 65_536  # of a layer that are counted in a histogram

Flat = Callable[[Any], Any]
ENDS: dict[str, tuple[str, Flat]] = {
    "sigmoid": ("sigmoid", lambda out: 4.0 * out * (1.0 - out) < FLAT),
    "expit": ("sigmoid", lambda out: 4.0 * out * (1.0 - out) < FLAT),
    "tanh": ("tanh", lambda out: 1.0 - out * out < FLAT),
    "relu": ("relu", lambda out: out <= 0.0),
}


@dataclass
class Looked:
    """What one look at the model gave.

    Attributes
    ----------
    loss : Tensor
    prediction : Tensor
        With the graph below both.
    gradients : list of array
        One for each parameter.
    """

    loss: Tensor
    prediction: Any
    gradients: list[Any]


@contextmanager
def as_after_training(model: Module) -> Iterator[None]:
    """Within it the model behaves as after the training, and numbers may overflow."""
    with modes_restored(model), np.errstate(all="ignore"):
        model.eval()
        yield


def look(probe: Probe, parameters: Sequence[Tensor], sample: tuple[Any, Any]) -> Looked:
    """Compute the loss of the sample and its gradients; those that wait in `grad` stay."""
    with enable_grad():
        prediction = probe.predict(sample[0])
        loss = probe.loss(prediction, sample[1])
        trained = [one for one in parameters if one.node is not None]  # not frozen meanwhile
        found = dict(zip(map(id, trained), gradients(loss, trained), strict=True))
    none = [found[id(one)]._value if id(one) in found else np.zeros(1) for one in parameters]
    return Looked(loss, prediction, none)


def layers_of(model: Module) -> list[Layer]:
    """Return the modules that hold parameters of their own, in the order of definition."""
    modules = dict(model.named_modules())
    places: dict[str, list[int]] = {}
    for place, (name, _) in enumerate(model.named_parameters()):
        path = name
        while path not in modules:  # past the positions and keys of lists and dicts
            path = path.rpartition(".")[0]
        places.setdefault(path, []).append(place)
    return [
        Layer(path or type(model).__name__, _kind(modules[path]), tuple(found))
        for path, found in places.items()
    ]


def _kind(module: Module) -> str:
    told = repr(module)
    return type(module).__name__ if "\n" in told else told


def with_activations(
    layers: Iterable[Layer], parameters: Sequence[Tensor], looked: Looked
) -> tuple[list[Layer], list[float]]:
    """Return the layers with what follows them, and the share of its units that are flat."""
    owners = {
        parameters[place].node: number
        for number, layer in enumerate(layers)
        for place in layer.parameters
    }
    found: dict[int, tuple[str, list[Any]]] = {}
    root = getattr(looked.prediction, "node", None)
    nodes = ancestors(root)[::-1] if root is not None else []
    passed = {root, *_gates(nodes)}  # the answer itself may well be sure
    for node in nodes:
        end = ENDS.get(node.rule.name)
        out = node.saved[0] if end and node.saved else None
        if end is None or out is None or node in passed:
            continue
        number = _nearest(node, owners)
        if number is None:
            continue
        name, flat = end
        found.setdefault(number, (name, []))[1].append(_per_unit(flat(np.asarray(out))))
    told, shares = [], []
    for number, layer in enumerate(layers):
        name, units = found.get(number, ("", [np.array([np.nan])]))
        together = np.concatenate(units)
        told.append(replace(layer, activation=name, units=len(together) if name else 0))
        shares.append(float(np.mean(together)))
    return told, shares


def _gates(nodes: Iterable[Node]) -> Iterator[Node]:
    """Yield the sigmoids that weigh what they are made of, as in silu: it passes where they end."""
    for node in nodes:
        pair = node.parents if node.rule.name == "multiply" else ()
        if len(pair) == 2:
            for one, other in (pair, pair[::-1]):
                if one is None or other is None or one.rule.name not in ENDS:
                    continue
                if other in islice(_up(one), NEAR):
                    yield one


def _per_unit(flat: Any) -> Any:
    """Return for each unit whether it is flat at every row; a channel of a picture is one unit."""
    axis = 1 if flat.ndim == 4 else flat.ndim - 1
    return np.all(flat, axis=tuple(k for k in range(flat.ndim) if k != axis))


def _nearest(node: Node, owners: dict[Any, int]) -> int | None:
    """Return the layer with the parameter that is fewest steps above a node."""
    return next((owners[one] for one in _up(node) if one in owners), None)


def _up(node: Node) -> Iterator[Node]:
    """Yield a node and what it was computed from, the nearest first."""
    seen, rest = {node}, [node]
    for one in rest:  # grows while it is read: breadth first
        yield one
        fresh = [parent for parent in one.parents if parent is not None and parent not in seen]
        seen.update(fresh)
        rest += fresh


def norm(array: Any) -> float:
    """Return the length of an array as a vector, in double precision at least."""
    return norm_of([np.asarray(array, np.result_type(array, np.float64))])


def histogram(layer: Layer, values: Sequence[Any]) -> tuple[Any, Any]:
    """Return how many weights of a layer are in each bin, and the ends of the bins.

    The biases are left out where there are matrices: they are few and lie elsewhere.
    """
    own = [np.asarray(values[place]) for place in layer.parameters]
    matrices = [one for one in own if one.ndim > 1] or own
    flat = np.concatenate([np.abs(one).ravel() if one.dtype.kind == "c" else one.ravel()
                           for one in matrices]).astype(float)  # fmt: skip
    flat = flat[every(len(flat), WEIGHTS)]
    flat = flat[np.isfinite(flat)]
    low, high = (float(flat.min()), float(flat.max())) if len(flat) else (0.0, np.inf)
    if not np.isfinite(high - low):
        return np.zeros(BINS, np.int64), np.zeros(2)
    if not high > low:
        low, high = low - 0.5, high + 0.5
    # as numpy.histogram, which takes ten times as long over a few weights
    places = np.minimum((flat - low) / (high - low) * BINS, BINS - 1).astype(np.intp)
    return np.bincount(places, minlength=BINS), np.array([low, high])


def frame_of(
    epoch: int,
    looked: Looked,
    layers: Sequence[Layer],
    flat: Sequence[float],
    values: tuple[Sequence[Any] | None, Sequence[Any]],
    levels: Any,
) -> Frame:
    """Return the frame of a moment from what was seen, and the values before the last step."""
    before, now = values
    sizes = [norm(one) for one in now]
    steps = [np.nan] * len(now)
    if before is not None:
        steps = [norm(np.subtract(b, a)) for a, b in zip(before, now, strict=True)]
    counts, ranges = zip(*(histogram(layer, now) for layer in layers), strict=True)
    return Frame(
        epoch,
        float(looked.loss.item()),
        np.array([norm(one) for one in looked.gradients]),
        np.array(sizes),
        np.array(steps),
        np.array(flat),
        np.array(counts),
        np.array(ranges),
        levels,
    )
