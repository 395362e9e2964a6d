"""The state of a compiled step stays the user's: seen, replaced, held, and whole at any moment."""

from __future__ import annotations

import gc
import threading
from collections.abc import Callable
from copy import deepcopy
from typing import Any

import numpy as np
import pytest
from twins import close, found, twins

import tinygrad_bp as tg
from tinygrad_bp import nn, optim
from tinygrad_bp.errors import TraceError
from tinygrad_bp.programs.symbol import Symbol

RNG = np.random.default_rng(0)
X = RNG.normal(size=(6, 2))
Y = (X[:, :1] * X[:, 1:] < 0) * 1.0


def training(**options: Any) -> Any:
    net = nn.Sequential(nn.Linear(2, 3, rng=0), nn.Tanh(), nn.Linear(3, 1, rng=1))
    own = optim.SGD(net.parameters(), lr=0.1, momentum=0.9, **options)

    def step(x: Any, y: Any) -> Any:
        loss = nn.bce_with_logits(net(x), y)
        loss.backward()
        own.step()
        own.zero_grad()
        return loss

    return (net, own), step


def compiled(state: Any, step: Any) -> Any:
    return tg.compile(step, state=state, backend="numpy")


def test_the_values_are_in_the_tensors_before_and_after_each_call() -> None:
    state, step = training()
    W = state[0].parameters()[0]
    before = W.numpy().copy()
    fast = compiled(state, step)
    fast(X, Y)
    assert isinstance(W, tg.Tensor)
    assert W is state[0].parameters()[0]
    assert not np.array_equal(W.numpy(), before)
    assert W.requires_grad


def test_anyone_may_replace_a_value_between_calls() -> None:
    def replaced(state: Any, k: int) -> None:
        net, own = state
        W = net.parameters()[0]
        if k == 1:
            net.load_state({key: value * 0.5 for key, value in net.state().items()})
        elif k == 2:
            with tg.no_grad():
                W *= 2.0
        elif k == 3:
            own.load_state({key: value * 1.5 for key, value in own.state().items()})
        elif k == 4:
            own.lr, own.momentum = 0.01, 0.5

        elif k == 7:  # it has come again and again by now
            W.grad = tg.tensor(np.ones(W.shape))
        elif k == 11:
            own.momentum = 0.25

    step = twins(training, [(X, Y)] * 13, between=replaced)
    assert step.explain_retrace().count("\n") == 1  # the gradient alone needs another trace


