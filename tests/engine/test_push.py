"""Forward mode: every row of the rule table pushes tangents as its pulls pull cotangents."""

from __future__ import annotations

import math
import threading
import tracemalloc
from collections import namedtuple
from collections.abc import Callable
from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from leaves import leaf
from oracles import EXACT, Slope, complex_step, pairing, plain, richardson, same
from sampling import (
    CASES,
    HALVES,
    Case,
    broadcasting_cases,
    cases,
    directions,
    each,
    like,
    takes_complex,
)

import tinygrad_bp as tg
from tinygrad_bp.engine.nodes import ancestors
from tinygrad_bp.engine.push import push_forward
from tinygrad_bp.engine.recording import binary
from tinygrad_bp.engine.rule import TABLE, Rule
from tinygrad_bp.errors import DTypeError, GraphError, ShapeError
from tinygrad_bp.testing.graphs import Program
from tinygrad_bp.testing.graphs import graphs as programs

Pair = namedtuple("Pair", ["weight", "bias"])  # noqa: PYI024
ELEMENTWISE = [
    rule
    for rule in TABLE.values()
    if rule.kind == "elementwise" and len(rule.pulls) == 2 and None not in rule.pulls
]


def close(got: Any, slope: Slope, terms: Any = 0.0) -> bool:
    """Whether `got` is the slope, but for the oracle's error and a few ulp of the terms in it."""
    size = 1 + float(np.max(np.abs(slope.value), initial=0.0)) + float(np.max(terms, initial=0.0))
    apart = float(np.max(np.abs(np.asarray(got) - slope.value), initial=0.0))
    return apart <= 10 * slope.error + 10 * EXACT["d"] * size


# The table


@each(CASES)
def test_tangent_is_the_slope(one: Case) -> None:
    arrays, tangents = one.arrays, directions(one.arrays, 21)
    value, tangent = tg.jvp(one, arrays, tangents)
    same(value, one.run(plain(one.rule), arrays))
    assert (np.shape(tangent), tangent.dtype) == (np.shape(value), value.dtype)
    method = complex_step if one.rule.trial.analytic else richardson
    assert close(tangent, method(lambda *xs: one.run(plain(one.rule), xs), arrays, tangents))


def subsets(count: int) -> list[tuple[int, ...]]:
    masks = product([False, True], repeat=count)
    return [tuple(i for i in range(count) if mask[i]) for mask in masks if any(mask)]


@each(CASES)
def test_push_is_the_transpose_of_the_pull(one: Case) -> None:
    """Of each subset of the arguments: what the pulls keep is enough for the push."""
    arrays, tangents = one.arrays, directions(one.arrays, 22)
    weight = like(one(*arrays), 23)
    for moving in subsets(len(arrays)):

        def among(*xs: Any, moving: tuple[int, ...] = moving) -> Any:
            mixed = list(arrays)
            for i, x in zip(moving, xs, strict=True):
                mixed[i] = x
            return one(*mixed)

        primals, ts = [arrays[i] for i in moving], [tangents[i] for i in moving]
        _, tangent = tg.jvp(among, primals, ts)
        _, pull = tg.vjp(among, *primals)
        pushed = np.real(pairing([weight], [tangent]))  # fft makes real numbers complex
        np.testing.assert_allclose(pushed, pairing(pull(weight), ts), rtol=1e-12, atol=1e-12)


@each([one for one in CASES if len(one.places) > 1], few=2)
def test_no_tangent_is_a_tangent_of_zeros(one: Case) -> None:
    """All arguments are tracked, and some do not move."""
    arrays, tangents = one.arrays, directions(one.arrays, 24)
    _, still = tg.jvp(one, arrays, [None] * len(arrays))
    same(still, np.zeros_like(one(*arrays)))
    for moving in subsets(len(arrays)):
        some = [t if i in moving else None for i, t in enumerate(tangents)]
        zeros = [np.zeros_like(x) if t is None else t for x, t in zip(arrays, some, strict=True)]
        same(tg.jvp(one, arrays, some)[1], tg.jvp(one, arrays, zeros)[1])


