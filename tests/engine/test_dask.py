"""Tensors over Dask arrays: the 2-5-5-1 network on chunked data, lazily and in bounded memory."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from extras import extra
from oracles import same
from pages import run_page

import tinygrad_bp as tg
from tinygrad_bp.nn import Linear, Sequential, Sigmoid, bce_with_logits
from tinygrad_bp.optim import SGD

dask = extra("dask")
da = extra("dask.array")

PAGE = Path(__file__).parents[2] / "docs" / "dask.md"
SIZES = ((2, 5), (5, 5), (5, 1))
CHUNKS = {"one": (60, 2), "even": (20, 2), "uneven": (25, 2), "columns": (20, 1), "rows": (5, 2)}


@contextmanager
def nothing_computed() -> Iterator[None]:
    """Let no Dask array be computed: recording and walking back only build its graph."""

    def refuse(*_args: Any, **_kwargs: Any) -> Any:
        raise AssertionError("computed")

    with dask.config.set(scheduler=refuse):
        yield


def parameters(seed: int = 0) -> list[Any]:
    rng = np.random.default_rng(seed)
    return [rng.normal(size=shape) for n, m in SIZES for shape in ((n, m), (m,))]


def samples(dtype: Any = float) -> tuple[Any, Any]:
    X = np.random.default_rng(1).normal(size=(60, 2)).astype(dtype)
    return X, (X[:, :1] * X[:, 1:] < 0).astype(dtype)


def chunked(chunks: tuple[int, int], dtype: Any = float) -> tuple[Any, Any]:
    X, y = samples(dtype)
    return da.from_array(X, chunks=chunks), da.from_array(y, chunks=(chunks[0], 1))


def loss(weights: list[Any], X: Any, y: Any) -> Any:
    """Return the binary cross entropy of the 2-5-5-1 sigmoid network."""
    first, one, second, two, third, three = weights
    a = tg.sigmoid(X @ first + one)
    a = tg.sigmoid(a @ second + two)
    return bce_with_logits(a @ third + three, y)


def network() -> Sequential:
    rng = np.random.default_rng(2)
    layers = [one for n, m in SIZES for one in (Linear(n, m, rng=rng), Sigmoid())]
    return Sequential(*layers[:-1])


def agree(found: list[Any], wanted: list[Any]) -> None:
    """Check that all are Dask arrays, and compute them together."""
    assert all(type(one) is da.Array for one in found)
    for value, w in zip(dask.compute(*found), wanted, strict=True):
        same(value, w)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("chunks", CHUNKS.values(), ids=CHUNKS)
def test_loss_and_gradients_are_lazy_and_numpys(chunks: tuple[int, int], dtype: Any) -> None:
    weights = [w.astype(dtype) for w in parameters()]
    with nothing_computed():
        value, grads = tg.value_and_grad(loss)(weights, *chunked(chunks, dtype))
    wanted, wanted_grads = tg.value_and_grad(loss)(weights, *samples(dtype))
    agree([value, *grads], [wanted, *wanted_grads])


@pytest.mark.parametrize("wrapped", [False, True], ids=["arrays", "Tensors"])
def test_a_network_on_dask_arrays(wrapped: bool) -> None:
    model = network()
    found = []
    for X, y in (chunked((25, 2)), samples()):
        if wrapped:
            X, y = tg.tensor(X), tg.tensor(y)
        with nothing_computed():
            bce_with_logits(model(X), y).backward()
        found.append([p.grad.numpy() for p in model.parameters()])
        for p in model.parameters():
            p.zero_grad()
    agree(*found)


def test_gradient_by_the_data_keeps_the_chunks() -> None:
    X, y = chunked((25, 2))
    leaf = tg.tensor(X, requires_grad=True)
    with nothing_computed():
        loss(parameters(), leaf, y).backward()
        assert leaf.grad.numpy().chunks == X.chunks
    agree([leaf.grad.numpy()], [tg.grad(loss, 1)(parameters(), *samples())])


FURTHER: dict[str, Callable[..., Any]] = {
    "jvp": lambda X, y: tg.jvp(
        lambda *ws: loss(list(ws), X, y), tuple(parameters()), tuple(parameters(3))
    )[1],
    "hvp": lambda X, y: tg.hvp(
        lambda w: loss([w, *parameters()[1:]], X, y), (parameters()[0],), (parameters(3)[0],)
    )[0],
    "second order": lambda X, y: tg.grad(
        lambda w: np.sum(tg.grad(lambda w: loss([w, *parameters()[1:]], X, y))(w) ** 2)
    )(parameters()[0]),
}


@pytest.mark.parametrize("transform", FURTHER.values(), ids=FURTHER)
def test_other_walks_are_lazy_too(transform: Callable[..., Any]) -> None:
    with nothing_computed():
        found = transform(*chunked((25, 2)))
    agree([found], [transform(*samples())])


def test_training_ends_where_numpy_ends() -> None:
    ends = []
    for X, y in (chunked((25, 2)), samples()):
        model = network()
        weights = list(model.parameters())
        optimizer = SGD(weights, lr=0.5)
        for _ in range(5):
            bce_with_logits(model(X), y).backward()
            grads = dask.compute(*[w.grad.numpy() for w in weights])
            for w, grad in zip(weights, grads, strict=True):
                w.grad = tg.tensor(grad)
            optimizer.step()
            optimizer.zero_grad()
        ends.append([w.numpy() for w in weights])
    for found, wanted in zip(*ends, strict=True):
        assert type(found) is np.ndarray
        same(found, wanted)


def test_a_dask_array_is_shown_without_its_values() -> None:
    with nothing_computed():
        assert repr(tg.tensor(chunked((25, 2))[0])).startswith("Tensor(dask.array<")


BOUNDED = """
import resource
import numpy as np
import dask, dask.array as da
import tinygrad_bp as tg
from test_dask import loss, parameters

