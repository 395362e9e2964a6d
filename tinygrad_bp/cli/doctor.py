"""``tinygrad-bp doctor``: run a training script under watch, and say why it does not learn."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from tinygrad_bp.cli.arguments import Parser, integer
from tinygrad_bp.cli.console import Console
from tinygrad_bp.cli.exit_codes import BAD_INPUT, DONE, MISMATCH
from tinygrad_bp.doctor import Diagnosis, diagnose_script
from tinygrad_bp.doctor.findings.page import page
from tinygrad_bp.errors import DataError
from tinygrad_bp.files.atomic import atomic_write_text

EXAMPLE = """\
example:
  tinygrad-bp doctor train.py --fix

The script runs several times, in a child process with a time limit; its file is never
written to. Exit code: 0 healthy, 1 faulty, 2 if it cannot be run or judged.
"""


def add(parser: Parser) -> None:
    """Add the options."""
    parser.add_argument("script", metavar="SCRIPT", type=Path, help="a Python script")
    parser.add_argument(
        "--fix",
        action="store_true",
        help="run it again with each finding mended, alone and all together, and show the effects",
    )
    parser.add_argument("--seeds", type=integer(1), default=3, metavar="N",
                        help="of --fix: on how many seeds (default: 3)")  # fmt: skip
    parser.add_argument("--seconds", type=integer(1), default=60, metavar="N",
                        help="the time for everything (default: 60)")  # fmt: skip
    parser.add_argument("--json", action="store_true", help="print the answer as JSON")
    parser.add_argument("--html", type=Path, metavar="FILE", help="write a report to look at")


def run(options: argparse.Namespace, console: Console) -> int:
    """Carry out the command; return its exit code."""
    _refuse_to_overwrite(options)
    console.note(
        f"running {options.script} in a child process, several times, for at most"
        f" {options.seconds} s{' and as long again for --fix' if options.fix else ''}"
    )
    found = diagnose_script(
        options.script, seconds=options.seconds, fix=options.fix, seeds=options.seeds
    )
    if options.html is not None:
        atomic_write_text(options.html, page(found, options.script.name))
        console.note(f"report: {options.html}")
    if options.json:
        console.data(json.dumps(found.to_dict(), indent=2) + "\n")
    else:
        console.report(str(found))
    return _exit_code(found)


def _refuse_to_overwrite(options: argparse.Namespace) -> None:
    """Never write over a script, whatever name the report is given."""
    if options.html is None:
        return
    same = (
        options.html.exists() and options.script.exists() and options.html.samefile(options.script)
    )
    if same or options.html.suffix == ".py":
        raise DataError(
            f"--html {options.html}: that is a script; name another file for the report"
        )


def _exit_code(found: Diagnosis) -> int:
    if found.broken or found.verdict == "undecided":
        return BAD_INPUT
    return MISMATCH if found.verdict == "faulty" else DONE