@each(cases(where=takes_complex))
def test_complex_push_is_the_transpose_of_the_pull(one: Case) -> None:
    """Paired as real numbers: Re <w, push t> = Re <pull w, t>; w is real where the value is."""
    arrays = [x + 0.1j * t for x, t in zip(one.arrays, directions(one.arrays, 25), strict=True)]
    tangents = [
        a + 1j * b for a, b in zip(directions(arrays, 26), directions(arrays, 27), strict=True)
    ]
    value, tangent = tg.jvp(one, arrays, tangents)
    assert (np.shape(tangent), tangent.dtype) == (np.shape(value), value.dtype)
    slope = richardson(lambda *xs: one.run(plain(one.rule), xs), arrays, tangents)
    assert close(tangent, slope)
    weight = like(value, 28) + (1j * like(value, 29) if np.iscomplexobj(value) else 0)
    _, pull = tg.vjp(one, *arrays)
    left, right = pairing([weight], [tangent]), pairing(pull(weight), tangents)
    np.testing.assert_allclose(np.real(left), np.real(right), rtol=1e-12, atol=1e-12)


@HALVES
@pytest.mark.parametrize("rule", ELEMENTWISE, ids=lambda rule: rule.name)
def test_every_pattern_of_broadcasting(rule: Rule, half: int) -> None:
    for one in broadcasting_cases(rule, half):
        arrays, tangents = one.arrays, directions(one.arrays, 30)
        for some in (tangents, [tangents[0], None], [None, tangents[1]]):
            value, tangent = tg.jvp(one, arrays, some)
            assert np.shape(tangent) == np.shape(value)
            method = complex_step if rule.trial.analytic else richardson
            assert close(tangent, method(plain(rule), arrays, some)), repr(one)


@each(CASES)
def test_float32_stays_float32(one: Case) -> None:
    narrow = [np.float32(x) for x in one.arrays]
    tangents = [np.float32(t) for t in directions(narrow, 31)]
    value, tangent = tg.jvp(one, narrow, tangents)
    assert tangent.dtype == value.dtype == one(*narrow).dtype
    _, wanted = tg.jvp(one, *([x.astype(np.float64) for x in xs] for xs in (narrow, tangents)))
    # divisions by numbers near the edges of the domains magnify the rounding of the values
    np.testing.assert_allclose(tangent, wanted, rtol=10 * EXACT["f"], atol=10 * EXACT["f"])
    for i in range(len(narrow) if len(narrow) > 1 else 0):
        mixed = [x.astype(np.float64) if k == i else x for k, x in enumerate(narrow)]
        for some in (tangents, [None if k == i else t for k, t in enumerate(tangents)]):
            value, tangent = tg.jvp(one, mixed, some)
            assert (tangent.dtype, np.shape(tangent)) == (value.dtype, np.shape(value))


# Second order, in every combination of the modes


def second_derivatives(f: Callable[..., Any], arrays: Any, u: Any, v: Any) -> dict[str, Any]:
    """Return the second derivative of a scalar f along u and v, by each pair of modes."""
    count = len(arrays)

    def slope(*xs: Any) -> Any:
        return tg.jvp(f, xs, u)[1]

    def gradient(*xs: Any) -> Any:
        return tg.grad(f, range(count))(*xs)

    return {
        "forward over reverse": pairing(tg.jvp(gradient, arrays, v)[1], u),
        "reverse over forward": pairing(tg.grad(slope, range(count))(*arrays), v),
        "forward over forward": tg.jvp(slope, arrays, v)[1],
        "hvp": pairing(tg.hvp(f, arrays, u), v),
        "hvp, in reverse": pairing(tg.hvp(f, arrays, u, mode="reverse"), v),
    }


@each(CASES, few=1)
def test_second_order(one: Case) -> None:
    arrays = one.arrays
    u, v = directions(arrays, 32), directions(arrays, 33)
    weight = like(one(*arrays), 34)

    def weighted(*xs: Any) -> Any:
        return np.real(np.sum(one(*xs) * weight))

    wanted = richardson(lambda *xs: tg.jvp(weighted, xs, u)[1], arrays, v)
    for how, found in second_derivatives(weighted, arrays, u, v).items():
        assert close(found, wanted, abs(weight)), how


@each([one for one in CASES if len(one.places) > 1], few=1)
def test_second_order_in_each_argument_alone(one: Case) -> None:
    """The others are raw arrays, which the recorded push finds in what the pulls keep."""
    for i, x in enumerate(one.arrays):

        def alone(moved: Any, i: int = i) -> Any:
            mixed = one.arrays
            mixed[i] = moved
            value = np.real(one(*mixed))
            return np.sum(value * np.cos(value))

        u, v = directions([x], 35), directions([x], 36)
        wanted = richardson(lambda moved, f=alone, u=u: tg.jvp(f, [moved], u)[1], [x], v)
        for how, found in second_derivatives(alone, [x], u, v).items():
            assert close(found, wanted), (how, i)


