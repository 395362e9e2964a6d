"""Who may call a compiled function: one thread at a time, and no machine code meanwhile."""

from __future__ import annotations

import threading

FREE = True  # what the sign says while nobody holds the lock


class Turns:
    """A lock that the entry of machine code respects, which can take none.

    Attributes
    ----------
    sign : dict
        ``sign["free"]`` is `FREE` while nobody holds the lock; the entry demands that.
    """

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._depth = 0
        self.sign = {"free": FREE}

    def __enter__(self) -> None:
        self._lock.acquire()
        self._depth += 1
        self.sign["free"] = not FREE

    def __exit__(self, *_: object) -> None:
        self._depth -= 1
        if not self._depth:
            self.sign["free"] = FREE
        self._lock.release()
