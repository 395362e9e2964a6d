"""The walk: what `backward` adds where, how a graph lives and dies, and what a walk refuses."""

from __future__ import annotations

import gc
import sys
import threading
import time
import tracemalloc
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from leaves import leaf
from oracles import same
from sampling import CASES, Case, each, like, tracked

import tinygrad_bp as tg
from tinygrad_bp.engine.nodes import Leaf, Node, ancestors, leaves
from tinygrad_bp.errors import GraphError


@contextmanager
def no_collector() -> Iterator[None]:
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


# Backward


def test_backward_accumulates() -> None:
    x = leaf()
    loss = np.sum(x * x)
    loss.backward()
    loss.backward()
    np.sum(3 * x).backward()
    assert x.grad.tolist() == [4 + 3.0, 8 + 3.0, 12 + 3.0]
    x.zero_grad()
    loss.backward()
    assert x.grad.tolist() == [2.0, 4.0, 6.0]


def test_an_earlier_gradient_does_not_change_under_its_holder() -> None:
    x = leaf()
    loss = np.sum(x * x)
    loss.backward()
    first, view = x.grad, x.grad.numpy()
    loss.backward()
    assert first.tolist() == [2.0, 4.0, 6.0]
    assert view.tolist() == [2.0, 4.0, 6.0]


def test_backward_after_the_residuals_were_freed() -> None:
    x = leaf()
    y = np.sin(x)
    loss = np.sum(y * y)
    loss.backward(retain_graph=False)
    wanted = x.grad.tolist()
    for root in (loss, np.sum(y)):
        with pytest.raises(GraphError, match="retain_graph=False"):
            root.backward()
    assert isinstance(GraphError("x"), RuntimeError)
    assert x.grad.tolist() == wanted
    np.sum(x * 1.0).backward()  # another graph over the same leaf
    np.testing.assert_allclose(x.grad.numpy(), np.sin(2 * np.array([1.0, 2.0, 3.0])) + 1)


def test_a_non_scalar_needs_its_cotangent() -> None:
    y = leaf() * 2
    with pytest.raises(GraphError, match=r"\(3,\)"):
        y.backward()
    for wrong in (np.ones(2), 1.0, np.ones((3, 1)), np.ones((1, 3)), tg.tensor(np.ones(2))):
        with pytest.raises(GraphError, match=r"cotangent.*\(3,\)"):
            y.backward(wrong)
    with pytest.raises(GraphError, match="cotangent"):
        np.sum(y).backward(np.ones(1))


@pytest.mark.parametrize("shape", [(), (1,), (1, 1)])
def test_a_single_element_needs_none(shape: tuple[int, ...]) -> None:
    x = leaf(np.full(shape, 3.0))
    (x * x).backward()
    same(x.grad.numpy(), np.full(shape, 6.0))


@pytest.mark.parametrize(
    "ct", [[1.0, 10.0, 100.0], np.array([1, 10, 100]), tg.tensor([1.0, 10.0, 100.0])], ids=repr
)
def test_cotangents_may_be_lists_integers_and_tensors(ct: Any) -> None:
    x = leaf()
    (x * 2).backward(ct)
    same(x.grad.numpy(), np.array([2.0, 20.0, 200.0]))


def test_a_leaf_not_reached_stays_none() -> None:
    x, other = leaf(), leaf()
    np.sum(x).backward()
    assert other.grad is None
    assert tg.gradients(np.sum(x), other).tolist() == [0.0, 0.0, 0.0]
    np.sum(np.sign(other) * x).backward()
    assert other.grad is None


def test_a_leaf_is_its_own_root() -> None:
    x = leaf(2.0)
    x.backward()
    assert x.grad.item() == 1.0


