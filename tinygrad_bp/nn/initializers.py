"""Initial weights by name; each function draws an (n_in, n_out) array from a NumPy generator."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import numpy as np

Initializer = Callable[[np.random.Generator, int, int], Any]


def glorot_uniform(rng: np.random.Generator, n_in: int, n_out: int) -> Any:
    """Draw uniformly with variance ``2 / (n_in + n_out)``: keeps the size of signals both ways.

    Glorot & Bengio (2010), "Understanding the difficulty of training deep feedforward neural
    networks", equation 16 ("normalized initialization").
    """
    bound = math.sqrt(6.0 / (n_in + n_out))
    return rng.uniform(-bound, bound, (n_in, n_out))


def glorot_normal(rng: np.random.Generator, n_in: int, n_out: int) -> Any:
    """Draw from a normal distribution with variance ``2 / (n_in + n_out)``.

    Glorot & Bengio (2010), equation 12.
    """
    return rng.normal(0.0, math.sqrt(2.0 / (n_in + n_out)), (n_in, n_out))


def he_uniform(rng: np.random.Generator, n_in: int, n_out: int) -> Any:
    """Draw uniformly with variance ``2 / n_in``: makes up for the half that a ReLU cuts off.

    He, Zhang, Ren & Sun (2015), "Delving deep into rectifiers", equation 10; the uniform
    distribution of that variance.
    """
    bound = math.sqrt(6.0 / n_in)
    return rng.uniform(-bound, bound, (n_in, n_out))


def he_normal(rng: np.random.Generator, n_in: int, n_out: int) -> Any:
    """Draw from a normal distribution with variance ``2 / n_in``.

    He, Zhang, Ren & Sun (2015), equation 10.
    """
    return rng.normal(0.0, math.sqrt(2.0 / n_in), (n_in, n_out))


def uniform(rng: np.random.Generator, n_in: int, n_out: int) -> Any:
    """Draw uniformly from ``±1 / sqrt(n_in)``.

    The customary choice before 2010: Glorot & Bengio (2010), equation 1.
    """
    bound = 1.0 / math.sqrt(n_in)
    return rng.uniform(-bound, bound, (n_in, n_out))


def zeros(_rng: np.random.Generator, n_in: int, n_out: int) -> Any:
    """Return zeros: right for a single layer; units of a hidden layer would stay alike for ever."""
    return np.zeros((n_in, n_out))


INITIALIZERS: Mapping[str, Initializer] = MappingProxyType(
    {
        function.__name__: function
        for function in (glorot_uniform, glorot_normal, he_uniform, he_normal, uniform, zeros)
    }
)


def initializer(init: str | Initializer) -> Initializer:
    """Return the initialiser called `init`; a function ``(rng, n_in, n_out)`` is returned as it is.

    Raises
    ------
    ValueError
        If there is none of that name.
    """
    if callable(init):
        return init
    if init not in INITIALIZERS:
        raise ValueError(f"no initialiser {init!r}; expected one of {', '.join(INITIALIZERS)}")
    return INITIALIZERS[init]
