"""The time that an examination has: its own work, so that a busy machine changes no answer."""

from __future__ import annotations

import contextlib
import gc
import time
from collections.abc import Iterator

WALL = 8.0  # seconds on the wall that count as one: for scripts that wait instead of working


def now() -> float:
    """Return the seconds that have passed, from some beginning on."""
    return max(time.thread_time(), (time.monotonic() - _BEGAN) / WALL)


_BEGAN = time.monotonic() - WALL * time.thread_time()


@contextlib.contextmanager
def collecting_its_own() -> Iterator[None]:
    """Spare the script's time the collector's walks through what lived before it."""
    if gc.get_freeze_count():  # the caller does so
        yield
        return
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()