@pytest.mark.parametrize("order", [1, 2, 3, 4])
def test_nested_jvp_against_closed_forms(order: int) -> None:
    def f(x: Any) -> Any:
        return np.exp(x) * np.sin(x)

    derivative = f
    for _ in range(order):
        derivative = lambda x, g=derivative: tg.jvp(g, (x,), (1.0,))[1]
    wanted = 2 ** (order / 2) * math.exp(0.7) * math.sin(0.7 + order * math.pi / 4)
    assert derivative(0.7) == pytest.approx(wanted, rel=1e-13)


@settings(
    max_examples=25,
    derandomize=True,
)
@given(programs(10))
def test_tangent_of_a_random_program_is_that_of_its_gradient(program: Program) -> None:
    inputs = [x.astype(float) for x in program.inputs]
    f, tangents = program.function(), directions(inputs, 37)
    grads = tg.grad(f, range(len(inputs)))(*inputs)
    _, tangent = tg.jvp(f, inputs, tangents)
    terms = 1.0 + float(pairing([abs(g) for g in grads], [abs(t) for t in tangents]))
    assert abs(tangent - pairing(grads, tangents)) <= 1e-9 * terms  # a dozen functions' rounding
    products = [tg.hvp(f, inputs, tangents, mode=mode) for mode in ("forward", "reverse")]
    size = 1.0 + max(float(np.max(np.abs(h), initial=0.0)) for h in products[1])
    for one, other in zip(*products, strict=True):
        np.testing.assert_allclose(one, other, rtol=0, atol=1e-8 * size)


# What goes in and what comes out


def test_nested_containers() -> None:
    params = {"layer": Pair(np.array([[0.1, 0.2], [0.3, -0.4]]), np.zeros(2)), "scale": 2.0}
    moves = {"scale": 0.5, "layer": [np.ones((2, 2)), np.array([1.0, -1.0])]}  # in another order
    x = np.array([1.0, -0.5])

    def f(params: Any, x: Any) -> Any:
        h = np.tanh(x @ params["layer"].weight + params["layer"].bias)
        return {"h": h, "rest": [params["scale"] * np.sum(h), "text", None, 3]}

    value, tangent = tg.jvp(f, (params, x), (moves, None))
    assert value["rest"][1:] == ["text", None, 3]
    assert tangent["rest"][1:] == [None, None, 0.0]
    h = np.tanh(x @ params["layer"].weight)
    inner = (1 - h * h) * (x @ np.ones((2, 2)) + np.array([1.0, -1.0]))
    same(tangent["h"], inner)
    same(tangent["rest"][0], 0.5 * np.sum(h) + 2.0 * np.sum(inner))
    assert tangent["rest"][3].dtype == float


def test_scalars_and_lists_as_tangents() -> None:
    assert tg.jvp(lambda x, y: x * y, (2.0, 3.0), (1, 10.0)) == (6.0, 23.0)
    same(tg.jvp(np.square, [np.array([1.0, 2.0])], [[1, 10]])[1], np.array([2.0, 40.0]))
    value, tangent = tg.jvp(lambda x: (x, np.sin(x)), (np.float32(0.5),), (2.0,))
    assert [one.dtype for one in (*value, *tangent)] == [np.float32] * 4


def test_results_that_do_not_move() -> None:
    def f(x: Any) -> Any:
        return np.sign(x), np.arange(2), 1j, True

    value, tangent = tg.jvp(f, (np.ones(3),), (np.ones(3),))
    assert value[3] is True
    for t, wanted in zip(
        tangent, (np.zeros(3), np.zeros(2), np.zeros((), complex), np.zeros(())), strict=True
    ):
        same(t, wanted)


def test_tensors_in_tensors_out() -> None:
    value, tangent = tg.jvp(np.sin, (tg.tensor([0.0, 1.0]),), (np.ones(2),))
    assert type(value) is type(tangent) is tg.Tensor
    assert not tangent.requires_grad
    same(tangent.numpy(), np.cos([0.0, 1.0]))
    value, tangent = tg.jvp(np.sin, (np.array([0.0, 1.0]),), (tg.tensor([1.0, 2.0]),))
    assert type(value) is type(tangent) is np.ndarray


