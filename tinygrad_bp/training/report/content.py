"""What the report's page knows: a training as one object for its script."""

from __future__ import annotations

import base64
import math
from collections.abc import Callable, Mapping, Sequence
from itertools import islice
from typing import Any

import numpy as np

from tinygrad_bp.formulas.printing import printable, shortened
from tinygrad_bp.training.observed import BINS, SIDE, Frame, Layer, Observed
from tinygrad_bp.training.report.findings import Pinned, gradient, ratio

# What the page holds at most, so that it is no larger than 500 KB.
DRAWN = 400  # epochs of a curve; a screen shows no more
LAYERS = 20  # the first and the last ones
COLUMNS = 12  # of the history
DIGITS = 5  # significant digits of a number
FULL = 255  # the highest bar of a histogram

PARTS = {"": "train", "validation_": "validation", "heldout_": "held out"}  # of a column's name


def content(
    history: Mapping[str, Sequence[float]],
    kept: int | None,
    observed: Observed | None,
    pinned: Sequence[Pinned],
    names: tuple[Sequence[str], Sequence[str]],
) -> dict[str, Any]:
    """Return everything that the page shows, as dicts, lists, texts and numbers."""
    shown = islice(history.items(), COLUMNS)
    columns = {name: np.array(values, float) for name, values in shown}
    epochs = len(next(iter(columns.values())))
    chosen = _drawn(columns, epochs, kept)
    found: dict[str, Any] = {
        "epochs": epochs,
        "kept": kept,
        "x": [int(i) + 1 for i in chosen],
        "charts": _charts(columns, chosen),
        "findings": [
            {"name": one.finding.name, "first": one.first, "last": one.last,
             "severity": one.finding.severity}
            for one in pinned
        ],
        "frames": [],
        "layers": [],
        "plane": None,
    }  # fmt: skip
    if observed is None or not observed.frames:
        found["frames"] = found["x"]
        return found
    return found | _seen(observed) | {"plane": _plane(observed, *names)}


def _drawn(columns: Mapping[str, Any], epochs: int, kept: int | None) -> Any:
    """Return the places of the epochs that curves go through, dense at the beginning."""
    if epochs <= DRAWN:
        return np.arange(epochs)
    half = DRAWN // 2
    spaced = np.linspace(0, epochs - 1, half), np.geomspace(1, epochs, half) - 1
    told = [max(kept or 1, 1) - 1, 0, epochs - 1]
    for values in columns.values():
        finite = np.flatnonzero(np.isfinite(values))
        told += [int(p) for p in np.flatnonzero(~np.isfinite(values))[:1]]
        if len(finite):
            told += [int(finite[one(values[finite])]) for one in (np.argmin, np.argmax)]
    return np.unique(np.concatenate([np.rint(np.concatenate(spaced)), told]).astype(int))


def _charts(columns: Mapping[str, Any], chosen: Any) -> list[dict[str, Any]]:
    """Return a chart for each number, with a series for each part of the data; the loss first."""
    charts: dict[str, dict[str, Any]] = {}
    for name, values in columns.items():
        prefix = max((p for p in PARTS if name.startswith(p)), key=len)
        base = name.removeprefix(prefix)
        chart = charts.setdefault(base, {"title": shortened(base.replace("_", " ")), "series": []})
        chart["series"].append({"part": PARTS[prefix], "values": rounded(values[chosen])})
    found = sorted(charts.items(), key=lambda one: one[0] != "loss")
    for base, chart in found:
        numbers = [v for one in chart["series"] for v in one["values"] if math.isfinite(v)]
        chart["log"] = base.endswith("loss") and bool(numbers) and min(numbers) > 0
    return [chart for _, chart in found]


def shown_layers(observed: Observed) -> list[Layer]:
    """Return the layers that the page has room for."""
    layers = observed.layers
    half = LAYERS // 2
    return layers if len(layers) <= LAYERS else [*layers[:half], *layers[-half:]]


def _seen(observed: Observed) -> dict[str, Any]:
    frames, layers = observed.frames, shown_layers(observed)
    places = [observed.layers.index(layer) for layer in layers]

    def table(number: Callable[[Frame, Layer], float]) -> list[list[float]]:
        return [rounded([number(frame, layer) for frame in frames]) for layer in layers]

    return {
        "frames": [frame.epoch for frame in frames],
        "losses": rounded([frame.loss for frame in frames]),
        "rows": observed.rows,
        "layers": [
            {"name": shortened(one.name), "kind": shortened(one.kind),
             "activation": printable(one.activation), "units": one.units}
            for one in layers
        ],
        "gradient": table(gradient),
        "ratio": table(ratio),
        "flat": [rounded([frame.flat[place] for frame in frames]) for place in places],
        "bins": BINS,
        "weights": [_histograms(frames, place) for place in places],
    }  # fmt: skip


def _histograms(frames: Sequence[Frame], place: int) -> dict[str, Any]:
    """Return the histograms of a layer over all frames; a bar is a byte, the highest 255."""
    counts = np.array([frame.counts[place] for frame in frames], float)
    highest = np.maximum(counts.max(axis=1, keepdims=True), 1.0)
    bars = np.rint(FULL * counts / highest).astype(np.uint8)
    ends = np.array([frame.ranges[place] for frame in frames])
    return {"ends": [rounded(pair) for pair in ends], "bars": packed(bars)}


def _plane(
    observed: Observed, features: Sequence[str], classes: Sequence[str]
) -> dict[str, Any] | None:
    plane = observed.plane
    if plane is None:
        return None
    count = 1 + int(max(plane.labels, default=0)) if plane.kind == "classes" else 2
    axes = [*features, *("x1", "x2")[len(features) :]][:2]
    told = [*classes, *map(str, range(len(classes), count))]
    return {
        "kind": plane.kind,
        "side": SIDE,
        "bounds": rounded(plane.bounds),
        "points": [rounded(one) for one in plane.points],
        "labels": rounded(plane.labels),
        "span": rounded(plane.span),
        "shaped": plane.kind != "number" or set(plane.labels) <= {0, 1},
        "features": [shortened(one) for one in axes],
        "classes": [shortened(one) for one in told],
        "levels": [packed(frame.levels) for frame in observed.frames],
    }


def packed(array: Any) -> str:
    """Return bytes as text."""
    return base64.b64encode(np.ascontiguousarray(array, np.uint8).tobytes()).decode()


def rounded(values: Any) -> list[float]:
    """Return numbers to as many digits as a picture can show."""
    return [float(f"{float(value):.{DIGITS}g}") for value in values]
