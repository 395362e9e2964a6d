"""Every row of the rule table, by the same tests: a new row is tested the moment it exists."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from oracles import EXACT, complex_step, pairing, plain, richardson, same
from sampling import (
    CASES,
    HALVES,
    ROWS,
    Case,
    broadcasting_cases,
    cases,
    directions,
    each,
    like,
    takes_complex,
    tracked,
)
from together import together

import tinygrad_bp as tg
from tinygrad_bp.engine.memory import LEAST
from tinygrad_bp.engine.nodes import Leaf
from tinygrad_bp.engine.rule import TABLE, Rule, call

ELEMENTWISE = [
    rule
    for rule in TABLE.values()
    if rule.kind == "elementwise" and len(rule.pulls) == 2 and None not in rule.pulls
]
# On both axes, where branch cuts lie: the sign of a zero says on which side of a cut a number is.
SIDES = [(at, zero) for at in (-2.5, -1.5, -0.4, 0.4, 1.5, 2.5) for zero in (0.0, -0.0)]
ON_CUTS = np.array([complex(*pair) for at, zero in SIDES for pair in ((at, zero), (zero, at))])
FORWARD = (-25 / 12, 4, -3, 4 / 3, -1 / 4)  # the one-sided difference of fourth order


def slope_of(one: Case, arrays: list[Any], tangents: list[Any], weight: Any) -> Any:
    """Return the derivative of ``Re <weight, f>`` along `tangents`, as exactly as can be."""
    f = plain(one.rule)

    def weighted(*moving: Any) -> Any:
        return np.sum(np.asarray(one.run(f, moving)) * weight)

    if one.rule.trial.analytic:
        return complex_step(weighted, arrays, tangents)
    return richardson(lambda *moving: np.real(weighted(*moving)), arrays, tangents)


def tolerance(slope: Any, terms: int) -> float:
    """Return what rounding allows: the oracle's own error, and a few ulp for each term."""
    return 10 * slope.error + EXACT["d"] * (1 + abs(slope.value)) * max(1, terms) ** 0.5


# The value


@each(CASES)
def test_value_is_numpys(one: Case) -> None:
    wanted = one.run(plain(one.rule), one.arrays)
    value = one(*tracked(one.arrays))
    assert type(value) is tg.Tensor
    assert value.requires_grad
    same(value.numpy(), wanted)
    assert value.shape == np.shape(wanted)


@each(CASES)
def test_raw_arrays_in_raw_array_out(one: Case) -> None:
    value = one(*one.arrays)
    assert not isinstance(value, tg.Tensor)
    same(value, one.run(plain(one.rule), one.arrays))


@each(CASES)
def test_untracked_tensors_in_untracked_tensor_out(one: Case) -> None:
    value = one(*map(tg.tensor, one.arrays))
    assert type(value) is tg.Tensor
    assert not value.requires_grad
    same(value.numpy(), one(*one.arrays))


@each(cases(where=lambda rule: rule.trial.composition is not None))
def test_fused_record_equals_its_composition(one: Case) -> None:
    arrays = one.arrays
    weight = like(one(*arrays))
    value, pull = tg.vjp(one, *arrays)
    composed, pull_composed = tg.vjp(lambda *xs: one.run(one.rule.trial.composition, xs), *arrays)
    same(value, composed, 10)
    for part, wanted in zip(pull(weight), pull_composed(weight), strict=True):
        same(part, wanted, 10)


@each(cases(where=lambda rule: rule.trial.composition is not None))
def test_what_a_record_has_computed_counts_for_its_own_arguments_alone(one: Case) -> None:
    """A fused record may hold its result; it is recorded again with other arguments in pictures."""
    leaves = tracked(one.arrays)
    places = {leaf.node: i for i, leaf in enumerate(leaves)}
    node = one(*leaves).node
    if node.rule is not one.rule or not all(parent in places for parent in node.parents):
        return  # the call consists of several records
    params = node.saved[1 + len(node.parents) :]
    for i in range(len(leaves)):
        values = [leaf._value for leaf in leaves]
        values[i] = values[i] * 0.99  # within the domain, and no tie is near
        found = node.rule.forward(*[values[places[parent]] for parent in node.parents], *params)
        same(found, one(*values), 10)


# The derivative


@each(CASES)
def test_gradient(one: Case) -> None:
    arrays = one.arrays
    value, pull = tg.vjp(one, *arrays)
    for seed in (3, 4):
        weight, tangents = like(value, seed), directions(arrays, seed + 10)
        slope = slope_of(one, arrays, tangents, weight)
        parts = pull(weight)
        assert [np.shape(p) for p in parts] == [np.shape(x) for x in arrays]
        assert abs(pairing(parts, tangents) - slope.value) <= tolerance(slope, np.size(value))


