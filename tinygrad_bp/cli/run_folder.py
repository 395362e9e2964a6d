"""The folder of a run: checked before the work, written whole or not at all after it."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tinygrad_bp.errors import TinygradError
from tinygrad_bp.files.atomic import atomic_write_text
from tinygrad_bp.files.folders import drop_folder, folder_beside, put_folder, set_aside

MODEL = "model.safetensors"
HISTORY = "history.csv"
LOSS = "loss.svg"
BOUNDARY = "boundary.svg"
GRAPH = "graph.svg"
GRAPH_SOURCE = "graph.dot"
REPORT = "report.html"
# in the order in which a run writes them
FILES = (MODEL, HISTORY, LOSS, BOUNDARY, GRAPH, GRAPH_SOURCE, REPORT)

# What the files of a run hold, by which --force tells them from what has only their names.
RECORD = "run.json"
RECORD_FORMAT = "tinygrad_bp.run.1"
RECORD_LIMIT = 1 << 16  # bytes; seven digests are a hundredth of it


class RunFolderError(TinygradError, OSError):
    """A folder that a run must not or cannot write into."""


def check_folder(path: str, *, force: bool) -> Path:
    """Find out whether a run may write into a folder, before it costs any time.

    Parameters
    ----------
    path : str
    force : bool
        Allow to replace the results of an earlier run; nothing else is ever replaced.

    Returns
    -------
    Path
        The folder, with symbolic links resolved.

    Raises
    ------
    RunFolderError
        If something stands there that must not be replaced, or the place cannot be written to.
    """
    try:
        target = Path(path).resolve()
        # since Python 3.13 a loop of links resolves to itself
        if any(one.is_symlink() for one in (target, *target.parents)):
            raise RuntimeError("its symbolic links form a loop")  # noqa: TRY301
        check_not_set_aside(target)
        if target.exists():
            _check_replaceable(path, target, force=force)
        home = next(parent for parent in target.parents if parent.exists())
    except (OSError, RuntimeError, ValueError) as error:  # a loop of links; a NUL character
        if isinstance(error, RunFolderError):
            raise
        raise RunFolderError(f"--out {path!r}: not the path of a folder: {error}") from error
    if not home.is_dir() or not os.access(home, os.W_OK | os.X_OK):
        raise RunFolderError(f"--out {path}: {home} is not a folder that may be written to")
    return target


def _check_replaceable(path: str, target: Path, *, force: bool) -> None:
    if not target.is_dir():
        raise RunFolderError(f"--out {path}: a file has this name; choose another folder")
    here = Path.cwd()
    if target == here or target in here.parents:
        raise RunFolderError(f"--out {path}: the working directory is inside it; name a new folder")
    if not force and any(target.iterdir()):
        raise RunFolderError(
            f"--out {path}: the folder is not empty; choose another one, or --force to replace it"
        )
    foreign = _foreign(target)
    if foreign is not None:
        raise RunFolderError(
            f"--out {path}: the folder holds {foreign!r}, which no run has written as it is;"
            " --force replaces the results of earlier runs and nothing else"
        )


def check_not_set_aside(path: Path) -> None:
    """Say how to get results back that a killed run was replacing.

    Raises
    ------
    RunFolderError
        If they stand beside `path`, and nothing at it.
    """
    old = set_aside(path)
    if old is not None:
        raise RunFolderError(
            f"{path}: a run was killed while it replaced this folder; what stood there is in"
            f" {old}: rename it back, or remove it"
        )


@contextmanager
def new_folder(target: Path, *, force: bool) -> Iterator[Path]:
    """Give a temporary folder that becomes `target` when the block ends, or vanishes if it fails.

    Parameters
    ----------
    target : Path
        From `check_folder`.
    force : bool

    Yields
    ------
    Path
        An empty folder beside `target`, on the same file system; of what the block writes into it
        a record is kept, by which a later run knows it.

    Raises
    ------
    RunFolderError
        If `target` has become unfit in the meantime, or the file system refuses.  What stood in
        `target` is intact.
    """
    folder = None
    try:
        folder = folder_beside(target)
        yield folder
        _write_record(folder)
        if target.exists():
            _check_replaceable(str(target), target, force=force)
        old = put_folder(folder, target)
        folder = None  # if anything has this name now, it is the old one
    except OSError as error:
        if error.errno is None:
            raise
        reason = os.strerror(error.errno)
        raise RunFolderError(
            f"--out {target}: cannot write: {reason}; what was there before is intact"
        ) from error
    else:
        if old is not None:
            _remove_results(old, target)
    finally:
        if folder is not None:
            drop_folder(folder)


def _remove_results(old: Path, target: Path) -> None:
    """Remove what an earlier run wrote, and nothing that came into its folder since the check."""
    with contextlib.suppress(OSError):
        for name in (*FILES, RECORD):
            (old / name).unlink(missing_ok=True)
        old.rmdir()
    if old.exists():
        raise RunFolderError(
            f"--out {target}: the new results are there, but of the old ones some could not be"
            f" removed, or something came between them: it is in {old}"
        )


def _write_record(folder: Path) -> None:
    """Write down what the files of a run hold."""
    written = {name: _digest(folder / name) for name in FILES if (folder / name).exists()}
    record = {"format": RECORD_FORMAT, "sha256": written}
    atomic_write_text(folder / RECORD, json.dumps(record, indent=1) + "\n")


def _written(folder: Path) -> dict[str, str]:
    """Return the digest of each file that a run has written here, nothing if none has."""
    try:
        with (folder / RECORD).open("rb") as file:
            record = json.loads(file.read(RECORD_LIMIT))
        if record["format"] == RECORD_FORMAT:
            return {name: record["sha256"][name] for name in FILES if name in record["sha256"]}
    except (OSError, ValueError, TypeError, LookupError, RecursionError):  # of somebody else
        pass
    return {}


def _foreign(folder: Path) -> str | None:
    """Return the name of something in a folder that no run has written as it is now."""
    known = _written(folder)
    for name in sorted(entry.name for entry in folder.iterdir()):
        place = folder / name
        regular = stat.S_ISREG(place.lstat().st_mode)
        if not known or not regular:
            return name
        if name != RECORD and (name not in known or _digest(place) != known[name]):
            return name
    return None


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
