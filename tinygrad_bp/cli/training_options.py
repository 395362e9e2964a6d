"""The options of every command that trains: which table, which network, how long."""

from __future__ import annotations

import argparse
from typing import Any, Literal

from tinygrad_bp.cli.arguments import Group, Parser, integer
from tinygrad_bp.data import GENERATORS, Table, generate, penguins, read_csv

BUNDLED = "penguins"
SAMPLES = 600


def add_training(parser: Parser, of: str = "a CSV file with a header line") -> None:
    """Add what says which table to train on, and how; `of` is what FILE is."""
    _add_data(parser.add_argument_group("data"), of)
    _add_model(parser.add_argument_group("model and training"))


def _add_data(group: Group, of: str) -> None:
    group.add_argument("file", metavar="FILE", nargs="?", help=of)
    group.add_argument(
        "--features", metavar="COLUMN", nargs="+", help="the numeric columns of FILE"
    )
    group.add_argument("--label", metavar="COLUMN", help="the column of FILE with the classes")
    group.add_argument(
        "--target", metavar="COLUMN", help="instead of --label: a column of numbers to predict"
    )
    group.add_argument(
        "--drop-missing",
        action="store_true",
        help="leave out rows of FILE with an empty or NA value; without it they are faults",
    )
    names = (BUNDLED, *GENERATORS)
    group.add_argument(
        "--data",
        choices=names,
        metavar="NAME",
        help=f"instead of FILE: {', '.join(names)} (default: {BUNDLED}, real and bundled)",
    )
    group.add_argument(
        "--samples",
        metavar="N",
        type=integer(2),
        help=f"how many samples --data generates (default: {SAMPLES})",
    )


def _add_model(group: Group) -> None:
    group.add_argument(
        "--hidden",
        metavar="N",
        nargs="*",
        type=integer(1),
        default=[5, 5],
        help="units of each hidden layer (default: 5 5); no number at all: logistic regression",
    )
    group.add_argument(
        "--balanced", action="store_true", help="let every class count the same, however rare"
    )
    group.add_argument("--epochs", metavar="N", type=integer(1), help="train for N epochs at most")
    group.add_argument(
        "--seed",
        metavar="N",
        type=integer(0),
        default=0,
        help="the same seed gives the same files, to the bit, while BLAS has the same number of"
        " threads (default: 0)",
    )


def table_of(options: argparse.Namespace) -> Table:
    """Return the table that the options name: a file, a bundled set or a generated one."""
    if options.file is not None:
        if options.data is not None or options.samples is not None:
            options.fail("FILE and --data or --samples exclude each other")
        if not options.features or (options.label is None) == (options.target is None):
            options.fail("FILE needs --features, and --label or --target")
        missing: Literal["drop", "error"] = "drop" if options.drop_missing else "error"
        return read_csv(
            options.file, options.features, options.label, target=options.target, missing=missing
        )
    columns = options.features or options.label is not None or options.target is not None
    if columns or options.drop_missing:
        options.fail("--features, --label, --target and --drop-missing need a FILE before them")
    if options.data in (None, BUNDLED):
        if options.samples is not None:
            options.fail("--samples needs --data with a generated set")
        return penguins()
    samples = SAMPLES if options.samples is None else options.samples
    return generate(options.data, samples, options.seed)


def settings_of(options: argparse.Namespace) -> dict[str, Any]:
    """Return the arguments of the estimator that the options name."""
    settings: dict[str, Any] = {"hidden": tuple(options.hidden)}
    if options.epochs is not None:
        settings["max_epochs"] = options.epochs
    if options.balanced:
        if options.target is not None:
            options.fail("--balanced is for classes; --target has none")
        settings["class_weight"] = "balanced"
    return settings
