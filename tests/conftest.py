"""Settings of the whole suite."""

from __future__ import annotations

import gc
import random
import signal
from collections.abc import Iterator
from contextlib import suppress

import pytest
from hypothesis import HealthCheck, settings

from tinygrad_bp.rules import fill_table, fill_table_from_scipy

# How fast a machine is, or what else it does, decides no test.
settings.register_profile(
    "suite",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
settings.load_profile("suite")

fill_table()  # before tests are drawn from it
with suppress(ImportError):  # the rows of SciPy's functions are tested where SciPy is installed
    import scipy.special  # noqa: F401  # with it, its functions are in the table
fill_table_from_scipy()

FROZEN = 200  # tests after which the collector no longer looks at what lives on, such as reports


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add ``--shuffle``."""
    parser.addoption(
        "--shuffle",
        type=int,
        metavar="SEED",
        help="run the tests in an order drawn from SEED, and collect garbage after each",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Shuffle, if that is asked for."""
    if (seed := config.getoption("shuffle")) is not None:
        config.pluginmanager.register(Shuffled(seed))


class Shuffled:
    """Finds what one test leaves to another: state, or garbage whose finaliser complains."""

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
        """Let garbage be collected in the test that leaves it."""
        yield
        gc.collect()
        if self.tests % FROZEN == 0:
            gc.freeze()  # else each collection looks at the whole run's objects
        self.tests += 1


@pytest.fixture
def ctrl_c() -> Iterator[None]:
    """Let Ctrl-C interrupt this process and its children.

    A background job of a shell, or what `nohup` starts, ignores the signal, and so do its children.
    """
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)
