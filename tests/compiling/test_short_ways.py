"""Steps that CPython enters without Python in between, and that nothing they give is taken back."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pytest
from extras import extra
from twins import close, found, twins

import tinygrad_bp as tg
from tinygrad_bp import nn, optim
from tinygrad_bp.compiling import version
from tinygrad_bp.compiling.drawing import Drawn
from tinygrad_bp.compiling.turns import FREE
from tinygrad_bp.compiling.version import Version
from tinygrad_bp.engine.containers import flatten
from tinygrad_bp.errors import DataError, TraceError
from tinygrad_bp.native.calls import entry as entries
from tinygrad_bp.native.calls import objects

extra("llvmlite")
if objects.unsupported():
    pytest.skip(objects.unsupported(), allow_module_level=True)

rng = np.random.default_rng(0)
X, Y = rng.normal(size=(8, 2)), (rng.uniform(size=(8, 1)) > 0.5) * 1.0
SCALE = np.array([1.5, -0.5])
DATA = rng.normal(size=(400, 2))
LABELS = (DATA[:, :1] * DATA[:, 1:] < 0) * 1.0


class Pair(NamedTuple):
    """A container of the user's own."""

    x: Any
    y: Any


def trained(*middle: Callable[[], Any], first: bool = False) -> Any:
    """Return the state and the step of a small network; `first` clears gradients at the start."""
    net = nn.Sequential(
        nn.Linear(2, 5, rng=0), *[one() for one in middle], nn.Sigmoid(), nn.Linear(5, 1, rng=1)
    )
    optimizer = optim.SGD(net.parameters(), lr=0.1, momentum=0.9)

    def step(x: Any, y: Any) -> Any:
        if first:
            optimizer.zero_grad()
        loss = nn.bce_with_logits(net(x), y)
        loss.backward()
        optimizer.step()
        if not first:
            optimizer.zero_grad()
        return loss

    return (net, optimizer), step


def trained_on_what_it_holds() -> Any:
    state, step = trained()
    return state, lambda: step(DATA, LABELS)


def dropout() -> Any:
    return nn.Dropout(0.3, rng=np.random.default_rng(5))


def of_containers(take: Callable[..., Any], give: Callable[[Any], Any]) -> Callable[[], Any]:
    def make() -> Any:
        state, step = trained()
        return state, lambda *args, **kwargs: give(step(*take(*args, **kwargs)))

    return make


def of_nothing(f: Callable[..., Any]) -> Callable[[], Any]:
    return lambda: ((), f)


def energy(p: Any, x: Any) -> Any:
    return np.sum(np.tanh(x @ p["W"] + p["b"]) ** 2)


P = {"W": rng.normal(size=(2, 3)), "b": rng.normal(size=3)}
STEPS: dict[str, tuple[Callable[[], Any], tuple[Any, ...], dict[str, Any]]] = {
    "a step": (trained, (X, Y), {}),
    "arguments by name": (trained, (X,), {"y": Y}),
    "gradients that are left": (lambda: trained(first=True), (X, Y), {}),
    "dropout": (lambda: trained(dropout), (X, Y), {}),
    "buffers": (lambda: trained(lambda: nn.BatchNorm(5)), (X, Y), {}),
    "dropout and buffers": (lambda: trained(lambda: nn.BatchNorm(5), dropout), (X, Y), {}),
    "a dict": (
        of_containers(lambda one: (one["x"], one["y"]), lambda loss: {"loss": loss, "n": 8}),
        ({"x": X, "y": Y},),
        {},
    ),
    "a list": (
        of_containers(lambda one: one, lambda loss: [loss, (loss * 2, "text")]),
        ([X, Y],),
        {},
    ),
    "a named tuple": (
        of_containers(lambda one: one, lambda loss: Pair(loss, 1.5)),
        (Pair(X, Y),),
        {},
    ),
    "nested": (
        of_containers(lambda one: (one[0]["x"], one[1][0]), lambda loss: loss),
        (({"x": X}, [Y]),),
        {},
    ),
    "the gradient of a dict": (of_nothing(tg.grad(energy)), (P, X), {}),
    "a number": (of_nothing(lambda x: [np.sum(np.tanh(x)), 2.5 * np.max(x)]), (X,), {}),
    "value and gradient": (of_nothing(tg.value_and_grad(lambda x: np.sum(x**2))), (X,), {}),
    "each sample": (of_nothing(tg.vmap(tg.grad(lambda x: np.sum(np.tanh(x) ** 2)))), (X,), {}),
    "a Hessian": (of_nothing(tg.hessian(lambda x: np.sum(np.tanh(x) ** 2))), (X[0],), {}),
    "an array around it": (of_nothing(lambda x: np.tanh(x * SCALE)), (X,), {}),
    "all of its data around it": (trained_on_what_it_holds, (), {}),
}


def values_in(tree: Any) -> list[Any]:
    if isinstance(tree, dict):
        return [*tree, *values_in(list(tree.values()))]
    if isinstance(tree, (list, tuple)):
        return [type(tree), *[one for part in tree for one in values_in(part)]]
    return [tree.numpy() if isinstance(tree, tg.Tensor) else tree]


