"""Compiled functions in machine code: the same steps and walks as by NumPy, and that it is used."""

from __future__ import annotations

import gc
import threading
import time
import weakref
from pathlib import Path
from typing import Any

import layers_in_code
import numpy as np
import pytest
from extras import extra
from layer_cases import CASES, LayerCase
from test_random_walks import KINDS, walked
from test_steps_of_everything import OPTIMIZERS, X, Y, training
from twins import close, found, twins

import tinygrad_bp as tg
from tinygrad_bp import nn
from tinygrad_bp.compiling.version import Version
from tinygrad_bp.engine.memory import REUSED
from tinygrad_bp.errors import DataError
from tinygrad_bp.native.calls import entry

extra("llvmlite")
needs_entries = pytest.mark.skipif(bool(entry.unsupported()), reason=str(entry.unsupported()))


@pytest.mark.parametrize("name", ["sgd", "nesterov", "adam"])
def test_an_optimizer(name: str) -> None:
    def faster(state: Any, k: int) -> None:
        state[1].lr *= 1.0 + 0.25 * k

    calls = [(tg.tensor(X), tg.tensor(Y))] * 5 + [(X[:3], Y[:3])] * 3 + [(X, Y)] * 3
    step = twins(training(OPTIMIZERS[name]), calls, backend="native", between=faster, ulps=1_000)
    assert step.backend == "native"


@needs_entries
def test_a_step_that_comes_again_is_entered_without_python() -> None:
    (own, eager), (other, step) = training(OPTIMIZERS["adam"])(), training(OPTIMIZERS["adam"])()
    fast = tg.compile(step, state=other, backend="native")
    x, y = tg.tensor(X), tg.tensor(Y)
    for k in range(12):
        if k > 3:
            assert fast._short.entry is not None
        close(fast(x, y), eager(x, y), 256)
        close(list(found(other)), list(found(own)), 1_000)
    for wrong in (np.full_like(Y, 2.0), np.full_like(Y, np.nan)):
        before = list(found(other))
        with pytest.raises(DataError):
            fast(x, tg.tensor(wrong))
        close(list(found(other)), before)
    W = own[0].parameters()[0]
    V = other[0].parameters()[0]
    for _ in range(4):
        close(fast(x, y), eager(x, y), 1_000)
    W.grad, V.grad = (tg.tensor(np.ones(W.shape)) for _ in range(2))  # it is added to
    close(fast(x, y), eager(x, y), 1_000)
    close(list(found(other)), list(found(own)), 4_000)


@needs_entries
def test_no_thread_enters_while_another_is_on_the_long_way(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its step would be lost: the other has read the state, and will write it."""
    state, step = training(OPTIMIZERS["adam"])()
    fast = tg.compile(step, state=state, backend="native")
    x, y = tg.tensor(X), tg.tensor(Y)
    for _ in range(8):
        fast(x, y)
    assert fast._short.entry is not None
    threads: list[threading.Thread] = []
    found_in = Version.inputs

    def meanwhile(version: Version, *given: Any) -> Any:
        inputs = found_in(version, *given)
        if not threads:
            threads.append(threading.Thread(target=fast, args=(x, y)))
            threads[0].start()
            for _ in range(200):
                time.sleep(0.001)  # it would have entered by now
        return inputs

    monkeypatch.setattr(Version, "inputs", meanwhile)
    fast(tg.tensor(X[:3]), tg.tensor(Y[:3]))  # another length
    threads[0].join()
    counts = [float(x) for key, x in state[1].state().items() if key.startswith("steps")]
    assert {*counts} == {10.0}


def test_a_compiled_function_that_nobody_holds_goes() -> None:
    state, step = training(OPTIMIZERS["sgd"])()
    fast = tg.compile(step, state=state, backend="native")
    for _ in range(5):
        fast(tg.tensor(X), tg.tensor(Y))
    gone = weakref.ref(fast)
    del fast
    gc.collect()
    assert gone() is None
    step(X, Y)
    assert np.isfinite(state[0].parameters()[0].numpy()).all()


@pytest.mark.filterwarnings("ignore:.*no gradient in")  # of the eager step, while one is frozen
@pytest.mark.parametrize("kind", KINDS)
def test_a_random_walk(kind: str) -> None:
    walked(KINDS[kind], seed=len(kind), steps=12, backend="native")


def test_repeat() -> None:
    (own, eager), (other, step) = training(OPTIMIZERS["adam"])(), training(OPTIMIZERS["adam"])()
    fast = tg.compile(step, state=other, backend="native")
    for _ in range(50):
        wanted = eager(X, Y)
    close(fast.repeat(50, X, Y), wanted, 1_000)
    close(list(found(other)), list(found(own)), 4_000)


@pytest.mark.deep
@pytest.mark.parametrize("case", CASES, ids=repr)
def test_a_layer(case: LayerCase) -> None:
    twins(case.training, [(case.x,)] * 4 + [(case.x[:2] * 0.5,)], backend="native", ulps=20_000)


@pytest.mark.deep
def test_the_list_of_layers_of_the_page_is_what_its_script_writes() -> None:
    page = Path(__file__).parents[2] / "docs" / "compile.md"
    assert layers_in_code.text() in page.read_text("utf-8")


def test_the_gradient_of_each_sample() -> None:
    net = nn.Linear(3, 2, rng=0)

    def loss(w: Any, x: Any) -> Any:
        return np.sum(np.tanh(x @ w) ** 2)

    f = tg.vmap(tg.grad(loss), (None, 0))
    fast = tg.compile(f, backend="native")
    w = net.W.numpy().copy()
    for n in (5, 9, 5, 5, 5):
        x = np.random.default_rng(n).normal(size=(n, 3))
        np.testing.assert_allclose(fast(w, x), f(w, x), rtol=1e-12)


def test_large_results_have_their_memory_again_once_nobody_holds_them() -> None:
    fast = tg.compile(lambda x: (x * 2.0, x + 1.0), backend="native")
    inputs = [np.full(1 << 20, float(k)) for k in range(6)]  # larger than what stays bound
    held = [fast(x) for x in inputs[:3]]
    views = [one[1:] for one, _ in held]
    places = {id(one.base) for pair in held for one in pair}
    assert len(places) == 6
    del held
    for x in inputs[3:]:
        twice, more = fast(x)
        assert id(twice.base) not in {id(one.base) for one in views}
        assert not REUSED or {id(twice.base), id(more.base)} < places
        close(twice, x * 2.0)
        del twice, more
    for view, x in zip(views, inputs, strict=False):
        np.testing.assert_array_equal(view, x[1:] * 2.0)