def test_a_tracked_primal_tangent_or_captured_tensor_is_differentiated_through() -> None:
    x, t, w = leaf([0.5, 1.0]), leaf([1.0, -2.0]), leaf([2.0, 3.0])
    value, tangent = tg.jvp(lambda x: np.sin(w * x), (x,), (t,))
    assert value.requires_grad
    np.sum(tangent).backward()  # cos(w x) w t
    a, b, c = x.numpy(), t.numpy(), w.numpy()
    same(x.grad.numpy(), -np.sin(a * c) * c * c * b)
    same(t.grad.numpy(), np.cos(a * c) * c)
    same(w.grad.numpy(), np.cos(a * c) * b - np.sin(a * c) * a * c * b)
    with tg.no_grad():
        value, tangent = tg.jvp(lambda x: np.sin(w * x), (np.ones(2),), (np.ones(2),))
        assert type(value) is type(tangent) is np.ndarray


def test_a_tracked_tangent_alone_is_differentiated_through() -> None:
    t = leaf([1.0, -2.0])
    value, tangent = tg.jvp(np.exp, (np.array([0.5, 1.0]),), (t,))
    assert type(value) is np.ndarray
    np.sum(tangent).backward()
    same(t.grad.numpy(), value)


def test_the_transpose_of_the_push_is_the_pull() -> None:
    x, ct = np.array([0.3, 0.7]), np.array([1.0, -2.0])

    def f(x: Any) -> Any:
        return np.sin(x) * x[::-1]

    _, pull = tg.vjp(lambda t: tg.jvp(f, (x,), (t,))[1], np.zeros(2))
    same(pull(ct)[0], tg.vjp(f, x)[1](ct)[0])


def test_no_perturbation_confusion() -> None:
    """Siskind & Pearlmutter (2005): d/dx [x d/dy (x + y)] is 1, not 2."""

    def slope(f: Callable[..., Any], x: Any) -> Any:
        return tg.jvp(f, (x,), (1.0,))[1]

    assert slope(lambda x: x * slope(lambda y: x + y, 1.0), 1.0) == 1.0
    assert slope(lambda x: x * slope(lambda y: x * y, 2.0), 3.0) == 6.0
    assert slope(lambda x: x * tg.grad(lambda y: x * y)(2.0), 3.0) == 6.0
    assert tg.grad(lambda x: x * slope(lambda y: x * y, 2.0))(3.0) == 6.0
    assert tg.grad(lambda x: x * slope(lambda y: x + y, 1.0))(1.0) == 1.0


def test_tangents_handed_out_alias_nothing() -> None:
    x, t = np.ones(3), np.full(3, 2.0)
    value, tangent = tg.jvp(lambda x: (x, x, x[::-1], np.broadcast_to(x, (2, 3))), (x,), (t,))
    arrays = [*value, *tangent, x, t]
    for i, one in enumerate(arrays):
        assert not any(np.shares_memory(one, other) for other in arrays[i + 1 :])
    for one in tangent:
        assert one.flags.writeable
        one[...] = 7.0
    assert t.tolist() == [2.0] * 3


def test_tangents_are_not_changed() -> None:
    """Parts are added in place, but never into a tangent that something else reads."""

    def f(x: Any) -> Any:
        y = x + x * 2.0
        return y, x + y, x @ y + y @ x, x

    t = np.array([1.0, 10.0])
    _, tangent = tg.jvp(f, (np.array([2.0, 3.0]),), (t,))
    assert t.tolist() == [1.0, 10.0]
    same(tangent[0], 3 * t)
    same(tangent[1], 4 * t)
    same(tangent[2], np.float64(2 * 2 * 3 * 2.0 + 2 * 2 * 3 * 30.0))
    same(tangent[3], t)


def test_a_pull_may_give_a_view_of_its_cotangent() -> None:
    """Parts are not added into it either: the rule of another project may do so."""
    rule = Rule(
        "sum of two",
        None,
        lambda x, y: x + y,
        (lambda ct, _out, _x, _y: ct[:], lambda ct, _out, _x, _y: ct),
        "elementwise",
    )
    add = binary(rule)
    t = np.array([1.0, 10.0])
    _, tangent = tg.jvp(lambda x: (add(x, x), x), (np.ones(2),), (t,))
    same(tangent[0], 2 * t)
    same(tangent[1], t)


# What is refused