@pytest.mark.parametrize(
    ("f", "slope"),
    [
        (lambda x: x * x, lambda x: 2 * x),
        (lambda x: x + x, lambda x: 2 + 0 * x),
        (lambda x: x - x, lambda x: 0 * x),
        (lambda x: x / x, lambda x: 0 * x),
        (lambda x: x**x, lambda x: x**x * (np.log(x) + 1)),
        (lambda x: np.hypot(x, x), lambda x: np.sqrt(2) + 0 * x),
        (lambda x: np.maximum(x, x), lambda x: 1 + 0 * x),
        (lambda x: np.where(x > 1.5, x, x), lambda x: 1 + 0 * x),
        (lambda x: np.concatenate([x, x])[2:5], lambda x: 1 + 0 * x),
        (lambda x: np.einsum("i,i->i", x, x), lambda x: 2 * x),
        (lambda x: np.clip(x, x, x), None),
        (lambda x: (x * x) * (x * x) + (x * x), lambda x: 4 * x**3 + 2 * x),
    ],
)
def test_the_same_tensor_more_than_once(f: Any, slope: Any) -> None:
    x = leaf()
    f(x).backward(np.ones(3))
    if slope is not None:
        np.testing.assert_allclose(x.grad.numpy(), slope(np.array([1.0, 2.0, 3.0])), atol=1e-15)


def test_contributions_of_many_uses_add() -> None:
    x = leaf()
    np.sum(sum(k * x for k in range(10))).backward()
    assert x.grad.tolist() == [45.0] * 3


def test_contributions_add_without_touching_what_is_shared() -> None:
    """A cotangent that reaches two parents is one array: a sum in place would change both."""
    x, y, z = leaf(), leaf(), leaf()
    s = x + y
    (s + z).backward(np.ones(3))
    t = leaf()
    u = t * 1
    v = (u + (u + u)) + (u + u)
    v.backward(np.ones(3))
    assert [one.grad.tolist() for one in (x, y, z)] == [[1.0] * 3] * 3
    assert t.grad.tolist() == [5.0] * 3


USES = {  # how a leaf is used -> the function of it and of constants (2, *shape), its gradient
    "left": (lambda x, c: x * c[0], lambda c: c[0]),
    "right": (lambda x, c: c[1] * x, lambda c: c[1]),
    "alone": (lambda x, c: -x, lambda c: -np.ones_like(c[0])),
    "unchanged": (lambda x, c: tg.tensor(c[0], requires_grad=True) + x, lambda c: c[0] ** 0),
    "widened": (lambda x, c: c + x * c - c * x * 2.0, lambda c: -c[0] - c[1]),
    "third": (lambda x, c: np.where(c[0] > 0, c[1], x), lambda c: np.where(c[0] > 0, 0.0, 1.0)),
    "single": (lambda x, c: x * c[0].astype("f"), lambda c: c[0]),
    "complex": (lambda x, c: np.real(x * (c[0] + 1j)), lambda c: c[0]),
}


@given(
    shape=st.sampled_from([(), (1,), (0,), (8,), (3, 2), (128,), (129,), (4, 100)]),
    dtype=st.sampled_from(["d", "f", "e"]),
    kinds=st.lists(st.sampled_from(sorted(USES)), min_size=1, max_size=5),
    count=st.integers(1, 200),
    chained=st.booleans(),
)
def test_a_leaf_that_is_used_again_and_again_gets_every_part(
    shape: tuple[int, ...], dtype: str, kinds: list[str], count: int, chained: bool
) -> None:
    """Whether its parts are added one by one or in piles: small integers, so that sums are exact.

    `chained` asks for the cotangents of a copy, an interior node, too.
    """
    rng = np.random.default_rng(count)
    x = leaf(np.ones(shape), dtype=dtype)
    y = x * 1.0 if chained else x
    loss: Any = 0.0
    expected = np.zeros(shape)
    for i in range(count):
        use, gradient = USES[kinds[i % len(kinds)]]
        c = rng.integers(-3, 4, (2, *shape)).astype(float)
        loss = loss + np.sum(use(y, c), dtype=float)
        expected = expected + gradient(c)
    for got in tg.gradients(loss, [x, y]):
        assert got.dtype == dtype
        np.testing.assert_array_equal(got.numpy(), expected)


