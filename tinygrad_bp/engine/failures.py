"""What an exception tells of the operation that raised it: recorders and dispatch note it there."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple, TypeVar

Raised = TypeVar("Raised", bound=BaseException)
NOTED = "failed_operation"  # the attribute of an exception


class Failure(NamedTuple):
    """The operation that raised.

    Attributes
    ----------
    operation : str
        Name of the rule or function.
    operands : tuple
        What it was given, as it was given.  A pickle leaves them behind: an exception that goes to
        another process does not take its graph along.
    """

    operation: str
    operands: tuple[Any, ...]

    def __reduce__(self) -> tuple[Any, ...]:
        return Failure, (self.operation, ())


def noted(error: Raised, operation: str, operands: Iterable[Any]) -> Raised:
    """Return `error` with a note of the operation; the innermost one is there first, and stays."""
    vars(error).setdefault(NOTED, Failure(operation, tuple(operands)))
    return error


def failure_of(error: BaseException) -> Failure | None:
    """Return what was noted on an exception, or None."""
    return vars(error).get(NOTED)
