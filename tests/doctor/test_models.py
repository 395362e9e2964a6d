"""Models of this package, and loops told epoch by epoch."""

from __future__ import annotations

import numpy as np
import pytest

import tinygrad_bp as tg
from tinygrad_bp import nn, optim
from tinygrad_bp.doctor.findings.vocabulary import TABLE

X = np.random.default_rng(0).normal(size=(30, 2))
Y = (X[:, :1] > 0).astype(float)


def network(*more: nn.Module) -> nn.Sequential:
    return nn.Sequential(nn.Linear(2, 3, rng=0), nn.Tanh(), nn.Linear(3, 1, rng=1), *more)


def names(model: nn.Module, optimizer: optim.Optimizer, data=(X, Y), **options) -> list[str]:
    return [one.name for one in tg.doctor.diagnose(model, optimizer, data, **options).findings]


def test_a_sound_model_has_no_findings_and_is_as_before() -> None:
    model = network()
    optimizer = optim.Adam(model.parameters(), lr=0.01)
    before = {name: value.numpy().copy() for name, value in model.named_parameters()}
    assert names(model, optimizer) == []
    after = {name: value.numpy() for name, value in model.named_parameters()}
    assert all(np.array_equal(before[name], after[name]) for name in before)
    assert all(value.grad is None for value in model.parameters())


def test_what_the_optimizer_does_not_hold() -> None:
    model = network()
    assert names(model, optim.SGD(network().parameters(), lr=0.1)) == ["not-updated"]
    assert names(model, optim.SGD(model.parameters()[:2], lr=0.1)) == ["not-updated"]


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_a_second_sigmoid() -> None:
    model = network(nn.Sigmoid())
    assert "double-sigmoid" in names(model, optim.SGD(model.parameters(), lr=0.1))


def test_labels_of_another_shape() -> None:
    model = network()
    found = names(model, optim.SGD(model.parameters(), lr=0.1), (X, X[:, 0]), loss=broad)
    assert found[0] == "label-broadcast"


def broad(output, label):
    return np.mean((output - label) ** 2)


def test_a_layer_outside_of_the_loss() -> None:
    class Skips(nn.Module):
        def __init__(self) -> None:
            self.used, self.idle = nn.Linear(2, 1, rng=0), nn.Linear(2, 1, rng=0)

        def forward(self, x):
            return self.used(x)

    model = Skips()
    assert "not-in-graph" in names(model, optim.SGD(model.parameters(), lr=0.1))


def test_labels_in_blocks_and_a_huge_step() -> None:
    order = np.argsort(Y[:, 0], kind="stable")
    model = network()
    found = names(model, optim.SGD(model.parameters(), lr=1e4), (X[order], Y[order]))
    assert {"not-shuffled", "step-too-large"} <= {*found}


def test_a_loop_of_ones_own() -> None:
    W, b, k = np.ones((2, 3)), np.zeros((1, 1)), np.arange(3)
    with tg.doctor.watch(label=np.zeros((4, 1))) as watched:
        for epoch in range(6):
            watched.epoch(output=np.zeros(4), loss=float(epoch), W=W, b=b, k=k)
            b = b - 0.1 * np.ones((4, 1))
    found = watched.diagnosis
    assert {one.name for one in found.findings} == {
        "label-broadcast", "constant-labels", "parameter-grew", "not-updated", "integer-array",
    }  # fmt: skip
    assert found.verdict == "faulty"


def test_the_page_has_every_name() -> None:
    from pathlib import Path

    text = (Path(__file__).parents[2] / "docs" / "doctor.md").read_text(encoding="utf-8")
    rows = [f"| `{name}` | {one.title} | {one.remedy} |" for name, one in TABLE.items()]
    assert [row for row in rows if row not in text] == []


def test_labels_and_units_of_a_model() -> None:
    model = network()
    optimizer = optim.SGD(model.parameters(), lr=0.1)
    signs = {"data": (X, 2 * Y - 1), "loss": nn.bce_with_logits}
    assert names(model, optimizer, **signs) == ["labels-not-01"]
    assert names(model, optimizer, (500 * X, Y))[0] == "saturated"


def test_losses_and_bounds_of_a_watched_loop() -> None:
    with tg.doctor.watch(label=1 + Y) as watched:
        for epoch in range(8):
            watched.epoch(output=np.full(Y.shape, 0.1 * epoch), loss=2.0**epoch)
    found = {one.name: one.severity for one in watched.diagnosis.findings}
    assert found == {"step-too-large": "fault", "target-out-of-range": "note"}
