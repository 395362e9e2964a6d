"""The model file of a run: what is in it, and the suspicion with which it is read."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from tinygrad_bp.classifier import SigmoidClassifier, sigmoid_network
from tinygrad_bp.data import Table
from tinygrad_bp.errors import ModelFileError, TinygradError
from tinygrad_bp.files.atomic import atomic_write_bytes
from tinygrad_bp.files.model_file import FILE_LIMIT, encode_model, read_model

FORMAT = "tinygrad_bp.sigmoid_classifier.1"
KEYS = {"format", "features", "classes", "hidden"}
MEAN, SCALE = "input_mean", "input_scale"


class SavedModel(NamedTuple):
    """A classifier that can predict, and the names of what goes in and comes out."""

    classifier: SigmoidClassifier
    features: list[str]
    classes: list[str]


def check_saveable(path: str, table: Table, hidden: Sequence[int]) -> None:
    """Find out whether a network's model file could be written, before the training costs time.

    Raises
    ------
    ModelFileError
        If the network or the names are too large for a model file.
    """
    sizes = (table.X.shape[1], *hidden, 1)
    if _parameters(sizes) * 8 > FILE_LIMIT:
        raise ModelFileError(
            f"--hidden: the network has {_parameters(sizes)} parameters; a model file holds at"
            f" most {FILE_LIMIT // 8}: choose fewer units"
        )
    unit = np.ones(table.X.shape[1])
    arrays = {**sigmoid_network(sizes, 0).state(), MEAN: unit, SCALE: unit}
    encode_model(path, arrays, _metadata(table, hidden))


def save_model(path: Path, classifier: SigmoidClassifier, table: Table) -> None:
    """Write a fitted classifier, with the names of its features and classes.

    Raises
    ------
    ModelFileError
        If the reader would not accept the file.
    OSError
        If the file cannot be written.
    """
    arrays = {
        **classifier.network_.state(),
        MEAN: classifier.mean_,
        SCALE: classifier.scale_,
    }
    content = encode_model(path, arrays, _metadata(table, classifier.hidden))
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
    if metadata.keys() != KEYS or metadata["format"] != FORMAT:
        found = f"metadata {sorted(metadata)!r:.100}, format {metadata.get('format')!r:.60}"
        raise ModelFileError(f"{path}: {found}; expected a model of tinygrad-bp train ({FORMAT})")
    features = _distinct_texts(path, metadata, "features", count=None)
    classes = _distinct_texts(path, metadata, "classes", count=2)
    sizes = (len(features), *_layer_sizes(path, metadata), 1)
    classifier = SigmoidClassifier(hidden=sizes[1:-1])
    classifier.mean_ = _vector(path, arrays, MEAN, len(features))
    classifier.scale_ = _vector(path, arrays, SCALE, len(features))
    if not (classifier.scale_ > 0).all():
        raise ModelFileError(f"{path}: {SCALE!r} has values of 0 or less; expected all above 0")
    stored = sum(array.size for array in arrays.values())
    if stored != _parameters(sizes):
        raise ModelFileError(
            f"{path}: {stored} parameters; expected {_parameters(sizes)} for the layers"
            f" {'-'.join(map(str, sizes)):.60}"
        )
    classifier.network_ = sigmoid_network(sizes, 0)
    try:
        classifier.network_.load_state(arrays)
    except TinygradError as error:
        raise ModelFileError(f"{path}: {error!s:.300}") from error
    classifier.n_features_in_ = len(features)
    classifier.classes_ = np.array([0.0, 1.0])
    return SavedModel(classifier, features, classes)


def _metadata(table: Table, hidden: Sequence[int]) -> dict[str, str]:
    texts = {"features": table.feature_names, "classes": table.class_names, "hidden": list(hidden)}
    encoded = {key: json.dumps(value, ensure_ascii=False) for key, value in texts.items()}
    return {"format": FORMAT, **encoded}


def _parameters(sizes: Sequence[int]) -> int:
    return sum((n_in + 1) * n_out for n_in, n_out in pairwise(sizes))


def _decoded(path: Path, metadata: Mapping[str, str], key: str) -> Any:
    try:
        return json.loads(metadata[key])
    except (ValueError, RecursionError) as error:  # RecursionError: thousands of brackets
        raise ModelFileError(f"{path}: metadata {key!r} is not JSON: {error!s:.100}") from error


def _distinct_texts(
    path: Path, metadata: Mapping[str, str], key: str, *, count: int | None
) -> list[str]:
    value = _decoded(path, metadata, key)
    are_texts = isinstance(value, list) and all(isinstance(text, str) for text in value)
    if not are_texts or not value or len(set(value)) < len(value):
        raise ModelFileError(f"{path}: {key!r} is {value!r:.100}; expected different texts")
    if count not in (None, len(value)):
        raise ModelFileError(f"{path}: {key!r} is {value!r:.100}; expected {count} texts")
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
