"""Checks of gradients: of the engine's, of your own functions and layers, and of those by hand.

`check_grads` compares with an oracle that needs no derivative rule; `check_vjp` does so for a
gradient that was written by hand; `gradients_hold` makes a test of a function; `strategies` draws
what to test with (it needs Hypothesis, and is imported when it is asked for).
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tinygrad_bp.testing import strategies
    from tinygrad_bp.testing.checks import check_grads, check_vjp
    from tinygrad_bp.testing.errors import GradientMismatch, UncheckableError, UncheckablePointError
    from tinygrad_bp.testing.oracles import complex_step, richardson
    from tinygrad_bp.testing.properties import gradients_hold
    from tinygrad_bp.testing.report import Report

__all__ = [
    "GradientMismatch",
    "Report",
    "UncheckableError",
    "UncheckablePointError",
    "check_grads",
    "check_vjp",
    "complex_step",
    "gradients_hold",
    "richardson",
    "strategies",
]

_HOMES = {
    "GradientMismatch": "errors",
    "Report": "report",
    "UncheckableError": "errors",
    "UncheckablePointError": "errors",
    "check_grads": "checks",
    "check_vjp": "checks",
    "complex_step": "oracles",
    "gradients_hold": "properties",
    "richardson": "oracles",
}


def __getattr__(name: str) -> Any:
    if name == "strategies":
        return import_module("tinygrad_bp.testing.strategies")
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted(__all__)
