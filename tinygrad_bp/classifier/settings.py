"""Settings of the classifier: what each may be, and where its random numbers come from."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from numbers import Integral, Real
from typing import Any

import numpy as np

RandomState = int | np.random.Generator | np.random.RandomState | None


def generator(random_state: RandomState, owner: str = "SigmoidClassifier") -> np.random.Generator:
    """Return the generator of one fit.

    Parameters
    ----------
    random_state : int, Generator, RandomState or None
    owner : str
        Whose setting it is, for the message.

    Raises
    ------
    ValueError
        If `random_state` is nothing that NumPy or scikit-learn would take.
    """
    if isinstance(random_state, np.random.RandomState):
        return np.random.default_rng(random_state.randint(0, 2**32, size=4, dtype=np.uint32))
    try:
        return np.random.default_rng(random_state)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"{owner}: random_state={random_state!r}; expected None, an integer of 0 or"
            " more, or a NumPy Generator or RandomState"
        ) from error


def _count(value: Any, least: int) -> bool:
    return isinstance(value, Integral) and not isinstance(value, bool) and int(value) >= least


def _number(value: Any) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool) and math.isfinite(value)


def _sizes(value: Any) -> bool:
    sequence = isinstance(value, (Sequence, np.ndarray)) and not isinstance(value, (str, bytes))
    return sequence and all(_count(units, 1) for units in value)


SETTINGS: Mapping[str, tuple[Callable[[Any], bool], str]] = {
    "hidden": (_sizes, "a sequence of integers of 1 or more, such as (5, 5)"),
    "learning_rate": (lambda v: _number(v) and v > 0, "a finite number above 0"),
    "max_epochs": (lambda v: _count(v, 1), "an integer of 1 or more"),
    "validation_fraction": (lambda v: _number(v) and 0 <= v < 1, "a number from 0 to below 1"),
    "patience": (lambda v: _count(v, 1), "an integer of 1 or more"),
    "restarts": (lambda v: _count(v, 0), "an integer of 0 or more"),
    "compile": (lambda v: isinstance(v, (bool, np.bool_)), "True or False"),
}


def check_settings(classifier: Any) -> None:
    """Refuse a classifier with a setting out of its range.

    Raises
    ------
    ValueError
        Naming the setting, its value, and what is expected.
    """
    for name, (allowed, expected) in SETTINGS.items():
        value = getattr(classifier, name)
        if not allowed(value):
            owner = type(classifier).__name__
            raise ValueError(f"{owner}: {name}={value!r}; expected {expected}")
