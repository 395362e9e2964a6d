"""``--shuffle SEED``: what one test leaves to another is found."""

from __future__ import annotations

import gc
import random
from collections.abc import Iterator

import pytest

FROZEN = 200  # tests after which the collector no longer looks at what lives on, such as reports


class Shuffled:
    """Runs the tests in an order drawn from a seed, and collects garbage after each.

    State that a test leaves meets other tests than the next in its file, and garbage whose
    finaliser complains does so in the test that made it.
    """

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.tests = 0

    def pytest_report_header(self) -> str:
        """Say how to repeat this order."""
        return f"shuffled: --shuffle {self.seed}"

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Shuffle all tests, across files."""
        random.Random(self.seed).shuffle(items)

    @pytest.fixture(autouse=True)
    def collected(self) -> Iterator[None]:
        """Collect what the test leaves."""
        yield
        gc.collect()
        if self.tests % FROZEN == 0:
            gc.freeze()  # else each collection looks at the whole run's objects
        self.tests += 1
