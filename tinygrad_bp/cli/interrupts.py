"""Ctrl-C as a question that the work asks where it can stop, not as an exception anywhere."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class Interrupts:
    """Notes Ctrl-C while it is held back, so that nothing is ever left half done.

    Attributes
    ----------
    count : int
        How often Ctrl-C came while it was held back.
    at_once : bool
        Whether the next Ctrl-C ends what is running as an exception: the training, which keeps its
        best weights so far wherever it stops, and of which an epoch may take long.
    """

    def __init__(self) -> None:
        self.count = 0
        self.at_once = False

    @property
    def requested(self) -> bool:
        """Whether the work is to stop."""
        return self.count > 0

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold Ctrl-C back while the block runs; `count` tells of it.

        A caller's own handler stays in place, and so does the ignoring of the signal in a
        background job.
        """
        before = signal.getsignal(signal.SIGINT)
        in_main = threading.current_thread() is threading.main_thread()
        if not in_main or before is not signal.default_int_handler:
            yield
            return
        signal.signal(signal.SIGINT, self._take)
        try:
            yield
        finally:
            signal.signal(signal.SIGINT, before)

    def check(self) -> None:
        """Raise KeyboardInterrupt if Ctrl-C has come: called where the work can stop."""
        if self.requested:
            raise KeyboardInterrupt

    def _take(self, _number: int, _frame: FrameType | None) -> None:
        self.count += 1
        if self.at_once:
            self.at_once = False  # what answers this one is not to be interrupted in turn
            raise KeyboardInterrupt