def test_settings_that_are_off_and_on() -> None:
    def switched(state: Any, k: int) -> None:
        state[1].lr = (0.0, 0.1, 0.0, 0.2)[k // 3]
        state[1].weight_decay = 0.0 if k < 6 else 0.1
        state[1].momentum = 0.9 if k < 8 else 0.0

    step = twins(training, [(X, Y)] * 12, between=switched)
    assert "sgd.lr" in step.explain_retrace()


def test_a_value_that_somebody_holds_is_not_overwritten() -> None:
    state, step = training()
    fast = compiled(state, step)
    held = []
    for _ in range(5):
        W = state[0].parameters()[0]
        held.append((W.numpy(), W.numpy().copy(), W.detach()))
        fast(X, Y)
    for view, copy, tensor in held:
        np.testing.assert_array_equal(view, copy)
        np.testing.assert_array_equal(tensor.numpy(), copy)


def test_results_are_the_users_to_write_into() -> None:
    w = tg.tensor(np.zeros(3), requires_grad=True)

    @tg.compile(state=w, backend="numpy")
    def f(x: Any) -> Any:
        with tg.no_grad():
            w.__iadd__(1.0)
        return x, x[::-1], w.detach() * 1.0, np.ones(3)

    x = np.arange(3.0)
    for one in (*f(x)[:2], f(x)[3]):
        one[...] = 7.0
    np.testing.assert_array_equal(x, np.arange(3.0))
    np.testing.assert_array_equal(w.numpy(), [2.0] * 3)
    np.testing.assert_array_equal(f(x)[3], np.ones(3))


@pytest.mark.parametrize("cleared", [True, False])
def test_gradients_that_are_left(cleared: bool) -> None:
    def make() -> Any:
        w = tg.tensor([1.0, 2.0], requires_grad=True)
        b = tg.tensor(0.5, requires_grad=True)

        def step(x: Any) -> Any:
            if cleared:
                w.zero_grad()
            loss = np.sum(w * x) ** 2 + b
            loss.backward()
            return loss

        return (w, b), step

    def emptied(state: Any, k: int) -> None:
        if k == 3:
            state[0].grad = None

    step = twins(make, [(np.ones(2),)] * 5, between=emptied)
    assert "grad" not in step.explain_retrace().split("\n")[0]


def test_a_buffer_and_what_eval_changes() -> None:
    def make() -> Any:
        net = nn.Sequential(nn.Linear(2, 3, rng=0), nn.BatchNorm(3))
        return (net,), lambda x: net(x).detach()

    def switched(state: Any, k: int) -> None:
        state[0].train(mode=k != 2)

    step = twins(make, [(X,), (X,), (X,), (X[:3],)], between=switched)
    assert "training has changed" in step.explain_retrace()


def test_a_layer_more() -> None:
    def make() -> Any:
        net = nn.Sequential(nn.Linear(2, 2, rng=0))
        return (net,), lambda x: net(x).detach()

    def deeper(state: Any, k: int) -> None:
        if k == 1:
            state[0].layers = [*state[0].layers, nn.Linear(2, 1, rng=1)]
        if k == 2:
            state[0].layers[0].W = tg.tensor(np.eye(2), requires_grad=True)

    twins(make, [(X,), (X,), (X,)], between=deeper)


def test_frozen_parameters_and_shared_ones() -> None:
    def make() -> Any:
        net = nn.Sequential(nn.Linear(2, 2, rng=0), nn.Linear(2, 2, rng=1))
        net.layers[1].W = net.layers[0].W

        def step(x: Any) -> Any:
            loss = np.sum(net(x) ** 2)
            loss.backward()
            grads = [p.grad for p in net.parameters()]
            net.zero_grad()
            return grads

        return (net,), step

    def frozen(state: Any, k: int) -> None:
        if k == 2:
            state[0].freeze(lambda name, _: name.endswith("b"))

    twins(make, [(X,)] * 4, between=frozen)


def test_modules_and_optimizers_may_be_arguments() -> None:
    def step(net: Any, own: Any, x: Any) -> Any:
        loss = np.sum(net(x) ** 2)
        loss.backward()
        own.step()
        own.zero_grad()
        return loss

    fast = tg.compile(step, backend="numpy")
    for seed in (0, 1, 0):
        mine, theirs = (nn.Linear(2, 1, rng=seed) for _ in range(2))
        first, second = (optim.Adam(one.parameters()) for one in (mine, theirs))
        for _ in range(2):
            close(fast(mine, first, X), step(theirs, second, X))
            close(list(found([mine, first])), list(found([theirs, second])))


def test_a_generator_as_argument_and_in_a_closure() -> None:
    def make() -> Any:
        rng = np.random.default_rng(3)

        def noisy(x: Any) -> Any:
            return x + rng.normal(size=x.shape) + rng.random()

        return (rng,), noisy

    twins(make, [(X,), (X,), (X[:2],)])

    def given(rng: Any, x: Any) -> Any:
        return x * rng.integers(0, 5, len(x))[:, np.newaxis]

    fast = tg.compile(given, backend="numpy")
    a, b = np.random.default_rng(1), np.random.default_rng(1)
    for x in (X, X, X[:3]):
        close(fast(a, x), given(b, x))
    assert a.random() == b.random()


def test_what_is_drawn_may_depend_on_the_length() -> None:
    def make() -> Any:
        rng = np.random.default_rng(0)

        def noisy(x: Any) -> Any:
            return x + (rng.random(x.shape) if len(x) > 4 else rng.standard_normal(x.shape))

        return (rng,), noisy

    twins(make, [(X,), (X[:3],), (X,), (X[:2],)])


def test_a_trace_draws_nothing() -> None:
    rng = np.random.default_rng(0)
    f = tg.compile(lambda x: x + rng.random(3), state=rng, backend="numpy")
    f.lower(np.zeros(3))
    assert rng.random() == np.random.default_rng(0).random()


# No Symbol survives


def symbols() -> int:
    gc.collect()
    return sum(type(one) is Symbol for one in gc.get_objects())


def test_no_symbol_survives_a_trace() -> None:
    state, step = training()
    before = symbols()
    compiled(state, step)(X, Y)
    assert symbols() == before


@pytest.mark.parametrize("at", ["forward", "backward", "step", "end"])
def test_no_symbol_survives_a_trace_that_fails(at: str) -> None:
    state, _ = training()
    net, own = state

    def step(x: Any, y: Any) -> Any:
        loss = nn.bce_with_logits(net(x), y)
        if at == "forward" and loss > 0:
            return loss
        loss.backward()
        if at == "backward":
            float(np.sum(net.parameters()[0].grad))
        own.step()
        if at == "step":
            raise ValueError("stop")
        own.lr = own.lr * 2.0
        return loss

    values = list(found(state))
    before = symbols()
    with pytest.raises((TraceError, ValueError)):
        compiled(state, step)(X, Y)
    assert symbols() == before
    close(list(found(state)), values)


def test_what_is_kept_outside_is_refused() -> None:
    kept: list[Any] = []

    def step(x: Any) -> Any:
        doubled = x * 2.0
        kept.append(doubled)
        return np.sum(doubled)

    with pytest.raises(TraceError, match=r"keeps doubled, .* outside of itself"):
        tg.compile(step, backend="numpy")(X)


# Interrupts


@pytest.mark.parametrize("seed", range(5))
def test_an_interrupt_leaves_a_whole_step(seed: int) -> None:
    """Raised at a random line of the call: the state is that of before, or of after."""
    import random
    import sys

    state, step = training()
    fast = compiled(state, step)
    fast(X, Y)
    lines = 0

    def counting(frame: Any, event: str, arg: Any) -> Any:
        nonlocal lines
        lines += event == "line"
        return counting

    sys.settrace(counting)
    fast(X, Y)
    sys.settrace(None)
    dice = random.Random(seed)
    for _ in range(20):
        before = list(found(state))
        left = dice.randrange(lines)

        def interrupting(frame: Any, event: str, arg: Any) -> Any:
            nonlocal left
            left -= event == "line"
            if left < 0:
                raise KeyboardInterrupt
            return interrupting

        try:
            sys.settrace(interrupting)
            fast(X, Y)
        except KeyboardInterrupt:
            pass
        finally:
            sys.settrace(None)
        now = list(found(state))
        try:
            close(now, before, ulps=0)
        except AssertionError:
            twin, again = training()
            twin[0].load_state(before[0])
            twin[1].load_state(before[2])
            again(X, Y)
            close(now, list(found(twin)))


def test_repeat_is_calls_one_after_the_other() -> None:
    (state, step), (other, again) = training(), training()
    fast = compiled(other, again)
    for _ in range(7):
        wanted = step(X, Y)
    close(fast.repeat(7, X, Y), wanted)
    close(list(found(other)), list(found(state)))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        *[(lambda f, n=n: f.repeat(n, X, Y), "from 1 on") for n in (0, -1, 1.5, True, "3", None)],
        *[(lambda f, n=n: f.epochs([(X, Y)], n), "from 0 on") for n in (-1, 1.0, None)],
        (lambda f: f.epochs(iter([(X, Y)]), 2), "an iterator, which is used up"),
    ],
)
def test_steps_that_cannot_be_counted_are_refused_before_the_first(
    call: Callable[[Any], Any], message: str
) -> None:
    state, step = training()
    before = deepcopy(list(found(state)))
    with pytest.raises(ValueError, match=message):
        call(compiled(state, step))
    close(list(found(state)), before, ulps=0)