def test_parts_are_added_to_what_was_there() -> None:
    """In half precision a sum of the later parts alone would overflow."""
    w = leaf([1.0, 1.0], dtype="e")
    loss: Any = 0
    for slope in [1e4] * 8 + [-6e4]:
        loss = loss + w * np.float16(slope) - np.float16(slope)  # 0: the value does not overflow
    loss.backward([1.0, 1.0])
    assert w.grad.tolist() == [2e4, 2e4]


def test_a_part_of_a_large_cotangent_does_not_keep_it_alive() -> None:
    w, x = leaf(np.ones(4)), np.ones(100_000)
    loss: Any = 0
    for _ in range(60):
        loss = loss + np.sum(np.concatenate([w, x]) * 2.0)
    tracemalloc.start()
    try:
        loss.backward()
        assert tracemalloc.get_traced_memory()[1] < 4 * x.nbytes
    finally:
        tracemalloc.stop()
    assert w.grad.tolist() == [120.0] * 4


def test_diamonds() -> None:
    x = leaf(0.7)
    y = x
    for _ in range(40):  # 2**40 paths, 40 nodes
        y = y * 0.5 + y * 0.5
    y.backward()
    assert x.grad.item() == pytest.approx(1.0)


def test_interior_gradients() -> None:
    x = leaf(3.0)
    y = x * x
    z = y * y
    assert [g.item() for g in tg.gradients(z, [x, y, z])] == [108.0, 18.0, 1.0]
    assert tg.gradients(z, {"y": y})["y"].item() == 18.0
    assert x.grad is None


def test_gradients_refuses_what_tracks_nothing() -> None:
    x = leaf(3.0)
    with pytest.raises(GraphError, match="requires_grad"):
        tg.gradients(x * x, tg.tensor(1.0))
    with pytest.raises(GraphError, match="requires_grad"):
        tg.gradients(tg.tensor(1.0), x)
    with pytest.raises(GraphError):
        tg.gradients(x * x, 1.0)


def test_gradients_frees_only_when_asked() -> None:
    x = leaf(3.0)
    z = np.sin(x * x)
    tg.gradients(z, x)
    tg.gradients(z, x, retain_graph=False)
    with pytest.raises(GraphError, match="freed"):
        tg.gradients(z, x)


def test_create_graph_makes_gradients_that_can_be_differentiated() -> None:
    x = leaf(0.3)
    np.sin(x).backward(create_graph=True)
    first = x.grad
    assert first.requires_grad
    x.zero_grad()
    first.backward(create_graph=True)
    assert x.grad.item() == pytest.approx(-np.sin(0.3), rel=1e-14)
    plain = leaf(0.3)
    np.sin(plain).backward()
    assert not plain.grad.requires_grad


def test_create_graph_accumulates_too() -> None:
    x = leaf(2.0)
    for _ in range(2):
        (x * x * x).backward(create_graph=True)
    assert x.grad.item() == 24.0
    (second,) = tg.gradients(x.grad, [x])
    assert second.item() == 24.0  # twice 6 x


def test_gradient_penalty() -> None:
    """By hand: f = sum(w x**2), |df/dx|**2 = 4 sum(w**2 x**2)."""
    w, x = leaf([0.5, -1.0]), leaf([2.0, 3.0])
    g = tg.gradients(np.sum(w * x * x), x, create_graph=True)
    np.sum(g * g).backward()
    np.testing.assert_allclose(w.grad.numpy(), 8 * np.array([0.5, -1.0]) * np.array([4.0, 9.0]))
    np.testing.assert_allclose(x.grad.numpy(), 8 * np.array([0.25, 1.0]) * np.array([2.0, 3.0]))


def test_gradients_take_the_dtype_of_their_leaf() -> None:
    narrow, wide = leaf(np.float32([1, 2])), leaf([1.0, 2.0])
    np.sum(narrow * wide).backward()
    assert (narrow.grad.dtype, wide.grad.dtype) == (np.float32, np.float64)
    half = leaf(np.float16([1, 2]))
    np.sum(half * half).backward()
    assert half.grad.dtype == np.float16


