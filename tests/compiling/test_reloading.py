"""Versions that another process has left on the disk: the same results, and nothing stale."""

from __future__ import annotations

import itertools
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from extras import extra
from twins import close, found

import tinygrad_bp as tg
from tinygrad_bp import nn, optim
from tinygrad_bp.compiling.making import Maker
from tinygrad_bp.errors import TraceError
from tinygrad_bp.native.llvm import cache, loading

extra("llvmlite")
rng = np.random.default_rng(0)
X, Y = rng.normal(size=(8, 2)), (rng.uniform(size=(8, 1)) > 0.5) * 1.0


@pytest.fixture(autouse=True)
def where(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(cache.VARIABLE, str(tmp_path / "cache"))
    if cache.early_key("") is None:
        pytest.skip("nothing is told of the processor here")
    return tmp_path / "cache"


def training(*more: nn.Module) -> Any:
    net = nn.Sequential(nn.Linear(2, 5, rng=0), nn.Sigmoid(), *more, nn.Linear(5, 1, rng=1))
    optimizer = optim.Adam(net.parameters(), lr=0.01)

    def step(x: Any, y: Any) -> Any:
        loss = nn.bce_with_logits(net(x), y)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        return loss

    return (net, optimizer), step


def compiled(make: Any = training) -> tuple[Any, Any]:
    state, step = make()
    return state, tg.compile(step, state=state, backend="native")


def told(fast: Any) -> str:
    return str(fast.explain_retrace())


def test_a_step_gives_the_same_bits(monkeypatch: pytest.MonkeyPatch) -> None:
    (own, first), (other, again) = compiled(), compiled()
    losses = [first(X, Y).item() for _ in range(5)]
    monkeypatch.setattr(Maker, "kin", None)  # nothing is made
    assert [again(X, Y).item() for _ in range(5)] == losses
    assert told(again) == "1. the first call: found on the disk"
    close(list(found(other)), list(found(own)), 0)
    assert again.repeat(7, X, Y).item() == first.repeat(7, X, Y).item()
    assert str(again.program).count("\n") == str(first.program).count("\n") > 40


def test_data_around_a_step_are_those_of_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """They are not kept: what has other data is another program."""
    data = rng.normal(size=(60, 2))

    def make() -> Any:
        state, step = training()
        return state, lambda: step(data, (data[:, :1] > 0) * 1.0)

    (own, first), (other, again) = compiled(make), compiled(make)
    losses = [first().item() for _ in range(3)]
    with monkeypatch.context() as patch:
        patch.setattr(Maker, "kin", None)  # nothing is made
        assert [again().item() for _ in range(3)] == losses
    assert told(again) == "1. the first call: found on the disk"
    close(list(found(other)), list(found(own)), 0)
    data[7] = 2.0
    close(again(), first(), 0)


def test_what_is_asked_for_later_is_made_then() -> None:
    _, first = compiled()
    first(X, Y)
    (own, eager), (other, again) = training(), compiled()
    for x, y in ((X, Y), (X, Y), (X[:3], Y[:3]), (X[:5], Y[:5]), (X, Y)):
        close(again(x, y), eager(x, y), 1_000)
        close(list(found(other)), list(found(own)), 10_000)
    assert "found on the disk" in told(again)
    assert "define" in again.lower(X, Y).ir
    close(again(X, Y), eager(X, Y), 1_000)


def test_dropout_and_buffers() -> None:
    def make() -> Any:
        return training(nn.BatchNorm(5), nn.Dropout(0.3, rng=np.random.default_rng(5)))

    (own, first), (other, again) = compiled(make), compiled(make)
    losses = [first(X, Y).item() for _ in range(5)]
    assert [again(X, Y).item() for _ in range(5)] == losses
    assert "found on the disk" in told(again)
    close(list(found(other)), list(found(own)), 0)


def test_arguments_of_another_kind_are_another_program() -> None:
    """Nothing else in these programs tells them apart: all that they compute is float64[3]."""

    def product(x: Any, a: Any) -> Any:
        return np.tanh(x * a) * 2.0 + x * 0.5

    numbers = np.array([0.5, 0.25, 0.75])
    for given in (
        (numbers > 0.3, numbers),
        (numbers, numbers),
        (numbers, 1.5),
        (1.5, numbers),
        (numbers, numbers.astype(np.float32)),
        (numbers[:1], numbers),
        (numbers, np.float64(1.5)),
        (np.array(1.5), numbers),
        (numbers, np.array([True])),
    ):
        for call in (lambda x, a: product(x, a), lambda x, a: product(a, x)):
            fast = tg.compile(call, backend="native")
            for _ in range(3):
                close(fast(*given), call(*given), 1_000)


@pytest.mark.parametrize("calls", [1, 2, 5])
def test_an_array_that_changes(calls: int) -> None:
    tg.compile(lambda x: x * np.array([2.0, 3.0]), backend="native")(X)
    scale = np.array([2.0, 3.0])
    again = tg.compile(lambda x: x * scale, backend="native")
    for _ in range(calls):
        np.testing.assert_array_equal(again(X), X * scale)
    assert "found on the disk" in told(again)
    scale[0] = 7.0
    np.testing.assert_array_equal(again(X), X * scale)


def test_a_counter_is_found_out_before_it_does_harm() -> None:
    """The first trace is like one that was kept; the second tells that it was chance."""
    tg.compile(lambda x: np.tanh(x) * 3.0, backend="native")(X)
    factors = itertools.cycle([3.0, 2.0])
    again = tg.compile(lambda x: np.tanh(x) * next(factors), backend="native")
    np.testing.assert_allclose(again(X), np.tanh(X) * 3.0, rtol=1e-14)
    assert told(again) == "1. the first call: found on the disk"
    with pytest.raises(TraceError, match="two traces"):
        again(X)


def test_shards_are_not_found_in_place_of_a_whole_batch() -> None:
    many = np.random.default_rng(1).normal(size=(1000, 3))

    def total(x: Any) -> Any:
        return np.sum(np.exp(x), axis=0)

    whole = tg.compile(total, backend="native")(many)
    shards = [tg.compile(total, backend="native", threads=n) for n in (1, 2)]
    results = [fast(many) for fast in shards]
    np.testing.assert_array_equal(*results)
    np.testing.assert_allclose(results[0], whole, rtol=1e-13)
    assert {told(fast) for fast in shards} == {"1. the first call: traced"}


def test_another_length_needs_no_new_code(monkeypatch: pytest.MonkeyPatch) -> None:
    (own, eager), (other, fast) = training(), compiled()
    close(fast(X, Y), eager(X, Y), 1_000)
    monkeypatch.setattr(cache, "compile_object", None)
    for n in (1, 2, 5, 3, 8, 7):
        close(fast(X[:n], Y[:n]), eager(X[:n], Y[:n]), 1_000)
    close(list(found(other)), list(found(own)), 10_000)


def test_a_refusal_has_names_where_the_disk_is_asked_first() -> None:
    kept: list[Any] = []

    def keeps(x: Any) -> Any:
        doubled = x * 2.0
        kept.append(doubled)
        return np.sum(doubled)

    with pytest.raises(TraceError, match="the step keeps doubled"):
        tg.compile(keeps, backend="native")(X)


def test_another_function_of_the_same_name() -> None:
    for f in (lambda x: np.tanh(x), lambda x: np.tanh(x) * 2.0, lambda x: np.tanh(2.0 * x)):
        for _ in range(2):
            np.testing.assert_allclose(tg.compile(f, backend="native")(X), f(X), rtol=1e-14)


SCRIPT = """
import sys
import numpy as np
import tinygrad_bp as tg
net = tg.nn.Linear(2, 1, rng=0)
optimizer = tg.optim.SGD(net.parameters(), lr=0.5)
@tg.compile(state=(net, optimizer), backend="native")
def step(x, y):
    loss = tg.nn.mse(net(x), y)
    loss.backward()
    optimizer.step()
    optimizer.zero_grad()
    return loss
x = np.linspace(0, 1, 12).reshape(6, 2)
print([step(x, np.ones((6, 1))).item().hex() for _ in range(4)])
print("found on the disk" in step.explain_retrace(), "llvmlite" in sys.modules)
"""


def ran() -> list[str]:
    run = subprocess.run(
        [sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=False, timeout=300
    )
    assert run.returncode == 0, run.stderr
    return run.stdout.splitlines()


def test_another_process_finds_it_without_llvm() -> None:
    bits, said = ran()
    assert said == "False True"
    assert ran() == [bits, f"True {not loading.is_here()}"]


DAMAGE = {
    "empty": lambda data: b"",
    "cut": lambda data: data[:-9],
    "flipped": lambda data: data[:80] + bytes([data[80] ^ 4]) + data[81:],
    "another": lambda data: b"something else",
}


@pytest.mark.parametrize("name", DAMAGE)
def test_damage_costs_time_alone(name: str, where: Path) -> None:
    _, first = compiled()
    losses = [first(X, Y).item() for _ in range(3)]
    kept = {path: path.read_bytes() for path in where.iterdir()}
    parts = [[*kept][:1], [*kept][1:], [*kept]]
    for damaged in parts if name == "flipped" else parts[2:]:
        for path in damaged:
            path.write_bytes(DAMAGE[name](kept[path]))
        _, again = compiled()
        assert [again(X, Y).item() for _ in range(3)] == losses
        _, again = compiled()
        assert [again(X, Y).item() for _ in range(3)] == losses
        assert "found on the disk" in told(again)
    for path in [*kept][:1]:
        path.unlink()
    _, again = compiled()
    assert [again(X, Y).item() for _ in range(3)] == losses