def test_repeat_with_gradients_that_add_up_and_draws() -> None:
    def make() -> Any:
        w = tg.tensor([1.0, 2.0], requires_grad=True)
        rng = np.random.default_rng(0)

        def step(x: Any) -> Any:
            loss = np.sum(w * x * rng.random(2))
            loss.backward()
            return loss

        return (w, rng), step

    (own, step), (other, again) = make(), make()
    for _ in range(4):
        wanted = step(np.ones(2))
    fast = tg.compile(again, state=other, backend="numpy")
    close(fast.repeat(4, np.ones(2)), wanted)
    close(list(found(other)), list(found(own)))


def test_epochs_over_batches() -> None:
    (state, step), (other, again) = training(), training()
    batches = [(X[:3], Y[:3]), (X[3:], Y[3:])]
    wanted = [[step(*one) for one in batches] for _ in range(3)]
    close(compiled(other, again).epochs(batches, 3), wanted)
    close(list(found(other)), list(found(state)))


def test_threads_take_turns() -> None:
    state, step = training()
    fast = compiled(state, step)
    fast(X, Y)
    threads = [threading.Thread(target=lambda: [fast(X, Y) for _ in range(20)]) for _ in range(3)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    twin, again = training()
    for _ in range(61):
        again(X, Y)
    close(list(found(state)), list(found(twin)), ulps=4_000)
