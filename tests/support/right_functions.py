"""Functions whose gradients are right, at arguments that make it hard to see: no false alarms.

Well conditioned and ill-conditioned ones, ones at their kinks, near them, at the edge of their
domain, large and tiny ones, and ones with nothing in them.  As in `planted_faults`, ``xp`` stands
for the library.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Right:
    """A function, and how its arguments are drawn: ``draw(rng)`` returns a tuple."""

    name: str
    kind: str
    f: Callable[..., Any]
    draw: Callable[[Any], tuple[Any, ...]]

    def build(self, xp: Any) -> Callable[..., Any]:
        """Return the function for a library."""
        return lambda *args: self.f(xp, *args)

    def __repr__(self) -> str:
        return self.name


RIGHT: list[Right] = []


def right(name: str, kind: str, f: Callable[..., Any], draw: Callable[[Any], Any]) -> None:
    def arguments(rng: Any) -> tuple[Any, ...]:
        found = draw(rng)
        return found if isinstance(found, tuple) else (found,)

    RIGHT.append(Right(name, kind, f, arguments))


def uniform(low: float, high: float, *shape: int) -> Callable[[Any], Any]:
    return lambda rng: rng.uniform(low, high, shape)


def both(*draws: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda rng: tuple(draw(rng) for draw in draws)


# Smooth functions of each element, at four sizes of the argument
SMOOTH: dict[str, tuple[Callable[[Any, Any], Any], float, float]] = {
    "sin": (lambda xp, x: xp.sin(x), -1, 1),
    "cos": (lambda xp, x: xp.cos(x), -1, 1),
    "tanh": (lambda xp, x: xp.tanh(x), -1, 1),
    "exp(-x^2)": (lambda xp, x: xp.exp(-x * x), -1, 1),
    "log": (lambda xp, x: xp.log(x), 0.3, 1),
    "sqrt": (lambda xp, x: xp.sqrt(x), 0.3, 1),
    "reciprocal": (lambda xp, x: 1 / x, 0.3, 1),
    "cube": (lambda xp, x: x**3 - x, -1, 1),
    "x^1.5": (lambda xp, x: x**1.5, 0.3, 1),
    "arctan": (lambda xp, x: xp.arctan(x), -1, 1),
    "log1p": (lambda xp, x: xp.log1p(x), 0, 1),
    "sinc-like": (lambda xp, x: xp.sin(x) / x, 0.3, 1),
    "swish": (lambda xp, x: x / (1 + xp.exp(-x)), -1, 1),
    "rational": (lambda xp, x: (1 + x) / (2 + x * x), -1, 1),
    "expm1": (lambda xp, x: xp.expm1(-x * x), -1, 1),
}
for size in (1e-6, 1.0, 30.0, 1e5):
    for name, (f, low, high) in SMOOTH.items():
        if size > 1e3 and name in {"swish", "exp(-x^2)", "expm1", "sin", "cos", "sinc-like"}:
            continue  # zero, or as many waves as no difference can see
        if size < 1e-3 and name == "sinc-like":
            continue  # its gradient is nothing but rounding there
        right(f"{name} at {size:g}", "smooth", f, uniform(low * size, high * size, 2, 3))

# Functions of arrays
ARRAYS: dict[str, tuple[Callable[..., Any], Callable[[Any], Any]]] = {
    "sum": (lambda xp, x: xp.sum(x, axis=0), uniform(-2, 2, 3, 4)),
    "mean": (lambda xp, x: xp.mean(x), uniform(-2, 2, 3, 4)),
    "prod": (lambda xp, x: xp.prod(x), uniform(-2, 2, 5)),
    "cumsum": (lambda xp, x: xp.cumsum(x, axis=0), uniform(-2, 2, 4, 2)),
    "variance": (lambda xp, x: xp.mean((x - xp.mean(x)) ** 2), uniform(-2, 2, 6)),
    "softmax": (
        lambda xp, x: xp.exp(x) / xp.sum(xp.exp(x), axis=1, keepdims=True),
        uniform(-3, 3, 3, 4),
    ),
    "logsumexp": (lambda xp, x: xp.log(xp.sum(xp.exp(x))), uniform(-3, 3, 6)),
    "matmul": (
        lambda xp, a, b: xp.matmul(a, b),
        both(uniform(-2, 2, 2, 3), uniform(-2, 2, 3, 4)),
    ),
    "stacked matmul": (
        lambda xp, a, b: xp.matmul(a, b),
        both(uniform(-2, 2, 2, 2, 3), uniform(-2, 2, 3, 2)),
    ),
    "outer": (lambda xp, a, b: xp.outer(a, b), both(uniform(-2, 2, 3), uniform(-2, 2, 2))),
    "einsum": (
        lambda xp, a, b: xp.einsum("ij,kj->ik", a, b),
        both(uniform(-2, 2, 2, 3), uniform(-2, 2, 4, 3)),
    ),
    "broadcast product": (
        lambda xp, x, b: x * b + b,
        both(uniform(-2, 2, 3, 4), uniform(-2, 2, 1, 4)),
    ),
    "broadcast quotient": (
        lambda xp, x, b: x / b,
        both(uniform(-2, 2, 3, 1), uniform(0.5, 2, 4)),
    ),
    "transpose": (lambda xp, x: xp.swapaxes(x, 0, 1) * 2.0, uniform(-2, 2, 3, 2)),
    "reshape": (lambda xp, x: xp.reshape(x, (6,)) ** 2, uniform(-2, 2, 3, 2)),
    "flip": (lambda xp, x: xp.flip(x, (0,)) * x, uniform(-2, 2, 5)),
    "concatenate": (
        lambda xp, a, b: xp.concatenate((a, b, a)),
        both(uniform(-2, 2, 3), uniform(-2, 2, 2)),
    ),
    "stack": (lambda xp, a, b: xp.stack((a, b)) ** 2, both(uniform(1, 2, 3), uniform(1, 2, 3))),
    "gather": (lambda xp, x: x[np.array([0, 2, 2, 1])] * x[0], uniform(-2, 2, 3)),
    "slices": (lambda xp, x: x[1:] * x[:-1], uniform(-2, 2, 5)),
    "recurrence": (
        lambda xp, x: _iterate(lambda y: xp.sin(y) + 0.5 * x, x, 20),
        uniform(-2, 2, 3),
    ),
    "network": (
        lambda xp, W, V: xp.tanh(xp.matmul(xp.tanh(xp.matmul(xp.array(DATA), W)), V)),
        both(uniform(-1, 1, 2, 5), uniform(-1, 1, 5, 1)),
    ),
    "cross entropy": (
        lambda xp, z: xp.mean(xp.log(1 + xp.exp(z)) - z * xp.array(np.eye(4)[0])),
        uniform(-3, 3, 4),
    ),
    "constant": (lambda xp, x: 0.0 * x + 1.0, uniform(-2, 2, 3)),
    "identity": (lambda xp, x: 1.0 * x, uniform(-2, 2, 3)),
    "one number": (lambda xp, x: xp.exp(xp.sin(x)), uniform(-2, 2)),
    "a number and an array": (
        lambda xp, a, x: a * xp.cos(a * x),
        both(uniform(-2, 2), uniform(-2, 2, 4)),
    ),
    "hundred inputs": (lambda xp, x: xp.sum(xp.sin(x) * x), uniform(-2, 2, 100)),
    "thousand inputs": (lambda xp, x: xp.sum(xp.exp(xp.sin(x))), uniform(-2, 2, 1000)),
    "power spectrum": (lambda xp, x: xp.abs(xp.fft.fft(x)) ** 2, uniform(-2, 2, 4)),
    "inverse": (lambda xp, A: xp.linalg.inv(A), lambda rng: square(rng, 3)),
    "solve": (
        lambda xp, A, b: xp.linalg.solve(A, b),
        both(lambda rng: square(rng, 3), uniform(-2, 2, 3)),
    ),
    "determinant": (lambda xp, A: xp.linalg.det(A), lambda rng: square(rng, 3)),
    "cholesky": (
        lambda xp, A: xp.linalg.cholesky(xp.matmul(A, xp.swapaxes(A, 0, 1))),
        lambda rng: square(rng, 3),
    ),
    "eigenvalues": (
        lambda xp, A: xp.linalg.eigvalsh(A + xp.swapaxes(A, 0, 1)),
        lambda rng: rng.uniform(-0.2, 0.2, (3, 3)) + np.diag([-2.0, 0.0, 2.0]),
    ),
    "sum of the larger": (lambda xp, x: xp.sum(xp.maximum(x[0], x[1])), uniform(-2, 2, 2, 4)),
    "norm": (lambda xp, x: xp.sqrt(xp.sum(x * x)), uniform(-2, 2, 3, 2)),
    "trace of a product": (
        lambda xp, a, b: xp.trace(xp.matmul(a, b)),
        both(uniform(-2, 2, 3, 2), uniform(-2, 2, 2, 3)),
    ),
    "logaddexp": (lambda xp, a, b: xp.logaddexp(a, b), both(uniform(-3, 3, 4), uniform(-3, 3, 4))),
    "polynomial": (lambda xp, x: ((x - 1) * x + 2) * x - 3, uniform(-2, 2, 5)),
    "two layers": (
        lambda xp, W, b, V: xp.matmul(1 / (1 + xp.exp(-(xp.matmul(xp.array(DATA), W) + b))), V),
        both(uniform(-1, 1, 2, 3), uniform(-1, 1, 3), uniform(-1, 1, 3, 2)),
    ),
    "attention": (
        lambda xp, q, k, v: xp.matmul(_softmax(xp, xp.matmul(q, xp.swapaxes(k, 0, 1))), v),
        both(uniform(-1, 1, 2, 3), uniform(-1, 1, 4, 3), uniform(-1, 1, 4, 2)),
    ),
    "layer norm": (lambda xp, x: _normal(xp, x), uniform(-2, 2, 2, 4)),
    "cosine distance": (
        lambda xp, a, b: 1 - xp.dot(a, b) / xp.sqrt(xp.dot(a, a) * xp.dot(b, b)),
        both(uniform(0.5, 2, 4), uniform(0.5, 2, 4)),
    ),
    "log determinant of a Gram matrix": (
        lambda xp, A: xp.log(xp.linalg.det(xp.matmul(A, xp.swapaxes(A, 0, 1)))),
        lambda rng: square(rng, 3),
    ),
    "quadratic form": (
        lambda xp, x, A: xp.dot(x, xp.matmul(A, x)),
        both(uniform(-2, 2, 3), uniform(-2, 2, 3, 3)),
    ),
    "matrix power": (lambda xp, A: xp.matmul(A, xp.matmul(A, A)), uniform(-1, 1, 3, 3)),
    "difference of neighbours": (lambda xp, x: xp.sum((x[1:] - x[:-1]) ** 2), uniform(-2, 2, 6)),
    "every second": (lambda xp, x: x[::2] * 3.0, uniform(-2, 2, 7)),
    "a column": (lambda xp, x: x[:, 1] * x[:, 0], uniform(-2, 2, 3, 2)),
    "mean of squares by axis": (lambda xp, x: xp.mean(x * x, axis=1), uniform(-2, 2, 3, 4)),
    "cumulative product of sums": (
        lambda xp, x: xp.cumsum(x, axis=0) * xp.sum(x),
        uniform(-2, 2, 4),
    ),
    "nothing": (lambda xp, x: xp.sin(x), uniform(-2, 2, 0, 3)),
    "a bias of nothing": (
        lambda xp, x, b: xp.sum(x * b, axis=1),
        both(uniform(-2, 2, 0, 3), uniform(-2, 2, 3)),
    ),
    "sum of nothing": (lambda xp, x: xp.sum(x * x), uniform(-2, 2, 0)),
}
DATA = np.random.default_rng(1).uniform(-1, 1, (4, 2))


def _iterate(step: Callable[[Any], Any], x: Any, times: int) -> Any:
    for _ in range(times):
        x = step(x)
    return x


def _softmax(xp: Any, x: Any) -> Any:
    return xp.exp(x) / xp.sum(xp.exp(x), axis=1, keepdims=True)


def _normal(xp: Any, x: Any) -> Any:
    centred = x - xp.mean(x, axis=1, keepdims=True)
    return centred / xp.sqrt(xp.mean(centred * centred, axis=1, keepdims=True) + 1e-5)


def square(rng: Any, n: int) -> Any:
    return rng.uniform(-1, 1, (n, n)) + 3 * np.eye(n)


for name, (f, draw) in ARRAYS.items():
    right(name, "smooth", f, draw)


# At kinks, and close to them
def placed(*values: float) -> Callable[[Any], Any]:
    """The values in random order, beside a few random ones."""
    return lambda rng: rng.permutation(np.concatenate([values, rng.uniform(-2, 2, 3)]))


def tied(rng: Any) -> Any:
    x = rng.permutation([1.5, 1.5, 0.5, -1.0, -1.0])
    return (x, np.where(rng.uniform(size=5) < 0.5, x, rng.uniform(-2, 2, 5)))


KINKED: dict[str, tuple[Callable[..., Any], Callable[[Any], Any]]] = {
    "abs at 0": (lambda xp, x: xp.abs(x), placed(0.0, 0.0)),
    "abs of 0 alone": (lambda xp, x: xp.abs(x), uniform(0, 0, 1)),
    "abs close to 0": (lambda xp, x: xp.abs(x), placed(1e-3, -1e-4, 1e-5)),
    "abs very close to 0": (lambda xp, x: xp.abs(x), placed(1e-6, -3e-8)),
    "sum of abs at 0": (lambda xp, x: xp.sum(xp.abs(x)), placed(0.0, 0.0)),
    "difference of abs at 0": (
        lambda xp, x: xp.sum(xp.abs(x[:3])) - xp.sum(xp.abs(x[3:])),
        lambda rng: np.zeros(6),
    ),
    "|x|^3": (lambda xp, x: xp.abs(x) ** 3, placed(0.0, 1e-3)),
    "x|x|": (lambda xp, x: x * xp.abs(x), placed(0.0, -1e-4)),
    "relu at 0": (lambda xp, x: xp.where(x > 0, x, 0.0 * x), placed(0.0, 0.0)),
    "relu close to 0": (lambda xp, x: xp.where(x > 0, x, 0.0 * x), placed(1e-3, -1e-4)),
    "relu by maximum": (lambda xp, x: xp.maximum(x, 0.0 * x), placed(0.0, 1e-3)),
    "leaky relu at 0": (lambda xp, x: xp.where(x > 0, x, 0.1 * x), placed(0.0)),
    "elu at 0": (lambda xp, x: xp.where(x > 0, x, xp.exp(x) - 1), placed(0.0, 1e-4)),
    "relu squared": (lambda xp, x: xp.where(x > 0, x, 0.0 * x) ** 2, placed(0.0, 1e-4)),
    "hinge at its corner": (
        lambda xp, x: xp.sum(xp.maximum(1 - x, 0.0 * x)),
        placed(1.0, 1.0),
    ),
    "huber at its edges": (
        lambda xp, x: xp.where(xp.abs(x) <= 1, 0.5 * x * x, xp.abs(x) - 0.5),
        placed(1.0, -1.0, 0.0),
    ),
    "clip at its edges": (lambda xp, x: xp.clip(x, -1.0, 1.0), placed(1.0, -1.0)),
    "clip close to its edges": (
        lambda xp, x: xp.clip(x, -1.0, 1.0),
        placed(1.0 + 1e-4, -1.0 + 1e-5),
    ),
    "maximum of ties": (lambda xp, a, b: xp.maximum(a, b), tied),
    "minimum of ties": (lambda xp, a, b: xp.minimum(a, b), tied),
    "max of ties": (lambda xp, x: xp.max(x), lambda rng: tied(rng)[0]),
    "min of ties": (lambda xp, x: xp.min(x), lambda rng: tied(rng)[0]),
    "max of near ties": (
        lambda xp, x: xp.max(x),
        lambda rng: rng.permutation([1.0, 1.0 + 1e-4, 0.0]),
    ),
    "max of rows": (
        lambda xp, x: xp.sum(xp.abs(x), axis=1),
        lambda rng: rng.integers(-1, 2, (3, 3)).astype(float),
    ),
    "sqrt at 0": (lambda xp, x: xp.sqrt(x), lambda rng: np.array([0.0, *rng.uniform(1, 2, 2)])),
    "x^1.5 at 0": (lambda xp, x: x**1.5, lambda rng: np.array([0.0, *rng.uniform(1, 2, 2)])),
    "x^2.5 at 0": (lambda xp, x: x**2.5, lambda rng: np.array([0.0, *rng.uniform(1, 2, 2)])),
    "distance of points": (
        lambda xp, a, b: xp.sqrt(xp.sum((a - b) ** 2) + 1e-6),
        lambda rng: (np.ones(3), np.ones(3) + 1e-4 * rng.normal(size=3)),
    ),
    "relu network with dead units": (
        lambda xp, W, b: _relu_net(xp, W, b),
        lambda rng: (rng.uniform(-1, 1, (2, 5)), np.array([0.0, 0.0, -9.0, *rng.normal(size=2)])),
    ),
    "relu network at 0": (
        lambda xp, W, b: _relu_net(xp, W, b),
        lambda rng: (np.zeros((2, 5)), np.zeros(5)),
    ),
    "hundred kinks": (
        lambda xp, x: xp.sum(xp.abs(x) * xp.array(np.cos(np.arange(100.0)))),
        lambda rng: np.where(rng.uniform(size=100) < 0.3, 0.0, rng.uniform(-2, 2, 100)),
    ),
    "piecewise linear": (
        lambda xp, x: xp.abs(xp.abs(xp.abs(x) - 1.0) - 0.5),
        placed(0.0, 1.0, 0.5, -1.5),
    ),
    "floor of x times x": (lambda xp, x: xp.floor(x) * x, uniform(0.1, 0.9, 4)),
    "sign of x times x": (lambda xp, x: xp.sign(x) * x**2, placed(0.0)),
    "triangle wave": (lambda xp, x: xp.abs(x - 2 * xp.floor((x + 1) / 2)), placed(0.0, 0.3)),
    "softened abs": (lambda xp, x: xp.sqrt(x * x + 1e-8), placed(0.0, 1e-4)),
    "soft threshold": (
        lambda xp, x: xp.sign(x) * xp.maximum(xp.abs(x) - 0.5, 0.0 * x),
        placed(0.5, -0.5, 0.2),
    ),
    "where of two smooth ones": (
        lambda xp, x: xp.where(x < 0, xp.sin(x), x),
        placed(0.0, 1e-3),
    ),
}


def _relu_net(xp: Any, W: Any, b: Any) -> Any:
    hidden = xp.matmul(xp.array(DATA), W) + b
    return xp.sum(xp.maximum(hidden, 0.0 * hidden) ** 1 * xp.array(np.arange(1.0, 6.0)))


for name, (f, draw) in KINKED.items():
    right(name, "kinked", f, draw)


# Ill-conditioned
def hilbert(n: int) -> Any:
    i = np.arange(n)
    return 1.0 / (1 + i[:, np.newaxis] + i)


def near_singular(distance: float) -> Callable[[Any], Any]:
    def draw(rng: Any) -> Any:
        A = rng.uniform(-1, 1, (3, 3))
        A[2] = A[0] + A[1] + distance * rng.uniform(0.5, 1, 3)
        return A

    return draw


ILL: dict[str, tuple[Callable[..., Any], Callable[[Any], Any]]] = {
    **{
        f"solve, Hilbert matrix of {n}": (
            lambda xp, A, b: xp.linalg.solve(A, b),
            lambda rng, n=n: (hilbert(n), rng.uniform(-1, 1, n)),
        )
        for n in (3, 4, 5)
    },
    **{
        f"inverse, {d:g} from singular": (lambda xp, A: xp.linalg.inv(A), near_singular(d))
        for d in (1e-2, 1e-3, 1e-4)
    },
    **{
        f"determinant, {d:g} from singular": (lambda xp, A: xp.linalg.det(A), near_singular(d))
        for d in (1e-3, 1e-6)
    },
    **{
        f"log of {s:g}": (lambda xp, x: xp.log(x), uniform(0.5 * s, s, 3))
        for s in (1e-3, 1e-6, 1e-9)
    },
    **{
        f"reciprocal of {s:g}": (lambda xp, x: 1 / x, uniform(0.5 * s, s, 3))
        for s in (1e-3, 1e-6, 1e6)
    },
    **{
        f"sizes apart by {s:g}": (
            lambda xp, x: xp.sum(x * x) + xp.log(x),
            lambda rng, s=s: np.array([s, 1.0, 1 / s]) * rng.uniform(1, 2, 3),
        )
        for s in (1e-1, 1e-2, 1e-3)
    },
    **{
        f"1 - cos at {s:g}": (lambda xp, x: (1 - xp.cos(x)) / x, uniform(0.5 * s, s, 3))
        for s in (1e-2, 1e-3)
    },
    **{
        f"(1 - cos) / x^2 at {s:g}": (
            lambda xp, x: (1 - xp.cos(x)) / (x * x),
            uniform(0.5 * s, s, 3),
        )
        for s in (1e-1, 2e-2)
    },
    **{
        f"offset by {s:g}": (lambda xp, x, s=s: (x + s) - s + x * x, uniform(-2, 2, 3))
        for s in (1e4, 1e7)
    },
    **{
        f"variance about {s:g}": (
            lambda xp, x: xp.mean((x - xp.mean(x)) ** 2),
            lambda rng, s=s: s + rng.uniform(-1, 1, 5),
        )
        for s in (1e3, 1e6)
    },
    **{
        f"sqrt(x^2 + 1) - x at {s:g}": (
            lambda xp, x: xp.sqrt(x * x + 1) - x,
            uniform(0.5 * s, s, 3),
        )
        for s in (10.0, 300.0)
    },
    **{
        f"waves, {k:g} a unit": (lambda xp, x, k=k: xp.sin(k * x), uniform(0.5, 1, 3))
        for k in (1e2, 1e4)
    },
    **{
        f"steep step, slope {k:g}": (
            lambda xp, x, k=k: 1 / (1 + xp.exp(-k * (x - 0.5))),
            lambda rng, k=k: 0.5 + rng.uniform(-2, 2, 4) / k,
        )
        for k in (1e2, 1e4)
    },
    **{f"power {p}": (lambda xp, x, p=p: x**p, uniform(0.5, 1.5, 4)) for p in (10, 40, 0.1)},
    "huge values": (lambda xp, x: xp.exp(x), uniform(200, 300, 3)),
    "tiny values": (lambda xp, x: xp.exp(-x), uniform(200, 300, 3)),
    "softmax far apart": (
        lambda xp, x: xp.exp(x - xp.max(x)) / xp.sum(xp.exp(x - xp.max(x))),
        lambda rng: np.array([-30.0, 0.0, 30.0]) + rng.uniform(-1, 1, 3),
    ),
    "logsumexp far apart": (
        lambda xp, x: xp.log(xp.sum(xp.exp(x))),
        lambda rng: np.array([-300.0, 0.0, 300.0]) + rng.uniform(-1, 1, 3),
    ),
    "Wilkinson's polynomial": (
        lambda xp, x: _product(x - k for k in range(1, 13)),
        uniform(1.2, 1.8, 2),
    ),
    "Rosenbrock's valley": (
        lambda xp, x: xp.sum(1e6 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2),
        lambda rng: np.ones(4) + 1e-3 * rng.normal(size=4),
    ),
    "a sum that cancels": (
        lambda xp, x: xp.sum(1e8 * x) - xp.sum(1e8 * x[1:]) + xp.sum(x * x),
        uniform(-2, 2, 4),
    ),
    "tan close to its pole": (
        lambda xp, x: xp.sin(x) / xp.cos(x),
        lambda rng: np.pi / 2 - rng.uniform(1e-4, 2e-4, 3),
    ),
    "log of a difference": (
        lambda xp, a, b: xp.log(a - b),
        lambda rng: (1.0 + rng.uniform(1e-5, 2e-5, 3), np.ones(3)),
    ),
    "long recurrence": (
        lambda xp, x: _iterate(lambda y: 3.3 * y * (1 - y), x, 30),
        uniform(0.3, 0.6, 2),
    ),
    "chaotic recurrence": (
        lambda xp, x: _iterate(lambda y: 3.9 * y * (1 - y), x, 12),
        uniform(0.3, 0.6, 2),
    ),
    "product of many": (lambda xp, x: xp.prod(x), uniform(0.5, 2, 40)),
    "arctan far out": (lambda xp, x: xp.arctan(1e3 * x), uniform(-2, 2, 4)),
    "sinh by exponentials": (lambda xp, x: xp.exp(x) - xp.exp(-x), uniform(-1e-3, 1e-3, 4)),
    "gaussian far out": (lambda xp, x: xp.exp(-x * x), uniform(4, 6, 4)),
    "quotient of small numbers": (
        lambda xp, a, b: a / b,
        both(uniform(1e-8, 2e-8, 3), uniform(1e-8, 2e-8, 3)),
    ),
    "normalised vector": (
        lambda xp, x: x / xp.sqrt(xp.sum(x * x)),
        uniform(1e-5, 2e-5, 3),
    ),
    "cosine of near parallel vectors": (
        lambda xp, a, b: xp.dot(a, b) / xp.sqrt(xp.dot(a, a) * xp.dot(b, b)),
        lambda rng: (np.ones(3), np.ones(3) + 1e-3 * rng.normal(size=3)),
    ),
    "least squares, Vandermonde": (
        lambda xp, c: xp.sum((xp.matmul(xp.array(np.vander(np.linspace(0, 1, 8), 6)), c) - 1) ** 2),
        uniform(-100, 100, 6),
    ),
    "determinant of a Gram matrix": (
        lambda xp, A: xp.linalg.det(xp.matmul(xp.swapaxes(A, 0, 1), A)),
        uniform(-2, 2, 4, 3),
    ),
    "eigenvalues close together": (
        lambda xp, A: xp.linalg.eigvalsh(A + xp.swapaxes(A, 0, 1)),
        lambda rng: np.diag([1.0, 1.01, 3.0]) + 1e-3 * rng.uniform(-1, 1, (3, 3)),
    ),
    "single precision inside": (
        lambda xp, x: xp.sin(1e3 * x) * 1e-3 + x,
        uniform(-2, 2, 3),
    ),
}


def _product(factors: Any) -> Any:
    total = 1.0
    for one in factors:
        total = total * one
    return total


for name, (f, draw) in ILL.items():
    right(name, "ill-conditioned", f, draw)
