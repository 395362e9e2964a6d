"""What a function under a transform reads from around it: differentiated, or refused by name."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import product
from typing import Any

import numpy as np
import pytest
from deeper import IN_FULL, by_turns

import tinygrad_bp as tg
from tinygrad_bp.errors import GraphError, TrackedTensorError

Scalar = Callable[[Any], Any]
B = 1.3


def leaf(data: Any) -> tg.Tensor:
    return tg.tensor(data, requires_grad=True)


# Each transform takes a function of one number to another; on a power it is a sum of derivatives of
# the orders that stand beside it.
TRANSFORMS: dict[str, tuple[Callable[[Scalar], Scalar], tuple[int, ...]]] = {
    "grad": (tg.grad, (1,)),
    "value_and_grad": (lambda f: lambda z: sum(tg.value_and_grad(f)(z)), (0, 1)),
    "vjp": (lambda f: lambda z: tg.vjp(f, z)[1](1.0)[0], (1,)),
    "jvp": (lambda f: lambda z: sum(tg.jvp(f, (z,), (1.0,))), (0, 1)),
    "jacobian, forward": (lambda f: tg.jacobian(f, mode="forward"), (1,)),
    "jacobian, reverse": (lambda f: tg.jacobian(f, mode="reverse"), (1,)),
    "hessian": (tg.hessian, (2,)),
    "hvp": (lambda f: lambda z: tg.hvp(f, (z,), (1.0,))[0], (2,)),
    "hvp, reverse": (lambda f: lambda z: tg.hvp(f, (z,), (1.0,), mode="reverse")[0], (2,)),
    "checkpoint": (tg.checkpoint, (0,)),
    "vmap": (lambda f: lambda z: np.mean(tg.vmap(f)(np.stack([z, z]))), (0,)),
    "differentiable": (
        lambda f: lambda z: tg.differentiable(np.square, vjp=lambda ct, _y, x: ct * x * 2)(f(z)),
        (0,),
    ),
}


def by_gradients(f: Scalar, x: float) -> Any:
    b = leaf(x)
    return tg.gradients(f(b), b, create_graph=True).item()


def by_backward(f: Scalar, x: float) -> Any:
    b = leaf(x)
    f(b).backward()
    return b.grad.item()


DERIVATIVES: dict[str, Callable[[Scalar, float], Any]] = {
    "grad": lambda f, x: tg.grad(f)(x),
    "jvp": lambda f, x: tg.jvp(f, (x,), (1.0,))[1],
    "jacobian, forward": lambda f, x: tg.jacobian(f, mode="forward")(x),
    "jacobian, reverse": lambda f, x: tg.jacobian(f, mode="reverse")(x),
    "gradients": by_gradients,
    "backward": by_backward,
}


def transformed(power: int, orders: tuple[int, ...]) -> dict[int, int]:
    """Return the coefficients, by power, of what a transform makes of z**power."""
    return {power - k: math.perm(power, k) for k in orders}


def nested(outer: str, inner: str, at_b: bool, reads: str) -> tuple[Scalar, Callable[[int], float]]:
    """Return a function of b that nests two transforms, and its derivative of any order at B.

    The inner function, w**3, is multiplied by b**2 and y, which it `reads` from around it, and is
    transformed at b or at y; the outer one is y**2 times that, transformed at b.
    """
    (first, orders), (second, inner_orders) = TRANSFORMS[outer], TRANSFORMS[inner]

    def f(b: Any) -> Any:
        def of_y(y: Any) -> Any:
            def of_w(w: Any) -> Any:
                return w**3 * (b * b if "b" in reads else 1.0) * (y if "y" in reads else 1.0)

            return y * y * second(of_w)(b if at_b else y)

        return first(of_y)(b)

    def exact(order: int) -> float:
        total = 0.0
        for w, factor in transformed(3, inner_orders).items():
            own = 2 + ("y" in reads) + (0 if at_b else w)  # the power of y, the others are of b
            rest = 2 * ("b" in reads) + (w if at_b else 0)
            for y, again in transformed(own, orders).items():
                total += factor * again * math.perm(y + rest, order) * B ** (y + rest - order)
        return total

    return f, exact


SMOOTH = [name for name in TRANSFORMS if name != "differentiable"]


@IN_FULL
@pytest.mark.parametrize("outer", SMOOTH)
@pytest.mark.parametrize("inner", SMOOTH)
def test_every_pair_of_transforms_around_a_closure(outer: str, inner: str, in_full: bool) -> None:
    every = list(DERIVATIVES.items())
    ways = list(enumerate(product((True, False), ("b", "", "y", "by"))))
    turn = SMOOTH.index(outer) + SMOOTH.index(inner)
    for i, (at_b, reads) in ways if in_full else [ways[0], *by_turns(2, ways[1:], turn)]:
        f, exact = nested(outer, inner, at_b, reads)
        assert f(B) == pytest.approx(exact(0), rel=1e-12)
        for name, derivative in every if not i else (every[i % len(every)], every[0]):
            where = f"{name} of {outer} of {inner} at {'b' if at_b else 'y'}, reads {reads!r}"
            assert derivative(f, B) == pytest.approx(exact(1), rel=1e-11), where
    f, exact = nested(outer, inner, at_b=True, reads="b")
    assert tg.grad(tg.grad(f))(B) == pytest.approx(exact(2), rel=1e-11)


@pytest.mark.parametrize("outer", SMOOTH)
def test_a_closure_of_a_custom_rule(outer: str) -> None:
    """Inside of every transform: a function of its own rule may not read what is tracked."""
    transform, _ = TRANSFORMS[outer]

    def f(b: Any) -> Any:
        reads = tg.differentiable(lambda w: w * b, vjp=lambda ct, _out, _w: ct)
        return transform(lambda y: reads(y) * y)(b)

    for derivative in DERIVATIVES.values():
        with pytest.raises(TrackedTensorError, match="reads a tracked Tensor from around it"):
            derivative(f, B)


@pytest.mark.parametrize("inner", SMOOTH)
def test_a_transform_inside_a_custom_rule(inner: str) -> None:
    transform, _ = TRANSFORMS[inner]

    def f(b: Any) -> Any:
        own = tg.differentiable(
            lambda y: y * transform(lambda w: w**3 * b)(1.0), vjp=lambda ct, _out, _y: ct
        )
        return own(b)

    for derivative in DERIVATIVES.values():
        with pytest.raises(TrackedTensorError, match="reads a tracked Tensor from around it"):
            derivative(f, B)


# A vjp, a jvp or a hook that reads what is tracked around it: its answer moves with that


def scaled(b: Any) -> Any:
    return tg.differentiable(np.sin, vjp=lambda ct, _out, x: ct * np.cos(x) * b)


def pushed(b: Any) -> Any:
    return tg.differentiable(
        np.sin, vjp=lambda ct, _out, _x: ct, jvp=lambda ts, _out, x: ts[0] * np.cos(x) * b
    )


USERS: dict[str, Callable[[Any], Any]] = {
    "vjp": lambda b: tg.grad(scaled(b))(0.3),
    "vjp, pulled back": lambda b: tg.vjp(scaled(b), 0.3)[1](1.0)[0],
    "vjp, in a jacobian": lambda b: tg.jacobian(scaled(b), mode="reverse")(0.3),
    "jvp": lambda b: tg.jvp(pushed(b), (0.3,), (1.0,))[1],
    "jvp, in a jacobian": lambda b: tg.jacobian(pushed(b), mode="forward")(0.3),
    "hook": lambda b: tg.grad(lambda x: np.sin(tg.hook(x, lambda ct: ct * b)))(0.3),
}


@pytest.mark.parametrize("name", USERS)
def test_what_a_users_rule_reads_is_not_lost(name: str) -> None:
    """The slope in b is cos(0.3); without a gradient in b there is nothing to lose."""
    f = USERS[name]
    assert f(2.0) == pytest.approx(2 * np.cos(0.3))
    for derivative in DERIVATIVES.values():
        with pytest.raises(TrackedTensorError, match=r"reads a tracked Tensor.*\.detach\(\)"):
            derivative(f, 2.0)
    with pytest.raises(TrackedTensorError, match="reads a tracked Tensor"):
        f(leaf(2.0))
    with tg.no_grad():
        assert f(leaf(2.0)) == pytest.approx(2 * np.cos(0.3))
    assert f(leaf(2.0).detach()) == pytest.approx(2 * np.cos(0.3))


def test_a_backward_pass_that_is_not_recorded_loses_nothing_unasked() -> None:
    b, x = leaf(2.0), leaf(0.3)
    scaled(b)(x).backward()
    np.sin(tg.hook(x, lambda ct: ct * b)).backward()
    assert x.grad.item() == pytest.approx(4 * np.cos(0.3))
    slope = tg.gradients(scaled(b)(x), x, create_graph=True)  # recorded, b is in it
    assert tg.gradients(slope, b).item() == pytest.approx(np.cos(0.3))
    # nobody differentiates by a variable whose transform is about to answer
    assert tg.grad(lambda b: scaled(b)(b))(0.3) == pytest.approx(0.3 * np.cos(0.3))


# A checkpointed function does the same when it runs again


def test_a_pull_from_outside_in_a_checkpoint() -> None:
    def f(b: Any) -> Any:
        _, pull = tg.vjp(lambda z: z**3 * b, b)
        return tg.checkpoint(lambda v: v * pull(v)[0])(b)  # 3 b**5

    for derivative in DERIVATIVES.values():
        assert derivative(f, B) == pytest.approx(15 * B**4, rel=1e-12)


def test_checkpoints_in_checkpoints_around_a_closure() -> None:
    def f(b: Any) -> Any:
        inner = tg.checkpoint(lambda w: w * tg.grad(lambda z: z * z * b)(b))
        return tg.checkpoint(lambda v: v * inner(b))(b)  # 2 b**4

    for derivative in DERIVATIVES.values():
        assert derivative(f, B) == pytest.approx(8 * B**3, rel=1e-12)


def test_what_a_checkpoint_no_longer_reads_is_missed() -> None:
    b, x = leaf(2.0), leaf(3.0)
    reads = [b]
    y = tg.checkpoint(lambda x: x * reads[0])(x)
    reads[0] = 2.0
    with pytest.raises(GraphError, match="has changed since the forward pass"):
        y.backward()
    assert (b.grad, x.grad) == (None, None)
