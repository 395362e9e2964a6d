"""What is checked of every call of a composition: NumPy's values, and derivatives by differences.

Real and complex arguments alike: the loss is real, and so are the pairings.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from oracles import Slope, pairing, richardson, same

import tinygrad_bp as tg
from tinygrad_bp.engine.containers import flatten

Call = tuple[str, Callable[..., Any], list[Any]]


def drawn(*shapes: tuple[int, ...], low: float = -1.5, high: float = 1.7, seed: int = 0) -> list:
    """Return real arrays of these shapes, no two of all their elements equal or close."""
    rng = np.random.default_rng(seed + sum(map(sum, shapes)) + len(shapes))
    sizes = [int(np.prod(shape, dtype=int)) for shape in shapes]
    count = sum(sizes)
    jitter = rng.uniform(-0.3, 0.3, count) * (high - low) / (count + 1)
    grid = rng.permutation(np.linspace(low, high, count + 2)[1:-1] + jitter)
    parts = np.split(grid, np.cumsum(sizes)[:-1])
    return [part.reshape(shape)[()] for part, shape in zip(parts, shapes, strict=True)]


def complex_drawn(*shapes: tuple[int, ...], seed: int = 0) -> list:
    """Return complex arrays of these shapes."""
    parts = zip(drawn(*shapes, seed=seed), drawn(*shapes, seed=seed + 50), strict=True)
    return [a + 1j * b for a, b in parts]


def directions(arrays: Sequence[Any], seed: int) -> list[Any]:
    """Return tangents of size about 1, complex where the arrays are."""
    rng = np.random.default_rng(seed)
    found = []
    for x in arrays:
        t = rng.uniform(0.3, 1.0, np.shape(x)) * rng.choice([-1.0, 1.0], np.shape(x))
        found.append(t * (0.8 + 0.6j) if np.iscomplexobj(x) else t)
    return found


def parts_of(value: Any) -> list[Any]:
    """Return the arrays in what a function returns."""
    return flatten(list(value) if isinstance(value, tuple) else value)[0]


def weighted(f: Callable[..., Any]) -> Callable[..., Any]:
    """Return the loss of tests: a real function of all that `f` gives, linear and quadratic."""

    def loss(*xs: Any) -> Any:
        total: Any = 0.0
        for i, out in enumerate(parts_of(f(*xs))):
            rng = np.random.default_rng(i)
            weight = rng.normal(size=np.shape(out)) + 1j * rng.normal(size=np.shape(out))
            total = total + np.sum(np.real((out + out * out) * weight))
        return total

    return loss


def close(got: Any, slope: Slope) -> None:
    """Compare with the oracle, up to the oracle's own error and rounding."""
    assert abs(np.real(got) - slope.value) <= 10 * slope.error + 1e-11 * (1 + abs(slope.value))


def check_value(
    f: Callable[..., Any], arrays: Sequence[Any], factor: float = 1.0, *, alone: bool = True
) -> None:
    """Compare what `f` gives on tracked Tensors with what it gives on plain arrays."""
    wanted = parts_of(f(*arrays))
    got = parts_of(f(*(tg.tensor(x, requires_grad=True) for x in arrays)))
    assert len(got) == len(wanted)
    assert any(isinstance(one, tg.Tensor) and one.requires_grad for one in got)
    for one, right in zip(got, wanted, strict=True):
        same(one.numpy() if isinstance(one, tg.Tensor) else one, right, factor)
    for i in range(len(arrays) if alone and len(arrays) > 1 else 0):
        mixed = [tg.tensor(x, requires_grad=True) if i == k else x for k, x in enumerate(arrays)]
        for one, right in zip(parts_of(f(*mixed)), wanted, strict=True):
            same(one.numpy() if isinstance(one, tg.Tensor) else one, right, factor)


def check_derivatives(f: Callable[..., Any], arrays: Sequence[Any]) -> None:
    """Compare reverse mode, forward mode and the second derivative with differences."""
    arrays = list(arrays)
    loss, everything = weighted(f), range(len(arrays))
    tangents, second = directions(arrays, 21), directions(arrays, 22)

    def first(*xs: Any) -> Any:
        grads = tg.grad(loss, everything)(*xs)
        return sum(np.sum(np.real(g * e)) for g, e in zip(grads, second, strict=True))

    slope = richardson(loss, arrays, tangents, 0.003)
    grads = tg.grad(loss, everything)(*arrays)
    for grad, x in zip(grads, arrays, strict=True):
        assert (np.shape(grad), grad.dtype) == (np.shape(x), np.asarray(x).dtype)
    close(pairing(grads, tangents), slope)
    close(tg.jvp(loss, tuple(arrays), tuple(tangents))[1], slope)
    curvature = richardson(first, arrays, tangents, 0.003)
    close(pairing(tg.grad(first, everything)(*arrays), tangents), curvature)


def check_float32(f: Callable[..., Any], arrays: Sequence[Any]) -> None:
    """Single precision gives NumPy's dtypes and single gradients, near the double ones."""
    narrow = [x.astype(np.complex64 if np.iscomplexobj(x) else np.float32) for x in arrays]
    leaves = [tg.tensor(x, requires_grad=True) for x in narrow]
    for one, right in zip(parts_of(f(*leaves)), parts_of(f(*narrow)), strict=True):
        assert one.dtype == right.dtype
    loss, everything = weighted(f), range(len(arrays))
    wide = tg.grad(loss, everything)(*(x.astype(np.result_type(x, float)) for x in narrow))
    for grad, wanted, x in zip(tg.grad(loss, everything)(*narrow), wide, narrow, strict=True):
        assert grad.dtype == x.dtype
        scale = 1 + np.max(np.abs(wanted), initial=0)
        np.testing.assert_allclose(grad, wanted, rtol=0, atol=1e-3 * scale)


def check_mutation(f: Callable[..., Any], arrays: Sequence[Any]) -> None:
    """Change the plain arrays beside a Tensor after the call: its gradient stays what it was."""
    loss = weighted(f)
    (wanted,) = tg.grad(loss, [0])(*arrays)
    leaf, others = tg.tensor(arrays[0], requires_grad=True), [np.array(x) for x in arrays[1:]]
    value = loss(leaf, *others)
    for x in others:
        x[...] = 0.123
    value.backward()
    assert leaf.grad is not None
    same(leaf.grad.numpy(), wanted)
