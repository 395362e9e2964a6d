"""Where a command may write a page: checked before the work."""

from __future__ import annotations

import os
from pathlib import Path

from tinygrad_bp.errors import DataError


def check_page(option: str, name: str, *, force: bool) -> Path:
    """Return the absolute path of a page to be written.

    Parameters
    ----------
    option : str
        What named it, for the message.
    name : str
    force : bool
        Allow to replace a file.

    Raises
    ------
    DataError
        If the name is not that of a page, something stands there that must not be replaced, or its
        folder cannot be written to.
    """
    told = f"{option} {name}"
    if Path(name).is_dir():
        raise DataError(f"{told}: this is a folder; name a file in it")
    if os.path.lexists(name) and not force:
        raise DataError(f"{told}: the file exists; choose another name, or --force")
    path = Path(name).absolute()  # now: what runs in between may go to another folder
    if path.suffix.lower() not in (".html", ".htm"):
        raise DataError(f"{told}: a page is written; the name ends in .html")
    if not path.parent.is_dir() or not os.access(path.parent, os.W_OK | os.X_OK):
        raise DataError(f"{told}: {path.parent} is not a folder that may be written to")
    return path