def test_complex_leaf_and_real_leaf() -> None:
    """The transpose without conjugation: d|z|**2 = 2 x - 2i y; a real leaf has a real gradient."""
    z, r = leaf(3.0 + 4.0j), leaf(2.0)
    np.real(z * np.conj(z) * r).backward()
    assert z.grad.item() == pytest.approx(2 * 2 * (3.0 - 4.0j))
    assert r.grad.item() == pytest.approx(25.0)
    assert r.grad.dtype == np.float64
    r.zero_grad()
    np.imag(np.exp(1j * r)).backward()
    assert r.grad.item() == pytest.approx(np.cos(2.0))
    assert r.grad.dtype == np.float64


# The graph


def test_the_graph_can_be_walked() -> None:
    x, y = leaf(name="x"), leaf()
    z = np.sum(x * y)
    order = ancestors(z.node)
    assert [node.rule.name for node in order] == ["sum", "multiply", "leaf", "leaf"]
    assert all(a.index > b.index for a, b in pairwise(order))
    assert set(leaves(z.node)) == {x.node, y.node}
    assert order[-1] is x.node
    assert repr(order[1]).startswith("<Node")
    assert "'x'" in repr(x.node)
    assert isinstance(x.node, Leaf)


def test_parents_stand_in_the_order_of_the_arguments() -> None:
    x, y = leaf(), leaf()
    assert (x - y).node.parents == (x.node, y.node)
    assert (np.ones(3) - y).node.parents == (None, y.node)
    assert (1.0 / y).node.parents == (None, y.node)
    joined = np.concatenate([x, np.ones(2), y, x]).node
    assert joined.parents == (x.node, None, y.node, x.node)


def test_nodes_are_counted_in_order_of_creation() -> None:
    x = leaf()
    nodes: list[Node] = [(x * k).node for k in range(5)]
    assert sorted(nodes, key=lambda node: node.index) == nodes


@each(CASES)
def test_graph_is_freed_when_its_root_dies(one: Case) -> None:
    """For every rule, the garbage collector off: after a forward pass and both kinds of walk."""

    def run(x: Any, y: Any, walk: str) -> None:
        if walk == "plain":
            y.backward(like(y.numpy()))
        elif walk == "recorded":
            found = tg.gradients(y, x, like(y.numpy()), create_graph=True)
            watched.extend(weakref.ref(g.node) for g in found if g.node is not None)

    with no_collector():
        for walk in ("none", "plain", "recorded"):
            inputs = tracked(one.arrays)
            interior = [+x for x in inputs]
            value = one(*interior)
            watched = [weakref.ref(t.node) for t in (*interior, value)]
            run(inputs, value, walk)
            del interior, value
            assert not any(ref() for ref in watched)


def test_a_recorded_gradient_makes_no_cycle() -> None:
    """x.grad depends on x; x may not hold it in a way that only the collector can undo."""
    with no_collector():
        for cleared in (True, False):
            x = leaf()
            y = np.sum(np.sin(x))
            y.backward(create_graph=True)
            watched = weakref.ref(x.node), weakref.ref(x.grad.node), weakref.ref(y.node)
            if cleared:
                x.zero_grad()
            del x, y
            assert [ref() for ref in watched] == [None] * 3


def test_freed_at_once_also_after_an_error() -> None:
    with no_collector():
        x = leaf()
        y = np.sin(x)
        loss = np.sum(y * y)
        watched = weakref.ref(y.node)
        loss.backward(retain_graph=False)
        with pytest.raises(GraphError):
            loss.backward()
        del y, loss
        assert watched() is None


def test_residuals_are_freed_by_the_walk() -> None:
    with no_collector():
        x = leaf(np.ones(1000))
        y = np.exp(x)
        watched = weakref.ref(y._value)
        loss = np.sum(y * 2)
        del y
        assert watched() is not None
        loss.backward(retain_graph=False)
        assert watched() is None


