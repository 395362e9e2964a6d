"""Files that are replaced whole or not at all, whatever interrupts the writing."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import stat
from pathlib import Path

from tinygrad_bp.elsewhere.calls import answers
from tinygrad_bp.files.leftovers import TEMPORARY_PREFIX, TEMPORARY_SUFFIX, hold, sweep

FilePath = str | os.PathLike[str]

# File systems and folders that cannot be synced: the rename is atomic there all the same.
_NO_FOLDER_SYNC = {errno.EACCES, errno.EBADF, errno.EINVAL, errno.ENOTSUP, errno.EPERM}


@answers
def atomic_write_bytes(path: FilePath, data: bytes, *, durable: bool = True) -> None:
    """Write a file so that a reader, or a crash, sees the old content or the new and no mixture.

    The data goes to a temporary file in the same folder, is synced to the disk and then renamed
    over ``path``; last the folder is synced. A symbolic link is followed, and an existing file
    keeps its permissions. After an error or an interrupt the temporary file is gone; after
    ``kill -9`` it may stay, under a name that starts with ``.tinygrad_bp-``, until another process
    of the same user writes into the folder.

    Parameters
    ----------
    path : str or path-like
        The file to create or replace; its folder must exist.
    data : bytes
    durable : bool
        If False, nothing is synced: faster, but a crash of the whole machine may leave an empty
        file. For content that can be made again, and shows whether it is whole.

    Raises
    ------
    OSError
        If the file cannot be written. The old file, if there is one, is intact.
    """
    # realpath: replacing a link by a file would leave the file that it names out of date
    target = Path(os.path.realpath(path))
    mode = _mode_of_existing(target)
    sweep(target.parent)
    try:
        while not _written(target, data, mode, durable=durable):
            pass
    except OSError as error:
        reason = f"cannot write the file: {error.strerror}; what was there before is intact"
        raise OSError(error.errno, reason, os.fspath(path)) from error
    if durable:
        sync_folder(target.parent)


def _written(target: Path, data: bytes, mode: int | None, *, durable: bool) -> bool:
    """Write and rename a temporary file; False if it was taken for another's leftover."""
    temporary = target.with_name(f"{TEMPORARY_PREFIX}{secrets.token_hex(8)}{TEMPORARY_SUFFIX}")
    try:
        with temporary.open("xb") as file:
            if not hold(file.fileno(), temporary):
                return False
            if mode is not None:
                temporary.chmod(mode)
            file.write(data)
            file.flush()
            if durable:
                os.fsync(file.fileno())
            if os.name == "nt":  # an open file cannot be renamed there
                file.close()
            temporary.replace(target)
    finally:
        # Known by name before it exists, so that an interrupt at any line finds it.
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
    return True


@answers
def atomic_write_text(path: FilePath, text: str) -> None:
    """Write a text file, as UTF-8 with its line ends as they are, by `atomic_write_bytes`.

    Parameters
    ----------
    path : str or path-like
        The file to create or replace; its folder must exist.
    text : str

    Raises
    ------
    OSError
        If the file cannot be written. The old file, if there is one, is intact.
    UnicodeEncodeError
        If the text has a lone surrogate; nothing was written.
    """
    atomic_write_bytes(path, text.encode("utf-8"))


def _mode_of_existing(target: Path) -> int | None:
    try:
        status = target.stat()
    except FileNotFoundError:
        return None
    if stat.S_ISREG(status.st_mode):
        return stat.S_IMODE(status.st_mode)
    # A rename would put a file in the place of /dev/null, a pipe or a socket.
    reason = "cannot write the file: something that is not a regular file has this name"
    raise OSError(errno.EINVAL, reason, os.fspath(target))


def sync_folder(folder: Path) -> None:
    """Make a rename in the folder durable, where the system can."""
    if os.name == "nt":  # a folder cannot be opened there
        return
    try:
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        if error.errno not in _NO_FOLDER_SYNC:
            raise