def plain(value: Any) -> Any:
    return value.detach().numpy() if isinstance(value, tg.Tensor) else value


def alike(one: Any, other: Any) -> None:
    for x, y in zip(values_in(one), values_in(other), strict=True):
        if isinstance(x, (float, np.ndarray, np.generic)):
            np.testing.assert_allclose(x, y, rtol=1e-10, atol=1e-13)
        else:
            assert x == y


@pytest.mark.parametrize("name", STEPS)
def test_it_is_entered_and_gives_nothing_twice(name: str) -> None:
    make, args, kwargs = STEPS[name]
    (own, eager), (other, step) = make(), make()
    fast = tg.compile(step, state=other, backend="native")
    held: list[tuple[Any, Any]] = []
    for k in range(12):
        wanted = eager(*args, **kwargs)
        if k == 4:
            assert fast._short.entry is not None
        result = fast(*args, **kwargs)
        alike(result, wanted)
        close(list(found(other)), list(found(own)), 10_000)
        if k % 4 != 3:
            held.append((result, wanted))
        if k == 8:
            held.clear()
        for before, copy in held:
            alike(before, copy)
    assert fast._short.entry is not None


def number(x: Any, a: Any) -> Any:
    return np.tanh(x * a) * 2.5 + a


SINGLES: dict[str, Callable[[float], Any]] = {
    "a Tensor": tg.tensor,
    "a Tensor of float32": lambda x: tg.tensor(np.float32(x)),
    "an array": np.array,
    "NumPy's number": np.float64,
    "NumPy's float32": np.float32,
    "Python's number": float,
}


def kinds(tree: Any) -> list[Any]:
    return [(type(one), getattr(one, "dtype", None)) for one in flatten(tree)[0]]


