"""Large arrays from buffers that are used again, and fresh ones where Python does not tell."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import numpy as np
import pytest

from tinygrad_bp.engine import memory

SIZE = memory.LEAST // 8
COUNT = sys.getrefcount  # called through a lambda, it sees the parameter too


def address(x: np.ndarray[Any, Any]) -> int:
    return x.__array_interface__["data"][0]


@pytest.fixture(autouse=True)
def emptied():
    """Buffers that other tests have left would be found first."""
    memory._drop_unused()
    yield
    memory._drop_unused()


@pytest.mark.skipif(not memory.REUSED, reason="this Python counts references in another way")
@pytest.mark.parametrize(
    "held", [lambda x: x, lambda x: x[3:3], lambda x: x.view("i4").T, np.ndarray.data.__get__]
)
def test_a_buffer_is_used_again_when_nothing_refers_to_it(held):
    first = memory.empty((SIZE,), np.dtype(float))
    place, rest = address(first), held(first)
    del first
    assert address(memory.empty((SIZE,), np.dtype(float))) != place
    del rest
    assert address(memory.empty((1, SIZE), np.dtype(float))) == place


@pytest.mark.skipif(not memory.REUSED, reason="this Python counts references in another way")
@pytest.mark.parametrize("most", [memory.MOST, 0], ids=["kept", "not kept"])
def test_an_array_is_alone_in_its_buffer_while_there_is_no_view(monkeypatch, most):
    monkeypatch.setattr(memory, "MOST", most)
    x = memory.empty((SIZE,), np.dtype(float))
    assert memory.is_alone(x)
    view = x[3:]
    assert not memory.is_alone(x)
    assert not memory.is_alone(view)
    del view
    assert memory.is_alone(x)
    own = np.asarray(memoryview(np.zeros(9)))
    assert not any(map(memory.is_alone, (own, own[1:], np.zeros(9), np.zeros(9)[1:])))


@pytest.mark.skipif(not memory.REUSED, reason="this Python counts references in another way")
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_buffer_begins_with_a_cache_line(dtype):
    arrays = [memory.empty((SIZE + k, 2), np.dtype(dtype)) for k in range(8)]
    assert {address(one) % memory.LINE for one in arrays} == {0}
    assert all(one.flags.writeable and one.flags.c_contiguous for one in arrays)


@pytest.mark.parametrize(
    "counted",
    [lambda x: memory.FREE, lambda x: 1 << 30, lambda x: COUNT(x), lambda x: COUNT(x) - 2, None],
    ids=["unused", "immortal", "more", "fewer", "absent"],
)
def test_counts_that_tell_nothing_are_noticed(monkeypatch, counted):
    assert memory._counts_tell() == memory.REUSED
    if counted is None:
        monkeypatch.delattr(sys, "getrefcount")
    else:
        monkeypatch.setattr(sys, "getrefcount", counted)
    assert not memory._counts_tell()


def test_release_keeps_what_is_in_use():
    arrays = [memory.empty((SIZE + k // 3,), np.dtype(float)) for k in range(9)]
    del arrays[::2]
    memory._drop_unused()
    assert sum(map(len, memory._buffers.values())) == 4 * memory.REUSED
    assert memory._kept == sum(size * len(kept) for size, kept in memory._buffers.items())
    del arrays
    memory._drop_unused()
    assert memory._buffers == {}
    assert memory._kept == 0


WITHOUT = """
import sys
sys.getrefcount = lambda x: 3
import numpy as np, tinygrad_bp as tg
from tinygrad_bp.engine import memory

x = tg.tensor(np.linspace(-3.0, 3.0, 2 * memory.LEAST), requires_grad=True)
for _ in range(3):
    y, z = np.tanh(x), tg.sigmoid(x)
    np.sum(y * z).backward()
    np.testing.assert_array_equal(y.numpy(), np.tanh(x.numpy()))
    s = 1 / (1 + np.exp(-x.numpy()))
    wanted = (1 - y.numpy() ** 2) * s + y.numpy() * s * (1 - s)
    np.testing.assert_allclose(x.grad.numpy(), wanted, rtol=1e-12, atol=1e-15)
    x.zero_grad()
memory._drop_unused()
assert not memory._buffers and not memory.REUSED
"""


def test_without_counts_every_array_is_a_fresh_one():
    subprocess.run([sys.executable, "-c", WITHOUT], check=True)
