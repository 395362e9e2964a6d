"""Calls for the generic tests, of every row of the rule table."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cache, cached_property, partial, wraps
from typing import Any
from zlib import crc32

import numpy as np
import pytest
from together import run_all

import tinygrad_bp as tg
from tinygrad_bp.engine.rule import COMPOSED, TABLE, Composition, Interval, Rule, call
from tinygrad_bp.testing.samples import Form, default_samples

MARGIN = 0.1  # samples stay this far from kinks: more than a difference quotient moves them

# How the arguments of an elementwise rule may broadcast: 0-d, length 1, missing axes, and both
# ways at once.
SHAPES: tuple[tuple[int, ...], ...] = ((), (1,), (3,), (2, 3), (2, 1), (1, 3), (1, 1, 3), (2, 1, 1))


class Case(Form):
    """One call of one row's function, with arrays that are the same each time."""

    @cached_property
    def _drawn(self) -> list[Any]:
        seed = crc32(repr(self).encode())
        return drawn(self.rule, self.shapes, self.constants, np.random.default_rng(seed))

    @property
    def arrays(self) -> list[Any]:
        """The drawn arrays, float64, for the caller to write into."""
        return [x.copy() for x in self._drawn]

    def run(self, function: Callable[..., Any], arrays: Sequence[Any]) -> Any:
        """Call `function` as the sample says, on symmetric matrices where it takes no others."""
        if self.rule.trial.symmetric is True:
            arrays = [x + np.swapaxes(x, -1, -2) for x in arrays]
        return function(*self.arguments(arrays), **self.sample.kwargs)

    def __call__(self, *arrays: Any) -> Any:
        """Call the row's own function."""
        return self.run(self.rule.function, arrays)

    def __repr__(self) -> str:
        given = [
            *map(_short, self.sample.args),
            *(f"{k}={_short(v)}" for k, v in self.sample.kwargs.items()),
        ]
        return f"{self.rule.name}({', '.join(given)})"


def _short(value: Any) -> str:
    if isinstance(value, np.ndarray):
        return str(value.tolist()).replace(" ", "")
    return getattr(value, "__name__", None) or str(value).replace(" ", "")


def drawn(
    rule: Rule | Composition,
    shapes: Sequence[tuple[int, ...]],
    constants: Sequence[float],
    rng: np.random.Generator,
) -> list[Any]:
    """Draw arrays from the domain of a row, no two elements equal and none close to a kink.

    All elements of the arrays that share an interval lie on one jittered grid, shuffled: what
    compares them (maximum, max) has no near ties, at which a difference quotient would be wrong.
    """
    intervals = [rule.trial.interval(i) for i in range(len(shapes))]
    kinks = (*rule.trial.kinks, *constants)
    pools = {one: _pool(one, shapes, intervals, kinks, rng) for one in set(intervals)}
    arrays = []
    for shape, interval in zip(shapes, intervals, strict=True):
        size = int(np.prod(shape, dtype=int))
        taken, pools[interval] = pools[interval][:size], pools[interval][size:]
        arrays.append(taken.reshape(shape)[()])
    return arrays


def _pool(
    interval: Interval,
    shapes: Sequence[tuple[int, ...]],
    intervals: Sequence[Interval],
    kinks: Sequence[float],
    rng: np.random.Generator,
) -> Any:
    count = sum(
        int(np.prod(s, dtype=int)) for s, i in zip(shapes, intervals, strict=True) if i == interval
    )
    low, high = interval
    grid = np.linspace(low, high, 8 * count + 64)
    for kink in kinks:
        grid = grid[np.abs(grid - kink) > MARGIN]
    chosen = np.floor(
        (np.arange(count) + rng.uniform(0.3, 0.7, count)) * (len(grid) / max(count, 1))
    ).astype(int)
    return rng.permutation(grid[chosen])


def directions(arrays: list[Any], seed: int = 1) -> list[Any]:
    """Return tangents with elements of size 0.3 to 1: none reaches a kink, none is negligible."""
    return [part.copy()[()] for part in _directions(tuple(map(np.shape, arrays)), seed)]


