"""The smallest numbers survive: nothing here changes how the processor treats them.

A library that was compiled with fast mathematics may turn them to zero for the whole process when
it is loaded; and each thread has a state of its own.
"""

from __future__ import annotations

import subprocess
import sys
import threading
from typing import Any

import numpy as np
import pytest

import tinygrad_bp as tg

TINY = 1e-310  # below 2.2e-308, the smallest normal number
SMALLEST = 5e-324


def survive() -> bool:
    """Whether arithmetic on denormals gives denormals here and now: scalars, vectors and BLAS."""
    many = np.full(33, TINY)
    return (
        float(np.float64(TINY) * 0.5) == 5e-311
        and TINY / 2 == 5e-311
        and bool(np.all(many * 0.5 == 5e-311))
        and bool(np.all(np.eye(33) @ many == TINY))
        and np.float64(SMALLEST) != 0.0
    )


# Each module alone in a new process, since what an import does it does once.
EVERY = """
import importlib, pkgutil, sys
import numpy as np
sys.path.insert(0, {tests!r})
from test_denormals import survive
import tinygrad_bp
assert survive()
for module in pkgutil.walk_packages(tinygrad_bp.__path__, "tinygrad_bp."):
    if module.name.endswith("__main__"):
        continue
    try:
        importlib.import_module(module.name)
    except ImportError:  # what needs an extra that is not installed
        continue
    assert survive(), module.name
for name in tinygrad_bp.__all__:
    getattr(tinygrad_bp, name)
assert survive()
"""


def test_every_import_leaves_them_alone() -> None:
    program = EVERY.format(tests=str(__file__).rpartition("/")[0])
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def step(X: Any, y: Any, dtype: Any = float) -> list[tg.Tensor]:
    rng = np.random.default_rng(0)
    network = tg.nn.Sequential(
        tg.nn.Linear(2, 5, rng=rng), tg.nn.Tanh(), tg.nn.Linear(5, 1, rng=rng)
    )
    optimizer = tg.optim.Adam(network.parameters(), 0.01)
    tg.nn.bce_with_logits(network(X), y).backward()
    optimizer.step()
    return network.parameters()


def test_a_training_step_leaves_them_alone() -> None:
    X, y = np.full((4, 2), TINY), np.ones((4, 1))
    step(X, y)
    assert survive()
    found: list[bool] = []
    thread = threading.Thread(target=lambda: found.append(bool(step(X, y)) and survive()))
    thread.start()
    thread.join()
    assert found == [True]


@pytest.mark.parametrize("number", [TINY, SMALLEST, -TINY])
@pytest.mark.parametrize("size", [1, 3, 33, 20_000])
def test_they_pass_through_a_graph(number: float, size: int) -> None:
    x = tg.tensor(np.full(size, number), requires_grad=True)
    y = np.where(x != 0, x * 1.0, 7.0) + 0.0
    y.backward(np.full(size, number))
    assert np.all(y.numpy() == number)
    assert np.all(x.grad.numpy() == number)


@pytest.mark.parametrize("make", [tg.optim.SGD, tg.optim.Adam, tg.optim.AdamW])
def test_a_parameter_that_small_stays(make: Any) -> None:
    """A gradient of zero moves nothing, not even to zero."""
    w = tg.tensor(np.full(5, TINY), requires_grad=True)
    (w * 0.0).backward(np.ones(5))
    make([w], 0.1).step() if make is not tg.optim.AdamW else make([w], 0.1, weight_decay=0.0).step()
    assert np.all(w.numpy() == TINY)


def test_a_gradient_that_small_arrives() -> None:
    """W gets the sum of four gradients that are all denormal."""
    X, W = np.full((4, 2), TINY), tg.tensor(np.ones((2, 3)), requires_grad=True)
    np.sum(tg.affine(X, W, np.zeros(3))).backward()
    np.testing.assert_allclose(W.grad.numpy(), 4 * TINY, rtol=1e-12)