@each([one for one in CASES if len(one.places) > 1])
def test_gradient_in_each_argument_alone(one: Case) -> None:
    """Only one argument tracked: other residuals are kept than for all of them."""
    arrays = one.arrays
    weight = like(one(*arrays))
    _, pull = tg.vjp(one, *arrays)
    for i, wanted in enumerate(pull(weight)):
        mixed: list[Any] = list(arrays)
        mixed[i] = leaf = tg.tensor(arrays[i], requires_grad=True)
        one(*mixed).backward(weight)
        same(leaf.grad.numpy(), wanted)


@each(CASES, few=2)
def test_second_order(one: Case) -> None:
    """The gradient of ``<pull(weight), e>``, also in the weight, against differences of it."""
    arrays = one.arrays
    weight = like(one(*arrays))
    e, tangents, moving = directions(arrays, 5), directions(arrays, 6), like(weight, 7)

    def first(weight: Any, *xs: Any) -> Any:
        _, pull = tg.vjp(one, *xs)
        return sum(np.sum(part * d) for part, d in zip(pull(weight), e, strict=True))

    slope = richardson(first, [weight, *arrays], [moving, *tangents])
    _, pull = tg.vjp(first, weight, *arrays)
    found = np.real(pairing(pull(1.0), [moving, *tangents]))
    assert abs(found - slope.value) <= tolerance(slope, np.size(weight))


@each(CASES, few=2)
def test_third_order_by_symmetry(one: Case) -> None:
    """Mixed partial derivatives do not depend on the order in which they are taken."""
    arrays = one.arrays
    weight = like(one(*arrays))
    u, v, w = (directions(arrays, seed) for seed in (8, 9, 10))

    def along(f: Callable[..., Any], d: list[Any]) -> Callable[..., Any]:
        def derivative(*xs: Any) -> Any:
            grads = tg.grad(f, argnums=range(len(xs)))(*xs)
            return sum(np.sum(g * part) for g, part in zip(grads, d, strict=True))

        return derivative

    def weighted(*xs: Any) -> Any:
        total = np.sum(one(*xs) * weight)
        return np.real(total) if total.dtype.kind == "c" else total

    forth = along(along(along(weighted, u), v), w)(*arrays)
    back = along(along(along(weighted, w), v), u)(*arrays)
    np.testing.assert_allclose(forth, back, rtol=1e-9, atol=1e-9)  # rounding grows with each order


@each(CASES)
def test_pull_is_linear(one: Case) -> None:
    value, pull = tg.vjp(one, *one.arrays)
    first, second = like(value, 11), like(value, 12)
    together = pull(2.5 * first - 0.5 * second)
    for whole, a, b in zip(together, pull(first), pull(second), strict=True):
        same(whole, 2.5 * a - 0.5 * b)
    for zero in pull(np.zeros(np.shape(value))):
        assert not np.any(zero)


@each(cases(where=takes_complex))
def test_complex_gradient(one: Case) -> None:
    """The transpose without conjugation: Re ``<pull(w), t>`` is the slope of Re ``<w, f>``."""
    arrays = [x + 0.1j * t for x, t in zip(one.arrays, directions(one.arrays, 13), strict=True)]
    value, pull = tg.vjp(one, *arrays)
    f = plain(one.rule)
    weight = like(value, 14)
    tangents = [
        a + 1j * b for a, b in zip(directions(arrays, 16), directions(arrays, 17), strict=True)
    ]
    slope = richardson(lambda *xs: np.real(np.sum(one.run(f, xs) * weight)), arrays, tangents)
    parts = pull(weight)
    assert all(np.iscomplexobj(part) for part in parts)
    assert abs(np.real(pairing(parts, tangents)) - slope.value) <= tolerance(slope, np.size(value))


OF_ONE_NUMBER = [  # and of nothing else, as a row that names its calls may be
    rule
    for rule in filter(takes_complex, TABLE.values())
    if rule.kind == "elementwise" and len(rule.pulls) == 1 and not rule.trial.samples
]


@pytest.mark.parametrize("rule", OF_ONE_NUMBER, ids=lambda rule: rule.name)
def test_slope_on_a_branch_cut_is_that_of_its_side(rule: Rule) -> None:
    f, step = plain(rule), 1e-4
    value, pull = tg.vjp(rule.function, ON_CUTS)
    (slopes,) = pull(np.ones_like(value))
    for axis, slope in enumerate((np.real(slopes), -np.imag(slopes))):
        away = np.copysign(step, (ON_CUTS.real, ON_CUTS.imag)[axis])
        total = np.zeros(ON_CUTS.shape)
        for count, weight in enumerate(FORWARD):
            moving = ON_CUTS.copy()
            (moving.real, moving.imag)[axis][:] += count * away
            total += weight * np.real(f(moving))
        np.testing.assert_allclose(slope, total / away, rtol=1e-7, atol=1e-7)


