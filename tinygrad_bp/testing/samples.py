"""The calls of a row of the rule table, and what it computes without the engine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from tinygrad_bp.engine.rule import Composition, Rule, Sample, call


@dataclass(frozen=True)
class Form:
    """One call of a row's function, with places for arrays."""

    rule: Rule | Composition
    sample: Sample

    @cached_property
    def places(self) -> tuple[tuple[int, int | None], ...]:
        """Where arrays go: in place of tuples among the leading arguments or in a list."""
        found: list[tuple[int, int | None]] = []
        # of a composition: wherever a tuple is
        arity = len(self.rule.pulls) if isinstance(self.rule, Rule) else None
        taken = 0
        for i, one in enumerate(self.sample.args):
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

    @property
    def shapes(self) -> list[tuple[int, ...]]:
        """Shapes of the arrays."""
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
