"""``tinygrad-bp launch``: run a script as several ranks, which train together."""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, files
from importlib.util import find_spec
from pathlib import Path
from types import FrameType
from typing import Any

from tinygrad_bp.cli.arguments import Parser, integer
from tinygrad_bp.cli.console import Console
from tinygrad_bp.errors import DataError, ParallelError

EXAMPLE = """\
example:
  tinygrad-bp launch -n 4 train.py --epochs 10

The script passes parallel=tg.parallel.Ranks() to tg.training.fit. What a rank prints
begins with its number. A rank that ends badly ends the others, with a message.
Exit code: 0 if all ranks ended well, and another if not. Needs the extra [mpi].
"""
STARTER = "mpiexec.hydra"  # of MPICH's wheel
RANK = "tinygrad_bp.parallel.rank_process"
# A product of matrices has other last bits on another number of threads; and ranks share the cores.
THREADS = {
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "VECLIB_MAXIMUM_THREADS": "1",
}


def add(parser: Parser) -> None:
    """Add the options."""
    parser.add_argument("-n", dest="ranks", type=integer(1), required=True, metavar="N",
                        help="how many ranks; there may be more of them than cores")  # fmt: skip
    parser.add_argument("script", metavar="SCRIPT", type=Path, help="a Python script")
    parser.add_argument(
        "arguments", metavar="...", nargs=argparse.REMAINDER, help="what the script is given"
    )


def run(options: argparse.Namespace, console: Console) -> int:
    """Carry out the command; return its exit code."""
    if not options.script.is_file():
        raise DataError(f"{options.script}: no such script")
    ranks = [sys.executable, "-m", RANK, os.fspath(options.script), *options.arguments]
    start = [os.fspath(_starter()), "-n", str(options.ranks), "-prepend-rank", *ranks]
    console.note(f"{options.ranks} ranks of {options.script}")
    # in a session of its own: the terminal's Ctrl-C comes here alone, and is passed on once
    return _waited_for(
        subprocess.Popen(start, env=THREADS | os.environ, start_new_session=True)  # noqa: S603
    )


def _waited_for(process: subprocess.Popen[Any]) -> int:
    """Return the exit code of a process, to which signals are passed on meanwhile."""
    received: list[int] = []

    def pass_on(number: int, _frame: FrameType | None) -> None:
        received.append(number)
        process.send_signal(number)

    before = {one: signal.signal(one, pass_on) for one in (signal.SIGINT, signal.SIGTERM)}
    try:
        code = process.wait()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    if signal.SIGINT in received:
        raise KeyboardInterrupt
    return code if code >= 0 else 128 - code


def _starter() -> Path:
    """Return the program that starts ranks."""
    try:
        found = [one for one in files("mpich") or () if one.name == STARTER]
    except PackageNotFoundError:
        found = []
    if not found or find_spec("mpi4py") is None:
        raise ParallelError(
            "launch needs mpi4py and MPICH: install the extra, as in"
            " pip install 'tinygrad-bp[mpi]'; where there is another MPI, run"
            " mpiexec -n N python -m mpi4py SCRIPT"
        )
    return Path(os.fspath(found[0].locate()))
