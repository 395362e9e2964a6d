"""``tinygrad-bp train``: read or generate a table, train, report, write the folder of the run."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from tinygrad_bp.cli.arguments import Parser
from tinygrad_bp.cli.console import Console
from tinygrad_bp.cli.exit_codes import DONE, INTERRUPTED
from tinygrad_bp.cli.fitting import Run, fit
from tinygrad_bp.cli.interrupts import Interrupts
from tinygrad_bp.cli.outputs import write_outputs
from tinygrad_bp.cli.page_files import check_page
from tinygrad_bp.cli.report import report, summary
from tinygrad_bp.cli.run_folder import FILES, RECORD, check_folder, new_folder
from tinygrad_bp.cli.saved_model import check_saveable
from tinygrad_bp.cli.training_options import add_training, settings_of, table_of
from tinygrad_bp.cli.training_page import training_page
from tinygrad_bp.data import Table
from tinygrad_bp.files.atomic import atomic_write_text

EXAMPLE = """\
examples:
  tinygrad-bp train
      the 2-5-5-1 network on the bundled penguins; results in runs/penguins
  tinygrad-bp train birds.csv --features wing_mm mass_g --label sex
      your own table: any classes, any number of numeric columns; results in runs/birds
  tinygrad-bp train birds.csv --features wing_mm age --target mass_g --out runs/mass
      a number to predict instead of a class
  tinygrad-bp train --data moons --seed 7 --json > moons.json
      generated data; one JSON object on standard output
  tinygrad-bp train --data xor --out runs/xor --report
      also a page that shows the training epoch by epoch: runs/xor/report.html
"""
IN_FOLDER = ""  # --report without a name


def add(parser: Parser) -> None:
    """Add the options."""
    add_training(parser)
    group = parser.add_argument_group("output")
    group.add_argument(
        "-o", "--out", metavar="FOLDER", help="where to write; must be new (default: runs/NAME)"
    )
    group.add_argument(
        "--force", action="store_true", help="replace the results of an earlier run in FOLDER"
    )
    group.add_argument(
        "--compile",
        action="store_true",
        help="make native code of an epoch, which pays for long trainings; the seed then gives the"
        " same files where that can be made, and others where it cannot",
    )
    group.add_argument(
        "--report",
        metavar="FILE",
        nargs="?",
        const=IN_FOLDER,
        help="write a page that shows the training epoch by epoch, and what is wrong with it, to"
        " FILE, or to report.html in the folder",
    )
    group.add_argument("--quiet", action="store_true", help="print errors only")
    group.add_argument(
        "--json", action="store_true", help="print one JSON object; all else goes to standard error"
    )


def run(options: argparse.Namespace, console: Console) -> int:
    """Carry out the command; return its exit code."""
    if options.out == "":
        options.fail("--out needs the name of a folder")
    table = table_of(options)
    shown = f"runs/{_folder_name(table)}" if options.out is None else options.out
    target = check_folder(shown, force=options.force)
    check_saveable(shown, table, options.hidden)
    page = None
    if options.report not in (None, IN_FOLDER):
        page = check_page("--report", options.report, force=options.force)
    interrupts = Interrupts()
    saved = False
    try:
        with interrupts.held():
            settings = settings_of(options) | {"compile": options.compile}
            watched = options.report is not None
            result = fit(table, settings, options.seed, console, interrupts, observed=watched)
            with new_folder(target, force=options.force) as folder:
                notes = write_outputs(result, folder, interrupts, report=watched and page is None)
            saved = True
            if page is not None:
                atomic_write_text(page, training_page(result))
                notes.append(f"the report is in {options.report}")
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


def _folder_name(table: Table) -> str:
    # a file called "...csv" has the stem "..", which is not a name but a place
    return table.name if table.name.strip(".") else "table"
