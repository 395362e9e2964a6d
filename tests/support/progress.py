"""How far a quiet run of the tests is: a line every twentieth, no dot for each."""

from __future__ import annotations

import time
from typing import Any

import pytest

LINES = 20
MANY = 1000  # tests; fewer of them are told by their dots


class Progress:
    """Writes a line whenever a further twentieth of the tests is done."""

    def __init__(self, session: pytest.Session, reporter: Any) -> None:
        self.session, self.reporter = session, reporter
        self.done, self.failed = 0, 0
        self.begin = time.perf_counter()

    @pytest.hookimpl(tryfirst=True)
    def pytest_report_teststatus(self, report: Any) -> tuple[str, str, str] | None:
        """Let a test that passes or is skipped write nothing; the end tells what was skipped."""
        if self.session.testscollected >= MANY:
            if report.passed and report.when == "call":
                return "passed", "", "PASSED"
            if report.skipped and not hasattr(report, "wasxfail"):
                return "skipped", "", "SKIPPED"
        return None

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Count failures."""
        self.failed += report.failed

    def pytest_runtest_logfinish(self, nodeid: str) -> None:
        """Write the line, if it is time for one."""
        self.done += 1
        total = self.session.testscollected  # of pytest-xdist, known when the workers have begun
        if total < MANY:
            return
        self.reporter._show_progress_info = False  # pytest's own, at the end of a line of dots
        if self.done * LINES // total > (self.done - 1) * LINES // total:
            file = nodeid.partition("::")[0]
            failed = f", {self.failed} failed" if self.failed else ""
            if self.reporter._tw.width_of_current_line:  # an F
                self.reporter.write_line("")
            self.reporter.write_line(
                f"{self.done / total:4.0%}  {self.done:,} of {total:,} tests{failed},"
                f" {time.perf_counter() - self.begin:.0f} s, {file}"
            )
