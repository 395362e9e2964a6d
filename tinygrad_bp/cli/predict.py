"""``tinygrad-bp predict``: predictions of a trained model for the rows of a CSV file."""

from __future__ import annotations

import argparse
import csv
import io
import os
from pathlib import Path
from typing import Any

from tinygrad_bp.classifier import SigmoidRegressor
from tinygrad_bp.cli.arguments import Parser
from tinygrad_bp.cli.console import Console
from tinygrad_bp.cli.exit_codes import DONE
from tinygrad_bp.cli.run_folder import MODEL, check_not_set_aside
from tinygrad_bp.cli.saved_model import SavedModel, load_model
from tinygrad_bp.data import read_features
from tinygrad_bp.errors import DataError
from tinygrad_bp.files.atomic import atomic_write_text

EXAMPLE = """\
example:
  tinygrad-bp predict runs/penguins/model.safetensors new.csv --out probabilities.csv
      new.csv needs the columns that the model was trained on, in any order
"""


def add(parser: Parser) -> None:
    """Add the options."""
    parser.add_argument("model", metavar="MODEL", help="model.safetensors, or the folder of a run")
    parser.add_argument("file", metavar="FILE", help="a CSV file with the columns of the model")
    parser.add_argument(
        "-o", "--out", metavar="FILE", help="where to write (default: standard output); must be new"
    )
    parser.add_argument("--force", action="store_true", help="replace the file named by --out")


def run(options: argparse.Namespace, console: Console) -> int:
    """Carry out the command; return its exit code."""
    path = Path(options.model)
    check_not_set_aside(path)
    check_not_set_aside(path.parent)
    path = path / MODEL if path.is_dir() else path
    _check_output(options, path)
    model = load_model(path)
    X, lines = read_features(options.file, model.features)
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["line", "predicted", *(f"probability_{name}" for name in model.classes)])
    for line, answer in zip(lines.tolist(), _answers(model, X), strict=True):
        writer.writerow([line, *answer])
    if options.out is None:
        console.data(out.getvalue())
    else:
        atomic_write_text(options.out, out.getvalue())
    return DONE


def _answers(model: SavedModel, X: Any) -> list[list[str]]:
    """Return, for each row, the class and the probability of each, or the number."""
    predicted = model.model.predict(X).tolist()
    if isinstance(model.model, SigmoidRegressor):
        return [[repr(number)] for number in predicted]
    probabilities = model.model.predict_proba(X).tolist()
    return [
        [model.classes[int(code)], *map(repr, shares)]
        for code, shares in zip(predicted, probabilities, strict=True)
    ]


def _check_output(options: argparse.Namespace, model: Path) -> None:
    """Refuse, before any work, to replace what must not be replaced.

    Raises
    ------
    DataError
        If the output exists and may not be replaced, or is one of the inputs.
    """
    if options.out is None or not os.path.lexists(options.out):
        return
    if not options.force:
        raise DataError(f"--out {options.out}: the file exists; choose another name, or --force")
    for source in (Path(options.file), model):
        if source.exists() and Path(options.out).exists() and source.samefile(options.out):
            raise DataError(f"--out {options.out}: it is also an input; choose another name")