def test_what_no_pull_reads_is_not_kept() -> None:
    with no_collector():
        x = leaf(np.ones(1000))
        y = np.exp(x)
        z = y + 1  # an addition reads nothing
        w = np.sin(z)  # reads z
        watched = weakref.ref(z._value), weakref.ref(w._value)
        loss = np.sum(w)
        del y, z, w
        assert watched[0]() is not None
        assert watched[1]() is None
        loss.backward()


# What a long run keeps


def step(x: tg.Tensor, data: Any) -> None:
    loss = np.mean((np.tanh(data @ x) - 0.5) ** 2)
    loss.backward()
    with tg.no_grad():
        x[...] = x.detach() - 0.01 * x.grad
    x.zero_grad()


@pytest.mark.parametrize("steps", [1_000, pytest.param(10_000, marks=pytest.mark.deep)])
def test_memory_is_flat_over_many_steps(steps: int) -> None:
    x, data = leaf(np.ones(3)), np.random.default_rng(0).normal(size=(8, 3))
    with no_collector():
        tracemalloc.start()
        try:
            for _ in range(2_000):  # until NumPy's own free lists are full
                step(x, data)
            before, _ = tracemalloc.get_traced_memory()
            for _ in range(steps):
                step(x, data)
            after, _ = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert after - before < 2 * steps  # two bytes a step: less than the smallest object


# Depth


def chain(n: int) -> tuple[tg.Tensor, tg.Tensor]:
    x = leaf(1.0)
    y = x
    for _ in range(n // 2):
        y = y * 0.999999 + 1e-7
    return x, y


def run_chain(n: int) -> None:
    assert sys.getrecursionlimit() <= 10_000
    with no_collector():
        x, y = chain(n)
        y.backward()
        assert x.grad.item() == pytest.approx(0.999999 ** (n // 2), rel=1e-9)
        (inner,) = tg.gradients(y, [x], create_graph=True)
        assert inner.item() == x.grad.item()
        del inner
        watched = weakref.ref(y.node.parents[0])
        del y
        assert watched() is None
        x, y = chain(n)
        y.backward(retain_graph=False)
        assert x.grad is not None
        del x, y


def test_a_long_chain() -> None:
    run_chain(100_000)


@pytest.mark.deep
def test_a_million_nodes() -> None:
    run_chain(1_000_000)


def test_a_wide_node() -> None:
    parts = [leaf(float(i)) for i in range(2000)]
    total = np.sum(np.stack(parts) * np.arange(2000.0))
    total.backward()
    assert [part.grad.item() for part in parts] == list(range(2000))


def test_a_deep_graph_of_vectors_is_freed_node_by_node() -> None:
    x = leaf(np.ones(3))
    y = x
    for _ in range(30_000):
        y = np.sin(y)
    np.sum(y).backward(retain_graph=False)
    assert np.all(np.isfinite(x.grad.numpy()))


# Threads


def test_threads_adding_into_one_leaf_lose_nothing() -> None:
    x = leaf(np.zeros(4))
    threads, times = 8, 250
    barrier = threading.Barrier(threads)
    switch = sys.getswitchinterval()

    def work() -> None:
        barrier.wait()
        for _ in range(times):
            np.sum(x * 2).backward()

    sys.setswitchinterval(1e-6)  # as many chances to lose an addition as can be had
    try:
        running = [threading.Thread(target=work) for _ in range(threads)]
        for one in running:
            one.start()
        for one in running:
            one.join()
    finally:
        sys.setswitchinterval(switch)
    assert x.grad.tolist() == [2.0 * threads * times] * 4


def test_separate_graphs_in_threads_are_independent() -> None:
    found: dict[int, list[float]] = {}

    def work(k: int) -> None:
        x = leaf(np.full(3, float(k)))
        for _ in range(50):
            x.zero_grad()
            loss = np.sum(x * x * x)
            time.sleep(0)
            loss.backward()
        found[k] = x.grad.tolist()

    running = [threading.Thread(target=work, args=(k,)) for k in range(6)]
    for one in running:
        one.start()
    for one in running:
        one.join()
    assert found == {k: [3.0 * k * k] * 3 for k in range(6)}
