"""Settings of the whole suite."""

from __future__ import annotations

import gc
import signal
from collections.abc import Iterator
from contextlib import suppress

import pytest
from browsing import browser, opened  # noqa: F401  # fixtures of every folder
from hypothesis import HealthCheck, settings
from progress import Progress
from shuffling import Shuffled
from watchdog import Watchdog

from tinygrad_bp.rules import fill_table, fill_table_from_scipy
from tinygrad_bp.view.formats import dot, pictures

collect_ignore = ["doctor/corpus"]  # scripts, whatever their names

THRESHOLD = 10_000  # objects; a run keeps its reports, and Python's own 700 looks at them too often

# How fast a machine is, or what else it does, decides no test.
settings.register_profile(
    "suite",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
settings.load_profile("suite")
pictures.QUICK = dot.TIMEOUT = 300.0  # seconds that Graphviz is given

fill_table()  # before tests are drawn from it
with suppress(ImportError):  # the rows of SciPy's functions are tested where SciPy is installed
    import scipy.special  # noqa: F401  # with it, its functions are in the table
fill_table_from_scipy()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add ``--shuffle``."""
    parser.addoption(
        "--shuffle",
        type=int,
        metavar="SEED",
        help="run the tests in an order drawn from SEED, and collect garbage after each",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Watch for what hangs; shuffle, if that is asked for."""
    gc.disable()  # until the tests are collected: nearly all of what is made until then stays
    config.pluginmanager.register(Watchdog())
    if (seed := config.getoption("shuffle")) is not None:
        config.pluginmanager.register(Shuffled(seed))


def pytest_sessionstart(session: pytest.Session) -> None:
    """Tell how far it is, where ``-q`` leaves no names of files to go by."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if reporter is not None and session.config.option.verbose == -1:  # a worker has none
        session.config.pluginmanager.register(Progress(session, reporter))


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop() -> None:
    """Spare the garbage collector the tests themselves: 8 % of the run."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(THRESHOLD)
    gc.enable()


@pytest.fixture
def ctrl_c() -> Iterator[None]:
    """Let Ctrl-C interrupt this process and its children.

    A background job of a shell, or what `nohup` starts, ignores the signal, and so do its children.
    """
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)
