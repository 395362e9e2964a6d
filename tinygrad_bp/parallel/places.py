"""Where a rank is in its work, for the process that watches it: memory that the two share."""

from __future__ import annotations

import mmap

SIZE = 64  # bytes

_shared: mmap.mmap | None = None


def share() -> None:
    """Open the memory; a process that is forked after this writes what this one reads."""
    global _shared  # noqa: PLW0603  # one process, one place
    _shared = mmap.mmap(-1, SIZE)


def write(place: str) -> None:
    """Write down a place, if anyone watches.

    Parameters
    ----------
    place : str
    """
    if _shared is not None:
        _shared[:] = place.encode()[:SIZE].ljust(SIZE, b"\0")


def read() -> str:
    """Return the place that was last written down, or nothing.

    Returns
    -------
    str
    """
    text = b"" if _shared is None else _shared[:]
    return text.rstrip(b"\0").decode(errors="replace")
