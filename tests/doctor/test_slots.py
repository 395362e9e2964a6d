"""What is put back between two runs of an iteration: arrays, containers, random numbers."""

from __future__ import annotations

import random

import numpy as np
import pytest

from tinygrad_bp.doctor.watched.slots import Names, Reached

DRAWS = {
    "Generator": (np.random.default_rng(1), lambda one: one.random()),
    "RandomState": (np.random.RandomState(1), lambda one: one.rand()),
    "Random": (random.Random(1), lambda one: one.random()),
}


@pytest.mark.parametrize("kind", DRAWS)
def test_a_generator_draws_the_same_again(kind: str) -> None:
    generator, draw = DRAWS[kind]
    reached = Reached(Names({"rng": {"own": [generator]}}))
    first = draw(generator)
    reached.restore()
    assert draw(generator) == first


def test_arrays_and_containers_are_as_before() -> None:
    names = {"W": [np.zeros(2)], "params": {"b": np.ones(1)}, "rate": 0.1}
    reached = Reached(Names(names))
    names["W"][0] += 1
    names["params"]["c"] = 3
    names["rate"] = 7.0
    reached.restore()
    assert np.array_equal(names["W"][0], [0, 0])
    assert names["params"] == {"b": np.ones(1)}
    assert names["rate"] == 0.1
