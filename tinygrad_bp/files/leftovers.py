"""Temporary files and folders that killed processes have left, told from those being written.

Whoever writes a temporary file holds a lock on it, or on a file in the temporary folder, which the
system drops when the process is gone.  So what can be locked is left over, or was born a moment
ago: its writer looks after it has locked whether the file is still there, and takes another name if
not.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
import sys
from pathlib import Path

TEMPORARY_PREFIX = ".tinygrad_bp-"  # a killed process leaves its file behind: say whose it is
TEMPORARY_SUFFIX = ".tmp"
OWNED = ".tinygrad_bp-owned"  # in a temporary folder: the file that is locked

_seen: set[Path] = set()  # folders that this process has looked through


def hold(descriptor: int, path: Path) -> bool:
    """Lock a new file until it is closed; False if another process has just removed it."""
    if not _locked(descriptor):
        return False
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False


def sweep(folder: Path) -> None:
    """Remove this user's leftovers from a folder, once in a process: listing a folder takes time.

    Nothing where files cannot be locked, nor where others hold or own them.
    """
    if folder in _seen or sys.platform == "win32":
        return
    _seen.add(folder)
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.startswith(TEMPORARY_PREFIX) and entry.name.endswith(TEMPORARY_SUFFIX):
                with contextlib.suppress(OSError):
                    _remove_if_left(entry)


def _remove_if_left(entry: os.DirEntry[str]) -> None:
    if entry.stat(follow_symlinks=False).st_uid != os.geteuid():
        return
    folder = entry.is_dir(follow_symlinks=False)
    locked = Path(entry.path, OWNED) if folder else Path(entry.path)
    if not stat.S_ISREG(locked.lstat().st_mode):
        return
    descriptor = os.open(locked, os.O_RDONLY | os.O_NOFOLLOW)
    try:
        if _locked(descriptor, unsure=False):
            shutil.rmtree(entry.path) if folder else locked.unlink()
    finally:
        os.close(descriptor)


def _locked(descriptor: int, *, unsure: bool = True) -> bool:
    """Lock an open file for this process alone; `unsure` where the file system knows no locks."""
    if sys.platform != "win32":
        import fcntl  # which Windows lacks

        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError:
            return unsure
        return True
    return unsure