@pytest.mark.parametrize("name", SINGLES)
def test_single_numbers_are_entered_with(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    make, eager = SINGLES[name], tg.value_and_grad(number, (0, 1))
    fast = tg.compile(eager, backend="native")
    for k in range(4):
        fast(make(0.1 * k), make(1.5))
    entry = fast._short.entry
    assert entry is not None
    held = []
    with monkeypatch.context() as patch:
        patch.setattr(Version, "inputs", None)  # nothing goes the long way
        for k in range(8):
            given = make(0.3 - 0.1 * k), make(1.2 + 0.1 * k)
            held.append((fast(*given), eager(*given)))
    done = entries.calls_of(entry)
    assert done >= 8
    for result, wanted in held:
        assert kinds(result) == kinds(wanted)
        close(result, wanted, 1000)


def test_another_kind_of_number_goes_the_long_way() -> None:
    fast = tg.compile(number, backend="native")
    for _ in range(4):
        fast(tg.tensor(0.5), tg.tensor(1.5))
    entry = fast._short.entry
    done = entries.calls_of(entry)
    for other in (np.float32(0.5), np.array(0.5), tg.tensor([0.5]), np.array(0.5, ">f8")):
        for given in ((other, tg.tensor(1.5)), (tg.tensor(0.5), other)):
            close(plain(fast(*given)), plain(number(*given)), 1000)
    with pytest.raises(TraceError, match="tracked"):
        fast(tg.tensor(0.5), tg.tensor(1.5, requires_grad=True))
    assert entries.calls_of(entry) == done


def test_labels_that_are_numbers_are_still_looked_at() -> None:
    for make in (float, np.float64, np.array, tg.tensor):
        fast = tg.compile(lambda x, y: nn.bce_with_logits(x, y), backend="native")
        for k in range(6):
            given = make(0.5 * k), make(0.1 * k)
            wanted = nn.bce_with_logits(*map(tg.tensor, map(plain, given)))
            np.testing.assert_allclose(plain(fast(*given)), plain(wanted), rtol=1e-14)
        assert fast._short.entry is not None
        with pytest.raises(DataError, match="from 0 to 1"):
            fast(make(0.5), make(1.5))


def test_what_was_done_to_a_result_does_not_come_back() -> None:
    fast = tg.compile(lambda x: (np.tanh(x), [x + 1.0]), backend="native")
    for _ in range(4):
        fast(X)
    for k in range(12):
        first, others = fast(X)
        assert (first.shape, first.flags.writeable, len(others)) == (X.shape, True, 1)
        first[...] = 7.0
        if k % 3 == 0:
            first.resize((16,), refcheck=False)  # in place
        if k % 3 == 1:
            others.append(others[0])
        if k % 3 == 2:
            first.flags.writeable = False
    tensors = tg.compile(lambda x: np.tanh(x), backend="native")
    given = tg.tensor(X)
    for _ in range(4):
        tensors(given)
    named = tensors(given)
    named.name = "mine"
    gone = weakref.ref(named)
    del named
    for _ in range(4):
        one = tensors(given)
        assert one.name is None
        assert gone() is not one


def test_new_values_of_the_state_are_taken_over() -> None:
    """Without another entry, unless somebody holds what was there."""
    (own, eager), (other, step) = trained(), trained()
    fast = tg.compile(step, state=other, backend="native")
    for _ in range(6):
        fast(X, Y), eager(X, Y)
    entry = fast._short.entry
    for k in range(5):
        held = other[0].parameters()[0].numpy() if k == 4 else None
        copy = None if held is None else held.copy()
        for state in (own, other):
            with tg.no_grad():
                for p in state[0].parameters():
                    p[...] = np.full(p.shape, 0.1 * k)
        close(fast(X, Y), eager(X, Y), 1_000)
        close(list(found(other)), list(found(own)), 10_000)
        assert held is None or (held == copy).all()
        assert (fast._short.entry is entry) == (k < 4)


@pytest.mark.parametrize("n", [1, 2, 3, 10, 57])
def test_steps_in_a_row(n: int) -> None:
    (own, eager), (other, step) = trained(), trained()
    fast = tg.compile(step, state=other, backend="native")
    for _ in range(4):
        fast(X, Y), eager(X, Y)
    assert fast._short.entry is not None
    for _ in range(3):
        for _ in range(n):
            wanted = eager(X, Y)
        close(fast.repeat(n, X, Y), wanted, 10_000)
        close(list(found(other)), list(found(own)), 100_000)
    with pytest.raises(TypeError):
        fast(X, Y, 3, None)


@pytest.mark.parametrize(
    "before", [(8, 3) * 8, (8, 8, 3, 3) * 4, (8, 3, 3) * 6, (8, 8, 8, 3, 3, 3, 8, 3)]
)
def test_two_lengths_have_an_entry_each(
    before: tuple[int, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(version, "WORTH", 0)  # however long a loaded machine takes to bind
    (own, eager), (other, step) = trained(), trained()
    fast = tg.compile(step, state=other, backend="native")
    for n in before:
        fast(X[:n], Y[:n]), eager(X[:n], Y[:n])
    monkeypatch.setattr(Version, "inputs", None)  # nothing goes the long way
    for n in (8, 8, 3, 8, 3, 3):
        close(fast(X[:n], Y[:n]), eager(X[:n], Y[:n]), 1_000)
    close(list(found(other)), list(found(own)), 10_000)


def test_what_the_length_decides_is_bound_however_it_lies(monkeypatch: pytest.MonkeyPatch) -> None:
    def f(x: Any) -> Any:
        return np.tanh(np.arange(2 * len(x)).reshape(-1, 2).T @ x)

    fast = tg.compile(f, backend="native")
    for _ in range(4):
        fast(DATA)
    monkeypatch.setattr(Version, "inputs", None)  # nothing goes the long way
    close(fast(DATA), f(DATA), 1_000)


def test_two_parameters_that_are_left_one_gradient_have_no_entry() -> None:
    def make() -> Any:
        b, c = (
            tg.tensor(SCALE * k, requires_grad=True, name=name) for k, name in ((1, "b"), (2, "c"))
        )
        own = optim.SGD([b, c], lr=0.1)

        def step(x: Any) -> Any:
            own.zero_grad()
            loss = np.sum((b + c) * x)
            loss.backward()
            own.step()
            return loss

        return ([b, c], own), step

    twins(make, [(SCALE,)] * 6, backend="native")


def test_a_gradient_that_somebody_holds_is_not_written_into() -> None:
    (net, own), step = trained(first=True)
    fast = tg.compile(step, state=(net, own), backend="native")
    for _ in range(6):
        fast(X, Y)
    p = net.parameters()[0]
    held = p.grad.numpy()
    copy = held.copy()
    p.grad = tg.tensor(np.ones(p.shape))
    for _ in range(3):
        fast(X, Y)
        np.testing.assert_array_equal(held, copy)


def test_what_is_drawn_for_a_run_that_does_not_come_is_used(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Another thread has gone the long way meanwhile: no draw is lost."""
    (own, eager), (other, step) = trained(dropout), trained(dropout)
    fast = tg.compile(step, state=other, backend="native")
    for _ in range(4):
        fast(X, Y), eager(X, Y)
    draw, begun = Drawn.__call__, []

    def meanwhile(drawn: Drawn) -> None:
        draw(drawn)
        begun.append(fast._turns.sign)
        begun[-1]["free"] = not FREE

    monkeypatch.setattr(Drawn, "__call__", meanwhile)
    close(fast(X, Y), eager(X, Y), 1_000)
    assert len(begun) == 1
    monkeypatch.undo()
    for _ in range(4):
        close(fast(X, Y), eager(X, Y), 1_000)
    close(list(found(other)), list(found(own)), 10_000)


def test_a_buffer_that_is_read_and_gets_another_shape() -> None:
    net = nn.Sequential(nn.Linear(2, 5, rng=0), nn.BatchNorm(5)).train(mode=False)
    fast = tg.compile(lambda x: net(x), state=net, backend="native")
    for _ in range(4):
        fast(X)
    assert fast._short.entry is not None
    net.layers[1].mean.resize((3,), refcheck=False)  # in place
    with pytest.raises(ValueError, match="shape"):
        fast(X)
