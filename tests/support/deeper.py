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


def explored(few: int, many: int = 100, **strategies: Any) -> Callable[..., Any]:
    """Make a test a property of what is drawn: of `few` examples, and of `many` as a deep run."""

    def of(test: Callable[..., Any]) -> Callable[..., Any]:
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
