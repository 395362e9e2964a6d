"""The folder of a run: checked before the work, written whole or not at all after it."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tinygrad_bp.errors import TinygradError
from tinygrad_bp.files.atomic import TEMPORARY_PREFIX

MODEL = "model.safetensors"
HISTORY = "history.csv"
LOSS = "loss.svg"
BOUNDARY = "boundary.svg"
GRAPH = "graph.svg"
GRAPH_SOURCE = "graph.dot"
# in the order in which a run writes them
FILES = (MODEL, HISTORY, LOSS, BOUNDARY, GRAPH, GRAPH_SOURCE)


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
    found = sorted(entry.name for entry in target.iterdir())
    if found and not force:
        raise RunFolderError(
            f"--out {path}: the folder is not empty; choose another one, or --force to replace it"
        )
    foreign = [name for name in found if name not in FILES]
    if foreign:
        raise RunFolderError(
            f"--out {path}: the folder holds {foreign[0]!r}, which no run writes; --force replaces"
            " the results of earlier runs and nothing else"
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
        An empty folder beside `target`, on the same file system.

    Raises
    ------
    RunFolderError
        If `target` has become unfit in the meantime, or the file system refuses.  What stood in
        `target` is intact.
    """
    token = secrets.token_hex(8)
    folder = target.with_name(f"{TEMPORARY_PREFIX}{token}.tmp")
    old = target.with_name(f"{TEMPORARY_PREFIX}{token}.old")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        folder.mkdir()
        yield folder
        if target.exists():
            _check_replaceable(str(target), target, force=force)
            target.rename(old)
        folder.rename(target)
    except BaseException as error:  # an interrupt too must leave what was there
        if old.exists() and not target.exists():
            old.rename(target)
        if isinstance(error, OSError) and error.errno is not None:
            reason = os.strerror(error.errno)
            raise RunFolderError(
                f"--out {target}: cannot write: {reason}; what was there before is intact"
            ) from error
        raise
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        if target.exists():
            shutil.rmtree(old, ignore_errors=True)