@pytest.mark.parametrize("transform", [tg.jvp, tg.hvp])
def test_what_does_not_fit_is_named(transform: Any) -> None:
    name = transform.__name__

    def f(*xs: Any) -> Any:
        return np.sum(xs[0] if not isinstance(xs[0], dict) else xs[0]["w"])

    with pytest.raises(TypeError, match=rf"{name}: primals is a tuple.*\(x,\)"):
        transform(f, np.ones(2), np.ones(2))
    with pytest.raises(ShapeError, match=rf"{name}: the tangents: expected a tuple of 1, got one"):
        transform(f, (np.ones(2),), np.ones(2))
    with pytest.raises(ShapeError, match="expected a tuple of 1, got a list of 2"):
        transform(f, (np.ones(2),), [1.0, 2.0])
    with pytest.raises(ShapeError, match=r"tangent of primal \[0\] has shape \(3,\).*\(2,\)"):
        transform(f, (np.ones(2),), (np.ones(3),))
    with pytest.raises(ShapeError, match=r"tangent of primal \[0\]\['w'\] has shape \(\)"):
        transform(f, ({"w": np.ones(2)},), ({"w": 1.0},))
    with pytest.raises(ShapeError, match=r"a dict with the keys 'w' at \[0\], got the keys 'v'"):
        transform(f, ({"w": np.ones(2)},), ({"v": np.ones(2)},))
    with pytest.raises(DTypeError, match=r"\[0\] is complex128, the primal float64"):
        transform(f, (np.ones(2),), (np.ones(2) * 1j,))
    with pytest.raises(DTypeError, match=rf"{name}: cannot differentiate.*int"):
        transform(f, (np.arange(2),), (np.ones(2),))


def test_a_complex_primal_takes_real_tangents() -> None:
    tangent = tg.jvp(np.square, (np.array([1j, 2.0]),), (np.ones(2),))[1]
    same(tangent, 2 * np.array([1j, 2.0]))


def test_freed_residuals_are_named() -> None:
    def f(x: Any) -> Any:
        y = np.sin(x)
        tg.gradients(y, x, retain_graph=False)
        return y

    with pytest.raises(GraphError, match=r"sin \(\) were freed"):
        tg.jvp(f, (1.0,), (1.0,))


def test_works_where_recording_is_off() -> None:
    with tg.no_grad():
        assert tg.jvp(np.sin, (0.0,), (2.0,)) == (0.0, 2.0)
        assert tg.jvp(lambda x: tg.jvp(np.square, (x,), (1.0,))[1], (3.0,), (1.0,)) == (6.0, 2.0)


# The walk


def test_interior_nodes_may_carry_the_tangents() -> None:
    x = leaf(2.0)
    y = x * x
    z = y * x
    found = push_forward([z.node, x.node], {y.node: np.float64(1.0)})
    assert found == {z.node: 2.0}
    found = push_forward([z.node], {y.node: np.float64(1.0), x.node: np.float64(10.0)})
    assert found == {z.node: 2.0 + 40.0}  # y is taken for independent of x
    order = ancestors(z.node)
    assert push_forward([z.node], {x.node: np.float64(1.0)}, order=order) == {z.node: 12.0}


def test_outputs_and_tangents_may_be_the_same() -> None:
    x = leaf(2.0)
    t = np.float64(3.0)
    assert push_forward([x.node], {x.node: t}) == {x.node: t}


def test_a_long_chain() -> None:
    def f(x: Any) -> Any:
        for _ in range(100_000):
            x = -x
        return x

    assert tg.jvp(f, (1.0,), (5.0,)) == (1.0, 5.0)


def sines(x: Any, length: int = 60) -> Any:
    for _ in range(length):
        x = np.sin(x)
    return x


def peak(run: Callable[[], Any]) -> int:
    """Return the most memory that a call holds at a time, in bytes."""
    tracemalloc.start()
    try:
        run()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


SMALL = np.linspace(-1.0, 1.0, 8000)  # 64 kB: no buffer of that size is kept to be used again


def test_tangents_are_dropped_on_the_way() -> None:
    x = leaf(SMALL)
    y = sines(x)
    order = ancestors(y.node)
    used = peak(lambda: push_forward([y.node], {x.node: SMALL}, order=order))
    assert used < 5 * SMALL.nbytes
    assert y.node.saved is not None


def test_memory_is_that_of_the_graph() -> None:
    # the graph of 60 steps, and what one step of the walk needs
    assert peak(lambda: tg.jvp(sines, (SMALL,), (SMALL,))) < (60 + 8) * SMALL.nbytes


def test_threads() -> None:
    found: dict[int, Any] = {}

    def work(k: int) -> None:
        for _ in range(50):
            found[k] = tg.jvp(lambda x: tg.jvp(np.sin, (x,), (1.0,))[1], (float(k),), (1.0,))[1]

    running = [threading.Thread(target=work, args=(k,)) for k in range(4)]
    for one in running:
        one.start()
    for one in running:
        one.join()
    assert found == {k: -np.sin(float(k)) for k in range(4)}
