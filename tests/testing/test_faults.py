"""Test the tester: every planted fault is caught, and no right function is accused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from broken_rules import faults, planted
from deeper import one_in
from planted_faults import FAULTS, OURS, Fault
from right_functions import RIGHT, Right, hilbert, near_singular
from sampling import CASES, ROWS, Case

from tinygrad_bp.engine.rule import TABLE, Rule
from tinygrad_bp.testing import (
    GradientMismatch,
    UncheckableError,
    UncheckablePointError,
    check_grads,
    check_vjp,
)
from tinygrad_bp.testing.comparison import Comparison

SEEDS = 50


def test_there_are_enough_of_both() -> None:
    assert len(FAULTS) >= 60
    assert len([one for one in FAULTS if one.order == 2]) >= 10
    assert len({one.family for one in FAULTS}) >= 20
    assert len(RIGHT) >= 200
    assert {one.kind for one in RIGHT} == {"smooth", "kinked", "ill-conditioned"}
    for found in (FAULTS, RIGHT):
        names = [repr(one) for one in found]
        assert len({*names}) == len(names)


@pytest.mark.parametrize("fault", one_in(2, FAULTS), ids=repr)
def test_a_planted_fault_is_caught(fault: Fault) -> None:
    with pytest.raises(GradientMismatch) as caught:
        check_grads(fault.build(OURS), *fault.args)
    assert caught.value.order == fault.order or caught.value.mode == "jvp"
    assert "check_grads(" in caught.value.reproduction


@pytest.mark.parametrize("fault", [one for one in FAULTS if one.order == 2], ids=repr)
def test_a_fault_of_second_order_is_right_to_first_order(fault: Fault) -> None:
    check_grads(fault.build(OURS), *fault.args, order=1, modes=("vjp",))


@pytest.mark.parametrize(
    "fault",
    one_in(6, FAULTS),
    ids=repr,
)
def test_a_fault_is_caught_along_random_directions(fault: Fault) -> None:
    if sum(map(np.size, fault.args)) == 0:
        return
    with pytest.raises(GradientMismatch):
        check_grads(fault.build(OURS), *fault.args, directions=3)


def accused(right: Right, seed: int) -> str:
    """Return what is said of a right function; nothing, if it passes."""
    args = right.draw(np.random.default_rng([seed, len(right.name)]))
    try:
        check_grads(right.build(OURS), *args, seed=seed)
    except (GradientMismatch, UncheckableError) as error:
        return f"seed {seed}: {error}"
    return ""


@pytest.mark.parametrize("right", one_in(4, RIGHT), ids=repr)
def test_a_right_function_passes(right: Right) -> None:
    assert not accused(right, 1)


@pytest.mark.deep
@pytest.mark.parametrize("right", RIGHT, ids=repr)
def test_a_right_function_passes_with_fifty_seeds(right: Right) -> None:
    assert not [said for said in (accused(right, seed) for seed in range(SEEDS)) if said]


HOPELESS: dict[str, Any] = {
    "(1 - cos) / x^2": lambda rng: ((lambda x: (1 - np.cos(x)) / x**2), rng.uniform(5e-5, 1e-3, 3)),
    "sin(x) / x": lambda rng: ((lambda x: np.sin(x) / x), rng.uniform(1e-7, 1e-6, 3)),
    "inverse": lambda rng: (np.linalg.inv, near_singular(1e-7)(rng)),
    "solve": lambda rng: (lambda A: np.linalg.solve(A, np.ones(7)), hilbert(7)),
    "offset": lambda rng: (lambda x: (x + 1e10) - 1e10 + np.sin(x), rng.uniform(-2, 2, 3)),
    "offset of what is not analytic": lambda rng: (
        lambda x: np.abs(np.sin(x) + 1e9) - 1e9, rng.uniform(-2, 2, 3)
    ),
}  # fmt: skip


@pytest.mark.parametrize("seed", one_in(4, range(4)))
@pytest.mark.parametrize("name", HOPELESS)
def test_rounding_is_never_called_a_wrong_gradient(name: str, seed: int) -> None:
    """Nothing can be told of most of these, and that is what has to be said."""
    f, x = HOPELESS[name](np.random.default_rng(seed))
    try:
        check_grads(f, x, seed=seed)
    except UncheckableError as error:
        assert "too rough here to tell" in str(error)  # noqa: PT017  # or it passes


# What keeps right functions from being accused does not let wrong ones pass.


@pytest.mark.parametrize("cube", [lambda x: np.sum(x**3), lambda x: np.sum(np.abs(x) ** 3)])
@pytest.mark.parametrize("noise", [1e-3, 1e-2, 0.1, 1.0])
def test_a_rough_gradient_is_not_called_right(cube: Any, noise: float) -> None:
    """Its error looks like rounding, but the function has none to speak of."""
    x = np.array([0.7, 1.3, 2.1])
    with pytest.raises((GradientMismatch, UncheckablePointError)):
        check_vjp(cube, lambda x: 3 * x**2 * (1 + noise * np.sin(1e12 * x)), x)


@pytest.mark.parametrize(
    "factor", [1.01, *(pytest.param(c, marks=pytest.mark.deep) for c in (2.0, 0.5, 0.0, -1.0))]
)
@pytest.mark.parametrize("right", one_in(6, (o for o in RIGHT if o.kind != "smooth")), ids=repr)
def test_a_right_function_made_wrong_is_caught(right: Right, factor: float) -> None:
    """All gradients are multiplied, where they are not zero in any case."""
    args = right.draw(np.random.default_rng([2, len(right.name)]))
    f = right.build(OURS)

    def scaled(monkey: Any) -> None:
        check_grads(f, *args, order=1, modes=("vjp",))

    original = Comparison.run
    shows = []

    def run(self: Comparison, pull: Any) -> None:
        original(self, lambda ct: [factor * one for one in pull(ct)])
        right_one = Comparison(self.subject, self.weight, self.directions, self.analytic)
        original(right_one, pull)
        shows.append(right_one)

    with pytest.MonkeyPatch.context() as monkey:
        monkey.setattr(Comparison, "run", run)
        try:
            scaled(monkey)
        except (GradientMismatch, UncheckableError):
            return
    for one in shows:
        for j, direction in enumerate(one.directions):
            low, high, _ = one.interval(j)
            got = factor * one.got(direction, one.gradients)
            flat = not any(np.any(part) for part in one.gradients)
            hidden = abs(one.got(direction, one.gradients)) <= one._visible()
            assert flat or hidden or low <= got <= high or one.kinks


# The rows of the engine's own table, broken in memory: every family, every row under -m deep.


def escaped(name: str, kinds: set[str]) -> list[str]:
    """Return the faults of a row, of first and second order, that no check of its calls finds."""
    rule = TABLE[name]
    calls = [one for one in CASES if one.rule is rule and all(np.size(x) for x in one.arrays)]
    return [
        f"{name}: {fault.kind}, {fault.place}"
        for fault in faults(rule)
        if fault.kind in kinds and fault.place != "push"
        if not any(is_found(rule, fault, one) for one in calls[:6])
    ]


def is_found(rule: Rule, fault: Any, one: Case) -> bool:
    with planted(rule, fault.fields):
        try:
            check_grads(one, *one.arrays, order=1, modes=("vjp",))  # most are found so
            check_grads(one, *one.arrays)
        except GradientMismatch:
            return True
        except UncheckableError:  # a complex result: another call of the row has a real one
            return False
    return False


FAMILIES = {TABLE[name].family: name for name in ROWS}


@pytest.mark.parametrize("name", one_in(3, FAMILIES.values()), ids=FAMILIES)
def test_a_broken_row_of_each_family_is_caught(name: str) -> None:
    kind = "detached" if len(name) % 2 else "factor"  # half of the families each; deep has both
    assert escaped(name, {kind}) == []


@pytest.mark.deep
@pytest.mark.parametrize("name", ROWS)
def test_every_broken_row_is_caught(name: str) -> None:
    assert escaped(name, {"sign", "factor", "detached"}) == []
