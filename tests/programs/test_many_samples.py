"""`vmap` in a program: a function is called once for all samples, and gives what the loop gives."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sampling import CASES, Case, each
from traced import compare

import tinygrad_bp as tg
from tinygrad_bp.errors import TraceError

RNG = np.random.default_rng(0)
SAMPLES = 3


def rows(cases: list[Case]) -> list[Case]:
    """Return the first case of each row whose arguments can be differentiated."""
    first: dict[str, Case] = {}
    for one in cases:
        if ".special." not in one.rule.family:
            first.setdefault(one.rule.name, one)
    return [*first.values()]


def many(x: Any) -> Any:
    """Return samples like one, none far from it."""
    return np.stack([x * (1.0 + 0.01 * k) for k in range(SAMPLES)])


@each(rows(CASES))
def test_every_row_of_many_samples(one: Case) -> None:
    """At once or one by one: the values are those of the loop."""
    f = tg.vmap(one)
    batch = [many(x) for x in one.arrays]
    try:
        program = tg.program(f, *batch)
    except TraceError:
        return  # what is refused is another test's
    with np.errstate(all="ignore"):
        compare(program.check()(*batch), f(*batch), batch)


def weighted(w: Any, x: Any) -> Any:
    return np.sum(np.tanh(x @ w) ** 2) + np.sum(np.where(x > 0, x, 0.5 * x))


def reductions(w: Any, x: Any) -> Any:
    mean = np.mean(x, axis=-1, keepdims=True)
    return np.max(x) + np.sum((x - mean) ** 2 * w[:, :1].T) + np.prod(np.sum(x, axis=0))


def moves(w: Any, x: Any) -> Any:
    y = np.concatenate([x, x[::-1]], axis=0).reshape(-1, 2).T
    z = np.stack([y[0], np.squeeze(y[1:], 0)], axis=-1)
    return np.sum(np.cumsum(z, axis=0) * np.expand_dims(z[:, 0], 1)) * np.sum(w)


def products(w: Any, x: Any) -> Any:
    return np.dot(w[0], x.T @ np.linalg.inv(x @ x.T + np.eye(2))[0] @ w) + x[0] @ x[1]


def sums(w: Any, x: Any) -> Any:
    y = np.einsum("ij,jk", x, w) + np.einsum("ij, kj -> ki", x, w).T
    return np.sum(np.roll(y, 1) * np.roll(y, 1, axis=1)) + np.sum(x[:, [0, 2]] * x[:, 1:3])


FUNCTIONS = [weighted, reductions, moves, products, sums]
W, X = RNG.normal(size=(4, 4)), RNG.normal(size=(5, 2, 4))


@pytest.mark.parametrize("f", FUNCTIONS)
@pytest.mark.parametrize("axes", [(None, 0), (None, 1)])
def test_gradients_of_each_sample_at_once(f: Any, axes: Any) -> None:
    batch = np.moveaxis(X, 0, axes[1])
    for argnums in (0, 1):
        g = tg.vmap(tg.value_and_grad(f, argnums), axes)
        program = tg.program(g, W, batch)
        compare(program.check()(W, batch), g(W, batch))
        longer = np.repeat(batch, 3, axes[1])
        assert len(tg.program(g, W, longer).instructions) == len(program.instructions)


def test_where_the_results_stand() -> None:
    f = tg.vmap(lambda x: (np.cumsum(x, axis=1), np.ones(2)), out_axes=1)
    program = tg.program(f, X)
    compare(program(X), f(X))


def test_tensors_stay_tensors() -> None:
    f = tg.vmap(lambda x: tg.tensor(1.0) * np.sum(x))
    compare(tg.program(f, tg.tensor(X))(X), f(tg.tensor(X)))


def test_the_samples_of_a_tracked_tensor_are_taken_one_by_one() -> None:
    def f(x: Any) -> Any:
        return np.sum(tg.vmap(lambda one: np.sum(np.sin(one)) ** 2)(x))

    g = tg.grad(f)
    compare(tg.program(g, X)(X), g(X))


def test_a_closure_that_is_differentiated() -> None:
    def f(w: Any) -> Any:
        return np.sum(tg.vmap(lambda one: np.sum(np.sin(one @ w)))(X))

    g = tg.grad(f)
    compare(tg.program(g, W)(W), g(W))
    h = lambda w, x: np.sum(tg.vmap(lambda one: np.sum(np.sin(one @ w)))(x))
    compare(tg.program(tg.grad(h), W, X)(W, X), tg.grad(h)(W, X))


def test_vmap_in_vmap() -> None:
    f = tg.vmap(tg.vmap(lambda x: np.sum(np.exp(x)) * x[0]))
    program = tg.program(f, X)
    compare(program(X), f(X))


def test_what_is_not_done_at_once_is_done_one_by_one() -> None:
    f = tg.vmap(lambda x: np.pad(x, 1))
    assert len(tg.program(f, X).instructions) > len(X)
    compare(tg.program(f, X)(X), f(X))
    g = tg.vmap(lambda x: x * (1.0 if np.sum(x) > 0 else 2.0))
    with pytest.raises(TraceError, match="the truth of a value"):
        tg.program(g, X)


def test_indices_that_stand_apart() -> None:
    """What they select would come before the samples: such are taken one by one."""
    f = tg.vmap(lambda x: np.expand_dims(x, 0)[0, :, [0, 2, 3]])
    compare(tg.program(f, X)(X), f(X))
