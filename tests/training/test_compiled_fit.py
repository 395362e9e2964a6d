"""The training loop with compiled steps: the same numbers, and what runs is said."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from extras import extra

from tinygrad_bp import nn, optim, training
from tinygrad_bp.compiling import making
from tinygrad_bp.errors import NativeUnavailable, NonFiniteError
from tinygrad_bp.training.progress import Progress

RNG = np.random.default_rng(0)
X = RNG.normal(size=(50, 3))
Y = np.sin(X[:, :1]) + 0.1 * RNG.normal(size=(50, 1))


def network(*, dropout: float = 0.2) -> nn.Module:
    return nn.Sequential(
        nn.Linear(3, 4, rng=1), nn.Tanh(), nn.Dropout(dropout, rng=2), nn.Linear(4, 1, rng=3)
    )


def fitted(data: Any = (X, Y), *, net: Any = None, loss: Any = nn.mse, **settings: Any) -> Any:
    net = net or network()
    settings = {"epochs": 4, "batch_size": 20, "rng": 0, "progress": False} | settings
    optimizer = settings.pop("optimizer", None) or optim.Adam(net.parameters(), 0.01)
    return net, training.fit(net, loss, data, optimizer, **settings)


def bits(net: nn.Module) -> list[bytes]:
    return [array.tobytes() for array in net.state().values()]


SETTINGS: dict[str, dict[str, Any]] = {
    "as it is": {},
    "clipped": {"clip_norm": 0.1},
    "accumulated": {"accumulate": 2},
    "accumulated and clipped": {"accumulate": 3, "clip_norm": 0.5},
    "validated": {
        "validation": (X[:20], Y[:20]),
        "metrics": {"error": lambda p, y: np.mean(np.abs(p - y))},
    },
    "scheduled": {"schedule": optim.schedules.cosine(0.05, epochs=4)},
    "whole": {"batch_size": None},
}


@pytest.mark.parametrize("name", SETTINGS)
def test_the_same_training(name: str) -> None:
    extra("llvmlite")
    plain, wanted = fitted(**SETTINGS[name])
    fast, history = fitted(compile=True, **SETTINGS[name])
    assert (wanted.backend, history.backend) == ("eager", "native")
    assert list(history) == list(wanted)
    for key in wanted:
        np.testing.assert_allclose(history[key], wanted[key], rtol=1e-9)
    for p, q in zip(fast.parameters(), plain.parameters(), strict=True):
        np.testing.assert_allclose(p.numpy(), q.numpy(), rtol=1e-8, atol=1e-10)
        assert p.grad is None
    for (_, one), (_, other) in zip(fast.named_modules(), plain.named_modules(), strict=True):
        assert one.training == other.training


class Unused(nn.Module):
    """A network with a layer that the loss does not reach."""

    def __init__(self) -> None:
        self.used, self.unused = nn.Linear(3, 1, rng=1), nn.Linear(3, 1, rng=2)

    def forward(self, x: Any) -> Any:
        return self.used(x)


@pytest.mark.filterwarnings("ignore:.*no gradient in")
@pytest.mark.parametrize("accumulate", [1, 2])
def test_a_layer_that_is_not_reached(accumulate: int) -> None:
    extra("llvmlite")

    def run(**settings: Any) -> nn.Module:
        net = Unused()
        optimizer = optim.SGD(net.parameters(), lr=0.1, weight_decay=0.1)
        return fitted(net=net, optimizer=optimizer, accumulate=accumulate, **settings)[0]

    for p, q in zip(run(compile=True).parameters(), run().parameters(), strict=True):
        np.testing.assert_allclose(p.numpy(), q.numpy(), rtol=1e-9)


def test_going_on_gives_the_same_bits(tmp_path: Path) -> None:
    extra("llvmlite")
    whole, wanted = fitted(compile=True, epochs=6)
    net = network()
    optimizer = optim.Adam(net.parameters(), 0.01)
    path = tmp_path / "checkpoint"
    fitted(
        compile=True,
        net=net,
        optimizer=optimizer,
        epochs=3,
        callbacks=[training.Checkpoint(path)],
    )
    again = network()
    other = optim.Adam(again.parameters(), 0.01)
    _, history = fitted(
        compile=True,
        net=again,
        optimizer=other,
        epochs=6,
        callbacks=[training.Checkpoint(path, resume=True)],
    )
    assert bits(again) == bits(whole)
    assert history["loss"] == wanted["loss"]


@pytest.mark.parametrize("accumulate", [1, 3])
def test_what_cannot_be_compiled_runs_as_it_is(accumulate: int) -> None:
    extra("llvmlite")

    def reads(prediction: Any, y: Any) -> Any:
        loss = nn.mse(prediction, y)
        return loss * 2.0 if loss.item() > 0.5 else loss

    plain, wanted = fitted(loss=reads, accumulate=accumulate)
    with pytest.warns(UserWarning, match=r"fit: not compiled.*item") as said:
        fast, history = fitted(loss=reads, compile=True, accumulate=accumulate)
    assert len(said) == 1
    assert bits(fast) == bits(plain)
    assert (history.backend, history["loss"]) == ("eager", wanted["loss"])


def test_batches_that_are_no_arrays_run_as_they_are() -> None:
    extra("llvmlite")
    data = [(X[:8], Y[:8].tolist()), (X[8:], Y[8:].tolist())]

    def loss(prediction: Any, y: Any) -> Any:
        return nn.mse(prediction, np.asarray(y))

    with pytest.warns(UserWarning, match="a batch holds a list"):
        fast, _ = fitted(data, loss=loss, compile=True)
    assert bits(fast) == bits(fitted(data, loss=loss)[0])


def test_without_native_code_it_runs_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    def none(*_: Any) -> Any:
        raise NativeUnavailable("no FMA for fit")  # a reason is said once

    monkeypatch.setattr(making, "engine_of", none)
    monkeypatch.setattr(making.reloading, "found", lambda _: None)
    with pytest.warns(UserWarning, match="no FMA"):
        fast, history = fitted(compile=True)
    assert (history.backend, bits(fast)) == ("eager", bits(fitted()[0]))


def test_a_loss_that_is_no_number_leaves_the_weights_before_it() -> None:
    extra("llvmlite")
    bad = X.copy()
    bad[45] = np.nan
    order = [(X[:20], Y[:20]), (X[20:40], Y[20:40]), (bad[40:], Y[40:])]
    with pytest.raises(NonFiniteError, match="epoch 1, batch 3"):
        fitted(order, compile=True, net=(net := network(dropout=0.0)))
    wanted, _ = fitted(order[:2], epochs=1, net=network(dropout=0.0))
    for p, q in zip(net.parameters(), wanted.parameters(), strict=True):
        np.testing.assert_allclose(p.numpy(), q.numpy(), rtol=1e-10)


def test_an_interrupt_leaves_whole_steps() -> None:
    extra("llvmlite")

    class Stop:
        def __init__(self, at: int) -> None:
            self.left = at

        def after_step(self, _: Any) -> None:
            self.left -= 1
            if not self.left:
                raise KeyboardInterrupt

    nets = network(), network()
    for net, settings in zip(nets, ({"compile": True}, {}), strict=True):
        with pytest.raises(KeyboardInterrupt):
            fitted(net=net, callbacks=[Stop(8)], **settings)
    for p, q in zip(*(net.parameters() for net in nets), strict=True):
        np.testing.assert_allclose(p.numpy(), q.numpy(), rtol=1e-9)


def test_what_a_loss_reads_is_looked_at() -> None:
    """A number around it, and one around what the model does, changed between two epochs."""
    extra("llvmlite")

    def run(**settings: Any) -> nn.Module:
        weight = 1.0

        def loss(prediction: Any, y: Any) -> Any:
            return nn.mse(prediction, y) * weight

        def heavier(_: Any) -> None:
            nonlocal weight
            weight *= 0.5

        return fitted(loss=loss, callbacks=[heavier], epochs=3, **settings)[0]

    for p, q in zip(run(compile=True).parameters(), run().parameters(), strict=True):
        np.testing.assert_allclose(p.numpy(), q.numpy(), rtol=1e-9)


def test_it_is_not_divided_among_processes() -> None:
    with pytest.raises(ValueError, match="exclude each other"):
        fitted(compile=True, parallel=object())


def test_the_progress_says_what_runs() -> None:
    stream = io.StringIO()
    progress = Progress(2, stream)
    progress.epoch(1, {"loss": 0.5}, "native")
    progress.epoch(2, {"loss": 0.25})
    assert stream.getvalue() == "epoch 1/2  native  loss 0.5\nepoch 2/2  loss 0.25\n"
