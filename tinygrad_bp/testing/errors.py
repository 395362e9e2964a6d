"""What a check says when it finds a wrong gradient, and when it cannot tell."""

from __future__ import annotations

from typing import Any

from tinygrad_bp.errors import TinygradError


class GradientMismatch(TinygradError, AssertionError):  # noqa: N818  # what it is, as in a report
    """A gradient that is wrong; the message is a report to act on.

    Parameters
    ----------
    message : str
    **facts
        The attributes, by name.

    Attributes
    ----------
    argument : str
        The argument whose gradient is wrong, as the report calls it.
    index : tuple of int or None
        The entry that is wrong; in forward mode an entry of the result.
    expected, got : float or None
        The slope that the oracle found at that entry, and the one under test.
    ratio : float or None
        ``got / expected``.
    hints : tuple of str
        What the pattern of all wrong entries looks like, in words.
    order : int
        1 for a gradient, 2 for the derivative of one.
    mode : str
        ``"vjp"`` or ``"jvp"``.
    oracle : str
        How the expected value was found, with its steps.
    oracle_error : float or None
        Bound of the error of `expected`.
    reproduction : str
        A script that raises the same.
    """

    def __init__(self, message: str, **facts: Any) -> None:
        super().__init__(message)
        self.argument: str = facts.get("argument", "")
        self.index: tuple[int, ...] | None = facts.get("index")
        self.expected: Any = facts.get("expected")
        self.got: Any = facts.get("got")
        self.ratio: Any = facts.get("ratio")
        self.hints: tuple[str, ...] = facts.get("hints", ())
        self.order: int = facts.get("order", 1)
        self.mode: str = facts.get("mode", "vjp")
        self.oracle: str = facts.get("oracle", "")
        self.oracle_error: Any = facts.get("oracle_error")
        self.reproduction: str = facts.get("reproduction", "")


class UncheckableError(TinygradError, ValueError):
    """A function or arguments whose gradient cannot be checked: neither right nor wrong."""


class UncheckablePointError(UncheckableError):
    """Arguments at which this function cannot be checked, though it may be at others."""
