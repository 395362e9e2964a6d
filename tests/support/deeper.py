"""What of many rows or examples the default run takes; the rest is for ``-m deep``."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from functools import wraps
from typing import Any

import pytest
from hypothesis import given, settings


def one_in(k: int, values: Iterable[Any]) -> list[Any]:
    """Return `values` as parameters of a test, all but every k-th marked as deep."""
    return [
        pytest.param(one, marks=pytest.mark.deep if i % k else ()) for i, one in enumerate(values)
    ]


# Whether a test that takes what it goes over by turns takes all of it.
IN_FULL = pytest.mark.parametrize(
    "in_full", [False, pytest.param(True, marks=pytest.mark.deep)], ids=["some", "all"]
)


def by_turns(count: int, values: Iterable[Any], turn: int) -> list[Any]:
    """Return `count` of `values`: the next ones at each turn, so that some turns have them all."""
    values = list(values)
    return [values[(count * turn + i) % len(values)] for i in range(count)]


def explored(few: int, many: int = 100, *last: Any, **named: Any) -> Callable[..., Any]:
    """Make a test a property of what is drawn: of `few` examples, and of `many` as a deep run.

    What to draw is given as to `hypothesis.given`: for the last parameters, or by their names.
    """

    def of(test: Callable[..., Any]) -> Callable[..., Any]:
        names = [*inspect.signature(test).parameters]
        strategies = dict(zip(names[len(names) - len(last) :], last, strict=True)) | named
        drawn = {n: settings(max_examples=n)(given(**strategies)(test)) for n in (few, many)}

        @wraps(test)
        def explore(examples: int, **others: Any) -> None:
            drawn[examples](**others)

        parameters = inspect.signature(test).parameters.values()
        others = [one for one in parameters if one.name not in strategies]
        examples = inspect.Parameter("examples", inspect.Parameter.POSITIONAL_OR_KEYWORD)
        explore.__signature__ = inspect.Signature([*others, examples])
        taken = [few, pytest.param(many, marks=pytest.mark.deep)]
        return pytest.mark.parametrize("examples", taken)(explore)

    return of
