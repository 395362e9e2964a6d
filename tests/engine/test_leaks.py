"""No walk of any rule leaves a node behind, and long runs keep nothing: the collector is off."""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
from sampling import CASES, Case, directions, each, like, tracked

import tinygrad_bp as tg
from tinygrad_bp.engine.nodes import Node


@contextmanager
def nothing_left() -> Iterator[None]:
    """Check that every node that is made within it is freed within it, by counting alone."""
    gc.disable()
    gc.collect(0)  # nothing is young now: what is young at the end was made from here on
    try:
        yield
        # a node that the collector does not track refers to nothing, so its Tensor would be found
        left = [one for one in gc.get_objects(0) if isinstance(one, (Node, tg.Tensor))]
        assert left == []
    finally:
        gc.enable()


def backward(one: Case) -> None:
    leaves = tracked(one.arrays)
    value = one(*leaves)
    value.backward(like(value.numpy()))


def recorded_backward(one: Case) -> None:
    leaves = tracked(one.arrays)
    value = one(*leaves)
    value.backward(like(value.numpy()), create_graph=True)
    value.backward(like(value.numpy()), create_graph=True)  # adds to what was recorded


def second_order(one: Case) -> None:
    leaves = tracked(one.arrays)
    value = one(*leaves)
    found = tg.gradients(value, leaves, like(value.numpy()), create_graph=True)
    slope = sum((np.sum(g * g) for g in found), np.float64(0.0))
    if slope.requires_grad:
        np.real(slope).backward()


def forward_mode(one: Case) -> None:
    arrays = one.arrays
    tg.jvp(one, arrays, directions(arrays))


def transform_of_transform(one: Case) -> None:
    arrays = one.arrays
    weight = like(one(*arrays))

    def weighted(*xs: Any) -> Any:
        return np.real(np.sum(one(*xs) * weight))

    numbers = range(len(arrays))
    tg.grad(
        lambda *xs: np.real(sum(np.sum(g * g) for g in tg.grad(weighted, argnums=numbers)(*xs))),
        argnums=numbers,
    )(*arrays)


def pull_held(one: Case) -> None:
    value, pull = tg.vjp(one, *one.arrays)
    pull(like(value))
    pull(like(value))


def walk_that_fails(one: Case) -> None:
    leaves = tracked(one.arrays)
    value = one(*leaves)
    with pytest.raises(tg.TinygradError):
        value.backward(np.ones((7, 7, 7)))


WALKS = (
    backward,
    recorded_backward,
    second_order,
    forward_mode,
    transform_of_transform,
    pull_held,
    walk_that_fails,
)


@each(CASES, few=1)
def test_every_graph_is_freed_at_once(one: Case) -> None:
    for walk in WALKS:
        walk(one)  # what is kept on purpose, such as a rule's record of what it reads
        with nothing_left():
            walk(one)


def test_a_cycle_would_be_found() -> None:
    def leaking() -> None:
        x = tg.tensor([1.0], requires_grad=True)
        y = x * 2.0
        y.node.saved = (y, None, 2.0)

    with pytest.raises(AssertionError), nothing_left():
        leaking()
    gc.collect()


# Long runs


def training_step() -> Callable[[], None]:
    """Return one step of training the 2-5-5-1 network."""
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(20, 2)), rng.integers(0, 2, (20, 1)).astype(float)
    network = tg.nn.Sequential(
        tg.nn.Linear(2, 5, rng=rng), tg.nn.Tanh(), tg.nn.Linear(5, 5, rng=rng), tg.nn.Tanh(),
        tg.nn.Linear(5, 1, rng=rng),
    )  # fmt: skip
    optimizer = tg.optim.Adam(network.parameters(), 0.01)

    def step() -> None:
        optimizer.zero_grad()
        tg.nn.bce_with_logits(network(X), y).backward(retain_graph=False)
        optimizer.step()

    return step


def growth(step: Callable[[], None], steps: int) -> int:
    """Return by how many bytes memory grows over so many steps, the collector off."""
    gc.collect()
    gc.disable()
    tracemalloc.start()
    try:
        for _ in range(200):  # until NumPy's own free lists are full
            step()
        before, _ = tracemalloc.get_traced_memory()
        for _ in range(steps):
            step()
        return tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
        gc.enable()


def test_training_keeps_nothing() -> None:
    # One of three: what stays with a step stays each time, what grows beside it does not.
    # 8 bytes a step are less than the smallest object.
    assert any(growth(training_step(), 500) < 4000 for _ in range(3))


@pytest.mark.deep
def test_training_keeps_nothing_over_10000_steps() -> None:
    assert growth(training_step(), 10_000) < 20_000
