"""The pytest plugin.

Installed, this file also is the module `_tinygrad_bp_pytest` beside the package: pytest imports it
into every project's test run, and neither the package nor NumPy is imported until a test asks.

- The fixture `check_grads` is `tinygrad_bp.testing.check_grads`; a test that takes it has the
  marker `gradients`, as have tests made by `gradients_hold`.
- The option ``--grad-deep`` compares along more directions, and draws more examples.
- The last lines of the run say how many functions were checked, and how exactly they agree.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from typing import Any

import pytest

NUMBERS = "tinygrad_bp_tally"  # under which a worker of pytest-xdist sends what it counted


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add ``--grad-deep``."""
    parser.getgroup("gradients").addoption(
        "--grad-deep",
        action="store_true",
        help="gradient checks: more directions, and more examples for gradients_hold",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Declare the marker, and make checks deep if that is asked for."""
    config.addinivalue_line("markers", "gradients: checks gradients; select with -m gradients")
    if config.getoption("grad_deep"):
        _tally().deep = True


def pytest_unconfigure(config: pytest.Config) -> None:
    """Make checks in this process as they were."""
    if config.getoption("grad_deep"):
        _tally().deep = False


@pytest.hookimpl(tryfirst=True)  # before -m selects
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests that take the fixture, and those made by `gradients_hold`."""
    for item in items:
        names = getattr(item, "fixturenames", ())
        if "check_grads" in names or hasattr(getattr(item, "obj", None), "gradients_of"):
            item.add_marker("gradients")


@pytest.fixture
def check_grads() -> Callable[..., Any]:
    """Return `tinygrad_bp.testing.check_grads`: compare gradients with an independent oracle."""
    from tinygrad_bp.testing import check_grads as check

    return check


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Say what was checked."""
    counted = [_numbers(), *getattr(terminalreporter.config, NUMBERS, [])]
    functions = {name for one in counted for name in one["functions"]}
    if functions:
        low, high = min(one["low"] for one in counted), max(one["high"] for one in counted)
        where = f", at arguments from {low:.3g} to {high:.3g}" if low <= high else ""
        worst = max(one["worst"] for one in counted)
        kinks = sum(one["kinks"] for one in counted)
        terminalreporter.write_sep("-", "gradients")
        terminalreporter.write_line(
            f"{len(functions)} function{'s' * (len(functions) != 1)} checked{where}; the largest"
            f" difference that passed is {worst:.1g} of a slope, kinks met: {kinks}"
        )


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Send what a worker of pytest-xdist counted to the process that prints."""
    output = getattr(session.config, "workeroutput", None)
    if output is not None:
        output[NUMBERS] = _numbers()


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Take what a worker of pytest-xdist counted."""
    found = getattr(node, "workeroutput", {}).get(NUMBERS)
    if found:
        vars(node.config).setdefault(NUMBERS, []).append(found)


def _tally() -> Any:
    from tinygrad_bp.testing.tally import TALLY

    return TALLY


def _numbers() -> dict[str, Any]:
    """Return what was counted in this process; nothing is imported for it."""
    module = sys.modules.get("tinygrad_bp.testing.tally")
    if module is None:
        return {"functions": [], "worst": 0.0, "low": math.inf, "high": -math.inf, "kinks": 0}
    numbers = {name: getattr(module.TALLY, name) for name in ("worst", "low", "high", "kinks")}
    return {"functions": sorted(module.TALLY.functions), **numbers}
