"""Folders that are replaced whole or not at all, whatever interrupts the writing."""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import secrets
import shutil
import stat
import sys
from pathlib import Path

from tinygrad_bp.files.atomic import sync_folder
from tinygrad_bp.files.leftovers import OWNED, TEMPORARY_PREFIX, TEMPORARY_SUFFIX, hold, sweep

ASIDE = ".before-"  # between the name of a folder and a token: what stood in its place

# Kernels, libraries and file systems that cannot exchange two names.
_NO_EXCHANGE = {errno.ENOSYS, errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EPERM}
_held: dict[Path, int] = {}  # the file that is locked in each folder of this process
_AT_FDCWD = -100  # linux/fcntl.h: relative to the working directory
_RENAME_EXCHANGE = 2  # linux/fs.h


def folder_beside(target: Path) -> Path:
    """Make and return a folder on the same file system as `target`, to become it.

    Until `put_folder` or `drop_folder` it holds one file, a hidden one, which is locked: if this
    process is killed, another of the same user removes the folder as it makes one beside it.

    Raises
    ------
    OSError
        If it cannot be made.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    sweep(target.parent)
    while True:
        folder = target.with_name(f"{TEMPORARY_PREFIX}{secrets.token_hex(8)}{TEMPORARY_SUFFIX}")
        folder.mkdir()
        _held[folder] = os.open(folder / OWNED, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        if hold(_held[folder], folder / OWNED):
            return folder
        _let_go(folder)


def drop_folder(folder: Path) -> None:
    """Remove a folder that has not become what it was made for."""
    _let_go(folder)
    shutil.rmtree(folder, ignore_errors=True)


def _let_go(folder: Path) -> None:
    """Take out of a folder what tells that it is being written."""
    held = _held.pop(folder, None)
    if held is not None:
        with contextlib.suppress(OSError):
            (folder / OWNED).unlink(missing_ok=True)
        os.close(held)


def private_folder(folder: Path, *, make: bool) -> bool:
    """Tell whether a folder is there that its owner alone, who runs this, can write.

    Parameters
    ----------
    folder : Path
    make : bool
        Make it, and the folders above it, if it is not there.

    Raises
    ------
    OSError
        If it cannot be made.
    """
    if make:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        status = folder.stat()
    except OSError:
        return False
    if os.name == "nt":  # folders there inherit who may write them from the user's own
        return stat.S_ISDIR(status.st_mode)
    others = stat.S_IWGRP | stat.S_IWOTH
    own = status.st_uid == os.geteuid() and not status.st_mode & others
    return own and stat.S_ISDIR(status.st_mode)


def put_folder(folder: Path, target: Path) -> Path | None:
    """Let `folder` take the place of `target`.

    Where the system can exchange two names, `target` is the old folder or the new one at every
    moment.  Elsewhere there is a moment in which it is neither; who is killed in it leaves the old
    one beside it, and `set_aside` finds it.

    Parameters
    ----------
    folder : Path
        On the same file system.
    target : Path
        A folder, or nothing yet.

    Returns
    -------
    Path or None
        Where that which stood at `target` is now.

    Raises
    ------
    OSError
        If the file system refuses.  What stood at `target` is there.
    """
    _let_go(folder)
    if not os.path.lexists(target):
        folder.rename(target)
        sync_folder(target.parent)
        return None
    old = folder
    try:
        _exchange(folder, target)
    except OSError as error:
        if error.errno not in _NO_EXCHANGE:
            raise
        old = _swap_by_a_third_name(folder, target)
    sync_folder(target.parent)
    return old


def set_aside(target: Path) -> Path | None:
    """Return the folder that a killed `put_folder` has left beside an absent `target`, if any."""
    if os.path.lexists(target):
        return None
    with contextlib.suppress(OSError):
        beginning = target.name + ASIDE
        found = [entry for entry in target.parent.iterdir() if entry.name.startswith(beginning)]
        return max(found, key=lambda entry: entry.stat().st_mtime, default=None)
    return None


def _swap_by_a_third_name(folder: Path, target: Path) -> Path:
    aside = target.with_name(f"{target.name}{ASIDE}{secrets.token_hex(4)}")
    try:
        target.rename(aside)
        folder.rename(target)
    except BaseException:  # an interrupt too must leave what was there
        if aside.exists() and not target.exists():
            aside.rename(target)
        raise
    return aside


def _exchange(first: Path, second: Path) -> None:
    """Exchange two names in one step; an OSError says that it cannot be done here."""
    rename = None
    if sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError):  # AttributeError: an older C library
            rename = ctypes.CDLL(None, use_errno=True).renameat2
    if rename is None:
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))
    names = os.fsencode(first), os.fsencode(second)
    if rename(_AT_FDCWD, names[0], _AT_FDCWD, names[1], _RENAME_EXCHANGE):
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code), os.fspath(second))
