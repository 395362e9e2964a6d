"""Many threads: separate graphs are independent, a shared leaf loses nothing, loading is safe."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

import tinygrad_bp as tg
from tinygrad_bp.engine.memory import LEAST
from tinygrad_bp.engine.modes import is_recording
from tinygrad_bp.engine.nodes import ancestors

THREADS = 8


@pytest.fixture(autouse=True)
def eager_switching() -> Iterator[None]:
    """Let the interpreter change threads as often as it can."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(interval)


def at_once(work: Callable[[int], Any], threads: int = THREADS) -> list[Any]:
    """Run ``work(k)`` in so many threads that begin together; return what each gave."""
    barrier = threading.Barrier(threads)
    results: list[Any] = [None] * threads
    errors: list[BaseException] = []

    def run(k: int) -> None:
        try:
            barrier.wait(300)
            results[k] = work(k)
        except BaseException as error:  # noqa: BLE001  # reported by the test
            errors.append(error)

    running = [threading.Thread(target=run, args=(k,)) for k in range(threads)]
    for one in running:
        one.start()
    for one in running:
        one.join()
    assert errors == []
    return results


def training(k: int) -> list[Any]:
    """Train a 2-5-5-1 network; everything depends on k alone."""
    rng = np.random.default_rng(k)
    X, y = rng.normal(size=(20, 2)), rng.integers(0, 2, (20, 1)).astype(float)
    sizes = (2, 5, 5, 1)
    params = [
        tg.tensor(rng.normal(size=shape), requires_grad=True)
        for n_in, n_out in pairwise(sizes)
        for shape in ((n_in, n_out), (n_out,))
    ]
    optimizer = tg.optim.Adam(params, 0.05)
    for _ in range(30):
        a: Any = X
        for W, b in zip(params[::2], params[1::2], strict=True):
            z = tg.affine(a, W, b)
            a = np.tanh(z)
        optimizer.zero_grad()
        tg.nn.bce_with_logits(z, y).backward()
        optimizer.step()
    return [p.numpy().copy() for p in params]


def test_separate_trainings_give_the_same_bits_as_alone() -> None:
    alone = [training(k) for k in range(THREADS)]
    for found, wanted in zip(at_once(training), alone, strict=True):
        for a, b in zip(found, wanted, strict=True):
            np.testing.assert_array_equal(a, b)


def test_large_arrays_of_threads_do_not_meet_in_a_buffer() -> None:
    rows = LEAST // 8 + 1

    def work(k: int) -> None:
        x = np.full(rows, 0.1 * (k + 1))
        for _ in range(20):
            value, (slope,) = tg.value_and_grad(lambda t: np.sum(np.tanh(tg.sigmoid(t))), (0,))(x)
            s = 1 / (1 + np.exp(-x[0]))
            np.testing.assert_allclose(value, rows * np.tanh(s), rtol=1e-10)
            np.testing.assert_allclose(slope, (1 - np.tanh(s) ** 2) * s * (1 - s), rtol=1e-10)

    at_once(work, 4)


@pytest.mark.parametrize("create_graph", [False, True])
def test_adding_into_one_leaf_loses_nothing(create_graph: bool) -> None:
    # so many elements that NumPy lets another thread run while it adds
    x, w = (tg.tensor(np.zeros(2000), requires_grad=True) for _ in range(2))
    times = 100

    def work(k: int) -> None:
        for _ in range(times):
            np.sum(x * (k + 1) + w).backward(create_graph=create_graph)

    at_once(work)
    total = times * sum(range(1, THREADS + 1))
    assert np.all(x.grad.numpy() == float(total))
    assert np.all(w.grad.numpy() == float(times * THREADS))


def test_one_graph_may_be_walked_by_many() -> None:
    x = tg.tensor([0.5, -1.0, 2.0], requires_grad=True)
    y = np.sin(x)
    loss = np.sum(y * y * np.exp(y))
    (wanted,) = tg.gradients(loss, [x])
    times = 50

    def work(_: int) -> list[Any]:
        for _ in range(times):
            loss.backward()
        return tg.gradients(loss, [x, y], create_graph=True)

    for found, _ in at_once(work):
        np.testing.assert_array_equal(found.numpy(), wanted.numpy())
    np.testing.assert_allclose(x.grad.numpy(), THREADS * times * wanted.numpy(), rtol=1e-12)


def test_no_two_nodes_have_one_index() -> None:
    """The walk puts nodes in the order of their indices."""

    def work(_: int) -> Any:
        x = tg.tensor(1.0, requires_grad=True)
        for _ in range(5000):
            x = x * 0.5
        return x

    nodes = [node for one in at_once(work) for node in ancestors(one.node)]
    assert len({node.index for node in nodes}) == len(nodes) == THREADS * 5001
    for node in nodes:
        assert all(parent is None or parent.index < node.index for parent in node.parents)


def test_each_thread_has_its_own_mode() -> None:
    """Half of the threads switch recording off and on, the others must not notice."""

    def work(k: int) -> int:
        x = tg.tensor(2.0, requires_grad=True)
        recorded = 0
        for _ in range(300):
            if k % 2:
                recorded += (x * x).requires_grad
                continue
            with tg.no_grad():
                recorded += (x * x).requires_grad
                with tg.enable_grad():
                    recorded += (x * x).requires_grad
        assert is_recording()
        return recorded

    assert at_once(work) == [300] * THREADS


# What is loaded when it is first needed: a new process for each try, since it happens once.
LOADING = """
import sys, threading
import numpy as np, tinygrad_bp as tg
sys.setswitchinterval(1e-6)
barrier, found = threading.Barrier(8), []
def work():
    x = tg.tensor([[2.0, 1.0], [1.0, 3.0]], requires_grad=True)
    barrier.wait()
    y = np.sum(np.linalg.inv(x)) + np.sum(np.einsum("ij,jk,kl,lm->im", x, x, x, x))
    np.sum(np.concatenate([x] * 9)).backward()
    y.backward()
    found.append(x.grad.tolist())
running = [threading.Thread(target=work) for _ in range(8)]
for one in running: one.start()
for one in running: one.join()
assert len(found) == 8 and all(one == found[0] for one in found), found
"""


def test_rules_may_be_loaded_by_many_at_once() -> None:
    for _ in range(3):
        done = subprocess.run(
            [sys.executable, "-c", LOADING], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr


FORKING = """
import os, signal, sys, threading
import numpy as np
import tinygrad_bp as tg

stop = False
x = tg.tensor(np.ones(40_000), requires_grad=True)

def walk():
    while not stop:
        np.sum(tg.sigmoid(x * 2.0)).backward()  # takes buffers, and adds into one leaf

threads = [threading.Thread(target=walk, daemon=True) for _ in range(3)]
for one in threads:
    one.start()
for _ in range(40):
    child = os.fork()
    if child == 0:
        signal.alarm(300)  # a lock that nobody will open would be waited for
        y = tg.tensor(np.full(40_000, 2.0), requires_grad=True)
        np.sum(tg.sigmoid(y) * y).backward()
        os._exit(0 if np.all(np.isfinite(y.grad.numpy())) else 1)
    assert os.waitpid(child, 0)[1] == 0
stop = True
for one in threads:
    one.join()
print("done")
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the system cannot fork")
def test_a_fork_while_other_threads_walk() -> None:
    """The child has none of these threads: it does not wait for what they hold."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore::DeprecationWarning", "-c", FORKING],
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "done\n"), done.stderr