@HALVES
@pytest.mark.parametrize("rule", ELEMENTWISE, ids=lambda rule: rule.name)
def test_every_pattern_of_broadcasting(rule: Rule, half: int) -> None:
    for one in broadcasting_cases(rule, half):
        arrays = one.arrays
        value, pull = tg.vjp(one, *arrays)
        same(value, plain(rule)(*arrays))
        weight, tangents = like(value), directions(arrays)
        parts = pull(weight)
        assert [np.shape(p) for p in parts] == [np.shape(x) for x in arrays], repr(one)
        for i, part in enumerate(parts):
            alone = [d if k == i else None for k, d in enumerate(tangents)]
            slope = slope_of(one, arrays, alone, weight)
            close = abs(pairing([part], [tangents[i]]) - slope.value) <= tolerance(
                slope, np.size(value)
            )
            assert close, (repr(one), i)


@together
@pytest.mark.parametrize("rule", ELEMENTWISE, ids=lambda rule: rule.name)
@pytest.mark.parametrize(
    "shapes",
    [((0,), (1,)), ((1,), (0,)), ((0, 3), (3,)), ((0,), ()), ((2, 0), (2, 1)), ((0,), (0,))],
    ids=str,
)
def test_broadcasting_against_nothing(rule: Rule, shapes: tuple[tuple[int, ...], ...]) -> None:
    arrays = [np.ones(shape)[()] for shape in shapes]
    value, pull = tg.vjp(rule.function, *arrays)
    parts = pull(np.ones(value.shape))
    assert [np.shape(p) for p in parts] == list(shapes)
    assert not any(np.any(p) for p in parts)  # an empty sum is 0


@together
@pytest.mark.parametrize("rule", ELEMENTWISE, ids=lambda rule: rule.name)
def test_python_numbers_beside_tensors(rule: Rule) -> None:
    one = Case(rule, call((3,), (3,)))
    x, y = one.arrays
    first, second = float(x[0]), float(y[0])
    for arguments, wanted in (
        ((x, second), (x, np.full(3, second))),
        ((first, y), (np.full(3, first), y)),
    ):
        mixed = [a if isinstance(a, float) else tg.tensor(a, requires_grad=True) for a in arguments]
        value = rule.function(*mixed)
        leaf = next(m for m in mixed if isinstance(m, tg.Tensor))
        full, pull = tg.vjp(rule.function, *wanted)
        same(value.numpy(), full)
        value.backward(np.ones(3))
        same(leaf.grad.numpy(), pull(np.ones(3))[mixed.index(leaf) if mixed[0] is leaf else 1])


# The table itself


def test_rules_have_names_and_kinds() -> None:
    for name, rule in TABLE.items():
        assert rule.name == name
        assert rule.kind in {"elementwise", "linear", "bilinear", "general"}
        assert (rule.push is not None) == (rule.kind == "general"), name
        assert rule.pulls
        intervals = [rule.trial.interval(i) for i in range(len(rule.pulls))]
        assert all(low < high for low, high in intervals)


def test_every_row_has_cases() -> None:
    assert {one.rule.name for one in CASES} == set(ROWS)
    assert all(one.places for one in CASES)


def test_every_row_is_called_with_nothing() -> None:
    assert {one.rule.name for one in CASES if any(0 in shape for shape in one.shapes)} == set(ROWS)


def test_leaves_are_no_rules() -> None:
    leaf = Leaf((2,), np.dtype(float))
    assert leaf.rule.name not in TABLE
    assert leaf.parents == ()


@together
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize(
    "name",
    sorted(
        name
        for name, rule in TABLE.items()
        if rule.kind == "elementwise" and not rule.trial.samples
    ),
)
def test_large_arrays_take_the_same_road(name: str, dtype: Any) -> None:
    """Above LEAST bytes the hot rules take their results from buffers that are used again."""
    rule = TABLE[name]
    rows = LEAST // np.dtype(dtype).itemsize // 8 + 3
    one = Case(rule, call(*[(5,)] * len(rule.pulls)))
    small = [x.astype(dtype) for x in one.arrays]
    value, pull = tg.vjp(one, *small)
    wanted = pull(np.ones(5, dtype))
    wide = [np.tile(x, (rows, 2)) for x in small]
    for _ in range(2):  # the second time the buffers are used again
        value_wide, pull_wide = tg.vjp(one, *wide)
        same(value_wide[7, :5], value)
        same(value_wide[-1, 5:], value)
        for part, w in zip(pull_wide(np.ones((rows, 10), dtype)), wanted, strict=True):
            same(part[7, :5], w)
            same(part[-1, 5:], w)
