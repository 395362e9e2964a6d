"""Groups of parameters: each moves as by an optimizer of its own."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import tinygrad_bp as tg
from tinygrad_bp.optim import SGD, Adagrad, Adam, AdamW, Lion, RMSprop

KINDS = [
    (SGD, {"lr": 0.1}),
    (SGD, {"lr": 0.1, "weight_decay": 0.3}),
    (SGD, {"lr": 0.1, "momentum": 0.9, "weight_decay": 0.3}),
    (Adam, {"lr": 0.1, "weight_decay": 0.3}),
    (AdamW, {"lr": 0.1, "weight_decay": 0.3}),
    (RMSprop, {"lr": 0.1, "weight_decay": 0.3}),
    (Adagrad, {"lr": 0.1, "weight_decay": 0.3}),
    (Lion, {"lr": 0.1, "weight_decay": 0.3}),
]
each_kind = pytest.mark.parametrize(("kind", "settings"), KINDS)


def leaf() -> tg.Tensor:
    return tg.tensor([1.0, -2.0], requires_grad=True)


def moved(optimizer: Any) -> list[list[float]]:
    for step in range(4):
        for i, param in enumerate(optimizer.params):
            param.grad = tg.tensor([0.5 * i + step, -1.0])
        optimizer.step()
    return [param.tolist() for param in optimizer.params]


@each_kind
def test_a_group_has_its_own_rate_and_decay(kind: Any, settings: dict[str, Any]) -> None:
    groups = [
        {"params": [leaf()]},
        {"params": [leaf()], "weight_decay": 0.0},
        {"params": [leaf()], "scale": 0.5},
        {"params": [leaf()], "scale": 2.0, "weight_decay": 0.7},
    ]
    together = moved(kind(groups, **settings))
    for i, group in enumerate(groups):
        own = settings | {"lr": settings["lr"] * group.get("scale", 1.0)}
        if "weight_decay" in group:
            own["weight_decay"] = group["weight_decay"]
        alone = kind([*(leaf() for _ in range(i + 1))], **own)
        assert moved(alone)[i] == together[i]


@each_kind
def test_a_schedule_moves_all_groups(kind: Any, settings: dict[str, Any]) -> None:
    optimizer = kind([{"params": leaf()}, {"params": [leaf()], "scale": 3.0}], **settings)
    optimizer.lr = 0.0
    assert moved(optimizer) == [[1.0, -2.0]] * 2


def test_no_decay_on_biases_and_norms() -> None:
    net = tg.nn.Sequential(tg.nn.Linear(2, 2, rng=0), tg.nn.LayerNorm(2))
    matrices = net.parameters(lambda name, p: p.ndim > 1)
    others = net.parameters(lambda name, p: p.ndim < 2)
    optimizer = SGD(
        [{"params": matrices}, {"params": others, "weight_decay": 0.0}], 0.1, weight_decay=0.5
    )
    before = net.state()
    for parameter in optimizer.params:
        parameter.grad = tg.tensor(np.zeros(parameter.shape))
    optimizer.step()
    after = net.state()
    assert [k for k in before if not np.array_equal(before[k], after[k])] == ["layers.0.W"]


REFUSED = [
    ([{"parameters": []}], "a group has the keys"),
    (
        [{"params": [leaf()], "lr": 0.1}],
        r"the keys \['lr', 'params'\]; expected .params.",
    ),
    ([{"params": [leaf()], "scale": -1}], "scale=-1; expected a finite number"),
    ([{"params": [leaf()], "weight_decay": "no"}], "weight_decay='no'"),
    ([{"params": []}], "no parameters to optimize"),
]


@pytest.mark.parametrize(("groups", "match"), REFUSED, ids=[row[1] for row in REFUSED])
def test_a_group_that_is_none_is_named(groups: Any, match: str) -> None:
    with pytest.raises(ValueError, match=f"SGD: .*{match}"):
        SGD(groups, 0.1)


def test_a_parameter_in_two_groups_is_named() -> None:
    shared = leaf()
    with pytest.raises(ValueError, match="parameters 0 and 1 are one Tensor"):
        SGD([{"params": [shared]}, {"params": [shared]}], 0.1)


@each_kind
def test_what_was_pickled_before_there_were_groups_goes_on(
    kind: Any, settings: dict[str, Any]
) -> None:
    optimizer, old = kind([leaf(), leaf()], **settings), kind([leaf(), leaf()], **settings)
    state = {k: v for k, v in vars(old).items() if k not in {"_scales", "_decays", "_groups_decay"}}
    read = kind.__new__(kind)
    read.__setstate__(state)
    assert moved(read) == moved(optimizer)