ROWS, BLOCKS = 12_500, 80  # X has 16 MB, the values that its gradients read ten times that
LIMIT = 14 << 20

def block(block_id):
    return np.random.default_rng(block_id[0]).normal(size=(ROWS, 2))

def labels(X):
    return (X[:, :1] * X[:, 1:] < 0).astype(float)

def data(blocks):
    return da.map_blocks(block, chunks=((ROWS,) * blocks, (2,)), dtype=float, meta=np.empty((0, 0)))

def run(blocks):
    X = data(blocks)
    return dask.compute(*tg.grad(loss)(parameters(), X, labels(X)))

wanted = [0.0] * 6
for i in range(BLOCKS):
    X = block((i, 0))
    grads = tg.grad(loss)(parameters(), X, labels(X))
    wanted = [w + g / BLOCKS for w, g in zip(wanted, grads)]

dask.config.set(scheduler="synchronous")
run(1)  # imports, and the buffers of BLAS
used = next(int(line.split()[1]) for line in open("/proc/self/status") if "VmSize" in line) << 10
resource.setrlimit(resource.RLIMIT_AS, (used + LIMIT, used + LIMIT))
for found, w in zip(run(BLOCKS), wanted):
    np.testing.assert_allclose(found, w, rtol=1e-10, atol=1e-13)
try:
    data(BLOCKS).compute()
except MemoryError:
    print("the data do not fit")
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads /proc")
def test_more_data_than_memory() -> None:
    """A limit on the address space that the data alone would break."""
    done = subprocess.run(
        [sys.executable, "-c", BOUNDED],
        cwd=Path(__file__).parent,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == "the data do not fit\n"


@pytest.mark.deep
def test_the_page_runs_on_a_cluster(tmp_path: Path) -> None:
    extra("distributed")
    assert run_page(PAGE, tmp_path) > 0
