"""Many small rows in one test, each failure told by its row.

A test costs pytest a millisecond for its names, fixtures and reports, and most rows cost less.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Sequence
from functools import partial, wraps
from itertools import product
from typing import Any

import pytest

LONGEST = 100  # characters of a value in the name of a row


def run_all(rows: Iterable[tuple[str, Callable[[], Any]]]) -> None:
    """Run every row, also after one that fails; raise what failed, each noted with its name."""
    failed: list[tuple[str, BaseException]] = []
    skipped: list[BaseException] = []
    count = 0
    for name, run in rows:
        count += 1
        try:
            run()
        except pytest.skip.Exception as reason:
            skipped.append(reason)
        except (Exception, pytest.fail.Exception) as error:  # noqa: BLE001  # told below
            error.add_note(f"in the row {name}")
            failed.append((name, error))
    if len(failed) == 1:
        raise failed[0][1]
    if failed:
        told = f"{len(failed)} of {count} rows fail: {', '.join(name for name, _ in failed)}"
        raise BaseExceptionGroup(told, [error for _, error in failed])
    if skipped and len(skipped) == count:
        raise skipped[0]


def together(test: Callable[..., Any]) -> Callable[..., Any]:
    """Run in one test what the parametrize marks below this decorator would make many of.

    Fixtures are those of the whole: the rows share them.
    """
    marks = [mark for mark in test.pytestmark if mark.name == "parametrize"]
    columns = [list(cells(*mark.args, **mark.kwargs)) for mark in marks]
    rows = [
        (", ".join(name for name, _ in row), {k: v for _, cell in row for k, v in cell.items()})
        for row in product(*reversed(columns))
    ]

    @wraps(test)
    def whole(**fixtures: Any) -> None:
        run_all((name, partial(test, **given, **fixtures)) for name, given in rows)

    parameters = inspect.signature(test).parameters.values()
    named = {key for column in columns for key in column[0][1]}
    whole.__signature__ = inspect.Signature([p for p in parameters if p.name not in named])
    whole.pytestmark = [mark for mark in test.pytestmark if mark.name != "parametrize"]
    return whole


def cells(
    names: str | Sequence[str], values: Iterable[Any], ids: Any = None
) -> Iterable[tuple[str, dict[str, Any]]]:
    """Yield the name and the arguments of each row of a parametrize mark."""
    names = names.replace(" ", "").split(",") if isinstance(names, str) else names
    for i, given in enumerate(values):
        own = None
        if hasattr(given, "marks"):  # a pytest.param
            assert not given.marks, "a row with a mark of its own has to be a test"
            own, given = given.id, given.values
        elif len(names) == 1:
            given = (given,)
        if own is None and callable(ids):
            own = "-".join(str(ids(value)) for value in given)
        elif own is None and ids:
            own = ids[i]
        arguments = dict(zip(names, given, strict=True))
        yield own or ", ".join(f"{k}={short(v)}" for k, v in arguments.items()), arguments


def short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"
