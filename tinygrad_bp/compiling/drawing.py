"""Generators of random numbers while a step is traced: what they give is drawn at each call."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tinygrad_bp.engine.tensor import Tensor, unwrap
from tinygrad_bp.errors import TraceError
from tinygrad_bp.programs.instructions import Type
from tinygrad_bp.programs.symbol import Symbol
from tinygrad_bp.programs.trace import Trace

DRAWN = "_drawn"  # the parameter of a program in which stands what was drawn
METHODS = frozenset(
    name
    for name in dir(np.random.Generator)
    if not name.startswith("_") and name not in ("bit_generator", "spawn", "shuffle")
)


@dataclass(frozen=True, eq=False)
class Draw:
    """One call of a generator.

    Attributes
    ----------
    generator : int
        Which.
    method : str
    args, kwargs
        What it was called with.
    """

    generator: int
    method: str
    args: tuple[Any, ...]
    kwargs: Mapping[str, Any]

    def __call__(self, generators: Sequence[np.random.Generator]) -> Any:
        """Draw."""
        return getattr(generators[self.generator], self.method)(*self.args, **self.kwargs)

    def described(self) -> tuple[Any, ...]:
        """Return all but the arguments, which may depend on the length of the batch."""
        return self.generator, self.method, len(self.args), sorted(self.kwargs)


class Tracer(np.random.Generator):
    """Stands in for a generator: it gives Symbols, and notes what was asked for.

    The real one is left where it stands.  A copy of it tells the shapes and dtypes.
    """

    def __init__(self, generator: np.random.Generator, ask: Callable[..., Any]) -> None:
        twin = copy.deepcopy(generator)
        super().__init__(twin.bit_generator)
        self._twin = twin
        self._ask = ask

    def __getattribute__(self, name: str) -> Any:
        if name not in METHODS:
            if name in ("bit_generator", "spawn", "shuffle"):
                raise TraceError(
                    f"compile: {name} of a generator is no draw of an array; use it outside of the"
                    " step, or draw with rng.permutation"
                )
            return super().__getattribute__(name)
        twin, ask = super().__getattribute__("_twin"), super().__getattribute__("_ask")

        def drawn(*args: Any, **kwargs: Any) -> Any:
            return ask(getattr(twin, name), name, args, kwargs)

        return drawn


class Drawing:
    """What a trace has drawn.

    Attributes
    ----------
    draws : list of Draw
        In order.
    """

    def __init__(self, trace: Trace) -> None:
        self.draws: list[Draw] = []
        self._trace = trace

    def tracer(self, generator: np.random.Generator, place: int) -> Tracer:
        """Return what stands in for a generator."""

        def ask(method: Any, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
            for one in (*args, *kwargs.values()):
                if isinstance(unwrap(one), Symbol):
                    raise TraceError(
                        f"compile: rng.{name} is given a value of the step, at"
                        f" {self._trace.where()}; draw standard numbers, and compute with them:"
                        " mean + deviation * rng.standard_normal(shape)"
                    )
                if isinstance(one, Tensor):
                    raise TraceError(f"compile: rng.{name} is given a Tensor; pass its .numpy()")
            example = method(*args, **kwargs)
            weak = type(example) is float
            if not (weak or isinstance(example, (np.ndarray, np.generic))):
                raise TraceError(f"compile: rng.{name} gives a {type(example).__name__}")
            self.draws.append(Draw(place, name, args, kwargs))
            kind = Type(np.result_type(example), np.shape(example), weak)
            return self._trace.input(None, kind, (DRAWN, len(self.draws) - 1))

        return Tracer(generator, ask)


class Drawn:
    """What a step draws, in arrays that stay; each call of it draws anew.

    Attributes
    ----------
    arrays : list of array or None
        None for what a program does not read.
    """

    def __init__(
        self,
        draws: Sequence[Draw],
        generators: Sequence[np.random.Generator],
        types: Mapping[tuple[Any, ...], Type],
    ) -> None:
        self._draws, self._generators = draws, generators
        found = [types.get((DRAWN, k)) for k in range(len(draws))]
        self.arrays = [None if one is None else np.zeros(one.shape, one.dtype) for one in found]

    def __len__(self) -> int:
        return len(self._draws)

    def __call__(self) -> None:
        """Draw, and put it into the arrays."""
        values = [draw(self._generators) for draw in self._draws]
        for array, value in zip(self.arrays, values, strict=True):
            if array is not None:
                array[...] = value
