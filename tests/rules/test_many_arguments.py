"""Functions of any number of arrays: one rule for few and for thousands, none is left behind."""

from __future__ import annotations

import gc
import pickle
import tracemalloc
import weakref
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tinygrad_bp as tg
from tinygrad_bp.engine.rule import TABLE

JOINS: dict[str, Callable[[Any], Any]] = {
    "stack": np.stack,
    "stack, along the last axis": lambda xs: np.stack(
        [x * np.array([1.0, 2.0]) for x in xs], axis=-1
    ),
    "concatenate": lambda xs: np.concatenate([np.reshape(x, 1) for x in xs]),
    "concatenate, of unequal parts": lambda xs: np.concatenate(
        [x * np.ones((2, i % 3)) for i, x in enumerate(xs)], axis=1
    ),
    "hstack": np.hstack,
    "vstack": np.vstack,
    "block": np.block,
    "array": lambda xs: np.array(xs, like=next(x for x in xs if isinstance(x, tg.Tensor))),
    "vmap": lambda xs: tg.vmap(np.sin)(np.stack(xs)),
}


@pytest.mark.parametrize("name", JOINS)
@pytest.mark.parametrize("count", [1, 2, 4, 9])
def test_any_number_of_parts(name: str, count: int) -> None:
    """The Jacobian by the parts is that of the function of one array, and constants have none."""
    join = JOINS[name]
    values = np.linspace(-1.0, 2.0, count)
    still = count // 3  # this one is a plain number

    def parts(x: Any) -> Any:
        return join([x[i] if i != still or count == 1 else values[i] for i in range(count)])

    out = join(list(values)) if name != "array" else values
    wanted = np.zeros((*np.shape(out), count))
    for i in range(count):
        if i != still or count == 1:
            step = 1e-5 * np.eye(count)[i]
            up, down = (
                join(list(v)) if name != "array" else v for v in (values + step, values - step)
            )
            wanted[..., i] = (up - down) / 2e-5
    for mode in ("forward", "reverse"):
        found = tg.jacobian(parts, mode=mode)(values)
        np.testing.assert_allclose(found, wanted, rtol=1e-8, atol=1e-9)
    twice = tg.hessian(lambda x: np.sum(parts(x) ** 3))(values)
    total = np.asarray(out)[..., None, None] * wanted[..., None] * wanted[..., None, :]
    if name != "vmap":
        np.testing.assert_allclose(
            twice, 6 * np.sum(total, axis=tuple(range(np.ndim(out)))), rtol=1e-7, atol=1e-8
        )
    with tg.debug():
        tg.grad(lambda x: np.sum(parts(x)))(values)


@pytest.mark.parametrize("name", [name for name in JOINS if name != "vmap"])
def test_memory_grows_with_the_parts_and_not_with_their_square(name: str) -> None:
    def peak(count: int) -> int:
        x = tg.tensor(1.5, requires_grad=True)
        xs = [x * float(i) for i in range(count)]
        xs[1] = 2.0  # and one that is not tracked
        tracemalloc.start()
        try:
            np.sum(JOINS[name](xs)).backward()
            tg.gradients(np.sum(JOINS[name](xs)), x, create_graph=True)
            tg.jvp(lambda x: JOINS[name]([x * 1.0 for _ in xs[1:]] + [2.0]), (1.0,), (1.0,))
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    peak(3)
    assert peak(400) < 6 * peak(100)  # 16 times, if it were the square


def test_no_rule_is_left_behind() -> None:
    x = tg.tensor(1.5, requires_grad=True)
    listed = len(TABLE)
    out = np.stack([x] * 123) + np.einsum(",".join(["i"] * 9), *[np.reshape(x, 1)] * 9)
    rules = [weakref.ref(node.rule) for node in (out.node.parents[0], out.node.parents[1])]
    assert [rule().name for rule in rules] == ["concatenate[123]", "einsum[9]"]
    assert np.stack([x] * 123).node.rule is rules[0]()
    assert len(TABLE) == listed
    del out
    gc.collect()
    assert [rule() for rule in rules] == [None, None]


@pytest.mark.parametrize("count", [1, 2, 4, 12])
def test_einsum_of_many(count: int) -> None:
    """A product of `count` matrices, by einsum and one after the other."""
    rng = np.random.default_rng(count)
    labels = "abcdefghijklmnop"
    equation = ",".join(labels[i : i + 2] for i in range(count)) + f"->{labels[0]}{labels[count]}"
    for still in (None, 0, count - 1):
        if still is not None and count == 1:
            continue

        def product(*xs: Any, still: int | None = still) -> Any:
            xs = tuple(x.detach().numpy() if i == still else x for i, x in enumerate(xs))
            return np.sum(np.sin(np.einsum(equation, *xs, optimize=True)))

        def one_by_one(*xs: Any, still: int | None = still) -> Any:
            xs = tuple(x.detach() if i == still else x for i, x in enumerate(xs))
            total = xs[0]
            for x in xs[1:]:
                total = total @ x
            return np.sum(np.sin(total))

        matrices = [rng.normal(size=(2, 2)) for _ in range(count)]
        everything = tuple(range(count))
        for found, wanted in zip(
            tg.grad(product, everything)(*matrices),
            tg.grad(one_by_one, everything)(*matrices),
            strict=True,
        ):
            np.testing.assert_allclose(found, wanted, rtol=1e-10, atol=1e-12)
        tangents = tuple(rng.normal(size=(2, 2)) for _ in range(count))
        assert tg.jvp(product, tuple(matrices), tangents)[1] == pytest.approx(
            float(tg.jvp(one_by_one, tuple(matrices), tangents)[1]), rel=1e-9
        )


def test_a_graph_of_many_parts_is_pickled() -> None:
    x = tg.tensor(np.arange(6.0), requires_grad=True)
    out = np.sum(np.stack(list(x)) ** 2)
    twin, leaf = pickle.loads(pickle.dumps((out, x)))
    twin.backward()
    assert leaf.grad.tolist() == (2 * np.arange(6.0)).tolist()
    assert pickle.loads(pickle.dumps(out.node.parents[0].parents[0].rule)).name == "concatenate[6]"
