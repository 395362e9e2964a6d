"""``tinygrad-bp train``: read or generate a table, train, report, write the folder of the run."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from tinygrad_bp.cli.console import Console
from tinygrad_bp.cli.exit_codes import DONE, INTERRUPTED
from tinygrad_bp.cli.fitting import Run, fit
from tinygrad_bp.cli.interrupts import Interrupts
from tinygrad_bp.cli.outputs import write_outputs
from tinygrad_bp.cli.report import report, summary
from tinygrad_bp.cli.run_folder import FILES, RECORD, check_folder, new_folder
from tinygrad_bp.cli.saved_model import check_saveable
from tinygrad_bp.data import Table, generate, penguins, read_csv

BUNDLED = "penguins"
SAMPLES = 600


def run(options: argparse.Namespace, console: Console) -> int:
    """Carry out the command; return its exit code."""
    if options.out == "":
        options.fail("--out needs the name of a folder")
    table = table_of(options)
    shown = f"runs/{_folder_name(table)}" if options.out is None else options.out
    target = check_folder(shown, force=options.force)
    check_saveable(shown, table, options.hidden)
    interrupts = Interrupts()
    saved = False
    try:
        with interrupts.held():
            result = fit(table, _settings(options), options.seed, console, interrupts)
            with new_folder(target, force=options.force) as folder:
                notes = write_outputs(result, folder, interrupts)
            saved = True
        _tell(result, notes, shown, target, console, interrupted=interrupts.requested)
    except KeyboardInterrupt:
        without = "interrupted before there was a model; nothing was written"
        console.error(f"interrupted; the results are in {shown}" if saved else without)
        return INTERRUPTED
    return INTERRUPTED if interrupts.requested or result.interrupted else DONE


def _tell(
    result: Run,
    notes: list[str],
    shown: str,
    target: Path,
    console: Console,
    *,
    interrupted: bool,
) -> None:
    written = ", ".join(name for name in (*FILES, RECORD) if (target / name).exists())
    lines = [*report(result), "", *notes, f"written to {shown}: {written}"]
    console.report("\n".join(lines))
    if console.json:
        found = summary(result, shown, notes, interrupted=interrupted or result.interrupted)
        console.data(json.dumps(found) + "\n")


def _settings(options: argparse.Namespace) -> dict[str, Any]:
    settings: dict[str, Any] = {"hidden": tuple(options.hidden)}
    if options.epochs is not None:
        settings["max_epochs"] = options.epochs
    return settings


def table_of(options: argparse.Namespace) -> Table:
    """Return the table that the options name: a file, a bundled set or a generated one."""
    if options.file is not None:
        if options.data is not None or options.samples is not None:
            options.fail("FILE and --data or --samples exclude each other")
        if not options.features or options.label is None:
            options.fail("FILE needs --features and --label")
        if options.drop_missing:
            return read_csv(options.file, options.features, options.label, missing="drop")
        return read_csv(options.file, options.features, options.label)
    if options.features or options.label is not None or options.drop_missing:
        options.fail("--features, --label and --drop-missing need a FILE before them")
    if options.data in (None, BUNDLED):
        if options.samples is not None:
            options.fail("--samples needs --data with a generated set")
        return penguins()
    samples = SAMPLES if options.samples is None else options.samples
    return generate(options.data, samples, options.seed)


def _folder_name(table: Table) -> str:
    # a file called "...csv" has the stem "..", which is not a name but a place
    return table.name if table.name.strip(".") else "table"