@cache
def _directions(shapes: tuple[tuple[int, ...], ...], seed: int) -> list[Any]:
    rng = np.random.default_rng(seed)
    return [
        np.asarray(rng.uniform(0.3, 1.0, shape) * rng.choice([-1.0, 1.0], shape))
        for shape in shapes
    ]


def like(value: Any, seed: int = 2) -> Any:
    """Return a cotangent for `value`, complex if that is."""
    real, imaginary = directions([value, value], seed)
    return real + 1j * imaginary if np.iscomplexobj(value) else real


def tracked(arrays: list[Any]) -> list[tg.Tensor]:
    return [tg.tensor(x, requires_grad=True) for x in arrays]


def each(found: list[Case], few: int | None = None) -> Any:
    """Parametrise a test by cases: those of a part of the table in one test, which runs them all.

    25,000 tests more would take as long for their names and reports as for themselves.  Beyond the
    first `few` of a row, the cases are for ``-m deep``.
    """
    rows: dict[str, list[Case]] = {}
    for case in found:
        rows.setdefault(case.rule.name, []).append(case)
    first = [case for cases in rows.values() for case in cases[:few]]
    more = [case for cases in rows.values() for case in cases[len(cases[:few]) :]]
    return in_parts(first, more, part=lambda case: part_of(case.rule))


def in_parts(first: Sequence[Any], more: Sequence[Any] = (), *, part: Callable[[Any], str]) -> Any:
    """Parametrise a test by `first`, and under ``-m deep`` by `more`: all of a part in one test."""
    taken = []
    for found, marks, ending in ((first, (), ""), (more, pytest.mark.deep, "-more")):
        parts: dict[str, list[Any]] = {}
        for one in found:
            parts.setdefault(part(one), []).append(one)
        taken += [pytest.param(some, id=name + ending, marks=marks) for name, some in parts.items()]

    def of_parts(test: Callable[..., None]) -> Any:
        @wraps(test)
        def of_a_part(one: list[Any], **fixtures: Any) -> None:
            run_all((repr(case), partial(test, one=case, **fixtures)) for case in one)

        return pytest.mark.parametrize("one", taken)(of_a_part)

    return of_parts


def part_of(rule: Rule | Composition) -> str:
    """Return the part of the table that a row's module is in: its folder, or the module."""
    module = rule.record.__module__ if isinstance(rule, Composition) else rule.family
    return module.removeprefix("tinygrad_bp.rules.").partition(".")[0]


def takes_complex(rule: Rule) -> bool:
    """Whether the derivatives of a row at complex numbers are tested."""
    return rule.trial.analytic or rule.trial.takes_complex


def cases(*, where: Callable[[Rule], bool] = lambda _: True) -> list[Case]:
    """Return every sample of every rule in the table."""
    return [
        Case(rule, sample)
        for rule in TABLE.values()
        if where(rule) and not rule.trial.elsewhere
        for sample in rule.trial.samples or default_samples(rule)
    ]


def broadcasting_cases(rule: Rule, half: int) -> Iterator[Case]:
    """Yield calls of an elementwise rule of two arguments in half of the patterns of broadcasting.

    Which half, that depends on the row: together, the rows of one half have every pattern.
    """
    half += crc32(rule.name.encode())
    for i, left in enumerate(SHAPES):
        for k, right in enumerate(SHAPES):
            if (i + k + half) % 2 == 0:
                yield Case(rule, call(left, right))


HALVES = pytest.mark.parametrize("half", [0, pytest.param(1, marks=pytest.mark.deep)])


def without_calls(*modules: str) -> set[Any]:
    """Return the compositions in these modules whose rows name no calls, so that a test has to."""
    return {
        function
        for function, one in COMPOSED.items()
        if not one.trial.samples
        and one.record.__module__.removeprefix("tinygrad_bp.rules.").startswith(modules)
    }


CASES = cases()
# A concatenate of more arrays than any before adds a row while the tests run.
ROWS = tuple(name for name, rule in TABLE.items() if not rule.trial.elsewhere)
