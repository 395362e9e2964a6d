"""``python -m tinygrad_bp.parallel.rank_process script.py``: a rank, and a process that watches it.

MPI's own launcher ends all ranks when one has died; the watching process says which, and where.
"""

from __future__ import annotations

import io
import os
import signal
import sys
from typing import NoReturn

from tinygrad_bp.parallel import places

RANK = "PMI_RANK"  # where MPICH's launcher says which rank a process is
BY_SIGNAL = 128  # what shells add to the signal's number


def main() -> NoReturn:
    """Run a script as a rank, and say so if it does not end well."""
    places.share()
    process = os.fork()
    if process == 0:
        _run()
    for one in (signal.SIGINT, signal.SIGTERM):  # both processes get them; the rank answers
        signal.signal(one, signal.SIG_IGN)
    _, status = os.waitpid(process, 0)
    code = os.waitstatus_to_exitcode(status)
    if code:
        _tell(code)
    os._exit(code if code >= 0 else BY_SIGNAL - code)


def _run() -> NoReturn:
    from mpi4py import run

    for stream in (sys.stdout, sys.stderr):  # whole lines: the starter labels what comes at once
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(line_buffering=True, write_through=False)
    run.main()  # an exception that is not caught ends all ranks
    sys.exit()


def _tell(code: int) -> None:
    how = f"ended with exit code {code}"
    if code < 0:
        how = f"was killed by signal {-code} ({signal.Signals(-code).name})"
    place = places.read()
    where = f" in {place}" if place else ""
    sys.stderr.write(
        f"rank {os.environ.get(RANK, '?')} {how}{where}; the other ranks are ended with it. A"
        " training that has a Checkpoint goes on from it, on any number of ranks\n"
    )
    sys.stderr.flush()


if __name__ == "__main__":
    main()
