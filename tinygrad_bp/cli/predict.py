"""``tinygrad-bp predict``: probabilities from a trained model for the rows of a CSV file."""

from __future__ import annotations

import argparse
import csv
import io
import json
from pathlib import Path

from tinygrad_bp.classifier import SigmoidClassifier
from tinygrad_bp.cli.console import Console
from tinygrad_bp.cli.run_folder import MODEL
from tinygrad_bp.data import read_features
from tinygrad_bp.errors import DataError, ModelFileError, ShapeError, TinygradError
from tinygrad_bp.nn import Linear, Sequential, Sigmoid
from tinygrad_bp.training.atomic import atomic_write_text
from tinygrad_bp.training.model_file import read_model


def run(options: argparse.Namespace, console: Console) -> int:
    """Carry out the command; return its exit code."""
    path = Path(options.model)
    classifier, features, classes = load(path / MODEL if path.is_dir() else path)
    if options.out and Path(options.out).exists() and not options.force:
        raise DataError(f"--out {options.out}: the file exists; choose another, or --force")
    X, lines = read_features(options.file, features)
    probabilities = classifier.predict_proba(X)[:, 1]
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["line", f"probability_{classes[1]}", "predicted"])
    for line, p in zip(lines, probabilities, strict=True):
        writer.writerow([line, repr(float(p)), classes[int(p >= 0.5)]])
    if options.out:
        atomic_write_text(options.out, out.getvalue())
    else:
        console.data(out.getvalue())
    return 0


def load(path: Path) -> tuple[SigmoidClassifier, list[str], list[str]]:
    """Return the classifier of a model file, its feature names and its class names."""
    arrays, metadata = read_model(path)
    try:
        features, classes, hidden = (
            json.loads(metadata[key]) for key in ("features", "classes", "hidden")
        )
        sizes = [len(features), *hidden, 1]
        layers = [
            layer
            for n_in, n_out in zip(sizes[:-1], sizes[1:], strict=True)  # noqa: RUF007
            for layer in (Linear(n_in, n_out, rng=0), Sigmoid())
        ]
        classifier = SigmoidClassifier(hidden=tuple(hidden))
        classifier.mean_ = arrays.pop("input_mean")
        classifier.scale_ = arrays.pop("input_scale")
        classifier.network_ = Sequential(*layers[:-1])
        classifier.network_.load_state(arrays)
        if not classifier.mean_.shape == classifier.scale_.shape == (len(features),):
            raise ShapeError(f"scaling of shape {classifier.mean_.shape}")
        if len(classes) != 2:
            raise ShapeError(f"{len(classes)} classes")
    except (KeyError, TypeError, ValueError, TinygradError) as error:
        raise ModelFileError(f"{path}: not a model of tinygrad-bp train: {error}") from error
    return classifier, features, classes
