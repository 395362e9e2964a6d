"""What NumPy and the system say, asked of themselves: their words change between releases."""

from __future__ import annotations

import errno
import operator
import os
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest


def words(action: Callable[..., Any], *args: Any) -> str:
    """Return the message of what ``action(*args)`` raises, as a pattern."""
    with pytest.raises(Exception) as caught:  # noqa: PT011  # whatever it is
        action(*args)
    return re.escape(str(caught.value))


def locked() -> np.ndarray[Any, Any]:
    x = np.zeros(3)
    x.flags.writeable = False
    return x


READ_ONLY = f"{words(operator.setitem, locked(), 0, 1.0)}|{words(operator.imul, locked(), 2)}"
STAYS_LOCKED = words(lambda: locked()[:].setflags(write=True))
ABSENT = os.strerror(errno.ENOENT)
DISK_FULL = os.strerror(errno.ENOSPC)
FILE_TOO_LARGE = os.strerror(errno.EFBIG)
FORBIDDEN = os.strerror(errno.EACCES)
INPUT_OUTPUT = os.strerror(errno.EIO)
NAME_TOO_LONG = os.strerror(errno.ENAMETOOLONG)
NO_FOLDER = os.strerror(errno.ENOTDIR)
