"""What holds of every test: no clock decides it, and its name is the same in every process."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from together import together

HERE = Path(__file__)
FILES = sorted(
    {*HERE.parent.rglob("*.py")}
    - {HERE, HERE.parent / "support" / "progress.py", *(HERE.parent / "benchmarks").rglob("*")}
)
# In quotes, a clock is what a test puts its own hands in the place of.
CLOCK = re.compile(r"\b(?:perf_counter|monotonic|process_time|thread_time|time\.time)\b(?!\")")
LIMIT = re.compile(
    r"(?:\b(?:timeout|deadline)=|\.(?:wait|join|communicate)\(|\balarm\()(\d+(?:\.\d+)?)\b"
)
ADDRESS = re.compile(r"\b0x[0-9a-f]{6,}")
LEAST = 300.0  # seconds: who waits so long, on a busy machine too, waits for what hangs


def test_hypothesis_measures_no_time():
    assert settings().deadline is None
    assert HealthCheck.too_slow in settings().suppress_health_check


@together
@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(HERE.parent)))
def test_no_clock_is_read_and_no_short_limit_set(path):
    text = path.read_text(encoding="utf-8")
    assert CLOCK.findall(text) == []
    assert [found for found in LIMIT.findall(text) if float(found) < LEAST] == []


def test_no_name_of_a_test_holds_an_address(request):
    """The workers of pytest-xdist compare names."""
    names = [item.nodeid for item in request.session.items]
    assert [name for name in names if ADDRESS.search(name)] == []


def test_no_two_files_have_one_name():
    """pytest imports them by their names alone."""
    names = [path.name for path in FILES if path.name.startswith("test_")]
    assert sorted({name for name in names if names.count(name) > 1}) == []


@together
@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(HERE.parent)))
def test_what_limits_the_size_of_files_writes_no_bytecode(path):
    """CPython keeps a .pyc that was cut off, and no later process can import the module."""
    text = path.read_text(encoding="utf-8")
    assert text.count("RLIMIT_FSIZE, (") <= text.count("sys.dont_write_bytecode = True")
