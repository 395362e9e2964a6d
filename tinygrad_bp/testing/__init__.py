"""Checks of gradients: of the engine's, of your own functions and layers, and of those by hand.

`check_grads` compares with an oracle that needs no derivative rule; `check_vjp` does so for a
gradient that was written by hand; `gradients_hold` makes a test of a function; `strategies` draws
what to test with (it needs Hypothesis, and is imported when it is asked for).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinygrad_bp.deferred import deferred

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

__getattr__, __dir__ = deferred(
    __name__,
    {
        "GradientMismatch": "errors",
        "Report": "report",
        "UncheckableError": "errors",
        "UncheckablePointError": "errors",
        "check_grads": "checks",
        "check_vjp": "checks",
        "complex_step": "oracles",
        "gradients_hold": "properties",
        "richardson": "oracles",
        "strategies": "strategies",
    },
)
del deferred
