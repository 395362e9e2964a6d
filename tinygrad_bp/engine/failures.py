"""What an exception tells of the operation that raised it: recorders and dispatch note it there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple, TypeVar

Raised = TypeVar("Raised", bound=BaseException)
NONE: Mapping[str, Any] = MappingProxyType({})
COTANGENT = "ct"  # the name of the operand that a pull was given
NOTED = "failed_operation"  # the attribute of an exception


class Failure(NamedTuple):
    """The operation that raised.

    Attributes
    ----------
    operation : str
        Name of the rule or function.
    operands : tuple
        What it was given, as it was given; a node of the graph is one too.  A pickle leaves them
        behind: an exception that goes to another process does not take its graph along.
    keywords : tuple of str or None
        The names of the last of them, which were given by name.
    """

    operation: str
    operands: tuple[Any, ...]
    keywords: tuple[str | None, ...] = ()

    def __reduce__(self) -> tuple[Any, ...]:
        return Failure, (self.operation, ())


def noted(
    error: Raised, operation: str, operands: Iterable[Any], named: Mapping[str, Any] = NONE
) -> Raised:
    """Return `error` with a note of the operation; the innermost one is there first, and stays."""
    found = Failure(operation, (*operands, *named.values()), tuple(named))
    vars(error).setdefault(NOTED, found)
    return error


def failure_of(error: BaseException) -> Failure | None:
    """Return what was noted on an exception, or None."""
    return vars(error).get(NOTED)
