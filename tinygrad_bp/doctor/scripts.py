"""A script on the disk, examined in a child process with a time limit."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import tokenize
from contextlib import suppress
from pathlib import Path
from typing import Any

from tinygrad_bp.doctor.findings.diagnosis import Diagnosis, Undecided, from_dict
from tinygrad_bp.elsewhere.calls import answers
from tinygrad_bp.errors import DataError
from tinygrad_bp.files.atomic import FilePath

SECONDS = 60.0
SEEDS = 3
GRACE = 15.0  # for starting Python and for what cannot be interrupted


@answers
def diagnose_script(
    path: FilePath, *, seconds: float = SECONDS, fix: bool = False, seeds: int = SEEDS
) -> Diagnosis:
    """Run a NumPy training script under watch, and say why it does not learn.

    The script runs as it is, in a child process, in its own folder, without input, output or
    windows; its file is read and never written. It runs several times, and so does what it does
    besides training.

    Parameters
    ----------
    path : str or path-like
        The script.
    seconds : float
        The time for everything; what there is no time for is listed as not judged.
    fix : bool
        Run the script again with each finding mended, alone and all together, on several seeds,
        and add the table of measured effects.
    seeds : int
        How many seeds that is.

    Returns
    -------
    Diagnosis

    Raises
    ------
    DataError
        If there is no such file, or it is no text.
    """
    place = Path(path).resolve()
    order = {
        "path": str(place), "text": _read(place), "seconds": seconds, "fix": fix, "seeds": seeds,
    }  # fmt: skip
    began = time.monotonic()
    found = _ordered(order, seconds * (3 if fix else 1) + GRACE)
    taken = time.monotonic() - began
    if "failure" in found:
        reason = f"the process that ran the script ended: {found['failure']}"
        return Diagnosis(undecided=[Undecided("script", reason)], seconds=taken, broken=True)
    answer = from_dict(found)
    answer.seconds, answer.broken = taken, found["broken"]
    return answer


def _read(place: Path) -> str:
    try:
        with tokenize.open(place) as file:  # in the encoding that Python would read it in
            return file.read()
    except OSError as error:
        raise DataError(f"{place}: {error.strerror}; name a Python script") from error
    except (SyntaxError, UnicodeDecodeError, ValueError) as error:
        raise DataError(f"{place}: not a Python script: {error}") from error


def _ordered(order: dict[str, Any], limit: float) -> dict[str, Any]:
    """Run the child, and return its answer."""
    reader, writer = os.pipe()
    package = str(Path(__file__).resolve().parents[2])
    paths = [package, *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths), "MPLBACKEND": "agg"}
    environment |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    with os.fdopen(reader, encoding="utf-8") as answer:
        child = subprocess.Popen(  # noqa: S603  # this Python, and our own module
            [sys.executable, "-P", "-m", "tinygrad_bp.doctor.child",
             json.dumps({**order, "answer": writer})],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            pass_fds=[writer], env=environment, start_new_session=True,
        )  # fmt: skip
        os.close(writer)
        try:
            child.wait(limit)
            text = answer.read()
        except subprocess.TimeoutExpired:
            return {"failure": f"it did not end within {limit:.0f} s"}
        finally:
            _end(child)
    if not text:
        return {"failure": f"without an answer, with exit code {child.returncode}"}
    found: dict[str, Any] = json.loads(text)
    return found


def _end(child: subprocess.Popen[bytes]) -> None:
    """End the child, and whatever the script has started in its session."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(child.pid, signal.SIGKILL)
    child.wait()
