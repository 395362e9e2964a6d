"""Settings of the doctor's tests."""

from __future__ import annotations

import math

import pytest

from tinygrad_bp.doctor.watched import clock


@pytest.fixture(autouse=True)
def unhurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let what is examined here have its time by its own work alone, however busy the machine is.

    No script waits here; those that do are examined in child processes.
    """
    monkeypatch.setattr(clock, "WALL", math.inf)
