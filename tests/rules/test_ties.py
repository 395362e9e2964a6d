"""Ties of what is picked by its rank: shared as if chance had broken them."""

from __future__ import annotations

from collections.abc import Callable
from itertools import permutations
from typing import Any

import numpy as np
import pytest
from deeper import explored, one_in
from hypothesis import strategies as st
from oracles import same

import tinygrad_bp as tg
from tinygrad_bp.rules.indexing.ties import evenly

WEIGHTS = np.array([1.0, 10.0, 100.0, 1000.0])
PICKS: dict[str, Callable[[Any], Any]] = {
    "max": np.max,
    "min": np.min,
    "nanmax": np.nanmax,
    "maximum.reduce": np.maximum.reduce,
    "maximum.reduceat": lambda x: np.maximum.reduceat(x, [0])[0],
    "norm": lambda x: np.linalg.norm(x + 9, np.inf),
    "median": np.median,
    "nanmedian": np.nanmedian,
    "quantile": lambda x: np.quantile(x, 0.4),
    "quantile at the end": lambda x: np.quantile(x, 1.0),
    "quantile, lower": lambda x: np.quantile(x, 0.6, method="lower"),
    "quantile, hazen": lambda x: np.quantile(x, 0.6, method="hazen"),
    "nanquantile": lambda x: np.nanquantile(x, 0.2),
    "percentile": lambda x: np.percentile(x, [10.0, 60.0]) @ [1.0, 7.0],
    "partition": lambda x: np.partition(x, 1)[1],
    "partition, whole": lambda x: np.sum(np.partition(x, [0, 1, 2, 3]) * WEIGHTS),
}
VALUES = st.lists(st.integers(0, 2), min_size=4, max_size=4).map(lambda x: np.array(x, float))


@pytest.mark.parametrize("name", one_in(2, PICKS))
@explored(10, 81, VALUES)  # of 81, in 24 orders each
def test_ties_are_shared_as_if_chance_had_broken_them(name: str, x: Any) -> None:
    """The mean of the gradients beside the point, over every order in which they can be parted."""
    f = PICKS[name]
    beside = [tg.grad(f)(x + np.array(one) * 1e-9) for one in permutations(range(4))]
    np.testing.assert_allclose(tg.grad(f)(x), np.mean(beside, axis=0), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("axis", [0, 1, -2])
def test_ties_along_an_axis(axis: int) -> None:
    x = np.array([[1.0, 2.0, 2.0], [2.0, 2.0, 2.0], [1.0, 1.0, 3.0]])
    for f in (
        lambda x, axis: np.median(x, axis=axis),
        lambda x, axis: np.quantile(x, 0.3, axis=axis),
        lambda x, axis: np.partition(x, 1, axis=axis),
    ):
        alone = [np.sum(f(x.take(i, 1 - axis % 2), axis=0)) for i in range(3)]
        assert np.sum(f(x, axis=axis)) == pytest.approx(sum(alone))
        whole = tg.grad(lambda x, f=f: np.sum(f(x, axis=axis)))(x)
        rows = [
            tg.grad(lambda x, f=f: np.sum(f(x, axis=0)))(x.take(i, 1 - axis % 2)) for i in range(3)
        ]
        np.testing.assert_allclose(whole, np.stack(rows, 1 - axis % 2), rtol=1e-12)


@pytest.mark.parametrize("dtype", ["e", "f", "d", "F", "D"])
def test_the_value_of_what_is_picked_among_ties_is_numpys(dtype: str) -> None:
    """A mean of three times 0.1 would not be 0.1."""
    x = np.full(3, 0.1, dtype)
    t = tg.tensor(x, requires_grad=True)
    y = np.partition(t, 1)
    same(y.numpy(), x)
    y[1].backward()
    same(t.grad.numpy(), np.full(3, 1 / 3, dtype))


def test_many_ties_in_half_precision() -> None:
    x = np.ones(70_000, np.float16)
    np.testing.assert_allclose(tg.grad(np.median)(x), 1 / 70_000, rtol=2e-2)


def test_forward_mode_and_second_derivatives_share_too() -> None:
    x = np.array([2.0, 1.0, 2.0, 2.0])
    moved = tg.jvp(np.median, (x,), (np.array([3.0, 9.0, 0.0, 0.0]),))[1]
    assert moved == pytest.approx(1.0)
    share = np.array([1, 0, 1, 1]) / 3
    for hessian in (
        tg.hessian(lambda x: np.median(x) ** 2)(x),
        tg.jacobian(tg.grad(lambda x: np.median(x) ** 2), mode="reverse")(x),
    ):
        np.testing.assert_allclose(hessian, 2 * np.outer(share, share), rtol=1e-12)


def test_without_ties_nothing_is_recorded_for_them() -> None:
    x = tg.tensor([3.0, 1.0, 2.0], requires_grad=True)
    nodes = [np.median(x).node]
    for node in nodes:
        nodes += [parent for parent in node.parents if parent is not None]
    assert evenly.__name__ not in {node.rule.name for node in nodes}
