"""A test that hangs says where."""

from __future__ import annotations

import faulthandler
import os

import pytest

LIMIT = 900  # seconds
STEP = 50  # tests between two settings of the alarm: pytest's own, at each, costs 2 ms


class Watchdog:
    """Prints the stacks of all threads if `STEP` tests take more than `LIMIT` seconds."""

    def __init__(self) -> None:
        self.stderr = os.dup(2)  # a test's own is captured
        self.tests = 0

    def pytest_runtest_logstart(self) -> None:
        """Put the alarm off."""
        if self.tests % STEP == 0:
            faulthandler.dump_traceback_later(LIMIT, file=self.stderr)
        self.tests += 1

    @pytest.hookimpl(trylast=True)
    def pytest_unconfigure(self) -> None:
        """Take the alarm away."""
        faulthandler.cancel_dump_traceback_later()
        os.close(self.stderr)
