"""Fused rules that run whole in a compiled step: recurrent networks along time."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from extras import extra
from twins import close, twins

import tinygrad_bp as tg
from tinygrad_bp import nn, optim
from tinygrad_bp.native import recurrent
from tinygrad_bp.native.calls.products import Products
from tinygrad_bp.rules.sequences.recurrence import LSTMRun

extra("llvmlite")

RNG = np.random.default_rng(0)
HIDDEN, TIME = 40, 3
KINDS = {"rnn": nn.RNN, "gru": nn.GRU, "lstm": nn.LSTM}
BATCHES = (5, 2, HIDDEN)  # the last is as long as the network is wide


def training(kind: Any, *, counted: bool = False, dtype: Any = np.float64) -> Any:
    def make() -> Any:
        net = kind(2, HIDDEN, rng=0, dtype=dtype)
        own = optim.SGD(net.parameters(), lr=0.1)

        def step(x: Any, lengths: Any) -> Any:
            out, _ = net(x, lengths=lengths if counted else None)
            loss = np.mean(out**2)
            loss.backward()
            own.step()
            own.zero_grad()
            return loss, out

        return (net, own), step

    return make


def batch(n: int, dtype: Any = np.float64) -> tuple[Any, Any]:
    return RNG.normal(size=(n, TIME, 2)).astype(dtype), RNG.integers(1, TIME + 1, n)


@pytest.mark.parametrize("counted", [False, True], ids=["all steps", "lengths"])
@pytest.mark.parametrize("name", KINDS)
def test_a_recurrent_step_calls_its_rule(name: str, counted: bool) -> None:
    calls = [batch(n) for n in BATCHES]
    compiled = twins(training(KINDS[name], counted=counted), calls, backend="native")
    stages = str(compiled.lower(*calls[0]))
    assert stages.count(f"= tinygrad_bp.{name}  #") == stages.count(f"= tinygrad_bp.{name}.pull  #")
    assert f"= tinygrad_bp.{name}  #" in stages
    assert "tinygrad_bp" not in compiled.program.numpy()


def test_single_precision_stays() -> None:
    twins(training(nn.GRU, dtype=np.float32), [batch(4, np.float32)] * 2, backend="native")


@pytest.mark.parametrize("own", [False, True], ids=["NumPy multiplies", "code multiplies"])
@pytest.mark.parametrize("name", KINDS)
def test_layers_of_one_size_have_memory_each(
    name: str, own: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Products, "_own", own)
    recurrent._free.clear()  # calls that are bound already have decided
    first, second = (KINDS[name](12, 12, rng=k) for k in range(2))
    weights = [*first.parameters(), *second.parameters()]

    def loss(x: Any, lengths: Any) -> Any:
        middle, _ = first(x, lengths=lengths)
        return np.sum(second(middle)[0] ** 2)

    def derivatives(x: Any, lengths: Any) -> Any:
        x = tg.tensor(x, requires_grad=True)
        return tg.gradients(loss(x, lengths), [x, *weights])

    lengths = np.array([4, 0, 1, 2, 4, 4, 3, 4, 4])
    given = [RNG.normal(size=(9, 4, 12)) for _ in range(3)]
    step = tg.compile(derivatives, state=(first, second), backend="native")
    found = [step(x, lengths) for x in given]  # whatever comes later, a result stays
    for x, one in zip(given, found, strict=True):
        close(one, derivatives(x, lengths), ulps=4096)


def test_memory_is_taken_again_and_has_an_end() -> None:
    arguments = [np.ones(one) for one in ((4, 3, 2), (2, 40), (10, 40), (40,), (2, 4, 10))]
    first, second = (recurrent.held(LSTMRun, arguments) for _ in range(2))
    assert first.steps is not second.steps
    steps = first.steps
    states = np.asarray(first)
    del first
    third = recurrent.held(LSTMRun, arguments)  # the first is held by its result
    assert third.steps is not steps
    del states
    assert recurrent.held(LSTMRun, arguments).steps is steps
    for m in range(1, 2 * recurrent.KEPT):
        recurrent.held(LSTMRun, [np.ones((m, 3, 2)), *arguments[1:]])
    assert len(recurrent._free) == recurrent.KEPT


@pytest.mark.parametrize("name", ["hvp", "jvp", "value"])
def test_other_derivatives_and_none(name: str) -> None:
    net = nn.LSTM(2, 12, rng=0)

    def loss(x: Any) -> Any:
        return np.sum(net(x)[0] ** 2)

    f = {
        "hvp": lambda x, t: tg.hvp(loss, (x,), (t,)),
        "jvp": lambda x, t: tg.jvp(loss, (x,), (t,)),
        "value": lambda x, t: loss(x * t),
    }[name]
    x, t = RNG.normal(size=(2, 3, TIME, 2))
    close(tg.compile(f, state=(net,), backend="native")(x, t), f(x, t), ulps=4096)


def test_a_short_and_narrow_sequence_is_one_piece_of_code() -> None:
    net = nn.RNN(2, 3, rng=0)
    step = tg.compile(lambda x: net(x)[0], state=(net,), backend="native")
    assert "NumPy" not in str(step.lower(RNG.normal(size=(4, 2, 2)))).partition("machine code")[2]
