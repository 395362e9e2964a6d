"""Random programs, and random things that are done between the calls, against the eager step."""

from __future__ import annotations

from random import Random
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from twins import close, found

import tinygrad_bp as tg
from tinygrad_bp import nn, optim
from tinygrad_bp.compiling.steady import MISS, Steady
from tinygrad_bp.engine.memory import REUSED
from tinygrad_bp.testing.graphs import Program, graphs

BRIEF = settings(max_examples=20, derandomize=True, deadline=None)
DEEP = settings(BRIEF, max_examples=2_000, derandomize=False, print_blob=True)
RNG = np.random.default_rng(0)
DATA = [(RNG.normal(size=(n, 2)), RNG.integers(0, 2, (n, 1)) * 1.0) for n in (6, 6, 6, 3, 1)]
OFFSET = 0.5


class Walk:
    """A network that is trained, and what may happen to it.

    Attributes
    ----------
    held : list
        Values that somebody keeps, and copies of them.
    """

    def __init__(self, kind: Any, *, early: bool = False) -> None:
        self.early = early
        self.net = nn.Sequential(nn.Linear(2, 3, rng=0), nn.Tanh(), nn.Linear(3, 1, rng=1))
        self.own = kind(self.net.parameters())
        self.scale = np.ones(1)
        self.held: list[tuple[Any, Any]] = []

    def step(self, x: Any, y: Any) -> Any:
        if self.early:
            self.own.zero_grad()
        loss = nn.bce_with_logits(self.net(x) * self.scale + OFFSET, y)
        loss.backward()
        self.own.step()
        if not self.early:
            self.own.zero_grad()
        return loss

    # What may happen

    def hold(self, dice: Random) -> None:
        value = dice.choice(self.net.parameters()).numpy()
        self.held.append((value, value.copy()))

    def hold_a_gradient(self, dice: Random) -> None:
        grad = dice.choice(self.net.parameters()).grad
        if grad is not None:
            self.held.append((grad, grad.numpy().copy()))

    def let_go(self, _dice: Random) -> None:
        self.held.clear()

    def replace(self, dice: Random) -> None:
        with tg.no_grad():
            p = dice.choice(self.net.parameters())
            p *= 0.9

    def load(self, _dice: Random) -> None:
        self.net.load_state({key: value * 0.5 for key, value in self.net.state().items()})

    def rate(self, dice: Random) -> None:
        self.own.lr = dice.choice([0.0, 0.1, 0.2, 0.1])

    def freeze(self, _dice: Random) -> None:
        self.net.layers[0].freeze()

    def unfreeze(self, _dice: Random) -> None:
        self.net.layers[0].unfreeze()

    def leave_a_gradient(self, dice: Random) -> None:
        p = dice.choice(self.net.parameters())
        p.grad = tg.tensor(np.full(p.shape, 0.5))

    def write_around(self, _dice: Random) -> None:
        self.scale += 0.25

    def exchange_a_layer(self, _dice: Random) -> None:
        self.net.layers[1] = nn.Sigmoid() if isinstance(self.net.layers[1], nn.Tanh) else nn.Tanh()

    def evaluate(self, dice: Random) -> None:
        self.net.train(mode=bool(dice.randrange(2)))


EVENTS = [name for name in vars(Walk) if not name.startswith("_") and name != "step"]
KINDS = {
    "sgd": lambda p: optim.SGD(p, 0.1),
    "momentum": lambda p: optim.SGD(p, 0.1, momentum=0.9),
    "adam": optim.Adam,
}


def walked(kind: Any, seed: int, steps: int, backend: str = "numpy") -> None:
    mine, theirs = (Walk(kind, early=bool(seed % 2)) for _ in range(2))
    fast = tg.compile(theirs.step, state=(theirs.net, theirs.own), backend=backend)
    dice = Random(seed)
    for _ in range(steps):
        if dice.random() < 0.3:
            name, luck = dice.choice(EVENTS), dice.random()
            for one in (mine, theirs):
                getattr(one, name)(Random(luck))
        x, y = dice.choice(DATA)
        how = dice.choice([np.asarray, np.copy, np.asfortranarray, tg.tensor])
        x, y = how(x), how(y)
        for _ in range(dice.randrange(1, 4)):
            close(fast(x, y), mine.step(x, y), ulps=256)
            close(list(found([theirs.net, theirs.own])), list(found([mine.net, mine.own])), 4_000)
            for value, copy in theirs.held:
                np.testing.assert_array_equal(value, copy)


@pytest.mark.filterwarnings("ignore:.*no gradient in")  # of the eager step, while one is frozen
@pytest.mark.parametrize("kind", KINDS)
def test_a_random_walk(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    run, short = Steady.run, []

    def noted(steady: Steady, args: Any) -> Any:
        result = run(steady, args)
        short.append(result is not MISS)
        return result

    monkeypatch.setattr(Steady, "run", noted)
    walked(KINDS[kind], seed=len(kind), steps=30)
    assert any(short) or not REUSED


@pytest.mark.deep
@pytest.mark.filterwarnings("ignore:.*no gradient in")
@pytest.mark.parametrize("seed", range(40))
@pytest.mark.parametrize("kind", KINDS)
def test_long_random_walks(kind: str, seed: int) -> None:
    walked(KINDS[kind], seed, steps=200)


def agrees(drawn: Program) -> None:
    narrow = any(np.asarray(x).dtype == np.float32 for x in drawn.inputs)
    limit = 1e-5 if narrow else 1e-9  # what cancels leaves the rounding of the larger terms
    f = tg.value_and_grad(drawn.function(), range(len(drawn.inputs)))
    fast = tg.compile(f, backend="numpy")
    with np.errstate(all="ignore"):
        for _ in range(3):
            got, wanted = fast(*drawn.inputs), f(*drawn.inputs)
            for x, y in zip((got[0], *got[1]), (wanted[0], *wanted[1]), strict=True):
                np.testing.assert_allclose(x, y, rtol=limit, atol=limit)


@BRIEF
@given(graphs(8, narrow=True))
def test_a_random_program(drawn: Program) -> None:
    agrees(drawn)


@pytest.mark.deep
@DEEP
@given(graphs(20, min_ops=7, narrow=True))
def test_long_random_programs(drawn: Program) -> None:
    agrees(drawn)
