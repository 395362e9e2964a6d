"""Calls for generic tests, drawn from what each row of the rule table says of itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from zlib import crc32

import numpy as np

from tinygrad_bp.engine.rule import TABLE, Composition, Interval, Rule, Sample, call

MARGIN = 0.1  # samples stay this far from kinks: more than a difference quotient moves them

# How the arguments of an elementwise rule may broadcast: 0-d, length 1, missing axes, and both
# ways at once.
SHAPES: tuple[tuple[int, ...], ...] = ((), (1,), (3,), (2, 3), (2, 1), (1, 3), (1, 1, 3), (2, 1, 1))


@dataclass(frozen=True)
class Case:
    """One call of one rule's function: `places` says where the drawn arrays go."""

    rule: Rule | Composition
    sample: Sample
    places: tuple[tuple[int, int | None], ...]
    seed: int

    @property
    def arrays(self) -> list[Any]:
        """The drawn arrays, float64; the same ones each time."""
        return drawn(self.rule, self.shapes, self.constants, np.random.default_rng(self.seed))

    @property
    def shapes(self) -> list[tuple[int, ...]]:
        """Shapes of the drawn arrays."""
        return [
            self.sample.args[i] if k is None else self.sample.args[i][k] for i, k in self.places
        ]

    @property
    def constants(self) -> list[float]:
        """The numbers among the other arguments; a bound of clip is a kink."""
        others = [*self.sample.args, *self.sample.kwargs.values()]
        return [float(one) for one in others if isinstance(one, float)]

    def arguments(self, arrays: Sequence[Any]) -> tuple[Any, ...]:
        """Return all positional arguments, with `arrays` at their places."""
        args = [list(one) if isinstance(one, list) else one for one in self.sample.args]
        for (i, k), array in zip(self.places, arrays, strict=True):
            if k is None:
                args[i] = array
            else:
                args[i][k] = array
        return tuple(args)

    def run(self, function: Callable[..., Any], arrays: Sequence[Any]) -> Any:
        """Call `function` as the sample says, on symmetric matrices where it takes no others."""
        if self.rule.trial.symmetric:
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


def _places(rule: Rule | Composition, sample: Sample) -> tuple[tuple[int, int | None], ...]:
    """Return where arrays are drawn: for tuples among the leading arguments or in a list."""
    found: list[tuple[int, int | None]] = []
    arity = len(rule.pulls) if isinstance(rule, Rule) else None  # of a composition: all there are
    taken = 0
    for i, one in enumerate(sample.args):
        if isinstance(one, str):  # einsum's subscripts come before its operands
            continue
        if taken == arity:
            break
        if isinstance(one, list):
            found += [(i, k) for k, shape in enumerate(one) if isinstance(shape, tuple)]
            taken += len(one)
        else:
            taken += 1
            if isinstance(one, tuple):
                found.append((i, None))
    return tuple(found)


def default_samples(rule: Rule) -> tuple[Sample, ...]:
    """Return the calls of a rule that names none: equal, broadcasting, 0-d and 0-size shapes."""
    n = len(rule.pulls)
    mixed = ((3, 4), (4,), (3, 1))[:n]
    return (
        call(*[(3, 4)] * n),
        *([call(*mixed)] if n > 1 else []),
        call(*[()] * n),
        call(*[(0, 3)] * n),
    )


def case(rule: Rule | Composition, sample: Sample) -> Case:
    """Return the `Case` of a call."""
    found = Case(rule, sample, _places(rule, sample), 0)
    return Case(rule, sample, found.places, crc32(repr(found).encode()))


def is_numpys(function: Any) -> bool:
    """Whether NumPy or SciPy has the function, so that it is there without the engine."""
    module = getattr(function, "__module__", None) or "numpy"
    return isinstance(function, np.ufunc) or module.startswith("numpy")


def plain(rule: Rule) -> Any:
    """Return what a row computes, as a function of raw arrays that asks nothing of the engine.

    A row of a function that NumPy lacks, and of no composition, is compared with itself.
    """
    if is_numpys(rule.function):
        return rule.function
    return rule.trial.composition or rule.forward


def cases(*, where: Callable[[Rule], bool] = lambda _: True) -> list[Case]:
    """Return every sample of every rule in the table."""
    return [
        case(rule, sample)
        for rule in TABLE.values()
        if where(rule) and not rule.trial.elsewhere
        for sample in rule.trial.samples or default_samples(rule)
    ]


def broadcasting_cases(rule: Rule) -> Iterator[Case]:
    """Yield calls of an elementwise rule of two arguments in every pattern of broadcasting."""
    for left in SHAPES:
        for right in SHAPES:
            yield case(rule, call(left, right))


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
    rng = np.random.default_rng(seed)
    return [
        rng.uniform(0.3, 1.0, np.shape(x)) * rng.choice([-1.0, 1.0], np.shape(x)) for x in arrays
    ]


def like(value: Any, seed: int = 2) -> Any:
    """Return a cotangent for `value`, complex if that is."""
    real, imaginary = directions([value, value], seed)
    return real + 1j * imaginary if np.iscomplexobj(value) else real
