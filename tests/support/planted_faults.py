"""Functions whose derivative rule is wrong, one way each: what a gradient check has to catch.

Each is written once, in the words that NumPy, PyTorch, JAX and HIPS/autograd share: ``xp`` stands
for the library, and ``xp.custom(f, vjp)`` gives a function a rule of its own, called as
``vjp(ct, out, *args)``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Fault:
    """A wrong rule, and where it is called.

    `kind` is the fault, `family` the module of the rule table that holds the right rule, and
    `build(xp)` makes the function for a library.
    """

    family: str
    function: str
    kind: str
    build: Callable[[Any], Callable[..., Any]]
    args: tuple[Any, ...]
    order: int = 1

    def __repr__(self) -> str:
        return f"{self.function}, {self.kind}"


FAULTS: list[Fault] = []


def plant(
    family: str,
    function: str,
    kind: str,
    f: Callable[..., Any],
    vjp: Callable[..., Any],
    *args: Any,
    order: int = 1,
) -> None:
    """Add a fault: ``f(xp, *args)`` with the rule ``vjp(xp, ct, out, *args)``."""

    def build(xp: Any) -> Callable[..., Any]:
        return xp.custom(
            lambda *xs: f(xp, *xs), lambda ct, out, *xs: vjp(xp, ct, out, *xs), len(args)
        )

    FAULTS.append(Fault(family, function, kind, build, args, order))


def uniform(*shape: int, low: float = -2.0, high: float = 2.0, seed: int = 0) -> Any:
    rng = np.random.default_rng([seed, *shape])
    return rng.uniform(low, high, shape)


def definite(n: int) -> Any:
    A = uniform(n, n)
    return A @ A.T + n * np.eye(n)


x3, x34, x4, x44 = uniform(3), uniform(3, 4), uniform(4), uniform(4, 4)
p34 = uniform(3, 4, low=0.3)
A3, b3 = uniform(3, 3) + 3 * np.eye(3), uniform(3, seed=5)

# Arithmetic
plant(
    "arithmetic",
    "subtract",
    "sign",
    lambda xp, x, y: x - y,
    lambda xp, ct, out, x, y: (ct, ct),
    x34,
    uniform(3, 4, seed=1),
)
plant(
    "arithmetic",
    "multiply",
    "arguments swapped",
    lambda xp, x, y: x * y,
    lambda xp, ct, out, x, y: (ct * x, ct * y),
    x34,
    uniform(3, 4, seed=1),
)
plant(
    "arithmetic",
    "multiply",
    "no sum over the broadcast axis",
    lambda xp, x, y: x * y,
    lambda xp, ct, out, x, y: (ct * y, ct * x),
    x34,
    x4,
)
plant(
    "arithmetic",
    "add",
    "summed over the wrong axis",
    lambda xp, x, y: x + y,
    lambda xp, ct, out, x, y: (ct, xp.sum(ct, axis=1)),
    x44,
    x4,
)
plant(
    "arithmetic",
    "divide",
    "a square is missing",
    lambda xp, x, y: x / y,
    lambda xp, ct, out, x, y: (ct / y, -ct * x / y),
    x34,
    p34,
)
plant(
    "arithmetic",
    "divide",
    "forgotten argument",
    lambda xp, x, y: x / y,
    lambda xp, ct, out, x, y: (ct / y, 0.0 * y),
    x34,
    p34,
)
plant(
    "arithmetic",
    "power",
    "exponent not lowered",
    lambda xp, x: x**3,
    lambda xp, ct, out, x: 3 * ct * x**3,
    x34,
)
plant("arithmetic", "square", "factor", lambda xp, x: x * x, lambda xp, ct, out, x: ct * x, x34)
plant(
    "arithmetic",
    "square",
    "right at one point only",
    lambda xp, x: x * x,
    lambda xp, ct, out, x: 2.0 * ct,
    np.ones((2, 2)),
)
plant(
    "arithmetic",
    "square",
    "right at zero only",
    lambda xp, x: x * x,
    lambda xp, ct, out, x: 0.0 * ct,
    np.zeros(3),
)
plant("arithmetic", "negative", "sign", lambda xp, x: -x, lambda xp, ct, out, x: ct, x34)
plant(
    "arithmetic",
    "absolute",
    "wrong only for negative inputs",
    lambda xp, x: xp.abs(x),
    lambda xp, ct, out, x: ct,
    x34,
)
plant(
    "arithmetic",
    "absolute",
    "wrong next to a kink",
    lambda xp, x: xp.abs(x),
    lambda xp, ct, out, x: ct * xp.where(x > 1e-3, 1.0, -1.0),
    np.array([-1.0, 5e-4, 0.5]),
)
plant(
    "arithmetic",
    "absolute",
    "outside of the interval at a kink",
    lambda xp, x: xp.abs(x),
    lambda xp, ct, out, x: ct * xp.where(x > 0, 1.0, xp.where(x < 0, -1.0, 1.5)),
    np.array([-1.0, 0.0, 0.5]),
)

# Elementary functions
plant(
    "elementary",
    "exp",
    "factor",
    lambda xp, x: xp.exp(x),
    lambda xp, ct, out, x: 2.0 * ct * out,
    x34,
)
plant(
    "elementary",
    "exp",
    "cotangent forgotten",
    lambda xp, x: xp.exp(x),
    lambda xp, ct, out, x: out,
    x34,
)
plant(
    "elementary",
    "sum of exp",
    "cotangent forgotten",
    lambda xp, x: xp.sum(xp.exp(x)),
    lambda xp, ct, out, x: xp.exp(x),
    x34,
)
plant(
    "elementary",
    "log",
    "domain ignored",
    lambda xp, x: xp.log(xp.abs(x)),
    lambda xp, ct, out, x: ct / xp.abs(x),
    x34,
)
plant(
    "elementary", "cos", "sign", lambda xp, x: xp.cos(x), lambda xp, ct, out, x: ct * xp.sin(x), x34
)
plant(
    "elementary",
    "tanh",
    "a square is missing",
    lambda xp, x: xp.tanh(x),
    lambda xp, ct, out, x: ct * (1 - out),
    x34,
)
plant(
    "elementary", "sqrt", "factor", lambda xp, x: xp.sqrt(x), lambda xp, ct, out, x: ct / out, p34
)
plant(
    "elementary",
    "sin",
    "wrong in one entry",
    lambda xp, x: xp.sin(x),
    lambda xp, ct, out, x: ct * xp.cos(x) * xp.array(1.0 + 0.01 * np.eye(3, 4)),
    x34,
)
plant(
    "elementary",
    "sin",
    "slightly off",
    lambda xp, x: xp.sin(x),
    lambda xp, ct, out, x: 1.0001 * ct * xp.cos(x),
    x34,
)
plant(
    "elementary",
    "sin",
    "off by a millionth",
    lambda xp, x: xp.sin(x),
    lambda xp, ct, out, x: 1.000001 * ct * xp.cos(x),
    x34,
)
plant(
    "elementary",
    "sin",
    "dtype lost",
    lambda xp, x: xp.sin(x),
    lambda xp, ct, out, x: xp.single(ct * xp.cos(x)),
    x34,
)
plant(
    "elementary",
    "arctan",
    "wrong only for negative inputs",
    lambda xp, x: xp.arctan(x),
    lambda xp, ct, out, x: ct * xp.where(x > 0, 1 / (1 + x * x), 1.0),
    x34,
)
plant(
    "elementary",
    "exp",
    "not linear in the cotangent",
    lambda xp, x: xp.sum(xp.exp(x)),
    lambda xp, ct, out, x: ct * ct * xp.exp(x),
    x34,
)
plant(
    "elementary",
    "expm1",
    "wrong where tiny",
    lambda xp, x: xp.exp(x) - 1,
    lambda xp, ct, out, x: ct * xp.where(xp.abs(x) < 1e-4, 0.0 * x, out + 1),
    np.array([1e-6, 0.5, -1e-5]),
)

# Activations
plant(
    "activations",
    "sigmoid",
    "forgotten term",
    lambda xp, x: 1 / (1 + xp.exp(-x)),
    lambda xp, ct, out, x: ct * out,
    x34,
)
plant(
    "activations",
    "relu",
    "wrong only for negative inputs",
    lambda xp, x: x * (x > 0),
    lambda xp, ct, out, x: ct,
    x34,
)
plant(
    "activations",
    "softplus",
    "sign inside",
    lambda xp, x: xp.log(1 + xp.exp(x)),
    lambda xp, ct, out, x: ct / (1 + xp.exp(x)),
    x34,
)
plant(
    "activations",
    "leaky relu",
    "slope of the wrong side",
    lambda xp, x: xp.where(x > 0, x, 0.1 * x),
    lambda xp, ct, out, x: ct * xp.where(x > 0, 0.1, 1.0),
    x34,
)

# Reductions
plant(
    "reductions",
    "mean",
    "missing 1/m",
    lambda xp, x: xp.mean(x, axis=0),
    lambda xp, ct, out, x: ct + 0.0 * x,
    x34,
)
plant(
    "reductions",
    "mean",
    "divided by the wrong length",
    lambda xp, x: xp.mean(x, axis=0),
    lambda xp, ct, out, x: (ct + 0.0 * x) / x.shape[1],
    x34,
)
plant(
    "reductions",
    "sum",
    "spread along the wrong axis",
    lambda xp, x: xp.sum(x, axis=0),
    lambda xp, ct, out, x: xp.reshape(ct, (4, 1)) + 0.0 * x,
    x44,
)
plant(
    "reductions",
    "prod",
    "divided by the element twice",
    lambda xp, x: xp.prod(x),
    lambda xp, ct, out, x: ct * out / (x * x),
    x3,
)
plant(
    "reductions",
    "max",
    "to every element",
    lambda xp, x: xp.max(x),
    lambda xp, ct, out, x: ct + 0.0 * x,
    x3,
)
plant(
    "reductions",
    "var",
    "mean not subtracted",
    lambda xp, x: xp.mean((x - xp.mean(x)) ** 2),
    lambda xp, ct, out, x: 2 * ct * x / 12,
    x34,
)
plant(
    "reductions",
    "cumsum",
    "not reversed",
    lambda xp, x: xp.cumsum(x, axis=0),
    lambda xp, ct, out, x: xp.cumsum(ct, axis=0),
    x3,
)
plant(
    "reductions",
    "bias of nothing",
    "wrong for 0-size",
    lambda xp, x, b: xp.mean(x * b, axis=1),
    lambda xp, ct, out, x, b: (
        0.0 * x,
        xp.sum(0.0 * x, axis=0) / x.shape[0] if x.shape[0] else xp.ones_like(b),
    ),
    np.zeros((0, 3)),
    x3,
)
plant(
    "reductions",
    "sum of nothing",
    "wrong for 0-size",
    lambda xp, x, b: xp.sum(x + b, axis=0),
    lambda xp, ct, out, x, b: (0.0 * x + ct, ct * max(x.shape[0], 1)),
    np.zeros((0, 3)),
    x3,
)
plant(
    "log_sums",
    "logsumexp",
    "not normalised",
    lambda xp, x: xp.log(xp.sum(xp.exp(x))),
    lambda xp, ct, out, x: ct * xp.exp(x),
    x3,
)
plant(
    "log_sums",
    "log softmax",
    "forgotten term",
    lambda xp, x: x - xp.log(xp.sum(xp.exp(x))),
    lambda xp, ct, out, x: ct,
    x3,
)

# Products
plant(
    "products",
    "matmul",
    "transposed",
    lambda xp, x, W: xp.matmul(x, W),
    lambda xp, ct, out, x, W: (xp.matmul(ct, W), xp.matmul(xp.swapaxes(x, 0, 1), ct)),
    x34,
    x44,
)
plant(
    "products",
    "matmul",
    "weight transposed",
    lambda xp, x, W: xp.matmul(x, W),
    lambda xp, ct, out, x, W: (
        xp.matmul(ct, xp.swapaxes(W, 0, 1)),
        xp.swapaxes(xp.matmul(xp.swapaxes(x, 0, 1), ct), 0, 1),
    ),
    x34,
    x44,
)
plant(
    "products",
    "affine",
    "bias not summed over the batch",
    lambda xp, x, W, b: xp.matmul(x, W) + b,
    lambda xp, ct, out, x, W, b: (
        xp.matmul(ct, xp.swapaxes(W, 0, 1)),
        xp.matmul(xp.swapaxes(x, 0, 1), ct),
        ct[0],
    ),
    x34,
    x44,
    x4,
)
plant(
    "products",
    "dot",
    "one argument forgotten",
    lambda xp, a, b: xp.dot(a, b),
    lambda xp, ct, out, a, b: (ct * b, 0.0 * a),
    x3,
    b3,
)
plant(
    "products",
    "outer",
    "transposed",
    lambda xp, a, b: xp.outer(a, b),
    lambda xp, ct, out, a, b: (xp.matmul(xp.swapaxes(ct, 0, 1), b), xp.matmul(ct, a)),
    x3,
    b3,
)
plant(
    "matrix_products",
    "x'Ax",
    "A taken for symmetric",
    lambda xp, x, A: xp.dot(x, xp.matmul(A, x)),
    lambda xp, ct, out, x, A: (2 * ct * xp.matmul(A, x), ct * xp.outer(x, x)),
    x3,
    A3,
)
plant(
    "subscripts",
    "einsum",
    "transposed",
    lambda xp, a, b: xp.einsum("ij,jk->ik", a, b),
    lambda xp, ct, out, a, b: (xp.einsum("ik,kj->ij", ct, b), xp.einsum("ij,ik->jk", a, ct)),
    x44,
    uniform(4, 4, seed=2),
)

# Shapes, joining, indexing, selection
plant(
    "shaping",
    "transpose",
    "not transposed back",
    lambda xp, x: xp.swapaxes(x, 0, 1),
    lambda xp, ct, out, x: ct,
    x44,
)
plant(
    "shaping",
    "reshape",
    "in the wrong order",
    lambda xp, x: xp.reshape(x, (4, 3)),
    lambda xp, ct, out, x: xp.swapaxes(ct, 0, 1),
    x34,
)
plant(
    "shaping",
    "flip",
    "not flipped back",
    lambda xp, x: xp.flip(x, (0,)),
    lambda xp, ct, out, x: ct,
    x3,
)
plant(
    "joining",
    "concatenate",
    "parts swapped",
    lambda xp, a, b: xp.concatenate((a, b)),
    lambda xp, ct, out, a, b: (ct[3:], ct[:3]),
    x3,
    b3,
)
plant(
    "joining",
    "stack",
    "same part for both",
    lambda xp, a, b: xp.stack((a, b)),
    lambda xp, ct, out, a, b: (ct[0], ct[0]),
    x3,
    b3,
)
plant(
    "indexing",
    "slice",
    "shifted by one",
    lambda xp, x: x[:3],
    lambda xp, ct, out, x: xp.concatenate((0.0 * x[:1], ct)),
    x4,
)
plant(
    "indexing",
    "gather",
    "repeated index counted once",
    lambda xp, x: xp.stack((x[0], x[0], x[2])),
    lambda xp, ct, out, x: xp.stack((ct[0], 0.0 * x[1], ct[2], 0.0 * x[3])),
    x4,
)
plant(
    "selection",
    "where",
    "branches swapped",
    lambda xp, a, b: xp.where(a > 0, a, b),
    lambda xp, ct, out, a, b: (ct * (a <= 0), ct * (a > 0)),
    x3,
    b3,
)
plant(
    "selection",
    "maximum",
    "to both",
    lambda xp, a, b: xp.maximum(a, b),
    lambda xp, ct, out, a, b: (ct, ct),
    x3,
    b3,
)
plant(
    "selection",
    "clip",
    "not cut off",
    lambda xp, x: xp.clip(x, -0.5, 0.5),
    lambda xp, ct, out, x: ct,
    x34,
)

# Losses
plant(
    "losses",
    "bce with logits",
    "labels forgotten",
    lambda xp, z: xp.mean(xp.log(1 + xp.exp(z)) - z * xp.array(np.eye(3)[0])),
    lambda xp, ct, out, z: ct / (1 + xp.exp(-z)) / 3,
    x3,
)
plant(
    "losses",
    "mse",
    "missing 1/m",
    lambda xp, y: xp.mean((y - 1.0) ** 2),
    lambda xp, ct, out, y: 2 * ct * (y - 1.0),
    x34,
)
plant(
    "losses",
    "huber",
    "wrong outside",
    lambda xp, r: xp.sum(xp.where(xp.abs(r) < 1, 0.5 * r * r, xp.abs(r) - 0.5)),
    lambda xp, ct, out, r: ct * r,
    x34,
)

# Linear algebra
plant(
    "norms",
    "norm",
    "not divided",
    lambda xp, x: xp.sqrt(xp.sum(x * x)),
    lambda xp, ct, out, x: ct * x,
    x34,
)
plant(
    "linalg",
    "solve",
    "sign",
    lambda xp, A, b: xp.linalg.solve(A, b),
    lambda xp, ct, out, A, b: (
        xp.outer(xp.linalg.solve(xp.swapaxes(A, 0, 1), ct), out),
        xp.linalg.solve(xp.swapaxes(A, 0, 1), ct),
    ),
    A3,
    b3,
)
plant(
    "linalg",
    "solve",
    "not transposed",
    lambda xp, A, b: xp.linalg.solve(A, b),
    lambda xp, ct, out, A, b: (-xp.outer(xp.linalg.solve(A, ct), out), xp.linalg.solve(A, ct)),
    A3,
    b3,
)
plant(
    "linalg",
    "inv",
    "one factor missing",
    lambda xp, A: xp.linalg.inv(A),
    lambda xp, ct, out, A: -xp.matmul(xp.swapaxes(out, 0, 1), ct),
    A3,
)
plant(
    "determinants",
    "det",
    "inverse not transposed",
    lambda xp, A: xp.linalg.det(A),
    lambda xp, ct, out, A: ct * out * xp.linalg.inv(A),
    A3,
)
plant(
    "decompositions",
    "cholesky of AA'",
    "upper triangle kept",
    lambda xp, A: xp.linalg.cholesky(xp.matmul(A, xp.swapaxes(A, 0, 1))),
    lambda xp, ct, out, A: xp.matmul(ct, A),
    A3,
)
plant(
    "eigen",
    "largest eigenvalue of AA'",
    "factor",
    lambda xp, A: xp.linalg.eigvalsh(xp.matmul(A, xp.swapaxes(A, 0, 1)))[-1],
    lambda xp, ct, out, A: ct * A,
    A3,
)
plant(
    "singular",
    "nuclear norm",
    "of the square",
    lambda xp, A: xp.sum(xp.sqrt(xp.linalg.eigvalsh(xp.matmul(A, xp.swapaxes(A, 0, 1))))),
    lambda xp, ct, out, A: 2 * ct * A,
    A3,
)
plant(
    "matrices",
    "trace",
    "whole matrix",
    lambda xp, A: xp.trace(A),
    lambda xp, ct, out, A: ct + 0.0 * A,
    A3,
)
plant(
    "fft",
    "power spectrum",
    "missing n",
    lambda xp, x: xp.abs(xp.fft.fft(x)) ** 2 + 0.0 * x,
    lambda xp, ct, out, x: 2 * xp.real(xp.fft.ifft(ct * xp.fft.fft(x))),
    x4,
)


# Second order: the first derivative is right
def nested(
    family: str, function: str, kind: str, f: Any, slope: Any, wrong: Any, *args: Any
) -> None:
    """Plant a rule for f whose slope is a function with a wrong rule of its own."""

    def vjp(xp: Any, ct: Any, out: Any, x: Any) -> Any:
        inner = xp.custom(lambda x: slope(xp, x), lambda ct, out, x: wrong(xp, ct, out, x), 1)
        return ct * inner(x)

    plant(family, function, kind, f, vjp, *args, order=2)


nested(
    "elementary",
    "sin",
    "slope's sign",
    lambda xp, x: xp.sin(x),
    lambda xp, x: xp.cos(x),
    lambda xp, ct, out, x: ct * xp.sin(x),
    x34,
)
nested(
    "elementary",
    "exp",
    "slope is constant",
    lambda xp, x: xp.exp(x),
    lambda xp, x: xp.exp(x),
    lambda xp, ct, out, x: 0.0 * x,
    x34,
)
nested(
    "arithmetic",
    "cube",
    "slope's factor",
    lambda xp, x: x**3,
    lambda xp, x: 3 * x**2,
    lambda xp, ct, out, x: ct * 3 * x,
    x34,
)
nested(
    "arithmetic",
    "reciprocal",
    "slope's power",
    lambda xp, x: 1 / x,
    lambda xp, x: -1 / x**2,
    lambda xp, ct, out, x: 2 * ct / x**2,
    p34,
)
nested(
    "activations",
    "sigmoid",
    "slope's forgotten term",
    lambda xp, x: 1 / (1 + xp.exp(-x)),
    lambda xp, x: xp.exp(-x) / (1 + xp.exp(-x)) ** 2,
    lambda xp, ct, out, x: ct * out,
    x34,
)
nested(
    "activations",
    "softplus",
    "slope wrong only for negative inputs",
    lambda xp, x: xp.log(1 + xp.exp(x)),
    lambda xp, x: 1 / (1 + xp.exp(-x)),
    lambda xp, ct, out, x: ct * out * (1 - out) * (x > 0),
    x34,
)
nested(
    "elementary",
    "log",
    "slope's sign",
    lambda xp, x: xp.log(x),
    lambda xp, x: 1 / x,
    lambda xp, ct, out, x: ct / x**2,
    p34,
)
nested(
    "log_sums",
    "logsumexp",
    "slope's coupling forgotten",
    lambda xp, x: xp.log(xp.sum(xp.exp(x))),
    lambda xp, x: xp.exp(x) / xp.sum(xp.exp(x)),
    lambda xp, ct, out, x: ct * out,
    x3,
)
nested(
    "norms",
    "norm",
    "slope's coupling forgotten",
    lambda xp, x: xp.sqrt(xp.sum(x * x)),
    lambda xp, x: x / xp.sqrt(xp.sum(x * x)),
    lambda xp, ct, out, x: ct / xp.sqrt(xp.sum(x * x)),
    x3,
)
nested(
    "determinants",
    "det",
    "slope taken for constant",
    lambda xp, A: xp.linalg.det(A),
    lambda xp, A: xp.linalg.det(A) * xp.swapaxes(xp.linalg.inv(A), 0, 1),
    lambda xp, ct, out, A: 0.0 * A,
    A3,
)


def _cotangent_lost(xp: Any, ct: Any, out: Any, x: Any) -> Any:
    """The cotangent passes through a function with a wrong rule."""
    through = xp.custom(lambda c: 1.0 * c, lambda ct, out, c: 2.0 * ct, 1)
    return through(ct) * xp.cos(x)


plant(
    "elementary",
    "sin",
    "wrong by the cotangent",
    lambda xp, x: xp.sin(x),
    _cotangent_lost,
    x34,
    order=2,
)


# Arrays that are changed in place
def _changes_cotangent(xp: Any, ct: Any, out: Any, x: Any) -> Any:
    ct *= 2.0
    return ct * xp.cos(x)


def _changes_argument(xp: Any, x: Any) -> Any:
    x *= 2.0
    return xp.sum(x * x)


plant(
    "elementary",
    "sin",
    "cotangent changed in place",
    lambda xp, x: xp.sin(x),
    _changes_cotangent,
    x34,
)
FAULTS.append(
    Fault(
        "arithmetic",
        "sum of squares",
        "argument changed in place",
        lambda xp: lambda x: _changes_argument(xp, x),
        (x34,),
    )
)


class _Caller:
    """NumPy's functions under the engine."""

    name = "tinygrad_bp"
    __slots__ = ()

    def __getattr__(self, name: str) -> Any:
        return getattr(np, name)

    @staticmethod
    def array(value: Any) -> Any:
        return np.asarray(value)

    @staticmethod
    def single(value: Any) -> Any:
        return value.astype(np.float32)

    @staticmethod
    def custom(f: Any, vjp: Any, count: int) -> Any:
        import tinygrad_bp as tg

        return tg.differentiable(f, vjp=vjp)


OURS = _Caller()
