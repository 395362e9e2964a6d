"""The model file of a run: what is in it, and the suspicion with which it is read."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from tinygrad_bp.classifier import SigmoidClassifier, SigmoidRegressor, sigmoid_network
from tinygrad_bp.cli.fitting import sizes_of
from tinygrad_bp.data import Table
from tinygrad_bp.errors import ModelFileError, TinygradError
from tinygrad_bp.files.atomic import atomic_write_bytes
from tinygrad_bp.files.model_file import FILE_LIMIT, encode_model, read_model

FORMAT = "tinygrad_bp.sigmoid_classifier.1"
KEYS = {"format", "features", "classes", "hidden"}
NUMBER_FORMAT = "tinygrad_bp.sigmoid_regressor.1"
NUMBER_KEYS = {"format", "features", "target", "hidden"}
MEAN, SCALE = "input_mean", "input_scale"
TARGET_MEAN, TARGET_SCALE = "target_mean", "target_scale"


class SavedModel(NamedTuple):
    """A model that can predict, and the names of what goes in and comes out."""

    model: SigmoidClassifier | SigmoidRegressor
    features: list[str]
    classes: list[str]  # none for a number


def check_saveable(path: str, table: Table, hidden: Sequence[int]) -> None:
    """Find out whether a network's model file could be written, before the training costs time.

    Raises
    ------
    ModelFileError
        If the network or the names are too large for a model file.
    """
    sizes = sizes_of(table, hidden)
    if _parameters(sizes) * 8 > FILE_LIMIT:
        raise ModelFileError(
            f"--hidden: the network has {_parameters(sizes)} parameters; a model file holds at"
            f" most {FILE_LIMIT // 8}: choose fewer units"
        )
    unit = np.ones(table.X.shape[1])
    arrays = {**sigmoid_network(sizes, 0).state(), MEAN: unit, SCALE: unit}
    encode_model(path, arrays, _metadata(table, hidden))


def save_model(path: Path, model: SigmoidClassifier | SigmoidRegressor, table: Table) -> None:
    """Write a fitted model, with the names of its features, and of its classes or target.

    Raises
    ------
    ModelFileError
        If the reader would not accept the file.
    OSError
        If the file cannot be written.
    """
    arrays = {
        **model.network_.state(),
        MEAN: model.mean_,
        SCALE: model.scale_,
    }
    if isinstance(model, SigmoidRegressor):
        arrays[TARGET_MEAN] = np.array([model.target_mean_])
        arrays[TARGET_SCALE] = np.array([model.target_scale_])
    content = encode_model(path, arrays, _metadata(table, model.hidden))
    atomic_write_bytes(path, content)


def load_model(path: Path) -> SavedModel:
    """Read a model file that `save_model` wrote, and refuse any other.

    Parameters
    ----------
    path : Path

    Raises
    ------
    ModelFileError
        If the file cannot be read, or anything in it is not as `save_model` writes it.

    Notes
    -----
    Memory is bounded by the size of the file: no layer is built before its arrays are there.
    """
    arrays, metadata = read_model(path)
    known = {FORMAT: KEYS, NUMBER_FORMAT: NUMBER_KEYS}.get(metadata.get("format", ""))
    if metadata.keys() != known:
        found = f"metadata {sorted(metadata)!r:.100}, format {metadata.get('format')!r:.60}"
        raise ModelFileError(f"{path}: {found}; expected a model of tinygrad-bp train ({FORMAT})")
    features = _distinct_texts(path, metadata, "features")
    classes = _distinct_texts(path, metadata, "classes") if known is KEYS else []
    if len(classes) == 1:
        raise ModelFileError(f"{path}: 'classes' is {classes!r:.100}; expected 2 texts or more")
    outputs = len(classes) if len(classes) > 2 else 1
    sizes = (len(features), *_layer_sizes(path, metadata), outputs)
    model: SigmoidClassifier | SigmoidRegressor
    if classes:
        model = SigmoidClassifier(hidden=sizes[1:-1])
        model.classes_ = np.arange(float(len(classes)))
    else:
        _decoded(path, metadata, "target")
        model = SigmoidRegressor(hidden=sizes[1:-1])
        model.target_mean_ = float(_vector(path, arrays, TARGET_MEAN, 1)[0])
        model.target_scale_ = float(_scale(path, arrays, TARGET_SCALE, 1)[0])
    model.mean_ = _vector(path, arrays, MEAN, len(features))
    model.scale_ = _scale(path, arrays, SCALE, len(features))
    stored = sum(array.size for array in arrays.values())
    if stored != _parameters(sizes):
        raise ModelFileError(
            f"{path}: {stored} parameters; expected {_parameters(sizes)} for the layers"
            f" {'-'.join(map(str, sizes)):.60}"
        )
    model.network_ = sigmoid_network(sizes, 0)
    try:
        model.network_.load_state(arrays)
    except TinygradError as error:
        raise ModelFileError(f"{path}: {error!s:.300}") from error
    model.n_features_in_ = len(features)
    return SavedModel(model, features, classes)


def _metadata(table: Table, hidden: Sequence[int]) -> dict[str, str]:
    target: dict[str, Any] = {"classes": table.class_names}
    if not table.class_names:
        target = {"target": table.target_name}
    texts = {"features": table.feature_names, **target, "hidden": list(hidden)}
    encoded = {key: json.dumps(value, ensure_ascii=False) for key, value in texts.items()}
    return {"format": FORMAT if table.class_names else NUMBER_FORMAT, **encoded}


def _parameters(sizes: Sequence[int]) -> int:
    return sum((n_in + 1) * n_out for n_in, n_out in pairwise(sizes))


def _decoded(path: Path, metadata: Mapping[str, str], key: str) -> Any:
    try:
        return json.loads(metadata[key])
    except (ValueError, RecursionError) as error:  # RecursionError: thousands of brackets
        raise ModelFileError(f"{path}: metadata {key!r} is not JSON: {error!s:.100}") from error


def _distinct_texts(path: Path, metadata: Mapping[str, str], key: str) -> list[str]:
    value = _decoded(path, metadata, key)
    are_texts = isinstance(value, list) and all(isinstance(text, str) for text in value)
    if not are_texts or not value or len(set(value)) < len(value):
        raise ModelFileError(f"{path}: {key!r} is {value!r:.100}; expected different texts")
    return list(value)


def _layer_sizes(path: Path, metadata: Mapping[str, str]) -> list[int]:
    value = _decoded(path, metadata, "hidden")
    # type() is int: a JSON true is an int to isinstance
    if not isinstance(value, list) or not all(type(units) is int and units > 0 for units in value):
        raise ModelFileError(f"{path}: 'hidden' is {value!r:.100}; expected integers of 1 or more")
    return value


def _vector(path: Path, arrays: dict[str, Any], name: str, length: int) -> Any:
    array = arrays.pop(name, None)
    if array is None or array.shape != (length,) or array.dtype != np.float64:
        found = "missing" if array is None else f"{array.dtype} {array.shape}"
        raise ModelFileError(f"{path}: array {name!r} is {found}; expected float64 ({length},)")
    return array


def _scale(path: Path, arrays: dict[str, Any], name: str, length: int) -> Any:
    scale = _vector(path, arrays, name, length)
    if not (scale > 0).all():
        raise ModelFileError(f"{path}: {name!r} has values of 0 or less; expected all above 0")
    return scale
