"""A test that hangs says where."""

from __future__ import annotations

import faulthandler
import os
import time

import pytest

LIMIT = 900  # seconds
STEP = 30  # seconds between two settings of the alarm: pytest's own costs 2 ms a test


class Watchdog:
    """Prints the stacks of all threads if no further test began for `LIMIT` seconds."""

    def __init__(self) -> None:
        self.stderr = os.dup(2)  # a test's own is captured
        self.due = 0.0

    def pytest_runtest_logstart(self) -> None:
        """Put the alarm off."""
        now = time.monotonic()
        if now >= self.due:
            faulthandler.dump_traceback_later(LIMIT, file=self.stderr)
            self.due = now + STEP

    @pytest.hookimpl(trylast=True)
    def pytest_unconfigure(self) -> None:
        """Take the alarm away."""
        faulthandler.cancel_dump_traceback_later()
        os.close(self.stderr)
